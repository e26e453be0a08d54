//! The gate's own door: a reverse proxy before the service. What the service answers passes as it comes; rows are counted and its digest is made
//! on the way. What the client says of itself in headers of ours is taken off, and so is what the service says in them.

use super::proxy::{ACCESS, of_client};
use crate::asked::Asked;
use crate::gate::{Gate, Rows, Seen};
use crate::passing::{Looks, Passing};
use crate::rows::Counter;
use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::uri::{Authority, PathAndQuery, Scheme};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use liuhen_client::submit::random;
use liuhen_proto::suite::hash::SaltedDigest;
use std::net::SocketAddr;
use std::sync::Arc;

/// Rows, by the service's word: it counts more than what is counted here.
const ROWS: &str = "x-liuhen-rows";
/// Headers of ours begin so.
const OURS: &str = "x-liuhen-";
/// What is said of a connection is not of the next one.
const OF_CONNECTION: [HeaderName; 6] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

#[derive(Clone)]
struct Own {
    name: Arc<str>,
    gate: Arc<Gate>,
    onward: Onward,
}

/// The door of this name before a service. Errors for what is no `http://host:port`.
pub fn router(name: &str, gate: Arc<Gate>, upstream: &str) -> anyhow::Result<Router> {
    let own = Own { name: name.into(), gate, onward: Onward::to(name, upstream)? };
    Ok(Router::new().fallback(pass).with_state(own))
}

async fn pass(
    State(own): State<Own>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let Ok(name) = random::<16>().map(hex::encode) else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let asked = Asked {
        request: name.clone(),
        method: request.method().to_string(),
        uri: request.uri().path_and_query().map_or("/", PathAndQuery::as_str).to_owned(),
        address: Some(from.ip().to_canonical()),
        certificate: String::new(),
        headers: of_client(request.headers()),
    };
    let rows = own.gate.rows_of(&own.name, &asked);
    let (counter, says_whose) =
        (rows.map(Counter::new), rows.is_some_and(|it| it.subject().is_some()));
    let answer = own.gate.decide(&own.name, asked).await;
    if !answer.serve {
        let body = serde_json::json!({ "error": "denied", "reason": answer.reason }).to_string();
        let kind = [(header::CONTENT_TYPE, "application/json")];
        return (StatusCode::FORBIDDEN, kind, body).into_response();
    }
    // What is told as it passes, of what has a number.
    let salt = answer.access_no.and_then(|it| own.gate.salt_of(it));
    let ending = Ending {
        gate: Arc::clone(&own.gate),
        door: Arc::clone(&own.name),
        name,
        counter,
        says_whose,
        stated: None,
        digest: salt.map(|it| SaltedDigest::new(&it)),
        is_failed: false,
        is_over: salt.is_none(),
    };
    // Rows can be counted in what is not packed alone.
    match own.onward.ask(request, from, true).await {
        Ok(response) => ending.passing(response, answer.token.as_deref()),
        Err(error) => {
            tracing::warn!(door = &*own.name, %error, "the service does not answer");
            ending.failed();
            StatusCode::BAD_GATEWAY.into_response()
        }
    }
}

/// A service that requests are passed on to.
#[derive(Clone)]
pub struct Onward {
    upstream: Authority,
    client: Client<HttpConnector, Body>,
}

impl Onward {
    /// To this service, for the door of this name. Errors for what is no `http://host:port`.
    pub fn to(name: &str, upstream: &str) -> anyhow::Result<Self> {
        let wrong = || format!("door {name}: upstream {upstream}: http://host:port is wanted");
        let uri: Uri = upstream.parse().with_context(wrong)?;
        anyhow::ensure!(uri.scheme() == Some(&Scheme::HTTP) && uri.path() == "/", wrong());
        let upstream = uri.authority().with_context(wrong)?.clone();
        Ok(Self { upstream, client: Client::builder(TokioExecutor::new()).build_http() })
    }

    /// Passes a request on; `unpacked`: the answer is not to be packed.
    pub async fn ask(
        &self,
        request: Request,
        from: SocketAddr,
        unpacked: bool,
    ) -> Result<Response, hyper_util::client::legacy::Error> {
        let response = self.client.request(self.onward(request, from, unpacked)).await?;
        Ok(response.map(Body::new))
    }

    /// The request as the service gets it.
    fn onward(&self, request: Request, from: SocketAddr, unpacked: bool) -> Request {
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().cloned();
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(self.upstream.clone());
        let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
        parts.uri = uri.path_and_query(path).build().unwrap_or_default();
        clean(&mut parts.headers);
        if unpacked {
            parts.headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        if let Ok(from) = HeaderValue::from_str(&from.ip().to_canonical().to_string()) {
            parts.headers.insert("x-forwarded-for", from);
        }
        parts.version = axum::http::Version::HTTP_11;
        Request::from_parts(parts, body)
    }
}

/// Takes off what is of the connection alone, and what is ours.
pub fn clean(headers: &mut HeaderMap) {
    let of_connection: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|it| it.to_str().ok())
        .flat_map(|it| it.split(','))
        .filter_map(|it| it.trim().parse().ok())
        .collect();
    let ours = headers.keys().filter(|it| it.as_str().starts_with(OURS)).cloned();
    let all: Vec<HeaderName> = ours.chain(of_connection).chain(OF_CONNECTION).collect();
    for name in all {
        headers.remove(name);
    }
}

/// How an access ends: told once, also where the client is gone before.
struct Ending {
    gate: Arc<Gate>,
    door: Arc<str>,
    name: String,
    counter: Option<Counter>,
    /// Whether it stands in the rows whose they are.
    says_whose: bool,
    /// Rows, by the service's word.
    stated: Option<u64>,
    digest: Option<SaltedDigest>,
    /// What the service answers is no success.
    is_failed: bool,
    is_over: bool,
}

impl Ending {
    /// The response as the client gets it.
    fn passing(mut self, response: Response, token: Option<&str>) -> Response {
        let (mut parts, body) = response.into_parts();
        self.stated = parts.headers.get(ROWS).and_then(|it| it.to_str().ok()?.parse().ok());
        self.is_failed = parts.status.is_client_error() || parts.status.is_server_error();
        let packed = parts.headers.get(header::CONTENT_ENCODING);
        if packed.is_some_and(|it| it.as_bytes() != b"identity") {
            self.counter = None;
        }
        clean(&mut parts.headers);
        if let Some(token) = token.and_then(|it| HeaderValue::from_str(it).ok()) {
            parts.headers.insert(ACCESS, token);
        }
        Response::from_parts(parts, Body::new(Passing::new(body, self)))
    }

    /// Nothing was given.
    fn failed(mut self) {
        self.is_failed = true;
        self.over(true);
    }
}

impl Looks for Ending {
    fn take(&mut self, bytes: &[u8]) {
        if let Some(counter) = &mut self.counter {
            counter.take(bytes);
        }
        if let Some(digest) = &mut self.digest {
            digest.update(bytes);
        }
    }

    fn over(&mut self, is_whole: bool) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        let counted = self.counter.as_ref().and_then(|it| it.count(is_whole));
        let numbers = self.counter.as_mut().map(Counter::subjects).unwrap_or_default();
        let (rows, digest) = (self.stated.or(counted), self.digest.as_ref());
        let seen = Seen {
            rows: if self.is_failed { Rows::Failed } else { Rows::These(rows) },
            digest: digest.map(|it| it.finish().to_vec()).unwrap_or_default(),
            numbers: self.says_whose.then_some(numbers),
        };
        let (gate, door, name) =
            (Arc::clone(&self.gate), Arc::clone(&self.door), self.name.clone());
        // Where the gate is stopping nobody is there to write it: the access is closed later, rows unknown.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            if let Err(error) = gate.end_with(&door, &name, seen).await {
                tracing::error!(door = &*door, %error, "how a request ended can't be kept");
            }
        });
    }
}
