//! Parallel workers. They run in the name of a session, and number what they run for themselves: by number nothing of theirs is of
//! a statement of the session's. With `log_rows` they write before the session does that they work for, without it behind it.

use super::Reader;
use super::entry::Entry;
use super::line::ServerLine;
use super::text::shown;
use crate::log::{Log, NotRead};
use crate::touched::Touched;
use std::collections::HashMap;

/// What a worker wrote, until the session writes for which it works.
#[derive(Debug)]
pub(super) struct Written {
    number: u64,
    line: ServerLine,
    entry: Entry,
}

/// What workers wrote, by the session for which they work.
pub(super) type Workers = HashMap<String, Vec<Written>>;

/// How many entries of workers may wait for one statement. They repeat what is there already.
const MOST: usize = 10_000;

impl Reader<'_> {
    /// The session for which a line's process works.
    pub(super) fn leader_of(&self, line: &ServerLine) -> Option<String> {
        let leader = self.sessions.of_leader(line).filter(|_| line.database.is_empty());
        leader.map(str::to_owned)
    }

    /// Takes an entry of a worker.
    pub(super) fn of_worker(
        &mut self,
        number: u64,
        line: &ServerLine,
        entry: Entry,
        leader: &str,
        log: &mut Log,
    ) -> Result<(), NotRead> {
        let reference = self.sessions.last_of(leader).map(str::to_owned);
        let before = reference.filter(|_| entry.rows.is_none());
        let Some(reference) = before else {
            let waiting = self.workers.entry(leader.to_owned()).or_default();
            if waiting.len() >= MOST {
                return Err(NotRead::SetAside("too many entries of parallel workers".to_owned()));
            }
            waiting.push(Written { number, line: line.clone(), entry });
            log.further_lines += 1;
            return Ok(());
        };
        let open = self.open.get(leader).filter(|it| it.reference == reference).cloned();
        let known = log.known(&reference).map(|it| it.database.clone());
        let database = known.clone().or(open.as_ref().map(|it| it.database.clone()));
        let touched = self.of_entry_alone(&database.unwrap_or_default(), &entry);
        if touched.is_nothing() {
            log.other_lines += 1;
            return Ok(());
        }
        match (open, log.known(&reference)) {
            (_, Some(known)) => {
                known.takes(touched.datasets, touched.untold);
                log.further_lines += 1;
            }
            (Some(mut statement), None) => {
                statement.takes(touched.datasets, touched.untold);
                log.add(number, statement);
            }
            (None, None) => return self.take_entry(number, line, entry, &reference, log),
        }
        Ok(())
    }

    /// What an entry touches by itself.
    fn of_entry_alone(&self, database: &str, entry: &Entry) -> Touched {
        let text = shown(&entry.text);
        let told = match entry.is_hidden() {
            true => None,
            false => self.looks.executed(database, &text),
        };
        self.touched(database, entry, &text, told.as_ref())
    }

    /// What workers touched for a line's session since it wrote last.
    pub(super) fn of_workers(&mut self, line: &ServerLine) -> Touched {
        let mut touched = Touched::default();
        if self.workers.is_empty() {
            return touched;
        }
        for it in self.workers.remove(&line.session).unwrap_or_default() {
            touched.join(self.of_entry_alone(&line.database, &it.entry));
        }
        touched
    }

    /// What workers wrote and no session wrote behind it: statements of their own.
    pub(super) fn of_workers_alone(&mut self, log: &mut Log) -> Result<(), NotRead> {
        let mut all: Vec<Written> =
            std::mem::take(&mut self.workers).into_values().flatten().collect();
        all.sort_by_key(|it| it.number);
        all.into_iter().try_for_each(|it| {
            let of = format!("{}/{}", it.line.session, it.entry.statement);
            let reference = self.mapping.reference(&of);
            self.take_entry(it.number, &it.line, it.entry, &reference, log)
        })
    }
}
