//! The text of a statement, as far as the log has it.

use super::line::Line;
use crate::postgres::shown;
use crate::sql::{self, Dialect, Doing, Told};
use crate::statement::Named;
use crate::touched::{Looks, Touched, named};
use liuhen_proto::wire::Operation;

/// A text.
#[derive(Debug)]
pub(super) struct Text {
    /// As it was; what is no UTF-8 as `\xNN`.
    pub text: String,
    /// What it does, where all of it is there and can be parsed.
    pub told: Option<Told>,
    /// Why it may do more than can be seen.
    unseen: Option<&'static str>,
}

impl Text {
    /// Of a line.
    pub(super) fn of(looks: &Looks<'_>, line: &Line, limit: usize) -> Self {
        let text = shown(&line.object);
        // An escaped letter that has no room is left out whole.
        if limit > 0 && line.object_bytes.saturating_add(1) >= limit {
            return Self { text, told: None, unseen: Some("its text may be cut off") };
        }
        let told = looks.told(&line.database, &text);
        let Some(all) = sql::within_line_comments(&text, Dialect::MySql) else {
            return Self { text, told, unseen: None };
        };
        // The log has no ends of lines: what stands behind the mark may be part of the statement.
        let by_text = told.as_ref().map(|it| looks.by_text(&line.database, it).datasets);
        let mentioned = looks.by_mention(&line.database, &all, Some(Operation::Read)).datasets;
        let is_seen =
            |dataset: &String| by_text.iter().flatten().any(|((known, _), _)| known == dataset);
        match mentioned.keys().all(|(dataset, _)| is_seen(dataset)) {
            true => Self { text, told, unseen: None },
            false => Self {
                text: all,
                told: None,
                unseen: Some("its text holds a comment whose end can't be seen"),
            },
        }
    }

    /// What its comments name; where it is cut off, a comment at its end may be what is missing.
    pub(super) fn named(&self) -> Named {
        let named = named(&self.text, Dialect::MySql);
        let hidden = self.unseen.is_some() && named.grants.is_empty();
        Named { hidden, ..named }
    }

    /// Whether nothing but the statement itself can have run.
    pub(super) fn calls_nothing(&self) -> bool {
        self.told.as_ref().is_none_or(|it| it.functions.is_empty())
    }

    /// Whether it makes, changes or drops objects.
    pub(super) fn makes(&self) -> bool {
        self.told.as_ref().is_some_and(|it| it.kind == Doing::Admin)
    }

    /// Whether it locks tables and does nothing else.
    pub(super) fn locks(&self) -> bool {
        self.begins("lock") && self.told.as_ref().is_some_and(|it| it.touches.is_empty())
    }

    /// Whether a table that it reads may be locked for writing all the same; else what it calls has written.
    pub(super) fn may_lock(&self) -> bool {
        let changes =
            self.told.iter().flat_map(|it| &it.touches).any(|it| is_change(&it.operation));
        changes || self.text.to_ascii_lowercase().contains("for update")
    }

    fn begins(&self, word: &str) -> bool {
        let first = self.text.trim_start().get(..word.len());
        first.is_some_and(|it| it.eq_ignore_ascii_case(word))
    }

    /// The only way in which it changes rows.
    pub(super) fn change(&self) -> Option<Operation> {
        let Some(told) = &self.told else {
            return sql::first_operation(&self.text, Dialect::MySql).filter(is_change);
        };
        let mut changes = told.touches.iter().map(|it| it.operation).filter(is_change);
        let first = changes.next()?;
        changes.all(|it| it == first).then_some(first)
    }

    /// What it touches. Where the log has lines of tables, all are there, and what the mapping does not name are views.
    pub(super) fn touched(&self, looks: &Looks<'_>, database: &str, has_tables: bool) -> Touched {
        let Some(told) = &self.told else {
            if has_tables {
                return Touched::default();
            }
            return self.unparsed(looks, database);
        };
        let mut touched = looks.by_text(database, told);
        if has_tables {
            touched.untold.clear();
            touched.unmapped.clear();
        }
        // A procedure without its schema is of the database in use; functions may be the server's own.
        let calls = self.begins("call");
        let unnamed = told.functions.iter().filter(|it| calls && it.schema.is_none());
        let unnamed = unnamed.filter(|it| looks.function(database, it).is_none());
        touched.calls.extend(unnamed.map(|it| looks.shown(database, it)));
        touched
    }

    fn unparsed(&self, looks: &Looks<'_>, database: &str) -> Touched {
        let mut touched = looks.by_mention(database, &self.text, None);
        if !looks.is_recorded(database) && touched.is_nothing() {
            return touched;
        }
        match self.unseen {
            Some(why) => drop(touched.untold.insert(why.to_owned())),
            None if touched.is_nothing() => {
                touched.untold.insert("its text can't be parsed".to_owned());
            }
            None => {}
        }
        touched
    }
}

fn is_change(operation: &Operation) -> bool {
    matches!(operation, Operation::Insert | Operation::Update | Operation::Delete)
}
