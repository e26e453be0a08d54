//! Which datasets a text touches, by the mapping.

use crate::log::Log;
use crate::mapping::{Mapping, Meant};
use crate::relation::Relation;
use crate::sql::{self, Dialect, Fields, Name, Schema, SingleStatement, Told};
use crate::statement::{Named, both};
use liuhen_proto::wire::Operation;
use std::collections::{BTreeMap, BTreeSet};

/// What a line says was touched.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    /// Datasets with the operations, and the fields of each.
    pub datasets: BTreeMap<(String, i32), Fields>,
    /// Why not all can be told.
    pub untold: BTreeSet<String>,
    /// Relations that the mapping does not name.
    pub unmapped: BTreeSet<String>,
    /// Functions into which nobody looks.
    pub calls: BTreeSet<String>,
}

impl Touched {
    pub(crate) fn is_nothing(&self) -> bool {
        self.datasets.is_empty() && self.untold.is_empty()
    }

    pub(crate) fn add(&mut self, dataset: &str, operation: Operation, fields: Fields) {
        // Several relations may hold one dataset's data.
        let what = (dataset.to_owned(), operation as i32);
        let fields = match self.datasets.remove(&what) {
            Some(known) => both(&known, fields),
            None => fields,
        };
        self.datasets.insert(what, fields);
    }
}

impl Touched {
    /// Takes in what something else touched.
    pub(crate) fn join(&mut self, other: Self) {
        for ((dataset, operation), fields) in other.datasets {
            self.add(&dataset, Operation::try_from(operation).unwrap_or_default(), fields);
        }
        self.untold.extend(other.untold);
        self.unmapped.extend(other.unmapped);
        self.calls.extend(other.calls);
    }
}

/// Looks at texts of one dialect, by a mapping.
#[derive(Debug)]
pub(crate) struct Looks<'a> {
    mapping: &'a Mapping,
    dialect: Dialect,
    schemas: BTreeMap<String, Schema>,
}

impl<'a> Looks<'a> {
    pub(crate) fn new(mapping: &'a Mapping, dialect: Dialect) -> Self {
        let databases = mapping.databases.iter();
        let schemas = databases.map(|it| (it.clone(), mapping.schema(it))).collect();
        Self { mapping, dialect, schemas }
    }

    /// What a relation is; where the log does not say the database, what it is in the only one that has it.
    pub(crate) fn meant(&self, database: &str, name: &Name) -> Meant<'a> {
        let (database, name) = &self.whole(database, name);
        if self.dialect == Dialect::MySql && !self.is_recorded(database) {
            return Meant::None;
        }
        if !database.is_empty() {
            return self.mapping.meant(database, name, self.dialect);
        }
        let all = self.mapping.databases.iter();
        let known: Vec<_> = all
            .map(|it| self.mapping.meant(it, name, self.dialect))
            .filter(|it| *it != Meant::Unknown)
            .collect();
        match known.as_slice() {
            [only] => *only,
            _ => Meant::Unknown,
        }
    }

    /// The database in which a name is, and its name there: MySQL's databases are its schemas.
    fn whole(&self, database: &str, name: &Name) -> (String, Name) {
        if self.dialect == Dialect::Postgres {
            return (database.to_owned(), name.clone());
        }
        let schema = name.schema.clone().or_else(|| Some(database.to_owned()));
        let schema = schema.filter(|it| !it.is_empty());
        let within = Name { schema: schema.clone(), table: name.table.clone() };
        (schema.unwrap_or_default(), within)
    }

    /// Whether accesses to a database are recorded; one that the log does not say may be.
    pub(crate) fn is_recorded(&self, database: &str) -> bool {
        database.is_empty() || self.mapping.has(database)
    }

    /// The datasets that a function reads, as the mapping says.
    pub(crate) fn function(&self, database: &str, name: &Name) -> Option<&'a BTreeSet<String>> {
        let (database, name) = self.whole(database, name);
        self.mapping.function(&database, &name)
    }

    /// What a text does; `None` where it can't be parsed.
    pub(crate) fn told(&self, database: &str, text: &str) -> Option<Told> {
        let none = Schema::default();
        sql::told(text, self.dialect, self.schemas.get(database).unwrap_or(&none))
    }

    /// What each statement of a text does; where it is executed, also of one that prepares another.
    pub(crate) fn pieces(
        &self,
        database: &str,
        text: &str,
        is_executed: bool,
    ) -> Option<Vec<SingleStatement>> {
        let none = Schema::default();
        let schema = self.schemas.get(database).unwrap_or(&none);
        sql::single_statements(text, self.dialect, schema, is_executed)
    }

    /// What a text does that is executed, also where it is the one that prepared the statement.
    pub(crate) fn executed(&self, database: &str, text: &str) -> Option<Told> {
        let none = Schema::default();
        sql::executed(text, self.dialect, self.schemas.get(database).unwrap_or(&none))
    }

    /// What reading a relation reads whose definition the mapping has as a view's; `None` of another.
    pub(crate) fn by_view(&self, database: &str, name: &Name) -> Option<Touched> {
        self.mapping.view(database, name)?;
        let quoted = |part: &str| format!("\"{}\"", part.replace('"', "\"\""));
        let schema = name.schema.as_deref().map(|it| format!("{}.", quoted(it)));
        let text = format!("table {}{}", schema.unwrap_or_default(), quoted(&name.table));
        let mut touched = self.by_text(database, &self.told(database, &text)?);
        touched.datasets.values_mut().for_each(|fields| *fields = Fields::Unknown);
        Some(touched)
    }

    /// All that a parsed text touches.
    pub(crate) fn by_text(&self, database: &str, told: &Told) -> Touched {
        let mut touched = Touched::default();
        for it in &told.touches {
            match self.meant(database, &it.relation) {
                Meant::Dataset(dataset) => {
                    let fields = self.fields(dataset, &it.fields);
                    touched.add(dataset, it.operation, fields);
                }
                Meant::None => {}
                // Who makes, changes or drops what holds no dataset's data touches none.
                Meant::Unknown if it.operation == Operation::Admin => {}
                Meant::Unknown => {
                    self.unmapped(database, &it.relation, Some(it.operation), &mut touched);
                }
            }
        }
        for schema in &told.schemas {
            for dataset in self.mapping.of_schema(database, schema) {
                touched.add(dataset, Operation::Admin, Fields::Unknown);
            }
        }
        self.called(database, &told.functions, &mut touched);
        touched
    }

    /// What a text that can't be parsed may be about: the mapped relations that it names.
    pub(crate) fn by_mention(
        &self,
        database: &str,
        text: &str,
        operation: Option<Operation>,
    ) -> Touched {
        let mut touched = Touched::default();
        let datasets: BTreeSet<&str> = sql::mentions(text, self.dialect)
            .iter()
            .filter_map(|name| match self.meant(database, name) {
                Meant::Dataset(dataset) => Some(dataset),
                Meant::None | Meant::Unknown => None,
            })
            .collect();
        let operation = operation.or_else(|| sql::first_operation(text, self.dialect));
        if let Some(operation) = operation {
            datasets.iter().for_each(|it| touched.add(it, operation, Fields::Unknown));
        }
        // What it names besides can't be told either.
        if !datasets.is_empty() {
            let names = datasets.into_iter().collect::<Vec<_>>().join(", ");
            touched.untold.insert(format!("the text names {names} and can't be parsed"));
        }
        touched
    }

    /// The functions that a statement calls: what the mapping says that they read; else they are shown.
    pub(crate) fn called(&self, database: &str, functions: &[Name], touched: &mut Touched) {
        for name in functions {
            if self.dialect == Dialect::Postgres && reads_unseen(name) {
                touched.untold.insert(format!("{name} reads what no log names"));
            }
            match self.function(database, name) {
                Some(datasets) => {
                    datasets
                        .iter()
                        .for_each(|it| touched.add(it, Operation::Read, Fields::Unknown));
                }
                None if sql::is_systems_function(name, self.dialect) => {}
                None => {
                    touched.calls.insert(self.shown(database, name));
                }
            }
        }
    }

    /// A relation that the mapping does not name. Where there is no mapping each is told by its own name.
    pub(crate) fn unmapped(
        &self,
        database: &str,
        name: &Name,
        operation: Option<Operation>,
        touched: &mut Touched,
    ) {
        let name = self.shown(database, name);
        match operation {
            Some(operation) if self.mapping.is_of_any() => {
                touched.add(&name, operation, Fields::Unknown);
            }
            _ => drop(touched.untold.insert(format!("relation {name} is not in the mapping"))),
        }
        touched.unmapped.insert(name);
    }

    /// The fields of a dataset that columns hold; unknown where one of them can be none.
    pub(crate) fn fields(&self, dataset: &str, fields: &Fields) -> Fields {
        let Fields::These(columns) = fields else { return Fields::Unknown };
        let fields: BTreeSet<String> =
            columns.iter().map(|it| self.mapping.field(dataset, it).to_owned()).collect();
        let are_codes = fields.iter().all(|it| liuhen_proto::types::check_code(it).is_ok());
        if are_codes && !fields.is_empty() { Fields::These(fields) } else { Fields::Unknown }
    }

    /// A name as mappings have it.
    pub(crate) fn shown(&self, database: &str, name: &Name) -> String {
        let (database, name) = self.whole(database, name);
        let whole = Relation::of(&database, &name);
        whole.map_or_else(|| format!("{database}.*.{name}"), |it| it.to_string())
    }
}

/// Functions of PostgreSQL's own that read rows of whatever table, or what is stored beside them.
const UNSEEN: [&str; 9] = [
    "lo_export",
    "lo_get",
    "loread",
    "pg_logical_slot_get_binary_changes",
    "pg_logical_slot_get_changes",
    "pg_logical_slot_peek_binary_changes",
    "pg_logical_slot_peek_changes",
    "pg_read_binary_file",
    "pg_read_file",
];

fn reads_unseen(name: &Name) -> bool {
    name.schema.as_deref().is_none_or(|it| it == "pg_catalog")
        && UNSEEN.contains(&name.table.as_str())
}

/// What the comments of a text name.
pub(crate) fn named(text: &str, dialect: Dialect) -> Named {
    let comments = sql::comments(text, dialect);
    let of = |key: &str| sql::values_of(key, &comments);
    let only = |values: Vec<String>| values.into_iter().find(|it| !it.is_empty());
    Named {
        grants: of("liuhen_grant").into_iter().collect(),
        purpose: only(of("liuhen_purpose")),
        user: only(of("liuhen_user")),
        hidden: false,
    }
}

/// Counts what the mapping does not name.
pub(crate) fn note(touched: &Touched, log: &mut Log) {
    for name in &touched.unmapped {
        *log.unmapped.entry(name.clone()).or_default() += 1;
    }
    for name in &touched.calls {
        *log.calls.entry(name.clone()).or_default() += 1;
    }
}
