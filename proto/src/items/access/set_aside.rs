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

/// Who sets something aside, and for records under which grant: of a grant from which several hang, for each of these.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Holder<'a> {
    /// The gateway's id.
    pub(crate) gateway: &'a [u8],
    /// The grant that its records name.
    pub(crate) named: &'a [u8],
}

impl Holder<'_> {
    /// Whether a lease is this one's.
    pub(crate) fn has(&self, it: &Lease) -> bool {
        it.gateway_id == self.gateway && it.request_id == self.named
    }
}

/// The day on which something counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OfDay {
    /// Days since the epoch.
    pub(crate) day: u64,
    /// Whether it is the one of the block: of that, leases take their part.
    pub(crate) runs: bool,
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

/// What a gateway has left at a time of its lease for records under the grant that is named; `None` without one.
#[must_use]
pub fn own(used: &GrantUse, gateway: &[u8], named: &[u8], now: TimeMs) -> Option<Lease> {
    let holder = Holder { gateway, named };
    used.leases.iter().find(|it| holder.has(it) && is_open(it, now)).cloned()
}

/// A gateway used so much: it counts against its own lease, and with what is set aside still it may be more than ever was. What is set aside
/// counts on the running day alone.
pub(crate) fn spend(
    used: &mut GrantUse,
    holder: Holder<'_>,
    spent: Amount,
    day: OfDay,
    since: TimeMs,
) {
    used.leases.retain(|it| is_open(it, since));
    if let Some(own) = used.leases.iter_mut().find(|it| holder.has(it)) {
        own.queries = own.queries.saturating_sub(spent.queries);
        own.rows = own.rows.saturating_sub(spent.rows);
    }
    let aside = sum(used.leases.iter());
    raise(&mut used.most_queries, used.queries, aside.queries);
    raise(&mut used.most_rows, used.rows, aside.rows);
    if let Some(DayUse { queries, rows, most_queries, most_rows, .. }) =
        used.days.iter_mut().find(|it| day.runs && it.day == day.day)
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
