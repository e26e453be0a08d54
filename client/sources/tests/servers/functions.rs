//! Which functions are the server's own.

use crate::server::Server;
use liuhen_sources::sql;
use std::collections::BTreeSet;

/// Those that a statement can call: none that takes or gives what only the server has.
const CALLABLE: &str = "
select distinct p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname = 'pg_catalog' and p.prokind <> 'p'
  and not (p.proargtypes::oid[] && array['internal'::regtype::oid, 'cstring'::regtype::oid])
  and p.prorettype not in (select oid from pg_type where typname in
      ('internal', 'cstring', 'trigger', 'event_trigger', 'language_handler', 'fdw_handler',
       'index_am_handler', 'table_am_handler', 'tsm_handler'))
order by 1;
";
const ALL: &str = "
select distinct p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname = 'pg_catalog';
";

#[test]
fn the_list_is_that_of_the_servers_catalogue() {
    let Some(server) = Server::start() else { return };
    let names = |query: &str| -> BTreeSet<String> {
        let output = server.run_with(
            "postgres",
            "postgres",
            "functions",
            "",
            &format!("\\t on\n\\a\n{query}"),
        );
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().filter(|it| !it.is_empty()).map(str::to_owned).collect()
    };
    let (callable, all) = (names(CALLABLE), names(ALL));
    let listed: BTreeSet<String> = sql::systems_functions().map(str::to_owned).collect();
    assert!(callable.len() > 1000, "{}", callable.len());
    let missing: Vec<_> = callable.difference(&listed).collect();
    let made_up: Vec<_> = listed.difference(&all).collect();
    assert_eq!((missing, made_up), (vec![], vec![]), "missing, and not the server's");
}
