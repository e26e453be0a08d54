//! Working days (工作日) on the consortium's calendar: local time +08:00, Monday to Friday, but for
//! holidays and make-up days (调休).

use super::{Draft, Halt};
use crate::place::Place;
use crate::types::{TimeMs, limits};
use crate::wire::{self, Calendar, ledger_event::Kind};
use jiff::civil::{Date, Weekday};
use std::sync::Arc;

/// Milliseconds by which local time (+08:00) is ahead of UTC.
const LOCAL_OFFSET_MS: u64 = 8 * 3600 * 1000;
/// Milliseconds of an hour.
pub const HOUR_MS: u64 = 3600 * 1000;
/// Milliseconds of a day.
pub const DAY_MS: u64 = 24 * HOUR_MS;
/// Days of a month by which sealed records are counted.
pub const SEALED_MONTH_DAYS: u64 = 30;
/// Days that a deadline may take at most, working or not.
const DAYS_AT_MOST: u64 = 3 * 366;

/// The number of the local day of a time, from 1970-01-01.
pub fn day_of(time: TimeMs) -> u64 {
    time.get().saturating_add(LOCAL_OFFSET_MS) / DAY_MS
}

/// When a local day begins.
pub fn begin_of(day: u64) -> TimeMs {
    TimeMs::new(day.saturating_mul(DAY_MS).saturating_sub(LOCAL_OFFSET_MS))
}

/// The number of the hour of a time, from 1970-01-01 UTC.
pub fn hour_of(time: TimeMs) -> u64 {
    time.get() / HOUR_MS
}

/// The month of a time by which sealed records are counted.
pub fn sealed_month(time: TimeMs) -> u32 {
    u32::try_from(day_of(time) / SEALED_MONTH_DAYS).unwrap_or(u32::MAX)
}

/// When a month begins by which sealed records are counted.
pub fn begin_of_sealed_month(month: u32) -> TimeMs {
    begin_of(u64::from(month).saturating_mul(SEALED_MONTH_DAYS))
}

/// Before which month sealed records are told at a time: a whole month lies between, so that the count
/// tells nobody of an investigation that runs.
pub fn sealed_told_before(time: TimeMs) -> u32 {
    sealed_month(time).saturating_sub(1)
}

/// Minutes since local midnight, and the weekday's bit: Monday 1 … Sunday 64.
pub fn minute_and_weekday(time: TimeMs) -> (u32, u32) {
    let into_day = time.get().saturating_add(LOCAL_OFFSET_MS) % DAY_MS;
    let minute = u32::try_from(into_day / 60_000).unwrap_or(0);
    (minute, 1 << weekday(day_of(time)))
}

/// 0 for Monday. 1970-01-01 was a Thursday.
fn weekday(day: u64) -> u64 {
    day.saturating_add(3) % 7
}

fn date_of(day: u64) -> Option<Date> {
    let days = i64::try_from(day).ok()?;
    let epoch = Date::new(1970, 1, 1).ok()?;
    epoch.checked_add(jiff::Span::new().try_days(days).ok()?).ok()
}

/// Whether a calendar's lists are days of its year in order, its holidays on weekdays and its
/// make-up days on weekends.
pub fn is_sound(calendar: &Calendar) -> bool {
    let Ok(year) = i16::try_from(calendar.year) else { return false };
    let Ok(first) = Date::new(year, 1, 1) else { return false };
    let ascending = |days: &[u32]| days.iter().zip(days.iter().skip(1)).all(|(a, b)| a < b);
    let on = |days: &[u32], weekend: bool| {
        days.iter().all(|day| {
            let behind = i64::from(*day).saturating_sub(1);
            let date = first.checked_add(jiff::Span::new().days(behind.clamp(0, 400)));
            date.is_ok_and(|date| {
                let is_weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
                *day > 0 && date.year() == year && is_weekend == weekend
            })
        })
    };
    ascending(&calendar.holidays)
        && ascending(&calendar.make_up_days)
        && on(&calendar.holidays, false)
        && on(&calendar.make_up_days, true)
        && !calendar.missing
}

/// Whether a local day is worked on.
fn is_working(day: u64, calendar: &Calendar) -> bool {
    let of_year = date_of(day).map_or(0, |date| u32::try_from(date.day_of_year()).unwrap_or(0));
    if weekday(day) < 5 {
        !calendar.holidays.contains(&of_year)
    } else {
        calendar.make_up_days.contains(&of_year)
    }
}

/// The end of the last of so many working days, the first being the one after today. A year without
/// a calendar raises an alert, once, and Monday to Friday are taken for it.
pub(crate) fn due(draft: &mut Draft<'_>, working_days: u32) -> Result<TimeMs, Halt> {
    let today = day_of(draft.context().time);
    let mut left = working_days.min(limits::DEADLINE_DAYS);
    let mut of_year: Option<Arc<Calendar>> = None;
    let mut day = today;
    while left > 0 && day < today.saturating_add(DAYS_AT_MOST) {
        day = day.saturating_add(1);
        let year = date_of(day).map_or(0, |date| u32::try_from(date.year()).unwrap_or(0));
        let calendar = match of_year.filter(|it| it.year == year) {
            Some(known) => known,
            None => calendar_of(draft, year)?,
        };
        if is_working(day, &calendar) {
            left = left.saturating_sub(1);
        }
        of_year = Some(calendar);
    }
    Ok(begin_of(day.saturating_add(1)))
}

fn calendar_of(draft: &mut Draft<'_>, year: u32) -> Result<Arc<Calendar>, Halt> {
    let place = Place::calendar(year);
    if let Some(known) = draft.get(&place)? {
        return Ok(known);
    }
    let missing = Calendar { year, missing: true, ..Calendar::default() };
    draft.put(place, missing.clone());
    draft.emit(Kind::CalendarMissing(wire::CalendarMissing { year }));
    Ok(Arc::new(missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The day of 2026-11-23, a Monday.
    const MONDAY: u64 = 20_780;

    #[test]
    fn days_begin_at_local_midnight() {
        assert_eq!(date_of(MONDAY).unwrap().to_string(), "2026-11-23");
        assert_eq!(weekday(MONDAY), 0);
        assert_eq!(day_of(begin_of(MONDAY)), MONDAY);
        assert_eq!(day_of(TimeMs::new(begin_of(MONDAY).get() - 1)), MONDAY - 1);
        let noon = begin_of(MONDAY + 6).plus(DAY_MS / 2);
        assert_eq!(minute_and_weekday(noon), (720, 64));
    }

    #[test]
    fn holidays_and_make_up_days() {
        // 2026-11-25 is a holiday (day 329), 2026-11-28, a Saturday, is worked on (day 332).
        let calendar =
            Calendar { year: 2026, holidays: vec![329], make_up_days: vec![332], missing: false };
        assert!(is_sound(&calendar));
        let worked: Vec<bool> = (0..7).map(|n| is_working(MONDAY + n, &calendar)).collect();
        assert_eq!(worked, [true, true, false, true, true, true, false]);
        let bent: [fn(&mut Calendar); 5] = [
            |it| it.holidays = vec![332],
            |it| it.make_up_days = vec![329],
            |it| it.holidays = vec![329, 328],
            |it| it.holidays = vec![0],
            |it| it.holidays = vec![367],
        ];
        for bend in bent {
            let mut it = calendar.clone();
            bend(&mut it);
            assert!(!is_sound(&it), "{it:?}");
        }
    }
}
