//! Founding documents as text: a whole source, the consortium's part, a department's join file.

#![no_main]

use liuhen_genesis::{Founding, build, compose, to_bytes};

/// A consortium's part without fault, to join.
const CONSORTIUM: &str = include_str!("../../../../scripts/network/consortium.toml");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match build(text) {
        Ok(founding) => {
            let again = Founding::from_bytes(&to_bytes(&founding));
            assert_eq!(again.map(|it| it.chain()), Ok(founding.chain()));
        }
        Err(error) => assert!(error.line <= text.split('\n').count(), "{error}"),
    }
    let _ = compose(("consortium", text), &[]);
    if let Ok(source) = compose(("consortium", CONSORTIUM), &[("join".into(), text.into())]) {
        let _ = build(&source);
    }
});
