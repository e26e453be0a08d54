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
    let log = log.expect("unknown lines are skipped, and nothing else can fail");
    let told = log.other_lines + log.other_databases + log.unknown.len() as u64;
    assert!(log.statements.len() as u64 <= log.lines - told, "more statements than lines");
    assert!(log.statements.iter().all(|it| !it.touched.is_empty()));
});
