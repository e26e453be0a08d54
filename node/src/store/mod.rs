//! What a node keeps on disk.
//!
//! The **block log** ([`blocks`]) is the truth: a block is on disk there before anybody is told
//! that it is committed. The **index** ([`index`]) can be deleted at will: it is rebuilt from the
//! log. Undecided blocks ([`undecided`]) are kept for the one height that is open, and what this node's key signed there
//! ([`votes`]), so that it never signs anything that contradicts it.

mod base;
pub mod blocks;
pub mod disk;
mod entry;
pub mod index;
mod memory;
mod real;
pub mod record;
pub mod snapshot;
mod tables;
mod trail;
mod trees;
pub mod undecided;
pub mod votes;

pub use base::{BASE_FILE, Base};
pub use blocks::{BlockLog, Damage};
pub use index::Index;
pub(crate) use index::{Export, Held};
pub use record::{Block, StoredBlock};
pub(crate) use tables::{CHUNK, PAGE, Part};
pub use trail::TrailTree;

use liuhen_proto::ledger::Missing;

/// Why something can't be read or written. Any such error of a write ends the node's voting.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system.
    #[error("{what}: {why}")]
    Io {
        /// What was tried.
        what: String,
        /// The system's word.
        why: std::io::Error,
    },
    /// The index.
    #[error("index: {0}")]
    Index(#[from] sled::Error),
    /// Blocks of another chain than the founding document's.
    #[error("{0}")]
    OtherChain(Box<str>),
    /// Bytes on disk that are not what was written.
    #[error("damaged {0}")]
    Damaged(String),
    /// This node joined by a snapshot, and does not have the blocks before it yet.
    #[error("the blocks before the snapshot by which this node joined are being fetched")]
    NotYet,
}

impl StoreError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |why| Self::Io { what, why }
    }
}

/// A view can only say that it does not know; the log says why.
pub(crate) fn missing(place: &liuhen_proto::place::Place, error: &StoreError) -> Missing {
    tracing::error!(%error, %place, "the index can't be read");
    Missing(place.clone())
}
