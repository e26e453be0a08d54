//! What the adapter is given.

use crate::app::Chain;
use crate::config::Settings;
use crate::consensus::conduct::Conduct;
use crate::consensus::exchange::Exchange;
use crate::gossip::Message;
use crate::mempool::Mempool;
use crate::misbehaviour::Seen;
use crate::neighbours::Neighbourhood;
use crate::registry::Registry;
use crate::store::undecided::UndecidedBlocks;
use liuhen_proto::suite::sign::PrivateKey;
use std::sync::{Arc, RwLock};
use std::time::Instant;
use tokio::sync::{Notify, mpsc, watch};

/// What the adapter works with. Given back when the engine ends.
pub struct AdapterParts {
    /// The chain.
    pub chain: Arc<RwLock<Chain>>,
    /// Transactions that wait.
    pub mempool: Mempool,
    /// Blocks of the open height.
    pub undecided: UndecidedBlocks,
    /// How the other nodes stand.
    pub neighbours: Neighbourhood,
    /// What goes between this engine and others.
    pub exchange: Exchange,
    /// Notified when it is to be judged anew whether this node may vote.
    pub again: Arc<Notify>,
    /// The key this node votes with.
    pub key: PrivateKey,
    /// How it takes part.
    pub conduct: Arc<dyn Conduct>,
    /// This node's settings, by which the registry is read.
    pub settings: Settings,
    /// This node's peer id.
    pub own: libp2p::PeerId,
    /// Who may connect and who votes; told to the rest of the node as it changes.
    pub registry: watch::Sender<Registry>,
    /// Told of each height that is committed.
    pub committed: watch::Sender<liuhen_proto::types::Height>,
    /// Since when the next height is open; told to status.
    pub opened: watch::Sender<Option<Instant>>,
    /// By how many blocks others must be ahead for this node, which has fewer, to join by a snapshot; `None`: it does not.
    pub joins_behind: Option<u64>,
    /// How many peers are waited for at the start.
    pub peers_wanted: usize,
    /// Notified when there is work.
    pub work: Arc<Notify>,
    /// Calls to others.
    pub(crate) messages: mpsc::Sender<Message>,
    /// Told of validators that voted twice.
    pub misbehaviour: mpsc::Sender<Seen>,
    /// Calls from others.
    pub wakes: mpsc::Receiver<liuhen_proto::types::Height>,
}

impl AdapterParts {
    /// Whether this node has next to nothing, and a neighbour says that it is far ahead: whether it is its snapshot shows.
    pub(crate) fn is_far_behind(&self) -> bool {
        let Some(ahead) = self.joins_behind else { return false };
        let own = super::read(&self.chain).header().height.get();
        let is_ahead = |it: &u64| it.saturating_sub(own) >= ahead;
        own < ahead && self.neighbours.all().values().any(|it| is_ahead(&it.standing.height))
    }
}
