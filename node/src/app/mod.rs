//! The application under consensus, which knows no engine: propose, validate, commit; and proofs of
//! what was committed.

mod candidate;
mod chain;
mod checkpoint;
mod history;
mod mend;
mod older;
mod open;
mod prove;
mod snapshot;
mod trails;
mod validate;

pub use candidate::Candidate;
pub use chain::{Built, Chain, CommittedBlock, CommittedTx, RefusedTx};
pub use checkpoint::TILE_WIDTH;
pub use history::{Checked, check_log};
pub use mend::{Damaged, Mending};
pub use older::{Making, Older};
pub use open::OpenReport;
pub use prove::{FoundEvent, Long, ProveError, Read};
pub use snapshot::{Arrived, Arriving, Made, Manifest, NotASnapshot, Piece};
pub use trails::{Blocks, EventFilter, ReadEvent, Source};
pub use validate::{Clock, Known, NotABlock};

/// How far a live proposal's time may be from this node's clock, in milliseconds.
pub const CLOCK_DRIFT_MS: u64 = 10_000;
