//! Proof files, by a checkpoint in place of the founding document.

#![no_main]

use liuhen_fuzz::{CHECKPOINT, both_spellings, judge_trace};
use liuhen_proto::wire::Trace;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    both_spellings::<Trace>(bytes, |bytes| judge_trace(*CHECKPOINT, bytes));
});
