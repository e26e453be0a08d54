//! Logs as they really are: the inputs of `shared/cases` beside the repository, each with what is right of it.

#![allow(clippy::unwrap_used, reason = "helpers of tests: a broken case may end them")]

use liuhen_client::error::ClientError;
use liuhen_proto::wire::Operation;
use liuhen_sources::log::Log;
use liuhen_sources::mapping::Mapping;
use liuhen_sources::statement::Statement;
use liuhen_sources::{Lines, Source};
use std::path::{Path, PathBuf};

const GRANT: &str = "hr-pension-2026-001";

/// Where the cases are; `None` where they are not beside this checkout, which the project's own runs forbid.
fn cases() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none(), "{} is missing", folder.display());
    eprintln!("skipped: {} is not here", folder.display());
    None
}

fn mapping(file: &Path) -> Mapping {
    toml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// A case's log, read with the mapping of all or its own.
fn read(folder: &Path, log: &str, own: Option<&str>, skip: bool) -> Result<Log, ClientError> {
    let case = folder.join(log);
    let beside = case.parent().unwrap();
    let file = own.map_or(folder.join("psb.mapping.toml"), |name| beside.join(name));
    Source::Pgaudit.read(&[case], &mapping(&file), skip)
}

/// A statement in a line: what was touched and how, rows, the grant, whether it was refused or can't be told in full.
fn shown(it: &Statement) -> String {
    let touched = it.touched.keys().map(|(dataset, operation)| {
        let operation = Operation::try_from(*operation).unwrap();
        let operation = operation.as_str_name().trim_start_matches("OPERATION_").to_lowercase();
        format!("{operation}:{dataset}")
    });
    let mut parts = vec![touched.collect::<Vec<_>>().join(" ")];
    parts.push(it.rows().map_or("rows unknown".to_owned(), |rows| format!("{rows} rows")));
    parts.extend(it.named.grant().map(str::to_owned));
    parts.extend(it.named.is_contradictory().then(|| "contradictory".to_owned()));
    parts.extend(it.named.hidden.then(|| "hidden".to_owned()));
    parts.extend(it.denied.then(|| "denied".to_owned()));
    parts.extend((!it.untold.is_empty()).then(|| "untold".to_owned()));
    parts.join(", ")
}

fn all(log: &Log) -> Vec<String> {
    log.statements.iter().map(shown).collect()
}

/// Each file of a case, with its statements.
fn check(expected: &[(&str, &[&str])]) {
    let Some(folder) = cases() else { return };
    for (file, statements) in expected {
        let log = read(&folder, file, None, false);
        let log = log.unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(all(&log), *statements, "{file}");
    }
}

/// COPY, cursors, TRUNCATE name no relation: the text does.
#[test]
fn what_names_no_relation_is_told_by_its_text() {
    check(&[
        (
            "01-copy-table-out/log.jsonlog",
            &[&format!("export:civil.resident, rows unknown, {GRANT}")],
        ),
        ("03-cursors/psql.jsonlog", &[&format!("read:civil.resident, rows unknown, {GRANT}")]),
        ("03-cursors/driver.jsonlog", &[&format!("read:civil.resident, rows unknown, {GRANT}")]),
        ("06-truncate/log.jsonlog", &["delete:civil.resident, rows unknown"]),
    ]);
    let Some(folder) = cases() else { return };
    // Of the other database's side the foreign table is not in the mapping.
    let log = read(&folder, "03-cursors/postgres_fdw.jsonlog", None, false).unwrap();
    let read = "read:civil.resident, rows unknown";
    assert_eq!(all(&log), [read.to_owned(), format!(", 2 rows, {GRANT}, untold")]);
}

#[test]
fn reads_that_did_not_end() {
    let one = format!("read:civil.resident, rows unknown, {GRANT}");
    check(&[
        ("04-reads-that-did-not-end/cancelled.jsonlog", &[&one]),
        ("04-reads-that-did-not-end/client-gone.jsonlog", &[&one]),
        ("04-reads-that-did-not-end/failed.jsonlog", &[&one, &one]),
    ]);
}

#[test]
fn logs_without_rows() {
    let read = format!("read:civil.resident, rows unknown, {GRANT}");
    let copied = format!("export:civil.resident, rows unknown, {GRANT}");
    check(&[("05-no-rows-field/log.jsonlog", &[&read, &copied, &read, &read])]);
}

/// Pings, settings, transactions, catalogues are no access, and no reason to stop.
#[test]
fn what_touches_nothing_is_no_access() {
    let one = format!("read:civil.resident, 1 rows, {GRANT}");
    check(&[
        ("07-lines-without-a-relation/pings.jsonlog", &[]),
        ("07-lines-without-a-relation/psql-d.jsonlog", &[]),
        ("07-lines-without-a-relation/log-all.jsonlog", &[&one, "read:civil.resident, 2000 rows"]),
        ("07-lines-without-a-relation/prepare.jsonlog", &[&one, &one, &one]),
    ]);
    let Some(folder) = cases() else { return };
    for file in ["pings", "psql-d", "log-all", "prepare"] {
        let log =
            read(&folder, &format!("07-lines-without-a-relation/{file}.jsonlog"), None, false);
        assert!(Lines::of(&log.unwrap()).must_be_all().is_ok(), "{file}");
    }
}

#[test]
fn denials_in_any_language_and_form() {
    check(&[(
        "09-denied-in-chinese/log.jsonlog",
        &[&format!("read:civil.resident, 0 rows, {GRANT}, denied")],
    )]);
    let denied = |what: &str| format!("{what}:civil.resident, 0 rows, denied");
    let expected = [
        denied("delete"),
        denied("delete"),
        denied("insert"),
        denied("update"),
        ", 0 rows, denied, untold".to_owned(),
        denied("read"),
        denied("read"),
        denied("insert"),
    ];
    let Some(folder) = cases() else { return };
    let log = read(&folder, "10-denied-other-forms/log.jsonlog", None, false).unwrap();
    assert_eq!((all(&log), log.other_denied), (expected.to_vec(), 2));
    let log = read(&folder, "10-denied-other-forms/row-security.jsonlog", None, false).unwrap();
    assert_eq!((log.statements.len(), log.other_denied), (0, 1));
    let log = read(&folder, "10-denied-other-forms/sequence-and-schema.jsonlog", None, false);
    let log = log.unwrap();
    let only = format!("read:civil.resident, 0 rows, {GRANT}, denied");
    assert_eq!((all(&log), log.other_denied), (vec![only], 3));
}

/// Half of a statement in one file, half in the next: together they are one.
#[test]
fn a_statement_over_two_files() {
    let Some(folder) = cases() else { return };
    let of = |name: &str| folder.join(format!("13-file-ends-inside-a-statement/{name}.jsonlog"));
    let mapping = mapping(&folder.join("psb.mapping.toml"));
    let together = Source::Pgaudit.read(&[of("a"), of("b")], &mapping, false).unwrap();
    let whole = Source::Pgaudit.read(&[of("whole")], &mapping, false).unwrap();
    assert_eq!(together.statements, whole.statements);
    let both = format!("read:civil.household read:civil.resident, 3 rows, {GRANT}");
    assert_eq!(all(&whole)[0], both);
    // Read apart, each half is the same statement with what its file tells.
    let half = Source::Pgaudit.read(&[of("b")], &mapping, false).unwrap();
    assert_eq!(half.statements[0].reference, whole.statements[0].reference);
    assert_eq!(half.statements[0].touched.len(), 1);
}

#[test]
fn only_comments_name_grants() {
    let Some(folder) = cases() else { return };
    let named = |file: &str| {
        let log =
            read(&folder, &format!("19-grant-named-in-a-literal/{file}"), None, false).unwrap();
        let named = log.statements.iter().map(|it| it.named.grant().is_some()).collect::<Vec<_>>();
        (named, log.contradictory())
    };
    assert_eq!(named("log.jsonlog"), (vec![true, false, false, true, false, false], 1));
    let genuine = vec![true, true, true, true, false, true, false, true, false];
    assert_eq!(named("genuine.jsonlog"), (genuine, 0));
}

/// What ran inside a statement stands under what the statement names.
#[test]
fn functions_and_blocks() {
    check(&[
        (
            "20-functions-and-do-blocks/functions.jsonlog",
            &[
                &format!("read:civil.resident, 1 rows, {GRANT}"),
                &format!("read:civil.resident, 3 rows, {GRANT}"),
            ],
        ),
        ("20-functions-and-do-blocks/do.jsonlog", &["read:civil.resident, 2 rows"]),
    ]);
}

/// What runs with its owner's rights pgAudit leaves out: the calls are shown, or mapped.
#[test]
fn functions_that_no_log_looks_into() {
    let Some(folder) = cases() else { return };
    let log = read(&folder, "21-security-definer/log.jsonlog", None, false).unwrap();
    assert_eq!(log.statements.len(), 0);
    let calls: Vec<_> = log.calls.keys().map(String::as_str).collect();
    assert_eq!(calls, ["population.civil.sd2", "population.civil.sd_super"]);
    let text = std::fs::read_to_string(folder.join("psb.mapping.toml")).unwrap();
    let functions =
        "[functions]\n\"population.civil.sd2\" = [\"civil.resident\"]\n[roles.app_hr_pension]";
    let mapping = toml::from_str(&text.replace("[roles.app_hr_pension]", functions)).unwrap();
    let file = folder.join("21-security-definer/log.jsonlog");
    let log = Source::Pgaudit.read(&[file], &mapping, false).unwrap();
    assert_eq!(all(&log), [format!("read:civil.resident, 1 rows, {GRANT}")]);
}

#[test]
fn a_log_in_utc() {
    let Some(folder) = cases() else { return };
    let utc = read(&folder, "22-log-in-utc/log.jsonlog", None, false).unwrap();
    let expected: jiff::Timestamp = "2026-11-28T14:14:19.245Z".parse().unwrap();
    let first = utc.statements.first().map(|it| it.time_ms);
    assert_eq!(first, u64::try_from(expected.as_millisecond()).ok());
}

/// Bytes of another encoding are no reason to lose an access; the digest is over them.
#[test]
fn another_encoding() {
    let Some(folder) = cases() else { return };
    let log = read(&folder, "23-gbk-in-the-log/log.jsonlog", Some("cn.mapping.toml"), false);
    let log = log.unwrap();
    let [only] = log.statements.as_slice() else { panic!("{}", log.statements.len()) };
    assert_eq!(only.named.grant(), Some(GRANT));
    assert!(String::from_utf8(only.text()).is_err());
}

#[test]
fn a_line_of_17_mib() {
    let Some(folder) = cases() else { return };
    let log = read(&folder, "24-line-over-16-MiB/log.jsonlog.gz", None, false).unwrap();
    let expected = ["update:civil.resident, 1 rows, statistics-clean-2026-002".to_owned()];
    assert_eq!((&all(&log)[..1], log.lines), (&expected[..], 2));
    let [large, small] = log.statements.as_slice() else { panic!("{}", log.statements.len()) };
    assert_eq!((large.text().len() > 16 << 20, small.rows()), (true, Some(1)));
}

#[test]
fn ends_of_files() {
    let Some(folder) = cases() else { return };
    let of = |name: &str| read(&folder, &format!("25-ends-of-files/{name}.jsonlog"), None, false);
    for (name, blank, unfinished) in [
        ("blank", true, None),
        ("bom", false, None),
        ("nul", true, None),
        ("truncated", false, Some(2)),
    ] {
        let log = of(name).unwrap();
        assert_eq!(log.statements.len(), 1, "{name}");
        assert_eq!(
            (log.blank_lines > 0, log.unfinished.map(|it| it.line)),
            (blank, unfinished),
            "{name}"
        );
        assert!(Lines::of(&log).must_be_all().is_ok(), "{name}");
    }
    // A whole record behind a torn one is nothing to pass over.
    let why = of("glued").unwrap_err().to_string();
    assert!(why.contains("line 1: no jsonlog line"), "{why}");
}

/// The name of a relation serves however the log quotes it.
#[test]
fn chinese_and_quoted_names() {
    let Some(folder) = cases() else { return };
    for own in ["natural.mapping.toml", "quoted.mapping.toml"] {
        for (file, expected) in [
            ("log.jsonlog", format!("read:civil.resident, 5 rows, {GRANT}")),
            ("denied.jsonlog", "read:civil.resident, 0 rows, denied".to_owned()),
        ] {
            let file = format!("26-chinese-and-quoted-names/{file}");
            assert_eq!(all(&read(&folder, &file, Some(own), false).unwrap()), [expected], "{own}");
        }
    }
    mapping(&folder.join("26-chinese-and-quoted-names/dot.mapping.toml"));
}

/// A text that is not logged names no grant that anybody could see.
#[test]
fn texts_that_are_not_logged() {
    check(&[("28-statement-text-off/log.jsonlog", &["read:civil.resident, 1 rows, hidden"])]);
}

/// Files that whoever runs servers for others makes of the log are read too; others are named.
#[test]
fn other_files() {
    let one = format!("read:civil.resident, 1 rows, {GRANT}");
    let without_rows = format!("read:civil.resident, rows unknown, {GRANT}");
    check(&[
        ("29-nothing-understood/csvlog.csv", &[&one]),
        ("29-nothing-understood/cnpg.json", &[&without_rows]),
        ("29-nothing-understood/pgauditlogtofile.log", &[&one]),
    ]);
    let Some(folder) = cases() else { return };
    let of = |source: Source, name: &str, more: &str, skip: bool| {
        let text = std::fs::read_to_string(folder.join("psb.mapping.toml")).unwrap();
        let mapping = toml::from_str(&format!("{more}\n{text}")).unwrap();
        source.read(&[folder.join(format!("29-nothing-understood/{name}"))], &mapping, skip)
    };
    let stderr = "log_line_prefix = '%m [%p] %u@%d '";
    assert_eq!(all(&of(Source::Pgaudit, "stderr.log", stderr, false).unwrap()), [one.as_str()]);
    let syslog = of(Source::Pgaudit, "syslog.log", "log_line_prefix = '%m '", false).unwrap();
    assert_eq!((all(&syslog), syslog.further_lines), (vec![one], 1));
    let tables = "relations = { \"population.population.resident\" = \"civil.resident\" }";
    let mapping = format!(
        "time_zone = \"Asia/Shanghai\"\ndatabases = [\"population\"]\nsalt_file = \"s\"\n{tables}"
    );
    let file = folder.join("29-nothing-understood/server_audit.log");
    let log = Source::Mariadb.read(&[file], &toml::from_str(&mapping).unwrap(), false).unwrap();
    assert_eq!(all(&log), ["read:civil.resident, rows unknown"]);
    for (name, seems) in [
        ("server_audit.log", "`liuhen import mariadb`"),
        ("stderr.log", "stderr"),
        ("syslog.log", "syslog"),
    ] {
        for skip in [false, true] {
            let other = "log_line_prefix = '%c '";
            let why = of(Source::Pgaudit, name, other, skip).unwrap_err().to_string();
            assert!(why.contains(seems), "{name}: {why}");
        }
    }
}

/// A view whose tables are named needs no mapping; a materialized one holds data of its own.
#[test]
fn views() {
    check(&[(
        "35-views/log.jsonlog",
        &[&format!("read:civil.resident, 1 rows, {GRANT}"), &format!(", 0 rows, {GRANT}, untold")],
    )]);
    let Some(folder) = cases() else { return };
    let log = read(&folder, "35-views/log.jsonlog", None, false).unwrap();
    let missing: Vec<_> = log.unmapped.keys().map(String::as_str).collect();
    assert_eq!(missing, ["population.civil.mv_township"]);
}
