//! Foreign tables: what another server, or a file, holds.

use crate::server::{MAPPING, RECOMMENDED, Server, shown};

#[test]
fn foreign_tables() {
    let Some(server) = Server::start_with(RECOMMENDED) else { return };
    let at = server.folder().display();
    let file = server.folder().join("people.csv");
    std::fs::write(&file, "1,a\n2,b\n").unwrap();
    let made = format!(
        "create extension postgres_fdw; create extension file_fdw;
         create server self foreign data wrapper postgres_fdw options (host '{at}', dbname 'population');
         create user mapping for postgres server self options (user 'postgres');
         create foreign table civil.f_resident (id int, name text) server self
           options (schema_name 'civil', table_name 'resident');
         create server files foreign data wrapper file_fdw;
         create foreign table civil.f_file (id int, name text) server files
           options (filename '{}', format 'csv');",
        file.display()
    );
    let made = server.run("population", "postgres", "made", &made);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let done = [
        ("read", "/*liuhen_grant='g-1'*/ select * from civil.f_resident where id < 5"),
        ("written", "update civil.f_resident set name = 'x' where id = 3"),
        ("file", "select * from civil.f_file"),
        ("copied", "copy (select * from civil.f_file) to stdout"),
        ("refused", "copy civil.f_file to stdout"),
    ];
    for (application, text) in done {
        server.run("population", "postgres", application, &format!("{text};\n"));
    }
    // Each server tells its own side: here the foreign table, there what it was asked for, under no grant.
    let relations = "[relations]\n\"population.civil.f_resident\" = \"tax.resident\"\n\
                     \"population.civil.f_file\" = \"tax.file\"";
    let log = server.read(&MAPPING.replace("[relations]", relations));
    let cases: [(&str, &[&str]); 5] = [
        ("read", &["read:tax.resident 4 g-1"]),
        ("written", &["update:tax.resident 1"]),
        ("file", &["read:tax.file 2"]),
        ("copied", &["export:tax.file ?"]),
        ("refused", &[]),
    ];
    for (application, expected) in cases {
        assert_eq!(shown(&log, application), expected, "{application}");
    }
    let other = shown(&log, "postgres_fdw");
    // With what a trigger did there.
    let written = "update:civil.household update:civil.resident 1";
    assert_eq!(other, ["read:civil.resident ?", written]);
    // Where no mapping names them they are said to be missing.
    let log = server.read(MAPPING);
    let missing: Vec<_> = log.unmapped.keys().map(String::as_str).collect();
    assert_eq!(missing, ["population.civil.f_file", "population.civil.f_resident"]);
    assert_eq!(shown(&log, "file"), ["2 untold"]);
}
