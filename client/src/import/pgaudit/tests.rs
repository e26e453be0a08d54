use super::*;

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
    read(&path, &mapping, skip_unknown)
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
