//! Sessions: which process each is, which statement was its last, and whether lines of it are missing; what it has set is in
//! `settings`.

use super::line::ServerLine;
use super::settings::Settings;
use crate::sql::{Savepoint, Setting};
use crate::statement::Named;
use std::collections::{HashMap, HashSet};

/// How many sessions are remembered. A server has fewer at once; of those that have set nothing the longest silent are forgotten.
const MOST: usize = 16_384;

/// What a session is known by, and has done.
#[derive(Debug, Default)]
struct Session {
    /// The number of its last line.
    line_num: u64,
    settings: Settings,
    /// Its last statement: transaction and reference.
    last: Option<(String, String)>,
    /// Where lines do not say their session: the number of the statement under way, and when it began.
    began: Option<(u64, String)>,
    /// The connection was lost, which an error said.
    is_lost: bool,
    /// When its last line was read, as a count of lines.
    heard: u64,
}

/// All sessions of a log, by their ids.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    all: HashMap<String, Session>,
    /// The session of a process, the newest.
    of_process: HashMap<u64, String>,
    /// Lines read.
    lines: u64,
}

impl Sessions {
    /// Looks at a line's number; gives the lines of its session before it that are missing.
    pub(super) fn missing(&mut self, line: &ServerLine) -> Option<(u64, u64)> {
        if let Some(process) = process(&line.session)
            && self.of_process.get(&process).is_none_or(|it| *it != line.session)
        {
            self.of_process.insert(process, line.session.clone());
        }
        self.lines += 1;
        let heard = self.lines;
        if !self.all.contains_key(&line.session) {
            self.all.insert(line.session.clone(), Session::default());
        }
        let session = self.all.get_mut(&line.session)?;
        session.heard = heard;
        session.settings.begins(&line.transaction);
        let this = line.line_num?;
        let known = std::mem::replace(&mut session.line_num, line.last_line_num.unwrap_or(this));
        let (first, last) = (known.saturating_add(1), this.saturating_sub(1));
        (known > 0 && first <= last).then_some((first, last))
    }

    /// The session in whose name a parallel worker runs.
    pub(super) fn of_leader(&self, line: &ServerLine) -> Option<&str> {
        self.of_process.get(&line.leader?).map(String::as_str)
    }

    fn session(&mut self, line: &ServerLine) -> &mut Session {
        self.all.entry(line.session.clone()).or_default()
    }

    /// Takes what a statement sets. Where callers share a session, it holds for its transaction alone.
    pub(super) fn set<'a>(
        &mut self,
        line: &ServerLine,
        settings: impl Iterator<Item = &'a Setting>,
        pooled: bool,
    ) {
        let session = self.session(line);
        settings.for_each(|it| session.settings.set(line, it, pooled));
    }

    /// Takes what a statement does to the savepoints of its transaction; `None`: it goes back, and nobody knows how far.
    pub(super) fn savepoint(&mut self, line: &ServerLine, done: Option<&Savepoint>) {
        self.session(line).settings.savepoint(&line.transaction, done);
    }

    /// A statement of a line's transaction failed.
    pub(super) fn failed(&mut self, line: &ServerLine) {
        let session = self.session(line);
        session.is_lost |= line.state.starts_with("08");
        session.settings.failed(&line.transaction);
    }

    /// Whether an error said that the connection was lost.
    pub(super) fn is_lost(&self, line: &ServerLine) -> bool {
        self.all.get(&line.session).is_some_and(|it| it.is_lost)
    }

    /// What the settings of a line's session say at it.
    pub(super) fn named(&self, line: &ServerLine) -> Named {
        self.all.get(&line.session).map(|it| it.settings.named(line)).unwrap_or_default()
    }

    /// When the statement began whose number a line has, as its first line says it.
    pub(super) fn began(&mut self, line: &ServerLine, statement: u64) -> String {
        let session = self.session(line);
        match &session.began {
            Some((known, began)) if *known == statement => began.clone(),
            _ => {
                session.began = Some((statement, line.time.clone()));
                line.time.clone()
            }
        }
    }

    /// Remembers a session's last statement.
    pub(super) fn ran(&mut self, line: &ServerLine, reference: &str) {
        self.session(line).last = Some((line.transaction.clone(), reference.to_owned()));
    }

    /// The last statement of a line's session, where it is of the same transaction.
    pub(super) fn last(&self, line: &ServerLine) -> Option<&str> {
        let (transaction, reference) = self.all.get(&line.session)?.last.as_ref()?;
        (*transaction == line.transaction).then_some(reference)
    }

    /// The last statement of a session.
    pub(super) fn last_of(&self, session: &str) -> Option<&str> {
        self.all.get(session)?.last.as_ref().map(|(_, reference)| reference.as_str())
    }

    /// Statements that may go on: the last of each session that was heard of within so many lines.
    pub(super) fn going_on(&self, within_lines: u64) -> HashSet<String> {
        let since = self.lines.saturating_sub(within_lines);
        let heard = self.all.values().filter(|it| it.heard >= since);
        heard.filter_map(|it| it.last.as_ref()).map(|(_, reference)| reference.clone()).collect()
    }

    /// Forgets sessions of which nothing is worth knowing any more, where there are too many.
    pub(super) fn forget(&mut self) {
        let too_many = self.all.len().saturating_sub(MOST);
        if too_many == 0 {
            return;
        }
        let idle = self.all.values().filter(|it| it.settings.is_empty());
        let mut heard: Vec<u64> = idle.map(|it| it.heard).collect();
        heard.sort_unstable();
        let Some(last) = heard.get(too_many.min(heard.len()).saturating_sub(1)).copied() else {
            return;
        };
        self.all.retain(|_, it| it.heard > last || !it.settings.is_empty());
        let all = &self.all;
        self.of_process.retain(|_, session| all.contains_key(session));
    }
}

/// The number of a session's process, by its id: the time of its begin and the number, both hexadecimal.
fn process(session: &str) -> Option<u64> {
    u64::from_str_radix(session.split_once('.')?.1, 16).ok()
}
