//! An access as programs give it.

use crate::relation::Relation;
use liuhen_proto::types::check_code;
use liuhen_proto::wire::Operation;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// An access. What is left out is not known.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Access {
    /// What tells it from all others of the log, the same at each import; absent: what follows from the record.
    pub reference: Option<String>,
    /// RFC 3339, or milliseconds since the Unix epoch; a text without a zone is of the mapping's.
    pub time: Value,
    /// The database.
    #[serde(default)]
    pub database: String,
    /// Who asked.
    #[serde(default)]
    pub caller: CallerGiven,
    /// What was touched.
    #[serde(default)]
    pub datasets: Vec<Touch>,
    /// Rows returned or changed.
    pub rows: Option<u64>,
    /// Whether it was refused.
    #[serde(default)]
    pub denied: bool,
    /// The grant that it names.
    pub grant: Option<String>,
    /// For what purpose.
    pub purpose: Option<String>,
    /// For whom.
    pub user: Option<String>,
    /// What was executed; it never leaves this machine.
    #[serde(default)]
    pub text: String,
    /// Why not all that was touched can be told.
    #[serde(default)]
    pub untold: Option<String>,
}

/// Who asked.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CallerGiven {
    /// The account.
    pub role: String,
    /// The client's address.
    pub address: String,
    /// What the client calls itself.
    pub application: String,
}

/// A dataset, or a relation that the mapping names, with what is done to it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Touch {
    /// The dataset.
    pub dataset: Option<String>,
    /// The relation, `database.schema.table`.
    pub relation: Option<Relation>,
    /// `read`, `export`, `insert`, `update`, `delete`, `admin`.
    pub operation: OperationName,
    /// The fields; absent: any may be meant. Of a relation its columns.
    pub fields: Option<BTreeSet<String>>,
}

/// An operation.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum OperationName {
    /// Rows are read.
    Read,
    /// Rows are copied out.
    Export,
    /// Rows are added.
    Insert,
    /// Rows are changed.
    Update,
    /// Rows are removed.
    Delete,
    /// What holds them is changed.
    Admin,
}

impl OperationName {
    /// As records have it.
    pub(super) fn to_wire(self) -> Operation {
        match self {
            Self::Read => Operation::Read,
            Self::Export => Operation::Export,
            Self::Insert => Operation::Insert,
            Self::Update => Operation::Update,
            Self::Delete => Operation::Delete,
            Self::Admin => Operation::Admin,
        }
    }
}

impl Access {
    /// Of a value that a program gave.
    pub(super) fn of(value: Value) -> Result<Self, String> {
        let access: Self = serde_json::from_value(value).map_err(|e| e.to_string())?;
        let empty = |text: &Option<String>| text.as_ref().is_some_and(String::is_empty);
        if empty(&access.reference) {
            return Err("reference: empty".to_owned());
        }
        if access.datasets.is_empty() && access.untold.as_ref().is_none_or(String::is_empty) {
            return Err("datasets: none, and not said why (untold)".to_owned());
        }
        for touch in &access.datasets {
            if touch.dataset.is_some() == touch.relation.is_some() {
                return Err("datasets: each needs dataset or relation".to_owned());
            }
            if let Some(code) = touch.dataset.as_ref().filter(|it| check_code(it).is_err()) {
                return Err(format!("datasets: `{code}` is no code of a dataset"));
            }
        }
        Ok(access)
    }

    /// The time, where it stands as a number of milliseconds; else its text.
    pub(super) fn time(&self) -> Result<Time<'_>, String> {
        /// Milliseconds of 1973: what is less are seconds.
        const LEAST: u64 = 100_000_000_000;
        let bad = || format!("time: {} is no time in milliseconds", self.time);
        match &self.time {
            Value::String(text) => Ok(Time::Text(text)),
            Value::Number(number) => {
                let whole = number.to_string();
                let whole = whole.split_once('.').map_or(whole.as_str(), |(whole, _)| whole);
                let ms: u64 = whole.parse().map_err(|_| bad())?;
                if ms < LEAST { Err(bad()) } else { Ok(Time::Ms(ms)) }
            }
            _ => Err(bad()),
        }
    }
}

/// A time as it is given.
pub(super) enum Time<'a> {
    /// As text.
    Text(&'a str),
    /// Milliseconds since the Unix epoch.
    Ms(u64),
}
