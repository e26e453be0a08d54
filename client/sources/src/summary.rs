//! What an import found and recorded.

use crate::log::Log;
use liuhen_client::error::ClientError;
use liuhen_proto::event::Outcome;
use std::collections::BTreeMap;
use std::time::Duration;

/// What an import found and recorded.
#[derive(Debug, Default)]
pub struct Summary {
    /// Lines of the log.
    pub lines: u64,
    /// Lines that are no access.
    pub other_lines: u64,
    /// Lines that hold nothing.
    pub blank_lines: u64,
    /// The last line, where it was not written whole: it is left for the next run.
    pub unfinished: Option<u64>,
    /// Lines of databases that the mapping does not name.
    pub other_databases: u64,
    /// Lines that were not understood, and why.
    pub unknown: Vec<(u64, String)>,
    /// Lines that were set aside, and why: what they tell of is not on the ledger.
    pub set_aside: Vec<(u64, String)>,
    /// Statements that name several grants that differ.
    pub contradictory: u64,
    /// Statements that are accesses.
    pub statements: usize,
    /// Statements recorded before this run.
    pub already: usize,
    /// Statements left for the next run.
    pub left: usize,
    /// Tags that name no grant, and how often each came up.
    pub unknown_tags: Vec<(String, u64)>,
    /// Records by verdict, reason, timeliness.
    pub outcomes: BTreeMap<(&'static str, &'static str, &'static str), u64>,
    /// How long sending took.
    pub elapsed: Duration,
}

impl Summary {
    pub(crate) fn of_log(log: &Log) -> Self {
        Self {
            lines: log.lines,
            other_lines: log.other_lines,
            blank_lines: log.blank_lines,
            unfinished: log.unfinished,
            other_databases: log.other_databases,
            unknown: log.unknown.clone(),
            set_aside: log.set_aside.clone(),
            contradictory: log.contradictory,
            statements: log.statements.len(),
            ..Self::default()
        }
    }

    pub(crate) fn count(&mut self, outcome: Outcome) {
        let (verdict, reason) = (outcome.verdict.name(), outcome.reason.name());
        *self.outcomes.entry((verdict, reason, outcome.timeliness.name())).or_default() += 1;
    }

    /// Records made by this run.
    pub fn recorded(&self) -> u64 {
        self.outcomes.values().sum()
    }
}

/// Fails where lines of a log were set aside.
pub fn not_all(set_aside: &[(u64, String)]) -> Result<(), ClientError> {
    match set_aside.len() {
        0 => Ok(()),
        count => Err(ClientError::Failed(format!("{count} lines of the log were set aside"))),
    }
}
