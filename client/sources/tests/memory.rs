//! What an import holds in memory goes by what is under way, not by the length of its log.

#![allow(clippy::unwrap_used, reason = "helpers of tests: a machine without /proc may end them")]

use liuhen_sources::Source;
use liuhen_sources::mapping::Mapping;
use std::io::{BufWriter, Write};
use std::path::Path;

const MAPPING: &str = r#"
time_zone = "Asia/Shanghai"
databases = ["population"]
salt_file = "salt"
[relations]
"population.civil.resident" = "civil.resident"
"#;

/// Statements, each with a text of some 2 KB; two to a session, none of which is seen to end.
fn write(path: &Path, statements: u32) {
    let mut file = BufWriter::new(std::fs::File::create(path).unwrap());
    for n in 0..statements {
        let long = "x".repeat(2000);
        let text = format!("select name from civil.resident where name <> '{n} {long}'");
        let line = serde_json::json!({
            "timestamp": "2026-11-23 04:32:01.521 CST", "user": "app", "dbname": "population",
            "session_id": format!("6b.{:x}", n / 2), "line_num": n % 2 + 1, "error_severity": "LOG",
            "message": format!("AUDIT: SESSION,{},1,READ,SELECT,TABLE,civil.resident,\"{text}\",<none>,1", n % 2 + 1),
        });
        writeln!(file, "{line}").unwrap();
    }
    file.flush().unwrap();
}

/// The most memory that this process had at once, KiB.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|it| it.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn read(path: &Path) -> usize {
    let mapping: Mapping = toml::from_str(MAPPING).unwrap();
    let paths = [path.to_owned()];
    let mut reading = Source::Pgaudit.reading(&paths, &mapping, false).unwrap();
    let mut statements = 0;
    while let Some(part) = reading.part().unwrap() {
        statements += part.len();
    }
    assert_eq!(reading.log().count(), statements);
    statements
}

#[test]
fn a_longer_log_takes_no_more_memory() {
    let folder = tempfile::tempdir().unwrap();
    let of = |statements: u32| {
        let path = folder.path().join(format!("log-{statements}"));
        write(&path, statements);
        assert_eq!(read(&path), statements as usize);
        peak_kib()
    };
    // The shorter one has more sessions than are kept.
    let (short, long) = (of(40_000), of(200_000));
    let found = format!("{short} KiB for 40,000 statements, {long} KiB for 200,000");
    println!("{found}");
    assert!(long < short + (16 << 10), "{found}");
}
