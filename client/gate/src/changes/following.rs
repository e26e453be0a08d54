//! Rows that are followed change by change.

use super::decoding::{self, Change, Columns};
use super::set_digest::SetDigest;
use super::{Counts, Seen};
use anyhow::Context as _;
use std::collections::BTreeMap;

/// What is followed of some tables.
pub struct Following {
    /// By table, as it is quoted.
    pub tables: BTreeMap<String, Table>,
    /// What the first count saw already.
    pub counted: Snapshot,
    /// The transaction at hand was counted.
    pub is_counted: bool,
    /// What changed since.
    pub counts: Counts,
    /// Whether each change is told whole.
    pub is_whole: bool,
}

/// A table that is followed.
pub struct Table {
    /// Its columns, in their order.
    pub columns: Vec<String>,
    /// Its rows.
    pub rows: SetDigest,
}

impl Following {
    /// Takes a change in. Errors for one of these tables that can't be read, or is not of the columns that were counted: then all is counted anew.
    pub fn take(&mut self, line: &str) -> anyhow::Result<()> {
        let is_other = decoding::tables(line)
            .is_some_and(|(names, _)| !names.iter().any(|name| self.tables.contains_key(*name)));
        if is_other {
            return Ok(());
        }
        let Some(change) = decoding::read(line) else {
            anyhow::ensure!(!line.starts_with("table "), "a change that does not tell a row whole");
            return Ok(());
        };
        match change {
            Change::Begin(xid) => self.is_counted = self.counted.saw(xid),
            Change::Commit => self.is_counted = false,
            _ if self.is_counted => {}
            Change::Insert(table, new) => {
                self.counts.added = self.counts.added.saturating_add(1);
                self.turn(&table, None, Some(&new))?;
            }
            Change::Update(table, old, new) => {
                self.counts.changed = self.counts.changed.saturating_add(1);
                self.came_whole(old.is_some())?;
                self.turn(&table, old.as_ref(), Some(&new))?;
            }
            Change::Delete(table, old) => {
                self.counts.removed = self.counts.removed.saturating_add(1);
                self.came_whole(old.is_some())?;
                self.turn(&table, old.as_ref(), None)?;
            }
            Change::Truncate(tables) => {
                for table in tables {
                    if let Some(it) = self.tables.get_mut(&table) {
                        self.counts.removed = self.counts.removed.saturating_add(it.rows.rows());
                        it.rows = SetDigest::default();
                    }
                }
            }
        }
        Ok(())
    }

    /// Errors where a row that was is not told, though all were to be: then it is not known what is left.
    fn came_whole(&self, is_told: bool) -> anyhow::Result<()> {
        anyhow::ensure!(
            is_told || !self.is_whole,
            "a row as it was is not told: REPLICA IDENTITY FULL is gone"
        );
        Ok(())
    }

    fn turn(
        &mut self,
        name: &str,
        old: Option<&Columns>,
        new: Option<&Columns>,
    ) -> anyhow::Result<()> {
        let it = self.tables.get_mut(name);
        let Table { columns, rows } = it.with_context(|| format!("{name} is not followed"))?;
        if !self.is_whole {
            return Ok(());
        }
        let is_known = |of: &Columns| of.keys().all(|name| columns.contains(name));
        // What was null is not told of a row as it was.
        let fits = old.is_none_or(is_known)
            && new.is_none_or(|it| is_known(it) && it.len() == columns.len());
        anyhow::ensure!(fits, "the columns of {name} are others than those that were counted");
        let row = |of: &Columns| -> Vec<Option<String>> {
            columns.iter().map(|column| of.get(column).cloned().flatten()).collect()
        };
        if let Some(old) = old {
            rows.remove(name, &row(old));
        }
        if let Some(new) = new {
            rows.add(name, &row(new));
        }
        Ok(())
    }

    /// All rows as they stand now, where each change is told whole.
    pub fn seen(&self) -> Option<Seen> {
        let mut all = SetDigest::default();
        self.tables.values().for_each(|it| all.join(&it.rows));
        self.is_whole.then(|| all.of())
    }
}

impl SetDigest {
    /// The rows as they stand.
    pub fn of(&self) -> Seen {
        Seen { digest: self.finish(), rows: self.rows() }
    }
}

/// Which transactions a query saw, as `pg_current_snapshot` says it.
#[derive(Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The first that had not begun.
    end: u64,
    /// Those that ran.
    running: Vec<u64>,
    /// The newest that was met.
    newest: u64,
}

impl Snapshot {
    /// `xmin:xmax:xid,xid`.
    pub fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let (_, end, running) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        let running = running.split(',').filter(|it| !it.is_empty()).map(|it| it.parse().ok());
        Some(Self { end, running: running.collect::<Option<_>>()?, newest: end })
    }

    /// Whether it saw a transaction, of whose number the lower half is told: it is at most half a round away from the newest that was met.
    fn saw(&mut self, xid: u32) -> bool {
        let low = u32::try_from(self.newest & u64::from(u32::MAX)).unwrap_or(u32::MAX);
        let distance = i64::from(xid.wrapping_sub(low).cast_signed());
        let whole = self.newest.saturating_add_signed(distance);
        self.newest = self.newest.max(whole);
        whole < self.end && !self.running.contains(&whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_snapshot_saw() {
        let mut it = Snapshot::read("740:750:742,745").unwrap();
        for (xid, saw) in [
            (739, true),
            (742, false),
            (743, true),
            (745, false),
            (749, true),
            (750, false),
            (751, false),
        ] {
            assert_eq!(it.saw(xid), saw, "{xid}");
        }
        assert!(Snapshot::read("7:7:").unwrap().saw(6));
        // The numbers that are told begin anew after 2³².
        let mut it = Snapshot::read("4294967290:4294967300:").unwrap();
        assert!(it.saw(3) && it.saw(u32::MAX) && !it.saw(4));
        // However long it is followed, nothing that comes is of before.
        for xid in [1 << 30, 1 << 31, 3 << 30, 5, 1 << 30] {
            assert!(!it.saw(xid), "{xid}");
        }
        assert!(Snapshot::read("740:750").is_none() && Snapshot::read("a:b:").is_none());
    }

    #[test]
    fn what_is_followed_is_what_a_recount_gives() {
        let table = Table { columns: vec!["id".into(), "name".into()], rows: SetDigest::default() };
        let mut it = Following {
            tables: [("civil.resident".to_owned(), table)].into(),
            counted: Snapshot::read("10:10:").unwrap(),
            is_counted: false,
            counts: Counts::default(),
            is_whole: true,
        };
        for line in [
            "BEGIN 9",
            "table civil.resident: INSERT: id[integer]:1 name[text]:'counted before'",
            "COMMIT 9",
            "BEGIN 10",
            "table civil.resident: INSERT: id[integer]:2 name[text]:'b'",
            "table civil.other: INSERT: what[text]:unchanged-toast-datum",
            "table civil.resident: UPDATE: old-key: id[integer]:2 name[text]:'b' new-tuple: id[integer]:2 name[text]:null",
            "table civil.resident: INSERT: id[integer]:3 name[text]:'c'",
            "table civil.resident: DELETE: id[integer]:3 name[text]:'c'",
            "COMMIT 10",
        ] {
            it.take(line).unwrap();
        }
        let mut counted = SetDigest::default();
        counted.add("civil.resident", &[Some("2".into()), None]);
        assert_eq!(it.seen(), Some(counted.of()));
        assert_eq!(it.counts, Counts { added: 2, changed: 1, removed: 1 });
        it.take("table civil.other, civil.resident: TRUNCATE: (no-flags)").unwrap();
        assert_eq!((it.seen().map(|it| it.rows), it.counts.removed), (Some(0), 2));
        let untold = "table civil.resident: INSERT: id[integer]:4 name[text]:unchanged-toast-datum";
        assert!(it.take(untold).is_err());
        // A column that came or went, and a row as it was that is not told any more.
        for other in [
            "table civil.resident: INSERT: id[integer]:4 name[text]:'a' more[text]:'b'",
            "table civil.resident: INSERT: id[integer]:4",
            "table civil.resident: UPDATE: id[integer]:4 name[text]:'a'",
            "table civil.resident: DELETE: (no-tuple-data)",
        ] {
            assert!(it.take(other).is_err(), "{other}");
        }
    }
}
