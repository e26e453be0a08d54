//! Consistency proofs: RFC 9162 section 2.1.4.

use super::log::{LogHash, Tree, split, subtree_root};
use crate::types::{Hash, limits::LOG_DEPTH};

/// The proof that the first `old` leaves are a prefix of the first `new`.
/// `None` unless 0 < old ≤ new ≤ the tree's size.
pub fn prove<L: LogHash, T: Tree>(
    tree: &T,
    old: u64,
    new: u64,
) -> Result<Option<Vec<Hash>>, T::Error> {
    if old == 0 || old > new || new > tree.size() {
        return Ok(None);
    }
    let mut path = Vec::new();
    let (mut start, mut end) = (0u64, new);
    // While the old tree still ends inside the subtree [start, end).
    while old != end {
        let middle = start.saturating_add(split(end.saturating_sub(start)));
        if old <= middle {
            path.push(subtree_root::<L, T>(tree, middle, end)?);
            end = middle;
        } else {
            path.push(subtree_root::<L, T>(tree, start, middle)?);
            start = middle;
        }
    }
    if start != 0 {
        path.push(subtree_root::<L, T>(tree, start, end)?);
    }
    path.reverse();
    Ok(Some(path))
}

/// Whether `path` shows that the log of `old` leaves with `old_root` is a prefix of that of `new`
/// leaves with `new_root` (RFC 9162 section 2.1.4.2). An old size of 0 says nothing, and is refused.
pub fn verify<L: LogHash>(
    old: u64,
    new: u64,
    old_root: &Hash,
    new_root: &Hash,
    path: &[Hash],
) -> bool {
    if old == 0 || old > new || path.len() > LOG_DEPTH {
        return false;
    }
    if old == new {
        return path.is_empty() && old_root == new_root;
    }
    roots_from_path::<L>(old, new, old_root, path) == Some((*old_root, *new_root))
}

fn roots_from_path<L: LogHash>(
    old: u64,
    new: u64,
    old_root: &Hash,
    path: &[Hash],
) -> Option<(Hash, Hash)> {
    let shift = old.saturating_sub(1).trailing_ones();
    let mut number = old.saturating_sub(1).checked_shr(shift).unwrap_or(0);
    let mut last = new.saturating_sub(1).checked_shr(shift).unwrap_or(0);
    let (mut first, rest) = if old.is_power_of_two() {
        (*old_root, path)
    } else {
        path.split_first().map(|(f, r)| (*f, r))?
    };
    let mut second = first;
    for sibling in rest {
        if last == 0 {
            return None;
        }
        if number & 1 == 1 || number == last {
            first = L::node(sibling, &first);
            second = L::node(sibling, &second);
            while number & 1 == 0 && number != 0 {
                number >>= 1;
                last >>= 1;
            }
        } else {
            second = L::node(&second, sibling);
        }
        number >>= 1;
        last >>= 1;
    }
    (last == 0).then_some((first, second))
}
