//! A statement of a log with all that it touched, whatever server wrote it. What can't be told of it is said, not left out.

use crate::sql::Fields;
use std::collections::{BTreeMap, BTreeSet};

/// How far apart the lines of one statement may be written: what runs inside may take its time.
pub(crate) const APART_MS: u64 = 12 * 3_600_000;

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What tells it from all others of the server: the server's name where it has one, session and statement.
    pub reference: String,
    /// Milliseconds since the Unix epoch, as the log has it.
    pub time_ms: u64,
    /// The database; empty where the log does not say.
    pub database: String,
    /// Who asked.
    pub caller: Caller,
    /// Datasets touched, with the operation on each, and the fields.
    pub touched: BTreeMap<(String, i32), Fields>,
    /// What can't be told: why it is not known which datasets, or which further ones, it touched.
    pub untold: BTreeSet<String>,
    /// What ran as the statement and inside it, by its number.
    pub parts: BTreeMap<u64, Part>,
    /// What it says of itself.
    pub named: Named,
    /// Whether the server refused it.
    pub denied: bool,
    /// The SHA-256 of a file that was handed over; `None` of what a log tells.
    pub content: Option<[u8; 32]>,
}

/// Who asked, as the log has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Caller {
    /// The database role; empty where the log does not say.
    pub role: String,
    /// The client's address, without its port.
    pub address: String,
    /// What the client calls itself.
    pub application: String,
}

/// A statement, or one that ran inside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// Its text and parameters, as the bytes that stand in the log; they never leave this machine.
    pub text: Vec<u8>,
    /// Rows returned or changed; `None` where that is not known.
    pub rows: Option<u64>,
}

/// What a statement says of itself, in comments or by settings of its session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// The grants that it names, each once.
    pub grants: BTreeSet<String>,
    /// For what purpose.
    pub purpose: Option<String>,
    /// For whom.
    pub user: Option<String>,
    /// The log hides its text: what it names can't be seen.
    pub hidden: bool,
}

impl Named {
    /// The only grant that is named.
    pub fn grant(&self) -> Option<&str> {
        let mut all = self.grants.iter();
        let only = all.next()?;
        (all.next().is_none() && !only.is_empty()).then_some(only)
    }

    /// Whether grants are named that differ.
    pub fn is_contradictory(&self) -> bool {
        self.grants.len() > 1
    }

    fn join(&mut self, other: Self) {
        self.grants.extend(other.grants);
        self.purpose = self.purpose.take().or(other.purpose);
        self.user = self.user.take().or(other.user);
        // What one part shows is seen, whatever others hide.
        self.hidden = self.hidden && other.hidden;
    }
}

impl Statement {
    /// Rows returned or changed; `None` where that is not known. A server writes a statement behind those that ran inside
    /// it: theirs count where together they are more.
    pub fn rows(&self) -> Option<u64> {
        let rows: Option<Vec<u64>> = self.parts.values().map(|it| it.rows).collect();
        let rows = rows?;
        let (last, inside) = rows.split_last()?;
        Some(inside.iter().fold(0, |sum: u64, it| sum.saturating_add(*it)).max(*last))
    }

    /// Its text with that of all that ran inside it.
    pub fn text(&self) -> Vec<u8> {
        self.parts.values().map(|it| it.text.as_slice()).collect::<Vec<_>>().join(&b'\n')
    }

    /// Whether what a line tells may be of it, by who asked, where, and when.
    pub fn may_be(&self, other: &Self) -> bool {
        let same = |one: &str, other: &str| one.is_empty() || other.is_empty() || one == other;
        same(&self.caller.role, &other.caller.role)
            && same(&self.database, &other.database)
            && self.time_ms.abs_diff(other.time_ms) <= APART_MS
    }

    /// Takes in what a further line tells of it.
    pub fn join(&mut self, other: Self) {
        self.takes(other.touched, other.untold);
        for (number, part) in other.parts {
            match self.parts.entry(number) {
                std::collections::btree_map::Entry::Vacant(it) => {
                    it.insert(part);
                }
                std::collections::btree_map::Entry::Occupied(mut it) => {
                    let known = it.get_mut();
                    known.rows = known.rows.zip(part.rows).map(|(one, other)| one.max(other));
                }
            }
        }
        self.named.join(other.named);
    }

    /// Takes in what else it touched, and why not all of that can be told.
    pub(crate) fn takes(
        &mut self,
        touched: BTreeMap<(String, i32), Fields>,
        untold: BTreeSet<String>,
    ) {
        for (what, fields) in touched {
            match self.touched.entry(what) {
                std::collections::btree_map::Entry::Vacant(it) => {
                    it.insert(fields);
                }
                std::collections::btree_map::Entry::Occupied(mut it) => {
                    let both = both(it.get(), fields);
                    it.insert(both);
                }
            }
        }
        self.untold.extend(untold);
    }
}

/// The fields that are meant by either.
pub(crate) fn both(one: &Fields, other: Fields) -> Fields {
    match (one, other) {
        (Fields::These(one), Fields::These(mut other)) => {
            other.extend(one.iter().cloned());
            Fields::These(other)
        }
        _ => Fields::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_rows(rows: &[Option<u64>]) -> Option<u64> {
        let parts = rows
            .iter()
            .zip(1..)
            .map(|(rows, number)| (number, Part { text: Vec::new(), rows: *rows }));
        let statement = Statement {
            reference: "s/1".into(),
            time_ms: 1,
            database: "d".into(),
            caller: Caller::default(),
            touched: BTreeMap::new(),
            untold: BTreeSet::new(),
            parts: parts.collect(),
            named: Named::default(),
            denied: false,
            content: None,
        };
        statement.rows()
    }

    #[test]
    fn rows_of_what_ran_inside_count_where_they_are_more() {
        assert_eq!(with_rows(&[Some(7)]), Some(7));
        // A function called for each of three rows, each call reading one.
        assert_eq!(with_rows(&[Some(1), Some(1), Some(1), Some(3)]), Some(3));
        // A block that reads and returns nothing.
        assert_eq!(with_rows(&[Some(2), Some(2), Some(0)]), Some(4));
        assert_eq!(with_rows(&[Some(2), None]), None, "unknown is not 0");
        assert_eq!(with_rows(&[Some(u64::MAX), Some(2), Some(0)]), Some(u64::MAX));
    }

    #[test]
    fn what_is_named() {
        let named = |grants: &[&str]| Named {
            grants: grants.iter().map(|it| (*it).to_owned()).collect(),
            ..Named::default()
        };
        assert_eq!(named(&["a"]).grant(), Some("a"));
        assert_eq!(named(&["a", "b"]).grant(), None);
        assert!(named(&["a", "b"]).is_contradictory());
        assert_eq!((named(&[""]).grant(), named(&[]).grant()), (None, None));
        let mut hidden = Named { hidden: true, ..named(&[]) };
        hidden.join(named(&["a"]));
        assert_eq!((hidden.grant(), hidden.hidden), (Some("a"), false));
    }
}
