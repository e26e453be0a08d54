//! A proxy that asks before it passes a request on: nginx by `auth_request`, Caddy by `forward_auth`. What it says of the request stands
//! in headers that it sets itself, and a client can't.

use super::Door;
use crate::answer::Answer;
use crate::asked::Asked;
use crate::gate::Gate;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the proxy says of the request, in headers of these names.
const REQUEST: &str = "x-gate-request";
const METHOD: &str = "x-gate-method";
const URI: &str = "x-gate-uri";
const ADDRESS: &str = "x-gate-address";
pub(super) const SECRET: &str = "x-gate-secret";
const CERTIFICATE: &str = "x-gate-certificate";
/// What it is told, beside the status.
pub(crate) const ACCESS: &str = "x-liuhen-access";
pub(super) const NUMBER: &str = "x-liuhen-access-no";
const REASON: &str = "x-liuhen-reason";

/// The door of this name, for a proxy that shows this secret.
pub fn router(name: &str, gate: Arc<Gate>, secret: &str) -> Router {
    Router::new().fallback(ask).with_state(Door::new(name, gate, secret))
}

async fn ask(State(door): State<Door>, headers: HeaderMap) -> Response {
    if !door.admits(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let answer = door.gate.decide(&door.name, asked(&headers)).await;
    respond(&answer)
}

/// The request that the proxy describes.
fn asked(headers: &HeaderMap) -> Asked {
    Asked {
        request: said(headers, REQUEST),
        method: said(headers, METHOD),
        uri: said(headers, URI),
        address: said(headers, ADDRESS).parse().ok(),
        certificate: said(headers, CERTIFICATE),
        headers: of_client(headers),
    }
}

/// What a header says; nothing where it is not there, or no text.
pub(crate) fn said(headers: &HeaderMap, name: &str) -> String {
    let value = headers.get(name).and_then(|it| it.to_str().ok());
    value.unwrap_or_default().to_owned()
}

/// The client's own headers.
pub(super) fn of_client(headers: &HeaderMap) -> BTreeMap<String, String> {
    let one = |(name, value): (&HeaderName, &HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    headers.iter().filter_map(one).collect()
}

pub(super) fn respond(answer: &Answer) -> Response {
    let mut headers = HeaderMap::new();
    let number = answer.access_no.map(|it| it.to_string());
    let said = [(ACCESS, answer.token.as_ref()), (NUMBER, number.as_ref())];
    let reason = Some(&answer.reason).filter(|it| !it.is_empty());
    for (name, value) in said.into_iter().chain([(REASON, reason)]) {
        if let Some(value) = value.and_then(|it| HeaderValue::from_str(it).ok()) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    let status = if answer.serve { StatusCode::NO_CONTENT } else { StatusCode::FORBIDDEN };
    (status, headers).into_response()
}
