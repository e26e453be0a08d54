//! Transactions, and what is asked of one that was taken.

#![no_main]

use liuhen_fuzz::both_spellings;
use liuhen_proto::items::{item_digest, trails};
use liuhen_proto::merkle::{Blake3Log, log};
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::tx::Tx;
use liuhen_proto::wire::{Transaction, TransactionHeader};
use prost::Message;
use std::sync::LazyLock;

static KEY: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::from_seed(&[1; 32]));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    both_spellings::<Transaction>(bytes, judge);
    if let Some(bytes) = committed(bytes) {
        judge(&bytes);
    }
});

/// The transaction with a header that commits to the items it has: a fuzzer can't hash.
fn committed(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut tx = Transaction::decode(bytes).ok()?;
    let mut header = TransactionHeader::decode(tx.header.as_slice()).ok()?;
    header.item_count = u32::try_from(tx.items.len()).ok()?;
    header.items_root = log::root::<Blake3Log>(tx.items.iter().map(|it| item_digest(it))).to_vec();
    tx.header = header.encode_to_vec();
    tx.signature.resize(64, 0);
    Some(tx.encode_to_vec())
}

fn judge(bytes: &[u8]) {
    let Ok(tx) = Tx::parse(bytes) else { return };
    assert_eq!(tx.raw(), bytes);
    assert_eq!(tx.header().to_bytes(), tx.header_bytes());
    assert_eq!(tx.items_log().root(), tx.header().items_root);
    assert_eq!(tx.next_seq() - tx.header().seq, tx.items().len() as u64);
    for (number, item) in (0..).zip(tx.items()) {
        assert!(!trails(tx.header(), number, item).is_empty());
    }
    assert!(!tx.is_signed_by(&KEY.public()), "signed by who did not sign");
}
