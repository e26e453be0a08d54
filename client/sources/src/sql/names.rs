//! Names as a server folds them, and those of its own catalogues.

use super::functions::FUNCTIONS;
use sqlparser::ast::{Ident, ObjectName};
use sqlparser::tokenizer::Word;

/// Whose SQL a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// PostgreSQL's, with standard_conforming_strings on.
    Postgres,
    /// MySQL's and MariaDB's, with backslash escapes and without ANSI_QUOTES.
    MySql,
}

/// A name as the server folds it: PostgreSQL's in lower case where it is not quoted, MySQL's as it stands; of one
/// qualified by a database too, the last two parts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// The schema, in MySQL the database, where one is named.
    pub schema: Option<String>,
    /// The table, or function.
    pub table: String,
}

impl Name {
    /// Of the parts of a qualified name; `None` of none.
    pub(super) fn of_parts(mut parts: Vec<String>) -> Option<Self> {
        let table = parts.pop()?;
        Some(Self { schema: parts.pop(), table })
    }

    /// Of a parsed name; `None` where a part is no identifier.
    pub(super) fn of(name: &ObjectName, dialect: Dialect) -> Option<Self> {
        Self::of_parts(parts(name, dialect)?)
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        f.write_str(&self.table)
    }
}

/// The parts of a parsed name.
pub(super) fn parts(name: &ObjectName, dialect: Dialect) -> Option<Vec<String>> {
    name.0.iter().map(|part| part.as_ident().map(|it| identifier(it, dialect))).collect()
}

/// An identifier as the server takes it.
pub(super) fn identifier(ident: &Ident, dialect: Dialect) -> String {
    folded(&ident.value, ident.quote_style.is_some(), dialect)
}

/// A token as an identifier.
pub(super) fn word(word: &Word, dialect: Dialect) -> String {
    folded(&word.value, word.quote_style.is_some(), dialect)
}

/// PostgreSQL folds ASCII letters alone, and keeps 63 bytes of whole characters (NAMEDATALEN).
pub(super) fn folded(text: &str, quoted: bool, dialect: Dialect) -> String {
    const KEPT_BYTES: usize = 63;
    if dialect == Dialect::MySql {
        return text.to_owned();
    }
    let kept = text.get(..text.floor_char_boundary(KEPT_BYTES)).unwrap_or(text);
    if quoted { kept.to_owned() } else { kept.to_ascii_lowercase() }
}

/// Whether a relation is of the server's own catalogues or of the session's temporary tables.
pub fn is_systems(name: &Name, dialect: Dialect) -> bool {
    let schema = name.schema.as_deref();
    match dialect {
        Dialect::Postgres => match schema {
            None => name.table.starts_with("pg_"),
            Some("pg_catalog" | "information_schema") => true,
            Some(schema) => schema.starts_with("pg_temp") || schema.starts_with("pg_toast"),
        },
        Dialect::MySql => schema.is_some_and(|schema| {
            ["information_schema", "performance_schema", "mysql", "sys"]
                .iter()
                .any(|it| schema.eq_ignore_ascii_case(it))
        }),
    }
}

/// What is written like a call of a function and is none.
const FORMS: [&str; 22] = [
    "all",
    "any",
    "array",
    "cast",
    "coalesce",
    "exists",
    "greatest",
    "grouping",
    "least",
    "nullif",
    "row",
    "some",
    "treat",
    "trim",
    "xmlconcat",
    "xmlelement",
    "xmlexists",
    "xmlforest",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
];

/// The names of PostgreSQL's own functions.
pub fn systems_functions() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.split_whitespace()
}

/// Whether a function is the server's own. One without a schema is, in PostgreSQL, where its catalogue has that name: it is looked
/// at first. MySQL's have no schema.
pub fn is_systems_function(name: &Name, dialect: Dialect) -> bool {
    static NAMES: std::sync::LazyLock<std::collections::HashSet<&str>> =
        std::sync::LazyLock::new(|| systems_functions().collect());
    let own = name.table.as_str();
    match (dialect, name.schema.as_deref()) {
        (Dialect::Postgres, None) => NAMES.contains(own) || FORMS.contains(&own),
        (Dialect::MySql, None) => true,
        (_, Some(_)) => is_systems(name, dialect),
    }
}
