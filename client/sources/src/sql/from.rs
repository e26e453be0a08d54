//! What stands in FROM.

use super::names::{Dialect, Name, identifier, parts};
use super::schema::column;
use super::scope::{Entry, Outputs, Scope, What};
use super::walk::Walk;
use liuhen_proto::wire::Operation;
use sqlparser::ast::{
    Expr, FunctionArg, JoinConstraint, JoinOperator, ObjectName, TableAlias, TableFactor,
    TableWithJoins,
};

/// How many relations one FROM may have. A column is looked for in all of them.
pub(super) const ENTRIES: usize = 1000;

/// A FROM on the way.
#[derive(Default)]
pub(super) struct From<'q> {
    /// What LATERAL sees besides: a FROM around parentheses, as far as it is gone through.
    around: Vec<Scope>,
    /// What it brings into scope.
    pub scope: Scope,
    /// Conditions of joins, to be gone through in that scope.
    conditions: Vec<&'q Expr>,
    /// Arguments of functions, likewise.
    arguments: Vec<&'q [FunctionArg]>,
    /// Relations whose columns are merged by an alias.
    hidden: Vec<usize>,
}

impl Walk<'_> {
    /// Goes through what stands in FROM, and leaves its scope as the nearest.
    pub fn enter<'q>(&mut self, tables: impl IntoIterator<Item = &'q TableWithJoins>) {
        let mut from = From::default();
        for table in tables {
            self.joined(table, &mut from);
        }
        self.enter_scope(from);
    }

    /// Leaves a scope as the nearest, and goes through what waited for it.
    pub fn enter_scope(&mut self, from: From<'_>) {
        self.failed |= from.scope.entries.len() > ENTRIES;
        self.scopes.push(from.scope);
        from.conditions.iter().for_each(|it| self.leaves(*it));
        from.arguments.iter().for_each(|it| it.iter().for_each(|arg| self.argument(arg)));
        self.look_at_any_of(from.hidden);
    }

    /// A function's argument outside an expression: it is one of a function in FROM.
    fn argument(&mut self, argument: &FunctionArg) {
        use sqlparser::ast::FunctionArgExpr as Value;
        let (FunctionArg::Named { arg, .. }
        | FunctionArg::ExprNamed { arg, .. }
        | FunctionArg::Unnamed(arg)) = argument;
        match arg {
            Value::Expr(expr) => self.leaves(expr),
            Value::QualifiedWildcard(name) => match parts(name, self.dialect) {
                Some(parts) => self.whole(&parts),
                None => self.failed = true,
            },
            Value::Wildcard | Value::WildcardWithOptions(_) => self.look_at_any_of_all(),
        }
    }

    /// A table with those that are joined to it.
    pub fn joined<'q>(&mut self, table: &'q TableWithJoins, from: &mut From<'q>) {
        let begin = from.scope.entries.len();
        self.factor(&table.relation, from);
        for join in &table.joins {
            let right = from.scope.entries.len();
            self.factor(&join.relation, from);
            use JoinOperator as J;
            match &join.join_operator {
                J::Join(on)
                | J::Inner(on)
                | J::Left(on)
                | J::LeftOuter(on)
                | J::Right(on)
                | J::RightOuter(on)
                | J::FullOuter(on)
                | J::CrossJoin(on)
                | J::StraightJoin(on) => {
                    self.condition(on, begin, right, from);
                }
                J::Semi(_)
                | J::LeftSemi(_)
                | J::RightSemi(_)
                | J::Anti(_)
                | J::LeftAnti(_)
                | J::RightAnti(_)
                | J::CrossApply
                | J::OuterApply
                | J::AsOf { .. }
                | J::ArrayJoin
                | J::LeftArrayJoin
                | J::InnerArrayJoin => self.failed = true,
            }
        }
    }

    fn condition<'q>(
        &mut self,
        on: &'q JoinConstraint,
        begin: usize,
        right: usize,
        from: &mut From<'q>,
    ) {
        match on {
            JoinConstraint::None => {}
            JoinConstraint::On(expr) => from.conditions.push(expr),
            JoinConstraint::Using(columns) => self.merged(columns, begin, right, from),
            JoinConstraint::UsingAlias(columns, alias) => {
                self.merged(columns, begin, right, from);
                let called = Some(identifier(alias, self.dialect));
                let what = What::Made(Outputs::default());
                from.scope.entries.push(Entry { called, schema: None, what });
            }
            JoinConstraint::Natural => {
                // Which columns they have in common is known only where all columns are.
                let all = from.scope.entries.get(begin..).unwrap_or_default().to_vec();
                let right = right - begin;
                let (left, right) = all.split_at_checked(right).unwrap_or((&all, &[]));
                match (self.all_columns(left), self.all_columns(right)) {
                    (Some(left_columns), Some(columns)) => {
                        for name in columns {
                            if column(&left_columns, &name, self.dialect).is_some() {
                                self.merge(&name, left, &mut from.scope);
                                self.merge(&name, right, &mut from.scope);
                            }
                        }
                    }
                    _ => self.look_at_any_of(bases(&all)),
                }
            }
        }
    }

    fn merged(&mut self, columns: &[ObjectName], begin: usize, right: usize, from: &mut From<'_>) {
        let all = from.scope.entries.get(begin..).unwrap_or_default().to_vec();
        let (left, right) = all.split_at_checked(right - begin).unwrap_or((&all, &[]));
        for name in columns {
            let name = parts(name, self.dialect).and_then(|mut it| it.pop());
            let Some(name) = name else {
                self.failed = true;
                continue;
            };
            self.merge(&name, left, &mut from.scope);
            self.merge(&name, right, &mut from.scope);
        }
    }

    /// A column by which relations are joined, told of one side.
    fn merge(&mut self, name: &str, side: &[Entry], scope: &mut Scope) {
        scope.merged.insert(name.to_owned());
        let holders = bases(side);
        let made = side.len() > holders.len();
        match holders.as_slice() {
            [only] if !made => self.looks_at(*only, name),
            several => {
                for at in several {
                    let columns = self.used.get(*at).and_then(|it| it.columns.as_ref());
                    match columns.map(|it| column(it, name, self.dialect).is_some()) {
                        Some(true) => self.looks_at(*at, name),
                        Some(false) => {}
                        None => self.looks_at_any(*at),
                    }
                }
            }
        }
    }

    /// All columns of some entries, if they are known.
    fn all_columns(&self, entries: &[Entry]) -> Option<Vec<String>> {
        let mut all = Vec::new();
        for entry in entries {
            match &entry.what {
                What::Base(at) => all.extend(self.used.get(*at)?.columns.clone()?),
                What::Made(outputs) if outputs.complete => all.extend(outputs.names.clone()),
                What::Made(_) => return None,
            }
        }
        Some(all)
    }

    /// One table, or what stands for one.
    pub fn factor<'q>(&mut self, factor: &'q TableFactor, from: &mut From<'q>) {
        match factor {
            TableFactor::Table { name, alias, args, version, json_path, sample, .. } => {
                self.failed |= version.is_some() || json_path.is_some();
                if let Some(sample) = sample {
                    self.leaves(sample);
                }
                match args {
                    Some(args) => {
                        self.failed |= args.settings.is_some();
                        self.function_in_from(name, &args.args, alias.as_ref(), from);
                    }
                    None => self.table(name, alias.as_ref(), from),
                }
            }
            TableFactor::Derived { lateral, subquery, alias, sample: None } => {
                let outer = self.scopes.len();
                if *lateral {
                    self.scopes.extend(from.around.iter().cloned());
                    self.scopes.push(from.scope.clone());
                }
                let mut outputs = self.query(subquery, true);
                self.scopes.truncate(outer);
                self.renamed(&mut outputs, alias.as_ref());
                self.made(alias.as_ref(), outputs, from);
            }
            TableFactor::Function { name, args, alias, .. } => {
                self.function_in_from(name, args, alias.as_ref(), from);
            }
            TableFactor::UNNEST { alias, array_exprs, .. } => {
                from.conditions.extend(array_exprs);
                self.made_by_function(alias.as_ref(), None, from);
            }
            TableFactor::JsonTable { json_expr, alias, .. } => {
                from.conditions.push(json_expr);
                self.made_by_function(alias.as_ref(), None, from);
            }
            TableFactor::XmlTable { row_expression, passing, alias, .. } => {
                from.conditions.push(row_expression);
                from.conditions.extend(passing.arguments.iter().map(|it| &it.expr));
                self.made_by_function(alias.as_ref(), None, from);
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                let around = from.around.iter().chain([&from.scope]).cloned().collect();
                let mut within = From { around, ..Default::default() };
                self.joined(table_with_joins, &mut within);
                from.conditions.append(&mut within.conditions);
                from.arguments.append(&mut within.arguments);
                from.hidden.append(&mut within.hidden);
                from.scope.merged.append(&mut within.scope.merged);
                if alias.is_some() {
                    from.hidden.extend(within.scope.bases());
                    self.made(alias.as_ref(), Outputs::default(), from);
                }
                // Their own names are hidden by an alias; conditions within may use them all the same.
                from.scope.entries.append(&mut within.scope.entries);
            }
            TableFactor::Derived { .. }
            | TableFactor::TableFunction { .. }
            | TableFactor::OpenJsonTable { .. }
            | TableFactor::Pivot { .. }
            | TableFactor::Unpivot { .. }
            | TableFactor::UnpivotExpr { .. }
            | TableFactor::MatchRecognize { .. }
            | TableFactor::SemanticView { .. } => self.failed = true,
        }
    }

    fn table(&mut self, name: &ObjectName, alias: Option<&TableAlias>, from: &mut From<'_>) {
        let Some(name) = Name::of(name, self.dialect) else {
            self.failed = true;
            return;
        };
        let with =
            self.with.iter().rev().find(|(it, _)| name.schema.is_none() && *it == name.table);
        if let Some((called, outputs)) = with {
            let (called, mut outputs) = (called.clone(), outputs.clone());
            self.renamed(&mut outputs, alias);
            let called = alias.map_or(called, |it| identifier(&it.name, self.dialect));
            let what = What::Made(outputs);
            from.scope.entries.push(Entry { called: Some(called), schema: None, what });
            return;
        }
        let is_dual = self.dialect == Dialect::MySql
            && name.schema.is_none()
            && name.table.eq_ignore_ascii_case("dual");
        if is_dual {
            return;
        }
        from.scope.entries.push(self.base(name, alias, self.reading));
    }

    /// A relation with something done to it, as an entry of a scope.
    pub fn base(&mut self, name: Name, alias: Option<&TableAlias>, operation: Operation) -> Entry {
        let (table, schema) = (name.table.clone(), name.schema.clone());
        let at = self.uses(name, operation);
        let Some(alias) = alias else {
            return Entry { called: Some(table), schema, what: What::Base(at) };
        };
        let called = Some(identifier(&alias.name, self.dialect));
        if alias.columns.is_empty() {
            return Entry { called, schema: None, what: What::Base(at) };
        }
        self.looks_at_any(at);
        Entry { called, schema: None, what: What::Made(Outputs::default()) }
    }

    fn function_in_from<'q>(
        &mut self,
        name: &ObjectName,
        args: &'q [FunctionArg],
        alias: Option<&TableAlias>,
        from: &mut From<'q>,
    ) {
        self.calls(name);
        from.arguments.push(args);
        let own = Name::of(name, self.dialect).map(|it| it.table);
        self.made_by_function(alias, own, from);
    }

    /// What a function makes has a column of its alias, or of the function's own name, where it makes values and not rows.
    fn made_by_function(
        &mut self,
        alias: Option<&TableAlias>,
        own: Option<String>,
        from: &mut From<'_>,
    ) {
        let called = alias.map(|it| identifier(&it.name, self.dialect)).or(own);
        let mut outputs = Outputs::default();
        match alias {
            Some(alias) if !alias.columns.is_empty() => self.renamed(&mut outputs, Some(alias)),
            _ => outputs.names.extend(called.clone()),
        }
        from.scope.entries.push(Entry { called, schema: None, what: What::Made(outputs) });
    }

    fn made(&mut self, alias: Option<&TableAlias>, outputs: Outputs, from: &mut From<'_>) {
        let called = alias.map(|it| identifier(&it.name, self.dialect));
        from.scope.entries.push(Entry { called, schema: None, what: What::Made(outputs) });
    }

    /// The columns as an alias names them; it need not name all.
    pub fn renamed(&self, outputs: &mut Outputs, alias: Option<&TableAlias>) {
        let Some(alias) = alias.filter(|it| !it.columns.is_empty()) else { return };
        let names = alias.columns.iter().map(|it| identifier(&it.name, self.dialect)).collect();
        *outputs = Outputs { names, complete: false };
    }
}

fn bases(entries: &[Entry]) -> Vec<usize> {
    entries
        .iter()
        .filter_map(|entry| match entry.what {
            What::Base(at) => Some(at),
            What::Made(_) => None,
        })
        .collect()
}
