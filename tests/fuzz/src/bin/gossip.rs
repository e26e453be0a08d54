//! What nodes say to each other besides the engine's messages.

#![no_main]

use liuhen_node::gossip;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    assert!(
        gossip::again(bytes).is_none_or(|again| again == bytes),
        "two encodings of one message"
    );
});
