//! What gateways have set aside of a grant's quota, as it stands in the grant's use: for whom it is used, and what a record spends of it.

use crate::types::TimeMs;
use crate::wire::{self, DayUse, GrantUse, Lease};

/// Queries and rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// Queries.
    pub queries: u64,
    /// Rows.
    pub rows: u64,
}

/// Until when a lease must last to be open: records under it may come so much later.
pub(crate) fn open_since(now: TimeMs, parameters: &wire::Parameters) -> TimeMs {
    TimeMs::new(now.get().saturating_sub(parameters.late_age_ms))
}

/// Whether a lease is open.
pub(crate) fn is_open(it: &Lease, since: TimeMs) -> bool {
    it.until_ms > since.get()
}

/// What is left of leases together.
pub(crate) fn sum<'a>(leases: impl Iterator<Item = &'a Lease>) -> Amount {
    leases.fold(Amount::default(), |sum, it| Amount {
        queries: sum.queries.saturating_add(it.queries),
        rows: sum.rows.saturating_add(it.rows),
    })
}

/// What gateways other than this have set aside.
pub(crate) fn of_others(used: &GrantUse, gateway: &[u8], since: TimeMs) -> Amount {
    sum(used.leases.iter().filter(|it| it.gateway_id != gateway && is_open(it, since)))
}

/// What a gateway has left of its lease at a time; `None` without one.
#[must_use]
pub fn own(used: &GrantUse, gateway: &[u8], now: TimeMs) -> Option<Lease> {
    used.leases.iter().find(|it| it.gateway_id == gateway && is_open(it, now)).cloned()
}

/// A gateway used so much: it counts against its own lease, and with what is set aside still it may be more than ever was.
pub(crate) fn spend(used: &mut GrantUse, gateway: &[u8], spent: Amount, day: u64, since: TimeMs) {
    used.leases.retain(|it| is_open(it, since));
    if let Some(own) = used.leases.iter_mut().find(|it| it.gateway_id == gateway) {
        own.queries = own.queries.saturating_sub(spent.queries);
        own.rows = own.rows.saturating_sub(spent.rows);
    }
    let aside = sum(used.leases.iter());
    raise(&mut used.most_queries, used.queries, aside.queries);
    raise(&mut used.most_rows, used.rows, aside.rows);
    if let Some(DayUse { queries, rows, most_queries, most_rows, .. }) =
        used.days.iter_mut().find(|it| it.day == day)
    {
        raise(most_queries, *queries, aside.queries);
        raise(most_rows, *rows, aside.rows);
    }
}

fn raise(most: &mut u64, used: u64, aside: u64) {
    if aside > 0 {
        *most = (*most).max(used.saturating_add(aside));
    }
}

/// The counters as they may have been at most when something was counted on them that is counted by now: what was set aside then is not
/// known, but that it was never more beside what was used.
pub(crate) fn at_most(mut used: GrantUse) -> GrantUse {
    used.leases.clear();
    used.queries = used.queries.max(used.most_queries);
    used.rows = used.rows.max(used.most_rows);
    for it in &mut used.days {
        it.queries = it.queries.max(it.most_queries);
        it.rows = it.rows.max(it.most_rows);
    }
    used
}
