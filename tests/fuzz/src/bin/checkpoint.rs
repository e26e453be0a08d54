//! Checkpoints as text.

#![no_main]

use liuhen_proto::header::checkpoint::Checkpoint;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(checkpoint) = Checkpoint::parse(text) else { return };
    assert_eq!(Checkpoint::parse(&checkpoint.text()), Ok(checkpoint));
    // What is signed is the text, so there is one of it; only ends of lines may differ.
    assert!(text.replace("\r\n", "\n").starts_with(checkpoint.text().trim_end()), "{text}");
});
