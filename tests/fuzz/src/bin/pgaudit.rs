//! Lines of a database's audit log.

#![no_main]

use liuhen_sources::{Source, mapping::Mapping};
use std::path::Path;
use std::sync::LazyLock;

const TEXT: &str = include_str!("../../../../scripts/network/psb.mapping.toml");

static MAPPING: LazyLock<Mapping> = LazyLock::new(|| {
    Mapping::parse(TEXT, Path::new("psb.mapping.toml")).expect("the network's mapping is good")
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let log = Source::Pgaudit.read_lines(bytes, Path::new("log"), &MAPPING, true);
    let log = match log {
        Ok(log) => log,
        // Unknown lines are skipped; only where no line was anything else is it another file.
        Err(error) => {
            assert!(error.to_string().contains("log: 0 of "), "{error}");
            return;
        }
    };
    let told = log.other_lines
        + log.other_databases
        + log.blank_lines
        + log.unknown.len() as u64
        + log.set_aside.len() as u64
        + u64::from(log.unfinished.is_some());
    assert!(log.statements.len() as u64 <= log.lines - told, "more statements than lines");
    assert!(log.statements.iter().all(|it| !it.touched.is_empty()));
});
