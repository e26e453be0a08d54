//! A log, read: statements with what they touched, whatever server wrote them.

use crate::guess::what_it_seems;
use crate::lines::{Line, Lines};
use crate::statement::Statement;
use flate2::read::MultiGzDecoder;
use liuhen_client::error::ClientError;
use liuhen_proto::suite::hash::{Domain, hash};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

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
    /// Lines of statements that the server refused and that meant none of the mapped relations' data.
    pub other_denied: u64,
    /// Lines that could not be understood: number and why.
    pub unknown: Vec<(u64, String)>,
    /// The last line, where it was not written whole: it is left for the next run.
    pub unfinished: Option<u64>,
    /// The first line that was not understood.
    first_unknown: Option<Vec<u8>>,
    /// Lines that were set aside, for they can't be told rightly: number and why.
    pub set_aside: Vec<(u64, String)>,
    /// Lines of accesses of which not all datasets can be told: number and why.
    pub untold: Vec<(u64, String)>,
    /// Relations and functions that the mapping does not name, `database.schema.name`, and in how many lines they are.
    pub unmapped: BTreeMap<String, u64>,
    /// Functions that are called and into which no log looks, unless the mapping says what they touch; in how many lines.
    pub calls: BTreeMap<String, u64>,
    /// What the server's settings hide, and in how many lines that is seen.
    pub hides: BTreeMap<String, u64>,
    /// Databases that are named, and not in the mapping.
    pub databases: BTreeSet<String>,
    /// What happened to the log itself: number of the line, and what.
    pub events: Vec<(u64, String)>,
    /// Lines that belong to a statement that is there already.
    pub further_lines: u64,
    /// The times of its first and last lines that have one, milliseconds.
    pub times: Option<(u64, u64)>,
    /// Statements in the order of their first lines.
    pub statements: Vec<Statement>,
    by_reference: BTreeMap<String, usize>,
}

impl Log {
    /// Whether any line was understood.
    fn is_understood(&self) -> bool {
        !self.statements.is_empty()
            || self.other_lines > 0
            || self.other_databases > 0
            || self.other_denied > 0
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

    /// Takes what a line tells of a statement, together with what others told of it.
    pub fn add(&mut self, line: u64, mut statement: Statement) {
        // Numbers may be given again: by another server, or by one that began anew.
        if self.known(&statement.reference).is_some_and(|it| !it.may_be(&statement)) {
            let text = hash(Domain::Digest, &[&statement.text()]);
            statement.reference = format!("{}#{text}", statement.reference);
        }
        self.untold.extend(statement.untold.iter().map(|why| (line, why.clone())));
        if let Some(before) = self.known(&statement.reference) {
            before.join(statement);
            self.further_lines += 1;
            return;
        }
        self.by_reference.insert(statement.reference.clone(), self.statements.len());
        self.statements.push(statement);
    }

    /// Counts a line in which it is seen what a setting of the server hides.
    pub fn hides(&mut self, what: &str) {
        match self.hides.get_mut(what) {
            Some(count) => *count += 1,
            None => drop(self.hides.insert(what.to_owned(), 1)),
        }
    }

    /// Counts a line of a database that the mapping does not name.
    pub fn of_other_database(&mut self, database: &str) {
        self.other_databases += 1;
        if !self.databases.contains(database) {
            self.databases.insert(database.to_owned());
        }
    }

    /// Takes the time of a line, whatever it tells.
    pub fn seen(&mut self, time_ms: u64) {
        let (first, last) = self.times.unwrap_or((time_ms, time_ms));
        self.times = Some((first.min(time_ms), last.max(time_ms)));
    }

    /// A statement that is there already.
    pub fn known(&mut self, reference: &str) -> Option<&mut Statement> {
        let at = *self.by_reference.get(reference)?;
        self.statements.get_mut(at)
    }

    /// Statements whose comments name grants that differ.
    pub fn contradictory(&self) -> usize {
        self.statements.iter().filter(|it| it.named.is_contradictory()).count()
    }

    /// Statements whose text the log hides.
    pub fn hidden(&self) -> usize {
        self.statements.iter().filter(|it| it.named.hidden).count()
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

/// Reads the lines of one kind of log, in order.
pub trait Reader {
    /// Takes what a line tells into the log.
    fn line(&mut self, number: u64, line: &[u8], log: &mut Log) -> Result<(), NotRead>;

    /// What a line says it is, empty where that can't be told, and what is worth showing of it.
    fn shown(&self, line: &[u8]) -> (String, Vec<u8>) {
        (String::new(), line.to_vec())
    }

    /// Whether a line tells that it is whole where nothing ends it: a file's last line may not be written whole.
    fn is_whole(&self, _line: &[u8]) -> bool {
        true
    }

    /// Takes what the end of a file tells: of lines that others could have belonged to. A last line that may not be whole
    /// was not taken, and is given here.
    fn end(&mut self, _cut: Option<&[u8]>, _log: &mut Log) -> Result<(), NotRead> {
        Ok(())
    }
}

/// Reads the lines of a log. Stops at the first that can't be understood, with its number, unless those are to be
/// skipped; `path` names the log in errors.
pub fn read_lines(
    lines: impl BufRead,
    path: &Path,
    reader: &mut dyn Reader,
    skip_unknown: bool,
    log: &mut Log,
) -> Result<(), ClientError> {
    let at = |e: std::io::Error| ClientError::Failed(format!("{}: {e}", path.display()));
    let mut lines = Lines::new(lines);
    let (mut number, mut last, mut is_cut) = (0, (Vec::new(), true), false);
    while let Some((this, line)) = lines.next().map_err(at)? {
        number = this;
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
        if !ended {
            last = (line.to_vec(), ended);
        }
        if !ended && !reader.is_whole(line) {
            (log.unfinished, is_cut) = (Some(number), true);
            break;
        }
        let told = reader.line(number, line, log);
        understood(told, (number, line, ended), path, skip_unknown, log)?;
    }
    let told = reader.end(is_cut.then_some(last.0.as_slice()), log);
    understood(told, (number, &last.0, last.1), path, skip_unknown, log)?;
    log.must_be_understood(path)
}

/// Counts what a line that was not read is. Fails where it is nothing to pass over.
fn understood(
    told: Result<(), NotRead>,
    (number, line, ended): (u64, &[u8], bool),
    path: &Path,
    skip_unknown: bool,
    log: &mut Log,
) -> Result<(), ClientError> {
    let why = match told {
        Ok(()) => return Ok(()),
        Err(NotRead::SetAside(why)) => {
            log.set_aside.push((number, why));
            return Ok(());
        }
        // Whoever writes it goes on with it.
        Err(NotRead::CutOff(_)) if !ended => {
            log.unfinished = Some(number);
            return Ok(());
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
    Ok(())
}

fn seems(line: &[u8]) -> String {
    format!("; the file seems to be {}", what_it_seems(line))
}

/// Opens a log, plain or gzip.
pub fn open(path: &Path) -> std::io::Result<Box<dyn BufRead>> {
    let mut file = BufReader::new(File::open(path)?);
    let gzip = file.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    Ok(if gzip { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) })
}
