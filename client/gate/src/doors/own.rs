//! The gate's own door: a reverse proxy before the service. What the service answers passes as it comes, and is looked at on the way. What the
//! client says of itself in headers of ours is taken off, and so is what the service says in them.

use super::headers::clean;
use super::proxy::of_client;
use super::served::Served;
use crate::asked::Asked;
use crate::gate::Gate;
use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::uri::{Authority, PathAndQuery, Scheme};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use liuhen_client::submit::random;
use std::net::SocketAddr;
use std::sync::Arc;

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
        request: name,
        method: request.method().to_string(),
        uri: request.uri().path_and_query().map_or("/", PathAndQuery::as_str).to_owned(),
        address: Some(from.ip().to_canonical()),
        certificate: String::new(),
        headers: of_client(request.headers()),
    };
    let answer = own.gate.decide(&own.name, asked.clone()).await;
    if !answer.serve {
        let body = serde_json::json!({ "error": "denied", "reason": answer.reason }).to_string();
        let kind = [(header::CONTENT_TYPE, "application/json")];
        return (StatusCode::FORBIDDEN, kind, body).into_response();
    }
    let served = Served::new(&own.gate, &own.name, asked, &answer);
    // Rows can be counted in what is not packed alone.
    match own.onward.ask(request, from, true).await {
        Ok(response) => served.passing(response, answer.token.as_deref()),
        Err(error) => {
            tracing::warn!(door = &*own.name, %error, "the service does not answer");
            served.failed();
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
