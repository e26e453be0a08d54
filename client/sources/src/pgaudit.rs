//! Reading a PostgreSQL server's jsonlog with pgAudit.
//!
//! pgAudit writes one line for each audited relation of a statement: session id, statement number
//! and substatement number tell which lines are one statement. Statements that the server refused
//! for lack of permission stand as errors with state code 42501.

use crate::log::{self, Log, NotRead, Statement};
use crate::mapping::Mapping;
use crate::sql;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use liuhen_client::error::ClientError;
use liuhen_proto::wire::Operation;
use regex::Regex;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeSet;

/// State code of «insufficient privilege».
const DENIED: &str = "42501";
#[derive(Debug, Deserialize)]
struct Line {
    timestamp: String,
    user: Option<Text>,
    dbname: Option<Text>,
    session_id: String,
    line_num: u64,
    error_severity: String,
    state_code: Option<String>,
    message: Text,
    statement: Option<Text>,
}

/// A text of a log, which is of the server's encoding, or of each session's.
#[derive(Debug, Clone, Default)]
struct Text(Vec<u8>);

impl Text {
    fn shown(&self) -> String {
        shown(&self.0)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Takes;

        impl Visitor<'_> for Takes {
            type Value = Text;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Text, E> {
                Ok(Text(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(Takes)
    }
}

/// Bytes as text: what is no UTF-8 as `\xNN`, so that texts that differ are shown as such.
fn shown(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02X}")));
    }
    text
}

/// Reads lines of a jsonlog.
pub struct Reader<'a> {
    mapping: &'a Mapping,
    zone: TimeZone,
    denied_table: Regex,
}

impl<'a> Reader<'a> {
    /// By a mapping. Errors for a time zone that there is not.
    pub fn new(mapping: &'a Mapping) -> Result<Self, ClientError> {
        Ok(Self {
            mapping,
            zone: TimeZone::get(&mapping.time_zone).map_err(ClientError::failed)?,
            denied_table: Regex::new(
                r"^permission denied for (?:table|view|materialized view) (.+)$",
            )
            .map_err(ClientError::failed)?,
        })
    }
}

impl log::Reader for Reader<'_> {
    fn line(&self, bytes: &[u8], log: &mut Log) -> Result<(), NotRead> {
        let line: Line = serde_json::from_slice(bytes).map_err(|error| {
            let why = format!("no jsonlog line: {error}");
            if error.is_eof() { NotRead::CutOff(why) } else { NotRead::Unknown(why) }
        })?;
        let audit = line.message.0.strip_prefix(b"AUDIT: ");
        let denied = line.error_severity == "ERROR" && line.state_code.as_deref() == Some(DENIED);
        if audit.is_none() && !denied {
            log.other_lines += 1;
            return Ok(());
        }
        let database = line.dbname.as_ref().ok_or("no database is named")?.shown();
        if !self.mapping.databases.contains(&database) {
            log.other_databases += 1;
            return Ok(());
        }
        let told = match audit {
            Some(audit) => self.audited(&line, database, audit)?,
            None => Some(self.denied(&line, database)?),
        };
        let Some((mut statement, text)) = told else {
            log.other_lines += 1;
            return Ok(());
        };
        let (tag, contradictory) = named_grant(&text);
        statement.tag = tag;
        log.add(statement, contradictory);
        Ok(())
    }
}

impl Reader<'_> {
    /// The statement of an entry, without a grant, and the text whose comments may name one; `None` where it is no access.
    fn audited(
        &self,
        line: &Line,
        database: String,
        audit: &[u8],
    ) -> Result<Option<(Statement, String)>, NotRead> {
        let mut rows = csv::ReaderBuilder::new().has_headers(false).from_reader(audit);
        let fields = rows.byte_records().next().ok_or("an empty AUDIT entry")?;
        let fields = fields.map_err(|e| format!("AUDIT entry: {e}"))?;
        let raw = |n: usize| fields.get(n).ok_or_else(|| format!("AUDIT entry without field {n}"));
        let field = |n: usize| raw(n).map(shown);
        let (number, substatement) = (field(1)?, field(2)?);
        let (class, command) = (field(3)?, field(4)?);
        let relation = field(6)?;
        if relation.is_empty() && touches_nothing(&class, &command) {
            return Ok(None);
        }
        let operation = operation(&class, &command)?;
        if relation.is_empty() {
            return Err(format!("{command} names no relation").into());
        }
        let dataset = self.mapping.dataset(&database, &relation);
        let dataset = dataset
            .ok_or_else(|| format!("relation {database}.{relation} is not in the mapping"))?;
        let text = field(7)?;
        let statement = Statement {
            reference: format!("{}/{number}/{substatement}", line.session_id),
            time_ms: self.time(&line.timestamp)?,
            role: line.user.as_ref().ok_or("no role is named")?.shown(),
            touched: BTreeSet::from([(dataset.to_owned(), operation as i32)]),
            tag: None,
            rows: field(9)?.parse().map_err(|_| "the row count is no number".to_owned())?,
            denied: false,
            text: [raw(7)?, b"\n", raw(8)?].concat(),
            database,
        };
        Ok(Some((statement, text)))
    }

    fn denied(&self, line: &Line, database: String) -> Result<(Statement, String), NotRead> {
        let whole = line.statement.clone().unwrap_or_default();
        let (text, message) = (whole.shown(), line.message.shown());
        let table = self.denied_table.captures(&message).and_then(|found| found.get(1));
        let table = table.ok_or_else(|| format!("`{message}` names no table"))?.as_str();
        let dataset = self.mapping.dataset_of_table(&database, table.trim_matches('"'));
        let dataset = dataset.ok_or_else(|| {
            format!("table {table} of {database} is not in the mapping, or more than once")
        })?;
        let operation = first_word(&text);
        let statement = Statement {
            reference: format!("{}/line/{}", line.session_id, line.line_num),
            time_ms: self.time(&line.timestamp)?,
            role: line.user.as_ref().ok_or("no role is named")?.shown(),
            touched: BTreeSet::from([(dataset.to_owned(), operation as i32)]),
            tag: None,
            rows: 0,
            denied: true,
            text: whole.0,
            database,
        };
        Ok((statement, text))
    }

    /// A time like `2026-11-23 04:32:01.521 CST`. UTC and an offset stand as they are. An abbreviation is not
    /// unique (CST is China's and Chicago's): it is taken where the mapping's zone has it at that time, and only
    /// then.
    fn time(&self, text: &str) -> Result<u64, NotRead> {
        let bad = || format!("`{text}` is no time of a log");
        let mut parts = text.split_whitespace();
        let (date, clock, zone) = (parts.next(), parts.next(), parts.next());
        let (Some(date), Some(clock), None) = (date, clock, parts.next()) else {
            return Err(bad().into());
        };
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
                NotRead::SetAside(format!("`{text}` is not one time in {}", self.mapping.time_zone))
            })?,
            Some("UTC" | "GMT" | "UCT" | "Z") => {
                Offset::UTC.to_timestamp(local).map_err(|_| bad())?
            }
            Some(zone) => match offset(zone) {
                Some(offset) => offset.to_timestamp(local).map_err(|_| bad())?,
                None => self.abbreviated(local, zone).ok_or_else(|| {
                    let own = &self.mapping.time_zone;
                    NotRead::SetAside(format!("`{text}`: {own} has no time called {zone} then"))
                })?,
            },
        };
        Ok(u64::try_from(at.as_millisecond()).map_err(|_| bad())?)
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

/// The grant that a statement's comments name, and whether they name several that differ: then it is none.
fn named_grant(text: &str) -> (Option<String>, bool) {
    let mut named = sql::values_of("liuhen_grant", &sql::comments(text));
    named.sort();
    named.dedup();
    let contradictory = named.len() > 1;
    let only = named.pop().filter(|it| !contradictory && !it.is_empty());
    (only, contradictory)
}

/// Whether a command that names no relation reads and changes no data: settings, transactions, pings and the like.
fn touches_nothing(class: &str, command: &str) -> bool {
    const COMMANDS: [&str; 20] = [
        "BEGIN",
        "START TRANSACTION",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT",
        "RELEASE",
        "ROLLBACK TO",
        "PREPARE TRANSACTION",
        "SHOW",
        "SET",
        "RESET",
        "DISCARD ALL",
        "LISTEN",
        "UNLISTEN",
        "NOTIFY",
        "CHECKPOINT",
        "DEALLOCATE",
        "DEALLOCATE ALL",
        "LOAD",
        "DO",
    ];
    matches!(class, "MISC" | "MISC_SET" | "FUNCTION") && COMMANDS.contains(&command)
}

/// The operation of a pgAudit class and command.
fn operation(class: &str, command: &str) -> Result<Operation, String> {
    Ok(match (class, command) {
        ("READ", "COPY") => Operation::Export,
        ("READ", _) => Operation::Read,
        ("WRITE", "INSERT" | "COPY") => Operation::Insert,
        ("WRITE", "UPDATE" | "MERGE") => Operation::Update,
        ("WRITE", "DELETE" | "TRUNCATE TABLE") => Operation::Delete,
        ("DDL" | "ROLE" | "MISC" | "MISC_SET", _) => Operation::Admin,
        _ => return Err(format!("unknown class and command {class} {command}")),
    })
}

/// What a refused statement would have done, by its first word; the least is taken for read.
fn first_word(text: &str) -> Operation {
    let text = sql::without_comments(text);
    match text.split_whitespace().next().unwrap_or_default().to_lowercase().as_str() {
        "insert" => Operation::Insert,
        "update" | "merge" => Operation::Update,
        "delete" | "truncate" => Operation::Delete,
        "copy" => Operation::Export,
        _ => Operation::Read,
    }
}

#[cfg(test)]
mod tests;
