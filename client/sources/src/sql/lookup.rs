//! Whose a column is, by the scopes that are open.

use super::names::Dialect;
use super::schema::{column, same_column};
use super::scope::{Entry, Scope, What};
use super::walk::{Walk, is_hidden};
use std::collections::BTreeSet;

/// Who may have a column, at one level.
#[derive(Default)]
struct Holders {
    /// Relations that have it.
    has: Vec<usize>,
    /// Relations of unknown columns.
    may: Vec<usize>,
    /// Whether something made has it.
    made: bool,
    /// Whether something made may have it.
    made_may: bool,
    /// Whether it is a column that joined relations have in common.
    merged: bool,
    /// Whether a column of the result is so called.
    alias: bool,
}

impl Walk<'_> {
    /// A column without a qualifier.
    pub fn unqualified(&mut self, name: &str) {
        let mut pending = Vec::new();
        let mut made_may = false;
        for level in (0..self.scopes.len()).rev() {
            let Some(mut level) = self.level(level, name) else { continue };
            if level.merged {
                return self.look_at_any_of(pending);
            }
            let sure = pending.is_empty() && !made_may;
            if !level.has.is_empty() || level.made {
                match sure {
                    true => level.has.iter().for_each(|at| self.looks_at(*at, name)),
                    false => self.look_at_any_of(pending.into_iter().chain(level.has)),
                }
                return;
            }
            pending.append(&mut level.may);
            made_may |= level.made_may;
            if level.alias {
                return self.look_at_any_of(pending);
            }
        }
        // A name that is no column of anything may be that of a whole row.
        let nobody = pending.is_empty() && !made_may;
        match self.called(name).cloned() {
            Some(What::Base(at)) if nobody => return self.looks_at_all(at),
            Some(What::Base(at)) => pending.push(at),
            Some(What::Made(_)) => made_may = true,
            None => {}
        }
        if pending.is_empty() && !made_may && !is_hidden(name, self.dialect) {
            // Nobody has it: what is known of the relations is not what they were.
            self.look_at_any_of_all();
        }
        self.settle(pending, made_may, name);
    }

    /// A column of the only one that may have it, or of any of several.
    fn settle(&mut self, mut pending: Vec<usize>, made_may: bool, name: &str) {
        pending.sort_unstable();
        pending.dedup();
        match (pending.as_slice(), made_may) {
            ([only], false) if self.used.get(*only).is_some_and(|it| it.columns.is_none()) => {
                // `select t from t` is the whole row, unless it has a column of that name.
                let whole = self.used.get(*only).is_some_and(|it| it.relation.table == name);
                if whole || self.called(name).is_some() {
                    self.looks_at_any(*only);
                } else {
                    self.looks_at(*only, name);
                }
            }
            _ => self.look_at_any_of(pending),
        }
    }

    fn level(&self, level: usize, name: &str) -> Option<Holders> {
        let scope = self.scopes.get(level)?;
        let among =
            |names: &BTreeSet<String>| names.iter().any(|it| same_column(it, name, self.dialect));
        let mut holders = Holders {
            merged: among(&scope.merged),
            alias: among(&scope.aliases),
            ..Default::default()
        };
        for entry in &scope.entries {
            match &entry.what {
                What::Base(at) => match self.used.get(*at).and_then(|it| it.columns.as_ref()) {
                    None => holders.may.push(*at),
                    Some(columns) if column(columns, name, self.dialect).is_some() => {
                        holders.has.push(*at);
                    }
                    Some(_) => {}
                },
                What::Made(outputs) => {
                    let has = among(&outputs.names);
                    holders.made |= has;
                    holders.made_may |= !has && !outputs.complete;
                }
            }
        }
        Some(holders)
    }

    /// What is so called itself, where a name may stand for a whole row.
    fn called(&self, name: &str) -> Option<&What> {
        if self.dialect == Dialect::MySql {
            return None;
        }
        let mut entries = self.scopes.iter().rev().flat_map(|scope| &scope.entries);
        entries.find(|it| it.called.as_deref() == Some(name)).map(|it| &it.what)
    }

    /// A column with its qualifiers before it.
    pub fn qualified(&mut self, parts: &[String]) {
        let Some((name, qualifiers)) = parts.split_last() else { return };
        match self.entry(qualifiers) {
            Some(What::Base(at)) => self.looks_at(at, name),
            Some(What::Made(_)) => {}
            None => self.confused = true,
        }
    }

    /// A whole row.
    pub fn whole(&mut self, qualifiers: &[String]) {
        match self.entry(qualifiers) {
            Some(What::Base(at)) => self.looks_at_all(at),
            Some(What::Made(_)) => {}
            None => self.confused = true,
        }
    }

    /// What a qualifier means.
    pub fn entry(&self, qualifiers: &[String]) -> Option<What> {
        let (called, schema) = qualifiers.split_last()?;
        let schema = schema.last();
        let fits = |entry: &Entry, same: fn(&str, &str) -> bool| {
            entry.called.as_deref().is_some_and(|it| same(it, called))
                && match (schema, &entry.schema) {
                    (Some(asked), Some(has)) => same(asked, has),
                    (Some(_), None) => matches!(entry.what, What::Base(_)),
                    (None, _) => true,
                }
        };
        let find = |same: fn(&str, &str) -> bool| {
            let mut entries = self.scopes.iter().rev().flat_map(|scope| &scope.entries);
            entries.find(|entry| fits(entry, same)).map(|entry| entry.what.clone())
        };
        let exact = find(|one, other| one == other);
        match self.dialect {
            Dialect::Postgres => exact,
            Dialect::MySql => {
                exact.or_else(|| find(|one, other| one.to_lowercase() == other.to_lowercase()))
            }
        }
    }

    /// Any column of some relations may be meant.
    pub fn look_at_any_of(&mut self, which: impl IntoIterator<Item = usize>) {
        which.into_iter().for_each(|at| self.looks_at_any(at));
    }

    /// Any column of whatever can be seen may be meant.
    pub fn look_at_any_of_all(&mut self) {
        let all: Vec<usize> = self.scopes.iter().flat_map(Scope::bases).collect();
        self.look_at_any_of(all);
    }
}
