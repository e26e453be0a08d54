//! Who may connect and who votes, as the ledger says, with the addresses that it or this node's
//! settings know. It changes while the node runs.

use crate::app::Chain;
use crate::config::Settings;
use crate::home::Keys;
use crate::store::StoreError;
use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
use liuhen_proto::ledger::intervals;
use liuhen_proto::place::Place;
use liuhen_proto::suite::sign::PublicKey;
use liuhen_proto::wire;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Another node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peer {
    /// Where its consensus listens, its peer id behind it: nobody else is taken for it.
    pub consensus: Option<Multiaddr>,
    /// Where it hears transactions.
    pub gossip: Option<Multiaddr>,
}

/// The nodes that may connect, and the keys of those who vote. A node of a department that is not in
/// force may not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registry {
    /// By peer id, without this node.
    pub peers: BTreeMap<PeerId, Peer>,
    /// The keys of the next block's validators.
    pub validators: Vec<PublicKey>,
}

impl Registry {
    /// What the ledger says now. Settings' addresses come before the ledger's. An entry of the ledger
    /// that can't be read is left out, and logged.
    pub fn read(chain: &Chain, settings: &Settings, own: &PeerId) -> Result<Self, StoreError> {
        let (mut peers, mut left_out) = (BTreeMap::new(), BTreeSet::new());
        for entry in chain.peers()? {
            let Ok(id) = entry.peer_id.parse::<PeerId>() else {
                tracing::warn!(peer = entry.peer_id, "no peer id; left out");
                continue;
            };
            if id == *own || entry.removed || !is_in_force(chain, &entry.department)? {
                left_out.insert(id);
                continue;
            }
            let local = settings.peers.iter().find(|it| it.id == id);
            let address = |text: &str| text.parse::<Multiaddr>().ok().filter(|it| !it.is_empty());
            let consensus = local.map(|it| it.consensus.clone());
            let gossip = local.map(|it| it.gossip.clone());
            let consensus = consensus.or_else(|| address(&entry.consensus_address));
            let peer = Peer {
                consensus: consensus.map(|it| it.with(Protocol::P2p(id))),
                gossip: gossip.or_else(|| address(&entry.gossip_address)),
            };
            peers.insert(id, peer);
        }
        // A node that is behind does not know all members yet: its operator does.
        for local in settings.peers.iter().filter(|it| !left_out.contains(&it.id)) {
            peers.entry(local.id).or_insert_with(|| Peer {
                consensus: Some(local.consensus_address()),
                gossip: Some(local.gossip.clone()),
            });
        }
        let validators = chain.validators().all().iter().map(|it| it.key).collect();
        Ok(Self { peers, validators })
    }
}

/// Says where a key file holds another key than the ledger has beside this node's others: a damaged file can be a whole key.
pub fn compare_keys(chain: &Chain, keys: &Keys, own: &PeerId) -> Result<(), StoreError> {
    let own = own.to_string();
    let listed = chain.peers()?.iter().any(|it| !it.removed && it.peer_id == own);
    let file = match chain.validators().get(&keys.node.public().key_id()) {
        Some(validator) if validator.cosigner_key != keys.cosigner.public() => "keys/cosigner.pem",
        Some(_) if !listed => "keys/network.pem",
        None if listed => "keys/node.pem",
        _ => return Ok(()),
    };
    let height = chain.header().height;
    tracing::error!(file, %height, "the key in this file is not the one that the ledger has beside this node's others: the file is damaged, or was changed here alone");
    Ok(())
}

/// Whether a department is in force, as far as is known: whoever is stopped is let out.
pub(crate) fn is_in_force(chain: &Chain, code: &str) -> Result<bool, StoreError> {
    let department: Option<Arc<wire::Department>> =
        chain.index().typed(&Place::department(code))?;
    Ok(department.is_some_and(|it| intervals::is_open(&it.standing)))
}
