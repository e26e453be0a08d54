//! The extended protocol: prepared statements, portals that are read in parts or not to their end, pipelines.

use crate::server::{MAPPING, RECOMMENDED, Server, shown};
use crate::wire::Client;
use std::time::{Duration, Instant};

fn client(server: &Server, application: &str) -> Client {
    Client::connect((server.folder(), 5432), ("postgres", "population"), application, &[])
}

const SOME: &str = "select name from civil.resident where id < 100";

/// A client that takes ten of the rows in a transaction.
fn takes_some(server: &Server, application: &str) -> Client {
    let mut it = client(server, application);
    it.query("begin");
    it.parse("", SOME);
    it.bind("p", "", &[]);
    it.execute("p", 10);
    assert_eq!(it.sync(), 10);
    it
}

/// Portals, to their end and not.
fn portals(server: &Server) {
    let mut it = client(server, "in-parts");
    it.query("begin");
    it.parse("", &format!("/*liuhen_grant='g-1'*/ {SOME}"));
    it.bind("p", "", &[]);
    it.execute("p", 10);
    assert_eq!(it.sync(), 10);
    it.execute("p", 5);
    assert_eq!(it.sync(), 5);
    it.query("commit");
    it.close();
    let mut it = client(server, "not-to-its-end");
    it.parse("", SOME);
    it.bind("", "", &[]);
    it.execute("", 7);
    assert_eq!(it.sync(), 7);
    it.close();
    let mut it = client(server, "prepared");
    it.parse("s", "select name from civil.resident where id = $1");
    it.sync();
    for id in ["1", "2"] {
        it.bind("", "s", &[id]);
        it.execute("", 0);
        assert_eq!(it.sync(), 1);
    }
    it.close();
}

/// Pipelines, one of which fails, and a cursor that stays.
fn pipelines(server: &Server) {
    let mut it = client(server, "pipeline");
    for id in ["1", "2", "3"] {
        let text = "select name from civil.resident where id = $1";
        it.parse("", &format!("/*liuhen_grant='g-{id}'*/ {text}"));
        it.bind("", "", &[id]);
        it.execute("", 0);
    }
    assert_eq!(it.sync(), 3);
    it.close();
    // The second fails, the third is never executed.
    let mut it = client(server, "broken-pipeline");
    let texts = [
        "select name from civil.resident where id = 1",
        "select 1/(id - 300) from civil.resident order by id",
        "select address from civil.household",
    ];
    for text in texts {
        it.parse("", text);
        it.bind("", "", &[]);
        it.execute("", 0);
    }
    it.sync();
    it.close();
    let mut it = client(server, "held");
    it.query("begin; declare h cursor with hold for select name from civil.resident; commit");
    assert_eq!(it.query("fetch 3 from h"), 3);
    it.close();
}

#[test]
fn portals_and_pipelines() {
    let further = format!("{RECOMMENDED}\nlog_disconnections = on");
    let Some(server) = Server::start_with(&further) else { return };
    portals(&server);
    pipelines(&server);
    // Who leaves within a transaction takes rows of which no entry is written.
    takes_some(&server, "left").close();
    drop(takes_some(&server, "gone"));
    let until = Instant::now() + Duration::from_secs(60);
    while !String::from_utf8_lossy(&std::fs::read(server.log("json")).unwrap()).contains("08006") {
        assert!(Instant::now() < until, "nothing says that the client is gone");
    }
    let log = server.read(MAPPING);
    let cases: [(&str, &[&str]); 8] = [
        ("in-parts", &["read:civil.resident 15 g-1"]),
        ("not-to-its-end", &["read:civil.resident 7"]),
        ("prepared", &["read:civil.resident 1", "read:civil.resident 1"]),
        (
            "pipeline",
            &[
                "read:civil.resident 1 g-1",
                "read:civil.resident 1 g-2",
                "read:civil.resident 1 g-3",
            ],
        ),
        ("broken-pipeline", &["read:civil.resident 1", "read:civil.resident ?"]),
        ("held", &["read:civil.resident ?"]),
        ("left", &["? untold"]),
        ("gone", &["? untold"]),
    ];
    for (application, expected) in cases {
        assert_eq!(shown(&log, application), expected, "{application}");
    }
}

/// Of portals that are open at once pgAudit 1.7 writes one where it writes when a statement ends; without rows it writes each.
#[test]
fn portals_that_are_open_at_once() {
    let Some(server) = Server::start_with(RECOMMENDED) else { return };
    for rows in ["on", "off"] {
        let mut it = client(&server, &format!("two-{rows}"));
        it.query(&format!("set pgaudit.log_rows = {rows}"));
        it.query("begin");
        it.parse("a", "select name from civil.resident");
        it.parse("b", "select address from civil.household");
        it.bind("pa", "a", &[]);
        it.bind("pb", "b", &[]);
        for (portal, rows) in [("pa", 3), ("pb", 3), ("pa", 3), ("pb", 0)] {
            it.execute(portal, rows);
        }
        it.sync();
        it.query("commit");
        it.close();
    }
    let log = server.read(MAPPING);
    let data = |name: &str| -> Vec<String> {
        shown(&log, name).into_iter().filter(|it| it.starts_with("read")).collect()
    };
    assert_eq!(data("two-on"), ["read:civil.resident 6"]);
    // They have one number: for pgAudit the second runs within the first.
    assert_eq!(data("two-off"), ["read:civil.household read:civil.resident ?"]);
}
