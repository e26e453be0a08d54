//! What records count on a grant: queries and rows, in all and by the day, off what was set aside.

use super::checks;
use super::set_aside::{self, Amount, Holder, OfDay};
use crate::types::{TimeMs, limits};
use crate::wire;

/// What several of a gateway's records together count on a grant: such as came as they happened, an hour ago at most, and are of no statement that others are of
/// too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Uses {
    /// Queries.
    pub queries: u64,
    /// Rows, as far as they are known.
    pub rows: u64,
    /// Records whose rows are unknown.
    pub rows_unknown: u64,
}

/// Adds what a gateway's record counts on a grant that day; leases that end by `since` are over. Whether it was not counted there
/// already.
pub(crate) fn add_use(
    used: &mut wire::GrantUse,
    holder: Holder<'_>,
    it: &wire::RecordAccess,
    on: OfDay,
    since: TimeMs,
) -> bool {
    let (queries, rows) = checks::adds(it, used);
    if queries == 0 {
        return false;
    }
    let uses = Uses { queries, rows, rows_unknown: u64::from(it.row_count.is_none()) };
    add_uses(used, holder, uses, on, since);
    remember(&mut used.statements, &it.statement_digest);
    true
}

/// Adds what one record counts, or several of one day do.
pub(crate) fn add_uses(
    used: &mut wire::GrantUse,
    holder: Holder<'_>,
    uses: Uses,
    on: OfDay,
    since: TimeMs,
) {
    let Uses { queries, rows, rows_unknown } = uses;
    used.queries = used.queries.saturating_add(queries);
    used.rows = used.rows.saturating_add(rows);
    used.rows_unknown = used.rows_unknown.saturating_add(rows_unknown);
    let day = wire::DayUse { day: on.day, queries, rows, ..wire::DayUse::default() };
    count_day(&mut used.days, day);
    set_aside::spend(used, holder, Amount { queries, rows }, on, since);
}

fn count_day(days: &mut Vec<wire::DayUse>, more: wire::DayUse) {
    match days.binary_search_by_key(&more.day, |it| it.day) {
        Ok(at) => {
            if let Some(it) = days.get_mut(at) {
                it.queries = it.queries.saturating_add(more.queries);
                it.rows = it.rows.saturating_add(more.rows);
            }
        }
        // Older than all the days kept: its quota is judged as unknown.
        Err(0) if days.len() >= limits::USE_DAYS => {}
        Err(at) => {
            days.insert(at, more);
            if days.len() > limits::USE_DAYS {
                days.remove(0);
            }
        }
    }
}

/// Remembers a statement that is counted, and forgets the oldest of too many.
fn remember(statements: &mut Vec<Vec<u8>>, digest: &[u8]) {
    if digest.is_empty() {
        return;
    }
    if statements.len() >= limits::USE_STATEMENTS {
        statements.remove(0);
    }
    statements.push(digest.to_vec());
}
