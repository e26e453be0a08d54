//! A server that speaks Chinese, and texts of other encodings than UTF-8.

use crate::server::{MAPPING, RECOMMENDED, Server, shown};
use crate::wire::Client;
use liuhen_sources::Source;
use liuhen_sources::mapping::Mapping;
use std::path::Path;
use std::process::Command;

const MESSAGES: &str = "/usr/share/locale/zh_CN/LC_MESSAGES/postgres-15.mo";

/// Whether the machine has the server's Chinese, or can make it; else that is said.
fn has_chinese() -> bool {
    let is_there = || {
        let all = Command::new("locale").arg("-a").output().map(|it| it.stdout).unwrap_or_default();
        String::from_utf8_lossy(&all).to_lowercase().contains("zh_cn.utf")
    };
    if !is_there() {
        let made = ["-i", "zh_CN", "-f", "UTF-8", "zh_CN.UTF-8"];
        let _ = Command::new("localedef").args(made).output();
    }
    let found = is_there() && Path::new(MESSAGES).exists();
    if !found {
        eprintln!("skipped: no Chinese messages of PostgreSQL here, or no locale zh_CN.UTF-8");
    }
    found
}

/// «Resident» in Chinese, in GBK and EUC_CN, where it has the same bytes.
const RESIDENT: &[u8] = b"\xbe\xd3\xc3\xf1";
const PREFIX: &str = "log_line_prefix = '%m [%p] %c %l %e %v %q%u@%d %h %a '";

#[test]
fn a_server_that_speaks_chinese() {
    if !has_chinese() {
        return;
    }
    let further = format!(
        "{RECOMMENDED}\nlc_messages = 'zh_CN.UTF-8'\nlog_destination = 'jsonlog,csvlog,stderr'\n{PREFIX}"
    );
    let Some(server) = Server::start_with(&further) else { return };
    let as_postgres = |application: &str, text: &str| {
        server.run("population", "postgres", application, &format!("{text};\n"));
    };
    server.run("population", "app", "denied", "select * from civil.resident;");
    as_postgres("failed", "select 1/(id - 300) from civil.resident order by id");
    as_postgres(
        "timeout",
        "set statement_timeout = 20; select id, pg_sleep(0.01) from civil.resident",
    );
    as_postgres("read", "select * from civil.resident where id = 1");
    as_postgres("switched", "alter system set pgaudit.log = 'none'; select pg_reload_conf()");
    as_postgres("", "select pg_sleep(0.3)");
    let mapping: Mapping = toml::from_str(&format!("{PREFIX}\n{MAPPING}")).unwrap();
    for form in ["json", "csv", "log"] {
        let file = [server.log(form)];
        let log = Source::Pgaudit.read(&file, &mapping, false).unwrap();
        assert_eq!(shown(&log, "denied"), ["read:civil.resident 0"], "{form}");
        assert_eq!(shown(&log, "failed"), ["read:civil.resident ?"], "{form}");
        assert_eq!(shown(&log, "timeout"), ["read:civil.resident ?"], "{form}");
        assert_eq!(shown(&log, "read"), ["read:civil.resident 1"], "{form}");
        let said: Vec<_> = log.events.first().iter().map(|(_, what)| what.as_str()).collect();
        // Switched, reloaded, ready.
        for part in ["sets pgaudit", "SIGHUP", "接受连接"] {
            assert!(said.iter().any(|it| it.contains(part)), "{form}: {part}: {said:?}");
        }
    }
}

#[test]
fn texts_of_other_encodings() {
    let Some(server) = Server::start_with(RECOMMENDED) else { return };
    let made = "create database cn encoding 'EUC_CN' template template0 locale 'C';";
    server.run("postgres", "postgres", "", made);
    let connect = |database: &str, application: &str, encoding: &str| {
        let further = [("client_encoding", encoding)];
        Client::connect((server.folder(), 5432), ("postgres", database), application, &further)
    };
    let with_name = |before: &[u8], behind: &[u8]| [before, RESIDENT, behind].concat();
    // The log has the bytes of the database's encoding.
    let mut it = connect("cn", "euc", "EUC_CN");
    it.query("create extension pgaudit");
    it.query("create schema civil");
    it.query_bytes(&with_name(b"create table civil.\"", b"\" (id int)"));
    it.query_bytes(&with_name(b"/*liuhen_grant='g-1'*/ select * from civil.\"", b"\""));
    it.close();
    // A client's own encoding does not show.
    let mut it = connect("population", "gbk", "GBK");
    it.query_bytes(&with_name(b"select count(*) from civil.resident /* ", b" */"));
    it.query_bytes(b"select name from civil.resident where name = '\xff\xff'");
    it.close();
    let both = MAPPING.replace("[\"population\"]", "[\"population\", \"cn\"]");
    let mapping: Mapping = toml::from_str(&both).unwrap();
    for form in ["json", "csv"] {
        let log = Source::Pgaudit.read(&[server.log(form)], &mapping, false).unwrap();
        // A name that is no UTF-8 stands in no mapping: it is an access all the same.
        assert_eq!(shown(&log, "euc"), ["0 g-1 untold"], "{form}");
        let names: Vec<_> = log.unmapped.keys().map(String::as_str).collect();
        assert_eq!(names, ["cn.civil.\\xBE\\xD3\\xC3\\xF1"], "{form}");
        assert_eq!(shown(&log, "gbk"), ["read:civil.resident 1"], "{form}");
        assert!(log.unknown.is_empty() && log.set_aside.is_empty());
    }
}
