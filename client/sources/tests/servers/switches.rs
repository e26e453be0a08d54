//! Who switches the audit off: for a role, a database, the server, a session.

use crate::server::{MAPPING, RECOMMENDED, Server, of};

const SWITCHES: [(&str, &str); 10] = [
    ("role", "alter role app set pgaudit.log = 'none'"),
    ("role-in-database", "alter role app in database population set \"pgaudit\".\"log\" = 'none'"),
    ("role-reset", "alter role app reset all"),
    ("all-roles", "alter role all set pgaudit.log_rows = off"),
    ("database", "alter database population set pgaudit.log = 'none'"),
    ("server", "alter system set pgaudit.log = 'none'"),
    ("made-up", "do $$begin execute 'alter role app set pgaudit.' || 'log = ''none'''; end$$"),
    (
        "function",
        "create function civil.quiet() returns int language sql set pgaudit.log = 'none' as 'select 1'",
    ),
    ("on-again", "set pgaudit.log = 'none'; set pgaudit.log = 'all'"),
    (
        "by-update",
        "begin; update pg_settings set setting = 'none' where name = 'pgaudit.log'; commit",
    ),
];

#[test]
fn an_audit_that_is_switched_off_is_told() {
    let Some(server) = Server::start_with(RECOMMENDED) else { return };
    let as_postgres = |application: &str, text: &str| {
        server.run("population", "postgres", application, &format!("{text};\n"));
    };
    for (application, text) in SWITCHES {
        as_postgres("", "alter role all reset all");
        as_postgres("", "alter database population reset all");
        as_postgres("", "alter system reset all");
        // As one text: where the update of a view of settings switches it off, only what stands before it is written.
        server.run_with("population", "postgres", application, "", &text.replace("; ", "\\; "));
        server.run("population", "postgres", application, &format!("{text};\n"));
    }
    as_postgres("", "alter role app reset all");
    as_postgres("", "alter database population reset all");
    as_postgres("other", "alter role app set work_mem = '1MB'; set work_mem = '1MB'; reset all");
    as_postgres("", "alter system set pgaudit.log_rows = off");
    as_postgres("", "select pg_reload_conf(); select pg_sleep(0.3)");
    let log = server.read(MAPPING);
    for (application, text) in SWITCHES {
        let told = of(&log, application).iter().filter(|it| !it.untold.is_empty()).count();
        assert!(told > 0, "{application}: {text}");
    }
    assert_eq!(of(&log, "other").len(), 0);
    let said: Vec<_> = log.events.first().iter().map(|(_, what)| what.as_str()).collect();
    for part in ["received SIGHUP", "parameter \"pgaudit.log_rows\" changed"] {
        assert!(said.iter().any(|it| it.contains(part)), "{part}: {said:?}");
    }
}

/// What pgAudit 1.7 can't write: who may switch it off for his session does so before it writes.
#[test]
fn what_is_switched_off_for_a_session_is_not_logged() {
    let Some(server) = Server::start_with(RECOMMENDED) else { return };
    let reads = "select * from civil.resident;";
    let quiet = [
        ("quiet", "set pgaudit.log = 'none'"),
        ("quiet-too", "select set_config('pgaudit.log', 'none', false)"),
    ];
    for (application, text) in quiet {
        server.run("population", "postgres", application, &format!("{text};\n{reads}\n"));
    }
    // Who is no superuser may not.
    server.run("population", "app", "may-not", "set pgaudit.log = 'none';");
    let log = server.read(MAPPING);
    for application in ["quiet", "quiet-too", "may-not"] {
        assert_eq!(of(&log, application).len(), 0, "{application}");
    }
}
