//! BLAKE3 in the three modes that the hash domains are made of.

use super::{folder, read};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    key: String,
    context_string: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    input_len: usize,
    hash: String,
    keyed_hash: String,
    derive_key: String,
}

#[test]
fn hash_keyed_hash_and_derive_key() {
    let Some(folder) = folder() else { return };
    let vectors: Vectors = read(&folder.join("blake3/test_vectors.json"));
    let key: [u8; 32] = vectors.key.as_bytes().try_into().unwrap();
    assert_eq!(vectors.cases.len(), 35);
    for case in vectors.cases {
        let size = case.input_len;
        let input: Vec<u8> = (0..=250u8).cycle().take(size).collect();
        let hash = blake3::hash(&input);
        let keyed = blake3::keyed_hash(&key, &input);
        let derived = blake3::derive_key(&vectors.context_string, &input);
        // The vectors go on beyond 32 bytes; the ledger uses the first 32 only.
        assert_eq!(hash.to_hex().as_str(), &case.hash[..64], "{size}");
        assert_eq!(keyed.to_hex().as_str(), &case.keyed_hash[..64], "{size}");
        assert_eq!(hex::encode(derived), case.derive_key[..64], "{size}");
    }
}
