//! Traefik asks by `forwardAuth`. It has no name of its own for a request: the gate gives one, which Traefik puts into its access
//! log as the user's name (`headerField`), for it puts no other header of the answer there.

use super::Door;
use super::proxy::{of_client, respond, said};
use crate::asked::Asked;
use crate::gate::Gate;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use liuhen_client::submit::random;
use std::sync::Arc;

/// The request's name, which the access log has too.
const REQUEST: &str = "x-liuhen-request";
/// The subject of a client's certificate, by `passTLSClientCert`.
const CERTIFICATE: &str = "x-forwarded-tls-client-cert-info";

/// The door of this name, for a Traefik that shows this secret.
pub fn router(name: &str, gate: Arc<Gate>, secret: &str) -> Router {
    Router::new().fallback(ask).with_state(Door::new(name, gate, secret))
}

async fn ask(State(door): State<Door>, headers: HeaderMap) -> Response {
    if !door.admits(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let Ok(request) = random::<16>().map(hex::encode) else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let answer = door.gate.decide(&door.name, asked(&headers, &request)).await;
    let mut response = respond(&answer);
    if let Ok(request) = HeaderValue::from_str(&request) {
        response.headers_mut().insert(REQUEST, request);
    }
    // Traefik passes cookies of the answer on to the client, and no other header. In a cookie a semicolon stands as %3B.
    let cookie = answer.token.map(|it| it.replace(';', "%3B"));
    let cookie = cookie.map(|it| format!("liuhen-access={it}; Path=/; HttpOnly"));
    if let Some(cookie) = cookie.and_then(|it| HeaderValue::from_str(&it).ok()) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// The request that Traefik describes.
fn asked(headers: &HeaderMap, request: &str) -> Asked {
    // The last one is whom Traefik itself spoke to.
    let address = said(headers, "x-forwarded-for");
    let address = address.rsplit(',').next().and_then(|it| it.trim().parse().ok());
    Asked {
        request: request.to_owned(),
        method: said(headers, "x-forwarded-method"),
        uri: said(headers, "x-forwarded-uri"),
        address,
        certificate: said(headers, CERTIFICATE),
        headers: of_client(headers),
    }
}
