//! Which statement of a text of several an entry is about: pgAudit writes the whole text with each.

use super::entry::Entry;
use super::line::ServerLine;
use crate::sql::{self, SetTo, Setting, SingleStatement, Told};
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
    /// Its transaction.
    transaction: String,
}

/// First words of statements behind which another transaction may be.
const ENDS_TRANSACTION: [&str; 9] =
    ["BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "PREPARE", "CALL", "DO"];

impl Batch {
    /// Whether the same text is executed again, where a command fits what comes next in it and what came before. All statements of a
    /// text run in one transaction, unless one of them ends it. `None` where that can't be told.
    fn is_again(
        &self,
        line: &ServerLine,
        pieces: &[SingleStatement],
        is_filtered: bool,
    ) -> Option<bool> {
        let is_known = |it: &str| !it.is_empty() && !it.ends_with("/0");
        match is_known(&self.transaction) && is_known(&line.transaction) {
            true if self.transaction == line.transaction => Some(false),
            true => {
                let ends = |it: &SingleStatement| ENDS_TRANSACTION.contains(&it.first.as_str());
                (!pieces.iter().any(ends)).then_some(true)
            }
            // An error would have ended it, where errors are in the log.
            false => (!is_filtered).then_some(false),
        }
    }
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
    /// A session's text is not executed further.
    pub(super) fn failed(&mut self, session: &str) {
        self.0.remove(session);
    }

    /// What an entry says that was executed, of the statements of its text. Of a log that `is_filtered` errors may be missing.
    pub(super) fn executed(
        &mut self,
        line: &ServerLine,
        is_filtered: bool,
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
        let session = line.session.as_str();
        let before = self.0.get(session).filter(|it| it.text == entry.text);
        let is_same = before.is_some_and(|it| it.statement == entry.statement);
        let next = before.filter(|it| it.statement < entry.statement).map(|it| it.at + 1);
        let of = |from: usize| sql::of_command(&pieces, from, &entry.command);
        let mut is_either = false;
        let found = match (before.filter(|_| is_same), next.and_then(of), of(0)) {
            (Some(it), ..) => Some(it.at),
            // The same text may be executed again.
            (None, Some(further), Some(first)) if first < further => {
                match before.and_then(|it| it.is_again(line, &pieces, is_filtered)) {
                    Some(again) => Some(if again { first } else { further }),
                    None => {
                        is_either = true;
                        None
                    }
                }
            }
            (None, further, first) => further.or(first),
        };
        let is_again = found.is_none_or(|at| next.is_none_or(|next| at < next));
        let is_first = !is_same && is_again;
        let all = Told::joined(&pieces);
        let Some(at) = found else {
            let mut settings = all.settings.clone();
            if is_either {
                // Which of them hold nobody knows.
                settings.iter_mut().for_each(|it| it.to = SetTo::Unknown);
            }
            return Executed { told: Some(all), all: None, settings, at: 0, is_first: true };
        };
        let from = if is_first { 0 } else { next.unwrap_or(at + 1) };
        let since = pieces.get(from..=at).unwrap_or_default();
        let settings = since.iter().flat_map(|it| it.told.settings.clone()).collect();
        if self.0.len() >= MOST && !self.0.contains_key(session) {
            self.0.clear();
        }
        let transaction = line.transaction.clone();
        let batch = Batch { text: entry.text.clone(), statement: entry.statement, at, transaction };
        self.0.insert(session.to_owned(), batch);
        let told = pieces.into_iter().nth(at).map(|it| it.told);
        Executed { told, all: Some(all), settings, at, is_first }
    }
}
