//! Which datasets a text touches, by the mapping.

use super::Reader;
use crate::mapping::Meant;
use crate::relation::Relation;
use crate::sql::{self, Dialect, Fields, Name, Schema, Told};
use liuhen_proto::wire::Operation;
use std::collections::{BTreeMap, BTreeSet};

/// What a line says was touched.
#[derive(Debug, Default)]
pub(super) struct Touched {
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
    pub(super) fn is_nothing(&self) -> bool {
        self.datasets.is_empty() && self.untold.is_empty()
    }

    fn add(&mut self, dataset: &str, operation: Operation, fields: Fields) {
        self.datasets.insert((dataset.to_owned(), operation as i32), fields);
    }
}

impl Reader<'_> {
    /// What a text does; `None` where it can't be parsed.
    pub(super) fn told(&self, database: &str, text: &str) -> Option<Told> {
        let none = Schema::default();
        sql::told(text, Dialect::Postgres, self.schemas.get(database).unwrap_or(&none))
    }

    /// What a text does that is executed, also where it is the one that prepared the statement.
    pub(super) fn executed(&self, database: &str, text: &str) -> Option<Told> {
        let none = Schema::default();
        sql::executed(text, Dialect::Postgres, self.schemas.get(database).unwrap_or(&none))
    }

    /// All that a parsed text touches.
    pub(super) fn by_text(&self, database: &str, told: &Told) -> Touched {
        let mut touched = Touched::default();
        for it in &told.touches {
            match self.mapping.meant(database, &it.relation) {
                Meant::Dataset(dataset) => {
                    let fields = self.fields(dataset, &it.fields);
                    touched.add(dataset, it.operation, fields);
                }
                Meant::None => {}
                Meant::Unknown => self.unmapped(database, &it.relation, &mut touched),
            }
        }
        self.called(database, &told.functions, &mut touched);
        touched
    }

    /// What a text that can't be parsed may be about: the mapped relations that it names.
    pub(super) fn by_mention(
        &self,
        database: &str,
        text: &str,
        operation: Option<Operation>,
    ) -> Touched {
        let mut touched = Touched::default();
        let datasets: BTreeSet<&str> = sql::mentions(text, Dialect::Postgres)
            .iter()
            .filter_map(|name| match self.mapping.meant(database, name) {
                Meant::Dataset(dataset) => Some(dataset),
                Meant::None | Meant::Unknown => None,
            })
            .collect();
        match operation.or_else(|| sql::first_operation(text, Dialect::Postgres)) {
            Some(operation) => {
                datasets.iter().for_each(|it| touched.add(it, operation, Fields::Unknown));
            }
            None if !datasets.is_empty() => {
                let names = datasets.into_iter().collect::<Vec<_>>().join(", ");
                touched.untold.insert(format!("the text names {names} and can't be parsed"));
            }
            None => {}
        }
        touched
    }

    /// The functions that a statement calls: what the mapping says that they read; else they are shown.
    fn called(&self, database: &str, functions: &[Name], touched: &mut Touched) {
        for name in functions {
            match self.mapping.function(database, name) {
                Some(datasets) => {
                    datasets
                        .iter()
                        .for_each(|it| touched.add(it, Operation::Read, Fields::Unknown));
                }
                // Without a schema it is the server's own, or one that the mapping has to name.
                None if name.schema.is_none() || sql::is_systems(name, Dialect::Postgres) => {}
                None => {
                    touched.calls.insert(shown(database, name));
                }
            }
        }
    }

    pub(super) fn unmapped(&self, database: &str, name: &Name, touched: &mut Touched) {
        let name = shown(database, name);
        touched.untold.insert(format!("relation {name} is not in the mapping"));
        touched.unmapped.insert(name);
    }

    /// The fields of a dataset that columns hold; unknown where one of them can be none.
    pub(super) fn fields(&self, dataset: &str, fields: &Fields) -> Fields {
        let Fields::These(columns) = fields else { return Fields::Unknown };
        let fields: BTreeSet<String> =
            columns.iter().map(|it| self.mapping.field(dataset, it).to_owned()).collect();
        let are_codes = fields.iter().all(|it| liuhen_proto::types::check_code(it).is_ok());
        if are_codes && !fields.is_empty() { Fields::These(fields) } else { Fields::Unknown }
    }
}

fn shown(database: &str, name: &Name) -> String {
    Relation::of(database, name).map_or_else(|| format!("{database}.*.{name}"), |it| it.to_string())
}
