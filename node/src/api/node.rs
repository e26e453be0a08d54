//! The node itself.

use super::{Pieces, Shared, auth, of_store};
use crate::app::Chain;
use crate::backup;
use crate::clock;
use crate::gossip::Standing;
use crate::neighbours::Neighbour;
use crate::registry::is_in_force;
use libp2p::PeerId;
use liuhen_proto::place::Place;
use liuhen_proto::types::{Height, KeyId};
use liuhen_proto::wire::{
    self, GetGenesisRequest, GetStatusRequest, GetStatusResponse, VoteWithheld,
};
use liuhen_rpc::services::node_service_server::NodeService;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};
use tonic::{Request, Response, Status};

/// A neighbour as status tells it.
fn wire_of(key: &KeyId, it: &Neighbour, department: Option<&String>) -> wire::Neighbour {
    let Standing { height, votes, withheld, version, .. } = &it.standing;
    let withheld = withheld.as_ref().map(|(reason, until)| VoteWithheld {
        until_height: *until,
        reason: reason.clone(),
        file: String::new(),
    });
    wire::Neighbour {
        key_id: key.to_vec(),
        height: *height,
        clock_ahead_ms: it.clock_ahead_ms,
        voting: *votes,
        withheld,
        version: version.clone(),
        department: department.cloned().unwrap_or_default(),
    }
}

/// Departments of the validators that are passed over when it is their turn to propose, each once.
fn passed_over(chain: &Chain) -> Result<Vec<String>, Status> {
    let turns = chain.turns().map_err(|e| of_store(&e))?;
    let validators = chain.validators().all();
    let mut departments = BTreeSet::new();
    for validator in turns.passed_over().iter().filter_map(|place| validators.get(*place)) {
        let key: Option<Arc<wire::Key>> =
            chain.index().typed(&Place::key(&validator.key_id)).map_err(|e| of_store(&e))?;
        departments.extend(key.map(|it| it.department.clone()));
    }
    Ok(departments.into_iter().collect())
}

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
        let withheld = self.0.withheld.borrow().clone();
        let heard = self.0.neighbours.all();
        let (backup_ms, backup_height) = backup::last(&self.0.last_backup).unwrap_or_default();
        let repairs = *self.0.repairs.lock().unwrap_or_else(PoisonError::into_inner);
        let connected = self.0.connected.borrow().clone();
        let chain = self.0.chain();
        let header = chain.header();
        // Where it has no vote, none is withheld.
        let is_validator = chain.validators().get(&self.0.key).is_some();
        let voting = is_validator && withheld.is_none();
        let withheld = withheld.filter(|_| is_validator);
        let power = |key: &KeyId| chain.validators().get(key).map_or(0, |it| it.power);
        let may_vote = heard.iter().filter(|(_, it)| it.standing.votes).map(|(key, _)| power(key));
        let own_power = if voting { power(&self.0.key) } else { 0 };
        let voting_power = may_vote.fold(own_power, u64::saturating_add);
        let (mut away, mut departments) = (BTreeSet::new(), BTreeMap::new());
        for peer in chain.peers().map_err(|e| of_store(&e))?.into_iter().filter(|_| member) {
            departments.insert(peer.peer_id.clone(), peer.department.clone());
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
            voting,
            withheld: withheld.map(|it| VoteWithheld {
                until_height: it.until.map(Height::get),
                reason: it.why.code().to_owned(),
                file: it.file.map(|it| it.display().to_string()).unwrap_or_default(),
            }),
            key_id: self.0.key.to_vec(),
            indexed_height: chain.index().written().get(),
            now_ms: clock::now().get(),
            open_for_ms: open_for.map_or(0, |it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX)),
            away: away.into_iter().collect(),
            fork_note: self.0.checkpoints.fork().map_or_else(String::new, |it| it.to_string()),
            neighbours: heard
                .iter()
                .filter(|_| member)
                .map(|(key, it)| wire_of(key, it, departments.get(&it.peer.to_string())))
                .collect(),
            voting_power,
            blocks_missing: repairs.holes,
            blocks_mended: repairs.blocks,
            index_parts_mended: repairs.parts,
            backup_ms,
            backup_height,
            older_missing: (!chain.index().has_history()).then(|| chain.older_missing()),
            passed_over: if member { passed_over(&chain)? } else { Vec::new() },
            total_power: u64::try_from(chain.validators().total_power()).unwrap_or(u64::MAX),
        }))
    }

    async fn get_genesis(
        &self,
        _: Request<GetGenesisRequest>,
    ) -> Result<Response<Self::GetGenesisStream>, Status> {
        Ok(Response::new(Pieces::of(self.0.genesis.clone(), None)))
    }
}
