//! Statements over the boundaries of a log's parts, and texts of several statements that are executed again.

use super::tests::{MAPPING, touched};
use crate::Source;
use crate::mapping::Mapping;
use crate::statement::Statement;
use liuhen_proto::wire::Operation;
use std::path::Path;

fn line(session: &str, number: u64, more: serde_json::Value) -> String {
    let mut line = serde_json::json!({
        "timestamp": "2026-11-23 04:32:01.521 CST", "user": "app", "dbname": "population",
        "session_id": session, "line_num": number, "error_severity": "LOG",
    });
    if let (Some(line), Some(more)) = (line.as_object_mut(), more.as_object()) {
        line.extend(more.clone());
    }
    format!("{line}\n")
}

fn audit(session: &str, number: u64, entry: &str) -> String {
    line(session, number, serde_json::json!({ "message": format!("AUDIT: SESSION,{entry}") }))
}

/// What others do meanwhile: so many statements in each of so many sessions.
fn others(sessions: u64, each: u64) -> String {
    let of = |session: u64, number: u64| {
        let entry = format!("{number},1,READ,SELECT,TABLE,civil.resident,select {number},<none>,1");
        audit(&format!("6c.{session:x}"), number, &entry)
    };
    (1..=each).flat_map(|number| (0..sessions).map(move |it| of(it, number))).collect()
}

/// The statements of a session, as the parts give them out.
fn of_session(text: &str, session: &str) -> Vec<Statement> {
    let folder = tempfile::tempdir().unwrap();
    let paths = [folder.path().join("log")];
    std::fs::write(&paths[0], text).unwrap();
    let mapping = Mapping::parse(MAPPING, Path::new("m")).unwrap();
    let mut reading = Source::Pgaudit.reading(&paths, &mapping, false).unwrap();
    let mut all = Vec::new();
    while let Some(part) = reading.part().unwrap() {
        all.extend(part.into_iter().filter(|it| it.reference.starts_with(session)));
    }
    all
}

const TEXT: &str = "select * from civil.resident";

fn begun() -> String {
    audit("6b.1", 1, &format!("1,1,READ,SELECT,TABLE,civil.resident,{TEXT},<none>"))
}

fn cancelled() -> String {
    let more = serde_json::json!({
        "error_severity": "ERROR", "state_code": "57014", "message": "cancelled", "statement": TEXT,
    });
    line("6b.1", 2, more)
}

/// However many lines others write meanwhile, and also where so many sessions do that it was given out before.
#[test]
fn an_error_long_after_its_statement() {
    for (sessions, each) in [(1, 26_000), (super::GOES_ON as u64 + 6_000, 1)] {
        let log = [begun(), others(sessions, each), cancelled()].concat();
        let found = of_session(&log, "6b.1/");
        let references: Vec<_> =
            found.iter().map(|it| (it.reference.as_str(), it.rows())).collect();
        assert_eq!(references, [("6b.1/1", None)], "{sessions}");
    }
}

/// What ran inside stands before the statement that it ran in.
#[test]
fn entries_before_and_behind_a_boundary() {
    let inner = "1,2,READ,SELECT,TABLE,civil.resident,select 1,<none>,2";
    let outer = "1,1,READ,SELECT,TABLE,civil.household,select f(),<none>,1";
    let together = |sessions, each| {
        let both = [audit("6b.1", 1, inner), others(sessions, each), audit("6b.1", 2, outer)];
        of_session(&both.concat(), "6b.1/")
    };
    let one = together(1, 26_000);
    assert_eq!((one.len(), one[0].touched.len(), one[0].rows()), (1, 2, Some(2)));
    // What is given out before is the same statement.
    let apart = together(super::GOES_ON as u64 + 6_000, 1);
    let references: Vec<_> = apart.iter().map(|it| it.reference.as_str()).collect();
    assert_eq!(references, ["6b.1/1", "6b.1/1"]);
}

/// Of a session whose client has gone nothing goes on.
#[test]
fn a_session_that_is_over() {
    let gone = |message: &str, role: &str| {
        let text = line("6b.1", 2, serde_json::json!({ "message": message, "user": role }));
        super::jsonlog::line(text.as_bytes()).unwrap().ends_session()
    };
    let said = "session time: 0:00:12.345 user=app database=population host=10.0.0.7 port=4";
    assert!(gone(&format!("disconnection: {said}"), "app"));
    assert!(gone(
        "断开连接\u{3a} 会话时间\u{3a} 12:00:12.345 用户=app 数据库=population 主机=[local]",
        "app"
    ));
    assert!(!gone(&format!("disconnection: {said}"), "other"));
    assert!(!gone("connection authorized: user=app database=population application_name=x", "app"));
    assert!(!gone(&format!("AUDIT: {said}"), "app"));
}

fn copied(all: &[String]) -> Vec<Vec<(String, Operation)>> {
    of_session(&all.concat(), "6b.1/").iter().map(touched).collect()
}

/// A text that failed is executed from its begin again.
#[test]
fn a_text_of_several_statements_again() {
    let text = "copy civil.resident to stdout; copy civil.household to stdout";
    let entry = |number: u64, transaction: &str| {
        let message = format!("AUDIT: SESSION,{number},1,READ,COPY,,,{text},<none>,0");
        line("6b.1", number, serde_json::json!({ "message": message, "vxid": transaction }))
    };
    let failed = line(
        "6b.1",
        2,
        serde_json::json!({
            "error_severity": "ERROR", "state_code": "57014", "message": "cancelled",
            "statement": "select pg_sleep(10)", "vxid": "3/0",
        }),
    );
    let resident = || vec![("civil.resident".to_owned(), Operation::Export)];
    let household = || vec![("civil.household".to_owned(), Operation::Export)];
    assert_eq!(copied(&[entry(1, ""), entry(2, "")]), [resident(), household()]);
    assert_eq!(copied(&[entry(1, ""), failed, entry(3, "")]), [resident(), resident()]);
    // Where the error is not in the log, another transaction tells.
    assert_eq!(copied(&[entry(1, "3/1"), entry(2, "3/1")]), [resident(), household()]);
    assert_eq!(copied(&[entry(1, "3/1"), entry(2, "3/2")]), [resident(), resident()]);
    // Where the text ends transactions itself that does not tell either, and all is taken.
    let ended = |it: String| it.replace("; copy", "; commit; copy");
    let all = copied(&[ended(entry(1, "3/1")), ended(entry(2, "3/2"))]);
    assert_eq!(all, [resident(), [household(), resident()].concat()]);
}
