//! What the engine is started with.

use libp2p::Multiaddr;
use liuhen_proto::header::{turns::Turns, validators::ValidatorSet};
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::types::{ChainId, Height};
use std::path::PathBuf;

/// How the engine is set up.
pub struct EngineSettings {
    /// The node's name in logs.
    pub moniker: String,
    /// The chain.
    pub chain: ChainId,
    /// Where to listen.
    pub listen: Multiaddr,
    /// The others, each address ending in `/p2p/<peer id>`.
    pub peers: Vec<Multiaddr>,
    /// The network key's seed.
    pub network_seed: [u8; 32],
    /// The key to vote with.
    pub key: PrivateKey,
    /// The data folder.
    pub data: PathBuf,
    /// Who signs the next block.
    pub validators: ValidatorSet,
    /// Whose turn it is to propose the next block.
    pub turns: Turns,
    /// The next height by the block log.
    pub next_height: Height,
}
