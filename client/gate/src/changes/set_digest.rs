//! A digest of a set of rows that follows each change: what is added and taken away one by one gives the same as a recount.
//!
//! It is LtHash with 1,024 lanes of 16 bits (Bellare and Micciancio 1997; Lewi, Kim, Maykov and Weis 2019): each row is hashed to all lanes, rows are
//! added lane by lane. A row is its table and its columns as PostgreSQL writes them as text, each with its length before it, so that no two rows
//! read alike.

use liuhen_proto::suite::hash::{Domain, hash};
use liuhen_proto::types::Hash;

const LANES: usize = 1024;
/// What rows are hashed for.
const CONTEXT: &str = "liuhen 2026-12 rows of a dataset v1";

/// The rows of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetDigest {
    lanes: Box<[u16; LANES]>,
    rows: u64,
}

impl Default for SetDigest {
    fn default() -> Self {
        Self { lanes: Box::new([0; LANES]), rows: 0 }
    }
}

/// A row's columns in their order; `None`: null.
pub type Row = [Option<String>];

impl SetDigest {
    /// A row more.
    pub fn add(&mut self, table: &str, row: &Row) {
        self.rows = self.rows.wrapping_add(1);
        self.turn(table, row, u16::wrapping_add);
    }

    /// A row less.
    pub fn remove(&mut self, table: &str, row: &Row) {
        self.rows = self.rows.wrapping_sub(1);
        self.turn(table, row, u16::wrapping_sub);
    }

    fn turn(&mut self, table: &str, row: &Row, by: fn(u16, u16) -> u16) {
        let mut bytes = [0; 2 * LANES];
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        let mut part = |text: &str| {
            hasher.update(&(text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        };
        part(table);
        for column in row {
            match column {
                Some(text) => {
                    part("=");
                    part(text);
                }
                None => part(""),
            }
        }
        hasher.finalize_xof().fill(&mut bytes);
        for (lane, pair) in self.lanes.iter_mut().zip(bytes.chunks_exact(2)) {
            let of = pair.first().zip(pair.last()).map_or(0, |(a, b)| u16::from_be_bytes([*a, *b]));
            *lane = by(*lane, of);
        }
    }

    /// The rows of several tables together.
    pub fn join(&mut self, other: &Self) {
        self.rows = self.rows.wrapping_add(other.rows);
        for (lane, more) in self.lanes.iter_mut().zip(other.lanes.iter()) {
            *lane = lane.wrapping_add(*more);
        }
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The digest.
    pub fn finish(&self) -> Hash {
        let lanes: Vec<u8> = self.lanes.iter().flat_map(|it| it.to_be_bytes()).collect();
        hash(Domain::Digest, &[CONTEXT.as_bytes(), &self.rows.to_be_bytes(), &lanes])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[Option<&str>]) -> Vec<Option<String>> {
        values.iter().map(|it| it.map(str::to_owned)).collect()
    }

    #[test]
    fn changes_give_what_a_recount_gives() {
        let (a, b, c) =
            (row(&[Some("1"), None]), row(&[Some("2"), Some("x")]), row(&[Some("2"), Some("y")]));
        let mut followed = SetDigest::default();
        let empty = followed.finish();
        for one in [&a, &b, &b] {
            followed.add("t", one);
        }
        followed.remove("t", &b);
        followed.remove("t", &b);
        followed.add("t", &c);
        let mut counted = SetDigest::default();
        counted.add("t", &c);
        counted.add("t", &a);
        assert_eq!((followed.rows(), followed.finish()), (2, counted.finish()));
        followed.remove("t", &a);
        followed.remove("t", &c);
        assert_eq!(followed.finish(), empty);
    }

    #[test]
    fn no_two_rows_read_alike() {
        let of = |table: &str, values: &[Option<&str>]| {
            let mut it = SetDigest::default();
            it.add(table, &row(values));
            it.finish()
        };
        let all = [
            of("t", &[Some("a"), Some("b")]),
            of("t", &[Some("ab"), Some("")]),
            of("t", &[Some("ab"), None]),
            of("t", &[Some("b"), Some("a")]),
            of("t", &[Some("ab")]),
            of("u", &[Some("ab")]),
            of("t", &[None]),
            of("t", &[]),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }
}
