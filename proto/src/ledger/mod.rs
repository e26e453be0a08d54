//! The state machine: what a block does to the ledger.
//!
//! [`Draft`] takes transactions one by one, each whole or not at all; [`apply`] takes a block's.
//! What rules read is objects of the map, and sizes of trails, through a [`View`]; nothing else.
//! [`seal`] turns what came of it into roots and a header.

pub(crate) mod authority;
mod block;
pub mod calendar;
mod cost;
mod delta;
pub(crate) mod former;
pub mod intervals;
mod object;
mod overlay;
pub mod parameters;
mod proposers;
pub(crate) mod recent_blocks;
mod refusal;
pub mod seal;
pub(crate) mod timers;
pub(crate) mod words;

pub use block::Begun;
pub use delta::{Delta, Event};
pub use object::Object;
pub use overlay::Draft;
pub use refusal::{Class, Lang, Refusal, Word};

use crate::place::Place;
use crate::tx::Tx;
use crate::types::{BlockId, Height, TimeMs};

/// Something that a view can't say: for an offline verifier an object that its proof lacks, for a
/// node a store that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("what stands at {0} is not known here")]
pub struct Missing(pub Place);

/// The state after some block.
pub trait View {
    /// The object at a place; `None` if there is none.
    fn object(&self, place: &Place) -> Result<Option<Object>, Missing>;

    /// The number of events of a trail; 0 if it has none.
    fn trail_size(&self, trail: &Place) -> Result<u64, Missing>;

    /// The places of the first timers that are due at a time, in their order; at most `limit`.
    fn timers_due(&self, until: TimeMs, limit: usize) -> Result<Vec<Place>, Missing>;
}

/// Where a block stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockContext {
    /// Its height.
    pub height: Height,
    /// Its time.
    pub time: TimeMs,
    /// The id of the block before.
    pub parent_id: BlockId,
    /// The time of the block before.
    pub parent_time: TimeMs,
    /// The round in which the block before was decided, by the certificate that this one carries; `None` where it carries none.
    pub carried_round: Option<u32>,
}

/// Why an item, and with it its transaction, does nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// A rule refuses it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The view can't say.
    #[error(transparent)]
    Missing(#[from] Missing),
}

/// What came of asking the rules; `None` where they refuse. That the view can't say is no refusal: else a store that
/// can't be read would decide.
pub(crate) fn unless_refused<T>(asked: Result<T, Halt>) -> Result<Option<T>, Halt> {
    match asked {
        Ok(it) => Ok(Some(it)),
        Err(Halt::Refused(_)) => Ok(None),
        Err(missing) => Err(missing),
    }
}

/// A transaction that was not applied; nothing of it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct NotApplied {
    /// The item at fault; `None` if it is the transaction.
    pub item: Option<u32>,
    /// Why.
    pub why: Halt,
}

impl std::fmt::Display for NotApplied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.item {
            Some(item) => write!(f, "item {item}: {}", self.why),
            None => self.why.fmt(f),
        }
    }
}

/// Applies the transactions of a block, in their order. Errors with the number of the first that
/// is not applied. Signatures are judged by the caller.
pub fn apply<'a>(
    view: &dyn View,
    context: BlockContext,
    chain: crate::types::ChainId,
    transactions: impl IntoIterator<Item = &'a Tx>,
) -> Result<Delta, (usize, NotApplied)> {
    let whole = |why| (0, NotApplied { item: None, why });
    let mut draft = Draft::new(view, context, chain).map_err(|e| whole(Halt::Missing(e)))?;
    for (number, tx) in transactions.into_iter().enumerate() {
        draft.transaction(tx).map_err(|e| (number, e))?;
    }
    Ok(draft.finish())
}

#[cfg(test)]
pub(crate) mod tests;
