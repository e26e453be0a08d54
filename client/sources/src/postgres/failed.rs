//! What an error tells: a statement that the server refused, or one that did not end well, whose rows may have reached the client
//! before. By the error's state and the statement's text, for messages are in the server's language.

use super::Reader;
use super::audited::caller;
use super::line::ServerLine;
use crate::log::{Log, NotRead};
use crate::mapping::Meant;
use crate::sql::{self, Dialect, Told};
use crate::statement::{Part, Statement};
use crate::touched::{Touched, note};
use liuhen_proto::wire::Operation;
use std::collections::BTreeMap;

/// State of «insufficient privilege».
const DENIED: &str = "42501";
/// Classes of errors that come before a statement is executed: of its text, its transaction's state, its session. Not so where
/// it calls something: that may be what they are of.
const BEFORE: [&str; 11] = ["42", "25", "26", "28", "0A", "34", "3B", "3D", "3F", "2D", "2B"];
/// Classes of errors that end a statement that is under way.
const UNDER_WAY: [&str; 7] = ["57", "22", "53", "54", "58", "XX", "08"];
/// First words of statements that execute what stands elsewhere.
const EXECUTES: [&str; 5] = ["execute", "fetch", "call", "do", "move"];

impl Reader<'_> {
    pub(super) fn failed(
        &mut self,
        number: u64,
        line: &ServerLine,
        log: &mut Log,
    ) -> Result<(), NotRead> {
        if line.database.is_empty() && !line.is_database_untold {
            log.other_lines += 1;
            return Ok(());
        }
        if !line.database.is_empty() && !self.mapping.has(&line.database) {
            log.of_other_database(&line.database);
            return Ok(());
        }
        let denied = line.state == DENIED;
        let class = line.state.get(..2).unwrap_or_default();
        let inside = self.of_workers(line);
        if !denied && let Some(reference) = self.has_failed(line, log) {
            return self.ended(number, line, (reference, inside), log);
        }
        let bytes = line.statement.clone().unwrap_or_default();
        let text = bytes.shown();
        let told = Some(&text).filter(|it| !it.trim().is_empty());
        let told = told.and_then(|text| self.looks.told(&line.database, text));
        let calls = told.as_ref().is_some_and(calls) || executes(&text);
        if !denied && !calls && BEFORE.contains(&class) && inside.is_nothing() {
            log.other_lines += 1;
            return Ok(());
        }
        let mut touched = match denied {
            true => self.refused(line, &text, told.as_ref()),
            false => self.broken_off(line, &text, told.as_ref(), (class, calls)),
        };
        touched.join(inside);
        if touched.is_nothing() {
            let count = if denied { &mut log.other_denied } else { &mut log.other_lines };
            *count += 1;
            return Ok(());
        }
        note(&touched, log);
        let reference = self.mapping.reference(&line.reference("line", ""));
        log.add(number, self.of_error(line, reference, touched)?);
        Ok(())
    }

    /// The session's last statement, where the error is of it and it has an entry: then nobody knows how many rows there were. One
    /// whose rows are known has ended.
    fn has_failed(&self, line: &ServerLine, log: &mut Log) -> Option<String> {
        let text = line.statement.as_ref()?;
        let last = self.sessions.last(line).filter(|it| it.has_begun(&text.0))?;
        let is_told = last.is_given_out || log.known(&last.reference).is_some();
        is_told.then(|| last.reference.clone())
    }

    /// An error ended a statement that has an entry; what ran inside it is of it, also where it was given out before.
    fn ended(
        &self,
        number: u64,
        line: &ServerLine,
        (reference, inside): (String, Touched),
        log: &mut Log,
    ) -> Result<(), NotRead> {
        match log.known(&reference) {
            Some(known) => known.takes(inside.datasets, inside.untold),
            None if inside.is_nothing() => {}
            None => {
                log.add(number, self.of_error(line, reference, inside)?);
                return Ok(());
            }
        }
        log.further_lines += 1;
        Ok(())
    }

    /// A statement as an error tells it.
    fn of_error(
        &self,
        line: &ServerLine,
        reference: String,
        touched: Touched,
    ) -> Result<Statement, NotRead> {
        let bytes = line.statement.clone().unwrap_or_default();
        let denied = line.state == DENIED;
        Ok(Statement {
            reference,
            time_ms: self.times.time(&line.time)?,
            database: line.database.clone(),
            caller: caller(line),
            touched: touched.datasets,
            untold: touched.untold,
            named: self.named(line, &bytes.shown(), false),
            parts: BTreeMap::from([(0, Part { text: bytes.0, rows: denied.then_some(0) })]),
            denied,
            content: None,
        })
    }

    /// What a refused statement would have touched: of its relations those that the message names, or all where it names none.
    fn refused(&self, line: &ServerLine, text: &str, told: Option<&Told>) -> Touched {
        let message = line.message.shown();
        let database = line.database.as_str();
        let Some(told) = told else {
            let touched = self.looks.by_mention(database, text, None);
            return if touched.is_nothing() {
                self.named_by_message(database, &message)
            } else {
                touched
            };
        };
        // What it executes is not in its text.
        if told.touches.is_empty() && (calls(told) || executes(text)) {
            return self.named_by_message(database, &message);
        }
        let is_data = |operation: Operation| operation != Operation::Admin;
        let mut meant: Vec<_> = told.touches.iter().filter(|it| is_data(it.operation)).collect();
        if meant.iter().any(|it| names(&message, &it.relation.table)) {
            meant.retain(|it| names(&message, &it.relation.table));
        }
        let mut touched = Touched::default();
        for it in meant {
            if let Meant::Dataset(dataset) = self.looks.meant(database, &it.relation) {
                let fields = self.looks.fields(dataset, &it.fields);
                touched.datasets.insert((dataset.to_owned(), it.operation as i32), fields);
            }
        }
        touched
    }

    /// A refusal without its statement: the relation is known where the message names it, what was to be done is not.
    fn named_by_message(&self, database: &str, message: &str) -> Touched {
        let mut touched = Touched::default();
        let named = self
            .mapping
            .relations
            .iter()
            .filter(|(it, _)| it.database == database || database.is_empty());
        for (relation, _) in named.filter(|(it, _)| names(message, &it.name)) {
            let why = format!("{relation} was refused, and the statement is not in the log");
            touched.untold.insert(why);
        }
        touched
    }

    /// What a statement touched that did not end well.
    fn broken_off(
        &self,
        line: &ServerLine,
        text: &str,
        told: Option<&Told>,
        (class, calls): (&str, bool),
    ) -> Touched {
        let database = line.database.as_str();
        let mut touched = match told {
            Some(told) => {
                let mut touched = self.looks.by_text(database, told);
                touched.datasets.retain(|(_, operation), _| *operation != Operation::Admin as i32);
                touched
            }
            None => self.looks.by_mention(database, text, None),
        };
        // Where the log has no states any error may have ended one; who is not let in has none under way.
        let under_way = match class {
            "" => line.severity == "ERROR",
            class => UNDER_WAY.contains(&class),
        };
        // Nothing that the text says was touched; but it may not say all.
        let is_open = text.trim().is_empty() || calls || told.is_none() && !class.is_empty();
        // Outside of statements and transactions nothing is under way: what came could not even be read.
        let is_open = is_open && line.tag != "idle";
        if touched.is_nothing() && is_open && (under_way || calls) {
            let with = if class.is_empty() { "an error" } else { &format!("error {}", line.state) };
            let why =
                format!("a statement ended with {with}, and what it touched is not in its text");
            touched.untold.insert(why);
        }
        touched
    }
}

/// Whether a statement calls functions that are not the server's own.
fn calls(told: &Told) -> bool {
    told.functions.iter().any(|it| !sql::is_systems_function(it, Dialect::Postgres))
}

/// Whether a statement executes what stands elsewhere: prepared, declared, or in a block.
fn executes(text: &str) -> bool {
    let text = sql::without_comments(text, Dialect::Postgres);
    let first = text.split_whitespace().next().unwrap_or_default().to_lowercase();
    EXECUTES.contains(&first.as_str())
}

/// Whether a message names a relation, as a word of its own.
fn names(message: &str, name: &str) -> bool {
    let is_of_word = |it: char| it.is_ascii_alphanumeric() || it == '_';
    !name.is_empty()
        && message.match_indices(name).any(|(at, _)| {
            let before = message.get(..at).and_then(|it| it.chars().next_back());
            let behind = message.get(at + name.len()..).and_then(|it| it.chars().next());
            !before.is_some_and(is_of_word) && !behind.is_some_and(is_of_word)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_whole_words() {
        assert!(names("对表 resident 权限不够", "resident"));
        assert!(names("permission denied for table \"居民信息\"", "居民信息"));
        assert!(!names("permission denied for sequence resident_id_seq", "resident"));
        assert!(!names("permission denied for schema civil", "resident"));
        assert!(!names("anything", ""));
    }
}
