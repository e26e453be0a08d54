//! What a lenient decoder would mend, and this one refuses.

use crate::items::{Item, ItemError};
use crate::ledger::tests::items::{item, register};
use crate::wire::item::Kind;
use prost::Message;

/// Bytes that are not UTF-8 are no text, and enum values beyond 32 bits are not cut down.
#[test]
fn what_a_decoder_must_not_mend() {
    let good = item(register("civil.resident", "gz.psb")).unwrap().bytes().to_vec();
    let at = good.windows(5).position(|it| it == b"civil").unwrap();
    let mut bad = good.clone();
    bad[at] = 0xff;
    assert!(matches!(Item::parse(&bad), Err(ItemError::Encoding(_))));

    // Category 2 (tag 6) as 2³² + 2, in the same message with its length mended.
    let wire = crate::wire::Item::decode(good.as_slice()).unwrap();
    let Some(Kind::RegisterDataset(it)) = wire.kind else {
        panic!("another kind");
    };
    let inner = it.encode_to_vec();
    let at = inner.windows(2).position(|it| it == [0x30, 2]).unwrap();
    let long = [&inner[..at], &[0x30, 0x82, 0x80, 0x80, 0x80, 0x10], &inner[at + 2..]].concat();
    let mut whole = vec![10, 16];
    whole.extend([7; 16]);
    whole.push(0x12);
    prost::encoding::encode_varint(long.len() as u64, &mut whole);
    whole.extend(long);
    assert!(matches!(Item::parse(&whole), Err(ItemError::Encoding(_))));
}
