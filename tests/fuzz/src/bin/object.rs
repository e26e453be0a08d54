//! Objects of the map. The first byte is the kind.

#![no_main]

use liuhen_proto::ledger::Object;
use liuhen_proto::place::ObjectKind;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let Some(kind) = ObjectKind::from_byte(*kind) else { return };
    let Ok(object) = Object::from_bytes(kind, bytes) else { return };
    assert_eq!((object.kind(), object.to_bytes().as_slice()), (kind, bytes));
});
