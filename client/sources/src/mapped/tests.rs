use crate::Source;
use crate::log::Log;
use crate::mapping::Mapping;
use crate::statement::Statement;
use liuhen_client::error::ClientError;
use liuhen_proto::wire::Operation;
use std::path::Path;

const MAPPING: &str = r#"
time_zone = "Asia/Shanghai"
databases = ["population"]
salt_file = "salt"
"#;
const RELATIONS: &str = r#"
ignore = ["population.civil.township"]
[relations]
"population.civil.resident" = "civil.resident"
"#;

fn read(more: &str, lines: &[&str], skip: bool) -> Result<Log, ClientError> {
    let mapping = Mapping::parse(&format!("{MAPPING}{more}{RELATIONS}"), Path::new("m")).unwrap();
    let text: String = lines.iter().map(|it| format!("{it}\n")).collect();
    Source::Mapped.read_lines(text.as_bytes(), Path::new("log"), &mapping, skip)
}

/// A statement in a line.
fn shown(it: &Statement) -> String {
    let touched = it.touched.iter().map(|((dataset, operation), fields)| {
        let operation = Operation::try_from(*operation).unwrap().as_str_name().to_lowercase();
        let fields = match fields {
            crate::sql::Fields::These(all) => all.iter().cloned().collect::<Vec<_>>().join(","),
            crate::sql::Fields::Unknown => "?".to_owned(),
        };
        format!("{}:{dataset}({fields})", operation.replace("operation_", ""))
    });
    let mut parts: Vec<_> = touched.collect();
    parts.push(it.time_ms.to_string());
    parts.push(format!("{}/{}/{}", it.caller.role, it.caller.address, it.caller.application));
    parts.push(it.rows().map_or("?".to_owned(), |it| it.to_string()));
    parts.extend(it.named.grant().map(str::to_owned));
    parts.extend(it.denied.then(|| "denied".to_owned()));
    parts.extend(it.untold.iter().cloned());
    parts.join(" ")
}

fn of(more: &str, lines: &[&str]) -> Vec<String> {
    let log = read(more, lines, false).unwrap_or_else(|error| panic!("{more}: {error}"));
    assert!(log.set_aside.is_empty(), "{more}");
    log.statements.iter().map(shown).collect()
}

#[test]
fn json() {
    let program = r#"
format = "json"
jq = '''
select(.event == "query") | {
  time: .at, database: .db, caller: {role: .user, address: .ip}, rows: .n, denied: (.ok == false), grant: .grant,
  datasets: [.tables[] | {relation: ("population.civil." + .), operation: "read", fields: ["name"]}]
}'''
"#;
    let lines = [
        r#"{"event":"query","at":"2026-11-23T04:32:01.521+08:00","db":"population","user":"app","ip":"10.0.0.7","n":3,"grant":"g-1","tables":["resident"]}"#,
        r#"{"event":"login","at":"x"}"#,
        r#"{"event":"query","at":1795379521521,"db":"population","tables":["resident","township"],"ok":false,"user":"","ip":""}"#,
        r#"{"event":"query","at":1795379521521.7,"user":"b","ip":"","db":"","tables":["secret"]}"#,
        r#"{"event":"query","at":1795379521521,"db":"other","tables":["resident"],"user":"","ip":""}"#,
        r#"{"event":"query","at":1795379521521,"db":"","tables":["township"],"user":"","ip":""}"#,
    ];
    let expected = [
        "read:civil.resident(name) 1795379521521 app/10.0.0.7/ 3 g-1",
        "read:civil.resident(name) 1795379521521 // 0 denied",
        "1795379521521 b// ? relation population.civil.secret is not in the mapping",
    ];
    assert_eq!(of(program, &lines), expected);
    let log = read(program, &lines, false).unwrap();
    assert_eq!((log.other_lines, log.other_databases, log.untold.len()), (2, 1, 1));
}

#[test]
fn other_forms() {
    let access =
        "time: (.time // .t), datasets: [{dataset: \"civil.resident\", operation: \"read\"}]";
    let jq = |more: &str| format!("jq = '''{{{more}{access}}}'''\n");
    let expected = "read:civil.resident(?) 1795379521521 a// ?";
    let by = "caller: {role: .u}, ";
    let csv = format!("format = \"csv\"\n{}", jq(by));
    let first = ["t,u,x", "2026-11-23 04:32:01.521,a,\"one", "two, \"\"three\"\"\"", "t,u,x"];
    assert_eq!(of(&csv, &first), [expected]);
    let log = read(&csv, &first, false).unwrap();
    assert_eq!((log.other_lines, log.further_lines), (2, 1));
    let given = format!("header = [\"t\", \"u\"]\n{csv}");
    assert_eq!(of(&given, &["2026-11-23 04:32:01.521,a"]), [expected]);
    assert!(read(&given, &["1,2,3"], false).is_err());
    let logfmt = format!("format = \"logfmt\"\n{}", jq(by));
    assert_eq!(of(&logfmt, &["t=\"2026-11-23 04:32:01.521 CST\" u=a"]), [expected]);
    let syslog = format!("format = \"syslog\"\n{}", jq("caller: {role: .message}, "));
    assert_eq!(of(&syslog, &["2026-11-23T04:32:01.521+08:00 db1 app[1]: a"]), [expected]);
    // No year: nobody guesses.
    let log = read(&syslog, &["Nov 23 04:32:01 db1 app[1]: a"], false).unwrap();
    assert_eq!((log.set_aside.len(), log.statements.len()), (1, 0));
}

/// A quote within a value is a letter: it opens nothing, and takes no line with it.
#[test]
fn a_quote_within_a_value() {
    let csv = r#"
format = "csv"
header = ["time","what","by"]
jq = '{time: 1795379521521, caller: {role: (.by + .what)}, datasets: [{dataset: "civil.resident", operation: "read"}]}'
"#;
    let lines = ["t1,5\" pipe,a", "t2,x,b", "t3,y,c", "t4,6\" pipe,d"];
    let callers = |lines: &[&str]| {
        let log = read(csv, lines, false).unwrap();
        let all: Vec<_> = log.statements.iter().map(|it| it.caller.role.clone()).collect();
        (all, log.set_aside.len())
    };
    let expected = ["a5\" pipe", "bx", "cy", "d6\" pipe"].map(str::to_owned).to_vec();
    assert_eq!(callers(&lines), (expected.clone(), 0));
    assert_eq!(callers(&lines[..3]), (expected[..3].to_vec(), 0));
    // Of what is no single record none is told, and that is said.
    assert_eq!(callers(&["t1,x,a\rt2,y,b", "t2,x,b"]), (vec!["bx".to_owned()], 1));
}

/// Equal records are as many accesses; what has a reference is one, however often it is told.
#[test]
fn references() {
    let program = |more: &str| {
        let access = "time: 1795379521521, datasets: [{dataset: \"civil.resident\", operation: .}]";
        format!("format = \"json\"\njq = '''.[] | {{{more}{access}}}'''\n")
    };
    let lines = ["[\"read\"]", "[\"read\"]", "[\"read\",\"delete\"]"];
    let log = read(&program(""), &lines, false).unwrap();
    let references: std::collections::BTreeSet<_> =
        log.statements.iter().map(|it| &it.reference).collect();
    assert_eq!(references.len(), 4);
    let again = read(&program(""), &lines, false).unwrap();
    assert_eq!(again.statements, log.statements);
    let log = read(&program("reference: \"r\", "), &lines, false).unwrap();
    assert_eq!((log.statements.len(), log.statements[0].touched.len()), (1, 2));
}

#[test]
fn what_is_no_access_is_set_aside() {
    let read_of = |program: &str| {
        let log = read(&format!("format = \"json\"\njq = '''{program}'''\n"), &["{}"], false);
        let log = log.unwrap();
        assert_eq!((log.set_aside.len(), log.statements.len()), (1, 0), "{program}");
        log.set_aside.first()[0].1.clone()
    };
    let time = "time: 1795379521521";
    for (program, why) in [
        ("1", "invalid type"),
        ("{datasets: []}", "missing field `time`"),
        (&format!("{{{time}}}"), "datasets: none"),
        (&format!("{{{time}, datasets: [{{operation: \"read\"}}]}}"), "dataset or relation"),
        (&format!("{{{time}, datasets: [{{dataset: \"a\", operation: \"look\"}}]}}"), "look"),
        (&format!("{{{time}, datasets: [{{relation: \"a.b\", operation: \"read\"}}]}}"), "a.b"),
        (&format!("{{{time}, untold: \"x\", other: 1}}"), "other"),
        ("{time: 1795379521, untold: \"x\"}", "milliseconds"),
        ("{time: \"yesterday\", untold: \"x\"}", "yesterday"),
        (".a.b.c | error(\"no\")", "no"),
        ("range(1001)", "1000 values"),
    ] {
        let found = read_of(program);
        assert!(found.contains(why), "{program}: {found}");
    }
}

#[test]
fn mappings_without_a_program() {
    for (more, why) in [
        ("", "`format` and `jq`"),
        ("format = \"json\"\n", "`format` and `jq`"),
        ("jq = '.'\n", "`format` and `jq`"),
        ("format = \"json\"\njq = '.'\njq_file = 'x'\n", "both"),
        ("format = \"json\"\njq_file = 'there is none'\n", "there is none"),
        ("format = \"json\"\njq = '. |'\n", "line 1"),
        ("format = \"json\"\njq = 'env'\n", "undefined filter"),
    ] {
        let error = read(more, &["{}"], true).unwrap_err().to_string();
        assert!(error.contains(why), "{more}: {error}");
    }
    assert!(read("format = \"json\"\njq = '.'\n", &["no json"], false).is_err());
}
