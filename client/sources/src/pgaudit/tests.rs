use super::*;
use crate::Source;
use liuhen_client::error::ClientError;
use std::path::Path;

const MAPPING: &str = r#"
time_zone = "Asia/Shanghai"
databases = ["population"]
salt_file = "salt"
[relations]
"population.civil.resident" = "civil.resident"
"population.civil.household" = "civil.household"
"#;

fn line(message: &str, line_num: u64) -> String {
    serde_json::json!({
        "timestamp": "2026-11-23 04:32:01.521 CST", "user": "app", "dbname": "population",
        "session_id": "6b.1", "line_num": line_num, "error_severity": "LOG", "message": message,
    })
    .to_string()
}

fn read_lines(lines: &[String], skip_unknown: bool) -> Result<Log, ClientError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, lines.join("\n")).unwrap();
    let mapping: Mapping = toml::from_str(MAPPING).unwrap();
    Source::Pgaudit.read(&path, &mapping, skip_unknown)
}

const JOIN: &str = "\"/*liuhen_grant='t-1'*/ select 1, 'a,b';\",<none>,3";

#[test]
fn lines_of_one_statement_are_one() {
    let all = [
        line(&format!("AUDIT: SESSION,7,1,READ,SELECT,TABLE,civil.resident,{JOIN}"), 1),
        line(&format!("AUDIT: SESSION,7,1,READ,SELECT,TABLE,civil.household,{JOIN}"), 2),
        line(&format!("AUDIT: SESSION,8,1,WRITE,UPDATE,TABLE,civil.household,{JOIN}"), 3),
    ];
    let log = read_lines(&all, false).unwrap();
    let [first, second] = log.statements.as_slice() else { panic!("{}", log.statements.len()) };
    assert_eq!(first.touched.len(), 2);
    assert_eq!(first.tag.as_deref(), Some("t-1"));
    assert_eq!((first.rows, first.denied), (3, false));
    // 04:32:01.521 in Shanghai is 20:32:01.521 UTC of the day before.
    assert_eq!(first.time_ms, 1_795_379_521_521);
    assert!(second.touched.contains(&("civil.household".into(), Operation::Update as i32)));
}

#[test]
fn what_is_not_understood_stops_with_its_number() {
    let good = line(&format!("AUDIT: SESSION,7,1,READ,SELECT,TABLE,civil.resident,{JOIN}"), 1);
    let cases = [
        "no json".to_owned(),
        line(&format!("AUDIT: SESSION,7,1,READ,SELECT,TABLE,civil.secret,{JOIN}"), 2),
        line(&format!("AUDIT: SESSION,7,1,WRITE,TRUNCATE TABLE,,,{JOIN}"), 2),
        line("AUDIT: SESSION,7", 2),
        good.replace("2026-11-23", "yesterday"),
    ];
    for bad in cases {
        let all = [good.clone(), bad.clone(), good.replace("6b.1", "6b.2")];
        let error = read_lines(&all, false).unwrap_err().to_string();
        assert!(error.contains("line 2:"), "{bad}: {error}");
        let log = read_lines(&all, true).unwrap();
        assert_eq!((log.unknown.len(), log.statements.len()), (1, 2), "{bad}");
        assert_eq!(log.unknown[0].0, 2);
    }
}

#[test]
fn refused_statements_are_denied() {
    let denied = serde_json::json!({
        "timestamp": "2026-11-23 04:32:01.521 CST", "user": "app", "dbname": "population",
        "session_id": "6b.9", "line_num": 4, "error_severity": "ERROR", "state_code": "42501",
        "message": "permission denied for table resident",
        "statement": "/*x*/ delete from civil.resident where id=1",
    });
    let log = read_lines(&[denied.to_string()], false).unwrap();
    let [only] = log.statements.as_slice() else { panic!() };
    assert!(only.denied);
    assert!(only.touched.contains(&("civil.resident".into(), Operation::Delete as i32)));
}

#[test]
fn other_databases_are_counted_and_left() {
    let other = line("AUDIT: SESSION,1,1,WRITE,COPY,,,copy x,<none>,0", 1)
        .replace("population", "postgres");
    let log = read_lines(&[other], false).unwrap();
    assert_eq!((log.other_databases, log.statements.len()), (1, 0));
}

fn entry(time: &str, text: &str) -> String {
    let quoted = format!("\"{}\"", text.replace('"', "\"\""));
    let audit = format!("AUDIT: SESSION,7,1,READ,SELECT,TABLE,civil.resident,{quoted},<none>,1");
    line(&audit, 1).replace("2026-11-23 04:32:01.521 CST", time)
}

/// UTC and offsets stand as they are; an abbreviation is taken where the zone has it at that time.
#[test]
fn times_by_the_zone_that_the_log_names() {
    const AT: u64 = 1_795_379_521_521;
    let all = [
        "2026-11-23 04:32:01.521 CST",
        "2026-11-23 04:32:01.521",
        "2026-11-22 20:32:01.521 UTC",
        "2026-11-22 20:32:01.521 GMT",
        "2026-11-23 04:32:01.521 +08",
        "2026-11-22 15:02:01.521 -0530",
        "2026-11-23 02:02:01.521 +05:30",
    ];
    for time in all {
        let log = read_lines(&[entry(time, "select 1")], false).unwrap();
        assert_eq!(log.statements.first().map(|it| it.time_ms), Some(AT), "{time}");
        assert_eq!(log.set_aside, [], "{time}");
    }
}

#[test]
fn times_that_the_zone_does_not_have_are_set_aside_and_counted() {
    // Shanghai has no EST and no MEZ, and had CDT in some summers before 1992 alone.
    let all = ["2026-11-23 04:32:01 EST", "2026-07-23 04:32:01 CDT", "2026-11-23 04:32:01 MEZ"];
    for time in all {
        let good = entry("2026-11-23 04:32:01 CST", "select 1").replace("6b.1", "6b.2");
        let log = read_lines(&[entry(time, "select 1"), good], false).unwrap();
        assert_eq!((log.set_aside.len(), log.statements.len()), (1, 1), "{time}");
        assert_eq!(log.set_aside[0].0, 1);
        assert!(crate::not_all(&log.set_aside).is_err(), "{time}");
    }
    let bad = [
        "2026-11-23",
        "2026-11-23 04:32:01 CST x",
        "2026-11-23 x CST",
        "x y z",
        "2026-11-23 04:32:01+08 CST",
        "2026-11-23 04:32:01[Asia/Tokyo]",
        "2026-11-23 04:32:01Z",
    ];
    for time in bad {
        let error = read_lines(&[entry(time, "select 1")], false).unwrap_err().to_string();
        assert!(error.contains("line 1:"), "{time}: {error}");
    }
}

/// Where clocks were put back an hour comes twice, told apart by its abbreviation.
#[test]
fn the_hour_that_comes_twice() {
    let mapping = MAPPING.replace("Asia/Shanghai", "Europe/Berlin");
    let mapping: Mapping = toml::from_str(&mapping).unwrap();
    let read = |zone: &str| {
        let line = entry(&format!("2026-10-25 02:30:00.000{zone}"), "select 1");
        Source::Pgaudit.read_lines(line.as_bytes(), Path::new("log"), &mapping, false).unwrap()
    };
    let (summer, winter) = (read(" CEST"), read(" CET"));
    assert_eq!(winter.statements[0].time_ms - summer.statements[0].time_ms, 3_600_000);
    assert_eq!(read("").set_aside.len(), 1);
}

#[test]
fn only_comments_name_grants() {
    let tags = |text: &str| {
        let log = read_lines(&[entry("2026-11-23 04:32:01 CST", text)], false).unwrap();
        (log.statements[0].tag.clone(), log.contradictory)
    };
    let named = (Some("t-1".to_owned()), 0);
    assert_eq!(tags("select 'liuhen_grant=''x''' /*liuhen_grant='t-1'*/"), named);
    assert_eq!(tags("/*liuhen_grant='t%2D1'*/ select 1"), named);
    assert_eq!(tags("select $$liuhen_grant='t-1'$$"), (None, 0));
    assert_eq!(tags("select \"liuhen_grant='t-1'\""), (None, 0));
    assert_eq!(tags("/*liuhen_grant='a'*/ select 1 /*liuhen_grant='b'*/"), (None, 1));
    assert_eq!(tags("/*liuhen_grant='t-1'*/ select 1 /*liuhen_grant='t-1'*/"), named);
}

/// The inputs that were found to fail, where they stand beside the repository.
#[test]
fn inputs_that_were_found_to_fail() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases");
    if !cases.exists() {
        eprintln!("skipped: {} is not there", cases.display());
        return;
    }
    let mapping = std::fs::read_to_string(cases.join("psb.mapping.toml")).unwrap();
    let mapping: Mapping = toml::from_str(&mapping).unwrap();
    let read = |file: &str| Source::Pgaudit.read(&cases.join(file), &mapping, false).unwrap();
    let utc = read("22-log-in-utc/log.jsonlog");
    let expected: jiff::Timestamp = "2026-11-28T14:14:19.245Z".parse().unwrap();
    let first = utc.statements.first().map(|it| it.time_ms);
    assert_eq!(first, u64::try_from(expected.as_millisecond()).ok());
    let named = |log: &Log| log.statements.iter().map(|it| it.tag.clone()).collect::<Vec<_>>();
    let grant = || Some("hr-pension-2026-001".to_owned());
    let literal = read("19-grant-named-in-a-literal/log.jsonlog");
    assert_eq!(named(&literal), [grant(), None, None, grant(), None, None]);
    assert_eq!(literal.contradictory, 1);
    let genuine = read("19-grant-named-in-a-literal/genuine.jsonlog");
    let expected = [grant(), grant(), grant(), grant(), None, grant(), None, grant(), None];
    assert_eq!(named(&genuine), expected);
}
