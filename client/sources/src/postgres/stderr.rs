//! The server's log as lines of text (`log_destination = stderr`), and as syslog carries the same lines.
//!
//! An entry begins with `log_line_prefix` and goes on in lines that begin with a tab; what else is said of it (its statement, a
//! hint) stands in lines behind it that begin with the prefix too.
//!
//! What the prefix leaves out is lost: without `%c` (or `%s` and `%p`) a session is what one process writes until it seems to be
//! another, and a statement is told by process and time, so that it is the same whichever file one begins with; without `%p` too,
//! each moment is a session of its own. Without `%u` nobody is known to have asked, without `%d` a
//! relation is looked for in all databases, without `%e` refusals are known by their texts in English and Chinese alone, and
//! without `%l` nobody sees that lines are missing. `%a` and `%u` are what the client said: a name can look like a line's rest.

use super::line::{ServerLine, without_port};
use super::prefix::{Head, Prefix};
use super::text::Text;
use super::words::{Word, is_denial};
use crate::log::NotRead;
use crate::time::Times;
use std::collections::{BTreeMap, HashMap};

/// How many entries of different processes may be under way at once.
const MOST_OPEN: usize = 4096;

/// Where a line comes from, where syslog carried it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Origin {
    /// Host and process.
    pub from: String,
    /// When, if its time has a year.
    pub time: Option<String>,
    /// The number of the entry within the process, and that of the piece within the entry.
    pub sequence: Option<(u64, u64)>,
    /// It stood behind an end of a line within one line of syslog.
    pub is_further: bool,
}

/// An entry that is whole, with the number of its first line.
pub(super) type Whole = (u64, Result<ServerLine, NotRead>);

/// An entry whose lines may not be over.
#[derive(Debug)]
struct Open {
    number: u64,
    line: ServerLine,
    /// The process, where lines say it.
    process: String,
    /// Where what comes next belongs.
    goes_on: Word,
    /// The number of the entry, and that of its last piece.
    sequence: Option<(u64, u64)>,
    /// Pieces of it are missing.
    is_torn: bool,
}

/// A process, where lines do not say their session.
#[derive(Debug, Default)]
struct Process {
    session: String,
    who: (String, String),
    line_num: u64,
    statement: u64,
}

/// Entries, made of lines.
#[derive(Debug)]
pub(super) struct Entries {
    prefix: Prefix,
    /// By where they come from, which is empty where no syslog carried them.
    open: BTreeMap<String, Open>,
    processes: HashMap<String, Process>,
    /// The number of the line that began an entry last.
    begun: u64,
    /// The number of the line that was read last.
    read: u64,
    /// The server writes the state before each message (`log_error_verbosity = verbose`).
    is_verbose: bool,
}

impl Entries {
    /// By a prefix. Errors for one that is too long.
    pub(super) fn new(prefix: &str) -> Result<Self, String> {
        let (open, processes) = (BTreeMap::new(), HashMap::new());
        let prefix = Prefix::new(prefix)?;
        Ok(Self { prefix, open, processes, begun: 0, read: 0, is_verbose: false })
    }

    /// Whether a line begins with the prefix.
    pub(super) fn begins(&self, line: &[u8]) -> bool {
        self.prefix.head(line).is_some()
    }

    /// The number of the line that began an entry last.
    pub(super) fn begun(&self) -> u64 {
        self.begun
    }

    /// Whether a line belongs to an entry before.
    pub(super) fn is_open(&self, from: &str) -> bool {
        self.open.contains_key(from)
    }

    /// Takes a line. Where it begins an entry, gives one before that is whole with it; `None` where it belongs to one before.
    pub(super) fn line(
        &mut self,
        number: u64,
        line: &[u8],
        origin: &Origin,
        times: &Times,
    ) -> Result<Option<Vec<Whole>>, NotRead> {
        self.read = number;
        let head = self.prefix.head(line).map(|head| (Word::of(head.word), head));
        let begins = match origin.sequence {
            Some((_, piece)) => piece <= 1,
            None => !origin.is_further && matches!(head, Some((Word::Entry(_), _))),
        };
        let open = self.open.get_mut(&origin.from).filter(|it| it.is_of(origin, line, &head));
        match open {
            Some(open) if !begins => {
                open.takes(line, head, origin.sequence);
                return Ok(None);
            }
            None if !begins && origin.sequence.is_some() => {
                let why = "the first piece of the entry is missing";
                return Err(NotRead::SetAside(why.to_owned()));
            }
            None if origin.is_further => return Ok(None),
            _ => {}
        }
        match head {
            Some((Word::Entry(severity), head)) => {
                let opened = self.opened(number, severity, &head, origin, times);
                self.begun = number;
                let mut whole = self.made_room(&origin.from);
                whole.extend(self.open.insert(origin.from.clone(), opened).map(Open::whole));
                Ok(Some(whole))
            }
            // What is said of an entry that stands in no file read here.
            Some(_) => Ok(None),
            None => Err(format!(
                "neither a line of JSON nor a record of a server's log, and it does not begin with the log_line_prefix `{}`",
                self.prefix.text()
            )
            .into()),
        }
    }

    fn made_room(&mut self, from: &str) -> Vec<Whole> {
        if self.open.len() < MOST_OPEN || self.open.contains_key(from) {
            return Vec::new();
        }
        let oldest = self.open.iter().min_by_key(|(_, it)| it.number).map(|(from, _)| from.clone());
        oldest.and_then(|it| self.open.remove(&it)).map(Open::whole).into_iter().collect()
    }

    /// All that are open, in the order of their lines. A last line that is not whole may belong to the last of them, unless it
    /// begins another: that one is left for the next run.
    pub(super) fn end(&mut self, cut: Option<&[u8]>) -> Vec<Whole> {
        let mut open: Vec<_> = std::mem::take(&mut self.open).into_values().collect();
        open.sort_by_key(|it| it.number);
        if cut.is_some_and(|line| !self.begins_entry(line)) {
            open.pop();
        }
        open.into_iter().map(Open::whole).collect()
    }

    /// A file ends for good within a line: where that begins no entry, it may be of the last that is open.
    pub(super) fn torn(&mut self, line: &[u8]) {
        if self.begins_entry(line) {
            return;
        }
        if let Some(last) = self.open.values_mut().max_by_key(|it| it.number) {
            last.line.is_cut = true;
        }
    }

    /// The entry that a line ended which is none of its own, and which the reading stopped at. Of an error more may come, and of
    /// what syslog carries nobody knows.
    pub(super) fn stopped(&mut self) -> Vec<Whole> {
        let is_over = |it: &Open| it.number < self.read && !it.line.is_error();
        match self.open.get("").is_some_and(is_over) {
            true => self.open.remove("").map(Open::whole).into_iter().collect(),
            false => Vec::new(),
        }
    }

    fn begins_entry(&self, line: &[u8]) -> bool {
        let head = self.prefix.head(line);
        head.is_some_and(|it| matches!(Word::of(it.word), Word::Entry(_)))
    }

    fn opened(
        &mut self,
        number: u64,
        severity: String,
        head: &Head<'_>,
        origin: &Origin,
        times: &Times,
    ) -> Open {
        let value = |escape: u8| head.value(escape).to_owned();
        let stamps = [b'm', b'n', b't'].map(value).into_iter().find(|it| !it.is_empty());
        let time = stamps.or_else(|| origin.time.clone()).unwrap_or_default();
        // An entry tells that the server is; what somebody raises could look like it.
        self.is_verbose |= head.message.starts_with(b"00000: AUDIT: ");
        let (state, message) = match self.is_verbose {
            true => with_state(value(b'e'), head.message),
            false => (value(b'e'), head.message),
        };
        let is_error = matches!(severity.as_str(), "ERROR" | "FATAL" | "PANIC");
        let is_denied = is_error && state.is_empty() && is_denial(message);
        let host = [b'h', b'r'].map(value).into_iter().find(|it| !it.is_empty());
        let number_of_line = value(b'l').parse().ok();
        let mut line = ServerLine {
            role: value(b'u'),
            database: value(b'd'),
            is_database_untold: !self.prefix.has(b'd'),
            line_num: number_of_line.or(origin.sequence.map(|(entry, _)| entry)),
            address: host.map(|it| without_port(&it)).unwrap_or_default(),
            application: value(b'a'),
            leader: value(b'P').parse().ok(),
            tag: value(b'i'),
            transaction: value(b'v'),
            severity,
            state: if is_denied { "42501".to_owned() } else { state },
            message: Text(message.to_vec()),
            time,
            ..ServerLine::default()
        };
        (line.session, line.process) = self.session(head, origin, &line, times);
        let goes_on = Word::Entry(String::new());
        let (process, sequence) = (process(head), origin.sequence);
        Open { number, line, process, goes_on, sequence, is_torn: false }
    }

    /// The session: `%c`, or what it is made of; else what comes nearest, with the process.
    fn session(
        &mut self,
        head: &Head<'_>,
        origin: &Origin,
        line: &ServerLine,
        times: &Times,
    ) -> (String, Option<String>) {
        let (session, process) = (head.value(b'c'), head.value(b'p'));
        if !session.is_empty() {
            return (session.to_owned(), None);
        }
        let began = times.time(head.value(b's')).ok().map(|it| it / 1000);
        if let (Some(began), Ok(process)) = (began, process.parse::<u64>()) {
            return (format!("{began:x}.{process:x}"), None);
        }
        let (host, numbered) = origin.from.rsplit_once('/').unwrap_or(("", ""));
        let process = if process.is_empty() { numbered } else { process };
        if process.is_empty() {
            return (line.time.clone(), None);
        }
        let key = if host.is_empty() { process.to_owned() } else { format!("{host}/{process}") };
        let known = self.processes.entry(key.clone()).or_default();
        let this = Process::of(line);
        let is_another = known.is_another(&this);
        if known.session.is_empty() || is_another {
            // What is more exact than the day tells it from the one before it.
            let since = match (times.time(&line.time), is_another) {
                (Ok(time), false) => times.day(time),
                _ => line.time.clone(),
            };
            *known = Process { session: format!("{key}@{since}"), ..this };
        } else {
            known.line_num = this.line_num.max(known.line_num);
            known.statement = this.statement.max(known.statement);
            known.who = if this.who.0.is_empty() { known.who.clone() } else { this.who };
        }
        (known.session.clone(), Some(key))
    }
}

impl Process {
    fn of(line: &ServerLine) -> Self {
        let audited = line.message.0.strip_prefix(b"AUDIT: ").unwrap_or_default();
        let number =
            audited.split(|it| *it == b',').nth(1).and_then(|it| std::str::from_utf8(it).ok());
        Self {
            session: String::new(),
            who: (line.role.clone(), line.database.clone()),
            line_num: line.line_num.unwrap_or(0),
            statement: number.and_then(|it| it.parse().ok()).unwrap_or(0),
        }
    }

    /// Whether another process has the number now: numbers begin anew, or somebody else is there.
    fn is_another(&self, this: &Self) -> bool {
        let begins_anew = this.line_num > 0 && this.line_num < self.line_num;
        let first_again = this.statement == 1 && self.statement > 1;
        let somebody_else =
            !self.who.0.is_empty() && !this.who.0.is_empty() && self.who != this.who;
        begins_anew || first_again || somebody_else
    }
}

impl Open {
    /// Whether a line that begins no entry belongs to this one.
    fn is_of(&self, origin: &Origin, line: &[u8], head: &Option<(Word, Head<'_>)>) -> bool {
        match (self.sequence, origin.sequence) {
            (Some((open, _)), Some((this, _))) => open == this,
            _ => match head {
                Some((_, head)) => process(head) == self.process,
                None => line.first() == Some(&b'\t') || !origin.from.is_empty(),
            },
        }
    }

    fn takes(&mut self, line: &[u8], head: Option<(Word, Head<'_>)>, sequence: Option<(u64, u64)>) {
        if let (Some((_, last)), Some((_, this))) = (self.sequence, sequence) {
            self.is_torn |= this > last.saturating_add(1);
            self.sequence = sequence;
        }
        let (begins, text) = match &head {
            Some((word @ (Word::Statement | Word::Further), head)) => {
                self.goes_on = word.clone();
                if let Ok(number) = head.value(b'l').parse() {
                    self.line.last_line_num = Some(number);
                }
                (true, head.message)
            }
            _ => (false, line),
        };
        let into = match self.goes_on {
            Word::Entry(_) => &mut self.line.message,
            Word::Statement => self.line.statement.get_or_insert_with(Text::default),
            Word::Further => return,
        };
        let goes_on = if begins { None } else { text.strip_prefix(b"\t") };
        // A line goes on behind a tab; a piece of a long one is just what comes next.
        if goes_on.is_some() || !begins && sequence.is_none() {
            into.0.push(b'\n');
        }
        into.0.extend_from_slice(goes_on.unwrap_or(text));
    }

    fn whole(self) -> Whole {
        let told = match self.is_torn {
            true => Err(NotRead::SetAside("pieces of the entry are missing".to_owned())),
            false => Ok(self.line),
        };
        (self.number, told)
    }
}

/// A message and its state, which stands before it where the server is told to be verbose.
fn with_state(state: String, message: &[u8]) -> (String, &[u8]) {
    let verbose = message.get(..5).zip(message.get(5..).and_then(|it| it.strip_prefix(b": ")));
    let is_state = |it: &[u8]| {
        it.iter().any(u8::is_ascii_digit)
            && it.iter().all(|it| it.is_ascii_digit() || it.is_ascii_uppercase())
    };
    match verbose.filter(|(it, _)| is_state(it)) {
        Some((text, rest)) if state.is_empty() || state.as_bytes() == text => {
            (super::text::shown(text), rest)
        }
        _ => (state, message),
    }
}

/// The process that wrote a line, by its session or its number.
fn process(head: &Head<'_>) -> String {
    [b'c', b'p'].map(|it| head.value(it)).concat()
}
