//! Snapshots: all that stands on the ledger at one height, for a node that joins. It is checked by the map root of a certified
//! header, reached from the founding document; who gave it is not trusted. It has no history: the blocks before it follow
//! behind ([`super::older`]).

mod arrive;
mod make;

pub use arrive::{Arrived, Arriving};
pub use make::Made;

pub use crate::store::snapshot::{Manifest, Piece};

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
