//! The index's tables with sled's promises: what was applied is whole or not there, in order, and what was not synced may be lost.

use super::{SimDisk, full};
use crate::random::Random;
use liuhen_node::store::StoreError;
use liuhen_node::store::disk::{Change, Entries, Entry, Keys, Table, TableStore};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::PathBuf;

type All = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

#[derive(Debug, Default)]
pub(super) struct Kept {
    now: All,
    durable: All,
    /// What was applied since they were synced, in order.
    pending: Vec<Vec<Change>>,
}

impl Kept {
    pub(super) fn cut_power(&mut self, random: &mut Random) {
        let count = random.index(self.pending.len() + 1);
        for changes in self.pending.drain(..).take(count) {
            apply(&mut self.durable, changes);
        }
        self.pending.clear();
        self.now = self.durable.clone();
    }
}

fn apply(to: &mut All, changes: Vec<Change>) {
    for (table, key, value) in changes {
        match value {
            Some(value) => to.insert((table, key), value),
            None => to.remove(&(table, key)),
        };
    }
}

#[derive(Debug, Clone)]
pub(super) struct SimTables {
    disk: SimDisk,
    folder: PathBuf,
}

impl SimTables {
    pub(super) fn new(disk: SimDisk, folder: PathBuf) -> Self {
        Self { disk, folder }
    }

    /// The tables, for a call.
    fn with<T>(&self, does: impl FnOnce(&mut Kept) -> T) -> Result<T, StoreError> {
        let io = |why| StoreError::Io { what: "the index".into(), why };
        let mut state = self.disk.lock();
        state.call().map_err(io)?;
        Ok(does(state.tables.entry(self.folder.clone()).or_default()))
    }

    /// The first entry behind a bound.
    fn behind(&self, table: Table, from: &Bound<Vec<u8>>) -> Option<Result<Entry, StoreError>> {
        let from = match from {
            Bound::Included(key) => Bound::Included((table, key.clone())),
            Bound::Excluded(key) => Bound::Excluded((table, key.clone())),
            Bound::Unbounded => Bound::Included((table, Vec::new())),
        };
        let found = self.with(|kept| {
            let mut behind = kept.now.range((from, Bound::Unbounded));
            let first = behind.next().filter(|((it, _), _)| *it == table);
            first.map(|((_, key), value)| (key.clone(), value.clone()))
        });
        found.transpose()
    }
}

impl TableStore for SimTables {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(|kept| kept.now.get(&(table, key.to_vec())).cloned())
    }

    fn range(&self, table: Table, mut from: Bound<Vec<u8>>) -> Entries {
        let tables = self.clone();
        Box::new(std::iter::from_fn(move || {
            let next = tables.behind(table, &from);
            if let Some(Ok((key, _))) = &next {
                from = Bound::Excluded(key.clone());
            }
            next
        }))
    }

    fn keys(&self, table: Table, from: Bound<Vec<u8>>) -> Keys {
        Box::new(self.range(table, from).map(|entry| Ok(entry?.0)))
    }

    fn apply(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        if self.disk.lock().is_full {
            return Err(StoreError::Io { what: "the index".into(), why: full() });
        }
        self.with(|kept| {
            apply(&mut kept.now, changes.clone());
            kept.pending.push(changes);
        })
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.with(|kept| {
            for changes in std::mem::take(&mut kept.pending) {
                apply(&mut kept.durable, changes);
            }
        })
    }
}
