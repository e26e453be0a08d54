//! The checks of an access that a grant's terms and use decide alone, and what it means that one fails.

use crate::event::{Reason, Verdict};
use crate::items::access::set_aside::{Amount, OfDay};
use crate::ledger::calendar;
use crate::types::{TimeMs, limits::USE_DAYS};
use crate::wire;

/// `Err` holds the first check that failed.
pub(super) type Check = Result<(), (Verdict, Reason)>;

/// What a record does not say hides nothing: it is remembered, and only counts where all that is known
/// holds.
#[derive(Default)]
pub(super) struct Open(Option<(Verdict, Reason)>);

impl Open {
    /// Lets a check pass that left something open.
    pub(super) fn note(&mut self, check: Check) -> Check {
        match check {
            Err(found @ (Verdict::Undetermined, _)) => {
                self.0.get_or_insert(found);
                Ok(())
            }
            decided => decided,
        }
    }

    /// What is open still, where every check passed.
    pub(super) fn last(self) -> Check {
        self.0.map_or(Ok(()), Err)
    }
}

/// A check that must hold, or the access is uncovered.
pub(super) fn ensure(holds: bool, reason: Reason) -> Check {
    if holds { Ok(()) } else { Err((Verdict::Uncovered, reason)) }
}

/// Something that must be known, or it is undetermined.
pub(super) fn known(holds: bool, reason: Reason) -> Check {
    if holds { Ok(()) } else { Err((Verdict::Undetermined, reason)) }
}

/// Whether terms allow an access.
pub(super) fn within(
    it: &wire::RecordAccess,
    access: &wire::DatasetAccess,
    purpose: &str,
    terms: &wire::Terms,
) -> Check {
    let time = it.access_time_ms;
    ensure(terms.from_ms <= time && time < terms.until_ms, Reason::OutsidePeriod)?;
    ensure(terms.operations.contains(&access.operation), Reason::OperationNotGranted)?;
    let in_hours = terms.schedule.as_ref().is_none_or(|it| in_schedule(it, TimeMs::new(time)));
    ensure(in_hours, Reason::OutsideSchedule)?;
    // A standing grant is for any purpose.
    let purpose = if purpose.is_empty() { &it.purpose } else { purpose };
    ensure(it.purpose.is_empty() || it.purpose == purpose, Reason::OtherPurpose)?;
    let all_granted = access.fields.iter().all(|field| terms.fields.contains(field));
    ensure(terms.fields.is_empty() || all_granted, Reason::FieldNotGranted)?;
    known(terms.fields.is_empty() || !access.fields.is_empty(), Reason::FieldsUnknown)?;
    known(!it.purpose.is_empty(), Reason::PurposeUnknown)
}

/// Whether a time lies in the hours of a schedule, which may reach into the day behind.
pub(crate) fn in_schedule(schedule: &wire::Schedule, time: TimeMs) -> bool {
    let hours = schedule.from_minute..schedule.until_minute;
    let (minute, weekday) = calendar::minute_and_weekday(time);
    let on = |weekday: u32| schedule.weekdays == 0 || schedule.weekdays & weekday != 0;
    let day_before = if weekday == 1 { 64 } else { weekday >> 1 };
    let into_day_behind = minute.saturating_add(24 * 60);
    (hours.contains(&minute) && on(weekday)) || (hours.contains(&into_day_behind) && on(day_before))
}

/// What a record adds to the queries and rows under a grant: nothing where another record of its statement is counted there
/// already.
pub(crate) fn adds(it: &wire::RecordAccess, used: &wire::GrantUse) -> (u64, u64) {
    let counted = !it.statement_digest.is_empty() && used.statements.contains(&it.statement_digest);
    if counted { (0, 0) } else { (1, it.row_count.unwrap_or(0)) }
}

/// Whether a quota has room for a record on a day. What others have set aside is used for it, in all, and of the running day.
pub(super) fn quota(
    it: &wire::RecordAccess,
    on: OfDay,
    quota: &wire::Quota,
    used: &wire::GrantUse,
    others: Amount,
) -> Check {
    let (queries, rows) = adds(it, used);
    // What adds nothing takes nothing of what they have.
    let others = if queries == 0 { Amount::default() } else { others };
    let with = |it: Amount| (queries.saturating_add(it.queries), rows.saturating_add(it.rows));
    let of_day = if on.runs { others } else { Amount::default() };
    let ((queries, rows), of_day) = (with(others), with(of_day));
    // 0 is no limit.
    let within =
        |used: u64, more: u64, limit: u64| limit == 0 || used.saturating_add(more) <= limit;
    ensure(within(used.queries, queries, quota.queries_total), Reason::QuotaExceeded)?;
    ensure(within(used.rows, rows, quota.rows_total), Reason::QuotaExceeded)?;
    if quota.queries_per_day > 0 || quota.rows_per_day > 0 {
        let oldest = used.days.first().map_or(0, |it| it.day);
        known(used.days.len() < USE_DAYS || on.day >= oldest, Reason::QuotaDayUnknown)?;
        let today = used.days.iter().find(|it| it.day == on.day).copied().unwrap_or_default();
        ensure(within(today.queries, of_day.0, quota.queries_per_day), Reason::QuotaExceeded)?;
        ensure(within(today.rows, of_day.1, quota.rows_per_day), Reason::QuotaExceeded)?;
    }
    let is_limited = quota.rows_total > 0 || quota.rows_per_day > 0;
    // Whatever else is counted of its statement: a replay does not know that.
    known(!is_limited || it.row_count.is_some(), Reason::RowsUnknown)
}
