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
use serde::Deserialize;
use std::collections::BTreeSet;

/// State code of «insufficient privilege».
const DENIED: &str = "42501";
#[derive(Debug, Deserialize)]
struct Line {
    timestamp: String,
    user: Option<String>,
    dbname: Option<String>,
    session_id: String,
    line_num: u64,
    error_severity: String,
    state_code: Option<String>,
    message: String,
    statement: Option<String>,
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
        let line: Line =
            serde_json::from_slice(bytes).map_err(|e| format!("no jsonlog line: {e}"))?;
        let audit = line.message.strip_prefix("AUDIT: ");
        let denied = line.error_severity == "ERROR" && line.state_code.as_deref() == Some(DENIED);
        if audit.is_none() && !denied {
            log.other_lines += 1;
            return Ok(());
        }
        let database = line.dbname.clone().ok_or("no database is named")?;
        if !self.mapping.databases.contains(&database) {
            log.other_databases += 1;
            return Ok(());
        }
        let (mut statement, text) = match audit {
            Some(audit) => self.audited(&line, database, audit)?,
            None => self.denied(&line, database)?,
        };
        let (tag, contradictory) = named_grant(&text);
        statement.tag = tag;
        log.add(statement, contradictory);
        Ok(())
    }
}

impl Reader<'_> {
    /// The statement of an entry, without a grant, and the text whose comments may name one.
    fn audited(
        &self,
        line: &Line,
        database: String,
        audit: &str,
    ) -> Result<(Statement, String), NotRead> {
        let mut rows = csv::ReaderBuilder::new().has_headers(false).from_reader(audit.as_bytes());
        let fields = rows.records().next().ok_or("an empty AUDIT entry")?;
        let fields = fields.map_err(|e| format!("AUDIT entry: {e}"))?;
        let field =
            |n: usize| fields.get(n).ok_or_else(|| format!("AUDIT entry without field {n}"));
        let (number, substatement) = (field(1)?, field(2)?);
        let operation = operation(field(3)?, field(4)?)?;
        let relation = field(6)?;
        if relation.is_empty() {
            return Err(format!("{} names no relation", field(4)?).into());
        }
        let dataset = self.mapping.dataset(&database, relation);
        let dataset = dataset
            .ok_or_else(|| format!("relation {database}.{relation} is not in the mapping"))?;
        let text = field(7)?;
        let statement = Statement {
            reference: format!("{}/{number}/{substatement}", line.session_id),
            time_ms: self.time(&line.timestamp)?,
            role: line.user.clone().ok_or("no role is named")?,
            touched: BTreeSet::from([(dataset.to_owned(), operation as i32)]),
            tag: None,
            rows: field(9)?.parse().map_err(|_| "the row count is no number".to_owned())?,
            denied: false,
            text: format!("{text}\n{}", field(8)?),
            database,
        };
        Ok((statement, text.to_owned()))
    }

    fn denied(&self, line: &Line, database: String) -> Result<(Statement, String), NotRead> {
        let text = line.statement.clone().unwrap_or_default();
        let table = self.denied_table.captures(&line.message).and_then(|found| found.get(1));
        let table = table.ok_or_else(|| format!("`{}` names no table", line.message))?.as_str();
        let dataset = self.mapping.dataset_of_table(&database, table.trim_matches('"'));
        let dataset = dataset.ok_or_else(|| {
            format!("table {table} of {database} is not in the mapping, or more than once")
        })?;
        let operation = first_word(&text);
        let statement = Statement {
            reference: format!("{}/line/{}", line.session_id, line.line_num),
            time_ms: self.time(&line.timestamp)?,
            role: line.user.clone().ok_or("no role is named")?,
            touched: BTreeSet::from([(dataset.to_owned(), operation as i32)]),
            tag: None,
            rows: 0,
            denied: true,
            text: text.clone(),
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
