//! Envoy asks by `ext_authz` over gRPC, and says in its access log over gRPC how requests ended. Both come to one door.

mod wire {
    #![allow(
        missing_docs,
        clippy::all,
        clippy::pedantic,
        clippy::nursery,
        clippy::restriction,
        reason = "generated"
    )]

    pub mod auth {
        tonic::include_proto!("envoy.service.auth.v3");
    }

    pub mod access_log {
        tonic::include_proto!("envoy.service.accesslog.v3");
    }
}

use super::{Door, proxy};
use crate::answer::Answer;
use crate::asked::Asked;
use crate::gate::{Gate, Rows};
use axum::Router;
use prost_types::value;
use std::sync::Arc;
use tonic::service::Routes;
use tonic::{Code, Request, Response, Status, Streaming};
use wire::access_log::access_log_service_server::{AccessLogService, AccessLogServiceServer};
use wire::access_log::{HttpLog, StreamAccessLogsMessage, StreamAccessLogsResponse};
use wire::auth::authorization_server::{Authorization, AuthorizationServer};
use wire::auth::check_response::HttpResponse;
use wire::auth::{
    CheckRequest, CheckResponse, DeniedHttpResponse, HeaderValue, HeaderValueOption, HttpStatus,
    OkHttpResponse, Status as Said,
};

/// The request's name, which the log has too: Envoy gives one to each that comes from outside. (`HttpRequest.id` is the stream's number.)
const REQUEST: &str = "x-request-id";
/// Where the log has rows, by the service's word: put there by `header_to_metadata`, which takes the header off.
const METADATA: (&str, &str) = ("liuhen", "rows");
/// A request with its headers is not longer, nor a piece of the access log.
const LONGEST: usize = 4 << 20;

/// The door of this name, for an Envoy that shows this secret.
pub fn router(name: &str, gate: Arc<Gate>, secret: &str) -> Router {
    let door = Door::new(name, gate, secret);
    let asks = AuthorizationServer::new(door.clone()).max_decoding_message_size(LONGEST);
    let logs = AccessLogServiceServer::new(door).max_decoding_message_size(LONGEST);
    Routes::new(asks).add_service(logs).into_axum_router()
}

impl Door {
    /// Whether the secret stands in the call's metadata.
    fn admits_call<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let shown = request.metadata().get(proxy::SECRET).and_then(|it| it.to_str().ok());
        if self.is_shown(shown.unwrap_or_default()) {
            return Ok(());
        }
        tracing::warn!(door = &*self.name, "somebody asked without the door's secret");
        Err(Status::unauthenticated("the door's secret is needed"))
    }

    /// A request is over, by a line of the access log.
    async fn ended(&self, line: &HttpLog) -> Result<(), Status> {
        let request = line.request.as_ref().map_or("", |it| it.request_id.as_str());
        // Without a status the client was gone before one was sent.
        let status = line.response.as_ref().and_then(|it| it.response_code);
        let is_failed = status.is_some_and(|it| it >= 400);
        let rows = if is_failed { Rows::Failed } else { Rows::These(rows(line)) };
        match self.gate.end(&self.name, request, rows).await {
            // Of others' requests, and of those that were refused, nothing is open.
            Ok(_) => Ok(()),
            Err(error) => Err(Status::unavailable(error.to_string())),
        }
    }
}

#[tonic::async_trait]
impl Authorization for Door {
    async fn check(
        &self,
        request: Request<CheckRequest>,
    ) -> Result<Response<CheckResponse>, Status> {
        self.admits_call(&request)?;
        let answer = self.gate.decide(&self.name, asked(request.into_inner())).await;
        Ok(Response::new(respond(&answer)))
    }
}

#[tonic::async_trait]
impl AccessLogService for Door {
    async fn stream_access_logs(
        &self,
        request: Request<Streaming<StreamAccessLogsMessage>>,
    ) -> Result<Response<StreamAccessLogsResponse>, Status> {
        self.admits_call(&request)?;
        let mut pieces = request.into_inner();
        while let Some(piece) = pieces.message().await? {
            for line in piece.http_logs.iter().flat_map(|it| &it.log_entry) {
                self.ended(line).await?;
            }
        }
        Ok(Response::new(StreamAccessLogsResponse {}))
    }
}

/// Rows that the service says.
fn rows(line: &HttpLog) -> Option<u64> {
    let metadata = line.common_properties.as_ref()?.metadata.as_ref()?;
    let (namespace, key) = METADATA;
    match metadata.filter_metadata.get(namespace)?.fields.get(key)?.kind.as_ref()? {
        value::Kind::StringValue(text) => text.parse().ok(),
        _ => None,
    }
}

/// The request that Envoy describes.
fn asked(it: CheckRequest) -> Asked {
    let attributes = it.attributes.unwrap_or_default();
    let source = attributes.source.unwrap_or_default();
    let http = attributes.request.and_then(|it| it.http).unwrap_or_default();
    let address = source.address.and_then(|it| it.socket_address);
    Asked {
        request: http.headers.get(REQUEST).cloned().unwrap_or_default(),
        method: http.method,
        uri: http.path,
        address: address.and_then(|it| it.address.parse().ok()),
        certificate: source.principal,
        headers: http.headers.into_iter().collect(),
    }
}

fn respond(answer: &Answer) -> CheckResponse {
    let number = answer.access_no.map(|it| it.to_string());
    let said = [(proxy::ACCESS, answer.token.clone()), (proxy::NUMBER, number)];
    let headers = said.into_iter().filter_map(|(key, value)| {
        let header = HeaderValue { key: key.to_owned(), value: value? };
        Some(HeaderValueOption { header: Some(header) })
    });
    let headers: Vec<HeaderValueOption> = headers.collect();
    let (code, response) = match answer.serve {
        true => {
            let headers_to_remove = vec![proxy::ACCESS.to_owned()];
            let response_headers_to_add = headers;
            let ok = OkHttpResponse { headers_to_remove, response_headers_to_add };
            (Code::Ok, HttpResponse::OkResponse(ok))
        }
        false => {
            let status = Some(HttpStatus { code: 403 });
            let denied = DeniedHttpResponse { status, headers };
            (Code::PermissionDenied, HttpResponse::DeniedResponse(denied))
        }
    };
    CheckResponse { status: Some(Said { code: code as i32 }), http_response: Some(response) }
}
