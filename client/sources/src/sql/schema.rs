//! The columns of tables and the texts of views.

use super::names::{Dialect, Name};
use std::collections::BTreeMap;

/// What is known of a database's relations: without it `*` can't be told, nor whose an unqualified column is where
/// several may have it. It must be that of the time of the statement.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    tables: BTreeMap<Name, Vec<String>>,
    views: BTreeMap<Name, String>,
}

impl Schema {
    /// Of all the columns of tables and views, and of the queries of views. What has no entry has unknown columns.
    pub fn new(tables: BTreeMap<Name, Vec<String>>, views: BTreeMap<Name, String>) -> Self {
        Self { tables, views }
    }

    /// All the columns of a relation.
    pub(super) fn columns(&self, name: &Name) -> Option<&Vec<String>> {
        only(&self.tables, name)
    }

    /// The query of a view.
    pub(super) fn view(&self, name: &Name) -> Option<&String> {
        only(&self.views, name)
    }
}

/// What a name means: itself, or, where it is unqualified, the only one so called in any schema.
fn only<'a, T>(all: &'a BTreeMap<Name, T>, name: &Name) -> Option<&'a T> {
    if let Some(found) = all.get(name) {
        return Some(found);
    }
    if name.schema.is_some() {
        return None;
    }
    let mut called = all.iter().filter(|(it, _)| it.table == name.table);
    let only = called.next()?;
    called.next().is_none().then_some(only.1)
}

/// A column by a name: MySQL's have no case.
pub(super) fn column<'a>(
    columns: &'a [String],
    name: &str,
    dialect: Dialect,
) -> Option<&'a String> {
    columns.iter().find(|it| same_column(it, name, dialect))
}

/// Whether two names are one column's.
pub(super) fn same_column(one: &str, other: &str, dialect: Dialect) -> bool {
    match dialect {
        Dialect::Postgres => one == other,
        Dialect::MySql => one.to_lowercase() == other.to_lowercase(),
    }
}
