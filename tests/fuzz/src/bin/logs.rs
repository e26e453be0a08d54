//! Lines of logs of every kind. The first byte says which, and by which mapping.

#![no_main]

use liuhen_fuzz::{LOG_MAPPINGS, judge_log};
use liuhen_sources::{Source, mapping::Mapping};
use std::path::Path;
use std::sync::LazyLock;

static MAPPINGS: LazyLock<Vec<Mapping>> = LazyLock::new(|| {
    let parse = |text| Mapping::parse(text, Path::new("m.toml")).expect("the mappings are good");
    LOG_MAPPINGS.into_iter().map(parse).collect()
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((which, bytes)) = bytes.split_first() else { return };
    let which = usize::from(*which);
    // A line of files is the path of one, which would be read.
    let logs = Source::ALL.iter().filter(|it| **it != Source::Files);
    let logs: Vec<Source> = logs.copied().collect();
    let source = logs[which % logs.len()];
    let mapping = &MAPPINGS[which / logs.len() % MAPPINGS.len()];
    judge_log(source.read_lines(bytes, Path::new("log"), mapping, true));
});
