//! The header log over HTTP, as C2SP tlog-tiles has it: `/checkpoint`, `/tile/<level>/<index>` and
//! `/tile/entries/<index>`, whole or partial. Entries are headers of 288 bytes. Beside it the [probes](crate::health).

use crate::api::{Shared, listener::Listener};
use crate::app::TILE_WIDTH;
use crate::health;
use crate::limits::Client;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::time::Duration;
use tokio_stream::StreamExt;
use tokio_util::sync::CancellationToken;

/// Whole tiles never change; partial ones neither, but they go out of use.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";
const SECONDS: &str = "public, max-age=2";

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tile {
    /// Hashes of a level.
    Hashes { level: u32, index: u64, width: u64 },
    /// Headers.
    Entries { index: u64, width: u64 },
}

/// A request's head must have come within this time; so must the next on a connection.
const HEAD_WITHIN: Duration = Duration::from_secs(10);

/// Serves until told to stop.
pub(crate) async fn serve(listener: Listener, shared: Shared, stop: CancellationToken) {
    let routes = Router::new()
        .route("/checkpoint", get(checkpoint))
        .route("/tile/{*path}", get(tile))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .with_state(shared);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
    let mut connections = listener.into_stream();
    loop {
        let connection = tokio::select! {
            () = stop.cancelled() => return,
            connection = connections.next() => connection,
        };
        let Some(connection) = connection else { return };
        let routes = routes.clone().layer(Extension(Client::Address(connection.from())));
        let service = TowerToHyperService::new(routes);
        let serving = http.serve_connection(TokioIo::new(connection), service);
        let stop = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                ended = serving => if let Err(error) = ended {
                    tracing::debug!(%error, "a connection for tiles ended");
                },
            }
        });
    }
}

async fn checkpoint(State(shared): State<Shared>) -> Response {
    let Some(note) = shared.published(0, false) else {
        let why = "no checkpoint was cosigned by enough validators yet\n";
        return (StatusCode::SERVICE_UNAVAILABLE, why).into_response();
    };
    let kind = "text/plain; charset=utf-8";
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, SECONDS)];
    (headers, note.to_string()).into_response()
}

async fn tile(
    State(shared): State<Shared>,
    Extension(client): Extension<Client>,
    Path(path): Path<String>,
) -> Response {
    let none = || (StatusCode::NOT_FOUND, "no such tile\n").into_response();
    let Some(tile) = parse(&path) else { return none() };
    let found = shared
        .read(client, move |chain| match tile {
            Tile::Hashes { level, index, width } => Ok(chain.tile(level, index, width)),
            Tile::Entries { index, width } => chain.entries(index, width),
        })
        .await;
    match found {
        Ok(Some(bytes)) => {
            let kind = "application/octet-stream";
            let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, FOR_GOOD)];
            (headers, bytes).into_response()
        }
        Ok(None) => none(),
        Err(status) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", status.message())).into_response()
        }
    }
}

/// `<level>/<index>[.p/<width>]`, the level a number to 63 or `entries`.
fn parse(path: &str) -> Option<Tile> {
    let (path, width) = match path.split_once(".p/") {
        Some((path, width)) => (path, plain(width).filter(|it| (1..TILE_WIDTH).contains(it))?),
        None => (path, TILE_WIDTH),
    };
    let (level, index) = path.split_once('/')?;
    let index = index_of(index)?;
    match level {
        "entries" => Some(Tile::Entries { index, width }),
        level => {
            let level = u32::try_from(plain(level).filter(|it| *it <= 63)?).ok()?;
            Some(Tile::Hashes { level, index, width })
        }
    }
}

/// A decimal without zeros in front.
fn plain(digits: &str) -> Option<u64> {
    let number: u64 = digits.parse().ok()?;
    (number.to_string() == digits).then_some(number)
}

/// Groups of three digits, all but the last behind an `x`: `x001/x234/067`.
fn index_of(path: &str) -> Option<u64> {
    let (before, last) = path.rsplit_once('/').map_or(("", path), |(a, b)| (a, b));
    let groups = before.split('/').filter(|_| !before.is_empty()).map(|it| it.strip_prefix('x'));
    let mut index = 0u64;
    for group in groups.chain([Some(last)]) {
        let group = group.filter(|it| it.len() == 3 && it.bytes().all(|it| it.is_ascii_digit()))?;
        index = index.checked_mul(1000)?.checked_add(group.parse().ok()?)?;
    }
    // The first of several groups is not zero: an index has one path.
    (before.is_empty() || !before.starts_with("x000")).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let hashes = |level, index, width| Some(Tile::Hashes { level, index, width });
        assert_eq!(parse("0/000"), hashes(0, 0, 256));
        assert_eq!(parse("63/x001/x234/067"), hashes(63, 1_234_067, 256));
        assert_eq!(parse("1/012.p/7"), hashes(1, 12, 7));
        assert_eq!(parse("entries/000.p/255"), Some(Tile::Entries { index: 0, width: 255 }));
        let bad = [
            "",
            "0",
            "0/",
            "0/0",
            "0/0000",
            "0/x000/001",
            "0/001/002",
            "0/x001",
            "64/000",
            "00/000",
            "+1/000",
            "-1/000",
            "0/000.p/0",
            "0/000.p/256",
            "0/000.p/07",
            "0/000.p/",
            "0/000.p/1/2",
            "0/x999/x999/x999/x999/x999/x999/x999/999",
            "entries/+01",
            "entries/..",
            "0/00\u{0663}",
        ];
        for path in bad {
            assert_eq!(parse(path), None, "{path}");
        }
    }
}
