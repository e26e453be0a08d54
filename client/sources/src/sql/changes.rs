//! INSERT, UPDATE, DELETE and MERGE.

use super::names::{Dialect, Name, identifier, parts};
use super::scope::{Entry, Outputs, Scope, What};
use super::walk::Walk;
use super::{Fields, from::From};
use liuhen_proto::wire::Operation;
use sqlparser::ast::{
    Assignment, AssignmentTarget, ConflictTarget, Delete, DoUpdate, FromTable, Insert, Merge,
    MergeAction, MergeInsertKind, MergeUpdateKind, ObjectName, OnConflictAction, OnInsert,
    OutputClause, SelectItem, Statement, TableFactor, TableObject, TableWithJoins, Update,
    UpdateTableFromKind,
};

impl Walk<'_> {
    /// Goes through a statement that changes data. Returns the columns that it returns.
    pub fn change(&mut self, statement: &Statement) -> Outputs {
        match statement {
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            Statement::Merge(merge) => self.merge_into(merge),
            Statement::Query(query) => self.query(query, true),
            _ => {
                self.failed = true;
                Outputs::default()
            }
        }
    }

    fn insert(&mut self, insert: &Insert) -> Outputs {
        self.failed |= insert.or.is_some()
            || insert.overwrite
            || insert.output.is_some()
            || insert.settings.is_some()
            || insert.format_clause.is_some()
            || insert.multi_table_insert_type.is_some();
        let name = match &insert.table {
            TableObject::TableName(name) => Name::of(name, self.dialect),
            TableObject::TableFunction(_) | TableObject::TableQuery(_) => None,
        };
        let Some(name) = name else {
            self.failed = true;
            return Outputs::default();
        };
        let mut target = self.base(name.clone(), None, Operation::Insert);
        if let Some(alias) = &insert.table_alias {
            target.called = Some(identifier(&alias.alias, self.dialect));
            target.schema = None;
        }
        let What::Base(at) = target.what else { return Outputs::default() };
        let columns = insert.columns.iter().map(|it| self.assigned_column(it));
        let columns: Option<Vec<String>> = columns.collect();
        match columns {
            Some(columns) => columns.iter().for_each(|it| self.looks_at(at, it)),
            None => self.failed = true,
        }
        if insert.columns.is_empty() && insert.assignments.is_empty() {
            self.looks_at_all(at);
        }
        if insert.replace_into {
            self.touches(name, Operation::Delete, None);
        }
        let scope = Scope { entries: vec![target.clone()], ..Default::default() };
        self.scopes.push(scope);
        self.assign(&insert.assignments, |_, _| Some(at));
        self.scopes.pop();
        if let Some(source) = &insert.source {
            self.query(source, true);
        }
        if let Some(on) = &insert.on {
            self.on_insert(on, insert, &target);
        }
        self.returning(insert.returning.as_deref(), vec![target])
    }

    fn on_insert(&mut self, on: &OnInsert, insert: &Insert, target: &Entry) {
        let What::Base(at) = target.what else { return };
        let Some(relation) = self.used.get(at).map(|it| it.relation.clone()) else { return };
        let scope = |walk: &mut Self, given: Option<String>| {
            let again = walk.uses(relation.clone(), Operation::Update);
            let entries = vec![
                Entry { what: What::Base(again), ..target.clone() },
                Entry {
                    called: given,
                    schema: None,
                    what: What::Made(Outputs { complete: true, ..Default::default() }),
                },
            ];
            walk.scopes.push(Scope { entries, ..Default::default() });
            again
        };
        match on {
            OnInsert::OnConflict(conflict) => {
                if let Some(ConflictTarget::Columns { columns, predicate }) =
                    &conflict.conflict_target
                {
                    let columns = columns.iter().map(|it| identifier(it, self.dialect));
                    columns.collect::<Vec<_>>().iter().for_each(|it| self.looks_at(at, it));
                    let entries = vec![target.clone()];
                    self.leaves_in(Scope { entries, ..Default::default() }, predicate);
                }
                if let OnConflictAction::DoUpdate(DoUpdate { assignments, selection }) =
                    &conflict.action
                {
                    let again = scope(self, Some("excluded".to_owned()));
                    self.assign(assignments, |_, _| Some(again));
                    self.leaves(selection);
                    self.scopes.pop();
                }
            }
            OnInsert::DuplicateKeyUpdate(assignments) => {
                let row = insert.insert_alias.as_ref();
                let row = row.and_then(|it| parts(&it.row_alias, self.dialect)?.pop());
                let again = scope(self, row);
                self.assign(assignments, |_, _| Some(again));
                self.scopes.pop();
            }
            _ => self.failed = true,
        }
    }

    /// The column that is assigned to: PostgreSQL's may be followed by a part of its value, MySQL's preceded by its table.
    fn assigned_column(&self, name: &ObjectName) -> Option<String> {
        let mut parts = parts(name, self.dialect)?;
        match self.dialect {
            Dialect::Postgres => parts.into_iter().next(),
            Dialect::MySql => parts.pop(),
        }
    }

    /// Goes through assignments to columns of relations that are told by the column's qualifiers and name.
    fn assign(
        &mut self,
        assignments: &[Assignment],
        mut of: impl FnMut(&mut Self, &ObjectName) -> Option<usize>,
    ) {
        for assignment in assignments {
            let targets = match &assignment.target {
                AssignmentTarget::ColumnName(name) => std::slice::from_ref(name),
                AssignmentTarget::Tuple(names) => names.as_slice(),
            };
            for name in targets {
                match (of(self, name), self.assigned_column(name)) {
                    (Some(at), Some(column)) => self.looks_at(at, &column),
                    _ => self.failed = true,
                }
            }
            self.leaves(&assignment.value);
        }
    }

    fn returning(&mut self, items: Option<&[SelectItem]>, entries: Vec<Entry>) -> Outputs {
        let Some(items) = items else { return Outputs { complete: true, ..Default::default() } };
        self.scopes.push(Scope { entries, ..Default::default() });
        let outputs = self.projection(items, None, true);
        self.scopes.pop();
        outputs
    }

    fn update(&mut self, update: &Update) -> Outputs {
        self.failed |= update.or.is_some()
            || update.output.is_some()
            || update.settings.is_some()
            || update.on_cluster.is_some();
        let mut from = From::default();
        let reading = std::mem::replace(&mut self.reading, Operation::Read);
        self.joined(&update.table, &mut from);
        self.reading = reading;
        let target = from.scope.entries.first().map(|it| it.what.clone());
        if let Some(
            UpdateTableFromKind::BeforeSet(tables) | UpdateTableFromKind::AfterSet(tables),
        ) = &update.from
        {
            tables.iter().for_each(|it| self.joined(it, &mut from));
        }
        self.enter_scope(from);
        let dialect = self.dialect;
        self.assign(&update.assignments, |walk, column| {
            let at = match (dialect, &target) {
                (Dialect::Postgres, Some(What::Base(at))) => Some(*at),
                (Dialect::Postgres, _) => None,
                (Dialect::MySql, _) => walk.owner(column),
            }?;
            walk.does(at, Operation::Update);
            Some(at)
        });
        self.leaves(&update.selection);
        self.leaves(&update.order_by);
        self.leaves(&update.limit);
        let outputs = match update.returning.as_deref() {
            Some(items) => self.projection(items, None, true),
            None => Outputs { complete: true, ..Default::default() },
        };
        self.scopes.pop();
        outputs
    }

    /// Whose a column is that MySQL's UPDATE of several tables assigns to.
    fn owner(&self, column: &ObjectName) -> Option<usize> {
        let parts = parts(column, self.dialect)?;
        let (name, qualifiers) = parts.split_last()?;
        if !qualifiers.is_empty() {
            return self.relation(qualifiers);
        }
        let bases: Vec<usize> = self.scopes.last()?.bases().collect();
        if let [only] = bases.as_slice() {
            return Some(*only);
        }
        let has = |at: &usize| {
            let columns = self.used.get(*at)?.columns.as_ref()?;
            Some(super::schema::column(columns, name, self.dialect).is_some())
        };
        let all: Option<Vec<bool>> = bases.iter().map(has).collect();
        let mut having = bases.iter().zip(all?).filter(|(_, has)| *has);
        let (only, _) = having.next()?;
        having.next().is_none().then_some(*only)
    }

    /// A relation that is looked at is changed.
    fn does(&mut self, at: usize, operation: Operation) {
        if let Some(used) = self.used.get_mut(at) {
            used.operations = vec![(operation, Fields::none())];
        }
    }

    fn delete(&mut self, delete: &Delete) -> Outputs {
        self.failed |=
            delete.output.is_some() || delete.settings.is_some() || delete.on_cluster.is_some();
        let (FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables)) = &delete.from;
        let using = delete.using.as_deref().unwrap_or_default();
        // MySQL's DELETE of several tables names them where they are not joined, and joins them where they are not named.
        let by_using = self.dialect == Dialect::MySql && !using.is_empty();
        let joined: Vec<&TableWithJoins> = match by_using {
            true => using.iter().collect(),
            false => tables.iter().chain(using).collect(),
        };
        self.enter(joined);
        let named: Vec<&ObjectName> = match by_using {
            true => tables.iter().filter_map(named).collect(),
            false => delete.tables.iter().collect(),
        };
        self.failed |= by_using && named.len() != tables.len();
        let targets: Vec<Option<usize>> = match (named.is_empty(), self.scopes.last()) {
            (true, Some(scope)) => {
                let first = scope.entries.first().map(|it| it.what.clone());
                self.failed |= tables.len() != 1;
                vec![match first {
                    Some(What::Base(at)) => Some(at),
                    _ => None,
                }]
            }
            _ => named.iter().map(|it| self.relation(&parts(it, self.dialect)?)).collect(),
        };
        for target in targets {
            match target {
                Some(at) => {
                    self.does(at, Operation::Delete);
                    if delete.selection.is_none() {
                        self.looks_at_all(at);
                    }
                }
                None => self.failed = true,
            }
        }
        self.leaves(&delete.selection);
        self.leaves(&delete.order_by);
        self.leaves(&delete.limit);
        let outputs = match delete.returning.as_deref() {
            Some(items) => self.projection(items, None, true),
            None => Outputs { complete: true, ..Default::default() },
        };
        self.scopes.pop();
        outputs
    }

    /// What WHEN looks at is looked at whatever is done then: it is told of each operation.
    fn merge_into(&mut self, merge: &Merge) -> Outputs {
        let mut from = From::default();
        let reading = std::mem::replace(&mut self.reading, Operation::Read);
        self.factor(&merge.table, &mut from);
        self.reading = reading;
        let target = from.scope.entries.first().map(|it| it.what.clone());
        self.factor(&merge.source, &mut from);
        self.enter_scope(from);
        let Some(What::Base(at)) = target else {
            self.failed = true;
            self.scopes.pop();
            return Outputs::default();
        };
        self.leaves(&*merge.on);
        let mut operations: Vec<(Operation, Fields)> = Vec::new();
        for clause in &merge.clauses {
            self.leaves(&clause.predicate);
            let done = self.merge_action(&clause.action, at);
            operations.extend(done);
        }
        let outputs = match &merge.output {
            Some(OutputClause::Returning { select_items, .. }) => {
                self.projection(select_items, None, true)
            }
            Some(OutputClause::Output { .. }) => {
                self.failed = true;
                Outputs::default()
            }
            None => Outputs { complete: true, ..Default::default() },
        };
        if let Some(used) = self.used.get_mut(at)
            && !operations.is_empty()
        {
            used.operations = operations;
        }
        self.scopes.pop();
        outputs
    }

    fn merge_action(&mut self, action: &MergeAction, at: usize) -> Option<(Operation, Fields)> {
        let own = self.used.get(at).map(|it| it.relation.clone())?;
        let (operation, fields) = match action {
            MergeAction::DoNothing { .. } => return None,
            MergeAction::Delete { .. } => (Operation::Delete, Fields::none()),
            MergeAction::Insert(insert) => {
                self.failed |= insert.insert_predicate.is_some();
                match &insert.kind {
                    MergeInsertKind::Values(values) => self.leaves(values),
                    MergeInsertKind::Row | MergeInsertKind::Wildcard => self.failed = true,
                }
                let columns = insert.columns.iter().map(|it| self.assigned_column(it));
                let columns: Option<Vec<String>> = columns.collect();
                self.failed |= columns.is_none();
                let columns = columns.filter(|it| !it.is_empty());
                (Operation::Insert, self.fields_of(own, columns))
            }
            MergeAction::Update(update) => {
                self.failed |=
                    update.update_predicate.is_some() || update.delete_predicate.is_some();
                let MergeUpdateKind::Set(assignments) = &update.kind else {
                    self.failed = true;
                    return None;
                };
                let aside = self.uses(own, Operation::Update);
                self.assign(assignments, |_, _| Some(aside));
                // It is told with the target, and not of its own.
                let aside = self.used.get_mut(aside)?;
                aside.operations.clear();
                (Operation::Update, aside.fields.clone())
            }
        };
        Some((operation, fields))
    }

    /// Columns of a relation, as it spells them; all where none are named.
    fn fields_of(&mut self, relation: Name, columns: Option<Vec<String>>) -> Fields {
        self.touches(relation, Operation::Read, columns);
        self.used.pop().map_or(Fields::Unknown, |it| it.fields)
    }
}

/// The name of a table that stands alone.
fn named(table: &TableWithJoins) -> Option<&ObjectName> {
    match &table.relation {
        TableFactor::Table { name, alias: None, args: None, .. } if table.joins.is_empty() => {
            Some(name)
        }
        _ => None,
    }
}
