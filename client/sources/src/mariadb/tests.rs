use crate::Source;
use crate::log::Log;
use crate::mapping::Mapping;
use crate::statement::Statement;
use liuhen_proto::wire::Operation;
use std::path::Path;

const MAPPING: &str = r#"
time_zone = "Asia/Shanghai"
databases = ["population"]
salt_file = "salt"
query_log_limit = 120
[relations]
"population.population.resident" = "civil.resident"
"population.population.household" = "civil.household"
[functions]
"population.population.known" = ["civil.household"]
"#;

/// Of lines without what all begin with: number of the query, operation, and the rest.
fn read(lines: &[&str]) -> Log {
    let lines = lines.iter().map(|it| match it.starts_with("2026") {
        true => format!("{it}\n"),
        false => format!("20261128 21:40:00,db1,app,10.0.0.7,42,{it}\n"),
    });
    let mapping: Mapping = toml::from_str(MAPPING).unwrap();
    let text: String = lines.collect();
    Source::Mariadb.read_lines(text.as_bytes(), Path::new("log"), &mapping, false).unwrap()
}

fn shown(it: &Statement) -> String {
    let touched = it.touched.keys().map(|(dataset, operation)| {
        let operation = Operation::try_from(*operation).unwrap().as_str_name().to_lowercase();
        format!("{}:{dataset}", operation.replace("operation_", ""))
    });
    let mut parts: Vec<_> = touched.collect();
    parts.extend(it.named.grant().map(str::to_owned));
    parts.extend(it.named.hidden.then(|| "hidden".to_owned()));
    parts.extend(it.denied.then(|| "denied".to_owned()));
    parts.extend((!it.untold.is_empty()).then(|| "untold".to_owned()));
    parts.join(" ")
}

fn check(cases: &[(&[&str], &[&str])]) {
    for (lines, expected) in cases {
        let log = read(lines);
        assert_eq!(log.statements.iter().map(shown).collect::<Vec<_>>(), *expected, "{lines:?}");
        let left = log.statements.iter().filter(|it| !it.untold.is_empty()).count();
        assert_eq!(log.untold.is_empty(), left == 0, "{lines:?}");
    }
}

#[test]
fn texts_alone() {
    check(&[
        (
            &["1,QUERY,population,'select name from resident where note=\\'a,b\\'',0"],
            &["read:civil.resident"],
        ),
        (
            &["1,QUERY,,'/*liuhen_grant=\\'g-1\\'*/ update population.resident set a = 1',0"],
            &["update:civil.resident g-1"],
        ),
        (
            &["1,QUERY_DML,population,'insert into household select * from resident',1317"],
            &["insert:civil.household read:civil.resident"],
        ),
        (&["1,QUERY,population,'select * from secret',0"], &["untold"]),
        (
            &[
                "1,QUERY,population,'select 1',0",
                "2,QUERY,population,'set names utf8',0",
                "3,QUERY,population,'commit',0",
            ],
            &[],
        ),
        (&["1,QUERY,population,'select * from mysql.user, information_schema.tables',0"], &[]),
        (&["1,QUERY,other,'select * from secret',0", "2,QUERY,other,'((',1064"], &[]),
        (&["1,QUERY,other,'select * from population.resident',0"], &["read:civil.resident"]),
        (&["1,QUERY,population,'create table secret (a int)',0"], &[]),
        (&["1,QUERY,population,'truncate resident',0"], &["delete:civil.resident"]),
        (&["1,QUERY,population,'set global server_audit_logging = off',0"], &["untold"]),
        (&["1,QUERY,population,'select * from resident where )',1064"], &[]),
        (&["1,QUERY,population,'select ((( from resident',0"], &["read:civil.resident untold"]),
        (&["1,QUERY,population,'what',0"], &["untold"]),
    ]);
}

#[test]
fn refusals() {
    check(&[
        (&["1,QUERY,population,'delete from resident',1142"], &["delete:civil.resident denied"]),
        (&["1,QUERY,population,'select * from secret',1142"], &[]),
        (&["0,FAILED_CONNECT,population,,1045"], &[]),
    ]);
    let log = read(&[
        "1,QUERY,population,'select * from secret',1142",
        "0,FAILED_CONNECT,population,,1045",
    ]);
    assert_eq!(log.other_denied, 2);
}

/// A text and the tables behind it are one statement.
#[test]
fn tables_and_texts() {
    check(&[
        (
            &[
                "1,READ,population,resident,",
                "1,READ,mysql,proc,",
                "1,QUERY,population,'select a from v_resident',0",
            ],
            &["read:civil.resident"],
        ),
        (
            &[
                "1,WRITE,population,resident,",
                "1,QUERY,population,'insert into v_resident values (1)',0",
            ],
            &["insert:civil.resident"],
        ),
        (
            &[
                "1,WRITE,population,resident,",
                "1,WRITE,population,household,",
                "1,QUERY,population,'delete from resident',0",
            ],
            &["delete:civil.household delete:civil.resident"],
        ),
        (
            &[
                "1,WRITE,population,resident,",
                "1,QUERY,population,'select a from resident for update',0",
            ],
            &["read:civil.resident"],
        ),
        (
            &["1,READ,population,resident,", "2,WRITE,population,resident,"],
            &["read:civil.resident hidden", "hidden untold"],
        ),
        (
            &["1,READ,population,secret,", "1,QUERY,population,'select * from secret',0"],
            &["untold"],
        ),
        (
            &[
                "1,ALTER,population,resident,",
                "1,QUERY,population,'alter table resident add b int',0",
            ],
            &["admin:civil.resident"],
        ),
        (
            &["1,RENAME,population,resident|population.old,"],
            &["admin:civil.resident hidden untold"],
        ),
        (
            &["1,CREATE,population,secret,", "1,QUERY,population,'create table secret (a int)',0"],
            &[],
        ),
        (&["1,READ,other,secret,", "1,QUERY,other,'select * from secret',0"], &[]),
    ]);
    check(&[
        (&["1,READ,population,resident,", "1,QUERY,population,'LOCK TABLES resident READ',0"], &[]),
        (
            &["1,WRITE,population,resident,", "1,QUERY,population,'select f(a) from resident',0"],
            &["read:civil.resident untold"],
        ),
    ]);
    let log = read(&[
        "1,READ,population,resident,",
        "1,QUERY,population,'select a from resident',0",
        "0,DISCONNECT,,,0",
    ]);
    assert_eq!((log.further_lines, log.other_lines, log.statements.len()), (1, 1, 1));
    assert_eq!(log.statements[0].reference, "db1/1795873200000/42/1");
}

/// What can't be seen of a text is said, unless lines of tables tell.
#[test]
fn texts_that_are_not_whole() {
    let long =
        format!("1,QUERY,population,'select a from resident where b in ({}',0", "1, ".repeat(60));
    let swallowed = "1,QUERY,population,'select 1 -- x select * from resident',0";
    check(&[
        (&[&long], &["read:civil.resident hidden untold"]),
        (&["1,READ,population,resident,", &long], &["read:civil.resident hidden"]),
        (&[swallowed], &["read:civil.resident hidden untold"]),
        (&["1,READ,population,resident,", swallowed], &["read:civil.resident hidden"]),
        (
            &["1,QUERY,population,'select a from resident # of the resident',0"],
            &["read:civil.resident"],
        ),
    ]);
}

#[test]
fn procedures() {
    let log = read(&["1,QUERY,population,'call known()',0", "2,QUERY,population,'call other()',0"]);
    assert_eq!(log.statements.iter().map(shown).collect::<Vec<_>>(), ["read:civil.household"]);
    assert_eq!(log.calls.keys().collect::<Vec<_>>(), ["population.population.other"]);
}

/// Numbers begin anew with the server; connections of several servers are told apart.
#[test]
fn connections() {
    let query = "1,QUERY,population,'select a from resident',0";
    let log = read(&[
        query,
        "20261128 22:00:00,db1,app,10.0.0.7,42,0,CONNECT,population,,0",
        "20261128 22:00:01,db1,app,10.0.0.7,42,1,QUERY,population,'select a from resident',0",
        "20261128 21:40:00,db2,app,10.0.0.7,42,1,QUERY,population,'select a from resident',0",
    ]);
    let references: Vec<_> = log.statements.iter().map(|it| it.reference.as_str()).collect();
    let expected = ["db1/1795873200000/42/1", "db1/1795874401000/42/1", "db2/1795873200000/42/1"];
    assert_eq!(references, expected);
    let old = "Nov 28 21:40:00 db1 mysql-server_auditing: db1,app,h,42,935,QUERY,population,'select a from resident',0\n";
    let mapping: Mapping = toml::from_str(MAPPING).unwrap();
    let log = Source::Mariadb.read_lines(old.as_bytes(), Path::new("log"), &mapping, false);
    assert!(log.unwrap().set_aside.first()[0].1.contains("year"));
}
