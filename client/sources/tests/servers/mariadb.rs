//! MariaDB 10.11 with server_audit: each statement by a user of its own, under each choice of events.

use crate::{program, read_until, touched};
use liuhen_sources::Source;
use liuhen_sources::log::Log;
use liuhen_sources::mapping::Mapping;
use liuhen_sources::statement::Statement;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const AUDIT: &str = "/usr/lib/mysql/plugin/server_audit.so";

const MAPPING: &str = r#"
time_zone = "UTC"
databases = ["civil", "other"]
salt_file = "salt"
ignore = ["civil.civil.notes"]
[relations]
"civil.civil.resident" = "civil.resident"
"civil.civil.household" = "civil.household"
"civil.civil.居民信息" = "civil.resident"
"#;

const SCHEMA: &str = r"
create database civil; create database other; create database elsewhere; use civil;
create table household (id int primary key, address varchar(50));
create table resident (id int primary key, name varchar(50), household int);
create table `居民信息` (id int, `姓名` varchar(50));
create table secret (id int); create table notes (id int); create table elsewhere.t (id int);
insert into household select seq, concat('address ', seq) from seq_1_to_100;
insert into resident select seq, concat('name ', seq), seq % 100 + 1 from seq_1_to_500;
create view v_resident as select id, name from resident;
";

/// A server with a folder of its own, that is stopped when it is dropped. It listens on a socket in that folder alone.
struct Server {
    folder: tempfile::TempDir,
    running: Child,
}

impl Server {
    /// Starts one; `None` where there is none, which the project's own runs forbid.
    fn start() -> Option<Self> {
        if !Path::new(AUDIT).exists() {
            assert!(std::env::var_os("CI").is_none(), "{AUDIT} is missing");
            eprintln!("skipped: MariaDB with server_audit is not installed");
            return None;
        }
        let folder = crate::folder();
        let at = folder.path();
        let data = format!("--datadir={}", at.join("data").display());
        let mut install = program("mysql", "/usr/bin/mariadb-install-db");
        install.args([
            "--no-defaults",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ]);
        crate::done(install.arg(&data));
        let mut start = program("mysql", "/usr/sbin/mariadbd");
        start.args(["--no-defaults", "--skip-networking", "--plugin-load-add=server_audit"]);
        start.args([
            "--server-audit-logging=ON",
            "--default-time-zone=+00:00",
            "--character-set-server=utf8mb4",
        ]);
        start.arg(&data).env("TZ", "UTC");
        for (name, file) in
            [("socket", "s"), ("pid-file", "pid"), ("server-audit-file-path", "audit.log")]
        {
            start.arg(format!("--{name}={}", at.join(file).display()));
        }
        let running = start.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let server = Self { folder, running };
        let until = Instant::now() + Duration::from_secs(60);
        while !server.run("root", "", "select 1").0 {
            assert!(Instant::now() < until, "the server did not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(server.run("root", "", SCHEMA).0);
        Some(server)
    }

    /// Executes statements; whether they ended well, and what was said.
    fn run(&self, user: &str, database: &str, text: &str) -> (bool, String) {
        let mut client = Command::new("mariadb");
        client.args([
            "--no-defaults",
            "--comments",
            "--force",
            "--default-character-set=utf8mb4",
            "-u",
            user,
        ]);
        client.arg(format!("--socket={}", self.folder.path().join("s").display())).arg(database);
        client.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut running = client.spawn().unwrap();
        running.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = running.wait_with_output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.run("root", "", "shutdown");
        let _ = self.running.wait();
        let data = self.folder.path().join("data");
        let _ = program("mysql", "/bin/rm").arg("-rf").arg(data).status();
    }
}

/// What was done, and what is right of it; `?`: an access of which not all can be told.
const DONE: [(&str, &str, &str); 25] = [
    ("select", "select * from resident where id < 4", "read:civil.resident"),
    (
        "join",
        "select r.name, h.address from resident r join household h on h.id = r.household",
        "read:civil.household read:civil.resident",
    ),
    ("cte", "with x as (select id from resident) select count(*) from x", "read:civil.resident"),
    ("whole", "select * from civil.household", "read:civil.household"),
    ("insert", "insert into resident values (1001, 'x, ''y''', 1)", "insert:civil.resident"),
    (
        "insertselect",
        "insert into resident select id + 5000, address, 1 from household",
        "insert:civil.resident read:civil.household",
    ),
    (
        "upsert",
        "insert into household values (1, 'y') on duplicate key update address = 'z'",
        "insert:civil.household update:civil.household",
    ),
    (
        "replace",
        "replace into household values (2, 'y')",
        "delete:civil.household insert:civil.household",
    ),
    ("update", "update household set address = 'w' where id = 2", "update:civil.household"),
    (
        "multi",
        "update household h join resident r on r.household = h.id set h.address = 'v' where r.id = 5",
        "read:civil.resident update:civil.household",
    ),
    ("delete", "delete from resident where id = 400", "delete:civil.resident"),
    ("deleteof", "delete r from resident r where r.id = 401", "delete:civil.resident"),
    ("truncate", "truncate table `居民信息`", "delete:civil.resident"),
    ("outfile", "select name from resident into outfile 'out-{}'", "export:civil.resident"),
    ("prepare", "prepare p from 'select * from resident'; execute p", "read:civil.resident"),
    ("view", "select * from v_resident where id = 2", "read:civil.resident"),
    ("chinese", "select * from `居民信息` where `姓名` = '某人'", "read:civil.resident"),
    (
        "comment",
        "select /* from secret */ name from resident -- from household\n where id = 3",
        "read:civil.resident",
    ),
    (
        "failed",
        "select 1 from resident where id = 1 and (select id from household) = 1",
        "read:civil.household read:civil.resident",
    ),
    (
        "cursor",
        "handler resident open; handler resident read first; handler resident close",
        "read:civil.resident",
    ),
    ("unmapped", "select * from secret", "?"),
    ("ping", "select 1; select now()", ""),
    ("ignored", "select * from notes", ""),
    ("settings", "set @x = 1; begin; commit; show tables", ""),
    ("elsewhere", "select * from elsewhere.t", ""),
];

/// Events that are written, and whether texts are among them, and tables.
const EVENTS: [(&str, bool, bool); 4] = [
    ("connect,table,query", true, true),
    ("table,query", true, true),
    ("connect,query", true, false),
    ("connect,table", false, true),
];

fn wrong(
    log: &Log,
    name: &str,
    expected: &str,
    (events, text, table): (&str, bool, bool),
) -> Option<String> {
    let user = format!("{name}_{}", events.replace(',', "_"));
    let statements: Vec<&Statement> =
        log.statements.iter().filter(|it| it.caller.role == user).collect();
    let found = touched(&statements);
    let untold = statements.iter().any(|it| !it.untold.is_empty());
    let wanted: BTreeSet<String> =
        expected.split_whitespace().filter(|it| *it != "?").map(str::to_owned).collect();
    let datasets = |all: &BTreeSet<String>| {
        all.iter().filter_map(|it| Some(it.split_once(':')?.1.to_owned())).collect::<BTreeSet<_>>()
    };
    let right = match expected {
        "" => found.is_empty() && (!untold || !text || !table),
        "?" => untold,
        // Views and what is prepared are told by their tables alone.
        _ if text && table => wanted.is_subset(&found) && datasets(&found) == datasets(&wanted),
        _ if text => found == wanted || untold,
        _ => datasets(&wanted).is_subset(&datasets(&found)) || untold,
    };
    (!right).then(|| {
        let why: Vec<_> = statements.iter().flat_map(|it| &it.untold).collect();
        format!("{name}, {events}: expected {expected:?}, found {found:?}, untold {why:?}")
    })
}

#[test]
fn what_the_server_did_is_what_is_read() {
    let Some(server) = Server::start() else { return };
    for (events, ..) in EVENTS {
        let as_root = |text: &str| assert!(server.run("root", "", text).0, "{text}");
        for (name, ..) in DONE {
            let user = format!("{name}_{}", events.replace(',', "_"));
            as_root(&format!("create user {user}; grant all on *.* to {user}"));
        }
        as_root(&format!("set global server_audit_events = '{events}'"));
        for (name, text, _) in DONE {
            let user = format!("{name}_{}", events.replace(',', "_"));
            server.run(&user, "civil", &format!("{};\n", text.replace("{}", &user)));
        }
    }
    server.run(
        "root",
        "",
        "set global server_audit_events = 'connect,table,query'; create user denied",
    );
    server.run(
        "denied",
        "",
        "select * from civil.resident;\n/*liuhen_grant='g-1'*/ delete from civil.household;\n",
    );
    server.run("root", "", "create user last; select 'the last'");
    let log = read_until(&server.folder.path().join("audit.log"), b"the last");
    let copy = server.folder.path().join("copy.log");
    std::fs::write(&copy, log).unwrap();
    let mapping: Mapping = toml::from_str(MAPPING).unwrap();
    let log = Source::Mariadb.read(&[copy], &mapping, false).unwrap();
    let mut wrongs = Vec::new();
    for of in EVENTS {
        for (name, _, expected) in DONE {
            wrongs.extend(wrong(&log, name, expected, of));
        }
    }
    assert!(
        wrongs.is_empty(),
        "{} of {}:\n{}",
        wrongs.len(),
        DONE.len() * EVENTS.len(),
        wrongs.join("\n")
    );
    let refused: Vec<&Statement> = log.statements.iter().filter(|it| it.denied).collect();
    assert_eq!(
        touched(&refused).into_iter().collect::<Vec<_>>(),
        ["delete:civil.household", "read:civil.resident"]
    );
    assert!(refused.iter().any(|it| it.named.grant() == Some("g-1")));
    assert!(log.statements.iter().all(|it| it.denied || it.rows().is_none()), "it writes no rows");
}
