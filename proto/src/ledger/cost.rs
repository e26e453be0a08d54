//! What a transaction costs those who apply it: bytes of objects read and written, and timers set. A block takes so much of
//! each, whatever its items are, for every validator applies it while the others wait.

use super::{Object, Refusal, words};
use crate::place::{ObjectKind, Place};
use crate::types::limits;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// What was spent so far.
#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    bytes: u64,
    timers: u64,
}

impl Spent {
    fn with(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_add(other.bytes),
            timers: self.timers.saturating_add(other.timers),
        }
    }

    /// Of what it is more than a block takes.
    fn beyond(self) -> Option<Refusal> {
        let over = |found: u64, limit: u64| found > limit;
        if over(self.bytes, limits::BLOCK_COST) {
            let (found, limit) = (self.bytes, limits::BLOCK_COST);
            return Some(Refusal::TooMuchAtOnce { what: words::BYTES_TOUCHED, found, limit });
        }
        let limit = limits::BLOCK_TIMERS;
        let what = words::TIMERS_SET;
        over(self.timers, limit).then_some(Refusal::TooMuchAtOnce {
            what,
            found: self.timers,
            limit,
        })
    }
}

/// The cost of a block, and of the transaction at hand.
#[derive(Debug, Default)]
pub(super) struct Cost {
    block: Spent,
    pending: RefCell<Spent>,
    /// What the transaction at hand has read: each counts once.
    read: RefCell<BTreeSet<Place>>,
}

impl Cost {
    #[cfg(test)]
    pub(super) fn bytes(&self) -> u64 {
        self.block.bytes
    }

    /// A transaction begins. What a block does by itself before that costs nothing: it is bounded by itself.
    pub(super) fn begin(&mut self) {
        *self.pending.get_mut() = Spent::default();
        self.read.get_mut().clear();
    }

    /// An object of so many bytes was read of the state before the block.
    pub(super) fn reads(&self, place: &Place, bytes: usize) {
        let mut read = self.read.borrow_mut();
        if !read.contains(place) && read.insert(place.clone()) {
            self.adds(bytes);
        }
    }

    /// An object is written.
    pub(super) fn writes(&self, place: &Place, object: &Object) {
        self.adds(object.len());
        if place.object_kind() == Some(ObjectKind::Timer) {
            let mut pending = self.pending.borrow_mut();
            pending.timers = pending.timers.saturating_add(1);
        }
    }

    fn adds(&self, bytes: usize) {
        let mut pending = self.pending.borrow_mut();
        pending.bytes = pending.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// Refuses where the transaction at hand is more than a block takes, alone or with what the block has: no more is done
    /// for it then.
    pub(super) fn bearable(&self) -> Result<(), Refusal> {
        let pending = *self.pending.borrow();
        if let Some(alone) = pending.beyond() {
            return Err(alone);
        }
        if self.block.with(pending).beyond().is_some() {
            return Err(Refusal::BlockFull);
        }
        Ok(())
    }

    /// The transaction at hand is taken, where the block has room for it.
    pub(super) fn take(&mut self) -> Result<(), Refusal> {
        self.bearable()?;
        self.block = self.block.with(*self.pending.get_mut());
        Ok(())
    }
}
