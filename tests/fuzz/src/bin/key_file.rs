//! Key files.

#![no_main]

use liuhen_keyfile::{PassphraseSource, from_pem};
use std::path::Path;
use std::sync::LazyLock;
use zeroize::Zeroizing;

static PASSPHRASE: LazyLock<PassphraseSource> =
    LazyLock::new(|| PassphraseSource::Given(Zeroizing::new("correct horse".to_owned())));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let path = Path::new("key.pem");
    if from_pem(text, path, &PASSPHRASE, true).is_ok() {
        let plain = text.contains("BEGIN PRIVATE KEY");
        let guarded = from_pem(text, path, &PASSPHRASE, false).is_ok();
        assert!(guarded || plain, "what is encrypted needs no leave");
    }
});
