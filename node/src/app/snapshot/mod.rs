//! Snapshots: all that stands on the ledger at one height, for a node that joins. It is checked by the map root of a certified
//! header, reached from the founding document; who gave it is not trusted. It has no history: the blocks before it follow
//! behind ([`super::older`]).

mod arrive;
mod make;

pub use arrive::{Arrived, Arriving};
pub use make::Made;

use crate::codec;
use crate::store::StoredBlock;
use bincode::{Decode, Encode};

/// What a snapshot is of.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Manifest {
    /// The header of its height, certified, reached from genesis: a canonical anchor.
    pub anchor: Vec<u8>,
    /// The block of that height.
    pub block: StoredBlock,
    /// How many events the ledger had, as the giver says: it shows when the blocks before are there.
    pub events: u64,
    /// In how many pieces it comes.
    pub pieces: u32,
}

/// A piece of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Piece {
    /// Ids of blocks, genesis first, each 32 bytes.
    Ids(Vec<u8>),
    /// Objects: place and canonical bytes.
    Objects(Vec<(Vec<u8>, Vec<u8>)>),
    /// Heads of trails: place, size, peaks.
    Heads(Vec<(Vec<u8>, u64, Vec<[u8; 32]>)>),
}

/// Bytes of a piece, about.
const PIECE_BYTES: usize = 512 * 1024;

/// Why what came is no snapshot of this chain.
#[derive(Debug, thiserror::Error)]
pub enum NotASnapshot {
    /// It is not what a certified header commits to.
    #[error("{0}")]
    Wrong(String),
    /// This node can't keep it.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
}

fn wrong(why: impl std::fmt::Display) -> NotASnapshot {
    NotASnapshot::Wrong(why.to_string())
}

impl Manifest {
    /// From its bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotASnapshot> {
        codec::decode(bytes).map_err(wrong)
    }
}
