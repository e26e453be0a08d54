//! PgBouncer in transaction pooling: clients in turn over one session of the server's. What one says of itself is not the other's.

use crate::server::{MAPPING, RECOMMENDED, Server, of};
use crate::wire::Client;
use liuhen_sources::log::Log;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const POOLER: &str = "/usr/sbin/pgbouncer";

/// A pool of one session, that is ended when it is dropped. It listens on a socket in its folder alone.
struct Pool {
    folder: tempfile::TempDir,
    running: Child,
}

impl Pool {
    /// Before a server; `None` where there is none, which the project's own runs forbid.
    fn start(server: &Server) -> Option<Self> {
        if !Path::new(POOLER).exists() {
            assert!(std::env::var_os("CI").is_none(), "{POOLER} is missing");
            eprintln!("skipped: PgBouncer is not installed");
            return None;
        }
        let folder = crate::folder();
        let (at, file) = (folder.path().display(), folder.path().join("pgbouncer.ini"));
        let settings = format!(
            "[databases]\npopulation = host={} user=app pool_size=1\n[pgbouncer]\nlisten_addr =\n\
             unix_socket_dir = {at}\nauth_type = any\npool_mode = transaction\nlogfile = {at}/log\npidfile = {at}/pid\n\
             ignore_startup_parameters = options\n",
            server.folder().display()
        );
        std::fs::write(&file, settings).unwrap();
        let mut start = crate::program("postgres", POOLER);
        let running = start.arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let pool = Self { folder, running };
        let until = Instant::now() + Duration::from_secs(60);
        while !pool.folder.path().join(".s.PGSQL.6432").exists() {
            assert!(Instant::now() < until, "the pool did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(pool)
    }

    fn client(&self, application: &str) -> Client {
        Client::connect((self.folder.path(), 6432), ("app", "population"), application, &[])
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // As root it is started by another program, which ends with it.
        let process = std::fs::read_to_string(self.folder.path().join("pid"));
        if let Ok(process) = process {
            let _ = Command::new("kill").arg(process.trim()).status();
        }
        let _ = self.running.wait();
    }
}

/// The grants and users of a client's statements that touched something.
fn named(log: &Log, application: &str) -> Vec<String> {
    let all = of(log, application).into_iter().filter(|it| !it.touched.is_empty());
    let one = |it: &liuhen_sources::statement::Statement| {
        let grant = it.named.grant().unwrap_or("-").to_owned();
        let user = it.named.user.clone().unwrap_or_else(|| "-".to_owned());
        format!("{grant} {user}")
    };
    all.map(one).collect()
}

#[test]
fn what_a_client_says_is_not_the_next_ones() {
    let Some(server) = Server::start_with(RECOMMENDED) else { return };
    server.run("population", "postgres", "", "grant select on civil.resident to app");
    let Some(pool) = Pool::start(&server) else { return };
    let (mut a, mut b) = (pool.client("client-a"), pool.client("client-b"));
    let read = "select name from civil.resident where id = 1";
    // Each is in a transaction of its own; the other comes next.
    for text in [
        "begin",
        "set local liuhen.\"grant\" = 'g-1'",
        "select set_config('liuhen.user', 'alice', true)",
        read,
        "commit",
    ] {
        a.query(text);
    }
    b.query(read);
    for text in ["begin", "set local liuhen.\"grant\" = 'g-2'", read, "rollback"] {
        a.query(text);
    }
    b.query(read);
    // A text of several statements is a transaction.
    b.query(&format!("select set_config('liuhen.grant', 'g-3', true); {read}"));
    a.query(read);
    // What ends in an error sets nothing for the next.
    for text in ["begin", "set liuhen.\"grant\" = 'g-4'", "select 1/0", "commit", read] {
        a.query(text);
    }
    b.query(read);
    // Set for the session it is the server's for all; it was not what this client said.
    a.query("set liuhen.\"grant\" = 'g-5'");
    b.query(read);
    b.query(&format!("/*liuhen_grant='g-6'*/ {read}"));
    a.query(read);
    // Where it goes back to a savepoint, it has what it had there.
    let steps = [
        "begin",
        "set local liuhen.\"grant\" = 'g-7'",
        "savepoint x",
        "set local liuhen.\"grant\" = 'g-8'",
        "rollback to x",
        read,
        "commit",
    ];
    for text in steps {
        b.query(text);
    }
    a.close();
    b.close();
    let log = server.read(&format!("pooled = true\n{MAPPING}"));
    assert_eq!(log.untold.first(), []);
    assert_eq!(named(&log, "client-a"), ["g-1 alice", "g-2 -", "- -", "- -", "- -"]);
    assert_eq!(named(&log, "client-b"), ["- -", "- -", "g-3 -", "- -", "- -", "g-6 -", "g-7 -"]);
    // Where nobody said that sessions are shared, a client's own word holds for it, and still not for the other.
    let log = server.read(MAPPING);
    assert_eq!(named(&log, "client-a"), ["g-1 alice", "g-2 -", "- -", "- -", "g-5 -"]);
    assert_eq!(named(&log, "client-b"), ["- -", "- -", "g-3 -", "- -", "- -", "g-6 -", "g-7 -"]);
}
