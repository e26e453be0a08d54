//! The engine's messages, and the streams in which blocks come. The first byte says which.

#![no_main]

use liuhen_node::codec;
use liuhen_node::consensus::again;

/// Above the kinds of messages: a sequence of parts of streams.
const STREAMS: u8 = 12;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    if *kind == STREAMS {
        let parts: Vec<Vec<u8>> = codec::decode(bytes).unwrap_or_default();
        again::streams(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>());
        return;
    }
    let again = again::message(*kind, bytes);
    assert!(again.is_none_or(|again| again == bytes), "two encodings of one message, kind {kind}");
});
