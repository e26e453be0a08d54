//! What an import found and recorded.

use crate::log::{Log, Noted, Place};
use crate::plan::Counts;
use liuhen_client::error::ClientError;
use liuhen_client::lang::pick;
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
    /// Accesses that the ledger can never take, for which a digest stands there, of this run or one before.
    pub stand_ins: usize,
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
    /// The files, by their names.
    pub files: Vec<String>,
    /// The last line, where it was not written whole: it is left for the next run.
    pub unfinished: Option<Place>,
    /// Lines of databases that the mapping does not name.
    pub other_databases: u64,
    /// Refusals that mean no data of the mapped relations.
    pub other_denied: u64,
    /// Lines that were not understood, and why.
    pub unknown: Noted,
    /// Lines that were set aside, and why: what they tell of is not on the ledger.
    pub set_aside: Noted,
    /// Lines of accesses of which not all datasets can be told, and why: they are recorded as such.
    pub untold: Noted,
    /// What happened to the log or its server.
    pub events: Noted,
    /// Relations that the mapping lacks, and in how many lines they stand.
    pub unmapped: BTreeMap<String, u64>,
    /// Functions into which no log looks, and in how many lines they are called.
    pub calls: BTreeMap<String, u64>,
    /// Statements that name several grants that differ.
    pub contradictory: usize,
    /// Statements whose text the log hides.
    pub hidden: usize,
    /// Whether none of the lines is of an audit.
    pub unaudited: bool,
}

impl Lines {
    /// Of a log.
    pub fn of(log: &Log) -> Self {
        Self {
            all: log.lines,
            other: log.other_lines,
            blank: log.blank_lines,
            files: log.files.clone(),
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
            unaudited: log.unaudited,
        }
    }

    /// A line as people are told of it: with its file where there are several.
    pub fn shown(&self, at: Place) -> String {
        let line = pick(&format!("line {}", at.line), &format!("第 {} 行", at.line)).to_owned();
        match self.files.get(at.file).filter(|_| self.files.len() > 1) {
            Some(file) => format!("{file}{}{line}", pick(", ", "，")),
            None => line,
        }
    }

    /// Fails where something is not told: what was set aside is not on the ledger, and what could not be told is there as such.
    pub fn must_be_all(&self) -> Result<(), ClientError> {
        let mut left = Vec::new();
        if !self.set_aside.is_empty() {
            let count = self.set_aside.len();
            left.push(said(
                format!("{count} lines of the log were set aside"),
                format!("日志有 {count} 行已搁置"),
            ));
        }
        if !self.unknown.is_empty() {
            let count = self.unknown.len();
            left.push(said(
                format!("{count} lines were not understood"),
                format!("有 {count} 行未读懂"),
            ));
        }
        if !self.untold.is_empty() {
            let count = self.untold.len();
            left.push(said(
                format!("of {count} lines not all datasets can be told"),
                format!("有 {count} 行不能尽知其目录项"),
            ));
        }
        if self.unaudited {
            let all = self.all;
            left.push(said(
                format!("0 of {all} lines are entries of an audit: nothing says what was read"),
                format!("{all} 行中没有审计条目：无从得知读取了什么"),
            ));
        }
        if left.is_empty() {
            Ok(())
        } else {
            Err(ClientError::Failed(left.join(pick("; ", "；"))))
        }
    }
}

/// A sentence in the language of whoever reads it.
fn said(english: String, chinese: String) -> String {
    pick(&english, &chinese).to_owned()
}

impl Summary {
    /// Fails where not everything that the log tells of stands on the ledger as a record.
    pub fn must_be_all(&self) -> Result<(), ClientError> {
        let lines = self.lines.must_be_all();
        if self.stand_ins == 0 {
            return lines;
        }
        let count = self.stand_ins;
        let why = said(
            format!("for {count} accesses a digest stands in on the ledger"),
            format!("{count} 次访问在账本上只有摘要代替"),
        );
        Err(ClientError::Failed(match lines {
            Ok(()) => why,
            Err(lines) => format!("{why}{}{lines}", pick("; ", "；")),
        }))
    }

    /// Takes in what became of a part of the log's statements.
    pub(crate) fn add(&mut self, part: Self) {
        self.already += part.already;
        self.changed += part.changed;
        self.left += part.left;
        self.stand_ins += part.stand_ins;
        for (what, count) in part.outcomes {
            *self.outcomes.entry(what).or_default() += count;
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
