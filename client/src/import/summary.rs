//! What an import found and recorded.

use super::pgaudit::Log;
use crate::error::ClientError;
use crate::output::{Format, Rows};
use liuhen_proto::event::Outcome;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// What an import found and recorded.
#[derive(Debug, Default)]
pub struct Summary {
    lines: u64,
    other_lines: u64,
    other_databases: u64,
    unknown: Vec<(u64, String)>,
    set_aside: Vec<(u64, String)>,
    contradictory: u64,
    statements: usize,
    /// Statements recorded before this run.
    pub already: usize,
    /// Statements left for the next run.
    pub left: usize,
    /// Tags that name no grant, and how often each came up.
    pub unknown_tags: Vec<(String, u64)>,
    /// Records by verdict, reason, timeliness.
    outcomes: BTreeMap<(&'static str, &'static str, &'static str), u64>,
    /// How long sending took.
    pub elapsed: Duration,
}

impl Summary {
    pub(super) fn of_log(log: &Log) -> Self {
        Self {
            lines: log.lines,
            other_lines: log.other_lines,
            other_databases: log.other_databases,
            unknown: log.unknown.clone(),
            set_aside: log.set_aside.clone(),
            contradictory: log.contradictory,
            statements: log.statements.len(),
            ..Self::default()
        }
    }

    pub(super) fn count(&mut self, outcome: Outcome) {
        let (verdict, reason) = (outcome.verdict.name(), outcome.reason.name());
        *self.outcomes.entry((verdict, reason, outcome.timeliness.name())).or_default() += 1;
    }

    /// Records made by this run.
    pub fn recorded(&self) -> u64 {
        self.outcomes.values().sum()
    }

    /// Prints counts by verdict on stdout, all else on stderr. Fails where lines were set aside: what they tell of is
    /// not on the ledger.
    pub fn print(&self, format: Format) -> Result<(), ClientError> {
        for (line, why) in &self.unknown {
            eprintln!("line {line} skipped: {why}");
        }
        for (line, why) in &self.set_aside {
            eprintln!("line {line} set aside: {why}");
        }
        if self.contradictory > 0 {
            let count = self.contradictory;
            eprintln!("{count} statements name several grants that differ: recorded without one");
        }
        for (tag, count) in &self.unknown_tags {
            eprintln!("no grant {tag} on the ledger: {count} statements recorded without one");
        }
        let mut rows = Rows::new(&["verdict", "reason", "timeliness", "records"]);
        for ((verdict, reason, timeliness), count) in &self.outcomes {
            rows.push(vec![json!(verdict), json!(reason), json!(timeliness), json!(count)]);
        }
        rows.print(format)?;
        eprintln!(
            "{} lines: {} statements, {} lines of other databases, {} lines of no access, {} not \
             understood, {} set aside",
            self.lines,
            self.statements,
            self.other_databases,
            self.other_lines,
            self.unknown.len(),
            self.set_aside.len()
        );
        let rate = match self.elapsed.as_millis() {
            0 => String::new(),
            ms => format!(" in {ms} ms, {} a second", u128::from(self.recorded()) * 1000 / ms),
        };
        eprintln!(
            "{} recorded{rate}; {} recorded before; {} left",
            self.recorded(),
            self.already,
            self.left
        );
        not_all(&self.set_aside)
    }
}

/// Fails where lines of a log were set aside.
pub(crate) fn not_all(set_aside: &[(u64, String)]) -> Result<(), ClientError> {
    match set_aside.len() {
        0 => Ok(()),
        count => Err(ClientError::Failed(format!("{count} lines of the log were set aside"))),
    }
}
