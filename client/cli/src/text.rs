//! Times, ids and enum values as people read and write them.

use jiff::{SignedDuration, Timestamp, Zoned, civil, tz::TimeZone};
use liuhen_client::error::ClientError;
use liuhen_proto::wire::{self, Operation};
use prost::Message;
use std::time::Duration;

/// A time in the local zone, with offset.
pub fn time(time_ms: u64) -> String {
    let ms = i64::try_from(time_ms).unwrap_or(i64::MAX);
    match Timestamp::from_millisecond(ms) {
        Ok(at) => at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S%.3f%:z").to_string(),
        Err(_) => format!("{time_ms} ms"),
    }
}

/// Milliseconds of a time given as RFC 3339, or as a day in the local zone.
pub fn parse_time(text: &str) -> Result<u64, ClientError> {
    let at = text
        .parse::<Timestamp>()
        .ok()
        .or_else(|| text.parse::<Zoned>().ok().map(|it| it.timestamp()))
        .or_else(|| {
            let day = text.parse::<civil::Date>().ok()?;
            Some(day.to_zoned(TimeZone::system()).ok()?.timestamp())
        });
    let bad = || {
        ClientError::Usage(format!("`{text}` is no time: 2026-11-23, or 2026-11-23T08:00:00+08:00"))
    };
    u64::try_from(at.ok_or_else(bad)?.as_millisecond()).map_err(|_| bad())
}

/// A span of time: a number and a unit, or several.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let duration: Result<SignedDuration, _> = text.parse();
    let positive = duration.ok().filter(SignedDuration::is_positive);
    let positive = positive.and_then(|it| Duration::try_from(it).ok());
    positive.ok_or_else(|| format!("`{text}`: a number and s, m or h are needed, as in 30s"))
}

/// A duration in milliseconds.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// An operation by its name.
pub fn parse_operation(text: &str) -> Result<Operation, ClientError> {
    let name = format!("OPERATION_{}", text.to_uppercase());
    let known = Operation::from_str_name(&name).filter(|it| *it != Operation::Unspecified);
    known.ok_or_else(|| {
        ClientError::Usage(format!(
            "`{text}` is no operation: read, export, insert, update, delete, admin"
        ))
    })
}

/// An operation's name.
pub fn operation(number: i32) -> String {
    let known = Operation::try_from(number).unwrap_or_default();
    known.as_str_name().trim_start_matches("OPERATION_").to_lowercase()
}

/// How a gateway knew of an access, by its name.
pub fn parse_channel(text: &str) -> Result<wire::Channel, ClientError> {
    let name = format!("CHANNEL_{}", text.to_uppercase());
    let known = wire::Channel::from_str_name(&name).filter(|it| *it != wire::Channel::Unspecified);
    known.ok_or_else(|| ClientError::Usage(format!("`{text}` is no channel: door, api, log, file")))
}

/// A gateway's receipt as text: its message in hexadecimal digits.
pub fn receipt(it: &wire::Receipt) -> String {
    hex::encode(it.encode_to_vec())
}

/// A receipt from its text.
pub fn parse_receipt(text: &str) -> Result<wire::Receipt, ClientError> {
    let bytes =
        hex::decode(text).map_err(|e| ClientError::Usage(format!("receipt `{text}`: {e}")))?;
    wire::Receipt::decode(bytes.as_slice())
        .map_err(|e| ClientError::Usage(format!("receipt `{text}`: {e}")))
}

/// A sharing category by its name.
pub fn parse_category(text: &str) -> Result<wire::Category, ClientError> {
    match text {
        "unconditional" => Ok(wire::Category::Unconditional),
        "conditional" => Ok(wire::Category::Conditional),
        "not-shared" => Ok(wire::Category::NotShared),
        _ => Err(ClientError::Usage(format!(
            "`{text}` is no category: unconditional, conditional, not-shared"
        ))),
    }
}

/// A sharing category's name.
pub fn category(category: wire::Category) -> &'static str {
    match category {
        wire::Category::Unspecified => "",
        wire::Category::Unconditional => "unconditional",
        wire::Category::Conditional => "conditional",
        wire::Category::NotShared => "not-shared",
    }
}

/// An enum value's name without its type's: `REQUEST_STATE_GRANTED` is `granted`.
pub fn state(name: &str, kind: &str) -> String {
    name.trim_start_matches(kind).to_lowercase()
}

/// Thousandths as a decimal number: 1500 is `1.5`.
pub fn thousandths(number: u64) -> String {
    let text = format!("{}.{:03}", number / 1000, number % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The first eight digits of an id, enough for people to tell ids apart.
pub fn short(bytes: &[u8]) -> String {
    hex::encode(bytes).chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        assert_eq!(parse_time("2026-11-23T08:00:00+08:00").unwrap(), 1_795_392_000_000);
        assert_eq!(parse_time("2026-11-23T00:00:00Z").unwrap(), 1_795_392_000_000);
        assert!(parse_time("2026-11-23").is_ok());
        assert!(parse_time("yesterday").is_err());
    }

    #[test]
    fn operations_survive() {
        for name in ["read", "export", "insert", "update", "delete", "admin"] {
            assert_eq!(operation(parse_operation(name).unwrap() as i32), name);
        }
        assert!(parse_operation("unspecified").is_err());
    }
}
