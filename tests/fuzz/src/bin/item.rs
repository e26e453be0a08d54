//! Items of transactions: checks that need no ledger, and the trails that they are in.

#![no_main]

use liuhen_fuzz::{both_spellings, transaction_header};
use liuhen_proto::items::{Item, cosign_message, kind_name, trails};
use liuhen_proto::wire;
use std::collections::BTreeSet;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| both_spellings::<wire::Item>(bytes, judge));

fn judge(bytes: &[u8]) {
    let Ok(item) = Item::parse(bytes) else { return };
    let again = Item::new(item.nonce(), item.kind().clone());
    assert_eq!(again.as_ref(), Ok(&item), "{}", kind_name(item.kind()));
    assert_eq!(item.bytes(), bytes);
    let header = transaction_header();
    let places = trails(&header, u32::MAX, &item);
    assert_eq!(places.iter().collect::<BTreeSet<_>>().len(), places.len(), "a trail twice");
    cosign_message(&header.chain, item.kind());
}
