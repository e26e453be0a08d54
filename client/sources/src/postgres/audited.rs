//! What an entry of pgAudit tells: a relation that a statement touched, or a statement that names none.

use super::Reader;
use super::entry::Entry;
use super::line::ServerLine;
use super::text::shown;
use super::views::Behind;
use crate::log::{Log, NotRead};
use crate::mapping::Meant;
use crate::relation::parts;
use crate::sql::{self, Dialect, Doing, Fields, Name, Told};
use crate::statement::{Caller, Named, Part, Statement};
use crate::touched::{Touched, named, note};
use liuhen_proto::wire::Operation;
use std::collections::BTreeMap;

impl Reader<'_> {
    pub(super) fn audited(
        &mut self,
        number: u64,
        line: &ServerLine,
        log: &mut Log,
    ) -> Result<(), NotRead> {
        let Some(entry) = line.entry()? else { return Ok(()) };
        self.entries_read += 1;
        if let Some(leader) = self.leader_of(line) {
            return self.of_worker(number, line, entry, &leader, log);
        }
        let database = line.database.as_str();
        if !database.is_empty() && !self.mapping.has(database) {
            log.of_other_database(database);
            return Ok(());
        }
        if !database.is_empty() && !self.mapping.databases.contains(database) {
            log.databases.insert(database.to_owned());
        }
        let reference = self.reference_of(line, entry.statement);
        self.take_entry(number, line, entry, &reference, log)
    }

    /// What tells a statement from all others of its server: nothing that depends on what was read before it.
    pub(super) fn reference_of(&mut self, line: &ServerLine, statement: u64) -> String {
        let of = match &line.process {
            None => format!("{}/{statement}", line.session),
            Some(process) => {
                let began = self.sessions.began(line, statement);
                format!("{process}@{began}/{statement}")
            }
        };
        self.mapping.reference(&of)
    }

    /// Takes what an entry tells of its statement.
    pub(super) fn take_entry(
        &mut self,
        number: u64,
        line: &ServerLine,
        mut entry: Entry,
        reference: &str,
        log: &mut Log,
    ) -> Result<(), NotRead> {
        let database = line.database.as_str();
        hides(&entry, log);
        if matches!(entry.class.as_str(), "READ" | "WRITE") {
            self.writes_at_end = entry.rows.is_some();
        }
        self.completed(&mut entry, line, reference, log);
        let text = shown(&entry.text);
        let pieces = match entry.is_hidden() {
            true => None,
            false => self.looks.pieces(database, &text, entry.is_executed()),
        };
        let executed = self.batches.executed(line, self.mapping.filtered, &entry, pieces);
        self.takes_back(line, &entry, &text, executed.at);
        self.sessions.set(line, executed.settings.iter(), self.mapping.pooled);
        if executed.is_first {
            self.audit_set(number, line, (&entry, &text), executed.whole(), log)?;
        }
        let told = executed.told.as_ref();
        let mut touched = self.touched(database, &entry, &text, told);
        touched.join(self.of_workers(line));
        self.sessions.ran(line, reference, &entry);
        let nothing = touched.is_nothing();
        let unmapped = touched.unmapped.clone();
        let is_view = entry.object_type == "VIEW";
        let is_behind = (is_view || entry.is_unknown()) && touched.datasets.is_empty();
        if !is_behind {
            note(&touched, log);
        }
        self.under_way(line, reference, log);
        self.views.saw(&line.session, &entry, told);
        // What a statement says of itself counts for all that ran inside it, in whatever order the lines come.
        let named = self.named(line, &text, entry.is_hidden());
        let statement = self.of_entry(line, &entry, touched, named, reference)?;
        match (log.known(reference), nothing, is_behind) {
            (Some(known), true, _) => {
                known.join(statement);
                log.further_lines += 1;
            }
            (None, true, _) => {
                self.open.insert(line.session.clone(), statement);
                log.other_lines += 1;
            }
            // The tables behind a view, or of a partition, may be named in lines of their own.
            (_, false, true) => {
                let name = unmapped.into_iter().next().unwrap_or_default();
                let behind = Behind { number, name, statement, is_view };
                self.views.waits(&line.session, behind);
            }
            (_, false, false) => {
                log.add(number, statement);
                let outside = self.open.get(&line.session).filter(|it| it.reference == reference);
                if let (Some(outside), Some(known)) = (outside, log.known(reference)) {
                    known.join(outside.clone());
                }
            }
        }
        Ok(())
    }

    /// Takes what a statement does to the savepoints of its transaction.
    fn takes_back(&mut self, line: &ServerLine, entry: &Entry, text: &str, at: usize) {
        let command = entry.command.as_str();
        let done = sql::savepoint(text, command, at);
        if done.is_some() || command.starts_with("ROLLBACK") && !command.ends_with("PREPARED") {
            self.sessions.savepoint(line, done.as_ref());
        }
    }

    /// Puts into an entry what others of its statement say, or its line.
    fn completed(&self, entry: &mut Entry, line: &ServerLine, reference: &str, log: &mut Log) {
        if entry.is_logged_before() {
            let waits = self.open.get(&line.session).filter(|it| it.reference == reference);
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

    /// The statement that an entry is about, or what it tells of it.
    fn of_entry(
        &self,
        line: &ServerLine,
        entry: &Entry,
        touched: Touched,
        named: Named,
        reference: &str,
    ) -> Result<Statement, NotRead> {
        let text = [entry.text.as_slice(), b"\n", entry.parameters.as_slice()].concat();
        Ok(Statement {
            reference: reference.to_owned(),
            time_ms: self.times.time(&line.time)?,
            database: line.database.clone(),
            caller: caller(line),
            touched: touched.datasets,
            untold: touched.untold,
            parts: BTreeMap::from([(entry.substatement, Part { text, rows: entry.known_rows() })]),
            named,
            denied: false,
            content: None,
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

    pub(super) fn touched(
        &self,
        database: &str,
        entry: &Entry,
        text: &str,
        told: Option<&Told>,
    ) -> Touched {
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
        let is_made = matches!(entry.class.as_str(), "DDL" | "ROLE");
        if is_made && !entry.is_of_relation() {
            // On which relation an index, a policy, a publication is, the text says.
            let mut touched = told.map(|it| self.looks.by_text(database, it)).unwrap_or_default();
            touched.datasets.retain(|(_, operation), _| *operation == Operation::Admin as i32);
            return Touched { datasets: touched.datasets, ..Touched::default() };
        }
        if entry.object_type == "FUNCTION" {
            self.looks.called(database, std::slice::from_ref(name), &mut touched);
            return touched;
        }
        let is_data = matches!(entry.class.as_str(), "READ" | "WRITE");
        if entry.object_type == "TOAST TABLE" && is_data {
            let why = format!("{name} holds long values of a table that it does not name");
            touched.untold.insert(why);
            return touched;
        }
        if !entry.is_of_relation() || sql::is_systems(name, Dialect::Postgres) {
            return touched;
        }
        let by_class = of_class(entry);
        let operations = || by_class.map_or_else(|| of_unknown(entry, told), |it| vec![it]);
        let dataset = match self.looks.meant(database, name) {
            Meant::Dataset(dataset) => dataset.to_owned(),
            // It holds what its query once read, and no entry names the tables of that.
            Meant::None if entry.object_type == "MATERIALIZED VIEW" && is_data => {
                return self.looks.by_view(database, name).unwrap_or_default();
            }
            Meant::None => return touched,
            // Who makes, changes or drops what holds no dataset's data touches none.
            Meant::Unknown if by_class == Some(Operation::Admin) => return touched,
            Meant::Unknown => {
                let operation = operations().first().copied();
                self.looks.unmapped(database, name, operation, &mut touched);
                return touched;
            }
        };
        // The text tells more: whether rows were copied out, or an insert may update.
        let is_it =
            |it: &Name| it.table == name.table && (it.schema.is_none() || it.schema == name.schema);
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
            for operation in operations() {
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
    match entry.class.as_str() {
        "DDL" | "ROLE" => true,
        "MISC" | "MISC_SET" => sql::touches_nothing(&entry.command, Dialect::Postgres),
        "FUNCTION" => entry.command == "DO",
        _ => false,
    }
}
