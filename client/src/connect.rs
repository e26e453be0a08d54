//! A connection to a node, and what is often asked of it.

use crate::error::ClientError;
use liuhen_proto::types::{IdentityId, KeyId};
use liuhen_proto::wire;
use liuhen_rpc::MESSAGE_BYTES;
use liuhen_rpc::services::node_service_client::NodeServiceClient;
use liuhen_rpc::services::proof_service_client::ProofServiceClient;
use liuhen_rpc::services::registry_service_client::RegistryServiceClient;
use liuhen_rpc::services::submission_service_client::SubmissionServiceClient;
use liuhen_rpc::services::trail_service_client::TrailServiceClient;
use std::time::Duration;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};

/// A connection to a node. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Node {
    channel: Channel,
}

impl Node {
    /// Connects to `http://host:port`.
    pub async fn connect(address: &str) -> Result<Self, ClientError> {
        let usage = |e| ClientError::Usage(format!("node address `{address}`: {e}"));
        let endpoint = Endpoint::from_shared(address.to_owned()).map_err(usage)?;
        let connecting = endpoint.connect_timeout(Duration::from_secs(5)).tcp_nodelay(true);
        let channel = connecting.connect().await.map_err(|e| ClientError::Unavailable {
            node: address.to_owned(),
            why: root_cause(&e),
        })?;
        Ok(Self { channel })
    }

    /// Submitting.
    pub fn submission(&self) -> SubmissionServiceClient<Channel> {
        SubmissionServiceClient::new(self.channel.clone()).max_encoding_message_size(MESSAGE_BYTES)
    }

    /// Trails.
    pub fn trails(&self) -> TrailServiceClient<Channel> {
        TrailServiceClient::new(self.channel.clone()).max_decoding_message_size(MESSAGE_BYTES)
    }

    /// Proofs.
    pub fn proofs(&self) -> ProofServiceClient<Channel> {
        ProofServiceClient::new(self.channel.clone())
    }

    /// What stands on the ledger.
    pub fn registry(&self) -> RegistryServiceClient<Channel> {
        RegistryServiceClient::new(self.channel.clone()).max_decoding_message_size(MESSAGE_BYTES)
    }

    /// The node itself.
    pub fn node(&self) -> NodeServiceClient<Channel> {
        NodeServiceClient::new(self.channel.clone())
    }

    /// Chain, height and so on.
    pub async fn status(&self) -> Result<wire::GetStatusResponse, ClientError> {
        Ok(self.node().get_status(wire::GetStatusRequest {}).await?.into_inner())
    }

    /// A key on the ledger, and its next seq.
    pub async fn key(&self, id: &KeyId) -> Result<(wire::Key, u64), ClientError> {
        let request = wire::GetKeyRequest { key_id: id.to_vec() };
        let response = self.registry().get_key(request).await?.into_inner();
        let key = response.key.ok_or_else(|| ClientError::failed("the node sent no key"))?;
        Ok((key, response.next_seq))
    }

    /// The identity `department/code`.
    pub async fn identity(&self, name: &str) -> Result<wire::Identity, ClientError> {
        let (department, code) = name.split_once('/').ok_or_else(|| {
            ClientError::Usage(format!("identity `{name}`: department/code is needed"))
        })?;
        let request = wire::ListIdentitiesRequest { department: department.to_owned() };
        let all = self.registry().list_identities(request).await?.into_inner().identities;
        let found = all.into_iter().find(|it| it.code == code);
        found.ok_or_else(|| ClientError::NotFound(format!("identity {name}")))
    }

    /// The id of the identity `department/code`, or one given in hexadecimal.
    pub async fn identity_id(&self, name: &str) -> Result<IdentityId, ClientError> {
        if let Ok(id) = name.parse() {
            return Ok(id);
        }
        let identity = self.identity(name).await?;
        IdentityId::from_slice(&identity.identity_id).map_err(ClientError::failed)
    }

    /// A dataset.
    pub async fn dataset(&self, code: &str) -> Result<wire::RegisterDataset, ClientError> {
        let request = wire::ListDatasetsRequest { collector: String::new() };
        let all = self.registry().list_datasets(request).await?.into_inner().datasets;
        let mut registrations = all.into_iter().filter_map(|it| it.registration);
        let found = registrations.find(|it| it.dataset == code);
        found.ok_or_else(|| ClientError::NotFound(format!("dataset {code}")))
    }

    /// Requests with what became of them.
    pub async fn requests(
        &self,
        wanted: wire::ListRequestsRequest,
    ) -> Result<Vec<wire::RequestStanding>, ClientError> {
        Ok(self.registry().list_requests(wanted).await?.into_inner().requests)
    }

    /// The request of an id in hexadecimal, or of a reference that only one request has.
    pub async fn request(&self, name: &str) -> Result<wire::RequestStanding, ClientError> {
        if let Ok(bytes) = hex::decode(name)
            && bytes.len() == 32
        {
            let wanted = wire::GetRequestRequest { request_id: bytes };
            return Ok(self.registry().get_request(wanted).await?.into_inner());
        }
        let (reference, dataset) = name.split_once('@').unwrap_or((name, ""));
        let wanted = wire::ListRequestsRequest {
            reference: reference.to_owned(),
            dataset: dataset.to_owned(),
            using_department: String::new(),
        };
        let mut found = self.requests(wanted).await?;
        match (found.pop(), found.len()) {
            (Some(only), 0) => Ok(only),
            (None, _) => Err(ClientError::NotFound(format!("request {name}"))),
            (Some(_), more) => Err(ClientError::Usage(format!(
                "{} requests have the reference {name}: say {name}@dataset, or the id",
                more + 1
            ))),
        }
    }

    /// The founding document's bytes.
    pub async fn genesis(&self) -> Result<Vec<u8>, ClientError> {
        join(self.node().get_genesis(wire::GetGenesisRequest {}).await?.into_inner()).await
    }
}

/// Joins the pieces of a stream.
pub async fn join(mut pieces: Streaming<wire::ProofChunk>) -> Result<Vec<u8>, ClientError> {
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.message().await? {
        bytes.extend_from_slice(&piece.data);
        if bytes.len() > liuhen_proto::types::limits::TRACE_BYTES {
            return Err(ClientError::failed("the node sent more than any proof file may have"));
        }
    }
    Ok(bytes)
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(below) = cause.source() {
        cause = below;
    }
    cause.to_string()
}
