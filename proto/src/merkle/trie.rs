//! The map's trie in memory. Tries are values: an update makes a new one that shares what did not
//! change, so a candidate block holds its own and nothing is rolled back.

use super::map::{self, MapPath, bit};
use crate::types::Hash;
use std::sync::Arc;

/// A map of keys to values with its root.
#[derive(Debug, Clone, Default)]
pub struct Trie {
    root: Link,
}

type Link = Option<Arc<Node>>;

#[derive(Debug)]
enum Node {
    Leaf { key: Hash, value: Hash, hash: Hash },
    Branch { left: Link, right: Link, hash: Hash },
}

impl Node {
    fn hash(&self) -> &Hash {
        match self {
            Self::Leaf { hash, .. } | Self::Branch { hash, .. } => hash,
        }
    }
}

/// One change: a key and its new value, or `None` to take it out.
pub type Change = (Hash, Option<Hash>);

impl Trie {
    /// The root; zeros for the empty map.
    pub fn root(&self) -> Hash {
        link_hash(&self.root)
    }

    /// The trie with these changes made. Of several for one key the last counts.
    #[must_use]
    pub fn with(&self, mut changes: Vec<Change>) -> Self {
        // Stable, so that of equal keys the last given stays last.
        changes.sort_by_key(|(key, _)| *key);
        let mut last_wins: Vec<Change> = Vec::with_capacity(changes.len());
        for change in changes {
            match last_wins.last_mut() {
                Some(before) if before.0 == change.0 => *before = change,
                _ => last_wins.push(change),
            }
        }
        Self { root: update(self.root.clone(), &last_wins, 0) }
    }

    /// The value of a key.
    pub fn get(&self, key: &Hash) -> Option<Hash> {
        let mut link = &self.root;
        for depth in 0.. {
            match link.as_deref()? {
                Node::Leaf { key: found, value, .. } => return (found == key).then_some(*value),
                Node::Branch { left, right, .. } => {
                    link = if bit(key, depth) { right } else { left }
                }
            }
        }
        None
    }

    /// The path that proves `key`'s value, or its absence.
    pub fn prove(&self, key: &Hash) -> MapPath {
        let mut path = MapPath::default();
        let mut link = &self.root;
        while let Some(node) = link.as_deref() {
            match node {
                Node::Leaf { key: found, value, .. } => {
                    path.other = (found != key).then_some((*found, *value));
                    break;
                }
                Node::Branch { left, right, .. } => {
                    let (next, sibling) =
                        if bit(key, path.siblings.len()) { (right, left) } else { (left, right) };
                    path.siblings.push(link_hash(sibling));
                    link = next;
                }
            }
        }
        path
    }
}

fn link_hash(link: &Link) -> Hash {
    link.as_deref().map_or(Hash::ZERO, |node| *node.hash())
}

/// Applies ascending changes, all below this place. Depth is at most 256, the bits of a key.
fn update(link: Link, changes: &[Change], depth: usize) -> Link {
    let Some((first, rest)) = changes.split_first() else {
        return link;
    };
    match link.as_deref() {
        None if rest.is_empty() => new_leaf(first),
        Some(Node::Leaf { key, .. }) if rest.is_empty() && *key == first.0 => new_leaf(first),
        None => descend(None, None, changes, depth),
        Some(Node::Leaf { key, .. }) => {
            if bit(key, depth) {
                descend(None, link, changes, depth)
            } else {
                descend(link, None, changes, depth)
            }
        }
        Some(Node::Branch { left, right, .. }) => {
            descend(left.clone(), right.clone(), changes, depth)
        }
    }
}

fn descend(left: Link, right: Link, changes: &[Change], depth: usize) -> Link {
    let middle = changes.partition_point(|(key, _)| !bit(key, depth));
    let (low, high) = changes.split_at(middle);
    let below = depth.saturating_add(1);
    join(update(left, low, below), update(right, high, below))
}

fn new_leaf((key, value): &Change) -> Link {
    let value = (*value)?;
    Some(Arc::new(Node::Leaf { key: *key, value, hash: map::leaf(key, &value) }))
}

/// A branch, unless what is below is one leaf or nothing: then that.
fn join(left: Link, right: Link) -> Link {
    match (left.as_deref(), right.as_deref()) {
        (None, None | Some(Node::Leaf { .. })) => return right,
        (Some(Node::Leaf { .. }), None) => return left,
        _ => {}
    }
    let hash = map::node(&link_hash(&left), &link_hash(&right));
    Some(Arc::new(Node::Branch { left, right, hash }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// The definition, without sharing: the root of the leaves below a prefix.
    fn naive(leaves: &[(Hash, Hash)], depth: usize) -> Hash {
        match leaves {
            [] => Hash::ZERO,
            [(key, value)] => map::leaf(key, value),
            _ => {
                let (low, high): (Vec<_>, Vec<_>) =
                    leaves.iter().copied().partition(|(key, _)| !bit(key, depth));
                map::node(&naive(&low, depth + 1), &naive(&high, depth + 1))
            }
        }
    }

    /// Keys that share long prefixes, so that deep branches and collapses come up.
    fn key() -> impl Strategy<Value = Hash> {
        (0u8..4, 0u8..4, prop::sample::select(vec![0usize, 1, 15, 31])).prop_map(|(a, b, at)| {
            let mut bytes = [0; 32];
            bytes[0] = a << 6;
            bytes[at] |= b;
            Hash::new(bytes)
        })
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(
            batches in prop::collection::vec(
                prop::collection::vec((key(), prop::option::of(any::<[u8; 32]>())), 0..12), 0..12)
        ) {
            let mut model = BTreeMap::new();
            let mut trie = Trie::default();
            for batch in batches {
                let before = trie.clone();
                let root_before = before.root();
                for (key, value) in &batch {
                    match value {
                        Some(value) => { model.insert(*key, Hash::new(*value)); }
                        None => { model.remove(key); }
                    }
                }
                trie = trie.with(batch.iter().map(|(k, v)| (*k, v.map(Hash::new))).collect());
                let leaves: Vec<_> = model.iter().map(|(k, v)| (*k, *v)).collect();
                prop_assert_eq!(trie.root(), naive(&leaves, 0));
                prop_assert_eq!(before.root(), root_before);
                for (key, _) in &batch {
                    prop_assert_eq!(trie.get(key), model.get(key).copied());
                    let path = trie.prove(key);
                    let again = MapPath::from_wire(&path.to_wire()).unwrap();
                    prop_assert_eq!(&again, &path);
                    match model.get(key) {
                        Some(value) => {
                            prop_assert_eq!(path.root_with(key, value), Some(trie.root()));
                            prop_assert_ne!(path.root_without(key), Some(trie.root()));
                        }
                        None => {
                            prop_assert_eq!(path.root_without(key), Some(trie.root()));
                            let any = Hash::new([7; 32]);
                            prop_assert_ne!(path.root_with(key, &any), Some(trie.root()));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn pinned_roots() {
        let key = |byte: u8| Hash::new([byte; 32]);
        let one = Trie::default().with(vec![(key(1), Some(key(2)))]);
        assert_eq!(one.root(), map::leaf(&key(1), &key(2)));
        let two = one.with(vec![(key(0x81), Some(key(3)))]);
        assert_eq!(two.root(), map::node(&one.root(), &map::leaf(&key(0x81), &key(3))));
        assert_eq!(two.with(vec![(key(0x81), None)]).root(), one.root());
        assert_eq!(one.with(vec![(key(1), None)]).root(), Hash::ZERO);
    }
}
