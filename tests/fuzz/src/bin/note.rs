//! Signed notes, and the keys that they are verified by.

#![no_main]

use liuhen_proto::header::note::{Note, VerifierKey};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string().parse(), Ok(key));
    }
    let Ok(note) = Note::parse(text) else { return };
    // What was read is what stands there, or would be another's note.
    assert_eq!(note.to_string(), text);
    assert_eq!(Note::parse(&note.to_string()), Ok(note));
});
