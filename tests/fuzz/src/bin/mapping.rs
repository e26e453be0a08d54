//! Mapping files of an import.

#![no_main]

use liuhen_sources::mapping::Mapping;
use std::path::Path;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(mapping) = Mapping::parse(text, Path::new("mapping.toml")) else { return };
    for (relation, dataset) in &mapping.relations {
        let (database, rest) = relation.split_once('.').expect("three parts are checked for");
        assert_eq!(mapping.dataset(database, rest), Some(dataset.as_str()));
        let table = rest.split('.').next_back().unwrap_or_default();
        let _ = mapping.dataset_of_table(database, table);
    }
});
