//! Where what is received is seen: a proxy before the collector's service, which takes what its gate said off the answer; or a service's own word.

use super::book::{Access, Book};
use super::settings::{Door, DoorKind};
use super::token::Token;
use crate::doors::headers::clean;
use crate::doors::own::Onward;
use crate::doors::proxy::{ACCESS, said};
use crate::ledger::Ledger;
use crate::passing::{Looks, Passing};
use crate::rows::{Counter, Rows};
use crate::secret::shown;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use liuhen_client::clock::now;
use liuhen_proto::types::ChainId;
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;

/// The cookie in which a gate behind Traefik says it.
const COOKIE: &str = "liuhen-access=";

/// What doors share.
#[derive(Clone)]
pub struct Using {
    /// Where it is kept.
    pub book: Book,
    /// The chain.
    pub chain: ChainId,
    /// The ledger.
    pub ledger: Arc<Ledger>,
}

/// A door. Errors for what can't be meant.
pub fn router(door: &Door, using: Using) -> anyhow::Result<Router> {
    match door.kind {
        DoorKind::Own => {
            let upstream = door.upstream.clone().unwrap_or_default();
            let onward = Onward::to(&door.name, &upstream)?;
            let own =
                Own { name: door.name.as_str().into(), using, onward, rows: door.rows.clone() };
            Ok(Router::new().fallback(pass).with_state(own))
        }
        DoorKind::Api => {
            let secret = door.secret.as_ref().map_or(Ok(String::new()), |it| shown(it))?;
            let api = Api { using, secret: blake3::hash(secret.as_bytes()) };
            Ok(Router::new().route("/v1/acknowledge", post(acknowledge)).with_state(api))
        }
    }
}

#[derive(Clone)]
struct Own {
    name: Arc<str>,
    using: Using,
    onward: Onward,
    rows: Option<Rows>,
}

/// Passes a request on, and keeps what comes back with the answer before the application has it.
async fn pass(
    State(own): State<Own>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let response = match own.onward.ask(request, from, own.rows.is_some()).await {
        Ok(response) => response,
        Err(error) => {
            tracing::warn!(door = &*own.name, %error, "the collector's service does not answer");
            return StatusCode::BAD_GATEWAY.into_response();
        }
    };
    let mut response = response;
    let text = access_of(response.headers());
    without_access(response.headers_mut());
    let Some(text) = text else { return response };
    let Some(token) = Token::read(&text).filter(|it| !it.is_ahead(now())) else {
        own.using.book.unread();
        tracing::warn!(door = &*own.name, "what came with an answer is no access of a gate");
        return response;
    };
    // What is not on disk is not received: the application asks again.
    if let Err(error) = own.using.book.note(&token, None).await {
        tracing::error!(door = &*own.name, error, "what was received can't be kept");
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let packed = response.headers().get(header::CONTENT_ENCODING);
    let is_plain = packed.is_none_or(|it| it.as_bytes() == b"identity");
    let counter = own.rows.as_ref().filter(|_| is_plain && response.status().is_success());
    let ending = Ending {
        book: own.using.book.clone(),
        access: (token.gateway, token.access_no),
        counter: counter.map(Counter::new),
        is_over: false,
    };
    response.map(|body| Body::new(Passing::new(body, ending)))
}

/// What a gate said of an answer, in its header or in a cookie.
fn access_of(headers: &HeaderMap) -> Option<String> {
    let header = Some(said(headers, ACCESS)).filter(|it| !it.is_empty());
    header.or_else(|| {
        let all = headers.get_all(header::SET_COOKIE).iter().filter_map(|it| it.to_str().ok());
        let own = all.filter_map(|it| it.strip_prefix(COOKIE)).next()?;
        Some(own.split(';').next().unwrap_or_default().to_owned())
    })
}

/// Takes off an answer what a gate said, and what is of the connection alone.
fn without_access(headers: &mut HeaderMap) {
    let is_own = |it: &HeaderValue| it.as_bytes().starts_with(COOKIE.as_bytes());
    let others: Vec<HeaderValue> =
        headers.get_all(header::SET_COOKIE).iter().filter(|it| !is_own(it)).cloned().collect();
    headers.remove(header::SET_COOKIE);
    for it in others {
        headers.append(header::SET_COOKIE, it);
    }
    clean(headers);
}

/// How it ends: told once, also where the application is gone before.
struct Ending {
    book: Book,
    access: Access,
    counter: Option<Counter>,
    is_over: bool,
}

impl Looks for Ending {
    fn take(&mut self, bytes: &[u8]) {
        if let Some(counter) = &mut self.counter {
            counter.take(bytes);
        }
    }

    fn over(&mut self, is_whole: bool) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        let rows = self.counter.as_ref().and_then(|it| it.count(is_whole));
        let (book, access) = (self.book.clone(), self.access);
        // Where it is stopping nobody is there to write it: it is acknowledged after a minute, rows unknown.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            if let Err(error) = book.end(access, rows).await {
                tracing::error!(error, "how an access ended can't be kept");
            }
        });
    }
}

#[derive(Clone)]
struct Api {
    using: Using,
    secret: blake3::Hash,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Acknowledge {
    /// What the gate gave with the answer.
    access: String,
    #[serde(default)]
    rows: Option<u64>,
}

/// A service received something: it is on disk when this is answered.
async fn acknowledge(State(api): State<Api>, headers: HeaderMap, body: Bytes) -> Response {
    let shown = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
    let shown = shown.and_then(|it| it.strip_prefix("Bearer ")).unwrap_or_default();
    // By digest: the time it takes tells nothing of the secret.
    if blake3::hash(shown.as_bytes()) != api.secret {
        return told(StatusCode::UNAUTHORIZED, &json!({ "error": "the door's secret is needed" }));
    }
    let it: Acknowledge = match serde_json::from_slice(&body) {
        Ok(it) => it,
        Err(error) => {
            return told(StatusCode::BAD_REQUEST, &json!({ "error": error.to_string() }));
        }
    };
    let Some(token) = Token::read(&it.access).filter(|it| !it.is_ahead(now())) else {
        api.using.book.unread();
        let why = "access: gateway;number;grant;receipt, as the gate gave it, is needed";
        return told(StatusCode::BAD_REQUEST, &json!({ "error": why }));
    };
    match api.using.book.note(&token, Some(it.rows)).await {
        Ok(()) => told(StatusCode::ACCEPTED, &json!({ "kept": true })),
        Err(error) => told(StatusCode::SERVICE_UNAVAILABLE, &json!({ "error": error })),
    }
}

fn told(status: StatusCode, what: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (status, headers, what.to_string()).into_response()
}
