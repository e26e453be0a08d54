//! PostgreSQL's server log with pgAudit's entries.
//!
//! pgAudit writes a line for each audited relation of a statement: session, statement and substatement number tell which lines
//! are one statement. With `log_rows` it writes them when the statement has ended, so that one which did not end well stands in
//! the log as an error alone.
//!
//! | file | holds |
//! |---|---|
//! | `line`, `text` | a line of the server's log, whatever form it has; its texts |
//! | `jsonlog`, `csvlog`, `wrapped` | forms of it |
//! | `stderr`, `syslog` | lines of text, and as syslog carries them |
//! | `prefix`, `words` | what stands before a line of text, and what its words mean |
//! | `entry` | an entry of pgAudit |
//! | `audited`, `failed` | what an entry tells; what an error tells |
//! | `session` | what a session has set, and which statement was its last |

mod audited;
mod csvlog;
mod entry;
mod failed;
mod jsonlog;
mod line;
mod prefix;
mod session;
mod stderr;
mod syslog;
mod text;
mod words;
mod wrapped;

use crate::log::{self, Log, NotRead};
use crate::mapping::Mapping;
use crate::sql::Dialect;
use crate::statement::{Named, Part, Statement};
use crate::time::Times;
use crate::touched::Looks;
use entry::Entry;
use line::ServerLine;
use liuhen_client::error::ClientError;
use session::Sessions;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use stderr::{Entries, Origin, Whole};
pub(crate) use text::shown;

/// What stands before an entry of pgAudit in a message.
const AUDIT: &[u8] = b"AUDIT: ";

/// Reads lines of a server's log.
pub struct Reader<'a> {
    mapping: &'a Mapping,
    times: Times,
    looks: Looks<'a>,
    sessions: Sessions,
    /// By session, the statement in which what comes may have run: it touches nothing by itself.
    open: HashMap<String, Statement>,
    /// Statements of views that the mapping does not name, with the numbers of their lines.
    views: Vec<(u64, String, Statement)>,
    /// Lines of a record that goes on, with the number of the first.
    record: Option<(u64, Vec<u8>)>,
    /// Entries that lines of text make.
    entries: Entries,
}

impl<'a> Reader<'a> {
    /// By a mapping. Errors for a time zone that there is not, and for a prefix that is too long.
    pub fn new(mapping: &'a Mapping) -> Result<Self, ClientError> {
        Ok(Self {
            mapping,
            times: Times::new(&mapping.time_zone).map_err(ClientError::failed)?,
            looks: Looks::new(mapping, Dialect::Postgres),
            sessions: Sessions::default(),
            open: HashMap::new(),
            views: Vec::new(),
            record: None,
            entries: Entries::new(&mapping.log_line_prefix).map_err(ClientError::Usage)?,
        })
    }

    fn server_line(&mut self, number: u64, line: ServerLine, log: &mut Log) -> Result<(), NotRead> {
        if let Ok(time) = self.times.time(&line.time) {
            log.seen(time);
        }
        if let Some((first, last)) = self.sessions.missing(&line)
            && !self.mapping.filtered
        {
            let why = format!("lines {first} to {last} of session {} are missing", line.session);
            self.untold(number, &line, &format!("missing/{first}"), why, log)?;
        }
        if let Some(message) = line.what_happened() {
            log.events.push((number, message.clone()));
            if message.contains("\"pgaudit.") {
                self.untold(number, &line, "audit", message, log)?;
            }
        }
        if line.entry()?.is_some() {
            return self.audited(number, &line, log);
        }
        if line.is_error() {
            return self.failed(number, &line, log);
        }
        log.other_lines += 1;
        Ok(())
    }
}

impl Reader<'_> {
    /// Something happened by which accesses may be hidden: it is an access of which nothing can be told.
    fn untold(
        &self,
        number: u64,
        line: &ServerLine,
        what: &str,
        why: String,
        log: &mut Log,
    ) -> Result<(), NotRead> {
        let at = line.line_num.unwrap_or(number);
        log.add(
            number,
            Statement {
                reference: self.mapping.reference(&format!("{}/{at}/{what}", line.session)),
                time_ms: self.times.time(&line.time)?,
                database: line.database.clone(),
                caller: audited::caller(line),
                touched: BTreeMap::new(),
                parts: BTreeMap::from([(0, Part { text: why.clone().into_bytes(), rows: None })]),
                untold: BTreeSet::from([why]),
                named: Named::default(),
                denied: false,
            },
        );
        Ok(())
    }
}

impl log::Reader for Reader<'_> {
    fn line(&mut self, number: u64, bytes: &[u8], log: &mut Log) -> Result<(), NotRead> {
        if let Some((first, _)) = self.record.as_ref()
            && csvlog::begins_anew(bytes)
        {
            let why = format!("the record that begins in line {first} does not end");
            self.record = None;
            return Err(NotRead::Unknown(match self.line(number, bytes, log) {
                Ok(()) => why,
                // Both are said.
                Err(NotRead::Unknown(own) | NotRead::CutOff(own) | NotRead::SetAside(own)) => {
                    format!("{why}; {own}")
                }
            }));
        }
        if let Some((first, mut record)) = self.record.take() {
            // A text may hold what looks like a record: where one ends its quotes say, and nothing else.
            record.push(b'\n');
            record.extend_from_slice(bytes);
            return self.records(first, record, log);
        }
        if is_json(bytes) {
            let line = jsonlog::line(bytes)?;
            return self.server_line(number, line, log);
        }
        if csvlog::is_record(bytes) {
            return self.records(number, bytes.to_vec(), log);
        }
        if bytes.first() != Some(&b'\t')
            && !self.entries.begins(bytes)
            && let Some(line) = crate::syslog::line(bytes)
        {
            return self.of_syslog(number, &line, log);
        }
        self.text(number, bytes, &Origin::default(), true, log)
    }

    fn shown(&self, bytes: &[u8]) -> (String, Vec<u8>) {
        let line = match bytes.trim_ascii_start().starts_with(b"{") {
            true => jsonlog::line(bytes),
            false => csvlog::line(bytes),
        };
        // Of a line of text its prefix is not worth showing.
        let Ok(line) = line else {
            let at = bytes.windows(AUDIT.len()).position(|it| it == AUDIT);
            let entry = at.and_then(|at| Entry::of_text(bytes.get(at + AUDIT.len()..)?).ok());
            return entry.map_or_else(|| (String::new(), bytes.to_vec()), |it| it.shown());
        };
        match line.entry() {
            Ok(Some(entry)) => entry.shown(),
            Ok(None) | Err(_) => {
                let kind = format!("{} {}", line.severity, line.state).trim_end().to_owned();
                (kind, line.message.0)
            }
        }
    }

    fn is_whole(&self, line: &[u8]) -> bool {
        self.record.is_some() || is_json(line) || csvlog::is_record(line)
    }

    fn end(&mut self, cut: Option<&[u8]>, log: &mut Log) -> Result<(), NotRead> {
        let syslog = cut.and_then(crate::syslog::line).map(|it| it.message);
        let whole = self.entries.end(syslog.or(cut));
        let told = self.entries(whole, log);
        self.looked_through(log);
        match self.record.take() {
            None => told,
            Some((first, _)) => {
                Err(NotRead::CutOff(format!("the record that begins in line {first} does not end")))
            }
        }
    }
}

/// A line of text that begins with a tab goes on with the one before it.
fn is_json(line: &[u8]) -> bool {
    line.first() != Some(&b'\t') && line.trim_ascii_start().starts_with(b"{")
}

impl Reader<'_> {
    /// A record of values between commas, which may go on in further lines.
    fn records(&mut self, number: u64, bytes: Vec<u8>, log: &mut Log) -> Result<(), NotRead> {
        if csvlog::is_open(&bytes) {
            if bytes.len() > crate::lines::LINE_BYTES {
                let most = crate::lines::LINE_BYTES;
                return Err(NotRead::SetAside(format!("a record of more than {most} bytes")));
            }
            self.record = Some((number, bytes));
            return Ok(());
        }
        let line = csvlog::line(&bytes)?;
        self.server_line(number, line, log)
    }

    /// A line of text; of some, one line of the file holds several.
    fn text(
        &mut self,
        number: u64,
        text: &[u8],
        origin: &Origin,
        is_first: bool,
        log: &mut Log,
    ) -> Result<(), NotRead> {
        match self.entries.line(number, text, origin, &self.times)? {
            Some(whole) => self.entries(whole, log),
            None => {
                log.further_lines += u64::from(is_first);
                Ok(())
            }
        }
    }

    /// Entries that are whole. What can't be told is said of the line in which it begins.
    fn entries(&mut self, whole: Vec<Whole>, log: &mut Log) -> Result<(), NotRead> {
        let mut told = Ok(());
        for (number, line) in whole {
            match line.and_then(|line| self.server_line(number, line, log)) {
                Ok(()) => {}
                Err(NotRead::SetAside(why)) => log.set_aside.push((number, why)),
                Err(NotRead::Unknown(why) | NotRead::CutOff(why)) => {
                    let why = format!("the entry that begins in line {number}: {why}");
                    match told {
                        Ok(()) => told = Err(NotRead::Unknown(why)),
                        Err(_) => log.unknown.push((number, why)),
                    }
                }
            }
        }
        told
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod text_tests;
