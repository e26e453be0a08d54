//! Range proofs: that these are the leaves `[first, first + n)` of a log.
//!
//! One recursion over the tree of RFC 6962 shape: a subtree outside the range is taken as a hash,
//! a leaf inside is hashed in, everything else splits. Hashes stand left to right.

use super::log::{LogHash, Tree, split, subtree_root};
use crate::types::Hash;

/// The hashes that prove the leaves `[first, end)` of the first `size`.
/// `None` where the range is empty or reaches beyond.
pub fn prove<L: LogHash, T: Tree>(
    tree: &T,
    first: u64,
    end: u64,
    size: u64,
) -> Result<Option<Vec<Hash>>, T::Error> {
    if first >= end || end > size || size > tree.size() {
        return Ok(None);
    }
    let mut hashes = Vec::new();
    // Subtrees still to be visited, the leftmost on top.
    let mut open = vec![(0, size)];
    while let Some((start, stop)) = open.pop() {
        if stop <= first || start >= end {
            hashes.push(subtree_root::<L, T>(tree, start, stop)?);
        } else if start < first || stop > end {
            let middle = start.saturating_add(split(stop.saturating_sub(start)));
            open.push((middle, stop));
            open.push((start, middle));
        }
    }
    Ok(Some(hashes))
}

/// The root that `hashes` lead to when `leaves` stand at `[first, first + leaves.len())` of `size`;
/// `None` where they do not fit or are not all used. An empty range proves nothing, and is refused.
/// The caller compares it with a root that it trusts.
pub fn root_from_range<L: LogHash>(
    size: u64,
    first: u64,
    leaves: &[Hash],
    hashes: &[Hash],
) -> Option<Hash> {
    let end = first.checked_add(u64::try_from(leaves.len()).ok()?)?;
    if leaves.is_empty() || end > size {
        return None;
    }
    let mut walk = Walk { first, end, leaves: leaves.iter(), hashes: hashes.iter() };
    let root = walk.subtree::<L>(0, size)?;
    (walk.leaves.next().is_none() && walk.hashes.next().is_none()).then_some(root)
}

struct Walk<'a> {
    first: u64,
    end: u64,
    leaves: std::slice::Iter<'a, Hash>,
    hashes: std::slice::Iter<'a, Hash>,
}

impl Walk<'_> {
    /// Each level halves the subtree, so the depth is at most 64, whatever a proof says; and only
    /// subtrees that meet the range split, so the work is bounded by leaves and depth.
    fn subtree<L: LogHash>(&mut self, start: u64, stop: u64) -> Option<Hash> {
        if stop <= self.first || start >= self.end {
            return self.hashes.next().copied();
        }
        let size = stop.checked_sub(start)?;
        if size == 1 {
            return self.leaves.next().copied();
        }
        let middle = start.checked_add(split(size))?;
        let left = self.subtree::<L>(start, middle)?;
        let right = self.subtree::<L>(middle, stop)?;
        Some(L::node(&left, &right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::{Blake3Log, MemoryLog, consistency, inclusion};
    use proptest::prelude::*;

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count)
            .map(|i| {
                crate::suite::hash::hash(crate::suite::hash::Domain::Leaf, &[&i.to_be_bytes()])
            })
            .collect()
    }

    proptest! {
        #[test]
        fn ranges_verify_and_nothing_else_does(
            size in 1u64..90, a in 0u64..90, b in 0u64..90, flip in any::<prop::sample::Index>(),
        ) {
            let (first, end) = (a.min(b) % size, (a.max(b) % size) + 1);
            let (first, end) = (first.min(end - 1), end);
            let all = leaves(size);
            let log: MemoryLog<Blake3Log> = all.iter().copied().collect();
            let hashes = prove::<Blake3Log, _>(&log, first, end, size).unwrap().unwrap();
            let inside = &all[first as usize..end as usize];
            let from = |s, f, l: &[Hash], h: &[Hash]| root_from_range::<Blake3Log>(s, f, l, h);
            prop_assert_eq!(from(size, first, inside, &hashes), Some(log.root()));
            // Another place, a dropped leaf, a dropped or doubled hash, a flipped one: never.
            // (A root alone does not bind the size: a trail's value in the map binds both.)
            prop_assert_ne!(from(size, first + 1, inside, &hashes), Some(log.root()));
            prop_assert_ne!(from(size, first, &inside[1..], &hashes), Some(log.root()));
            if !hashes.is_empty() {
                let at = flip.index(hashes.len());
                let mut less = hashes.clone();
                less.remove(at);
                prop_assert_ne!(from(size, first, inside, &less), Some(log.root()));
                let mut more = hashes.clone();
                more.insert(at, hashes[at]);
                prop_assert_ne!(from(size, first, inside, &more), Some(log.root()));
                let mut other = hashes.clone();
                other[at] = all[0];
                if other != hashes {
                    prop_assert_ne!(from(size, first, inside, &other), Some(log.root()));
                }
            }
        }

        #[test]
        fn inclusion_and_consistency(size in 1u64..70, index in 0u64..70, old in 1u64..70) {
            let (index, old) = (index % size, (old - 1) % size + 1);
            let all = leaves(size);
            let log: MemoryLog<Blake3Log> = all.iter().copied().collect();
            let path = inclusion::prove::<Blake3Log, _>(&log, index, size).unwrap().unwrap();
            let root = inclusion::root_from_path::<Blake3Log>(index, size, all[index as usize], &path);
            prop_assert_eq!(root, Some(log.root()));
            let path = consistency::prove::<Blake3Log, _>(&log, old, size).unwrap().unwrap();
            let good = |o, n, p: &[Hash]| {
                consistency::verify::<Blake3Log>(o, n, &log.root_at(old), &log.root(), p)
            };
            prop_assert!(good(old, size, &path));
            if !path.is_empty() {
                prop_assert!(!good(old, size, &path[1..]));
            }
        }
    }

    #[test]
    fn hostile_sizes_cost_nothing() {
        let hash = [leaves(1)[0]];
        let many = vec![hash[0]; 200];
        for size in [2, 1 << 40, u64::MAX] {
            assert!(
                root_from_range::<Blake3Log>(size, size - 1, &hash, &hash).is_none() || size == 2
            );
            assert!(root_from_range::<Blake3Log>(size, 0, &hash, &many).is_none());
            assert!(root_from_range::<Blake3Log>(size, 0, &[], &many).is_none());
        }
        assert!(root_from_range::<Blake3Log>(u64::MAX, u64::MAX, &many, &many).is_none());
    }
}
