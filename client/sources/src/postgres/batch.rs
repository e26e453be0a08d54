//! Which statement of a text of several an entry is about: pgAudit writes the whole text with each.

use super::entry::Entry;
use crate::sql::{self, Setting, SingleStatement, Told};
use std::collections::HashMap;

/// How many sessions may be within such a text at once.
const MOST: usize = 4096;

/// A text under way.
#[derive(Debug)]
struct Batch {
    text: Vec<u8>,
    /// The number of the statement of the last entry.
    statement: u64,
    /// Which of the text's statements that was.
    at: usize,
}

/// The texts that sessions are within.
#[derive(Debug, Default)]
pub(super) struct Batches(HashMap<String, Batch>);

/// What an entry says that was executed.
#[derive(Debug, Default)]
pub(super) struct Executed {
    /// What the statement does; where it is not sure which one of the text it is, what all of them do. `None` where that can't be
    /// told.
    pub told: Option<Told>,
    /// What all statements of the text do, where they are several.
    all: Option<Told>,
    /// What was set since the entry before.
    pub settings: Vec<Setting>,
    /// Which statement of the text it is.
    pub at: usize,
    /// Whether no other entry of the text came before.
    pub is_first: bool,
}

impl Executed {
    /// What the whole text does.
    pub(super) fn whole(&self) -> Option<&Told> {
        self.all.as_ref().or(self.told.as_ref())
    }
}

impl Batches {
    /// What an entry of a session says that was executed, of the statements of its text.
    pub(super) fn executed(
        &mut self,
        session: &str,
        entry: &Entry,
        pieces: Option<Vec<SingleStatement>>,
    ) -> Executed {
        let Some(mut pieces) = pieces.filter(|it| !it.is_empty()) else {
            return Executed { is_first: true, ..Executed::default() };
        };
        if pieces.len() == 1 {
            let told = pieces.pop().map(|it| it.told);
            let settings = told.as_ref().map(|it| it.settings.clone()).unwrap_or_default();
            return Executed { told, settings, is_first: true, ..Executed::default() };
        }
        let before = self.0.get(session).filter(|it| it.text == entry.text);
        let is_same = before.is_some_and(|it| it.statement == entry.statement);
        let next = before.filter(|it| it.statement < entry.statement).map(|it| it.at + 1);
        let found = match before.filter(|_| is_same) {
            Some(it) => Some(it.at),
            None => {
                let of = |from: usize| sql::of_command(&pieces, from, &entry.command);
                // The same text may be executed again.
                next.and_then(of).or_else(|| of(0))
            }
        };
        let is_again = found.is_none_or(|at| next.is_none_or(|next| at < next));
        let is_first = !is_same && is_again;
        let all = Told::joined(&pieces);
        let Some(at) = found else {
            let settings = all.settings.clone();
            return Executed { told: Some(all), all: None, settings, at: 0, is_first: true };
        };
        let from = if is_first { 0 } else { next.unwrap_or(at + 1) };
        let since = pieces.get(from..=at).unwrap_or_default();
        let settings = since.iter().flat_map(|it| it.told.settings.clone()).collect();
        if self.0.len() >= MOST && !self.0.contains_key(session) {
            self.0.clear();
        }
        let batch = Batch { text: entry.text.clone(), statement: entry.statement, at };
        self.0.insert(session.to_owned(), batch);
        let told = pieces.into_iter().nth(at).map(|it| it.told);
        Executed { told, all: Some(all), settings, at, is_first }
    }
}
