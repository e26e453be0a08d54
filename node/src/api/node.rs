//! The node itself.

use super::{Shared, chunks};
use crate::clock;
use liuhen_proto::types::Height;
use liuhen_proto::wire::{
    GetGenesisRequest, GetStatusRequest, GetStatusResponse, ProofChunk, VoteWithheld,
};
use liuhen_rpc::services::node_service_server::NodeService;
use std::sync::atomic::Ordering;
use tonic::{Request, Response, Status};

/// See [`NodeService`].
pub struct Node(pub(super) Shared);

#[tonic::async_trait]
impl NodeService for Node {
    type GetGenesisStream = tokio_stream::Iter<std::vec::IntoIter<Result<ProofChunk, Status>>>;

    async fn get_status(
        &self,
        _: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        let waiting = u32::try_from(self.0.mempool.len()).unwrap_or(u32::MAX);
        let open_for = self.0.opened.borrow().map(|since| since.elapsed());
        let withheld = *self.0.withheld.borrow();
        let chain = self.0.chain();
        let header = chain.header();
        Ok(Response::new(GetStatusResponse {
            chain_id: chain.founding().chain().to_vec(),
            chain_name: chain.founding().document().name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            height: header.height.get(),
            block_id: header.block_id().to_vec(),
            time_ms: header.time.get(),
            map_root: header.map_root.to_vec(),
            events: chain.index().event_count(),
            waiting,
            peers: self.0.peers.load(Ordering::Relaxed),
            voting: withheld.is_none() && chain.validators().get(&self.0.key).is_some(),
            withheld: withheld.map(|it| VoteWithheld {
                until_height: it.until.map(Height::get),
                reason: it.why.code().to_owned(),
            }),
            key_id: self.0.key.to_vec(),
            indexed_height: chain.index().written().get(),
            now_ms: clock::now().get(),
            open_for_ms: open_for.map_or(0, |it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX)),
        }))
    }

    async fn get_genesis(
        &self,
        _: Request<GetGenesisRequest>,
    ) -> Result<Response<Self::GetGenesisStream>, Status> {
        let bytes = liuhen_genesis::to_bytes(self.0.chain().founding());
        Ok(Response::new(chunks(bytes)))
    }
}
