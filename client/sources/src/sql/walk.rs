//! What is gathered on the way through a statement.

use super::names::{Dialect, Name};
use super::schema::{Schema, column};
use super::scope::{Outputs, Scope};
use super::{Doing, Fields, Setting, Touch};
use liuhen_proto::wire::Operation;
use std::collections::{BTreeMap, BTreeSet};

/// What was gathered.
#[derive(Default)]
pub(super) struct Collected {
    pub touches: Vec<Touch>,
    pub functions: Vec<Name>,
    pub schemas: Vec<String>,
    pub settings: Vec<Setting>,
    pub kind: Doing,
    places: BTreeMap<(Name, i32), usize>,
    called: BTreeSet<Name>,
}

impl Collected {
    /// Joins what another statement did.
    pub fn add(&mut self, other: Self) {
        other.touches.into_iter().for_each(|touch| self.touch(touch));
        self.call(other.functions);
        self.schemas.extend(other.schemas);
        self.settings.extend(other.settings);
    }

    /// Joins a touch with that of the same relation and operation.
    pub fn touch(&mut self, touch: Touch) {
        let place = (touch.relation.clone(), touch.operation as i32);
        match self.places.get(&place).and_then(|at| self.touches.get_mut(*at)) {
            Some(before) => before.fields.join(&touch.fields),
            None => {
                self.places.insert(place, self.touches.len());
                self.touches.push(touch);
            }
        }
    }

    /// Joins functions that are called.
    pub fn call(&mut self, functions: Vec<Name>) {
        for function in functions {
            if self.called.insert(function.clone()) {
                self.functions.push(function);
            }
        }
    }
}

impl Fields {
    /// No column.
    pub(super) fn none() -> Self {
        Self::These(BTreeSet::new())
    }

    /// Adds columns.
    pub(super) fn join(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::These(these), Self::These(those)) => these.extend(those.iter().cloned()),
            _ => *self = Self::Unknown,
        }
    }
}

/// A relation as it stands at one place of a statement.
pub(super) struct Used {
    /// Its name.
    pub relation: Name,
    /// All its columns, where they are known.
    pub columns: Option<Vec<String>>,
    /// The columns that are looked at here.
    pub fields: Fields,
    /// What is done to it here, and to which further columns.
    pub operations: Vec<(Operation, Fields)>,
}

/// The way through a statement.
pub(super) struct Walk<'s> {
    /// Whose SQL it is.
    pub dialect: Dialect,
    /// What is known of the relations.
    pub schema: &'s Schema,
    /// What reading means here: reading, or carrying off.
    pub reading: Operation,
    /// The relations, each time they stand.
    pub used: Vec<Used>,
    /// The functions.
    pub functions: Vec<Name>,
    /// Schemas all of whose relations are meant.
    pub schemas: Vec<String>,
    /// The settings.
    pub settings: Vec<Setting>,
    /// The queries of WITH that can be seen from here, the nearest last.
    pub with: Vec<(String, Outputs)>,
    /// What can be seen from here, the nearest last.
    pub scopes: Vec<Scope>,
    /// The columns of a view that are asked for; `None`: all.
    pub wanted: Option<BTreeSet<String>>,
    /// Whether a column was named of something that can't be seen: then it may be one of any relation.
    pub confused: bool,
    /// Whether something stood there that is not understood.
    pub failed: bool,
}

impl<'s> Walk<'s> {
    /// The begin of one.
    pub fn new(dialect: Dialect, schema: &'s Schema) -> Self {
        Self {
            dialect,
            schema,
            reading: Operation::Read,
            used: Vec::new(),
            functions: Vec::new(),
            schemas: Vec::new(),
            settings: Vec::new(),
            with: Vec::new(),
            scopes: Vec::new(),
            wanted: None,
            confused: false,
            failed: false,
        }
    }

    /// What was gathered; `None` where a part was not understood.
    pub fn collected(self) -> Option<Collected> {
        if self.failed {
            return None;
        }
        let (settings, schemas) = (self.settings, self.schemas);
        let mut all = Collected { settings, schemas, ..Default::default() };
        for used in self.used {
            for (operation, own) in used.operations {
                let mut fields = used.fields.clone();
                fields.join(&own);
                if self.confused {
                    fields = Fields::Unknown;
                }
                all.touch(Touch { relation: used.relation.clone(), operation, fields });
            }
        }
        all.call(self.functions);
        Some(all)
    }

    /// Adds a relation to which something is done.
    pub fn uses(&mut self, relation: Name, operation: Operation) -> usize {
        let columns = self.schema.columns(&relation).cloned();
        let operations = vec![(operation, Fields::none())];
        self.used.push(Used { relation, columns, fields: Fields::none(), operations });
        self.used.len() - 1
    }

    /// Adds a relation with fields that are told at once.
    pub fn touches(&mut self, relation: Name, operation: Operation, columns: Option<Vec<String>>) {
        let at = self.uses(relation, operation);
        match columns {
            Some(columns) => columns.iter().for_each(|it| self.looks_at(at, it)),
            None => self.looks_at_all(at),
        }
    }

    /// A column is looked at.
    pub fn looks_at(&mut self, at: usize, name: &str) {
        let dialect = self.dialect;
        let Some(used) = self.used.get_mut(at) else { return };
        let spelled = match &used.columns {
            Some(columns) => column(columns, name, dialect).cloned(),
            None => Some(name.to_owned()),
        };
        match (spelled, &mut used.fields) {
            (Some(spelled), Fields::These(these)) => {
                if spelled != name || used.columns.is_some() || !is_hidden(name, dialect) {
                    these.insert(spelled);
                }
            }
            (Some(_), Fields::Unknown) => {}
            (None, fields) if !is_hidden(name, dialect) => *fields = Fields::Unknown,
            (None, _) => {}
        }
    }

    /// All columns are looked at.
    pub fn looks_at_all(&mut self, at: usize) {
        let Some(used) = self.used.get_mut(at) else { return };
        let all = used.columns.as_ref().map(|it| Fields::These(it.iter().cloned().collect()));
        used.fields.join(&all.unwrap_or(Fields::Unknown));
    }

    /// Any column may be looked at.
    pub fn looks_at_any(&mut self, at: usize) {
        if let Some(used) = self.used.get_mut(at) {
            used.fields = Fields::Unknown;
        }
    }
}

/// The columns that every PostgreSQL table has, which are no fields of it.
pub(super) fn is_hidden(name: &str, dialect: Dialect) -> bool {
    dialect == Dialect::Postgres
        && ["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"].contains(&name)
}
