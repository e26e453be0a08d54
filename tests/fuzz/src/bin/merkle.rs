//! Proofs of the log and the map, from numbers and hashes that fit nothing.

#![no_main]

use liuhen_proto::merkle::map::MapPath;
use liuhen_proto::merkle::{Blake3Log, MemoryLog, Peaks, Sha256Log, consistency, inclusion, range};
use liuhen_proto::types::Hash;
use liuhen_proto::wire::MapProof;
use prost::Message;

libfuzzer_sys::fuzz_target!(|input: (u64, u64, u8, &[u8])| {
    let (first, size, split, bytes) = input;
    let (chunks, _) = bytes.as_chunks::<32>();
    let hashes: Vec<Hash> = chunks.iter().copied().map(Hash::new).collect();
    let (leaves, path) = hashes.split_at(usize::from(split).min(hashes.len()));
    numbers(first, size, leaves, path);
    true_proofs(first, leaves);
    if let Ok(proof) = MapProof::decode(bytes) {
        map_path(&proof);
    }
});

/// Proofs whose numbers and hashes come from anywhere.
fn numbers(first: u64, size: u64, leaves: &[Hash], path: &[Hash]) {
    let leaf = leaves.first().copied().unwrap_or_default();
    range::root_from_range::<Blake3Log>(size, first, leaves, path);
    inclusion::root_from_path::<Sha256Log>(first, size, leaf, path);
    consistency::verify::<Sha256Log>(first, size, &leaf, &leaf, path);
    if let Some(mut peaks) = Peaks::new(size, path.to_vec()) {
        peaks.push::<Blake3Log>(leaf);
        peaks.root::<Blake3Log>();
    }
}

/// What is proved of a log that exists must verify.
fn true_proofs(first: u64, leaves: &[Hash]) {
    let log: MemoryLog<Blake3Log> = leaves.iter().copied().collect();
    let size = leaves.len() as u64;
    let Some(first) = first.checked_rem(size) else { return };
    let Some((_, behind)) = leaves.split_at_checked(first as usize) else { return };
    let hashes = range::prove::<Blake3Log, _>(&log, first, size, size).ok().flatten();
    let root = hashes.and_then(|it| range::root_from_range::<Blake3Log>(size, first, behind, &it));
    assert_eq!(root, Some(log.root()));
    let path = inclusion::prove::<Blake3Log, _>(&log, first, size).ok().flatten();
    let leaf = behind.first().copied().unwrap_or_default();
    let root = path.and_then(|it| inclusion::root_from_path::<Blake3Log>(first, size, leaf, &it));
    assert_eq!(root, Some(log.root()));
    let path = consistency::prove::<Blake3Log, _>(&log, first + 1, size).ok().flatten();
    let (old, new) = (log.root_at(first + 1), log.root());
    let extends =
        |it: Vec<Hash>| consistency::verify::<Blake3Log>(first + 1, size, &old, &new, &it);
    assert!(path.is_some_and(extends));
}

fn map_path(proof: &MapProof) {
    let Ok(path) = MapPath::from_wire(proof) else { return };
    assert_eq!(path.to_wire(), *proof);
    let key = path.other.map_or(Hash::ZERO, |(other, _)| other);
    path.root_with(&Hash::ZERO, &key);
    path.root_without(&Hash::ZERO);
    assert!(path.other.is_none() || path.root_without(&key).is_none(), "a key stands and does not");
}
