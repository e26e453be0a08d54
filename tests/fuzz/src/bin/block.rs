//! Blocks, as they are streamed, synced, logged and kept undecided. The first byte says which.

#![no_main]

use liuhen_node::codec;
use liuhen_node::store::undecided::Undecided;
use liuhen_node::store::{Block, StoredBlock};
use liuhen_proto::tx::Tx;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((which, bytes)) = bytes.split_first() else { return };
    let again = match which % 3 {
        0 => Block::from_bytes(bytes).ok().and_then(|block| read(&block)),
        1 => codec::decode(bytes).ok().and_then(|it: StoredBlock| codec::encode(&it).ok()),
        _ => codec::decode(bytes).ok().and_then(|it: Undecided| codec::encode(&it).ok()),
    };
    assert!(again.is_none_or(|again| again == bytes), "two encodings of one block");
});

/// Reads what a block holds, and encodes it again.
fn read(block: &Block) -> Option<Vec<u8>> {
    let _ = (block.header(), block.last_certificate());
    for transaction in &block.transactions {
        let _ = Tx::parse(transaction);
    }
    codec::encode(block).ok()
}
