//! How many sealed reads whose nodes are still to open, and by when.

use crate::wire;

/// More that a department is to open by a date.
pub(super) fn add(list: &mut Vec<wire::UnopenedCount>, more: wire::UnopenedCount) {
    let order = |one: &wire::UnopenedCount| {
        (one.department.as_str(), one.due_ms).cmp(&(more.department.as_str(), more.due_ms))
    };
    match list.binary_search_by(order) {
        Ok(at) => {
            if let Some(one) = list.get_mut(at) {
                one.count = one.count.saturating_add(more.count);
                one.blamed = one.blamed.saturating_add(more.blamed);
            }
        }
        Err(at) => list.insert(at, more),
    }
}

/// So many of a department are opened: of those that are due on a date; where its time began anew, of those for which it was not
/// blamed, the first that are due first.
pub(super) fn take(
    list: &mut Vec<wire::UnopenedCount>,
    department: &str,
    due_ms: u64,
    mut count: u64,
) {
    let mut own: Vec<_> = list.iter_mut().filter(|one| one.department == department).collect();
    own.sort_by_key(|one| (one.due_ms != due_ms, one.count == one.blamed, one.due_ms));
    for one in own {
        let some = count.min(one.count);
        count = count.saturating_sub(some);
        one.count = one.count.saturating_sub(some);
        one.blamed = one.blamed.min(one.count);
    }
    list.retain(|one| one.count > 0);
}
