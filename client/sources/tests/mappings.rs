//! The mappings that are shipped: each reads its sample, and tells of it what it should.

#![allow(clippy::unwrap_used, reason = "helpers of tests: a broken sample may end them")]

use liuhen_sources::Source;
use liuhen_sources::log::Log;
use liuhen_sources::mapping::Mapping;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What a sample tells.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    /// Accesses.
    statements: usize,
    /// Refusals among them.
    denied: usize,
    /// Those of which not all can be told.
    untold: usize,
    /// Lines of no access, the header among them.
    other_lines: u64,
    /// Accesses, not refused, whose rows are known.
    with_rows: usize,
    /// Accesses that name a grant.
    with_grant: usize,
}

impl Told {
    fn of(log: &Log) -> Self {
        let statements = &log.statements;
        Self {
            statements: statements.len(),
            denied: statements.iter().filter(|it| it.denied).count(),
            untold: usize::try_from(log.untold.len()).unwrap(),
            other_lines: log.other_lines,
            with_rows: statements.iter().filter(|it| !it.denied && it.rows().is_some()).count(),
            with_grant: statements.iter().filter(|it| it.named.grant().is_some()).count(),
        }
    }
}

/// Of statements, denied, untold, other lines, with rows, with grant.
const fn told(of: (usize, usize, usize, u64, usize, usize)) -> Told {
    let (statements, denied, untold, other_lines, with_rows, with_grant) = of;
    Told { statements, denied, untold, other_lines, with_rows, with_grant }
}

/// Mapping, sample, and what it tells.
const EXPECTED: [(&str, &str, Told); 11] = [
    ("dm8", "csv", told((8, 1, 2, 2, 0, 1))),
    ("envoy", "json", told((8, 1, 1, 2, 3, 7))),
    ("exchange-calls", "csv", told((7, 1, 2, 2, 4, 6))),
    ("exchange-jobs", "csv", told((7, 1, 1, 3, 4, 0))),
    ("kingbase", "csv", told((7, 1, 1, 2, 0, 1))),
    ("kong", "json", told((9, 1, 2, 1, 4, 7))),
    ("mysql-enterprise-audit", "json", told((7, 1, 2, 5, 0, 1))),
    ("nginx", "json", told((8, 1, 2, 3, 3, 7))),
    ("opengauss", "csv", told((9, 1, 3, 3, 0, 1))),
    ("oracle-unified", "json", told((8, 1, 2, 2, 0, 1))),
    ("sqlserver-audit", "json", told((8, 1, 2, 2, 1, 1))),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings")
}

#[test]
fn each_reads_its_sample() {
    for (name, form, expected) in EXPECTED {
        let mapping = Mapping::read(&folder().join(format!("{name}.toml"))).unwrap();
        let sample = folder().join(format!("{name}.sample.{form}"));
        let log = Source::Mapped.read(&[sample], &mapping, false);
        let log = log.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(log.set_aside.is_empty(), "{name}: {:?}", log.set_aside);
        assert!(log.unknown.is_empty(), "{name}: {:?}", log.unknown);
        assert!(log.unmapped.is_empty(), "{name}: {:?}", log.unmapped);
        assert_eq!((log.other_databases, log.unfinished), (0, None), "{name}");
        assert_eq!(Told::of(&log), expected, "{name}");
    }
}

/// The same list as a spreadsheet tells the same.
#[test]
fn a_list_as_a_spreadsheet() {
    let folder_of = tempfile::tempdir().unwrap();
    for (name, form, expected) in EXPECTED.into_iter().filter(|it| it.0.starts_with("exchange-")) {
        let sample = folder().join(format!("{name}.sample.{form}"));
        let mut book = rust_xlsxwriter::Workbook::new();
        let sheet = book.add_worksheet();
        let text = std::fs::read_to_string(sample).unwrap();
        for (row, line) in (0_u32..).zip(text.lines()) {
            for (column, value) in (0_u16..).zip(line.split(',')) {
                sheet.write(row, column, value).unwrap();
            }
        }
        let file = folder_of.path().join(format!("{name}.xlsx"));
        book.save(&file).unwrap();
        let mapping = Mapping::read(&folder().join(format!("{name}.toml"))).unwrap();
        let log = Source::Mapped.read(&[file], &mapping, false).unwrap();
        assert_eq!(Told::of(&log), expected, "{name}");
    }
}

/// Read twice, a sample gives the same references: an import that is run again adds nothing.
#[test]
fn references_stay() {
    for (name, form, _) in EXPECTED {
        let mapping = Mapping::read(&folder().join(format!("{name}.toml"))).unwrap();
        let sample = [folder().join(format!("{name}.sample.{form}"))];
        let references = || -> Vec<String> {
            let log = Source::Mapped.read(&sample, &mapping, false).unwrap();
            log.statements.into_iter().map(|it| it.reference).collect()
        };
        let first = references();
        assert_eq!(first, references(), "{name}");
        assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), first.len(), "{name}");
    }
}

/// Each mapping of the folder is told of in both tables and tried here.
#[test]
fn none_is_left_out() {
    let files = std::fs::read_dir(folder()).unwrap().map(|it| it.unwrap().path());
    let found: BTreeSet<String> = files
        .filter(|it| it.extension().is_some_and(|it| it == "toml"))
        .map(|it| it.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let expected: BTreeSet<String> = EXPECTED.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(found, expected);
    for table in ["README.md", "README.zh-CN.md"] {
        let text = std::fs::read_to_string(folder().join(table)).unwrap();
        for name in &found {
            assert!(text.contains(&format!("`{name}`")), "{table} does not tell of {name}");
        }
    }
}
