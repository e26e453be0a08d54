//! What a log tells before anything is signed: for each class of line how many there are and an example, what the server's
//! settings hide, and what a mapping has to say.

use crate::Source;
use crate::log::{self, Log};
use crate::mapping::Mapping;
use crate::reading::Reading;
use crate::summary::Lines;
use crate::taken::Late;
pub use crate::taken::Taken;
use liuhen_client::error::ClientError;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;

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

/// A reader that notes what each line was taken for.
struct Noting<'a> {
    reader: Box<dyn log::Reader + 'a>,
    classes: Classes,
    /// Lines that others belong to, until these are there: what each says it is, and what is worth showing.
    kept: BTreeMap<u64, (String, Vec<u8>)>,
}

impl Noting<'_> {
    fn note(&mut self, taken: Taken, number: u64, (kind, mut example): (String, Vec<u8>)) {
        example.truncate(EXAMPLE_BYTES);
        let mut classes = self.classes.borrow_mut();
        let class = classes.entry((taken, kind.clone())).or_insert_with(|| Class {
            taken,
            kind,
            lines: 0,
            first: number,
            example,
        });
        class.lines += 1;
    }

    /// Notes what was read late; whether a line is among that.
    fn note_late(&mut self, number: u64, log: &mut Log) -> (bool, bool) {
        let late = log.late.as_mut().map(std::mem::take).unwrap_or_default();
        let (mut is_among, any) = (false, !late.is_empty());
        for Late { number: first, taken, kind, shown } in late {
            is_among |= first == number;
            let known = self.kept.remove(&first);
            let shown =
                if kind.is_empty() { known.unwrap_or((kind, shown)) } else { (kind, shown) };
            self.note(taken, first, shown);
        }
        (is_among, any)
    }
}

impl log::Reader for Noting<'_> {
    fn line(&mut self, number: u64, line: &[u8], log: &mut Log) -> Result<(), log::NotRead> {
        let before = log.counters();
        let told = self.reader.line(number, line, log);
        let (is_noted, others) = self.note_late(number, log);
        let taken = match &told {
            _ if is_noted => return told,
            Ok(()) if self.reader.keeps(number) => {
                self.kept.insert(number, self.reader.shown(line));
                return told;
            }
            // It ended what began before.
            Ok(()) if others => Taken::Further,
            Ok(()) => log.counters().taken(before, log.statements.last()),
            Err(log::NotRead::SetAside(_)) => Taken::SetAside,
            Err(log::NotRead::Unknown(_) | log::NotRead::CutOff(_)) => Taken::NotUnderstood,
        };
        self.note(taken, number, self.reader.shown(line));
        told
    }

    fn is_whole(&self, line: &[u8]) -> bool {
        self.reader.is_whole(line)
    }

    fn goes_on(&self, line: &[u8]) -> bool {
        self.reader.goes_on(line)
    }

    fn going_on(&mut self, log: &mut Log, since_ms: u64) -> HashSet<String> {
        self.reader.going_on(log, since_ms)
    }

    fn stopped(&mut self, log: &mut Log) {
        self.reader.stopped(log);
        self.note_late(0, log);
    }

    fn torn(&mut self, line: &[u8]) {
        self.reader.torn(line);
    }

    fn end(&mut self, cut: Option<&[u8]>, log: &mut Log) -> Result<(), log::NotRead> {
        let told = self.reader.end(cut, log);
        self.note_late(0, log);
        for (number, shown) in std::mem::take(&mut self.kept) {
            self.note(Taken::Nothing, number, shown);
        }
        told
    }

    fn shown(&self, line: &[u8]) -> (String, Vec<u8>) {
        self.reader.shown(line)
    }
}

/// What lines were taken for, by class, while they are read.
type Classes = std::rc::Rc<std::cell::RefCell<BTreeMap<(Taken, String), Class>>>;

/// Looks at a log's files. Nothing is signed, and no node is asked.
pub fn check(source: Source, logs: &[PathBuf], mapping: &Mapping) -> Result<Check, ClientError> {
    let classes = Classes::default();
    let reader = source.reader(mapping)?;
    let noting = Noting { reader, classes: classes.clone(), kept: BTreeMap::new() };
    let mut reading = Reading::new(Box::new(noting), source.opens(), logs, true);
    reading.keep_late();
    let mut roles: BTreeMap<String, u64> = BTreeMap::new();
    while let Some(part) = reading.part()? {
        for it in part.iter().filter(|it| mapping.caller(&it.caller).is_none()) {
            *roles.entry(it.caller.role.clone()).or_default() += 1;
        }
    }
    let log = reading.log();
    let missing = Missing {
        databases: log.databases.clone(),
        relations: log.unmapped.clone(),
        functions: log.calls.clone(),
        roles,
    };
    Ok(Check {
        lines: Lines::of(log),
        statements: log.count(),
        classes: classes.take().into_values().collect(),
        hides: log.hides.clone(),
        missing,
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
        let check =
            check(Source::Pgaudit, std::slice::from_ref(&path), &Mapping::of_any("Asia/Shanghai"))
                .unwrap();
        let classes: Vec<_> =
            check.classes.iter().map(|it| (it.taken, it.kind.as_str(), it.first)).collect();
        assert_eq!(
            classes,
            [
                (Taken::NotUnderstood, "", 5),
                (Taken::NotToldInFull, "AUDIT READ COPY", 4),
                (Taken::Access, "AUDIT READ SELECT", 1),
                (Taken::AccessRowsUnknown, "AUDIT READ SELECT", 2),
                (Taken::NoAccess, "AUDIT MISC SET", 3),
            ]
        );
        // What no mapping is needed for stays open.
        assert_eq!((check.lines.untold.len(), check.lines.must_be_all().is_err()), (1, true));
        assert_eq!(check.missing.relations["population.civil.resident"], 2);
        assert_eq!(check.missing.databases.iter().collect::<Vec<_>>(), ["population"]);
        assert!(check.hides.keys().any(|it| it.contains("log_statement")), "{:?}", check.hides);
        assert!(check.hides.keys().any(|it| it.contains("log_rows")), "{:?}", check.hides);
    }

    fn classes(source: Source, mapping: &str, text: &str) -> Vec<(Taken, String, u64, u64)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, text).unwrap();
        let mapping: Mapping = toml::from_str(mapping).unwrap();
        let check = check(source, &[path], &mapping).unwrap();
        check.classes.into_iter().map(|it| (it.taken, it.kind, it.lines, it.first)).collect()
    }

    /// What is told when a later line is there is told of the line in which it began.
    #[test]
    fn lines_that_others_belong_to() {
        const MAPPING: &str = "time_zone = \"Asia/Shanghai\"\ndatabases = [\"population\"]\nsalt_file = \"s\"\nlog_line_prefix = '%m [%p] %q%u@%d '\n[relations]\n\"population.civil.resident\" = \"civil.resident\"\n\"population.population.resident\" = \"civil.resident\"\n";
        let text = "2026-11-28 21:40:00.100 CST [17] a@population LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,civil.resident,\"select 1\n\n\tfrom civil.resident\",<none>,1\n\
             2026-11-28 21:40:00.200 CST [17] a@population LOG:  AUDIT: SESSION,2,1,MISC,BEGIN,,,begin,<none>,0\n\
             2026-11-28 21:40:00.300 CST [17] LOG:  checkpoint starting\n";
        let text = text.replace("\n\n\t", "\n\t\n\t");
        let of = |taken, kind: &str, lines, first| (taken, kind.to_owned(), lines, first);
        assert_eq!(
            classes(Source::Pgaudit, MAPPING, &text),
            [
                of(Taken::Access, "AUDIT READ SELECT", 1, 1),
                of(Taken::Further, "", 2, 2),
                of(Taken::NoAccess, "AUDIT MISC BEGIN", 1, 4),
                of(Taken::NoAccess, "LOG", 1, 5),
            ]
        );
        let text = "20261128 21:40:00,db1,app,h,1,7,READ,population,resident,\n\
             20261128 21:40:00,db1,app,h,1,7,QUERY,population,'select * from resident',0\n\
             20261128 21:40:01,db1,app,h,1,8,QUERY,population,'select 1',0\n";
        assert_eq!(
            classes(Source::Mariadb, MAPPING, text),
            [
                of(Taken::AccessRowsUnknown, "READ", 1, 1),
                of(Taken::Further, "QUERY", 1, 2),
                of(Taken::NoAccess, "QUERY", 1, 3),
            ]
        );
        // A record over several lines.
        let record = "2026-11-28 21:40:00.100 CST,\"a\",\"population\",17,\"[local]\",6b0a.1f,1,\"SELECT\",2026-11-28 21:39:00 CST,3/8,0,LOG,00000,\"AUDIT: SESSION,1,1,READ,SELECT,TABLE,civil.resident,\"\"select 1\n\nfrom x\"\",<none>,1\",,,,,,,,,\"psql\",\"client backend\",,0\n";
        assert_eq!(
            classes(Source::Pgaudit, MAPPING, record),
            [of(Taken::Access, "AUDIT READ SELECT", 1, 1), of(Taken::Further, "", 2, 2)]
        );
    }
}
