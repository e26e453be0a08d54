//! What is asked of one node before it is asked anything else: its key, and whether the caller's department oversees others.

use super::{Answer, Target};
use liuhen_proto::types::KeyId;
use liuhen_proto::wire::{GetIdentityRequest, GetKeyRequest, GetStatusRequest, Right};
use liuhen_rpc::services::node_service_client::NodeServiceClient;
use liuhen_rpc::services::registry_service_client::RegistryServiceClient;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::HeaderValue;
use tonic::codegen::{Service, http};

/// One node, and as whom it is asked.
#[derive(Debug, Clone)]
pub(super) struct One {
    pub(super) target: Target,
    pub(super) within: Duration,
    pub(super) authorization: Option<HeaderValue>,
}

impl One {
    /// The node's key, by its status: what is signed for it names that.
    pub(super) async fn key(self) -> Result<KeyId, Status> {
        let status = NodeServiceClient::new(self).get_status(GetStatusRequest {}).await?;
        KeyId::from_slice(&status.into_inner().key_id)
            .map_err(|error| Status::internal(format!("the node's status: {error}")))
    }

    /// Whether the department of a key audits or regulates.
    pub(super) async fn oversees(self, key: &KeyId) -> Result<bool, Status> {
        let mut registry = RegistryServiceClient::new(self);
        let known = registry.get_key(GetKeyRequest { key_id: key.to_vec() }).await?.into_inner();
        let identity_id = known.key.unwrap_or_default().identity_id;
        let holder = registry.get_identity(GetIdentityRequest { identity_id }).await?.into_inner();
        let overseers = [Right::Audit as i32, Right::Regulate as i32];
        let rights = holder.department.unwrap_or_default().rights;
        Ok(rights.iter().any(|right| overseers.contains(right)))
    }
}

impl Service<http::Request<Body>> for One {
    type Response = http::Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        if let Some(token) = &self.authorization {
            request.headers_mut().insert(http::header::AUTHORIZATION, token.clone());
        }
        let one = self.clone();
        Box::pin(async move { one.target.ask(request, one.within).await })
    }
}
