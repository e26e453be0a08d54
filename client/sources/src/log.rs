//! A log, read: statements with what they touched, whatever server wrote them.

use crate::guess::what_it_seems;
use crate::lines::{Line, Lines};
use flate2::read::MultiGzDecoder;
use liuhen_client::error::ClientError;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

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
    /// The grant named in its comments. Where they name several that differ, none.
    pub tag: Option<String>,
    /// Rows returned or changed.
    pub rows: u64,
    /// Whether the server refused it.
    pub denied: bool,
    /// Its text and parameters, as the bytes that stand in the log; they never leave this machine.
    pub text: Vec<u8>,
}

/// A log, read.
#[derive(Debug, Default)]
pub struct Log {
    /// Lines.
    pub lines: u64,
    /// Lines that tell of no access.
    pub other_lines: u64,
    /// Lines that hold nothing.
    pub blank_lines: u64,
    /// Lines of databases that the mapping does not name.
    pub other_databases: u64,
    /// Lines that could not be understood: number and why.
    pub unknown: Vec<(u64, String)>,
    /// The last line, where it was not written whole: it is left for the next run.
    pub unfinished: Option<u64>,
    /// The first line that was not understood.
    first_unknown: Option<Vec<u8>>,
    /// Lines that were set aside, for they can't be told rightly: number and why.
    pub set_aside: Vec<(u64, String)>,
    /// Statements whose comments name grants that differ.
    pub contradictory: u64,
    /// Statements in the order of their first lines.
    pub statements: Vec<Statement>,
    by_reference: BTreeMap<String, usize>,
}

impl Log {
    /// Whether any line was understood.
    fn is_understood(&self) -> bool {
        !self.statements.is_empty() || self.other_lines > 0 || self.other_databases > 0
    }

    /// Fails where lines were skipped and not one was understood: that is another file.
    fn must_be_understood(&self, path: &Path) -> Result<(), ClientError> {
        match &self.first_unknown {
            Some(first) if !self.is_understood() => {
                let (count, path) = (self.unknown.len(), path.display());
                let hint = seems(first);
                let why = format!("{path}: 0 of {count} lines were understood{hint}");
                Err(ClientError::Failed(why))
            }
            _ => Ok(()),
        }
    }

    /// Joins the lines of one statement.
    pub fn add(&mut self, statement: Statement, contradictory: bool) {
        let known = self.by_reference.get(&statement.reference);
        if let Some(before) = known.and_then(|at| self.statements.get_mut(*at)) {
            before.touched.extend(statement.touched);
            before.rows = before.rows.max(statement.rows);
            return;
        }
        self.contradictory += u64::from(contradictory);
        self.by_reference.insert(statement.reference.clone(), self.statements.len());
        self.statements.push(statement);
    }
}

/// Why a line tells of no statement.
#[derive(Debug, PartialEq, Eq)]
pub enum NotRead {
    /// It can't be understood.
    Unknown(String),
    /// It ends before it is whole.
    CutOff(String),
    /// It may be read in more than one way; it is left out, counted, and the run does not end well.
    SetAside(String),
}

impl<T: Into<String>> From<T> for NotRead {
    fn from(why: T) -> Self {
        Self::Unknown(why.into())
    }
}

/// Reads the lines of one kind of log.
pub trait Reader {
    /// Takes what a line tells into the log.
    fn line(&self, line: &[u8], log: &mut Log) -> Result<(), NotRead>;
}

/// Reads the lines of a log. Stops at the first that can't be understood, with its number, unless those are to be
/// skipped; `path` names the log in errors.
pub fn read_lines(
    lines: impl BufRead,
    path: &Path,
    reader: &dyn Reader,
    skip_unknown: bool,
) -> Result<Log, ClientError> {
    let at = |e: std::io::Error| ClientError::Failed(format!("{}: {e}", path.display()));
    let mut log = Log::default();
    let mut lines = Lines::new(lines);
    while let Some((number, line)) = lines.next().map_err(at)? {
        log.lines += 1;
        let (line, ended) = match line {
            Line::Of(line, ended) => (line, ended),
            Line::Blank => {
                log.blank_lines += 1;
                continue;
            }
            Line::TooLong => {
                let most = crate::lines::LINE_BYTES;
                log.set_aside.push((number, format!("more than {most} bytes")));
                continue;
            }
        };
        let why = match reader.line(line, &mut log) {
            Ok(()) => continue,
            Err(NotRead::SetAside(why)) => {
                log.set_aside.push((number, why));
                continue;
            }
            // Whoever writes it goes on with it.
            Err(NotRead::CutOff(_)) if !ended => {
                log.unfinished = Some(number);
                continue;
            }
            Err(NotRead::CutOff(why) | NotRead::Unknown(why)) => why,
        };
        if !skip_unknown {
            let path = path.display();
            let hint = if log.is_understood() { String::new() } else { seems(line) };
            return Err(ClientError::Failed(format!(
                "{path}, line {number}: {why}{hint} (--skip-unknown goes on)"
            )));
        }
        log.first_unknown.get_or_insert_with(|| line.to_vec());
        log.unknown.push((number, why));
    }
    log.must_be_understood(path)?;
    Ok(log)
}

fn seems(line: &[u8]) -> String {
    format!("; the file seems to be {}: a jsonlog is read", what_it_seems(line))
}

/// Opens a log, plain or gzip.
pub fn open(path: &Path) -> std::io::Result<Box<dyn BufRead>> {
    let mut file = BufReader::new(File::open(path)?);
    let gzip = file.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    Ok(if gzip { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) })
}
