//! The times of a log.

use crate::log::NotRead;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

/// Reads times by the zone that the mapping names.
#[derive(Debug)]
pub(crate) struct Times {
    name: String,
    zone: TimeZone,
}

impl Times {
    /// Of a zone of the IANA database. Errors for one that there is not.
    pub(crate) fn new(name: &str) -> Result<Self, jiff::Error> {
        Ok(Self { name: name.to_owned(), zone: TimeZone::get(name)? })
    }

    /// A time like `2026-11-23 04:32:01.521 CST`, also with `T` between day and clock, with an offset right behind the clock, or
    /// as seconds since the Unix epoch. UTC and an offset stand as they are. An abbreviation is not unique (CST is China's and
    /// Chicago's): it is taken where the mapping's zone has it at that time, and only then.
    pub(crate) fn time(&self, text: &str) -> Result<u64, NotRead> {
        let bad = || format!("`{text}` is no time of a log");
        if text.is_empty() {
            let why = "the log does not say when, or not in which year";
            return Err(NotRead::SetAside(why.into()));
        }
        if let Some(time) = since_epoch(text) {
            return Ok(time);
        }
        let text = text.trim();
        let (date, rest) = text.split_once([' ', 'T']).ok_or_else(bad)?;
        let rest = rest.trim_start();
        let end = rest.find(|it: char| !it.is_ascii_digit() && !":.".contains(it));
        let (clock, zone) = rest.split_at_checked(end.unwrap_or(rest.len())).ok_or_else(bad)?;
        let zone = Some(zone.trim()).filter(|it| !it.is_empty());
        let plain_zone =
            |it: &str| it.chars().all(|c| c.is_ascii_alphanumeric() || "+-:".contains(c));
        if zone.is_some_and(|it| !plain_zone(it)) {
            return Err(bad().into());
        }
        // Nothing but digits: what else the parser would take, an offset or a zone, it would not heed.
        let plain = |text: &str, marks: &str| {
            text.chars().all(|it| it.is_ascii_digit() || marks.contains(it))
        };
        if !plain(date, "-") || !plain(clock, ":.") {
            return Err(bad().into());
        }
        let local: DateTime = format!("{date}T{clock}").parse().map_err(|_| bad())?;
        let at = match zone {
            None => self.zone.to_ambiguous_timestamp(local).unambiguous().map_err(|_| {
                NotRead::SetAside(format!("`{text}` is not one time in {}", self.name))
            })?,
            Some("UTC" | "GMT" | "UCT" | "Z") => {
                Offset::UTC.to_timestamp(local).map_err(|_| bad())?
            }
            Some(zone) => match offset(zone) {
                Some(offset) => offset.to_timestamp(local).map_err(|_| bad())?,
                None => self.abbreviated(local, zone).ok_or_else(|| {
                    let own = &self.name;
                    NotRead::SetAside(format!("`{text}`: {own} has no time called {zone} then"))
                })?,
            },
        };
        Ok(u64::try_from(at.as_millisecond()).map_err(|_| bad())?)
    }

    /// The day of a time, in the mapping's zone, `2026-11-23`.
    pub(crate) fn day(&self, time_ms: u64) -> String {
        let at = i64::try_from(time_ms).ok().and_then(|it| Timestamp::from_millisecond(it).ok());
        at.map(|at| at.to_zoned(self.zone.clone()).date().to_string()).unwrap_or_default()
    }

    /// A local time at which the mapping's zone goes by this abbreviation; of two such, where clocks were put back, the
    /// one that does.
    fn abbreviated(&self, local: DateTime, abbreviation: &str) -> Option<Timestamp> {
        let ambiguous = self.zone.to_ambiguous_timestamp(local);
        let either = [ambiguous.earlier().ok(), ambiguous.later().ok()];
        let goes_by = |at: &Timestamp| {
            self.zone.to_offset_info(*at).abbreviation() == abbreviation
                && at.to_zoned(self.zone.clone()).datetime() == local
        };
        either.into_iter().flatten().find(goes_by)
    }
}

/// Seconds since the Unix epoch, with a fraction or without, as milliseconds.
fn since_epoch(text: &str) -> Option<u64> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    if seconds.len() != 10 || !digits(seconds) || !digits(fraction) {
        return None;
    }
    let thousandths: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    seconds.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(thousandths)
}

/// An offset from UTC as PostgreSQL writes one: `+08`, `-03`, `+0530`, `+05:30`.
fn offset(text: &str) -> Option<Offset> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits.replace(':', "")),
        ("-", digits) => (-1, digits.replace(':', "")),
        _ => return None,
    };
    if ![2, 4, 6].contains(&digits.len()) || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let part = |at: usize| digits.get(at..at + 2).map_or(Some(0i32), |it| it.parse().ok());
    let (hours, minutes, seconds) = (part(0)?, part(2)?, part(4)?);
    if minutes > 59 || seconds > 59 {
        return None;
    }
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60 + seconds)).ok()
}
