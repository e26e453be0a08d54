//! What an import found and recorded.

use crate::log::Log;
use crate::plan::Counts;
use liuhen_client::error::ClientError;
use liuhen_proto::event::Outcome;
use std::collections::BTreeMap;
use std::time::Duration;

/// What an import found and recorded.
#[derive(Debug, Default)]
pub struct Summary {
    /// What is known of the log's lines.
    pub lines: Lines,
    /// Statements that are accesses.
    pub statements: usize,
    /// Statements recorded before this run.
    pub already: usize,
    /// Statements recorded before, of which more is known now: that is recorded beside it.
    pub changed: usize,
    /// Records left for the next run.
    pub left: usize,
    /// What of the statements' grants could not be resolved.
    pub grants: Counts,
    /// Records by verdict, reason, timeliness.
    pub outcomes: BTreeMap<(&'static str, &'static str, &'static str), u64>,
    /// How long sending took.
    pub elapsed: Duration,
}

/// What became of a log's lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    /// All.
    pub all: u64,
    /// Lines that are no access.
    pub other: u64,
    /// Lines that hold nothing.
    pub blank: u64,
    /// The last line, where it was not written whole: it is left for the next run.
    pub unfinished: Option<u64>,
    /// Lines of databases that the mapping does not name.
    pub other_databases: u64,
    /// Refusals that mean no data of the mapped relations.
    pub other_denied: u64,
    /// Lines that were not understood, and why.
    pub unknown: Vec<(u64, String)>,
    /// Lines that were set aside, and why: what they tell of is not on the ledger.
    pub set_aside: Vec<(u64, String)>,
    /// Lines of accesses of which not all datasets can be told, and why: they are recorded as such.
    pub untold: Vec<(u64, String)>,
    /// What happened to the log or its server.
    pub events: Vec<(u64, String)>,
    /// Relations that the mapping lacks, and in how many lines they stand.
    pub unmapped: BTreeMap<String, u64>,
    /// Functions into which no log looks, and in how many lines they are called.
    pub calls: BTreeMap<String, u64>,
    /// Statements that name several grants that differ.
    pub contradictory: usize,
    /// Statements whose text the log hides.
    pub hidden: usize,
}

impl Lines {
    /// Of a log.
    pub fn of(log: &Log) -> Self {
        Self {
            all: log.lines,
            other: log.other_lines,
            blank: log.blank_lines,
            unfinished: log.unfinished,
            other_databases: log.other_databases,
            other_denied: log.other_denied,
            unknown: log.unknown.clone(),
            set_aside: log.set_aside.clone(),
            untold: log.untold.clone(),
            events: log.events.clone(),
            unmapped: log.unmapped.clone(),
            calls: log.calls.clone(),
            contradictory: log.contradictory(),
            hidden: log.hidden(),
        }
    }

    /// Fails where something is not told: what was set aside is not on the ledger, and what could not be told is there as such.
    pub fn must_be_all(&self) -> Result<(), ClientError> {
        let mut left = Vec::new();
        if !self.set_aside.is_empty() {
            left.push(format!("{} lines of the log were set aside", self.set_aside.len()));
        }
        if !self.unknown.is_empty() {
            left.push(format!("{} lines were not understood", self.unknown.len()));
        }
        if !self.untold.is_empty() {
            left.push(format!("of {} lines not all datasets can be told", self.untold.len()));
        }
        if left.is_empty() { Ok(()) } else { Err(ClientError::Failed(left.join("; "))) }
    }
}

impl Summary {
    pub(crate) fn of_log(log: &Log) -> Self {
        Self { lines: Lines::of(log), statements: log.statements.len(), ..Self::default() }
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
