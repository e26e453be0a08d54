//! A snapshot's bytes, as nodes give it to each other.

use super::StoredBlock;
use crate::codec::{self, CodecError};
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

impl Manifest {
    /// From its bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(bytes)
    }
}
