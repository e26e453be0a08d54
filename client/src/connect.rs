//! A connection to a node, and what is often asked of it.

use crate::error::ClientError;
use crate::event::Event;
use crate::kept_reads::KeepsReads;
use crate::reach::{ANSWER_WITHIN, Reach, ReachOptions};
use liuhen_proto::place::TrailKind;
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::types::{ChainId, IdentityId, KeyId, TimeMs, limits};
use liuhen_proto::wire;
use liuhen_rpc::MESSAGE_BYTES;
use liuhen_rpc::services::accountability_service_client::AccountabilityServiceClient;
use liuhen_rpc::services::checkpoint_service_client::CheckpointServiceClient;
use liuhen_rpc::services::node_service_client::NodeServiceClient;
use liuhen_rpc::services::proof_service_client::ProofServiceClient;
use liuhen_rpc::services::registry_service_client::RegistryServiceClient;
use liuhen_rpc::services::submission_service_client::SubmissionServiceClient;
use liuhen_rpc::services::trail_service_client::TrailServiceClient;
use liuhen_rpc::services::watch_service_client::WatchServiceClient;
use std::sync::Arc;
use std::time::Duration;
use tonic::Streaming;

/// A connection to a node, or to one of several. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Node {
    reach: Reach,
}

impl Node {
    /// Connects to `https://host`, or `http://host:port` on this machine; each call is to be answered within half a
    /// minute.
    pub async fn connect(address: &str) -> Result<Self, ClientError> {
        Self::connect_within(address, ANSWER_WITHIN).await
    }

    /// Connects; each call is to be answered within this time.
    pub async fn connect_within(address: &str, within: Duration) -> Result<Self, ClientError> {
        let options = ReachOptions { within, ..ReachOptions::default() };
        Self::connect_to(&[address.to_owned()], &options).await
    }

    /// Connects to the first of some nodes that can be reached; one that does not answer is left for the next.
    pub async fn connect_to(
        addresses: &[String],
        options: &ReachOptions,
    ) -> Result<Self, ClientError> {
        Ok(Self { reach: Reach::connect(addresses, options).await? })
    }

    /// One node that is not connected to yet: each call tries.
    pub fn later(address: &str, options: &ReachOptions) -> Result<Self, ClientError> {
        Ok(Self { reach: Reach::later(address, options)? })
    }

    /// The node's address.
    pub fn address(&self) -> &str {
        self.reach.node()
    }

    /// How long the node may take for an answer.
    pub fn within(&self) -> Duration {
        self.reach.within()
    }

    /// That the node did not answer in time.
    pub fn no_answer(&self) -> ClientError {
        self.reach.no_answer().into()
    }

    /// The same connection, on which each call is made as the holder of a key; what is read is read
    /// for an audit of its department, where one is named.
    pub fn signed_in(&self, key: &PrivateKey, chain: ChainId, audit: Option<String>) -> Self {
        Self { reach: self.reach.signed_in(key, chain, audit) }
    }

    /// The same connection, on which nodes' receipts of reads by oversight are kept.
    pub fn keeping(&self, keeper: Arc<dyn KeepsReads>) -> Self {
        Self { reach: self.reach.keeping(keeper) }
    }

    /// What the ledger knows of a gateway.
    pub async fn gateway(
        &self,
        gateway_id: Vec<u8>,
    ) -> Result<wire::GetGatewayResponse, ClientError> {
        let request = wire::GetGatewayRequest { gateway_id };
        Ok(self.accountability().get_gateway(request).await?.into_inner())
    }

    /// The last number that a gateway's records have; 0 for a new gateway.
    pub async fn last_access_no(&self, gateway: &IdentityId) -> Result<u64, ClientError> {
        let known = self.gateway(gateway.to_vec()).await?.gateway;
        Ok(known.map_or(0, |it| it.last_access_no))
    }

    /// Submitting.
    pub fn submission(&self) -> SubmissionServiceClient<Reach> {
        SubmissionServiceClient::new(self.reach.clone()).max_encoding_message_size(MESSAGE_BYTES)
    }

    /// Trails.
    pub fn trails(&self) -> TrailServiceClient<Reach> {
        TrailServiceClient::new(self.reach.clone()).max_decoding_message_size(MESSAGE_BYTES)
    }

    /// Proofs.
    pub fn proofs(&self) -> ProofServiceClient<Reach> {
        ProofServiceClient::new(self.reach.clone())
    }

    /// Checkpoints, and the headers in them.
    pub fn checkpoints(&self) -> CheckpointServiceClient<Reach> {
        CheckpointServiceClient::new(self.reach.clone())
    }

    /// What stands on the ledger.
    pub fn registry(&self) -> RegistryServiceClient<Reach> {
        RegistryServiceClient::new(self.reach.clone()).max_decoding_message_size(MESSAGE_BYTES)
    }

    /// How accesses are answered for.
    pub fn accountability(&self) -> AccountabilityServiceClient<Reach> {
        AccountabilityServiceClient::new(self.reach.clone())
            .max_decoding_message_size(MESSAGE_BYTES)
    }

    /// Events as they commit.
    pub fn watching(&self) -> WatchServiceClient<Reach> {
        WatchServiceClient::new(self.reach.clone())
    }

    /// The node itself.
    pub fn node(&self) -> NodeServiceClient<Reach> {
        NodeServiceClient::new(self.reach.clone())
    }

    /// Chain, height and so on.
    pub async fn status(&self) -> Result<wire::GetStatusResponse, ClientError> {
        let status = self.node().get_status(wire::GetStatusRequest {}).await?.into_inner();
        // Only where its user says so is a node believed that its clock was put ahead.
        if std::env::var_os("LIUHEN_DEV_CLOCK").is_some() && status.chain_name.starts_with("dev-") {
            crate::clock::follow(TimeMs::new(status.now_ms));
        }
        Ok(status)
    }

    /// The chain's id, once its clock is known.
    pub async fn chain(&self) -> Result<ChainId, ClientError> {
        ChainId::from_slice(&self.status().await?.chain_id).map_err(ClientError::failed)
    }

    /// A key on the ledger, and its next seq.
    pub async fn key(&self, id: &KeyId) -> Result<(wire::Key, u64), ClientError> {
        let request = wire::GetKeyRequest { key_id: id.to_vec() };
        let response = self.registry().get_key(request).await?.into_inner();
        let key = response.key.ok_or_else(|| ClientError::failed("the node sent no key"))?;
        Ok((key, response.next_seq))
    }

    /// What the consortium decided on.
    pub async fn consortium(&self) -> Result<wire::GetConsortiumResponse, ClientError> {
        let request = wire::GetConsortiumRequest {};
        Ok(self.registry().get_consortium(request).await?.into_inner())
    }

    /// All events of a trail, page by page.
    pub async fn whole_trail(
        &self,
        kind: TrailKind,
        id: Vec<u8>,
    ) -> Result<Vec<Event>, ClientError> {
        let mut request = wire::GetTrailRequest {
            trail_kind: kind as u32,
            trail_id: id,
            page_size: 1000,
            ..wire::GetTrailRequest::default()
        };
        let mut events = Vec::new();
        loop {
            let page = self.trails().get_trail(request.clone()).await?.into_inner();
            for it in &page.events {
                events.push(Event::from_wire(it)?);
            }
            if page.next_page_token.is_empty() {
                return Ok(events);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// The founding document's bytes.
    pub async fn genesis(&self) -> Result<Vec<u8>, ClientError> {
        let pieces = self.node().get_genesis(wire::GetGenesisRequest {}).await?.into_inner();
        join_within(limits::GENESIS_BYTES, pieces).await
    }
}

/// Joins the pieces of a proof file.
pub async fn join(pieces: Streaming<wire::ProofChunk>) -> Result<Vec<u8>, ClientError> {
    join_within(limits::TRACE_BYTES, pieces).await
}

/// Joins the pieces of a stream, of so many bytes at most.
async fn join_within(
    limit: usize,
    mut pieces: Streaming<wire::ProofChunk>,
) -> Result<Vec<u8>, ClientError> {
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.message().await? {
        bytes.extend_from_slice(&piece.data);
        if bytes.len() > limit {
            return Err(ClientError::failed(format!("the node sent more than {limit} bytes")));
        }
    }
    Ok(bytes)
}
