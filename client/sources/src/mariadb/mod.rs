//! The log of MariaDB's server_audit, also where it runs in MySQL.
//!
//! Of a statement it writes a line for each table (`READ`, `WRITE` and so on), and one with its text. They have the number of the
//! connection and that of the query, and are one statement here. A database of MariaDB is a schema: mappings name a table
//! `database.database.table`.
//!
//! What it does not say: how many rows there were; what is the end of a line, so that a comment up to it may hide what follows;
//! the text behind `server_audit_query_log_limit` bytes (the mapping's `query_log_limit`); whether it inserted, updated or deleted,
//! where the text is not there; what users did whom it is told to leave out. Numbers begin anew with the server: a statement is
//! told by its time. Times have no zone: the mapping's is meant.

mod line;
mod text;

use crate::log::{self, Log, NotRead};
use crate::mapping::{Mapping, Meant};
use crate::sql::{Dialect, Fields, Name, Told};
use crate::statement::{Caller, Named, Part, Statement};
use crate::time::Times;
use crate::touched::{Looks, Touched, note};
use line::Line;
use liuhen_client::error::ClientError;
use liuhen_proto::wire::Operation;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};
use text::Text;

/// Errors by which the server says that something is not allowed: databases, accounts, tables, columns, rights, routines.
const DENIED: [u32; 10] = [1044, 1045, 1095, 1142, 1143, 1227, 1345, 1370, 1410, 1698];
/// Errors that come before a statement is executed: of its text, and of names that there are not.
const BEFORE: [u32; 7] = [1046, 1049, 1052, 1054, 1064, 1146, 1149];

/// A connection of a server.
type Connection = (String, String);

/// Lines of a statement whose text may still come.
#[derive(Debug)]
struct Pending {
    number: u64,
    first: Line,
    /// Tables, with what the lines say of each.
    tables: Vec<(String, (String, String))>,
    /// When its first line was read.
    heard: Instant,
}

/// A connection's last statement is waited for no longer, where the log is read as it is written.
const WAITS: Duration = Duration::from_secs(2);

/// Reads lines of server_audit.
pub struct Reader<'a> {
    mapping: &'a Mapping,
    times: Times,
    looks: Looks<'a>,
    pending: HashMap<Connection, Pending>,
    /// The number of the line that began a statement last whose text may still come.
    begun: u64,
}

impl<'a> Reader<'a> {
    /// By a mapping. Errors for a time zone that there is not.
    pub fn new(mapping: &'a Mapping) -> Result<Self, ClientError> {
        Ok(Self {
            mapping,
            times: Times::new(&mapping.time_zone).map_err(ClientError::failed)?,
            looks: Looks::new(mapping, Dialect::MySql),
            begun: 0,
            pending: HashMap::new(),
        })
    }
}

impl log::Reader for Reader<'_> {
    fn line(&mut self, number: u64, bytes: &[u8], log: &mut Log) -> Result<(), NotRead> {
        let Some(line) = Line::of(bytes)? else {
            log.other_lines += 1;
            return Ok(());
        };
        match self.times.time(&line.time) {
            Ok(time) => log.seen(time),
            Err(why) if line.is_table() || line.is_query() => return Err(why),
            Err(_) => {}
        }
        let connection = (line.server.clone(), line.connection.clone());
        let is_same = |it: &Pending| it.first.query == line.query;
        let told = match self.pending.remove(&connection) {
            Some(pending) if is_same(&pending) && (line.is_table() || line.is_query()) => {
                self.pending.insert(connection.clone(), pending);
                Ok(())
            }
            Some(pending) => self.statement(pending, None, log),
            None => Ok(()),
        };
        told.and(self.taken(number, line, connection, log))
    }

    fn is_whole(&self, _line: &[u8]) -> bool {
        false
    }

    fn shown(&self, line: &[u8]) -> (String, Vec<u8>) {
        match Line::of(line) {
            Ok(Some(line)) => (line.operation, line.object),
            Ok(None) | Err(_) => (String::new(), line.to_vec()),
        }
    }

    fn keeps(&self, number: u64) -> bool {
        self.begun == number
    }

    fn going_on(&mut self, log: &mut Log, since_ms: u64) -> HashSet<String> {
        // Of a stream: what a connection did last is told though it says nothing more.
        let is_old = |it: &Pending| since_ms > 0 && it.heard.elapsed() >= WAITS;
        let old = self.pending.extract_if(|_, it| is_old(it)).map(|(_, it)| it);
        let mut old: Vec<Pending> = old.collect();
        old.sort_by_key(|it| it.number);
        for one in old {
            let number = one.number;
            match self.statement(one, None, log) {
                Ok(()) => {}
                Err(NotRead::SetAside(why)) => log.add_set_aside(number, why),
                Err(NotRead::Unknown(why) | NotRead::CutOff(why)) => log.add_unknown(number, why),
            }
        }
        HashSet::new()
    }

    fn end(&mut self, cut: Option<&[u8]>, log: &mut Log) -> Result<(), NotRead> {
        let mut all: Vec<_> = std::mem::take(&mut self.pending).into_values().collect();
        all.sort_by_key(|it| it.number);
        if cut.is_some() {
            // The line that is not whole may hold its text.
            all.pop();
        }
        all.into_iter().try_for_each(|it| self.statement(it, None, log))
    }
}

impl Reader<'_> {
    fn taken(
        &mut self,
        number: u64,
        line: Line,
        connection: Connection,
        log: &mut Log,
    ) -> Result<(), NotRead> {
        if line.is_table() {
            let named = line.tables().into_iter().map(|it| (line.operation.clone(), it));
            let named: Vec<_> = named.collect();
            log.further_lines += u64::from(self.pending.contains_key(&connection));
            let pending = self.pending.entry(connection).or_insert_with(|| Pending {
                number,
                first: line,
                tables: Vec::new(),
                heard: Instant::now(),
            });
            self.begun = if pending.number == number { number } else { self.begun };
            pending.tables.extend(named);
            return Ok(());
        }
        if line.is_query() {
            let pending = self.pending.remove(&connection);
            log.further_lines += u64::from(pending.is_some());
            let pending = pending.unwrap_or_else(|| Pending {
                number,
                first: line.without_text(),
                tables: Vec::new(),
                heard: Instant::now(),
            });
            return self.statement(pending, Some(line), log);
        }
        let count = match line.operation.as_str() {
            "FAILED_CONNECT" => &mut log.other_denied,
            _ => &mut log.other_lines,
        };
        *count += 1;
        Ok(())
    }

    /// A statement, with its text where that is in the log. What can't be told rightly is said of its first line.
    fn statement(
        &mut self,
        pending: Pending,
        query: Option<Line>,
        log: &mut Log,
    ) -> Result<(), NotRead> {
        let (number, before) = (pending.number, log.counters());
        let shown = || (pending.first.operation.clone(), pending.first.object.clone());
        let shown = log.late.is_some().then(shown);
        match self.told(pending, query, log) {
            Err(NotRead::SetAside(why)) => log.add_set_aside(number, why),
            Err(other) => return Err(other),
            Ok(()) => {}
        }
        log.read_late(number, before, || shown.unwrap_or_default());
        Ok(())
    }

    fn told(
        &mut self,
        pending: Pending,
        query: Option<Line>,
        log: &mut Log,
    ) -> Result<(), NotRead> {
        let code = query.as_ref().and_then(|it| it.code).unwrap_or(0);
        let denied = DENIED.contains(&code);
        let database = query.as_ref().map(|it| it.database.clone()).unwrap_or_default();
        let text = query.as_ref().map(|it| Text::of(&self.looks, it, self.mapping.query_log_limit));
        let touched = match &text {
            Some(text) if denied => self.refused(&database, text),
            Some(text) if BEFORE.contains(&code) && text.calls_nothing() => Touched::default(),
            text => self.touched(&database, text.as_ref(), &pending.tables),
        };
        let audit = self.audit_set(&pending, text.as_ref(), log);
        note(&touched, log);
        let mut untold = touched.untold;
        untold.extend(audit);
        if touched.datasets.is_empty() && untold.is_empty() {
            let here = self.looks.is_recorded(&database)
                && pending.tables.iter().all(|(_, (database, _))| self.looks.is_recorded(database));
            let count = match (denied, here) {
                (_, false) => &mut log.other_databases,
                (true, true) => &mut log.other_denied,
                (false, true) => &mut log.other_lines,
            };
            *count += 1;
            return Ok(());
        }
        let first = &pending.first;
        let time_ms = self.times.time(&first.time)?;
        let bytes = query.map(|it| it.object).unwrap_or_default();
        let hidden = Named { hidden: true, ..Named::default() };
        let part = Part { text: bytes, rows: denied.then_some(0) };
        let statement = Statement {
            reference: self.reference(first, time_ms),
            time_ms,
            database,
            caller: Caller {
                role: first.user.clone(),
                address: first.address.clone(),
                application: String::new(),
            },
            touched: touched.datasets,
            untold,
            parts: BTreeMap::from([(0, part)]),
            named: text.map_or(hidden, |it| it.named()),
            denied,
            content: None,
        };
        log.add(pending.number, statement);
        Ok(())
    }

    fn reference(&self, line: &Line, time_ms: u64) -> String {
        // Nothing but what stands in the line itself: whichever file one begins with, it is the same.
        let of = format!("{}/{time_ms}/{}/{}", line.server, line.connection, line.query);
        self.mapping.reference(&of)
    }

    /// What a refused statement would have touched.
    fn refused(&self, database: &str, text: &Text) -> Touched {
        let Some(told) = &text.told else {
            return self.looks.by_mention(database, &text.text, None);
        };
        let mut touched = Touched::default();
        for it in told.touches.iter().filter(|it| it.operation != Operation::Admin) {
            if let Meant::Dataset(dataset) = self.looks.meant(database, &it.relation) {
                touched.add(dataset, it.operation, self.looks.fields(dataset, &it.fields));
            }
        }
        touched
    }

    /// What the text and the lines of tables tell together.
    fn touched(
        &self,
        database: &str,
        text: Option<&Text>,
        tables: &[(String, (String, String))],
    ) -> Touched {
        let mut touched = match text {
            Some(text) => text.touched(&self.looks, database, !tables.is_empty()),
            None => Touched::default(),
        };
        // Who locks tables reads and writes nothing.
        let locks = text.is_some_and(Text::locks);
        for (operation, (database, table)) in tables.iter().filter(|_| !locks) {
            let name = Name { schema: None, table: table.clone() };
            match self.looks.meant(database, &name) {
                Meant::None => {}
                Meant::Dataset(dataset) => of_table(dataset, operation, text, &mut touched),
                Meant::Unknown => {
                    let reads = operation == "READ";
                    let operation = if reads { Operation::Read } else { Operation::Update };
                    self.looks.unmapped(database, &name, Some(operation), &mut touched);
                }
            }
        }
        if text.is_some_and(Text::makes) {
            // Who makes, changes or drops what holds no dataset's data touches none.
            touched.untold.clear();
            touched.unmapped.clear();
        }
        touched
    }

    /// Whoever changes what is audited changes what the log tells.
    fn audit_set(&self, pending: &Pending, text: Option<&Text>, log: &mut Log) -> Option<String> {
        let told: &Told = text?.told.as_ref()?;
        let is_audits = |it: &&str| it.trim_start_matches('@').contains("server_audit");
        let name = told.settings.iter().filter_map(|it| it.name.as_deref()).find(is_audits)?;
        let why = format!("{} sets {name}: the log may not tell what follows", pending.first.user);
        log.add_event(pending.number, why.clone());
        Some(why)
    }
}

/// What the line of a table tells beside the text, which knows more of it: views, triggers and what functions touch.
fn of_table(dataset: &str, operation: &str, text: Option<&Text>, touched: &mut Touched) {
    let is_known = touched.datasets.keys().any(|(known, _)| known == dataset);
    match operation {
        _ if is_known && (operation != "WRITE" || text.is_none_or(Text::may_lock)) => {}
        "READ" => touched.add(dataset, Operation::Read, Fields::Unknown),
        "WRITE" => match text.and_then(Text::change) {
            Some(operation) => touched.add(dataset, operation, Fields::Unknown),
            None => {
                let why =
                    "was written, and the log does not say whether by insert, update or delete";
                touched.untold.insert(format!("{dataset} {why}"));
            }
        },
        _ => touched.add(dataset, Operation::Admin, Fields::Unknown),
    }
}

#[cfg(test)]
mod tests;
