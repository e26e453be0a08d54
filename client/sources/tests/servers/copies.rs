//! What is written of merges, functions with their owner's rights, parallel workers, and copies of the server's files.

use crate::done;
use crate::server::{MAPPING, RECOMMENDED, Server, of, program, shown};

const MADE: &str = "
create view civil.v_definer as select civil.definer(1);
grant all on all tables in schema civil to app;
create function civil.reads(p int) returns text language plpgsql parallel safe as
  $$begin return (select address from civil.household where id = p); end$$;
";

const RUNS: [(&str, &str, &str); 10] = [
    (
        "merge",
        "merge into civil.household h using civil.resident r on h.id = r.id \
         when matched and r.id < 5 then update set address = 'm' when matched and r.id = 50 then delete \
         when not matched then insert values (r.id, 'new')",
        "delete:civil.household insert:civil.household read:civil.resident update:civil.household 405",
    ),
    (
        "upsert",
        "insert into civil.household values (1, 'y') on conflict (id) do update set address = 'z'",
        "insert:civil.household update:civil.household 1",
    ),
    (
        "upsert-nothing",
        "insert into civil.household values (1, 'y') on conflict do nothing",
        "insert:civil.household 0",
    ),
    ("app-definer", "select civil.definer(7)", "read:civil.resident 1"),
    ("app-unqualified", "set search_path = civil; select definer(7)", "read:civil.resident 1"),
    ("app-view", "select * from civil.v_definer", "?"),
    ("app-view-beside", "select * from civil.v_definer, civil.household where id = 1", "?"),
    ("refresh", "refresh materialized view civil.mv", "read:civil.resident 100"),
    ("publication", "create publication q for table civil.household", "admin:civil.household 0"),
    (
        "all-tables",
        "grant select on all tables in schema civil to app",
        "admin:civil.household admin:civil.resident admin:civil.visit 0",
    ),
];

const IN_PARALLEL: &str = "
set max_parallel_workers_per_gather = 2; set parallel_setup_cost = 0; set parallel_tuple_cost = 0;
set min_parallel_table_scan_size = 0;
select count(*) from civil.resident where civil.reads(id) is not null;
";

#[test]
fn what_runs_inside_and_beside() {
    let further = format!("{RECOMMENDED}\nlog_replication_commands = on");
    let Some(server) = Server::start_with(&further) else { return };
    server.run("population", "postgres", "made", MADE);
    for (application, text, _) in RUNS {
        let role = if application.starts_with("app") { "app" } else { "postgres" };
        server.run("population", role, application, &format!("{text};\n"));
    }
    server.run("population", "postgres", "parallel", IN_PARALLEL);
    let copy = server.folder().join("copy");
    let mut backup = program("pg_basebackup");
    backup.args(["-U", "postgres", "-X", "none", "--checkpoint=fast", "-h"]);
    done(backup.arg(server.folder()).arg("-D").arg(&copy));
    crate::program("postgres", "/bin/rm").arg("-rf").arg(&copy).status().unwrap();
    let log = server.read(MAPPING);
    for (application, _, expected) in RUNS {
        let found = shown(&log, application);
        match expected {
            // All is told by the function's own entry, or it is said that not all is.
            "?" => assert!(
                found.iter().any(|it| it.contains("untold") || it.contains("read:civil.resident")),
                "{application}: {found:?}"
            ),
            _ => assert_eq!(found, [expected], "{application}"),
        }
    }
    // A worker's entries are of the statement that it works for, and of no other.
    let parallel = of(&log, "parallel");
    assert_eq!(parallel.len(), 1, "{parallel:?}");
    let touched = crate::touched(&parallel).into_iter().collect::<Vec<_>>();
    assert_eq!(touched, ["read:civil.household", "read:civil.resident"]);
    let nobody = log.statements.iter().filter(|it| it.caller.role.is_empty());
    assert!(nobody.clone().all(|it| it.touched.is_empty()), "{:?}", nobody.collect::<Vec<_>>());
    // A backup is a copy of all there is.
    let copied = of(&log, "pg_basebackup");
    let [copied] = copied.as_slice() else { panic!("{copied:?}") };
    assert!(copied.untold.iter().any(|it| it.contains("BASE_BACKUP")), "{copied:?}");
    assert_eq!(copied.caller.role, "postgres");
}
