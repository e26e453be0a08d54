//! nginx asks by `auth_request`: what it says of the request stands in headers that it sets itself, and a client can't.

use super::Door;
use crate::answer::Answer;
use crate::asked::Asked;
use crate::gate::Gate;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// What nginx says of the request, in headers of these names.
const REQUEST: &str = "x-gate-request";
const METHOD: &str = "x-gate-method";
const URI: &str = "x-gate-uri";
const ADDRESS: &str = "x-gate-address";
const SECRET: &str = "x-gate-secret";
const CERTIFICATE: &str = "x-gate-certificate";
/// What it is told, beside the status.
const ACCESS: &str = "x-liuhen-access";
const NUMBER: &str = "x-liuhen-access-no";
const REASON: &str = "x-liuhen-reason";

/// The door of this name, for an nginx that shows this secret.
pub fn router(name: &str, gate: Arc<Gate>, secret: &str) -> Router {
    Router::new().fallback(ask).with_state(Door::new(name, gate, secret))
}

async fn ask(State(door): State<Door>, headers: HeaderMap) -> Response {
    let shown = headers.get(SECRET).and_then(|it| it.to_str().ok());
    if !door.is_shown(shown.unwrap_or_default()) {
        tracing::warn!(door = &*door.name, "somebody asked without the door's secret");
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let answer = door.gate.decide(&door.name, asked(&headers)).await;
    respond(&answer)
}

/// The request that nginx describes.
fn asked(headers: &HeaderMap) -> Asked {
    let said = |name: &str| {
        let value = headers.get(name).and_then(|it| it.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let of_client = |(name, value): (&HeaderName, &HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    Asked {
        request: said(REQUEST),
        method: said(METHOD),
        uri: said(URI),
        address: said(ADDRESS).parse().ok(),
        certificate: said(CERTIFICATE),
        headers: headers.iter().filter_map(of_client).collect(),
    }
}

fn respond(answer: &Answer) -> Response {
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
