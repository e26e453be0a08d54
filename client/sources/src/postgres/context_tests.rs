//! What belongs to which statement: texts of several, parallel workers, views, what changes what is audited.

use super::tests::{line, read_with, touched};
use crate::log::Log;
use crate::statement::Statement;
use crate::summary::Lines;

const MAPPING: &str = r#"
time_zone = "Asia/Shanghai"
databases = ["population"]
salt_file = "salt"
[relations]
"population.civil.resident" = "civil.resident"
"population.civil.household" = "civil.household"
[views]
"population.civil.mv" = "select name from civil.resident"
"#;

fn read(lines: &[String]) -> Log {
    read_with(MAPPING, lines, false).unwrap()
}

fn entries(all: &[&str]) -> Vec<String> {
    let numbered = all.iter().zip(1..);
    numbered.map(|(it, number)| line(&format!("AUDIT: SESSION,{it}"), number)).collect()
}

fn shown(it: &Statement) -> String {
    let what: Vec<_> = touched(it)
        .into_iter()
        .map(|(dataset, operation)| {
            format!(
                "{}:{dataset}",
                operation.as_str_name().trim_start_matches("OPERATION_").to_lowercase()
            )
        })
        .collect();
    let untold = if it.untold.is_empty() { "" } else { " untold" };
    let grant = it.named.grant().map(|it| format!(" {it}")).unwrap_or_default();
    format!("{}{grant}{untold}", what.join(" "))
}

fn all(lines: &[&str]) -> Vec<String> {
    read(&entries(lines)).statements.iter().map(shown).collect()
}

/// pgAudit writes the whole text with each statement of it: each is told by its own.
#[test]
fn a_text_of_several_statements() {
    let text = "\"begin; declare h cursor with hold for select name from civil.resident; commit\",<none>,0";
    let three = [
        format!("1,1,MISC,BEGIN,,,{text}"),
        format!("2,1,READ,DECLARE CURSOR,,,{text}"),
        format!("3,1,MISC,COMMIT,,,{text}"),
    ];
    let three: Vec<&str> = three.iter().map(String::as_str).collect();
    assert_eq!(all(&three), ["read:civil.resident"]);
    // What is set holds for what is behind it.
    let text = "\"select set_config('liuhen.grant', 'a', false); select * from civil.resident; select set_config('liuhen.grant', 'b', false); select * from civil.household\",<none>,1";
    let four = [
        format!("1,1,READ,SELECT,,,{text}"),
        format!("2,1,READ,SELECT,TABLE,civil.resident,{text}"),
        format!("3,1,READ,SELECT,,,{text}"),
        format!("4,1,READ,SELECT,TABLE,civil.household,{text}"),
    ];
    let four: Vec<&str> = four.iter().map(String::as_str).collect();
    assert_eq!(all(&four), ["read:civil.resident a", "read:civil.household b"]);
    // Executed again, it is the same.
    let again: Vec<String> =
        four.iter().zip(5..).map(|(it, number)| format!("{number}{}", &it[1..])).collect();
    let both: Vec<&str> = four.iter().copied().chain(again.iter().map(String::as_str)).collect();
    let expected = ["read:civil.resident a", "read:civil.household b"];
    assert_eq!(all(&both), [expected, expected].concat());
}

fn worker(number: u64, message: &str) -> String {
    serde_json::json!({
        "timestamp": "2026-11-23 04:32:01.521 CST", "session_id": format!("6c.{number}"), "leader_pid": 1,
        "line_num": 1, "error_severity": "LOG", "message": format!("AUDIT: SESSION,{message}"),
    })
    .to_string()
}

/// A worker numbers its statements for itself.
#[test]
fn a_parallel_worker_is_of_the_statement_that_it_works_for() {
    let of_leader = |message: &str, number| line(&format!("AUDIT: SESSION,{message}"), number);
    // With rows a worker writes first.
    let log = read(&[
        of_leader("1,1,READ,SELECT,TABLE,civil.household,select 1,<none>,1", 1),
        worker(2, "1,1,READ,SELECT,TABLE,civil.resident,select 1,<none>,1"),
        of_leader("2,1,READ,SELECT,,,select f(),<none>,1", 2),
    ]);
    let found: Vec<_> = log.statements.iter().map(shown).collect();
    assert_eq!(found, ["read:civil.household", "read:civil.resident"]);
    assert_eq!(log.statements[1].reference, "6b.1/2");
    assert_eq!(log.statements[1].caller.role, "app");
    // Without them, behind it.
    let log = read(&[
        of_leader("1,1,READ,SELECT,TABLE,civil.household,select 1,<none>", 1),
        of_leader("2,1,READ,SELECT,,,select f(),<none>", 2),
        worker(2, "1,1,READ,SELECT,TABLE,civil.resident,select 1,<none>"),
    ]);
    let found: Vec<_> = log.statements.iter().map(shown).collect();
    assert_eq!(found, ["read:civil.household", "read:civil.resident"]);
    assert_eq!(log.statements[1].reference, "6b.1/2");
    // Of a statement that failed, or of which nothing more is written, nothing is lost.
    let log = read(&[
        of_leader("1,1,MISC,SET,,,set a = b,<none>,0", 1),
        worker(2, "1,1,READ,SELECT,TABLE,civil.resident,select 1,<none>,1"),
    ]);
    assert_eq!(log.statements.iter().map(shown).collect::<Vec<_>>(), ["read:civil.resident"]);
}

/// A view beside a mapped table may read by a function, into which no entry looks.
#[test]
fn views_whose_tables_no_entry_names() {
    let text = "\"select * from civil.v, civil.resident\",<none>,1";
    let table = format!("1,1,READ,SELECT,TABLE,civil.resident,{text}");
    let view = format!("1,1,READ,SELECT,VIEW,civil.v,{text}");
    assert_eq!(all(&[&table, &view]), ["read:civil.resident untold"]);
    let behind = format!("1,1,READ,SELECT,TABLE,civil.household,{text}");
    let both = ["read:civil.household read:civil.resident"];
    assert_eq!(all(&[&behind, &table, &view]), both);
    assert_eq!(all(&[&view, &table, &behind]), both);
    // Whatever comes behind it, it is told.
    let next = "2,1,MISC,BEGIN,,,begin,<none>,0";
    assert_eq!(all(&[&view, &table, next, next]), ["read:civil.resident untold"]);
}

#[test]
fn objects_that_hold_rows() {
    let cases = [
        // What it once read is read, and no entry names it.
        (
            "READ,SELECT,MATERIALIZED VIEW,civil.mv,select * from civil.mv,<none>,1",
            "read:civil.resident",
        ),
        (
            "READ,SELECT,UNKNOWN,civil.resident,select * from civil.resident,<none>,1",
            "read:civil.resident",
        ),
        (
            "READ,SELECT,TOAST TABLE,pg_toast.pg_toast_9,select * from pg_toast.pg_toast_9,<none>,1",
            " untold",
        ),
        ("READ,SELECT,,,\"select pg_read_file('base/1')\",<none>,1", " untold"),
        (
            "READ,SELECT,,,\"select * from pg_logical_slot_get_changes('s', null, null)\",<none>,1",
            " untold",
        ),
        (
            "ROLE,GRANT,TABLE,,grant select on all tables in schema civil to b,<none>,0",
            "admin:civil.household admin:civil.resident",
        ),
        (
            "DDL,CREATE PUBLICATION,PUBLICATION,p,create publication p for table civil.resident,<none>,0",
            "admin:civil.resident",
        ),
        (
            "DDL,CREATE PUBLICATION,,,create publication p for table civil.resident,<none>,0",
            "admin:civil.resident",
        ),
    ];
    for (entry, expected) in cases {
        let found = all(&[&format!("1,1,{entry}")]);
        let expected: Vec<&str> = Some(expected).into_iter().filter(|it| !it.is_empty()).collect();
        assert_eq!(found, expected, "{entry}");
    }
    let none = "1,1,ROLE,ALTER DEFAULT PRIVILEGES,TABLES,,alter default privileges in schema civil grant select on tables to b,<none>,0";
    assert_eq!(all(&[none]), Vec::<String>::new());
}

/// A function without its schema may be anybody's, unless the server has one of that name.
#[test]
fn functions_without_their_schemas() {
    let log = read(&entries(&[
        "1,1,READ,SELECT,,,\"select definer(7), count(*), coalesce(lower('A'), 'b')\",<none>,1",
    ]));
    assert_eq!(log.calls.keys().collect::<Vec<_>>(), ["population.*.definer"]);
    // Who makes one calls none.
    let made = "1,1,DDL,CREATE FUNCTION,FUNCTION,civil.f(),create function civil.f() returns int language sql as 'select 1',<none>,0";
    assert_eq!(read(&entries(&[made])).calls.len(), 0);
    // An entry of its own says whose it is.
    let log = read(&entries(&[
        "1,1,FUNCTION,EXECUTE,FUNCTION,civil.definer,select definer(7),<none>,0",
        "1,2,READ,SELECT,,,select definer(7),<none>,1",
    ]));
    assert_eq!(log.calls.keys().collect::<Vec<_>>(), ["population.civil.definer"]);
}

#[test]
fn what_changes_what_is_audited() {
    let changes = [
        "ROLE,ALTER ROLE,,,alter role other set pgaudit.log = 'none',<none>,0",
        "ROLE,ALTER ROLE,,,\"alter role other in database population set \"\"pgaudit\"\".\"\"log\"\" = 'none'\",<none>,0",
        "ROLE,ALTER ROLE,,,alter role other reset all,<none>,0",
        "ROLE,ALTER ROLE,,,<not logged>,<not logged>,0",
        "DDL,ALTER DATABASE,,,alter database population set pgaudit.log = 'none',<none>,0",
        "DDL,ALTER SYSTEM,,,alter system set log_replication_commands = off,<none>,0",
        "MISC,BEGIN,,,begin; update pg_settings set setting = 'none' where name = 'pgaudit.log'; commit,<none>,0",
        "READ,SELECT,,,\"select set_config('pgaudit.' || 'log', 'none', false)\",<none>,1",
        "DDL,CREATE FUNCTION,FUNCTION,civil.f(),create function civil.f() returns int language sql set pgaudit.log = 'none' as 'select 1',<none>,0",
    ];
    for entry in changes {
        let log = read(&entries(&[&format!("1,1,{entry}")]));
        assert_eq!((log.events.len(), log.untold.len()), (1, 1), "{entry}");
    }
    let others = [
        "ROLE,ALTER ROLE,,,alter role other set work_mem = '1MB',<none>,0",
        "MISC,RESET,,,reset all,<none>,0",
        "READ,SELECT,,,\"select set_config($1, $2, true)\",\"request.jwt,x\",1",
    ];
    for entry in others {
        let log = read(&entries(&[&format!("1,1,{entry}")]));
        assert_eq!((log.events.len(), log.untold.len()), (0, 0), "{entry}");
    }
}

fn said(message: &str, role: &str) -> String {
    serde_json::json!({
        "timestamp": "2026-11-23 04:32:01.521 CST", "user": role, "dbname": "", "session_id": "6e.1",
        "line_num": 1, "error_severity": "LOG", "message": message,
    })
    .to_string()
}

/// Who copies the server's files has read everything.
#[test]
fn copies_of_the_servers_files() {
    let copies = [
        "received replication command: BASE_BACKUP ( LABEL 'x')",
        "收到的复制命令\u{ff1a}START_REPLICATION SLOT \"s\" 0/3000000",
    ];
    for message in copies {
        let log = read(&[said(message, "backup")]);
        assert_eq!(log.statements.iter().map(shown).collect::<Vec<_>>(), [" untold"], "{message}");
        assert_eq!(log.statements[0].caller.role, "backup");
    }
    let log = read(&[said("received replication command: IDENTIFY_SYSTEM", "backup")]);
    assert_eq!(log.statements.len(), 0);
}

/// Nothing of a log that holds no audit says that nothing was read.
#[test]
fn a_log_without_an_audit() {
    let log = read(&[said("checkpoint complete", "")]);
    let why = Lines::of(&log).must_be_all().unwrap_err().to_string();
    assert!(why.contains("0 of 1 lines are entries of an audit"), "{why}");
    let log = read(&entries(&["1,1,MISC,BEGIN,,,begin,<none>,0"]));
    assert!(Lines::of(&log).must_be_all().is_ok());
}
