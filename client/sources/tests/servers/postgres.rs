//! PostgreSQL 15 with pgAudit: each statement in a session of its own, under each of the settings that change what is logged.

use crate::server::{MAPPING, Server, of};
use crate::touched;
use liuhen_sources::log::Log;
use liuhen_sources::mapping::Mapping;
use liuhen_sources::{Lines, Source};
use std::collections::BTreeSet;

/// What was done, and what is right of it: operations on datasets. `+`: the reading may show more, for what ran inside.
const DONE: [(&str, &str, &str); 41] = [
    ("select", "select * from civil.resident where id < 4", "read:civil.resident"),
    (
        "join",
        "select r.name, h.address from civil.resident r join civil.household h on h.id = r.household",
        "read:civil.resident read:civil.household",
    ),
    (
        "cte",
        "with x as (select id from civil.resident) select count(*) from x",
        "read:civil.resident",
    ),
    (
        "subquery",
        "select 1 where exists (select 1 from civil.household where id = 3)",
        "read:civil.household",
    ),
    ("table", "table civil.household", "read:civil.household"),
    (
        "for-update",
        "begin; select * from civil.resident where id = 1 for update; rollback",
        "read:civil.resident",
    ),
    ("insert", "insert into civil.resident values (1001, 'x', 1)", "insert:civil.resident"),
    (
        "insert-select",
        "insert into civil.resident select id + 5000, address, 1 from civil.household",
        "insert:civil.resident read:civil.household",
    ),
    (
        "upsert",
        "insert into civil.household values (1, 'y') on conflict (id) do update set address = 'z'",
        "insert:civil.household update:civil.household",
    ),
    ("update", "update civil.household set address = 'w' where id = 2", "update:civil.household"),
    ("delete", "delete from civil.resident where id = 400", "delete:civil.resident"),
    (
        "with-delete",
        "with d as (delete from civil.resident where id = 401 returning id) select * from d",
        "delete:civil.resident",
    ),
    (
        "merge",
        "merge into civil.household h using civil.resident r on h.id = r.id when matched then update set address = 'm' when not matched then do nothing",
        "update:civil.household read:civil.resident",
    ),
    ("truncate", "begin; truncate civil.resident; rollback", "delete:civil.resident"),
    ("copy-out", "copy civil.resident to stdout", "export:civil.resident"),
    ("copy-query", "copy (select name from civil.resident) to stdout", "export:civil.resident"),
    ("copy-in", "copy civil.household from stdin;\n2001\tq\n\\.\n", "insert:civil.household"),
    (
        "cursor",
        "begin; declare c cursor for select * from civil.resident; fetch 10 from c; commit",
        "read:civil.resident",
    ),
    (
        "prepare",
        "prepare q(int) as select * from civil.resident where id = $1; execute q(1)",
        "read:civil.resident",
    ),
    ("function", "select civil.name_of(7)", "read:civil.resident"),
    ("definer", "select civil.definer(7)", "read:civil.resident"),
    ("procedure", "call civil.moves(7)", "update:civil.resident update:civil.household"),
    ("block", "do $$begin perform count(*) from civil.resident; end$$", "read:civil.resident"),
    (
        "trigger",
        "update civil.resident set household = 2 where id = 9",
        "update:civil.resident update:civil.household",
    ),
    ("partition", "select count(*) from civil.visit", "read:civil.visit"),
    ("view", "select * from civil.v_resident where id = 2", "read:civil.resident"),
    ("made", "create table made as select * from civil.resident", "read:civil.resident"),
    ("made-too", "select * into made_too from civil.household", "read:civil.household"),
    ("explain", "explain analyze select * from civil.resident", "read:civil.resident"),
    ("failed", "select 1/(id - 300) from civil.resident order by id", "read:civil.resident"),
    (
        "timeout",
        "set statement_timeout = 20; select id, pg_sleep(0.01) from civil.resident",
        "read:civil.resident",
    ),
    (
        "savepoint",
        "begin; savepoint a; update civil.household set address = 'v'; rollback to a; commit",
        "update:civil.household",
    ),
    ("chinese", "select * from civil.\"居民信息\" where \"姓名\" = '某人'", "read:civil.resident"),
    (
        "two",
        "select 1 from civil.resident limit 1\\; delete from civil.household where id = 90",
        "read:civil.resident delete:civil.household",
    ),
    ("matview", "select * from civil.mv", "?"),
    ("unmapped", "select * from civil.secret", "?"),
    ("ping", "select 1; select now()", ""),
    ("ignored", "select * from civil.notes", ""),
    ("settings", "begin; set local search_path = civil; show search_path; commit", ""),
    ("catalogue", "select relname from pg_catalog.pg_class limit 1", ""),
    ("temporary", "create temp table t (i int); insert into t values (1); select * from t", ""),
];

/// What stands in an entry.
#[derive(Clone, Copy)]
struct Logged {
    text: bool,
    relation: bool,
}

/// What no entry shows: without their relations pgAudit 1.7 writes none of merges, and without its text an insert does not say that
/// it may update.
fn is_unseen(name: &str, logged: Logged) -> bool {
    name == "merge" && !logged.relation || name == "upsert" && !logged.text
}

/// The settings that change what is logged: those that differ in what they show; for long runs all there are.
fn settings() -> Vec<(String, String, Logged)> {
    let with = |name: String, classes: &str, [relation, rows, text, once]: [bool; 4]| {
        let on = |it: bool| if it { "on" } else { "off" };
        let options = format!(
            "-c pgaudit.log={classes} -c pgaudit.log_relation={} -c pgaudit.log_rows={} \
             -c pgaudit.log_statement={} -c pgaudit.log_statement_once={}",
            on(relation),
            on(rows),
            on(text),
            on(once)
        );
        (name, options, Logged { text, relation })
    };
    if std::env::var_os("LIUHEN_SOAK").is_some() {
        let all = (0..32u8).map(|bits| {
            let classes = if bits & 16 == 0 { "read,write" } else { "all" };
            let on = [1, 2, 4, 8].map(|bit| bits & bit == 0);
            with(format!("s{bits}"), classes, on)
        });
        return all.collect();
    }
    let some: [(&str, &str, [bool; 4]); 8] = [
        ("all on", "read,write", [true, true, true, false]),
        ("no rows", "read,write", [true, false, true, false]),
        ("no relation", "read,write", [false, true, true, false]),
        ("neither", "read,write", [false, false, true, false]),
        ("every class", "all", [true, true, true, false]),
        ("once", "read,write", [true, true, true, true]),
        ("no text", "read,write", [true, true, false, false]),
        ("no text, no relation", "read,write", [false, false, false, false]),
    ];
    some.into_iter().map(|(name, classes, on)| with(name.to_owned(), classes, on)).collect()
}

/// What is wrong with what was read of a statement; `None` where it is right.
fn wrong(log: &Log, (name, expected): (&str, &str), setting: (&str, Logged)) -> Option<String> {
    let (setting, logged) = setting;
    if is_unseen(name, logged) {
        return None;
    }
    let statements = of(log, &format!("{name}@{setting}"));
    let found = touched(&statements);
    let untold = statements.iter().any(|it| !it.untold.is_empty());
    let wanted: BTreeSet<String> =
        expected.split_whitespace().filter(|it| *it != "?").map(str::to_owned).collect();
    let right = match expected {
        // Nothing known was touched: silence is right where the text shows it.
        "" => found.is_empty() && (!untold || !logged.text || !logged.relation),
        "?" => untold,
        // With the text all is told, and no more; without it what is not told is said.
        _ if logged.text => found == wanted && !untold,
        _ => wanted.is_subset(&found) || untold,
    };
    (!right).then(|| {
        let why: Vec<_> = statements.iter().flat_map(|it| &it.untold).collect();
        format!("{name}, {setting}: expected {expected:?}, found {found:?}, untold {why:?}")
    })
}

#[test]
fn what_the_server_did_is_what_is_read() {
    let Some(server) = Server::start() else { return };
    let settings = settings();
    for (setting, options, _) in &settings {
        for (name, text, _) in DONE {
            let reset = "drop table if exists made, made_too;";
            server.run("population", "postgres", "", reset);
            let application = format!("{name}@{setting}");
            server.run_with("population", "postgres", &application, options, &format!("{text};\n"));
        }
    }
    let denied = "select * from civil.resident; delete from civil.household; select * from civil.household limit 1;";
    server.run("population", "app", "denied", denied);
    let mapping: Mapping = toml::from_str(MAPPING).unwrap();
    let (json, csv) = (server.log("json"), server.log("csv"));
    let log = Source::Pgaudit.read(&[json], &mapping, false).unwrap();
    let mut wrongs = Vec::new();
    for (setting, _, logged) in &settings {
        for (name, _, expected) in DONE {
            wrongs.extend(wrong(&log, (name, expected), (setting, *logged)));
        }
    }
    assert!(
        wrongs.is_empty(),
        "{} of {}:\n{}",
        wrongs.len(),
        DONE.len() * settings.len(),
        wrongs.join("\n")
    );
    let refused: Vec<_> = of(&log, "denied").into_iter().filter(|it| it.denied).collect();
    assert_eq!(
        touched(&refused).into_iter().collect::<Vec<_>>(),
        ["delete:civil.household", "read:civil.resident"]
    );
    // Rows are those that the server counted, or unknown.
    let rows = |name: &str| of(&log, name).iter().map(|it| it.rows()).collect::<Vec<_>>();
    if settings.iter().any(|(name, ..)| name == "all on") {
        assert_eq!(rows("select@all on"), [Some(3)]);
        assert_eq!(rows("select@no rows"), [None]);
        assert_eq!(rows("copy-out@all on"), [None]);
        assert_eq!(rows("failed@all on"), [None]);
        assert_eq!(rows("failed@no rows"), [None]);
    }
    // The other form tells the same.
    let other = Source::Pgaudit.read(&[csv], &mapping, false).unwrap();
    let known = |log: &Log| {
        let all = log.statements.iter().filter(|it| it.caller.application != "last");
        all.map(|it| (it.reference.clone(), it.touched.clone(), it.rows(), it.untold.clone()))
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(
        known(&log).symmetric_difference(&known(&other)).collect::<Vec<_>>(),
        Vec::<&_>::new()
    );
    assert!(Lines::of(&log).unknown.is_empty());
}
