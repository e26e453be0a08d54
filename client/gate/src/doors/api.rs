//! The local API, for a service that asks by itself: HTTP and JSON on this machine, with a secret in a file that both read.

use super::Door;
use crate::answer::Answer;
use crate::asked::Asked;
use crate::gate::{Gate, Rows};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The door of this name, for whoever shows this secret.
pub fn router(name: &str, gate: Arc<Gate>, secret: &str) -> Router {
    let door = Door::new(name, gate, secret);
    Router::new()
        .route("/v1/decide", post(decide))
        .route("/v1/complete", post(complete))
        .route("/v1/session", post(begin))
        .route("/v1/session/continue", post(go_on))
        .route("/v1/session/watch", post(watch))
        .route("/v1/session/end", post(end))
        .route("/v1/openapi.json", get(async || described()))
        .with_state(door)
}

/// What the API is, as OpenAPI 3.1 has it.
const DESCRIPTION: &str = include_str!("../../api/openapi.json");

fn described() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DESCRIPTION).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decide {
    request: String,
    method: String,
    uri: String,
    #[serde(default)]
    address: Option<std::net::IpAddr>,
    #[serde(default)]
    certificate: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Complete {
    request: String,
    #[serde(default)]
    rows: Option<u64>,
}

impl From<Decide> for Asked {
    fn from(it: Decide) -> Self {
        let Decide { request, method, uri, address, certificate, headers } = it;
        let headers = headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
        Self { request, method, uri, address, certificate, headers: headers.collect() }
    }
}

fn answered(answer: &Answer) -> Value {
    json!({
        "serve": answer.serve,
        "access_no": answer.access_no,
        "reason": answer.reason,
        "would_be_denied": answer.would_be_denied,
        "height": answer.height,
        "access": answer.token,
    })
}

/// The same of a slice of a session, with when it is decided again.
fn sliced(door: &Door, answer: &Answer) -> Response {
    let mut told = answered(answer);
    let again = u64::try_from(door.gate.sessions.slice.as_millis()).unwrap_or(u64::MAX);
    if let Some(fields) = told.as_object_mut() {
        fields.insert("again_ms".into(), again.into());
    }
    said(StatusCode::OK, &told)
}

async fn decide(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> Response {
    let it: Decide = match read(&door, &headers, &body) {
        Ok(it) => it,
        Err(refusal) => return *refusal,
    };
    said(StatusCode::OK, &answered(&door.gate.decide(&door.name, it.into()).await))
}

async fn begin(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> Response {
    let it: Decide = match read(&door, &headers, &body) {
        Ok(it) => it,
        Err(refusal) => return *refusal,
    };
    sliced(&door, &door.gate.begin_session(&door.name, it.into()).await)
}

async fn go_on(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> Response {
    let it: Complete = match read(&door, &headers, &body) {
        Ok(it) => it,
        Err(refusal) => return *refusal,
    };
    match door.gate.go_on(&door.name, &it.request, it.rows).await {
        Ok(Some(answer)) => sliced(&door, &answer),
        Ok(None) => no_session(),
        Err(error) => wrong(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

async fn watch(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> Response {
    let it: Complete = match read(&door, &headers, &body) {
        Ok(it) => it,
        Err(refusal) => return *refusal,
    };
    match door.gate.watch_session(&door.name, &it.request).await {
        Some(why) => said(StatusCode::OK, &json!({ "serve": why.is_none(), "reason": why })),
        None => no_session(),
    }
}

async fn end(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> Response {
    let it: Complete = match read(&door, &headers, &body) {
        Ok(it) => it,
        Err(refusal) => return *refusal,
    };
    match door.gate.end_session(&door.name, &it.request, it.rows).await {
        Ok(true) => said(StatusCode::OK, &json!({ "ended": true })),
        Ok(false) => no_session(),
        Err(error) => wrong(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

fn no_session() -> Response {
    wrong(StatusCode::NOT_FOUND, "no session of this name is open: begin it")
}

async fn complete(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> Response {
    let it: Complete = match read(&door, &headers, &body) {
        Ok(it) => it,
        Err(refusal) => return *refusal,
    };
    match door.gate.end(&door.name, &it.request, Rows::These(it.rows)).await {
        Ok(true) => said(StatusCode::OK, &json!({ "ended": true })),
        Ok(false) => wrong(StatusCode::NOT_FOUND, "no open access has this request's name"),
        Err(error) => wrong(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

/// What was sent, by whoever shows the secret.
fn read<T: for<'a> Deserialize<'a>>(
    door: &Door,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<T, Box<Response>> {
    let shown = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
    let shown = shown.and_then(|it| it.strip_prefix("Bearer ")).unwrap_or_default();
    if !door.is_shown(shown) {
        return Err(Box::new(wrong(StatusCode::UNAUTHORIZED, "the door's secret is needed")));
    }
    serde_json::from_slice(body)
        .map_err(|error| Box::new(wrong(StatusCode::BAD_REQUEST, &error.to_string())))
}

fn wrong(status: StatusCode, why: &str) -> Response {
    said(status, &json!({ "error": why }))
}

fn said(status: StatusCode, what: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (status, headers, what.to_string()).into_response()
}
