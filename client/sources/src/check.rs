//! What a log tells before anything is signed: for each class of line how many there are and an example, what the server's
//! settings hide, and what a mapping has to say.

use crate::Source;
use crate::log::{self, Log};
use crate::mapping::Mapping;
use crate::summary::Lines;
use liuhen_client::error::ClientError;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;
use std::path::Path;

/// What a log tells.
#[derive(Debug, Default)]
pub struct Check {
    /// What became of its lines.
    pub lines: Lines,
    /// Statements that are accesses.
    pub statements: usize,
    /// Classes of lines, the most important first.
    pub classes: Vec<Class>,
    /// What the server's settings hide, and in how many lines.
    pub hides: BTreeMap<String, u64>,
    /// Databases, relations and roles that the mapping does not name.
    pub missing: Missing,
}

/// What a mapping does not name, with the number of accesses or lines.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Databases.
    pub databases: BTreeSet<String>,
    /// Relations, `database.schema.table`.
    pub relations: BTreeMap<String, u64>,
    /// Functions into which no log looks.
    pub functions: BTreeMap<String, u64>,
    /// Roles without an identity.
    pub roles: BTreeMap<String, u64>,
}

impl Missing {
    /// Whether nothing is missing.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

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

/// A class of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// What they were taken for.
    pub taken: Taken,
    /// What they say they are: of pgAudit's entries class and command, of others how grave.
    pub kind: String,
    /// How many there are.
    pub lines: u64,
    /// The number of the first.
    pub first: u64,
    /// What is worth showing of the first, cut off where it is long.
    pub example: Vec<u8>,
}

/// Bytes of an example.
const EXAMPLE_BYTES: usize = 100;

/// The counters of a log by which it is seen what a line was taken for.
#[derive(PartialEq, Eq, Clone, Copy, Default)]
struct Counters {
    unknown: usize,
    set_aside: usize,
    untold: usize,
    statements: usize,
    further: u64,
    other_denied: u64,
    other_databases: u64,
    other: u64,
}

impl Counters {
    fn of(log: &Log) -> Self {
        Self {
            unknown: log.unknown.len(),
            set_aside: log.set_aside.len(),
            untold: log.untold.len(),
            statements: log.statements.len(),
            further: log.further_lines,
            other_denied: log.other_denied,
            other_databases: log.other_databases,
            other: log.other_lines,
        }
    }

    /// What a line was taken for that made these of those before.
    fn taken(self, before: Self, log: &Log) -> Taken {
        let last = log.statements.last();
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

/// A reader that notes what each line was taken for.
struct Noting<'a> {
    reader: Box<dyn log::Reader + 'a>,
    classes: BTreeMap<(Taken, String), Class>,
}

impl Noting<'_> {
    fn note(&mut self, taken: Taken, number: u64, line: &[u8]) {
        let (kind, mut example) = self.reader.shown(line);
        example.truncate(EXAMPLE_BYTES);
        let class = self.classes.entry((taken, kind.clone())).or_insert_with(|| Class {
            taken,
            kind,
            lines: 0,
            first: number,
            example,
        });
        class.lines += 1;
    }
}

impl log::Reader for Noting<'_> {
    fn line(&mut self, number: u64, line: &[u8], log: &mut Log) -> Result<(), log::NotRead> {
        let before = Counters::of(log);
        let told = self.reader.line(number, line, log);
        let taken = match &told {
            Ok(()) => Counters::of(log).taken(before, log),
            Err(log::NotRead::SetAside(_)) => Taken::SetAside,
            Err(log::NotRead::Unknown(_) | log::NotRead::CutOff(_)) => Taken::NotUnderstood,
        };
        self.note(taken, number, line);
        told
    }

    fn is_whole(&self, line: &[u8]) -> bool {
        self.reader.is_whole(line)
    }

    fn end(&mut self, cut: Option<&[u8]>, log: &mut Log) -> Result<(), log::NotRead> {
        self.reader.end(cut, log)
    }

    fn shown(&self, line: &[u8]) -> (String, Vec<u8>) {
        self.reader.shown(line)
    }
}

/// Looks at a log's files. Nothing is signed, and no node is asked.
pub fn check(
    source: Source,
    logs: &[impl AsRef<Path>],
    mapping: &Mapping,
) -> Result<Check, ClientError> {
    let mut noting = Noting { reader: source.reader(mapping)?, classes: BTreeMap::new() };
    let mut log = Log::default();
    for path in logs {
        let path = path.as_ref();
        let at = |e: std::io::Error| ClientError::Failed(format!("{}: {e}", path.display()));
        let lines: Box<dyn BufRead> = log::open(path).map_err(at)?;
        log::read_lines(lines, path, &mut noting, true, &mut log)?;
    }
    let mut roles: BTreeMap<String, u64> = BTreeMap::new();
    for it in log.statements.iter().filter(|it| mapping.caller(&it.caller).is_none()) {
        *roles.entry(it.caller.role.clone()).or_default() += 1;
    }
    Ok(Check {
        lines: Lines::of(&log),
        statements: log.statements.len(),
        classes: noting.classes.into_values().collect(),
        hides: log.hides,
        missing: Missing {
            databases: log.databases,
            relations: log.unmapped,
            functions: log.calls,
            roles,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: u64, message: &str) -> String {
        serde_json::json!({
            "timestamp": "2026-11-23 04:32:01.521 CST", "user": "app", "dbname": "population",
            "session_id": "6b.1", "line_num": number, "error_severity": "LOG", "message": message,
        })
        .to_string()
    }

    #[test]
    fn each_line_is_in_a_class() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let lines = [
            line(1, "AUDIT: SESSION,1,1,READ,SELECT,TABLE,civil.resident,select 1,<none>,1"),
            line(
                2,
                "AUDIT: SESSION,2,1,READ,SELECT,TABLE,civil.resident,<not logged>,<not logged>",
            ),
            line(3, "AUDIT: SESSION,3,1,MISC,SET,,,set a=b,<none>,0"),
            line(4, "AUDIT: SESSION,4,1,READ,COPY,,,<not logged>,<not logged>,0"),
            "nothing".to_owned(),
        ];
        std::fs::write(&path, lines.join("\n") + "\n").unwrap();
        let check = check(Source::Pgaudit, &[&path], &Mapping::of_any("Asia/Shanghai")).unwrap();
        let classes: Vec<_> =
            check.classes.iter().map(|it| (it.taken, it.kind.as_str(), it.first)).collect();
        assert_eq!(
            classes,
            [
                (Taken::NotUnderstood, "", 5),
                (Taken::NotToldInFull, "AUDIT READ COPY", 4),
                (Taken::NotToldInFull, "AUDIT READ SELECT", 1),
                (Taken::NoAccess, "AUDIT MISC SET", 3),
            ]
        );
        assert_eq!(check.classes[2].lines, 2);
        assert_eq!(check.missing.relations["population.civil.resident"], 2);
        assert_eq!(check.missing.databases.iter().collect::<Vec<_>>(), ["population"]);
        assert!(check.hides.keys().any(|it| it.contains("log_statement")), "{:?}", check.hides);
        assert!(check.hides.keys().any(|it| it.contains("log_rows")), "{:?}", check.hides);
    }
}
