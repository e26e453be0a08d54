//! What stands, read whole while blocks are added, and put whole into an empty index, as snapshots do; and the history that
//! comes to it afterwards.

use super::{Index, lock};
use crate::store::StoreError;
use crate::store::memory::Memory;
use crate::store::tables::{Standing, Tables};
use liuhen_proto::ledger::Object;
use liuhen_proto::merkle::Peaks;
use liuhen_proto::place::Place;
use liuhen_proto::types::Height;
use std::sync::Arc;

/// What is on disk stays as it is as long as this is held: what blocks change is kept in memory.
pub(crate) type Held = Arc<()>;

/// What stands on disk: objects and heads of trails.
#[derive(Debug)]
pub(crate) struct Export {
    tables: Tables,
    _held: Held,
}

impl Export {
    /// All objects.
    pub(crate) fn objects(&self) -> impl Iterator<Item = Result<(Place, Object), StoreError>> {
        self.tables.objects()
    }

    /// The heads of all trails.
    pub(crate) fn heads(&self) -> impl Iterator<Item = Result<(Place, Peaks), StoreError>> {
        self.tables.heads()
    }
}

impl Index {
    /// All that stands now, for who reads it while blocks are added.
    pub(crate) fn export(&mut self) -> Result<Export, StoreError> {
        self.write()?;
        Ok(Export { tables: self.tables.clone(), _held: self.hold() })
    }

    fn hold(&mut self) -> Held {
        let held = self.held.upgrade().unwrap_or_default();
        self.held = Arc::downgrade(&held);
        held
    }

    /// Empties the index, to be filled with what stands at a height.
    pub(crate) fn begin_anew(&mut self) -> Result<(), StoreError> {
        self.tables.clear()?;
        (self.memory, self.height) = (Memory::over(0, false), Height::GENESIS);
        (self.written, self.has_history) = (Height::GENESIS, false);
        lock(&self.objects).clear();
        lock(&self.absent).clear();
        lock(&self.heads).clear();
        Ok(())
    }

    /// Puts in some of what stands there.
    pub(crate) fn put_state(
        &self,
        objects: impl IntoIterator<Item = (Place, Object)>,
        heads: impl IntoIterator<Item = (Place, Peaks)>,
    ) -> Result<(), StoreError> {
        self.tables.put_state(objects, heads)
    }

    /// All of what stands at a height is in, and nothing of the history. `events`: how many there were, as is said.
    pub(crate) fn stand_at(&mut self, height: Height, events: u64) -> Result<(), StoreError> {
        self.tables.stand(Standing { height: height.get(), events, has_history: false })?;
        self.memory = Memory::over(events, false);
        (self.height, self.written) = (height, height);
        lock(&self.absent).clear();
        Ok(())
    }

    /// Begins the history of all blocks up to the last one that is written: what comes behind is collected meanwhile.
    pub(crate) fn begin_history(&mut self) -> Result<Held, StoreError> {
        self.write()?;
        self.memory.has_history = true;
        Ok(self.hold())
    }

    /// The history up to the last block that is written is there, of so many events.
    pub(crate) fn end_history(&mut self, held: Held, events: u64) -> Result<(), StoreError> {
        if !self.memory.has_history {
            return Err(StoreError::Damaged("index: the history behind was not collected".into()));
        }
        let height = self.written.get();
        self.tables.stand(Standing { height, events, has_history: true })?;
        self.memory.renumber(events);
        self.has_history = true;
        drop(held);
        Ok(())
    }
}
