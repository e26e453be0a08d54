//! The node itself.

use super::{Pieces, Shared, auth, of_store};
use crate::clock;
use crate::registry::is_in_force;
use libp2p::PeerId;
use liuhen_proto::types::Height;
use liuhen_proto::wire::{GetGenesisRequest, GetStatusRequest, GetStatusResponse, VoteWithheld};
use liuhen_rpc::services::node_service_server::NodeService;
use std::collections::BTreeSet;
use tonic::{Request, Response, Status};

/// See [`NodeService`].
pub struct Node(pub(super) Shared);

#[tonic::async_trait]
impl NodeService for Node {
    type GetGenesisStream = Pieces;

    async fn get_status(
        &self,
        request: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        // Who of the members is away is told to members.
        let member = request.metadata().contains_key("authorization")
            && auth::caller(&self.0, &request).is_ok();
        let waiting = u32::try_from(self.0.mempool.len()).unwrap_or(u32::MAX);
        let open_for = self.0.opened.borrow().map(|since| since.elapsed());
        let withheld = *self.0.withheld.borrow();
        let connected = self.0.connected.borrow().clone();
        let chain = self.0.chain();
        let header = chain.header();
        let mut away = BTreeSet::new();
        for peer in chain.peers().map_err(|e| of_store(&e))?.into_iter().filter(|_| member) {
            let here = |id: PeerId| id == self.0.own || connected.contains(&id);
            if !peer.removed
                && !peer.peer_id.parse().is_ok_and(here)
                && is_in_force(&chain, &peer.department).map_err(|e| of_store(&e))?
            {
                away.insert(peer.department);
            }
        }
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
            peers: u32::try_from(connected.len()).unwrap_or(u32::MAX),
            voting: withheld.is_none() && chain.validators().get(&self.0.key).is_some(),
            withheld: withheld.map(|it| VoteWithheld {
                until_height: it.until.map(Height::get),
                reason: it.why.code().to_owned(),
            }),
            key_id: self.0.key.to_vec(),
            indexed_height: chain.index().written().get(),
            now_ms: clock::now().get(),
            open_for_ms: open_for.map_or(0, |it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX)),
            away: away.into_iter().collect(),
            fork_note: self.0.checkpoints.fork().map_or_else(String::new, |it| it.to_string()),
        }))
    }

    async fn get_genesis(
        &self,
        _: Request<GetGenesisRequest>,
    ) -> Result<Response<Self::GetGenesisStream>, Status> {
        Ok(Response::new(Pieces::of(self.0.genesis.clone(), None)))
    }
}
