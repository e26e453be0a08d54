//! A log: the Merkle tree of RFC 6962 section 2.1, which splits at the largest power of two below
//! its size, over a hash of one's choice.

use crate::suite::hash::{self, Domain};
use crate::types::Hash;
use sha2::{Digest, Sha256};
use std::marker::PhantomData;

/// How a log hashes its nodes; leaves come in hashed.
pub trait LogHash {
    /// A node of two subtrees.
    fn node(left: &Hash, right: &Hash) -> Hash;
    /// The root of the empty log.
    fn empty() -> Hash;
}

/// Trails, item lists and the events of a block: `H_node(left ‖ right)`, empty `H_node("")`.
#[derive(Debug, Clone, Copy)]
pub struct Blake3Log;

impl LogHash for Blake3Log {
    fn node(left: &Hash, right: &Hash) -> Hash {
        hash::pair(Domain::Node, left, right)
    }

    fn empty() -> Hash {
        hash::hash(Domain::Node, &[b""])
    }
}

/// The header log: SHA-256(0x01 ‖ left ‖ right), empty SHA-256(""), as RFC 6962 has it.
#[derive(Debug, Clone, Copy)]
pub struct Sha256Log;

impl LogHash for Sha256Log {
    fn node(left: &Hash, right: &Hash) -> Hash {
        let digest =
            Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize();
        Hash::new(digest.into())
    }

    fn empty() -> Hash {
        Hash::new(Sha256::digest([]).into())
    }
}

/// SHA-256(0x00 ‖ data): the leaf hash of RFC 6962.
pub fn sha256_leaf(data: &[u8]) -> Hash {
    Hash::new(Sha256::new().chain_update([0]).chain_update(data).finalize().into())
}

/// The largest power of two below `size`; 1 for sizes below 3.
pub(crate) fn split(size: u64) -> u64 {
    let below = size.saturating_sub(1);
    1u64.checked_shl(63u32.saturating_sub(below.leading_zeros())).unwrap_or(1)
}

/// A log that a prover can read: hashes of its complete subtrees.
pub trait Tree {
    /// What reading may fail with.
    type Error;

    /// Number of leaves.
    fn size(&self) -> u64;

    /// The hash of the complete subtree of `2^level` leaves that begins at leaf
    /// `index · 2^level`. The whole subtree lies below [`Tree::size`].
    fn node(&self, level: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// The root over the leaves `[start, end)` of a tree, where `start` is where a subtree of the
/// RFC 6962 shape begins; of an empty stretch the empty root.
pub fn subtree_root<L: LogHash, T: Tree>(tree: &T, start: u64, end: u64) -> Result<Hash, T::Error> {
    let size = end.saturating_sub(start);
    if size == 0 {
        return Ok(L::empty());
    }
    if size.is_power_of_two() {
        let level = size.trailing_zeros();
        return tree.node(level, start.checked_shr(level).unwrap_or(0));
    }
    let middle = start.saturating_add(split(size));
    let left = subtree_root::<L, T>(tree, start, middle)?;
    let right = subtree_root::<L, T>(tree, middle, end)?;
    Ok(L::node(&left, &right))
}

/// A log's size and the roots of its complete subtrees, largest first: all that appending needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Peaks {
    size: u64,
    hashes: Vec<Hash>,
}

impl Peaks {
    /// From a size and its peaks; `None` unless there is one hash for each bit of the size.
    pub fn new(size: u64, hashes: Vec<Hash>) -> Option<Self> {
        (usize::try_from(size.count_ones()).ok()? == hashes.len()).then_some(Self { size, hashes })
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The peaks, largest first.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Appends a leaf.
    pub fn push<L: LogHash>(&mut self, leaf: Hash) {
        self.push_noting::<L>(leaf, |_, _, _| {});
    }

    /// Appends a leaf, and tells (level, index, hash) of each complete subtree that it closes,
    /// itself included.
    pub fn push_noting<L: LogHash>(&mut self, leaf: Hash, mut note: impl FnMut(u32, u64, Hash)) {
        let mut node = leaf;
        note(0, self.size, node);
        for level in 1..=self.size.trailing_ones() {
            if let Some(left) = self.hashes.pop() {
                node = L::node(&left, &node);
                note(level, self.size.checked_shr(level).unwrap_or(0), node);
            }
        }
        self.hashes.push(node);
        self.size = self.size.saturating_add(1);
    }

    /// The root.
    pub fn root<L: LogHash>(&self) -> Hash {
        let mut from_right = self.hashes.iter().rev();
        let Some(last) = from_right.next() else {
            return L::empty();
        };
        from_right.fold(*last, |right, left| L::node(left, &right))
    }
}

/// The root over leaf hashes.
pub fn root<L: LogHash>(leaves: impl IntoIterator<Item = Hash>) -> Hash {
    let mut peaks = Peaks::default();
    for leaf in leaves {
        peaks.push::<L>(leaf);
    }
    peaks.root::<L>()
}

/// A log wholly in memory, every complete subtree kept: for item lists, events and headers.
#[derive(Debug, Clone)]
pub struct MemoryLog<L> {
    /// Level by level, from the leaves up.
    levels: Vec<Vec<Hash>>,
    shape: PhantomData<L>,
}

impl<L> Default for MemoryLog<L> {
    fn default() -> Self {
        Self { levels: vec![Vec::new()], shape: PhantomData }
    }
}

impl<L: LogHash> MemoryLog<L> {
    /// Appends a leaf hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let Some(row) = self.levels.get_mut(level) else {
                return;
            };
            row.push(node);
            if row.len() % 2 == 1 {
                return;
            }
            let [.., left, right] = row.as_slice() else {
                return;
            };
            node = L::node(left, right);
        }
    }

    /// The root over all leaves.
    pub fn root(&self) -> Hash {
        self.root_at(self.size())
    }

    /// The root over the first `size` leaves; of all of them if there are fewer.
    pub fn root_at(&self, size: u64) -> Hash {
        subtree_root::<L, Self>(self, 0, size.min(self.size())).unwrap_or_else(|_| L::empty())
    }
}

impl<L: LogHash> FromIterator<Hash> for MemoryLog<L> {
    fn from_iter<I: IntoIterator<Item = Hash>>(leaves: I) -> Self {
        let mut log = Self::default();
        for leaf in leaves {
            log.push(leaf);
        }
        log
    }
}

/// A subtree that a log does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the log has no complete subtree {index} at level {level}")]
pub struct NoSuchNode {
    /// The level asked for.
    pub level: u32,
    /// The index asked for.
    pub index: u64,
}

impl<L: LogHash> Tree for MemoryLog<L> {
    type Error = NoSuchNode;

    fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }

    fn node(&self, level: u32, index: u64) -> Result<Hash, NoSuchNode> {
        let row = usize::try_from(level).ok().and_then(|level| self.levels.get(level));
        let hash = usize::try_from(index).ok().and_then(|index| row?.get(index));
        hash.copied().ok_or(NoSuchNode { level, index })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 6962 section 2.1, word for word.
    pub(crate) fn naive<L: LogHash>(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => L::empty(),
            [only] => *only,
            _ => {
                let mut k = 1;
                while k * 2 < leaves.len() {
                    k *= 2;
                }
                L::node(&naive::<L>(&leaves[..k]), &naive::<L>(&leaves[k..]))
            }
        }
    }

    proptest! {
        #[test]
        fn peaks_and_memory_log_agree_with_the_definition(
            leaves in proptest::collection::vec(any::<[u8; 32]>(), 0..70)
        ) {
            let leaves: Vec<Hash> = leaves.into_iter().map(Hash::new).collect();
            let expected = naive::<Blake3Log>(&leaves);
            prop_assert_eq!(root::<Blake3Log>(leaves.iter().copied()), expected);
            let log: MemoryLog<Blake3Log> = leaves.iter().copied().collect();
            prop_assert_eq!(log.root(), expected);
            for size in 0..=leaves.len() {
                prop_assert_eq!(log.root_at(size as u64), naive::<Blake3Log>(&leaves[..size]));
            }
        }
    }

    #[test]
    fn splits() {
        for (size, expected) in [(2, 1), (3, 2), (4, 2), (5, 4), (8, 4), (9, 8)] {
            assert_eq!(split(size), expected, "{size}");
        }
        assert_eq!(split(u64::MAX), 1 << 63);
    }
}
