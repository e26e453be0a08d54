//! A log, read: statements with what they touched, whatever server wrote them.

use flate2::read::MultiGzDecoder;
use liuhen_client::error::ClientError;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// A line longer than this is no line of a log.
pub const LINE_BYTES: usize = 16 * 1024 * 1024;

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
    /// Lines that were set aside, for they can't be told rightly: number and why.
    pub set_aside: Vec<(u64, String)>,
    /// Statements whose comments name grants that differ.
    pub contradictory: u64,
    /// Statements in the order of their first lines.
    pub statements: Vec<Statement>,
    by_reference: BTreeMap<String, usize>,
}

impl Log {
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
    mut lines: impl BufRead,
    path: &Path,
    reader: &dyn Reader,
    skip_unknown: bool,
) -> Result<Log, ClientError> {
    let at = |e: std::io::Error| ClientError::Failed(format!("{}: {e}", path.display()));
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
        match reader.line(&line, &mut log) {
            Ok(()) => {}
            Err(NotRead::SetAside(why)) => log.set_aside.push((log.lines, why)),
            Err(NotRead::Unknown(why)) if skip_unknown => log.unknown.push((log.lines, why)),
            Err(NotRead::Unknown(why)) => {
                let number = log.lines;
                return Err(ClientError::Failed(format!(
                    "{}, line {number}: {why} (--skip-unknown goes on)",
                    path.display()
                )));
            }
        }
    }
}

/// Opens a log, plain or gzip.
pub fn open(path: &Path) -> std::io::Result<Box<dyn BufRead>> {
    let mut file = BufReader::new(File::open(path)?);
    let gzip = file.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    Ok(if gzip { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) })
}
