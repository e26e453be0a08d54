//! A PostgreSQL 15 with pgAudit of a test's own.

use crate::{done, read_until};
use liuhen_sources::Source;
use liuhen_sources::log::Log;
use liuhen_sources::mapping::Mapping;
use liuhen_sources::statement::Statement;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";
const AUDIT: &str = "/usr/lib/postgresql/15/lib/pgaudit.so";

/// A mapping of its databases.
pub(crate) const MAPPING: &str = r#"
time_zone = "Asia/Shanghai"
databases = ["population"]
salt_file = "salt"
ignore = ["population.civil.notes", "population.public.made", "population.public.made_too"]
[relations]
"population.civil.resident" = "civil.resident"
"population.civil.household" = "civil.household"
"population.civil.居民信息" = "civil.resident"
"population.civil.visit" = "civil.visit"
"population.civil.visit_2026" = "civil.visit"
[functions]
"population.civil.definer" = ["civil.resident"]
[views]
"population.civil.v_resident" = "select id, name from civil.resident"
[columns]
"population.civil.resident" = ["id", "name", "household"]
"population.civil.household" = ["id", "address"]
"#;

const SCHEMA: &str = r#"
create schema civil;
create table civil.household (id int primary key, address text);
create table civil.resident (id int primary key, name text, household int);
create table civil."居民信息" (id int, "姓名" text);
create table civil.secret (id int);
create table civil.notes (id int);
create table civil.visit (id int, day date) partition by range (day);
create table civil.visit_2026 partition of civil.visit for values from ('2026-01-01') to ('2027-01-01');
insert into civil.household select n, 'address ' || n from generate_series(1, 100) n;
insert into civil.resident select n, 'name ' || n, n % 100 + 1 from generate_series(1, 500) n;
insert into civil.visit select n, '2026-05-01' from generate_series(1, 10) n;
create view civil.v_resident as select id, name from civil.resident;
create materialized view civil.mv as select household, count(*) from civil.resident group by 1;
create function civil.name_of(p int) returns text language plpgsql as
  $$begin return (select name from civil.resident where id = p); end$$;
create function civil.definer(p int) returns text language plpgsql security definer as
  $$begin return (select name from civil.resident where id = p); end$$;
create procedure civil.moves(p int) language plpgsql as
  $$begin update civil.resident set household = 1 where id = p; end$$;
create function civil.noted() returns trigger language plpgsql as
  $$begin update civil.household set address = address where id = new.household; return new; end$$;
create trigger noted after update on civil.resident for each row execute function civil.noted();
create role app login;
grant usage on schema civil to app;
grant select on civil.household to app;
"#;

/// A server with a folder of its own, that is stopped when it is dropped. It listens on a socket in that folder alone.
pub(crate) struct Server {
    folder: tempfile::TempDir,
}

/// A program of the server's.
pub(crate) fn program(name: &str) -> Command {
    crate::program("postgres", &format!("{PROGRAMS}/{name}"))
}

impl Server {
    /// Starts one; `None` where there is none, which the project's own runs forbid.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with("")
    }

    /// Starts one with further settings.
    pub(crate) fn start_with(further: &str) -> Option<Self> {
        if !Path::new(AUDIT).exists() {
            assert!(std::env::var_os("CI").is_none(), "{AUDIT} is missing");
            eprintln!("skipped: PostgreSQL 15 with pgAudit is not installed");
            return None;
        }
        let folder = crate::folder();
        let data = folder.path().join("data");
        let mut init = program("initdb");
        init.arg("-D").arg(&data).args([
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "-N",
        ]);
        done(&mut init);
        let settings = format!(
            "listen_addresses = ''\nunix_socket_directories = '{}'\nshared_preload_libraries = 'pgaudit'\n\
             logging_collector = on\nlog_destination = 'jsonlog,csvlog'\nlog_directory = 'log'\n\
             log_filename = 'server.log'\nlog_file_mode = 0644\nlog_timezone = 'Asia/Shanghai'\n\
             fsync = off\npgaudit.log_catalog = on\n{further}\n",
            folder.path().display()
        );
        let mut write = crate::program("postgres", "/bin/sh");
        write.args(["-c", &format!("cat >> '{}/postgresql.conf'", data.display())]);
        let mut writing = write.stdin(Stdio::piped()).spawn().unwrap();
        writing.stdin.take().unwrap().write_all(settings.as_bytes()).unwrap();
        assert!(writing.wait().unwrap().success());
        let mut start = program("pg_ctl");
        start.arg("-D").arg(&data).args(["-w", "-t", "60", "-l", "/dev/null", "start"]);
        start.stdout(Stdio::null()).stderr(Stdio::null());
        assert!(start.status().unwrap().success(), "the server did not start");
        let server = Self { folder };
        server.run("postgres", "postgres", "", "create database population");
        server.run("population", "postgres", "", "create extension pgaudit");
        server.run("population", "postgres", "", SCHEMA);
        Some(server)
    }

    /// Executes statements in one session; what they end with is for the caller. `name` is what the client calls itself.
    pub(crate) fn run(&self, database: &str, role: &str, name: &str, text: &str) -> Output {
        self.run_with(database, role, name, "", text)
    }

    pub(crate) fn run_with(
        &self,
        database: &str,
        role: &str,
        name: &str,
        options: &str,
        text: &str,
    ) -> Output {
        let mut command = Command::new(format!("{PROGRAMS}/psql"));
        command.args(["-X", "-q", "-h"]).arg(self.folder.path()).args(["-U", role, "-d", database]);
        command.env("PGAPPNAME", name).env("PGOPTIONS", options);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = command.spawn().unwrap();
        running.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        running.wait_with_output().unwrap()
    }

    /// The folder in which its socket is.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What a mapping tells of its log.
    pub(crate) fn read(&self, mapping: &str) -> Log {
        let mapping: Mapping = toml::from_str(mapping).unwrap();
        Source::Pgaudit.read(&[self.log("json")], &mapping, false).unwrap()
    }

    /// The log in one of its forms, once a last statement is in it.
    pub(crate) fn log(&self, form: &str) -> PathBuf {
        self.run("postgres", "postgres", "last", "select 1/0");
        let file = self.folder.path().join(format!("data/log/server.{form}"));
        let copy = self.folder.path().join(format!("copy.{form}"));
        let last: &[u8] = if form == "log" { b" last " } else { b"\"last\"" };
        std::fs::write(&copy, read_until(&file, last)).unwrap();
        copy
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut stop = program("pg_ctl");
        stop.arg("-D").arg(self.folder.path().join("data")).args(["-m", "immediate", "stop"]);
        let _ = stop.stdout(Stdio::null()).stderr(Stdio::null()).status();
        let data = self.folder.path().join("data");
        let _ = crate::program("postgres", "/bin/rm").arg("-rf").arg(data).status();
    }
}

/// Settings under which all is written that pgAudit writes.
pub(crate) const RECOMMENDED: &str = "pgaudit.log = 'all'\npgaudit.log_relation = on\npgaudit.log_rows = on\n\
    pgaudit.log_parameter = on\npgaudit.log_statement = on";

/// The statements of a client.
pub(crate) fn of<'a>(log: &'a Log, application: &str) -> Vec<&'a Statement> {
    log.statements.iter().filter(|it| it.caller.application == application).collect()
}

/// A client's statements, each as what it touched, rows and grant.
pub(crate) fn shown(log: &Log, application: &str) -> Vec<String> {
    let one = |it: &&Statement| {
        let touched = crate::touched(&[*it]).into_iter().collect::<Vec<_>>().join(" ");
        let rows = it.rows().map_or("?".to_owned(), |rows| rows.to_string());
        let mut parts = vec![touched, rows];
        parts.extend(it.named.grant().map(str::to_owned));
        parts.extend((!it.untold.is_empty()).then(|| "untold".to_owned()));
        parts.retain(|it| !it.is_empty());
        parts.join(" ")
    };
    of(log, application).iter().map(one).collect()
}
