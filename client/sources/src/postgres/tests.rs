use crate::Source;
use crate::log::Log;
use crate::mapping::Mapping;
use crate::statement::Statement;
use crate::summary::Lines;
use liuhen_client::error::ClientError;
use liuhen_proto::wire::Operation;
use std::path::Path;

pub(super) const MAPPING: &str = r#"
time_zone = "Asia/Shanghai"
databases = ["population"]
salt_file = "salt"
[relations]
"population.civil.resident" = "civil.resident"
"population.civil.household" = "civil.household"
"#;

pub(super) fn line(message: &str, line_num: u64) -> String {
    serde_json::json!({
        "timestamp": "2026-11-23 04:32:01.521 CST", "user": "app", "dbname": "population",
        "session_id": "6b.1", "line_num": line_num, "error_severity": "LOG", "message": message,
    })
    .to_string()
}

fn read_lines(lines: &[String], skip_unknown: bool) -> Result<Log, ClientError> {
    read_with(MAPPING, lines, skip_unknown)
}

pub(super) fn read_with(
    mapping: &str,
    lines: &[String],
    skip_unknown: bool,
) -> Result<Log, ClientError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, lines.join("\n")).unwrap();
    let mapping: Mapping = toml::from_str(mapping).unwrap();
    Source::Pgaudit.read(&[path], &mapping, skip_unknown)
}

const JOIN: &str = "\"/*liuhen_grant='t-1'*/ select 1, 'a,b';\",<none>,3";

pub(super) fn touched(statement: &Statement) -> Vec<(String, Operation)> {
    let all = statement.touched.keys();
    all.map(|(dataset, it)| (dataset.clone(), Operation::try_from(*it).unwrap())).collect()
}

fn of(dataset: &str, operation: Operation) -> (String, Operation) {
    (dataset.to_owned(), operation)
}

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
    assert_eq!(first.named.grant(), Some("t-1"));
    assert_eq!((first.rows(), first.denied), (Some(3), false));
    // 04:32:01.521 in Shanghai is 20:32:01.521 UTC of the day before.
    assert_eq!(first.time_ms, 1_795_379_521_521);
    assert_eq!(touched(second), [of("civil.household", Operation::Update)]);
}

#[test]
fn what_is_not_understood_stops_with_its_number() {
    let good = line(&format!("AUDIT: SESSION,7,1,READ,SELECT,TABLE,civil.resident,{JOIN}"), 1);
    let cases = [
        "no json".to_owned(),
        line("AUDIT: SESSION,7", 2),
        good.replace("2026-11-23", "yesterday").replace("\"line_num\":1", "\"line_num\":2"),
    ];
    for bad in cases {
        let all = [good.clone(), bad.clone(), good.replace("6b.1", "6b.2")];
        let error = read_lines(&all, false).unwrap_err().to_string();
        assert!(error.contains("line 2:"), "{bad}: {error}");
        let log = read_lines(&all, true).unwrap();
        assert_eq!((log.unknown.len(), log.statements.len()), (1, 2), "{bad}");
        assert_eq!(log.unknown.first()[0].0.line, 2);
    }
}

/// What may be an access and can't be told stops nothing: it is one of which not all is known.
#[test]
fn what_cannot_be_told_is_an_access_all_the_same() {
    let relation = |name: &str| format!("READ,SELECT,TABLE,{name},select 1,<none>,1");
    let cases = [
        relation("civil.secret"),
        "WRITE,TRUNCATE TABLE,,,<not logged>,<not logged>,0".to_owned(),
        "READ,COPY,,,copy civil.secret to stdout,<none>,0".to_owned(),
        "READ,SELECT,,,\"select ((( from where\",<none>,1".to_owned(),
        "FUNCTION,CALL,,,\"call civil.\",<none>,0".to_owned(),
    ];
    for case in cases {
        let log = read_lines(&[line(&format!("AUDIT: SESSION,7,1,{case}"), 1)], false).unwrap();
        let [only] = log.statements.as_slice() else { panic!("{case}: {}", log.statements.len()) };
        assert_eq!((touched(only), only.untold.len(), log.untold.len()), (vec![], 1, 1), "{case}");
        assert!(Lines::of(&log).must_be_all().is_err(), "{case}");
    }
    // What is known of a statement is kept beside what is not.
    let both = ["civil.resident", "civil.secret"].map(relation);
    let lines = both.map(|it| line(&format!("AUDIT: SESSION,7,1,{it}"), 1));
    let log = read_lines(&lines, false).unwrap();
    let [only] = log.statements.as_slice() else { panic!("{}", log.statements.len()) };
    assert_eq!((only.touched.len(), only.untold.len()), (1, 1));
    assert_eq!(log.unmapped.keys().collect::<Vec<_>>(), ["population.civil.secret"]);
}

#[test]
fn what_is_no_access_is_none() {
    let cases = [
        "READ,SELECT,,,select 1,<none>,1",
        "READ,SELECT,,,\"select now(), version()\",<none>,1",
        "MISC,BEGIN,,,begin,<none>,0",
        "MISC,SET,,,set search_path=civil,<none>,0",
        "MISC,VACUUM,,,vacuum (analyze),<none>,0",
        "READ,PREPARE,,,prepare q as select * from civil.resident,<none>,0",
        "READ,SELECT,TABLE,pg_catalog.pg_class,select * from pg_class,<none>,3",
        "READ,SELECT,TABLE,pg_temp_3.tt,select * from tt,<none>,3",
        "DDL,CREATE INDEX,INDEX,civil.i,create index i on civil.secret (id),<none>,0",
        "FUNCTION,DO,,,do $$begin perform 1; end$$,<none>,0",
    ];
    for case in cases {
        let log = read_lines(&[line(&format!("AUDIT: SESSION,7,1,{case}"), 1)], false).unwrap();
        assert_eq!((log.statements.len(), log.other_lines), (0, 1), "{case}");
        assert!(Lines::of(&log).must_be_all().is_ok(), "{case}");
    }
}

#[test]
fn an_unseen_stretch_of_a_log_is_told() {
    let read = "AUDIT: SESSION,7,1,READ,SELECT,TABLE,civil.resident,select 1,<none>,1";
    let gap = [line(read, 1), line(&read.replace(",7,", ",8,"), 5)];
    let log = read_lines(&gap, false).unwrap();
    assert_eq!(log.untold.len(), 1);
    assert!(log.untold.first()[0].1.contains("lines 2 to 4 of session 6b.1"), "{:?}", log.untold);
    let off = line("AUDIT: SESSION,7,1,MISC,SET,,,set pgaudit.log = 'none',<none>,0", 1);
    let log = read_lines(&[off], false).unwrap();
    assert_eq!((log.untold.len(), log.events.len()), (1, 1));
    let reload = serde_json::json!({
        "timestamp": "2026-11-23 04:32:01.521 CST", "session_id": "6a.1", "line_num": 1,
        "error_severity": "LOG", "message": "parameter \"pgaudit.log\" changed to \"none\"",
    });
    let log = read_lines(&[reload.to_string()], false).unwrap();
    assert_eq!((log.untold.len(), log.statements.len()), (1, 1));
}

#[test]
fn what_a_session_sets_names_a_grant() {
    let set = |text: &str, number: u64| {
        line(&format!("AUDIT: SESSION,{number},1,MISC,SET,,,{text},<none>,0"), number)
    };
    let read = |number: u64| {
        let text = "READ,SELECT,TABLE,civil.resident,select * from civil.resident,<none>,1";
        line(&format!("AUDIT: SESSION,{number},1,{text}"), number)
    };
    let in_transaction =
        |line: String, vxid: &str| line.replacen('{', &format!("{{\"vxid\":\"{vxid}\","), 1);
    let named = |lines: &[String]| {
        let log = read_lines(lines, false).unwrap();
        log.statements.iter().map(|it| it.named.grant().map(str::to_owned)).collect::<Vec<_>>()
    };
    let grant = || Some("t-1".to_owned());
    assert_eq!(named(&[set("set liuhen.grant = 't-1'", 1), read(2)]), [grant()]);
    let reset = [set("set liuhen.grant = 't-1'", 1), set("reset liuhen.grant", 2), read(3)];
    assert_eq!(named(&reset), [None]);
    let local = [
        in_transaction(set("set local liuhen.grant = 't-1'", 1), "3/1"),
        in_transaction(read(2), "3/1"),
        in_transaction(read(3), "3/2"),
    ];
    assert_eq!(named(&local), [grant(), None], "with its transaction it ends");
    let other = read(2).replace("6b.1", "6b.2");
    assert_eq!(named(&[set("set liuhen.grant = 't-1'", 1), other]), [None], "of another session");
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
    assert!(only.denied && only.rows() == Some(0));
    assert_eq!(touched(only), [of("civil.resident", Operation::Delete)]);
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
        "2026-11-22T20:32:01.521Z",
        "2026-11-23T04:32:01.521+08:00",
        "2026-11-23 04:32:01.521+08",
        "1795379521.521",
    ];
    for time in all {
        let log = read_lines(&[entry(time, "select 1")], false).unwrap();
        assert_eq!(log.statements.first().map(|it| it.time_ms), Some(AT), "{time}");
        assert!(log.set_aside.is_empty(), "{time}");
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
        assert_eq!(log.set_aside.first()[0].0.line, 1);
        assert!(Lines::of(&log).must_be_all().is_err(), "{time}");
    }
    let bad = [
        "2026-11-23",
        "2026-11-23 04:32:01 CST x",
        "2026-11-23 x CST",
        "x y z",
        "2026-11-23 04:32:01+08 CST",
        "2026-11-23 04:32:01[Asia/Tokyo]",
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
        (log.statements[0].named.grant().map(str::to_owned), log.contradictory())
    };
    let named = (Some("t-1".to_owned()), 0);
    assert_eq!(tags("select 'liuhen_grant=''x''' /*liuhen_grant='t-1'*/"), named);
    assert_eq!(tags("/*liuhen_grant='t%2D1'*/ select 1"), named);
    assert_eq!(tags("select $$liuhen_grant='t-1'$$"), (None, 0));
    assert_eq!(tags("select \"liuhen_grant='t-1'\""), (None, 0));
    assert_eq!(tags("/*liuhen_grant='a'*/ select 1 /*liuhen_grant='b'*/"), (None, 1));
    assert_eq!(tags("/*liuhen_grant='t-1'*/ select 1 /*liuhen_grant='t-1'*/"), named);
}

fn error(number: u64, state: &str, statement: &str) -> String {
    serde_json::json!({
        "timestamp": "2026-11-23 04:32:01.521 CST", "user": "app", "dbname": "population",
        "session_id": "6b.1", "line_num": number, "error_severity": "ERROR", "state_code": state,
        "message": "what happened", "statement": statement,
    })
    .to_string()
}

/// What was under way when an error came is told by its text, and where that does not say, it is said.
#[test]
fn what_an_error_ends() {
    let read = |state: &str, statement: &str| {
        let log = read_lines(&[error(1, state, statement)], false).unwrap();
        let told = log.statements.first().map(|it| (it.touched.len(), it.untold.len()));
        told.unwrap_or_default()
    };
    for (state, statement, expected) in [
        ("57014", "select * from civil.resident", (1, 0)),
        ("08006", "select * from civil.resident", (1, 0)),
        ("57014", "execute p(1)", (0, 1)),
        ("57014", "fetch 100 from c", (0, 1)),
        ("57014", "do $$begin perform 1; end$$", (0, 1)),
        ("57014", "call civil.p(1)", (0, 1)),
        ("22012", "select civil.f(id) from generate_series(1, 3) id", (0, 1)),
        ("42P01", "select name, civil.bad(id) from civil.resident", (1, 0)),
        ("42601", "selct 1", (0, 0)),
        ("42P01", "select * from civil.residnt", (0, 0)),
        ("22012", "select 1/0", (0, 0)),
        ("57014", "select pg_sleep(10)", (0, 0)),
        ("25P02", "select * from civil.resident", (0, 0)),
        ("42501", "execute p(1)", (0, 0)),
    ] {
        assert_eq!(read(state, statement), expected, "{state} {statement}");
    }
}

/// A statement that has ended does not end again: one of the same text is another.
#[test]
fn the_same_text_again() {
    let text = "select * from civil.resident";
    let ended = format!("AUDIT: SESSION,1,1,READ,SELECT,TABLE,civil.resident,{text},<none>,5");
    let log = read_lines(&[line(&ended, 1), error(2, "57014", text)], false).unwrap();
    assert_eq!(log.statements.iter().map(Statement::rows).collect::<Vec<_>>(), [Some(5), None]);
    let begun = ended.strip_suffix(",5").unwrap();
    let log = read_lines(&[line(begun, 1), error(2, "57014", text)], false).unwrap();
    assert_eq!(log.statements.len(), 1, "without rows an entry is written as it begins");
}

/// Whoever changes what is logged, for whomever, leaves a mark.
#[test]
fn settings_of_the_log() {
    for text in [
        "set pgaudit.log = 'none'",
        "select set_config('pgaudit.log', 'none', false)",
        "alter role app set pgaudit.log = 'none'",
        "alter system set log_min_messages = 'panic'",
        "alter database population set pgaudit.log = 'none'",
        "set log_min_messages = panic",
        "create function f() returns int language sql set pgaudit.log = 'none' as 'select 1'",
    ] {
        let entry = format!("AUDIT: SESSION,7,1,MISC,SET,,,\"{text}\",<none>,0");
        let log = read_lines(&[line(&entry, 1)], false).unwrap();
        assert_eq!((log.untold.len(), log.events.len()), (1, 1), "{text}");
    }
    let shown = "AUDIT: SESSION,7,1,MISC,SHOW,,,show pgaudit.log,<none>,0";
    assert!(read_lines(&[line(shown, 1)], false).unwrap().untold.is_empty());
}

/// What is set in a transaction that is rolled back was never set; of a name that nobody knows nothing is.
#[test]
fn settings_that_do_not_hold() {
    let entry = |number: u64, command: &str, text: &str, vxid: &str| {
        line(&format!("AUDIT: SESSION,{number},1,{command},,,\"{text}\",<none>,0"), number)
            .replacen('{', &format!("{{\"vxid\":\"{vxid}\","), 1)
    };
    let read = |number: u64| {
        let text = "READ,SELECT,TABLE,civil.resident,select 1 from civil.resident,<none>,1";
        line(&format!("AUDIT: SESSION,{number},1,{text}"), number).replacen(
            '{',
            "{\"vxid\":\"3/9\",",
            1,
        )
    };
    let named = |lines: &[String]| {
        let log = read_lines(lines, false).unwrap();
        log.statements.last().unwrap().named.clone()
    };
    let set = entry(1, "MISC,SET", "set liuhen.grant = 't-1'", "3/1");
    assert_eq!(named(&[set.clone(), read(2)]).grant(), Some("t-1"));
    let undone = entry(2, "MISC,ROLLBACK", "rollback", "3/1");
    assert_eq!(named(&[set.clone(), undone, read(3)]).grant(), None);
    let later = entry(2, "MISC,ROLLBACK", "rollback", "3/2");
    assert_eq!(named(&[set, later, read(3)]).grant(), Some("t-1"), "of another transaction");
    let unnamed = entry(1, "READ,SELECT", "select set_config($1, 'app-7', false)", "3/1");
    let found = named(&[unnamed, read(2)]);
    assert_eq!((found.grant(), &found.purpose, &found.user), (None, &None, &None));
}

/// Numbers that come again, of another account or another day, are other statements.
#[test]
fn numbers_that_come_again() {
    let entry = "AUDIT: SESSION,1,1,READ,SELECT,TABLE,civil.resident,select 1,<none>,1";
    let one = line(entry, 1);
    for other in [one.replace("\"app\"", "\"other\""), one.replace("2026-11-23", "2026-11-24")] {
        let other = other.replace("civil.resident", "civil.household");
        let log = read_lines(&[one.clone(), other.clone()], false).unwrap();
        assert_eq!(log.statements.iter().map(|it| it.touched.len()).collect::<Vec<_>>(), [1, 1]);
        assert_ne!(log.statements[0].reference, log.statements[1].reference, "{other}");
    }
}

#[test]
fn a_torn_record_swallows_no_others() {
    let record = |number: u64, text: &str| {
        format!(
            "2026-11-23 04:32:01.521 CST,\"app\",\"population\",1,\"10.0.0.1:1\",6b.1,{number},\"SELECT\",\
             2026-11-23 04:32:01 CST,3/8,0,LOG,00000,\"AUDIT: SESSION,{number},1,READ,SELECT,TABLE,civil.resident,{text},\
             <none>,1\",,,,,,,,,\"psql\",\"client backend\",,0"
        )
    };
    let torn = record(1, "select 1")[..150].to_owned();
    // A text may hold what looks like a record: its quotes are doubled.
    let inside = format!("\"\"select '\n{}'\"\"", record(9, "x").replace('"', "\"\"\"\""));
    let lines = [torn, record(2, &inside), record(3, "select 3")];
    assert!(read_lines(&lines, false).unwrap_err().to_string().contains("line 1 does not end"));
    let log = read_lines(&lines, true).unwrap();
    assert_eq!((log.unknown.len(), log.statements.len()), (1, 2), "{:?}", log.unknown);
}

#[test]
fn fields_of_several_relations_are_all() {
    let mapping = format!(
        "{MAPPING}\"population.civil.other\" = \"civil.resident\"\n[columns]\n\
         \"population.civil.resident\" = [\"id\", \"name\"]\n\"population.civil.other\" = [\"id\", \"birth\"]\n"
    );
    let mapping: Mapping = toml::from_str(&mapping).unwrap();
    let text = "select name from civil.resident union select birth from civil.other";
    let entry = line(&format!("AUDIT: SESSION,1,1,READ,SELECT,,,{text},<none>,1"), 1);
    let log = Source::Pgaudit.read_lines(entry.as_bytes(), Path::new("log"), &mapping, false);
    let log = log.unwrap();
    let fields: Vec<_> = log.statements[0].touched.values().cloned().collect();
    let all = ["birth", "name"].map(str::to_owned).into();
    assert_eq!(fields, [crate::sql::Fields::These(all)]);
}
