//! Reading a PostgreSQL server's jsonlog with pgAudit.
//!
//! pgAudit writes one line for each audited relation of a statement: session id, statement number
//! and substatement number tell which lines are one statement. Statements that the server refused
//! for lack of permission stand as errors with state code 42501.

use super::mapping::Mapping;
use crate::error::ClientError;
use flate2::read::MultiGzDecoder;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use liuhen_proto::wire::Operation;
use regex::Regex;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// State code of «insufficient privilege».
const DENIED: &str = "42501";
/// A line longer than this is no line of a log.
const LINE_BYTES: usize = 16 * 1024 * 1024;

/// One statement, with all its relations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What tells it from all others of the server: session, statement and substatement.
    pub reference: String,
    /// Milliseconds since the Unix epoch, as the log has it.
    pub time_ms: u64,
    /// The database.
    pub database: String,
    /// The database role.
    pub role: String,
    /// Datasets touched, with the operation on each.
    pub touched: BTreeSet<(String, i32)>,
    /// The grant named in its comment.
    pub tag: Option<String>,
    /// Rows returned or changed.
    pub rows: u64,
    /// Whether the server refused it.
    pub denied: bool,
    /// Its text and parameters; they never leave this machine.
    pub text: String,
}

/// A log, read.
#[derive(Debug, Default)]
pub struct Log {
    /// Lines.
    pub lines: u64,
    /// Lines that tell of no access.
    pub other_lines: u64,
    /// Lines of databases that the mapping does not name.
    pub other_databases: u64,
    /// Lines that could not be understood: number and why.
    pub unknown: Vec<(u64, String)>,
    /// Statements in the order of their first lines.
    pub statements: Vec<Statement>,
    by_reference: BTreeMap<String, usize>,
}

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

/// Reads a log, plain or gzip. Stops at the first line that can't be understood, with its number,
/// unless those are to be skipped.
pub fn read(path: &Path, mapping: &Mapping, skip_unknown: bool) -> Result<Log, ClientError> {
    let lines = open(path);
    let lines = lines.map_err(|e| ClientError::Failed(format!("{}: {e}", path.display())))?;
    read_lines(lines, path, mapping, skip_unknown)
}

/// Reads the lines of a log, as [`read`] does; `path` names it in errors.
pub fn read_lines(
    mut lines: impl BufRead,
    path: &Path,
    mapping: &Mapping,
    skip_unknown: bool,
) -> Result<Log, ClientError> {
    let at = |e: std::io::Error| ClientError::Failed(format!("{}: {e}", path.display()));
    let reader = Reader::new(mapping)?;
    let mut log = Log::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read =
            lines.by_ref().take(LINE_BYTES as u64).read_until(b'\n', &mut line).map_err(at)?;
        if read == 0 {
            return Ok(log);
        }
        log.lines += 1;
        if let Err(why) = reader.line(&line, &mut log) {
            if !skip_unknown {
                let number = log.lines;
                return Err(ClientError::Failed(format!(
                    "{}, line {number}: {why} (--skip-unknown goes on)",
                    path.display()
                )));
            }
            log.unknown.push((log.lines, why));
        }
    }
}

fn open(path: &Path) -> std::io::Result<Box<dyn BufRead>> {
    let mut file = BufReader::new(File::open(path)?);
    let gzip = file.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    Ok(if gzip { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) })
}

struct Reader<'a> {
    mapping: &'a Mapping,
    zone: TimeZone,
    tag: Regex,
    denied_table: Regex,
}

impl<'a> Reader<'a> {
    fn new(mapping: &'a Mapping) -> Result<Self, ClientError> {
        Ok(Self {
            mapping,
            zone: TimeZone::get(&mapping.time_zone).map_err(ClientError::failed)?,
            tag: Regex::new(r"liuhen_grant='([^']*)'").map_err(ClientError::failed)?,
            denied_table: Regex::new(
                r"^permission denied for (?:table|view|materialized view) (.+)$",
            )
            .map_err(ClientError::failed)?,
        })
    }

    fn line(&self, bytes: &[u8], log: &mut Log) -> Result<(), String> {
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
        let statement = match audit {
            Some(audit) => self.audited(&line, database, audit)?,
            None => self.denied(&line, database)?,
        };
        log.add(statement);
        Ok(())
    }

    fn audited(&self, line: &Line, database: String, audit: &str) -> Result<Statement, String> {
        let mut rows = csv::ReaderBuilder::new().has_headers(false).from_reader(audit.as_bytes());
        let fields = rows.records().next().ok_or("an empty AUDIT entry")?;
        let fields = fields.map_err(|e| format!("AUDIT entry: {e}"))?;
        let field =
            |n: usize| fields.get(n).ok_or_else(|| format!("AUDIT entry without field {n}"));
        let (number, substatement) = (field(1)?, field(2)?);
        let operation = operation(field(3)?, field(4)?)?;
        let relation = field(6)?;
        if relation.is_empty() {
            return Err(format!("{} names no relation", field(4)?));
        }
        let dataset = self.mapping.dataset(&database, relation);
        let dataset = dataset
            .ok_or_else(|| format!("relation {database}.{relation} is not in the mapping"))?;
        let text = field(7)?;
        Ok(Statement {
            reference: format!("{}/{number}/{substatement}", line.session_id),
            time_ms: self.time(&line.timestamp)?,
            role: line.user.clone().ok_or("no role is named")?,
            touched: BTreeSet::from([(dataset.to_owned(), operation as i32)]),
            tag: self.tag_of(text),
            rows: field(9)?.parse().map_err(|_| "the row count is no number".to_owned())?,
            denied: false,
            text: format!("{text}\n{}", field(8)?),
            database,
        })
    }

    fn denied(&self, line: &Line, database: String) -> Result<Statement, String> {
        let text = line.statement.clone().unwrap_or_default();
        let table = self.denied_table.captures(&line.message).and_then(|found| found.get(1));
        let table = table.ok_or_else(|| format!("`{}` names no table", line.message))?.as_str();
        let dataset = self.mapping.dataset_of_table(&database, table.trim_matches('"'));
        let dataset = dataset.ok_or_else(|| {
            format!("table {table} of {database} is not in the mapping, or more than once")
        })?;
        let operation = first_word(&text);
        Ok(Statement {
            reference: format!("{}/line/{}", line.session_id, line.line_num),
            time_ms: self.time(&line.timestamp)?,
            role: line.user.clone().ok_or("no role is named")?,
            touched: BTreeSet::from([(dataset.to_owned(), operation as i32)]),
            tag: self.tag_of(&text),
            rows: 0,
            denied: true,
            text,
            database,
        })
    }

    fn tag_of(&self, text: &str) -> Option<String> {
        Some(self.tag.captures(text)?.get(1)?.as_str().to_owned())
    }

    /// A time like `2026-11-23 04:32:01.521 CST`, in the mapping's zone.
    fn time(&self, text: &str) -> Result<u64, String> {
        let bad = || format!("`{text}` is no time of a log");
        let local = text.rsplit_once(' ').map_or(text, |(local, _zone)| local);
        let local: DateTime = local.parse().map_err(|_| bad())?;
        let at = local.to_zoned(self.zone.clone()).map_err(|_| bad())?;
        u64::try_from(at.timestamp().as_millisecond()).map_err(|_| bad())
    }
}

impl Log {
    /// Joins the lines of one statement.
    fn add(&mut self, statement: Statement) {
        let known = self.by_reference.get(&statement.reference);
        if let Some(before) = known.and_then(|at| self.statements.get_mut(*at)) {
            before.touched.extend(statement.touched);
            before.rows = before.rows.max(statement.rows);
            return;
        }
        self.by_reference.insert(statement.reference.clone(), self.statements.len());
        self.statements.push(statement);
    }
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
    let without_comments =
        Regex::new(r"(?s)/\*.*?\*/").map(|it| it.replace_all(text, " ").into_owned());
    let text = without_comments.unwrap_or_else(|_| text.to_owned());
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
