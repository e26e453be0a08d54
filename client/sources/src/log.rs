//! A log, read: statements with what they touched, whatever server wrote them.

use crate::guess::what_it_seems;
use crate::lines::{Line, Lines};
use crate::sheet;
use crate::statement::Statement;
use crate::taken::{Counters, Late};
use flate2::read::MultiGzDecoder;
use liuhen_client::error::ClientError;
use liuhen_proto::suite::hash::{Domain, hash};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor};
use std::path::{Path, PathBuf};

/// How many lines of a kind are kept; the rest is counted.
const KEPT: usize = 1000;

/// A line of one of a log's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Which of the files, from 0.
    pub file: usize,
    /// The number of its line, from 1.
    pub line: u64,
}

/// Lines of which something is said, the first of them with what that is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Noted {
    count: u64,
    first: Vec<(Place, String)>,
}

impl Noted {
    fn push(&mut self, at: Place, what: String) {
        self.count += 1;
        if self.first.len() < KEPT {
            self.first.push((at, what));
        }
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The first of them.
    pub fn first(&self) -> &[(Place, String)] {
        &self.first
    }
}

/// A log, read.
#[derive(Debug, Default)]
pub struct Log {
    /// Its files, by their names.
    pub files: Vec<String>,
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
    /// Lines that could not be understood, and why.
    pub unknown: Noted,
    /// The last line, where it was not written whole: it is left for the next run.
    pub unfinished: Option<Place>,
    /// The first line that was not understood.
    first_unknown: Option<Vec<u8>>,
    /// Lines that were set aside, for they can't be told rightly, and why.
    pub set_aside: Noted,
    /// Lines of accesses of which not all datasets can be told, and why.
    pub untold: Noted,
    /// Relations and functions that the mapping does not name, `database.schema.name`, and in how many lines they are.
    pub unmapped: BTreeMap<String, u64>,
    /// Functions that are called and into which no log looks, unless the mapping says what they touch; in how many lines.
    pub calls: BTreeMap<String, u64>,
    /// What the server's settings hide, and in how many lines that is seen.
    pub hides: BTreeMap<String, u64>,
    /// Databases that are named, and not in the mapping.
    pub databases: BTreeSet<String>,
    /// What happened to the log itself.
    pub events: Noted,
    /// Lines that belong to a statement that is there already.
    pub further_lines: u64,
    /// Whether none of its lines is of an audit, though an audit's entries were looked for.
    pub unaudited: bool,
    /// The times of its first and last lines that have one, milliseconds.
    pub times: Option<(u64, u64)>,
    /// Statements in the order of their first lines; of a log that is read in parts, those of this part.
    pub statements: Vec<Statement>,
    by_reference: BTreeMap<String, usize>,
    /// Bytes of the texts of these statements.
    text_bytes: usize,
    /// Statements of parts before.
    before: Before,
    /// What was read behind the line in which it began, where somebody asks for it.
    pub(crate) late: Option<Vec<Late>>,
}

/// What is known of statements that were given out.
#[derive(Debug, Default)]
struct Before {
    statements: usize,
    contradictory: usize,
    hidden: usize,
}

impl Log {
    /// Whether any line was understood.
    fn is_understood(&self) -> bool {
        self.count() > 0
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

    /// A line of the file that is read.
    pub(crate) fn place(&self, line: u64) -> Place {
        Place { file: self.files.len().saturating_sub(1), line }
    }

    /// A line could not be understood.
    pub(crate) fn add_unknown(&mut self, line: u64, why: String) {
        self.unknown.push(self.place(line), why);
    }

    /// A line can't be told rightly.
    pub(crate) fn add_set_aside(&mut self, line: u64, why: String) {
        self.set_aside.push(self.place(line), why);
    }

    /// Something happened to the log itself.
    pub(crate) fn add_event(&mut self, line: u64, what: String) {
        self.events.push(self.place(line), what);
    }

    /// Takes what a line tells of a statement, together with what others told of it.
    pub fn add(&mut self, line: u64, mut statement: Statement) {
        // Numbers may be given again: by another server, or by one that began anew.
        if self.known(&statement.reference).is_some_and(|it| !it.may_be(&statement)) {
            let text = hash(Domain::Digest, &[&statement.text()]);
            statement.reference = format!("{}#{text}", statement.reference);
        }
        let place = self.place(line);
        statement.untold.iter().for_each(|why| self.untold.push(place, why.clone()));
        self.text_bytes += statement.parts.values().map(|it| it.text.len()).sum::<usize>();
        if let Some(before) = self.known(&statement.reference) {
            before.join(statement);
            self.further_lines += 1;
            return;
        }
        self.by_reference.insert(statement.reference.clone(), self.statements.len());
        self.statements.push(statement);
    }

    /// How many statements there are, with those of parts before.
    pub fn count(&self) -> usize {
        self.before.statements + self.statements.len()
    }

    /// Bytes of the texts of this part's statements.
    pub(crate) fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    /// Gives out the statements that do not go on.
    pub(crate) fn take_done(&mut self, going_on: &HashSet<String>) -> Vec<Statement> {
        let all = std::mem::take(&mut self.statements);
        let (stays, done): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|it| going_on.contains(&it.reference));
        self.by_reference =
            stays.iter().enumerate().map(|(at, it)| (it.reference.clone(), at)).collect();
        self.text_bytes =
            stays.iter().flat_map(|it| it.parts.values()).map(|it| it.text.len()).sum();
        self.statements = stays;
        self.before.statements += done.len();
        self.before.contradictory += done.iter().filter(|it| it.named.is_contradictory()).count();
        self.before.hidden += done.iter().filter(|it| it.named.hidden).count();
        done
    }

    /// Counts a line in which it is seen what a setting of the server hides.
    pub fn hides(&mut self, what: &str) {
        match self.hides.get_mut(what) {
            Some(count) => *count += 1,
            None => drop(self.hides.insert(what.to_owned(), 1)),
        }
    }

    /// Lets go of the names that were counted.
    pub(crate) fn forget_names(&mut self) {
        self.unmapped.clear();
        self.calls.clear();
        self.hides.clear();
        self.databases.clear();
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
        let of_these = self.statements.iter().filter(|it| it.named.is_contradictory()).count();
        self.before.contradictory + of_these
    }

    /// Statements whose text the log hides.
    pub fn hidden(&self) -> usize {
        self.before.hidden + self.statements.iter().filter(|it| it.named.hidden).count()
    }

    pub(crate) fn counters(&self) -> Counters {
        Counters {
            unknown: self.unknown.len(),
            set_aside: self.set_aside.len(),
            untold: self.untold.len(),
            statements: self.count() as u64,
            further: self.further_lines,
            other_denied: self.other_denied,
            other_databases: self.other_databases,
            other: self.other_lines,
        }
    }

    /// Says what was taken of what began in a line before; `shown` gives what it says it is, and what is worth showing of it.
    pub(crate) fn read_late(
        &mut self,
        number: u64,
        before: Counters,
        shown: impl FnOnce() -> (String, Vec<u8>),
    ) {
        let taken = self.counters().taken(before, self.statements.last());
        if let Some(late) = &mut self.late {
            let (kind, shown) = shown();
            late.push(Late { number, taken, kind, shown });
        }
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

    /// Whether a line that holds nothing is of what goes on.
    fn goes_on(&self, _line: &[u8]) -> bool {
        false
    }

    /// Whether a line is kept until those behind it are there: what it tells is said then.
    fn keeps(&self, _number: u64) -> bool {
        false
    }

    /// The statements that may go on; what can't is told now, and what nobody asks for any more is forgotten. Those of before a time
    /// are waited for no longer: what comes of them later is told beside.
    fn going_on(&mut self, _log: &mut Log, _since_ms: u64) -> HashSet<String> {
        HashSet::new()
    }

    /// Nothing has come for a while: what could go on in a further line is whole.
    fn quiet(&mut self, _log: &mut Log) -> Result<(), NotRead> {
        Ok(())
    }

    /// The log is not read further than the line that was read last: takes what is over before it. What may go on is left for the
    /// next run.
    fn stopped(&mut self, _log: &mut Log) {}

    /// A file ends within a line, and another stands behind it: what that line may be of is not told in full.
    fn torn(&mut self, _line: &[u8]) {}

    /// Takes what the end of a file tells: of lines that others could have belonged to. A last line that may not be whole
    /// was not taken, and is given here, unless it is lost.
    fn end(&mut self, _cut: Option<&[u8]>, _log: &mut Log) -> Result<(), NotRead> {
        Ok(())
    }
}

/// A file of a log that is read line by line.
pub struct LogFile<R> {
    path: PathBuf,
    lines: Lines<R>,
    number: u64,
    last: (Vec<u8>, bool),
    is_cut: bool,
    /// Whether no other file stands behind it.
    is_last: bool,
    /// Whether more is waited for: the line asked for is not there yet.
    pub(crate) waits: bool,
}

impl<R: BufRead> LogFile<R> {
    /// Of its lines; `path` names it in errors, and `is_last` says that no other stands behind it.
    pub fn new(lines: R, path: &Path, is_last: bool, log: &mut Log) -> Self {
        log.files.push(path.display().to_string());
        let (lines, path) = (Lines::new(lines), path.to_owned());
        Self {
            path,
            lines,
            number: 0,
            last: (Vec::new(), true),
            is_cut: false,
            is_last,
            waits: false,
        }
    }

    /// Reads a line; whether there was one. Stops at one that can't be understood, with its number, unless those are to be skipped.
    pub fn read(
        &mut self,
        reader: &mut dyn Reader,
        skip_unknown: bool,
        log: &mut Log,
    ) -> Result<bool, ClientError> {
        let at = |e: std::io::Error| ClientError::Failed(format!("{}: {e}", self.path.display()));
        let next = self.lines.next();
        self.waits = next.as_ref().is_err_and(|it| it.kind() == std::io::ErrorKind::WouldBlock);
        if self.waits {
            return Ok(true);
        }
        let Some((number, line)) = next.map_err(at)? else {
            self.end(reader, skip_unknown, log)?;
            return Ok(false);
        };
        self.number = number;
        log.lines += 1;
        let (line, ended) = match line {
            Line::Of(line, ended) => (line, ended),
            Line::Blank(line, ended) if reader.goes_on(line) => (line, ended),
            Line::Blank(..) => {
                log.blank_lines += 1;
                return Ok(true);
            }
            Line::TooLong => {
                let most = crate::lines::LINE_BYTES;
                log.add_set_aside(number, format!("more than {most} bytes"));
                return Ok(true);
            }
        };
        if !ended {
            self.last = (line.to_vec(), ended);
        }
        if !ended && !reader.is_whole(line) {
            (log.unfinished, self.is_cut) = (Some(log.place(number)), true);
            return Ok(true);
        }
        let told = reader.line(number, line, log);
        understood(told, (number, line, ended), &self.path, skip_unknown, log)?;
        Ok(true)
    }

    fn end(
        &mut self,
        reader: &mut dyn Reader,
        skip_unknown: bool,
        log: &mut Log,
    ) -> Result<(), ClientError> {
        let cut = self.is_cut.then_some(self.last.0.as_slice());
        if let Some(cut) = cut.filter(|_| !self.is_last) {
            reader.torn(cut);
        }
        let told = reader.end(cut.filter(|_| self.is_last), log);
        let last = (self.number, self.last.0.as_slice(), self.last.1);
        understood(told, last, &self.path, skip_unknown, log)?;
        log.must_be_understood(&self.path)
    }

    /// Nobody goes on with a file behind which another stands: a last line that is not whole is lost.
    pub(crate) fn is_over(&self, skip_unknown: bool, log: &mut Log) -> Result<(), ClientError> {
        if self.is_last {
            return Ok(());
        }
        let Some(place) = log.unfinished.take() else { return Ok(()) };
        let why = "the file ends before the line is whole".to_owned();
        if !skip_unknown {
            let (path, line) = (self.path.display(), place.line);
            return Err(ClientError::Failed(format!("{path}, line {line}: {why}")));
        }
        log.add_unknown(place.line, why);
        Ok(())
    }
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
            log.add_set_aside(number, why);
            return Ok(());
        }
        // Whoever writes it goes on with it.
        Err(NotRead::CutOff(_)) if !ended => {
            log.unfinished = Some(log.place(number));
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
    log.add_unknown(number, why);
    Ok(())
}

fn seems(line: &[u8]) -> String {
    format!("; the file seems to be {}", what_it_seems(line))
}

/// Opens a log, plain or gzip.
pub fn open(path: &Path) -> std::io::Result<Box<dyn BufRead>> {
    let mut file = BufReader::new(File::open(path)?);
    let begins = file.fill_buf()?;
    let (gzip, sheet) = (begins.starts_with(&[0x1f, 0x8b]), begins.starts_with(sheet::MAGIC));
    if sheet {
        return Ok(Box::new(Cursor::new(sheet::csv(path)?)));
    }
    Ok(if gzip { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) })
}
