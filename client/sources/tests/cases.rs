//! Logs as they really are: the inputs of `shared/cases` beside the repository, each with what is right of it.

#![allow(clippy::unwrap_used, reason = "helpers of tests: a broken case may end them")]

use liuhen_client::error::ClientError;
use liuhen_sources::Source;
use liuhen_sources::log::Log;
use liuhen_sources::mapping::Mapping;
use std::path::{Path, PathBuf};

/// Where the cases are; `None` where they are not beside this checkout, which the project's own runs forbid.
fn cases() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none(), "{} is missing", folder.display());
    eprintln!("skipped: {} is not here", folder.display());
    None
}

fn mapping(file: &Path) -> Mapping {
    toml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// A case's log, read with the mapping of all or its own.
fn read(folder: &Path, log: &str, own: Option<&str>, skip: bool) -> Result<Log, ClientError> {
    let case = folder.join(log);
    let beside = case.parent().unwrap();
    let file = own.map_or(folder.join("psb.mapping.toml"), |name| beside.join(name));
    Source::Pgaudit.read(&case, &mapping(&file), skip)
}

#[test]
fn ends_of_files() {
    let Some(folder) = cases() else { return };
    let of = |name: &str| read(&folder, &format!("25-ends-of-files/{name}.jsonlog"), None, false);
    for (name, blank, unfinished) in [
        ("blank", true, None),
        ("bom", false, None),
        ("nul", true, None),
        ("truncated", false, Some(2)),
    ] {
        let log = of(name).unwrap();
        assert_eq!(log.statements.len(), 1, "{name}");
        assert_eq!((log.blank_lines > 0, log.unfinished), (blank, unfinished), "{name}");
        assert!(log.unknown.is_empty() && log.set_aside.is_empty(), "{name}");
    }
    // A whole record behind a torn one is nothing to pass over.
    let why = of("glued").unwrap_err().to_string();
    assert!(why.contains("line 1: no jsonlog line"), "{why}");
}

#[test]
fn other_files_are_named() {
    let Some(folder) = cases() else { return };
    for (name, seems) in [
        ("azure.json", "Azure"),
        ("cnpg.json", "CloudNativePG"),
        ("csvlog.csv", "csvlog"),
        ("pgauditlogtofile.log", "pgauditlogtofile"),
        ("server_audit.log", "server_audit"),
        ("stderr.log", "stderr"),
        ("syslog.log", "syslog"),
    ] {
        for skip in [false, true] {
            let log = format!("29-nothing-understood/{name}");
            let why = read(&folder, &log, None, skip).unwrap_err().to_string();
            assert!(why.contains(seems), "{name}: {why}");
        }
    }
}

/// Bytes of another encoding are no reason to lose an access; the digest is over them.
#[test]
fn another_encoding() {
    let Some(folder) = cases() else { return };
    let log = read(&folder, "23-gbk-in-the-log/log.jsonlog", Some("cn.mapping.toml"), false);
    let log = log.unwrap();
    let [only] = log.statements.as_slice() else { panic!("{}", log.statements.len()) };
    assert_eq!(only.tag.as_deref(), Some("hr-pension-2026-001"));
    assert!(std::str::from_utf8(&only.text).is_err());
}

#[test]
fn a_line_of_17_mib() {
    let Some(folder) = cases() else { return };
    let log = read(&folder, "24-line-over-16-MiB/log.jsonlog.gz", None, false).unwrap();
    let [large, small] = log.statements.as_slice() else { panic!("{}", log.statements.len()) };
    assert_eq!(large.tag.as_deref(), Some("statistics-clean-2026-002"));
    assert_eq!((large.rows, small.rows, log.lines), (1, 1, 2));
    assert!(large.text.len() > 16 << 20);
}

/// Pings, settings and transactions that name no relation are no access, and no reason to stop.
#[test]
fn what_touches_nothing_is_no_access() {
    let Some(folder) = cases() else { return };
    let log = read(&folder, "07-lines-without-a-relation/log-all.jsonlog", None, true).unwrap();
    let all: Vec<String> = log.unknown.iter().map(|(_, why)| why.clone()).collect();
    for command in ["SHOW", "SET", "BEGIN", "COMMIT"] {
        assert!(!all.iter().any(|why| why.starts_with(command)), "{all:?}");
    }
    assert!(log.other_lines >= 4, "{}", log.other_lines);
}
