//! Where a verifier's trust begins.

use crate::founding::Founding;
use crate::types::{ChainId, Hash};

/// What a verifier trusts, from a source of its own: never from a proof file.
#[derive(Debug, Clone, Copy)]
pub enum Trust<'a> {
    /// The founding document, whose fingerprint was compared.
    Genesis(&'a Founding),
    /// A checkpoint that somebody noted, in place of it.
    Checkpoint(Pinned),
}

/// A checkpoint of the header log: headers 0 … size − 1 and their RFC 6962 root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pinned {
    /// The chain.
    pub chain: ChainId,
    /// How many headers.
    pub size: u64,
    /// Their root.
    pub root: Hash,
}

impl Trust<'_> {
    /// The chain.
    pub fn chain(&self) -> ChainId {
        match self {
            Self::Genesis(founding) => founding.chain(),
            Self::Checkpoint(pinned) => pinned.chain,
        }
    }
}

impl<'a> From<&'a Founding> for Trust<'a> {
    fn from(founding: &'a Founding) -> Self {
        Self::Genesis(founding)
    }
}

impl From<Pinned> for Trust<'_> {
    fn from(pinned: Pinned) -> Self {
        Self::Checkpoint(pinned)
    }
}
