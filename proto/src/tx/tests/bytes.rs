//! The bytes of a transaction, pinned; and any others, refused.

use crate::canonical::CanonicalError;
use crate::items::{Item, ItemError, kind_name};
use crate::suite::sign::PrivateKey;
use crate::tx::{
    Tx, TxError, TxHeader,
    tests::{all_kinds, items, kinds, signer, transaction},
    verify_many,
};
use crate::types::{BlockId, Height, TimeMs, limits};
use crate::wire;
use prost::Message;

#[test]
fn what_is_signed_comes_back() {
    let tx = transaction();
    let again = Tx::parse(tx.raw()).unwrap();
    assert_eq!(again, tx);
    assert_eq!(TxHeader::parse(tx.header_bytes()).unwrap(), *tx.header());
    assert_eq!(tx.header().to_bytes(), tx.header_bytes());
    assert_eq!(tx.items(), items());
    assert_eq!(tx.header().item_count, 6);
    assert_eq!(tx.header().recent_height, Height::new(7));
    assert_eq!((tx.header().number(0), tx.header().number(5), tx.next_seq()), (9, 14, 15));
    assert_eq!(tx.items_log().root(), tx.header().items_root);
    assert!(tx.is_signed_by(&signer().key.public()));
    assert!(!tx.is_signed_by(&PrivateKey::from_seed(&[6; 32]).public()));
    for (item, kind) in tx.items().iter().zip(kinds()) {
        assert_eq!((item.kind(), Item::parse(item.bytes()).as_ref()), (&kind, Ok(item)));
    }
}

#[test]
fn kinds_are_named_as_in_the_proto() {
    let kinds = all_kinds();
    assert_eq!(kinds.len(), 65);
    let names = kinds.iter().map(kind_name);
    let source = include_str!("../../../liuhen/v1/transaction.proto");
    for (tag, name) in (2..).zip(names) {
        let line =
            source.lines().find(|it| it.ends_with(&format!(" = {tag};")) && it.contains(name));
        assert!(line.is_some(), "{name} = {tag}");
    }
}

#[test]
fn an_item_of_every_kind_comes_back() {
    for kind in all_kinds() {
        let item = crate::ledger::tests::items::item(kind.clone()).unwrap();
        assert_eq!((item.kind(), Item::parse(item.bytes()).as_ref()), (&kind, Ok(&item)));
        for end in 0..item.bytes().len() {
            assert!(Item::parse(&item.bytes()[..end]).is_err(), "{} {end}", kind_name(&kind));
        }
    }
}

#[test]
fn batches_are_judged_one_by_one() {
    let good = transaction();
    let mut wire = wire::Transaction::decode(good.raw()).unwrap();
    wire.signature[0] ^= 1;
    let bad = Tx::parse(&wire.encode_to_vec()).unwrap();
    let key = signer().key.public();
    let other = PrivateKey::from_seed(&[6; 32]).public();
    let answers = verify_many(&[(&good, key), (&bad, key), (&good, other), (&good, key)]);
    assert_eq!(answers, [true, false, false, true]);
    assert_ne!(bad.id(), good.id());
}

/// If one of these changes, everything that was ever signed changes with it. The values were
/// computed again from the raw bytes by another implementation of BLAKE3 and of the definitions.
#[test]
fn bytes_are_pinned() {
    let tx = transaction();
    let digest = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
    assert_eq!(digest(tx.raw()), PINNED_RAW);
    assert_eq!(digest(&tx.message()), PINNED_MESSAGE);
    assert_eq!(tx.message(), [b"liuhen/tx/v1\n", tx.header_bytes()].concat());
    assert_eq!(tx.id().to_string(), PINNED_ID);
    assert_eq!(tx.header().items_root.to_string(), PINNED_ROOT);
    assert_eq!(tx.header().key.to_string(), PINNED_KEY);
    assert_eq!(tx.header().request_id(1).to_string(), PINNED_REQUEST);
    let digests: Vec<String> = tx.items().iter().map(|item| item.digest().to_string()).collect();
    assert_eq!(digests, PINNED_DIGESTS);
}

const PINNED_RAW: &str = "9062bf0e48b3a7788b4b5fc27734343f96e6be20a463112fdb9f9c54c945c801";
const PINNED_MESSAGE: &str = "329b5c3c0564e2237bcb3703fce614b9feba2584c70be511d915615ad8fab16e";
const PINNED_ID: &str = "ec8c1dc3b95484fd12e5523638f317be8af67a900a19848443174b13136758d7";
const PINNED_ROOT: &str = "76ce9cd8ac805eba31cb2aa4e1c95d32eb682d18baa2c84ee75cbe461f340c33";
const PINNED_KEY: &str = "78e317ebfa281531c6384c1013aa3659c751b60eeca33564756114414397cd0e";
const PINNED_REQUEST: &str = "9a73b5bace6e48ed278c6de905e24e8eab33657157d7ae66a5165e8fd7e0bea2";
const PINNED_DIGESTS: [&str; 6] = [
    "d89f3b7ed43607cf7cefb39b77b8c59adc2bb21f14ee7f829d3b8e9c8acaa4eb",
    "d39c5f9ab6a805b0afbfc2b31efee2acee629e6dce5aaa445917a0ec7ab4e1c6",
    "bd3ad0efbd4dfa2d18a44117523530642e0efc3e3e0c8ff8183db22e168b76a8",
    "3b8f5bef7b1840fb580e1fd67ec00edae38457b4db9ba37f8dc93af748dd083d",
    "4ebb905f76053a117e61bfa6aac8583180f1810b19abbb0ac296b5c7510cb12d",
    "81977c45df10567aa51d17ee1fca3f5ebb8bada1574580ff8c2a8a806f4be72b",
];

/// What becomes of a transaction with other parts, encoded as it should be.
fn rebuilt(bend: impl FnOnce(&mut wire::Transaction)) -> Result<Tx, TxError> {
    let mut wire = wire::Transaction::decode(transaction().raw()).unwrap();
    bend(&mut wire);
    Tx::parse(&wire.encode_to_vec())
}

/// The same with another header, whose bytes are what they should be.
fn headed(bend: impl FnOnce(&mut wire::TransactionHeader)) -> Result<Tx, TxError> {
    rebuilt(|tx| {
        let mut header = wire::TransactionHeader::decode(tx.header.as_slice()).unwrap();
        bend(&mut header);
        tx.header = header.encode_to_vec();
    })
}

#[test]
fn items_are_those_that_were_signed() {
    assert!(rebuilt(|_| {}).is_ok());
    let count = |stated, found| Err(TxError::ItemCount { stated, found });
    assert_eq!(rebuilt(|tx| tx.items.truncate(5)), count(6, 5));
    assert_eq!(rebuilt(|tx| tx.items.push(tx.items[0].clone())), count(6, 7));
    assert_eq!(rebuilt(|tx| tx.items.clear()), count(6, 0));
    assert_eq!(headed(|it| it.item_count = 5), count(5, 6));
    assert_eq!(rebuilt(|tx| tx.items.swap(0, 1)), Err(TxError::ItemsRoot));
    assert_eq!(rebuilt(|tx| tx.items[0] = tx.items[1].clone()), Err(TxError::ItemsRoot));
    assert_eq!(headed(|it| it.items_root = vec![0; 32]), Err(TxError::ItemsRoot));
    // Another nonce is another item.
    let renonced = rebuilt(|tx| {
        let mut item = wire::Item::decode(tx.items[3].as_slice()).unwrap();
        item.nonce = vec![8; 16];
        tx.items[3] = item.encode_to_vec();
    });
    assert_eq!(renonced, Err(TxError::ItemsRoot));
}

#[test]
fn headers_are_checked() {
    let bends: [fn(&mut wire::TransactionHeader); 13] = [
        |it| it.chain_id.truncate(31),
        |it| it.chain_id.clear(),
        |it| it.key_id.push(0),
        |it| it.key_id.clear(),
        |it| it.recent_block_id.truncate(31),
        |it| it.items_root.push(0),
        |it| it.identity_id.clear(),
        |it| it.identity_id.push(0),
        |it| it.department.clear(),
        |it| it.department = "GZ.PSB".into(),
        |it| it.department = "a".repeat(65),
        |it| it.item_count = 0,
        |it| it.seq = u64::MAX - 5,
    ];
    for (number, bend) in bends.into_iter().enumerate() {
        let found = headed(bend);
        assert!(matches!(found, Err(TxError::Header(_))), "{number}: {found:?}");
    }
    assert!(headed(|it| it.seq = u64::MAX - 6).is_ok());
    assert_eq!(rebuilt(|tx| tx.signature.truncate(63)), Err(TxError::SignatureLength(63)));
    assert_eq!(rebuilt(|tx| tx.signature.push(0)), Err(TxError::SignatureLength(65)));
}

#[test]
fn what_is_too_large_is_refused() {
    let too_long = |found: Result<Tx, TxError>, named: &str| match found {
        Err(TxError::Encoding(CanonicalError::TooLong { what, .. })) => assert_eq!(what, named),
        other => panic!("{other:?}"),
    };
    too_long(Tx::parse(&vec![0; limits::TRANSACTION_BYTES + 1]), "transaction");
    too_long(rebuilt(|tx| tx.header.extend([0; 1024])), "transaction header");
    let found = rebuilt(|tx| tx.items[2] = vec![0; limits::ITEM_BYTES + 1]);
    let Err(TxError::Item { item: 2, why: ItemError::Encoding(why) }) = found else {
        panic!("{found:?}");
    };
    assert!(matches!(why, CanonicalError::TooLong { what: "item", .. }));
    let many = limits::TRANSACTION_ITEMS + 1;
    let found = rebuilt(|tx| tx.items = vec![tx.items[3].clone(); many]);
    assert_eq!(found, Err(TxError::TooManyItems(many)));
    let one = [items()[3].clone()];
    let full = vec![one[0].clone(); limits::TRANSACTION_ITEMS];
    let recent = (Height::new(7), BlockId::new([6; 32]));
    let sign = |items: &[Item]| signer().sign(0, recent, TimeMs::new(1), items);
    assert_eq!(sign(&full).unwrap().items().len(), limits::TRANSACTION_ITEMS);
    assert!(matches!(sign(&[]), Err(TxError::Header(_))));
}

#[test]
fn a_bad_item_is_named() {
    let bad = rebuilt(|tx| {
        let mut item = wire::Item::decode(tx.items[4].as_slice()).unwrap();
        item.nonce.clear();
        tx.items[4] = item.encode_to_vec();
    });
    assert_eq!(bad.unwrap_err().to_string(), "item 4: nonce: 16 bytes are needed");
}

#[test]
fn cut_short_or_lengthened() {
    let raw = transaction().raw().to_vec();
    for end in 0..raw.len() {
        assert!(Tx::parse(&raw[..end]).is_err(), "{end} bytes");
    }
    for more in [&[0u8][..], &[8, 0], &[26, 0], &raw] {
        assert!(Tx::parse(&[&raw, more].concat()).is_err());
    }
}

/// Whoever flips a byte has no transaction, or one that its key did not sign, under another id.
#[test]
fn every_byte_flipped() {
    let good = transaction();
    let key = signer().key.public();
    let mut unsigned = 0;
    for at in 0..good.raw().len() {
        for mask in (0..8).map(|bit| 1u8 << bit).chain([0xff]) {
            let mut raw = good.raw().to_vec();
            raw[at] ^= mask;
            let Ok(tx) = Tx::parse(&raw) else { continue };
            assert_ne!(tx.id(), good.id(), "byte {at} ^ {mask}");
            assert!(!tx.is_signed_by(&key), "byte {at} ^ {mask}");
            unsigned += 1;
        }
    }
    // Header fields and the signature can be flipped and still parse; else nothing was tried.
    assert!(unsigned > 64 * 9, "{unsigned}");
}
