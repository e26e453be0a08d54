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
//! | `batch`, `views`, `worker` | which statement of a text an entry is about; what stands behind views; parallel workers |
//! | `changes` | who changes what is audited |
//! | `session`, `settings` | which statement was a session's last; what it has set |

mod audited;
mod batch;
mod changes;
mod csvlog;
mod entry;
mod failed;
mod jsonlog;
mod line;
mod prefix;
mod session;
mod settings;
mod stderr;
mod syslog;
mod text;
mod views;
mod words;
mod worker;
mod wrapped;

use crate::log::{self, Log, NotRead};
use crate::mapping::Mapping;
use crate::sql::Dialect;
use crate::statement::{Named, Part, Statement};
use crate::time::Times;
use crate::touched::Looks;
use batch::Batches;
use entry::Entry;
use line::ServerLine;
use liuhen_client::error::ClientError;
use session::Sessions;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use stderr::{Entries, Origin, Whole};
pub(crate) use text::shown;
use views::Views;
use worker::Workers;

/// What stands before an entry of pgAudit in a message.
const AUDIT: &[u8] = b"AUDIT: ";

/// A statement of a time further ahead is not waited for.
const AHEAD_MS: u64 = 60_000;
/// How many sessions' last statements may go on, with how many bytes of texts. Of more those that are silent longest are given out.
const GOES_ON: usize = 10_000;
const GOES_ON_BYTES: usize = 8 << 20;
/// How many of them are kept however long their texts are.
const GOES_ON_ALWAYS: usize = 4;

/// Lines of a record of values between commas.
#[derive(Debug)]
struct Record {
    /// The number of the first.
    first: u64,
    bytes: Vec<u8>,
    /// How many quotes there are: where they are odd, one is open.
    quotes: usize,
}

impl Record {
    fn takes(&mut self, bytes: &[u8]) {
        self.quotes += bytes.iter().filter(|it| **it == b'"').count();
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether it goes on in the next line.
    fn is_open(&self) -> bool {
        self.quotes % 2 == 1 && self.bytes.first().is_some_and(u8::is_ascii_digit)
    }
}

/// Reads lines of a server's log.
pub struct Reader<'a> {
    mapping: &'a Mapping,
    times: Times,
    looks: Looks<'a>,
    sessions: Sessions,
    /// By session, the statement in which what comes may have run: it touches nothing by itself.
    open: HashMap<String, Statement>,
    /// What the mapping does not name and may have tables behind it that it does.
    views: Views,
    /// What parallel workers wrote.
    workers: Workers,
    /// Texts of several statements.
    batches: Batches,
    /// Whether entries are written when a statement ends (`log_rows`).
    writes_at_end: bool,
    /// Entries of pgAudit, and lines of the server's.
    entries_read: u64,
    lines_read: u64,
    /// A record that goes on.
    record: Option<Record>,
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
            views: Views::default(),
            workers: Workers::new(),
            batches: Batches::default(),
            writes_at_end: false,
            entries_read: 0,
            lines_read: 0,
            record: None,
            entries: Entries::new(&mapping.log_line_prefix).map_err(ClientError::Usage)?,
        })
    }

    fn server_line(&mut self, number: u64, line: ServerLine, log: &mut Log) -> Result<(), NotRead> {
        let told = self.told(number, &line, log);
        if line.ends_session() {
            self.sessions.over(&line);
        }
        told
    }

    fn told(&mut self, number: u64, line: &ServerLine, log: &mut Log) -> Result<(), NotRead> {
        if let Ok(time) = self.times.time(&line.time) {
            log.seen(time);
        }
        self.lines_read += 1;
        if let Some((first, last)) = self.sessions.missing(line)
            && !self.mapping.filtered
        {
            let why = format!("lines {first} to {last} of session {} are missing", line.session);
            self.untold(line, number, &format!("missing/{first}"), why, log)?;
        }
        if let Some(message) = line.what_happened() {
            log.add_event(number, message.clone());
            if message.contains("\"pgaudit.") {
                self.untold(line, number, "audit", message, log)?;
            }
        }
        if line.entry()?.is_some() {
            return self.audited(number, line, log);
        }
        if line.is_error() {
            self.sessions.failed(line);
            self.batches.failed(&line.session);
            return self.failed(number, line, log);
        }
        if let Some(command) = line.copies() {
            let why = format!("{} copies what the server holds ({command})", line.role);
            return self.untold(line, number, command, why, log);
        }
        let leaves = line.leaves_within() && !self.sessions.is_lost(line);
        if leaves && self.writes_at_end && self.mapping.has(&line.database) {
            let why =
                "the client left within a transaction: what it had begun to read has no entry";
            return self.untold(line, number, "left", why.to_owned(), log);
        }
        log.other_lines += 1;
        Ok(())
    }
}

impl Reader<'_> {
    /// An entry whose file ends before it is whole, and nobody goes on with it: what it says so far is told, and that it is not all.
    fn cut(&mut self, number: u64, line: ServerLine, log: &mut Log) -> Result<(), NotRead> {
        let is_of_client = line.is_database_untold || !line.database.is_empty();
        let reference = match line.entry() {
            Ok(Some(entry)) => Some(self.reference_of(&line, entry.statement)),
            Ok(None) if line.is_error() && is_of_client => {
                Some(self.mapping.reference(&line.reference("line", "")))
            }
            Ok(None) => return self.server_line(number, line, log),
            Err(_) => None,
        };
        let database = line.database.clone();
        if !database.is_empty() && !self.mapping.has(&database) {
            log.of_other_database(&database);
            return Ok(());
        }
        let why = "the file ends before the entry is whole".to_owned();
        let short = line.clone();
        if reference.is_some() {
            self.server_line(number, line, log)?;
        }
        let mut statement = self.untold_of(&short, "cut", why)?;
        if let Some(reference) = reference.filter(|it| log.known(it).is_some()) {
            (statement.reference, statement.parts) = (reference, BTreeMap::new());
        }
        log.add(number, statement);
        Ok(())
    }

    /// Something happened by which accesses may be hidden: it is an access of which nothing can be told.
    fn untold(
        &self,
        line: &ServerLine,
        number: u64,
        what: &str,
        why: String,
        log: &mut Log,
    ) -> Result<(), NotRead> {
        log.add(number, self.untold_of(line, what, why)?);
        Ok(())
    }

    /// An access of which nothing can be told.
    fn untold_of(&self, line: &ServerLine, what: &str, why: String) -> Result<Statement, NotRead> {
        Ok(Statement {
            reference: self.mapping.reference(&line.reference("", what)),
            time_ms: self.times.time(&line.time)?,
            database: line.database.clone(),
            caller: audited::caller(line),
            touched: BTreeMap::new(),
            parts: BTreeMap::from([(0, Part { text: why.clone().into_bytes(), rows: None })]),
            untold: BTreeSet::from([why]),
            named: Named::default(),
            denied: false,
            content: None,
        })
    }
}

impl log::Reader for Reader<'_> {
    fn line(&mut self, number: u64, bytes: &[u8], log: &mut Log) -> Result<(), NotRead> {
        if let Some(Record { first, .. }) = self.record.as_ref()
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
        if let Some(mut record) = self.record.take() {
            // A text may hold what looks like a record: where one ends its quotes say, and nothing else.
            record.bytes.push(b'\n');
            record.takes(bytes);
            let before = log.counters();
            let (first, is_late) = (record.first, log.late.is_some());
            let shown = (is_late && !record.is_open()).then(|| csvlog::line(&record.bytes));
            self.records(record, log)?;
            match shown {
                Some(line) => {
                    log.read_late(first, before, || line.map(|it| it.shown()).unwrap_or_default())
                }
                None => log.further_lines += 1,
            }
            return Ok(());
        }
        if is_json(bytes) {
            let line = jsonlog::line(bytes)?;
            return self.server_line(number, line, log);
        }
        if csvlog::is_record(bytes) {
            let mut record = Record { first: number, bytes: Vec::new(), quotes: 0 };
            record.takes(bytes);
            return self.records(record, log);
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
        line.shown()
    }

    fn is_whole(&self, line: &[u8]) -> bool {
        self.record.is_some() || is_json(line) || csvlog::is_record(line)
    }

    fn goes_on(&self, line: &[u8]) -> bool {
        self.record.is_some() || line.first() == Some(&b'\t') && self.entries.is_open("")
    }

    fn keeps(&self, number: u64) -> bool {
        self.record.as_ref().is_some_and(|it| it.first == number) || self.entries.begun() == number
    }

    fn quiet(&mut self, log: &mut Log) -> Result<(), NotRead> {
        let whole = self.entries.end(None);
        let told = self.entries(whole, log);
        told.and(self.of_workers_alone(log))
    }

    fn going_on(&mut self, log: &mut Log, since_ms: u64) -> HashSet<String> {
        self.sessions.forget();
        let mut going_on = HashSet::new();
        let mut bytes = 0_usize;
        let size = |it: &Statement| it.parts.values().map(|it| it.text.len()).sum::<usize>();
        for (session, last, is_open) in self.sessions.last_statements() {
            let known = log.known(&last.reference);
            let known_ms = known.as_ref().map(|it| it.time_ms);
            let known = known.map(|it| size(it));
            let waits = self.open.get(session).filter(|it| it.reference == last.reference);
            let began = known_ms.or(waits.map(|it| it.time_ms)).or(self.views.began(session));
            // Also of a clock that is ahead nothing waits for long.
            let is_new = since_ms == 0
                || began
                    .is_some_and(|it| (since_ms..since_ms.saturating_add(AHEAD_MS)).contains(&it));
            let more = known.unwrap_or(0).saturating_add(waits.map_or(0, size));
            let has_room = bytes.saturating_add(more) <= GOES_ON_BYTES && going_on.len() < GOES_ON;
            if is_open && is_new && (has_room || going_on.len() < GOES_ON_ALWAYS) {
                bytes = bytes.saturating_add(more);
                going_on.insert(last.reference.clone());
            } else {
                last.is_given_out |= known.is_some();
            }
        }
        self.open.retain(|_, it| going_on.contains(&it.reference));
        self.looked_through(&going_on, log);
        going_on.extend(self.views.waiting());
        going_on
    }

    fn stopped(&mut self, log: &mut Log) {
        let whole = self.entries.stopped();
        // One error is reported, the first.
        self.entries(whole, log).ok();
    }

    fn torn(&mut self, line: &[u8]) {
        let message = crate::syslog::line(line).map(|it| it.message);
        self.entries.torn(message.unwrap_or(line));
    }

    fn end(&mut self, cut: Option<&[u8]>, log: &mut Log) -> Result<(), NotRead> {
        let syslog = cut.and_then(crate::syslog::line).map(|it| it.message);
        let whole = self.entries.end(syslog.or(cut));
        let told = self.entries(whole, log);
        let of_workers = self.of_workers_alone(log);
        self.all_looked_through(log);
        shown_once(log);
        log.unaudited = self.lines_read > 0 && self.entries_read == 0;
        let told = told.and(of_workers);
        match self.record.take() {
            None => told,
            Some(Record { first, .. }) => {
                Err(NotRead::CutOff(format!("the record that begins in line {first} does not end")))
            }
        }
    }
}

/// A function that one entry names with its schema and another's text without is one.
fn shown_once(log: &mut Log) {
    let whole: BTreeSet<(String, String)> =
        log.calls.keys().filter_map(|it| without_schema(it)).collect();
    log.calls.retain(|it, _| {
        let bare =
            it.split_once(".*.").map(|(database, name)| (database.to_owned(), name.to_owned()));
        bare.is_none_or(|it| !whole.contains(&it))
    });
}

/// The database and the name of a function that is shown with its schema.
fn without_schema(shown: &str) -> Option<(String, String)> {
    let [database, schema, name] = crate::relation::parts(shown)?.try_into().ok()?;
    (schema != "*").then_some((database, name))
}

/// A line of text that begins with a tab goes on with the one before it.
fn is_json(line: &[u8]) -> bool {
    line.first() != Some(&b'\t') && line.trim_ascii_start().starts_with(b"{")
}

impl Reader<'_> {
    /// A record of values between commas, which may go on in further lines.
    fn records(&mut self, record: Record, log: &mut Log) -> Result<(), NotRead> {
        if record.is_open() {
            if record.bytes.len() > crate::lines::LINE_BYTES {
                let most = crate::lines::LINE_BYTES;
                return Err(NotRead::SetAside(format!("a record of more than {most} bytes")));
            }
            self.record = Some(record);
            return Ok(());
        }
        let line = csvlog::line(&record.bytes)?;
        self.server_line(record.first, line, log)
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
        let mut all = Ok(());
        for (number, line) in whole {
            let before = log.counters();
            let late = log.late.is_some().then(|| line.as_ref().ok().map(ServerLine::shown));
            let told = line.and_then(|line| match line.is_cut {
                true => self.cut(number, line, log),
                false => self.server_line(number, line, log),
            });
            match told {
                Ok(()) => {}
                Err(NotRead::SetAside(why)) => log.add_set_aside(number, why),
                Err(NotRead::Unknown(why) | NotRead::CutOff(why)) => {
                    let why = format!("the entry that begins in line {number}: {why}");
                    match all {
                        Ok(()) => all = Err(NotRead::Unknown(why)),
                        Err(_) => log.add_unknown(number, why),
                    }
                    continue;
                }
            }
            log.read_late(number, before, || late.flatten().unwrap_or_default());
        }
        all
    }
}

#[cfg(test)]
mod context_tests;
#[cfg(test)]
mod parts_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod text_tests;
