//! Events as a node sends them to a client, and as the client shows them.

#![no_main]

use liuhen_cli::rows::{line, row};
use liuhen_client::event::{Event, Names};
use liuhen_proto::event::{EventLeaf, ledger::LedgerEvent};
use liuhen_proto::items;
use liuhen_proto::wire::TrailEvent;
use prost::Message;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(mut event) = TrailEvent::decode(bytes) else { return };
    show(&event);
    if let Some(leaf) = leaf(&event) {
        event.leaf = leaf;
        show(&event);
    }
});

/// The leaf with the digest of the bytes that came with it: a fuzzer can't hash.
fn leaf(event: &TrailEvent) -> Option<Vec<u8>> {
    let mut leaf = EventLeaf::from_bytes(&event.leaf)?;
    leaf.digest = match event.ledger_event.as_slice() {
        [] => items::item_digest(&event.item),
        bytes => LedgerEvent::parse(bytes).ok()?.digest(),
    };
    Some(leaf.to_bytes().to_vec())
}

fn show(event: &TrailEvent) {
    if let Ok(event) = Event::from_wire(event) {
        let row = row(&event, &Names::default());
        assert!(line(&row).ends_with('\n'));
    }
}
