//! Subject tags (数据主体标识): keyed pseudonyms, in two steps.
//!
//! ```text
//! subject key = H_subject(year key ‖ number)        shown by a subject to read its own trail
//! tag         = H_tag(subject key)                  what stands on the ledger
//! ```
//!
//! The year key never leaves the collector's tag service. Whoever holds only tags can neither guess
//! numbers nor show the subject key; who holds a subject key knows that one subject of that year.

use crate::hash::{self, Domain};
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
    crate::merkle::log::root::<crate::merkle::Blake3Log>(tags.into_iter().map(bulk_leaf))
}

#[cfg(test)]
mod tests {
    use super::*;

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
