//! What lines are taken for.

use crate::statement::Statement;
use serde::Serialize;

/// What a line was taken for, the most important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Taken {
    /// It was not understood.
    NotUnderstood,
    /// It may be read in more than one way.
    SetAside,
    /// It is an access of which not all datasets can be told.
    NotToldInFull,
    /// It is an access.
    Access,
    /// It is an access of which the number of rows is not known.
    AccessRowsUnknown,
    /// It is an access that the server refused.
    Denied,
    /// It tells more of a statement that is there already.
    Further,
    /// It is a refusal that means no data of the mapped relations.
    OtherDenied,
    /// It is of a database that the mapping does not name.
    OtherDatabase,
    /// It is no access.
    NoAccess,
    /// It holds nothing, or goes on in the next line.
    Nothing,
}

/// The counters of a log by which it is seen what a line was taken for.
#[derive(Debug, PartialEq, Eq, Clone, Copy, Default)]
pub(crate) struct Counters {
    pub unknown: u64,
    pub set_aside: u64,
    pub untold: u64,
    pub statements: u64,
    pub further: u64,
    pub other_denied: u64,
    pub other_databases: u64,
    pub other: u64,
}

impl Counters {
    /// What was read for that made these of those before; `last` is the last statement.
    pub(crate) fn taken(self, before: Self, last: Option<&Statement>) -> Taken {
        match () {
            () if self.unknown > before.unknown => Taken::NotUnderstood,
            () if self.set_aside > before.set_aside => Taken::SetAside,
            () if self.untold > before.untold => Taken::NotToldInFull,
            () if self.statements > before.statements => match last {
                Some(it) if it.denied => Taken::Denied,
                Some(it) if it.rows().is_none() => Taken::AccessRowsUnknown,
                _ => Taken::Access,
            },
            () if self.further > before.further => Taken::Further,
            () if self.other_denied > before.other_denied => Taken::OtherDenied,
            () if self.other_databases > before.other_databases => Taken::OtherDatabase,
            () if self.other > before.other => Taken::NoAccess,
            () => Taken::Nothing,
        }
    }
}

/// What was read late: of which line it began, what it was taken for, what it says it is, and what is worth showing of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Late {
    pub number: u64,
    pub taken: Taken,
    pub kind: String,
    pub shown: Vec<u8>,
}
