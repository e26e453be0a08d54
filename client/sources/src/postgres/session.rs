//! Sessions: which process each is, which statement was its last, and whether lines of it are missing; what it has set is in
//! `settings`.

use super::entry::Entry;
use super::line::ServerLine;
use super::settings::Settings;
use super::text::digest;
use crate::sql::{Savepoint, Setting};
use crate::statement::Named;
use std::collections::{BTreeSet, HashMap};

/// How many sessions are remembered that have set nothing, and that have. A server has fewer at once; the longest silent are
/// forgotten.
const MOST: usize = 16_384;
const MOST_SET: usize = 65_536;
/// How many texts of a statement are remembered that were logged as they began.
const MOST_BEGUN: usize = 64;

/// A session's last statement.
#[derive(Debug, Default)]
pub(super) struct Last {
    transaction: String,
    pub(super) reference: String,
    /// Its texts that were logged as they began, by their digests: an error may end them.
    begun: BTreeSet<u64>,
    /// It was given out: what comes of it stands beside.
    pub(super) is_given_out: bool,
}

impl Last {
    /// Whether a text of it was logged as it began.
    pub(super) fn has_begun(&self, text: &[u8]) -> bool {
        self.begun.contains(&digest(text))
    }
}

/// What a session is known by, and has done.
#[derive(Debug, Default)]
struct Session {
    /// The number of its last line.
    line_num: u64,
    settings: Settings,
    last: Option<Last>,
    /// Where lines do not say their session: the number of the statement under way, and when it began.
    began: Option<(u64, String)>,
    /// The connection was lost, which an error said.
    is_lost: bool,
    /// The client went away.
    is_over: bool,
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
    /// How many there were when sessions were forgotten last.
    forgot: u64,
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
            // Not each time: it looks at all of them.
            if self.all.len() > 2 * MOST && self.lines.saturating_sub(self.forgot) > MOST as u64 {
                self.forget();
            }
            self.all.insert(line.session.clone(), Session::default());
        }
        let session = self.all.get_mut(&line.session)?;
        (session.heard, session.is_over) = (heard, false);
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

    /// The client of a line's session has gone: what it set holds no longer. The number of its last line stays known.
    pub(super) fn over(&mut self, line: &ServerLine) {
        let session = self.session(line);
        (session.settings, session.is_over) = (Settings::default(), true);
    }

    /// Remembers a session's last statement, of which this is an entry.
    pub(super) fn ran(&mut self, line: &ServerLine, reference: &str, entry: &Entry) {
        let session = self.session(line);
        let same = session.last.take().filter(|it| it.reference == reference);
        let mut last =
            same.unwrap_or_else(|| Last { reference: reference.to_owned(), ..Last::default() });
        last.transaction.clone_from(&line.transaction);
        if entry.known_rows().is_none() && last.begun.len() < MOST_BEGUN {
            last.begun.insert(digest(&entry.text));
        }
        session.last = Some(last);
    }

    /// The last statement of a line's session, where it is of the same transaction.
    pub(super) fn last(&self, line: &ServerLine) -> Option<&Last> {
        let last = self.all.get(&line.session)?.last.as_ref()?;
        (last.transaction == line.transaction).then_some(last)
    }

    /// The last statement of a session.
    pub(super) fn last_of(&self, session: &str) -> Option<&str> {
        self.all.get(session)?.last.as_ref().map(|it| it.reference.as_str())
    }

    /// The last statements of all sessions, by session, with whether it is open; the longest silent last.
    pub(super) fn last_statements(&mut self) -> Vec<(&String, &mut Last, bool)> {
        let mut all: Vec<_> = self.all.iter_mut().collect();
        all.sort_unstable_by_key(|(_, it)| std::cmp::Reverse(it.heard));
        let last = all.into_iter();
        last.filter_map(|(id, it)| Some((id, it.last.as_mut()?, !it.is_over))).collect()
    }

    /// Forgets sessions, where there are too many.
    pub(super) fn forget(&mut self) {
        self.forgot = self.lines;
        let before = self.all.len();
        self.forget_of(true, MOST);
        self.forget_of(false, MOST_SET);
        if self.all.len() < before {
            let all = &self.all;
            self.of_process.retain(|_, session| all.contains_key(session));
        }
    }

    /// Forgets the longest silent of the sessions that have set nothing, or of those that have.
    fn forget_of(&mut self, is_idle: bool, most: usize) {
        let is_of = |it: &Session| it.settings.is_empty() == is_idle;
        let of = self.all.values().filter(|it| is_of(it));
        let mut heard: Vec<u64> = of.map(|it| it.heard).collect();
        heard.sort_unstable();
        let last = heard.len().checked_sub(most + 1).and_then(|at| heard.get(at).copied());
        if let Some(last) = last {
            self.all.retain(|_, it| it.heard > last || !is_of(it));
        }
    }
}

/// The number of a session's process, by its id: the time of its begin and the number, both hexadecimal.
fn process(session: &str) -> Option<u64> {
    u64::from_str_radix(session.split_once('.')?.1, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::SetTo;

    fn line(session: usize) -> ServerLine {
        ServerLine { session: format!("6b.{session:x}"), ..ServerLine::default() }
    }

    fn heard(sessions: &mut Sessions, session: usize) {
        sessions.missing(&line(session));
        let to = SetTo::Text("a".to_owned());
        let grant = Setting { name: Some("liuhen.grant".to_owned()), to, local: false };
        sessions.set(&line(session), [grant].iter(), false);
    }

    /// What was set holds until its session is over, and for no more sessions than a server has.
    #[test]
    fn sessions_that_set_something_are_forgotten() {
        let mut sessions = Sessions::default();
        let all = MOST_SET + 3 * MOST;
        for session in 0..all {
            heard(&mut sessions, session);
        }
        assert!(sessions.all.len() <= MOST_SET + MOST + 1, "{}", sessions.all.len());
        assert!(sessions.of_process.len() <= sessions.all.len());
        sessions.forget();
        assert_eq!(sessions.all.len(), MOST_SET);
        assert_eq!(sessions.named(&line(all - 1)).grants.len(), 1);
        assert_eq!(sessions.named(&line(0)).grants.len(), 0);
        sessions.over(&line(all - 1));
        assert_eq!(sessions.named(&line(all - 1)).grants.len(), 0);
    }
}
