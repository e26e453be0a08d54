//! Inclusion proofs: RFC 9162 section 2.1.3.

use super::log::{LogHash, Tree, split, subtree_root};
use crate::types::{Hash, limits::LOG_DEPTH};

/// The audit path of leaf `index` among the first `size` leaves, from the leaf up.
/// `None` where there is no such leaf.
pub fn prove<L: LogHash, T: Tree>(
    tree: &T,
    index: u64,
    size: u64,
) -> Result<Option<Vec<Hash>>, T::Error> {
    if index >= size || size > tree.size() {
        return Ok(None);
    }
    let mut path = Vec::new();
    let (mut start, mut end) = (0u64, size);
    while end.saturating_sub(start) > 1 {
        let middle = start.saturating_add(split(end.saturating_sub(start)));
        if index < middle {
            path.push(subtree_root::<L, T>(tree, middle, end)?);
            end = middle;
        } else {
            path.push(subtree_root::<L, T>(tree, start, middle)?);
            start = middle;
        }
    }
    path.reverse();
    Ok(Some(path))
}

/// The root that a path leads to from `leaf` at `index` of `size`; `None` if the path does not fit
/// (RFC 9162 section 2.1.3.2). The caller compares it with a root that it trusts.
pub fn root_from_path<L: LogHash>(
    index: u64,
    size: u64,
    leaf: Hash,
    path: &[Hash],
) -> Option<Hash> {
    roots_from_path::<L>(index, size, leaf, path).map(|(root, _)| root)
}

/// The same, and the root over the leaves before `index`: the siblings on the left are its complete
/// subtrees. So a path shows what stood before a leaf, too.
pub fn roots_from_path<L: LogHash>(
    index: u64,
    size: u64,
    leaf: Hash,
    path: &[Hash],
) -> Option<(Hash, Hash)> {
    if index >= size || path.len() > LOG_DEPTH {
        return None;
    }
    let mut number = index;
    let mut last = size.saturating_sub(1);
    let mut node = leaf;
    let mut before: Option<Hash> = None;
    for sibling in path {
        if last == 0 {
            return None;
        }
        if number & 1 == 1 || number == last {
            node = L::node(sibling, &node);
            before = Some(before.map_or(*sibling, |right| L::node(sibling, &right)));
            while number & 1 == 0 && number != 0 {
                number >>= 1;
                last >>= 1;
            }
        } else {
            node = L::node(&node, sibling);
        }
        number >>= 1;
        last >>= 1;
    }
    (last == 0).then(|| (node, before.unwrap_or_else(L::empty)))
}
