//! Where a verifier's trust begins.

use crate::header::{checkpoint::Checkpoint, founding::Founding};
use crate::types::ChainId;

/// What a verifier trusts, from a source of its own: never from a proof file.
#[derive(Debug, Clone, Copy)]
pub enum Trust<'a> {
    /// The founding document, whose fingerprint was compared.
    Genesis(&'a Founding),
    /// A checkpoint that somebody noted, in place of it.
    Checkpoint(Checkpoint),
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

impl From<Checkpoint> for Trust<'_> {
    fn from(pinned: Checkpoint) -> Self {
        Self::Checkpoint(pinned)
    }
}
