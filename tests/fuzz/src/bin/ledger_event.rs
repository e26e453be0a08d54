//! Events that the ledger's rules make, as proofs and block logs carry them.

#![no_main]

use liuhen_fuzz::both_spellings;
use liuhen_proto::event::ledger::LedgerEvent;
use liuhen_proto::wire;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| both_spellings::<wire::LedgerEvent>(bytes, judge));

fn judge(bytes: &[u8]) {
    let Ok(event) = LedgerEvent::parse(bytes) else { return };
    assert_eq!(LedgerEvent::new(event.cause().clone(), event.kind().clone()), event);
    assert_eq!(event.bytes(), bytes);
    assert!(event.trails().is_sorted() && !event.name().is_empty());
}
