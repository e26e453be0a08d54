//! Lines of a database's audit log.

#![no_main]

use liuhen_fuzz::judge_log;
use liuhen_sources::{Source, mapping::Mapping};
use std::path::Path;
use std::sync::LazyLock;

const TEXT: &str = include_str!("../../../../scripts/network/psb.mapping.toml");

static MAPPING: LazyLock<Mapping> = LazyLock::new(|| {
    Mapping::parse(TEXT, Path::new("psb.mapping.toml")).expect("the network's mapping is good")
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    judge_log(Source::Pgaudit.read_lines(bytes, Path::new("log"), &MAPPING, true));
});
