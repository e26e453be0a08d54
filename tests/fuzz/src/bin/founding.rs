//! Founding documents as bytes.

#![no_main]

use liuhen_fuzz::both_spellings;
use liuhen_genesis::{Founding, to_bytes};
use liuhen_proto::header::block::Header;
use liuhen_proto::wire::Genesis;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| both_spellings::<Genesis>(bytes, judge));

fn judge(bytes: &[u8]) {
    let Ok(founding) = Founding::from_bytes(bytes) else { return };
    assert_eq!(to_bytes(&founding), bytes);
    let header = founding.header();
    assert_eq!(Header::from_bytes(&header.to_bytes()), Ok(header));
    assert!(!founding.validators().all().is_empty() && !founding.objects().is_empty());
}
