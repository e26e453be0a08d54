//! Events and their leaves: what trails and blocks are logs of.

mod body;
mod leaf;
pub mod ledger;
mod outcome;

pub use body::Body;
pub use leaf::{EventLeaf, LEAF_BYTES};
pub use outcome::{Outcome, Reason, Timeliness, Verdict};
