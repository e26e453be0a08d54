//! What an entry of pgAudit tells: a relation that a statement touched, or a statement that names none.

use super::Reader;
use super::entry::Entry;
use super::line::ServerLine;
use super::text::shown;
use crate::log::{Log, NotRead};
use crate::mapping::Meant;
use crate::relation::parts;
use crate::sql::{self, Dialect, Doing, Fields, Name, Told};
use crate::statement::{Caller, Named, Part, Statement};
use crate::touched::{Touched, named, note};
use liuhen_proto::wire::Operation;
use std::collections::BTreeMap;

/// What kinds of objects hold rows.
const RELATIONS: [&str; 5] =
    ["TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE", "PARTITIONED TABLE"];

impl Reader<'_> {
    pub(super) fn audited(
        &mut self,
        number: u64,
        line: &ServerLine,
        log: &mut Log,
    ) -> Result<(), NotRead> {
        let Some(mut entry) = line.entry()? else { return Ok(()) };
        // A parallel worker runs in the name of a session, and says of itself neither role nor database.
        let leader = self.sessions.of_leader(line).map(str::to_owned);
        let session = leader.filter(|_| line.database.is_empty());
        let session = session.as_deref().unwrap_or(&line.session);
        let reference = self.mapping.reference(&format!("{session}/{}", entry.statement));
        let database = match log.known(&reference) {
            Some(known) if line.database.is_empty() => known.database.clone(),
            _ => line.database.clone(),
        };
        if !database.is_empty() && !self.mapping.has(&database) {
            log.of_other_database(&database);
            return Ok(());
        }
        if !database.is_empty() && !self.mapping.databases.contains(&database) {
            log.databases.insert(database.clone());
        }
        hides(&entry, log);
        self.completed(&mut entry, line, session, &reference, log);
        let text = shown(&entry.text);
        let told = match (entry.is_hidden(), entry.is_executed()) {
            (true, _) => None,
            (false, true) => self.looks.executed(&database, &text),
            (false, false) => self.looks.told(&database, &text),
        };
        if entry.command.starts_with("ROLLBACK") {
            self.sessions.rolled_back(line);
        }
        if let Some(told) = &told {
            self.sessions.set(line, &told.settings, self.mapping.pooled);
            self.audit_set(number, line, (told, &text), log)?;
        }
        let touched = self.touched(&database, &entry, &text, told.as_ref());
        self.sessions.ran(line, &reference);
        let nothing = touched.is_nothing();
        let unmapped = touched.unmapped.clone();
        let behind = entry.object_type == "VIEW" || entry.is_unknown();
        let view = behind && touched.datasets.is_empty();
        if !view {
            note(&touched, log);
        }
        // What a statement says of itself counts for all that ran inside it, in whatever order the lines come.
        let named = self.named(line, &text, entry.is_hidden());
        let statement = self.of_entry(line, &entry, touched, named, (reference, database))?;
        match (log.known(&statement.reference), nothing, view) {
            (Some(known), true, _) => {
                known.join(statement);
                log.further_lines += 1;
            }
            (None, true, _) => {
                self.open.insert(session.to_owned(), statement);
                log.other_lines += 1;
            }
            // The tables behind a view, or of a partition, may be named in lines of their own.
            (_, false, true) => {
                let name = unmapped.into_iter().next().unwrap_or_default();
                self.views.push((number, name, statement));
            }
            (_, false, false) => {
                let reference = statement.reference.clone();
                log.add(number, statement);
                let outside = self.open.get(session).filter(|it| it.reference == reference);
                if let (Some(outside), Some(known)) = (outside, log.known(&reference)) {
                    known.join(outside.clone());
                }
            }
        }
        Ok(())
    }

    /// Puts into an entry what others of its statement say, or its line.
    fn completed(
        &self,
        entry: &mut Entry,
        line: &ServerLine,
        session: &str,
        reference: &str,
        log: &mut Log,
    ) {
        if entry.is_logged_before() {
            let waits = self.open.get(session).filter(|it| it.reference == reference);
            let parts = log.known(reference).map(|it| &it.parts);
            let part =
                parts.or(waits.map(|it| &it.parts)).and_then(|it| it.get(&entry.substatement));
            entry.text_before(part.map(|it| it.text.as_slice()));
        }
        // What copies rows out shows as a read where its text is not logged; the line says which command it is.
        if entry.is_hidden() && entry.class == "READ" && line.tag == "COPY" {
            entry.command.clone_from(&line.tag);
        }
    }

    /// Views and partitions that the mapping does not name: those whose tables are named in the same statement need no mapping.
    pub(super) fn looked_through(&mut self, log: &mut Log) {
        for (number, name, statement) in std::mem::take(&mut self.views) {
            match log.known(&statement.reference) {
                Some(known) if !known.touched.is_empty() => log.further_lines += 1,
                _ => {
                    *log.unmapped.entry(name).or_default() += 1;
                    log.add(number, statement);
                }
            }
        }
    }

    /// The statement that an entry is about, or what it tells of it.
    fn of_entry(
        &self,
        line: &ServerLine,
        entry: &Entry,
        touched: Touched,
        named: Named,
        (reference, database): (String, String),
    ) -> Result<Statement, NotRead> {
        let text = [entry.text.as_slice(), b"\n", entry.parameters.as_slice()].concat();
        Ok(Statement {
            reference,
            time_ms: self.times.time(&line.time)?,
            database,
            caller: caller(line),
            touched: touched.datasets,
            untold: touched.untold,
            parts: BTreeMap::from([(entry.substatement, Part { text, rows: entry.known_rows() })]),
            named,
            denied: false,
        })
    }

    /// What comments name, and where they name nothing, what the session has set.
    pub(super) fn named(&self, line: &ServerLine, text: &str, hidden: bool) -> Named {
        let set = self.sessions.named(line);
        if hidden {
            return Named { hidden: set.grants.is_empty(), ..set };
        }
        let named = named(text, Dialect::Postgres);
        Named {
            grants: if named.grants.is_empty() { set.grants } else { named.grants },
            purpose: named.purpose.or(set.purpose),
            user: named.user.or(set.user),
            hidden: false,
        }
    }

    fn touched(&self, database: &str, entry: &Entry, text: &str, told: Option<&Told>) -> Touched {
        match parts(&entry.object).filter(|_| !entry.object.is_empty()) {
            Some(mut parts) => {
                let table = parts.pop().unwrap_or_default();
                let name = Name { schema: parts.pop(), table };
                self.of_relation(database, entry, &name, told)
            }
            None => self.of_statement(database, entry, text, told),
        }
    }

    /// What an entry tells that names a relation.
    fn of_relation(
        &self,
        database: &str,
        entry: &Entry,
        name: &Name,
        told: Option<&Told>,
    ) -> Touched {
        let mut touched = Touched::default();
        if entry.object_type == "FUNCTION" {
            self.looks.called(database, std::slice::from_ref(name), &mut touched);
            return touched;
        }
        let is_relation = RELATIONS.contains(&entry.object_type.as_str());
        if !is_relation || sql::is_systems(name, Dialect::Postgres) {
            return touched;
        }
        let dataset = match self.looks.meant(database, name) {
            Meant::Dataset(dataset) => dataset.to_owned(),
            Meant::None => return touched,
            Meant::Unknown => {
                self.looks.unmapped(database, name, &mut touched);
                return touched;
            }
        };
        // The text tells more: whether rows were copied out, or an insert may update.
        let is_it =
            |it: &Name| it.table == name.table && (it.schema.is_none() || it.schema == name.schema);
        let by_class = of_class(entry);
        let fits = |operation: Operation| match (entry.class.as_str(), operation) {
            ("READ", Operation::Read | Operation::Export) => true,
            ("WRITE", Operation::Insert | Operation::Update | Operation::Delete) => true,
            ("READ" | "WRITE", _) => false,
            (_, operation) => Some(operation) == by_class,
        };
        let by_text = told.into_iter().flat_map(|it| &it.touches);
        let by_text: Vec<_> =
            by_text.filter(|it| is_it(&it.relation) && fits(it.operation)).collect();
        for it in &by_text {
            let fields = self.looks.fields(&dataset, &it.fields);
            touched.add(&dataset, it.operation, fields);
        }
        if by_text.is_empty() {
            for operation in by_class.map_or_else(|| of_unknown(entry, told), |it| vec![it]) {
                touched.add(&dataset, operation, Fields::Unknown);
            }
        }
        touched
    }

    /// What an entry tells that names no relation: by its text, as far as that goes.
    fn of_statement(
        &self,
        database: &str,
        entry: &Entry,
        text: &str,
        told: Option<&Told>,
    ) -> Touched {
        let Some(told) = told else { return self.of_unparsed(database, entry, text) };
        let mut touched = self.looks.by_text(database, told);
        // pgAudit says that something was read or written; where its text says of nothing, that is not in it.
        let is_data = matches!(entry.class.as_str(), "READ" | "WRITE") && entry.is_executed();
        if touched.is_nothing() && is_data && told.kind != Doing::Data {
            let command = &entry.command;
            touched
                .untold
                .insert(format!("{command} names no relation, and its text tells of none"));
        }
        touched
    }

    /// What can't be parsed may be an access, but for commands that touch nothing.
    fn of_unparsed(&self, database: &str, entry: &Entry, text: &str) -> Touched {
        if touches_nothing(entry) {
            return Touched::default();
        }
        let command = &entry.command;
        let mut touched = match entry.is_hidden() {
            true => Touched::default(),
            false => self.looks.by_mention(database, text, of_class(entry)),
        };
        let is_data = matches!(entry.class.as_str(), "READ" | "WRITE" | "FUNCTION");
        if touched.is_nothing() && is_data {
            let why = if entry.is_hidden() {
                "its text is not logged"
            } else {
                "its text can't be parsed"
            };
            touched.untold.insert(format!("{command} names no relation, and {why}"));
        }
        touched
    }

    /// Whoever changes what is audited changes what the log tells.
    fn audit_set(
        &self,
        number: u64,
        line: &ServerLine,
        (told, text): (&Told, &str),
        log: &mut Log,
    ) -> Result<(), NotRead> {
        let set = told.settings.iter().filter_map(|it| it.name.as_deref());
        let set =
            set.map(str::to_owned).find(|name| OF_THE_LOG.iter().any(|it| name.starts_with(it)));
        let Some(name) = set.or_else(|| changes_the_log(text, told)) else { return Ok(()) };
        let why = format!("{} sets {name}: the log may not tell what follows", line.role);
        log.events.push((number, why.clone()));
        self.untold(number, line, &name, why, log)
    }
}

/// Settings by which a log tells less.
const OF_THE_LOG: [&str; 8] = [
    "pgaudit.",
    "log_min_messages",
    "log_min_error_statement",
    "log_destination",
    "logging_collector",
    "log_error_verbosity",
    "session_preload_libraries",
    "shared_preload_libraries",
];

/// The setting of the log that a statement changes for others or for later: of a role, a database, the server, a function.
fn changes_the_log(text: &str, told: &Told) -> Option<String> {
    let text = sql::without_comments(text, Dialect::Postgres).to_lowercase();
    let first = text.split_whitespace().next().unwrap_or_default();
    let of_settings = told.touches.iter().any(|it| it.relation.table == "pg_settings");
    let changes = matches!(first, "alter" | "create") || of_settings && first == "update";
    let name = OF_THE_LOG.iter().find(|name| changes && text.contains(*name));
    name.map(|it| it.trim_end_matches('.').to_owned())
}

/// Notes by which settings of pgAudit an entry hides something.
fn hides(entry: &Entry, log: &mut Log) {
    if !matches!(entry.class.as_str(), "READ" | "WRITE") {
        return;
    }
    match entry.rows {
        None => log.hides("pgaudit.log_rows = off: how many rows there were"),
        Some(_) => log.hides(
            "pgaudit.log_rows = on: statements that did not end have no entry, and are told by their errors alone",
        ),
    }
    if entry.is_hidden() {
        log.hides("pgaudit.log_statement = off: the text, and with it the grant that it names");
    }
    if entry.object.is_empty()
        && matches!(entry.command.as_str(), "COPY" | "DECLARE CURSOR" | "TRUNCATE TABLE")
    {
        log.hides("no setting of pgAudit names the relations of COPY, DECLARE CURSOR and TRUNCATE: the text tells them");
    }
}

pub(super) fn caller(line: &ServerLine) -> Caller {
    Caller {
        role: line.role.clone(),
        address: line.address.clone(),
        application: line.application.clone(),
    }
}

/// The operation of a class and command; `None` where they do not say.
fn of_class(entry: &Entry) -> Option<Operation> {
    match (entry.class.as_str(), entry.command.as_str()) {
        ("READ", "COPY") => Some(Operation::Export),
        ("READ", _) => Some(Operation::Read),
        ("WRITE", "INSERT" | "COPY") => Some(Operation::Insert),
        ("WRITE", "UPDATE" | "MERGE") => Some(Operation::Update),
        ("WRITE", "DELETE" | "TRUNCATE TABLE" | "TRUNCATE") => Some(Operation::Delete),
        ("DDL" | "ROLE", _) => Some(Operation::Admin),
        _ => None,
    }
}

/// The operations of an entry whose class does not say. A partition, of which pgAudit knows no command, is touched as the text
/// touches its table.
fn of_unknown(entry: &Entry, told: Option<&Told>) -> Vec<Operation> {
    if !entry.is_unknown() {
        return vec![Operation::Admin];
    }
    let mut operations: Vec<Operation> =
        told.into_iter().flat_map(|it| &it.touches).map(|it| it.operation).collect();
    operations.sort_by_key(|it| *it as i32);
    operations.dedup();
    if operations.is_empty() { vec![Operation::Read] } else { operations }
}

/// Whether a command that names no relation reads and changes no data: settings, transactions, pings and the like.
fn touches_nothing(entry: &Entry) -> bool {
    const COMMANDS: [&str; 24] = [
        "BEGIN",
        "START TRANSACTION",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT",
        "RELEASE",
        "ROLLBACK TO",
        "PREPARE TRANSACTION",
        "COMMIT PREPARED",
        "ROLLBACK PREPARED",
        "SHOW",
        "SET",
        "RESET",
        "DISCARD ALL",
        "LISTEN",
        "UNLISTEN",
        "NOTIFY",
        "CHECKPOINT",
        "DEALLOCATE",
        "DEALLOCATE ALL",
        "LOAD",
        "LOCK TABLE",
        "CLOSE CURSOR",
        "DO",
    ];
    let is_misc = matches!(entry.class.as_str(), "MISC" | "MISC_SET" | "FUNCTION");
    let is_made = matches!(entry.class.as_str(), "DDL" | "ROLE");
    is_made || is_misc && COMMANDS.contains(&entry.command.as_str())
}
