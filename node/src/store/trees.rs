//! The tables of the index as trees of sled.

use super::StoreError;
use super::disk::{Change, Entries, Keys, Table, TableStore};
use sled::transaction::{ConflictableTransactionError, Transactional, TransactionalTree};
use std::fs::File;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

const CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// The trees, in the order of [`Table::ALL`].
#[derive(Debug)]
pub(super) struct Trees {
    folder: PathBuf,
    open: Closing<Open>,
}

#[derive(Debug)]
struct Open {
    db: sled::Db,
    trees: [sled::Tree; Table::ALL.len()],
}

/// sled writes when it is dropped, and panics where it can't. Nothing rests on that: the index is compared with the block log at
/// the next opening.
#[derive(Debug)]
struct Closing<T>(Option<T>);

impl<T> Closing<T> {
    fn get(&self) -> Result<&T, StoreError> {
        self.0.as_ref().ok_or_else(|| StoreError::Damaged("index: it is closed".into()))
    }
}

impl<T> Drop for Closing<T> {
    fn drop(&mut self) {
        let open = self.0.take();
        if catch_unwind(AssertUnwindSafe(|| drop(open))).is_err() {
            tracing::error!(
                "the index could not be written when it was closed: the next start compares it with the block log"
            );
        }
    }
}

impl Trees {
    pub(super) fn open(folder: &Path) -> Result<Self, StoreError> {
        let db = sled::Config::new().path(folder).cache_capacity(CACHE_BYTES).open()?;
        let tree = |table: Table| db.open_tree(table.name());
        let [a, b, c, d, e, f, g, h] = Table::ALL.map(tree);
        let trees = [a?, b?, c?, d?, e?, f?, g?, h?];
        Ok(Self { folder: folder.to_owned(), open: Closing(Some(Open { db, trees })) })
    }

    fn tree(&self, table: Table) -> Result<&sled::Tree, StoreError> {
        let [state, objects, heads, pages, tiles, events, blocks, transactions] =
            &self.open.get()?.trees;
        Ok(match table {
            Table::State => state,
            Table::Objects => objects,
            Table::Heads => heads,
            Table::Pages => pages,
            Table::Tiles => tiles,
            Table::Events => events,
            Table::Blocks => blocks,
            Table::Transactions => transactions,
        })
    }
}

impl TableStore for Trees {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.tree(table)?.get(key)?.map(|value| value.to_vec()))
    }

    fn range(&self, table: Table, from: Bound<Vec<u8>>) -> Entries {
        let entries = self.tree(table).map(|it| it.range((from, Bound::Unbounded)));
        over(entries, |entries| {
            Box::new(entries.map(|entry| {
                let (key, value) = entry?;
                Ok((key.to_vec(), value.to_vec()))
            }))
        })
    }

    fn keys(&self, table: Table, from: Bound<Vec<u8>>) -> Keys {
        let keys = self.tree(table).map(|it| it.range((from, Bound::Unbounded)).keys());
        over(keys, |keys| Box::new(keys.map(|key| Ok(key?.to_vec()))))
    }

    /// In one transaction of all trees.
    fn apply(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        let mut batches: [sled::Batch; Table::ALL.len()] = Default::default();
        for (table, key, value) in changes {
            let Some(batch) = batches.get_mut(table as usize) else { continue };
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        let written =
            self.open.get()?.trees.as_slice().transaction(|trees: &Vec<TransactionalTree>| {
                for (tree, batch) in trees.iter().zip(&batches) {
                    tree.apply_batch(batch)?;
                }
                Ok::<(), ConflictableTransactionError<()>>(())
            });
        written.map_err(|e| match e {
            sled::transaction::TransactionError::Storage(error) => StoreError::Index(error),
            sled::transaction::TransactionError::Abort(()) => {
                StoreError::Damaged("index: transaction aborted".into())
            }
        })
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.open.get()?.db.flush()?;
        // sled's flush does not reach the disk (sled issue 1452).
        let file = self.folder.join("db");
        let what = || format!("sync {}", file.display());
        let opened = File::open(&file).map_err(StoreError::io(what()))?;
        opened.sync_all().map_err(StoreError::io(what()))
    }
}

type Each<T> = Box<dyn Iterator<Item = Result<T, StoreError>> + Send>;

/// What is found, or the error alone.
fn over<I, T: Send + 'static>(
    found: Result<I, StoreError>,
    each: impl FnOnce(I) -> Each<T>,
) -> Each<T> {
    found.map_or_else(|error| Box::new(std::iter::once(Err(error))) as Each<T>, each)
}
