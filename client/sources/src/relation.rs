//! The name of a relation as mappings have it: `database.schema.table`, a part in double quotes where it holds a dot. A part
//! means the name as it is, quoted or not: `civil."居民信息"` and `civil.居民信息` are one relation.

use crate::sql::Name;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::str::FromStr;

/// A relation, or a function, of a database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Relation {
    /// The database.
    pub database: String,
    /// Its schema.
    pub schema: String,
    /// Its own name.
    pub name: String,
}

impl Relation {
    /// Of a name within a database, where the name says its schema.
    pub fn of(database: &str, name: &Name) -> Option<Self> {
        let schema = name.schema.clone()?;
        Some(Self { database: database.to_owned(), schema, name: name.table.clone() })
    }

    /// Its name within its database.
    pub fn to_name(&self) -> Name {
        Name { schema: Some(self.schema.clone()), table: self.name.clone() }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |text: &str| match text.contains(['.', '"']) {
            true => format!("\"{}\"", text.replace('"', "\"\"")),
            false => text.to_owned(),
        };
        write!(f, "{}.{}.{}", part(&self.database), part(&self.schema), part(&self.name))
    }
}

impl<'de> Deserialize<'de> for Relation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl FromStr for Relation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Option<[String; 3]> = parts(text).and_then(|it| it.try_into().ok());
        let [database, schema, name] = parts.ok_or_else(|| {
            format!(
                "relation `{text}`: database.schema.table is needed, a part with a dot in double quotes"
            )
        })?;
        Ok(Self { database, schema, name })
    }
}

/// The parts of a dotted name; `None` where one is empty or a quote is not closed.
pub fn parts(text: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let (part, behind) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_part(quoted)?,
            None => match rest.split_once('.') {
                Some((part, _)) => (part.to_owned(), rest.get(part.len()..)?),
                None => (rest.to_owned(), ""),
            },
        };
        if part.is_empty() {
            return None;
        }
        parts.push(part);
        rest = match behind.strip_prefix('.') {
            Some(behind) => behind,
            None if behind.is_empty() => return Some(parts),
            None => return None,
        };
    }
}

/// A part behind its opening quote, and what stands behind its closing one; a quote doubled stands for itself.
fn quoted_part(text: &str) -> Option<(String, &str)> {
    let mut part = String::new();
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        if letter != '"' {
            part.push(letter);
        } else if letters.next_if(|(_, next)| *next == '"').is_some() {
            part.push('"');
        } else {
            return Some((part, text.get(at + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_three_parts() {
        let of = |text: &str| parts(text).map(|it| it.join("|"));
        assert_eq!(of("a.b.c").as_deref(), Some("a|b|c"));
        assert_eq!(of("a.b.\"v1.x\"").as_deref(), Some("a|b|v1.x"));
        assert_eq!(of("a.\"b\".\"居民\"").as_deref(), of("a.b.居民").as_deref());
        assert_eq!(of("\"a\"\"b\".c").as_deref(), Some("a\"b|c"));
        for bad in ["", "a.", ".a", "a..b", "\"a", "\"a\"b.c", "a.\"\""] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }

    #[test]
    fn shown_as_they_are_written() {
        for text in ["a.b.c", "a.b.\"v1.x\"", "a.b.居民信息", "a.\"b\"\"c\".d"] {
            let relation: Relation = Relation::deserialize(serde_json::Value::from(text)).unwrap();
            assert_eq!(relation.to_string(), text);
        }
        assert!(Relation::deserialize(serde_json::Value::from("a.b")).is_err());
    }
}
