//! Subject tags (数据主体标识): keyed pseudonyms, in two steps.
//!
//! ```text
//! subject key = H_subject(year key ‖ number)        shown by a subject to read its own trail
//! tag         = H_tag(subject key)                  what stands on the ledger
//! ```
//!
//! The year key never leaves the collector's tag service. Whoever holds only tags can neither guess
//! numbers nor show the subject key; who holds a subject key knows that one subject of that year.

use crate::merkle::{Blake3Log, MemoryLog, range};
use crate::suite::hash::{self, Domain};
use crate::types::Hash;

/// What a subject, or a regulator in its place, shows to read its trail. `number`: the collector's
/// own for the subject, as its tag service writes it.
pub fn subject_key(year_key: &[u8; 32], number: &str) -> Hash {
    hash::hash(Domain::Subject, &[year_key, number.as_bytes()])
}

/// The tag of a subject key.
pub fn tag(subject_key: &Hash) -> Hash {
    hash::hash(Domain::Tag, &[subject_key.as_bytes()])
}

/// A tag as a leaf of a bulk set's log: `H_tagleaf(tag)`.
pub fn bulk_leaf(tag: &[u8]) -> Hash {
    hash::hash(Domain::TagLeaf, &[tag])
}

/// The root over the tags of a bulk set, which must be strictly ascending.
pub fn bulk_root<'a>(tags: impl IntoIterator<Item = &'a [u8]>) -> Hash {
    crate::merkle::log::root::<Blake3Log>(tags.into_iter().map(bulk_leaf))
}

/// That a tag is in a bulk set, or is not: the tag itself, or its neighbours, with their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkProof {
    /// The place of the first tag shown.
    pub first: u64,
    /// One or two tags, side by side.
    pub tags: Vec<Vec<u8>>,
    /// The hashes of a range proof.
    pub hashes: Vec<Hash>,
}

/// Proves whether a tag is in a set of strictly ascending tags; `None` for an empty set.
pub fn prove_bulk(tags: &[Vec<u8>], tag: &[u8]) -> Option<BulkProof> {
    let (first, end) = match tags.binary_search_by(|it| it.as_slice().cmp(tag)) {
        Ok(at) => (at, at.checked_add(1)?),
        Err(at) => (at.saturating_sub(1), at.saturating_add(1).min(tags.len())),
    };
    let log: MemoryLog<Blake3Log> = tags.iter().map(|tag| bulk_leaf(tag)).collect();
    let number = |at: usize| u64::try_from(at).unwrap_or(u64::MAX);
    let (from, until, size) = (number(first), number(end), number(tags.len()));
    let hashes = range::prove::<Blake3Log, _>(&log, from, until, size).ok()??;
    Some(BulkProof { first: from, tags: tags.get(first..end)?.to_vec(), hashes })
}

/// Whether a tag is in the set of this count and root, of which the ledger has seen that its tags
/// ascend. `None` for a proof that shows neither.
pub fn is_in_bulk(count: u64, root: &Hash, tag: &[u8], proof: &BulkProof) -> Option<bool> {
    let leaves: Vec<Hash> = proof.tags.iter().map(|tag| bulk_leaf(tag)).collect();
    let found = range::root_from_range::<Blake3Log>(count, proof.first, &leaves, &proof.hashes);
    if found != Some(*root) {
        return None;
    }
    let end = proof.first.checked_add(u64::try_from(leaves.len()).ok()?)?;
    match proof.tags.as_slice() {
        [one] if one.as_slice() == tag => Some(true),
        [one] if proof.first == 0 && tag < one.as_slice() => Some(false),
        [one] if end == count && one.as_slice() < tag => Some(false),
        [left, right] if left.as_slice() < tag && tag < right.as_slice() => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_a_bulk_set_or_not() {
        let tags: Vec<Vec<u8>> = (1..=9u8).map(|n| vec![n * 10; 32]).collect();
        let root = bulk_root(tags.iter().map(Vec::as_slice));
        for n in 0..=255u8 {
            let tag = vec![n; 32];
            let proof = prove_bulk(&tags, &tag).unwrap();
            assert_eq!(is_in_bulk(9, &root, &tag, &proof), Some(tags.contains(&tag)), "{n}");
            // The same proof says nothing else of any other tag than is so.
            for other in (0..=255u8).map(|n| vec![n; 32]) {
                let said = is_in_bulk(9, &root, &other, &proof);
                assert!(said.is_none_or(|said| said == tags.contains(&other)), "{n} {other:?}");
            }
            let mut bent = proof.clone();
            bent.first += 1;
            assert_eq!(is_in_bulk(9, &root, &tag, &bent), None, "{n}");
            bent = proof.clone();
            bent.tags[0][0] ^= 1;
            assert_eq!(is_in_bulk(9, &root, &tag, &bent), None, "{n}");
        }
        // Two that are not side by side, with all between them left out.
        let gap =
            BulkProof { first: 0, tags: vec![tags[0].clone(), tags[2].clone()], hashes: vec![] };
        assert_eq!(is_in_bulk(9, &root, &tags[1], &gap), None);
        assert_eq!(prove_bulk(&[], &[1; 32]), None);
    }

    #[test]
    fn pinned_and_apart() {
        let key = subject_key(&[1; 32], "520102199001011234");
        let other_year = subject_key(&[2; 32], "520102199001011234");
        let other = subject_key(&[1; 32], "520102199001011235");
        assert_eq!(tag(&key), tag(&subject_key(&[1; 32], "520102199001011234")));
        assert!(tag(&key) != tag(&other_year) && tag(&key) != tag(&other) && tag(&key) != key);
        let leaf = bulk_leaf(tag(&key).as_bytes());
        assert_eq!(bulk_root([tag(&key).as_bytes().as_slice()]), leaf);
    }
}
