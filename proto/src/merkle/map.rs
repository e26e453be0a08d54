//! The map: a binary trie from keys to values of 32 bytes, most significant bit first.
//!
//! A subtree with one leaf *is* that leaf; an empty subtree, and the empty map, is 32 zero bytes.

use crate::suite::hash::{self, Domain};
use crate::types::{Hash, limits::MAP_DEPTH};
use crate::wire;

/// `H_mapleaf(key ‖ value)`.
pub fn leaf(key: &Hash, value: &Hash) -> Hash {
    hash::pair(Domain::MapLeaf, key, value)
}

/// `H_mapnode(left ‖ right)`.
pub fn node(left: &Hash, right: &Hash) -> Hash {
    hash::pair(Domain::MapNode, left, right)
}

/// Bit `depth` of a key, most significant first; false beyond its end.
pub fn bit(key: &Hash, depth: usize) -> bool {
    let byte = key.as_bytes().get(depth / 8).copied().unwrap_or(0);
    byte & (0x80u8 >> (depth % 8)) != 0
}

/// How many leading bits two keys share.
pub fn shared_bits(a: &Hash, b: &Hash) -> usize {
    let mut shared = 0usize;
    for (x, y) in a.as_bytes().iter().zip(b.as_bytes()) {
        let zeros = (x ^ y).leading_zeros() as usize;
        shared = shared.saturating_add(zeros);
        if zeros < 8 {
            break;
        }
    }
    shared
}

/// A path from the root down to a leaf or an empty place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MapPath {
    /// Siblings from the root down; zeros where there is none.
    pub siblings: Vec<Hash>,
    /// For absence: another leaf (key, value) that stands where the key would.
    pub other: Option<(Hash, Hash)>,
}

/// A path in a proof file that is not well formed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("malformed map path: {0}")]
pub struct MalformedPath(&'static str);

impl MapPath {
    /// The root to which this path leads if `key` maps to `value`.
    pub fn root_with(&self, key: &Hash, value: &Hash) -> Option<Hash> {
        if self.other.is_some() {
            return None;
        }
        Some(self.fold(key, leaf(key, value)))
    }

    /// The root to which this path leads if `key` is not in the map.
    pub fn root_without(&self, key: &Hash) -> Option<Hash> {
        match &self.other {
            None => Some(self.fold(key, Hash::ZERO)),
            Some((other, _)) if other == key => None,
            Some((other, _)) if shared_bits(other, key) < self.siblings.len() => None,
            Some((other, value)) => Some(self.fold(key, leaf(other, value))),
        }
    }

    fn fold(&self, key: &Hash, bottom: Hash) -> Hash {
        self.siblings.iter().enumerate().rev().fold(bottom, |below, (depth, sibling)| {
            if bit(key, depth) { node(sibling, &below) } else { node(&below, sibling) }
        })
    }

    /// As it stands in a proof file: empty siblings left out.
    pub fn to_wire(&self) -> wire::MapProof {
        let mut bitmap = vec![0u8; self.siblings.len().div_ceil(8)];
        let mut siblings = Vec::new();
        for (depth, sibling) in self.siblings.iter().enumerate() {
            if *sibling != Hash::ZERO {
                siblings.push(sibling.to_vec());
                if let Some(byte) = bitmap.get_mut(depth / 8) {
                    *byte |= 0x80u8 >> (depth % 8);
                }
            }
        }
        let (other_key, other_value) =
            self.other.map_or_else(Default::default, |(k, v)| (k.to_vec(), v.to_vec()));
        let depth = u32::try_from(self.siblings.len()).unwrap_or(u32::MAX);
        wire::MapProof { bitmap, depth, siblings, other_key, other_value }
    }

    /// From a proof file. Errors where counts, bits and hashes do not fit together.
    pub fn from_wire(proof: &wire::MapProof) -> Result<Self, MalformedPath> {
        let depth = usize::try_from(proof.depth).unwrap_or(usize::MAX);
        if depth > MAP_DEPTH {
            return Err(MalformedPath("deeper than 256 levels"));
        }
        if proof.bitmap.len() != depth.div_ceil(8) {
            return Err(MalformedPath("the bitmap does not have one bit a level"));
        }
        let mut given = proof.siblings.iter();
        let mut siblings = Vec::with_capacity(depth);
        for level in 0..depth {
            let byte = proof.bitmap.get(level / 8).copied().unwrap_or(0);
            let present = byte & (0x80u8 >> (level % 8)) != 0;
            siblings.push(if present { next_hash(&mut given)? } else { Hash::ZERO });
        }
        if given.next().is_some() {
            return Err(MalformedPath("more siblings than the bitmap names"));
        }
        let other = match (proof.other_key.as_slice(), proof.other_value.as_slice()) {
            ([], []) => None,
            (key, value) => Some((to_hash(key)?, to_hash(value)?)),
        };
        let spare = (depth..proof.bitmap.len().saturating_mul(8)).any(|level| {
            proof.bitmap.get(level / 8).is_some_and(|b| b & (0x80u8 >> (level % 8)) != 0)
        });
        if spare {
            return Err(MalformedPath("bits beyond the depth"));
        }
        Ok(Self { siblings, other })
    }
}

fn next_hash<'a>(given: &mut impl Iterator<Item = &'a Vec<u8>>) -> Result<Hash, MalformedPath> {
    let bytes = given.next().ok_or(MalformedPath("fewer siblings than the bitmap names"))?;
    let hash = to_hash(bytes)?;
    if hash == Hash::ZERO { Err(MalformedPath("an empty sibling written out")) } else { Ok(hash) }
}

fn to_hash(bytes: &[u8]) -> Result<Hash, MalformedPath> {
    Hash::from_slice(bytes).map_err(|_| MalformedPath("a hash that does not have 32 bytes"))
}
