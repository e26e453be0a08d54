//! How often a record was read already. A log may be longer than memory: what is not in memory is kept in a file of this process's
//! own, which goes with it.

use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashMap;

/// Records that are counted in memory.
const MOST: usize = 200_000;

/// The digest of a record.
pub(super) type Digest = [u8; 32];

/// How often each record was read.
#[derive(Debug)]
pub(super) struct Equal {
    most: usize,
    /// Records that were read last: they are counted whole here.
    recent: HashMap<Digest, u64>,
    /// The others.
    others: Option<Connection>,
}

impl Default for Equal {
    fn default() -> Self {
        Self::within(MOST)
    }
}

impl Equal {
    fn within(most: usize) -> Self {
        Self { most, recent: HashMap::new(), others: None }
    }

    /// Counts a record; gives how often it was read before.
    pub(super) fn count(&mut self, digest: Digest) -> Result<u64, String> {
        if let Some(count) = self.recent.get_mut(&digest) {
            let before = *count;
            *count = before.saturating_add(1);
            return Ok(before);
        }
        let failed = |e: rusqlite::Error| format!("the file of equal records: {e}");
        let before = match &self.others {
            Some(file) => counted(file, &digest).map_err(failed)?,
            None => 0,
        };
        self.recent.insert(digest, before.saturating_add(1));
        if self.recent.len() >= self.most {
            self.put_away().map_err(failed)?;
        }
        Ok(before)
    }

    /// Moves what is counted in memory into the file.
    fn put_away(&mut self) -> rusqlite::Result<()> {
        let file = match &mut self.others {
            Some(file) => file,
            none => none.insert(made()?),
        };
        let all = file.transaction()?;
        {
            let mut put = all.prepare_cached(
                "INSERT INTO counted VALUES (?1, ?2) ON CONFLICT (digest) DO UPDATE SET count = ?2",
            )?;
            // In order, so that neighbours are written together.
            let mut recent: Vec<_> = self.recent.iter().collect();
            recent.sort_unstable();
            for (digest, count) in recent {
                put.execute(params![digest, i64::try_from(*count).unwrap_or(i64::MAX)])?;
            }
        }
        all.commit()?;
        self.recent.clear();
        Ok(())
    }
}

fn made() -> rusqlite::Result<Connection> {
    // Without a name it is a file that nobody else sees, and that is gone when it is closed.
    let file = Connection::open("")?;
    file.execute_batch(
        "CREATE TABLE counted (digest BLOB PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID",
    )?;
    Ok(file)
}

fn counted(file: &Connection, digest: &Digest) -> rusqlite::Result<u64> {
    let mut get = file.prepare_cached("SELECT count FROM counted WHERE digest = ?1")?;
    let count: Option<i64> = get.query_row(params![digest], |it| it.get(0)).optional()?;
    Ok(count.and_then(|it| u64::try_from(it).ok()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many are in memory as are allowed, and none is counted anew.
    #[test]
    fn what_is_not_in_memory_is_counted_on() {
        let mut equal = Equal::within(10);
        for round in 0..3 {
            for record in 0..100 {
                assert_eq!(equal.count([record; 32]).unwrap(), round, "{record}");
                assert!(equal.recent.len() < 10, "{record}");
            }
        }
    }
}
