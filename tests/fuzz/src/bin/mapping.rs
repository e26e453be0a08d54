//! Mapping files.

#![no_main]

use liuhen_sources::mapping::{Mapping, Meant};
use liuhen_sources::sql::Dialect;
use std::path::Path;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(mapping) = Mapping::parse(text, Path::new("mapping.toml")) {
        for (relation, dataset) in &mapping.relations {
            let (database, name) = (&relation.database, relation.to_name());
            let meant = mapping.meant(database, &name, Dialect::Postgres);
            // What looks like the server's own is that, whatever a mapping says.
            assert!(meant == Meant::Dataset(dataset) || meant == Meant::None, "{relation}");
            assert_eq!(
                relation.to_string().parse::<liuhen_sources::relation::Relation>().as_ref(),
                Ok(relation)
            );
        }
    }
});
