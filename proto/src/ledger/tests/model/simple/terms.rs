//! Terms: whether some allow anything that others do not.

use crate::wire::{self, Delegation, Terms};

/// In which respect `narrow` is wider than `wide`; its people apart, where it has its own.
pub(super) fn wider_in(narrow: &Terms, wide: &Terms, own_people: bool) -> bool {
    let all_fields = |it: &Terms| it.fields.is_empty();
    let fields = if all_fields(narrow) {
        all_fields(wide)
    } else {
        all_fields(wide) || narrow.fields.iter().all(|it| wide.fields.contains(it))
    };
    let people = own_people || narrow.identity_ids.iter().all(|it| wide.identity_ids.contains(it));
    let fits = fields
        && people
        && narrow.division.starts_with(&wide.division)
        && narrow.operations.iter().all(|it| wide.operations.contains(it))
        && narrow.from_ms >= wide.from_ms
        && narrow.until_ms <= wide.until_ms
        && limits(narrow).into_iter().zip(limits(wide)).all(|(a, b)| a <= b)
        && rank(narrow) <= rank(wide)
        && narrow.delegation_depth <= wide.delegation_depth
        && hours_fit(narrow, wide);
    !fits
}

/// Each limit of a quota, where none is beyond all numbers.
fn limits(terms: &Terms) -> [u64; 4] {
    let it = terms.quota.unwrap();
    [it.queries_total, it.rows_total, it.queries_per_day, it.rows_per_day]
        .map(|limit| if limit == 0 { u64::MAX } else { limit })
}

/// Passing on is none, with approval, or freely with notice.
fn rank(terms: &Terms) -> u8 {
    match terms.delegation() {
        Delegation::Unspecified => 0,
        Delegation::Approve => 1,
        Delegation::Notify => 2,
    }
}

/// The same days or fewer, and the same hours or fewer.
fn hours_fit(narrow: &Terms, wide: &Terms) -> bool {
    let Some(wide) = &wide.schedule else { return true };
    let Some(narrow) = &narrow.schedule else { return false };
    let on = |it: &wire::Schedule, day: u32| it.weekdays == 0 || it.weekdays >> day & 1 == 1;
    (0..7).all(|day| !on(narrow, day) || on(wide, day))
        && (0..2880).all(|minute| {
            let within = |it: &wire::Schedule| it.from_minute <= minute && minute < it.until_minute;
            !within(narrow) || within(wide)
        })
}

/// Whether terms allow a minute of a day.
pub(in super::super) fn allows(terms: &Terms, weekday: u64, minute: u64) -> bool {
    terms.schedule.as_ref().is_none_or(|it| in_hours(it, weekday, minute))
}

/// Whether a schedule allows a minute of a day, which belongs to that day or to the one before.
pub(super) fn in_hours(it: &wire::Schedule, weekday: u64, minute: u64) -> bool {
    let within =
        |minute: u64| u64::from(it.from_minute) <= minute && minute < u64::from(it.until_minute);
    let on = |weekday: u64| it.weekdays == 0 || it.weekdays >> weekday & 1 == 1;
    (on(weekday) && within(minute)) || (on((weekday + 6) % 7) && within(minute + 1440))
}
