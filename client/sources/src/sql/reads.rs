//! Queries.

use super::from::ENTRIES;
use super::names::{Name, identifier, parts};
use super::scope::{Outputs, Scope, What};
use super::walk::Walk;
use super::{Dialect, schema};
use liuhen_proto::wire::Operation;
use sqlparser::ast::{
    Distinct, Expr, OrderByKind, Query, Select, SelectInto, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, Table, WildcardAdditionalOptions, With,
};
use std::collections::BTreeSet;

impl Walk<'_> {
    /// Goes through a query; without `stars`, what `*` stands for is not looked at. Returns its columns.
    pub fn query(&mut self, query: &Query, stars: bool) -> Outputs {
        let outer = self.with.len();
        if let Some(with) = &query.with {
            self.with(with);
        }
        self.failed |= query.for_clause.is_some()
            || query.settings.is_some()
            || query.format_clause.is_some()
            || !query.pipe_operators.is_empty();
        let outputs = match &*query.body {
            SetExpr::Select(select) => self.select(select, Some(query), stars),
            body => {
                // Further clauses see the columns of the result alone.
                let wanted = self.wanted.take();
                let outputs = self.body(body);
                self.wanted = wanted;
                self.scopes.push(Scope::default());
                self.tail(query, None);
                self.scopes.pop();
                outputs
            }
        };
        self.with.truncate(outer);
        outputs
    }

    fn with(&mut self, with: &With) {
        let name = |walk: &Self, at: usize| {
            with.cte_tables.get(at).map(|it| identifier(&it.alias.name, walk.dialect))
        };
        let begin = self.with.len();
        self.failed |= begin + with.cte_tables.len() > ENTRIES;
        if self.failed {
            return;
        }
        if with.recursive && self.dialect == Dialect::Postgres {
            let names = (0..with.cte_tables.len()).filter_map(|at| name(self, at));
            let all: Vec<_> = names.map(|name| (name, Outputs::default())).collect();
            self.with.extend(all);
        }
        for (at, one) in with.cte_tables.iter().enumerate() {
            let Some(called) = name(self, at) else { continue };
            let itself = with.recursive && self.dialect == Dialect::MySql;
            if itself {
                self.with.push((called.clone(), Outputs::default()));
            }
            let wanted = self.wanted.take();
            let mut outputs = self.query(&one.query, true);
            self.wanted = wanted;
            self.renamed(&mut outputs, Some(&one.alias));
            if itself {
                self.with.pop();
            }
            match self.with.get_mut(begin..).and_then(|it| it.get_mut(at)) {
                Some(known) if with.recursive => known.1 = outputs,
                _ => self.with.push((called, outputs)),
            }
        }
    }

    /// Queries joined by UNION and the like nest to the left as many as they are: they are taken one after another.
    fn body(&mut self, body: &SetExpr) -> Outputs {
        let mut rest = vec![body];
        let mut first = None;
        while let Some(body) = rest.pop() {
            let outputs = match body {
                SetExpr::SetOperation { left, right, .. } => {
                    rest.push(right);
                    rest.push(left);
                    continue;
                }
                SetExpr::Select(select) => self.select(select, None, true),
                SetExpr::Query(query) => self.query(query, true),
                SetExpr::Values(values) => {
                    self.leaves(values);
                    Outputs::default()
                }
                SetExpr::Table(table) => self.table_command(table),
                SetExpr::Insert(it)
                | SetExpr::Update(it)
                | SetExpr::Delete(it)
                | SetExpr::Merge(it) => self.change(it),
            };
            first.get_or_insert(outputs);
        }
        first.unwrap_or_default()
    }

    fn table_command(&mut self, table: &Table) -> Outputs {
        let all = [&table.schema_name, &table.table_name];
        let parts = all.into_iter().flatten().map(|it| identifier(it, self.dialect)).collect();
        let Some(name) = Name::of_parts(parts) else {
            self.failed = true;
            return Outputs::default();
        };
        let made =
            self.with.iter().rev().find(|(it, _)| name.schema.is_none() && *it == name.table);
        if let Some((_, outputs)) = made {
            return outputs.clone();
        }
        self.touches(name, self.reading, None);
        Outputs::default()
    }

    fn select(&mut self, select: &Select, tail: Option<&Query>, stars: bool) -> Outputs {
        let wanted = self.wanted.take();
        self.failed |= select.top.is_some()
            || select.exclude.is_some()
            || !select.lateral_views.is_empty()
            || select.prewhere.is_some()
            || !select.connect_by.is_empty()
            || !select.cluster_by.is_empty()
            || !select.distribute_by.is_empty()
            || !select.sort_by.is_empty()
            || select.qualify.is_some()
            || select.value_table_mode.is_some();
        if let Some(into) = &select.into {
            self.into(into);
        }
        self.enter(&select.from);
        let wanted = wanted.filter(|_| select.distinct.is_none());
        let outputs = self.projection(&select.projection, wanted.as_ref(), stars);
        self.leaves(&select.selection);
        self.leaves(&select.named_window);
        // From here on, names given to the result's columns can be seen.
        if let Some(scope) = self.scopes.last_mut() {
            scope.aliases = aliases(&select.projection, self.dialect);
        }
        if let Some(Distinct::On(exprs)) = &select.distinct {
            self.leaves(exprs);
        }
        self.leaves(&select.group_by);
        if let Some(scope) = self.scopes.last_mut()
            && self.dialect == Dialect::Postgres
        {
            scope.aliases.clear();
        }
        self.leaves(&select.having);
        if let Some(query) = tail {
            self.tail(query, Some(&outputs));
        }
        self.scopes.pop();
        outputs
    }

    /// What is behind a query's body. A bare name in ORDER BY is first one of the result, and behind UNION and the like
    /// nothing else.
    fn tail(&mut self, query: &Query, outputs: Option<&Outputs>) {
        if let Some(order) = &query.order_by {
            self.failed |= order.interpolate.is_some();
            if let OrderByKind::Expressions(exprs) = &order.kind {
                for order in exprs {
                    let of_result = match &order.expr {
                        Expr::Identifier(it) => {
                            let name = identifier(it, self.dialect);
                            let same = |it: &String| schema::same_column(it, &name, self.dialect);
                            outputs.is_none_or(|it| it.names.iter().any(same))
                        }
                        _ => false,
                    };
                    if !of_result {
                        self.leaves(order);
                    }
                }
            }
        }
        self.leaves(&query.limit_clause);
        self.leaves(&query.fetch);
    }

    /// `SELECT … INTO t` makes a table, which pgAudit too has as an act on the schema; MySQL's fills variables.
    fn into(&mut self, into: &SelectInto) {
        for target in &into.targets {
            let idents = match target {
                Expr::Identifier(ident) => std::slice::from_ref(ident),
                Expr::CompoundIdentifier(idents) => idents.as_slice(),
                _ => &[],
            };
            let is_variable = |it: &str| self.dialect == Dialect::MySql && it.starts_with('@');
            if idents.first().is_some_and(|it| is_variable(&it.value)) {
                continue;
            }
            let parts = idents.iter().map(|it| identifier(it, self.dialect)).collect();
            match Name::of_parts(parts) {
                Some(made) if self.dialect == Dialect::Postgres => {
                    self.touches(made, Operation::Admin, None);
                }
                _ => self.failed = true,
            }
        }
    }

    /// Goes through what is selected or returned, of a view only what is asked for.
    pub fn projection(
        &mut self,
        items: &[SelectItem],
        wanted: Option<&BTreeSet<String>>,
        stars: bool,
    ) -> Outputs {
        let mut outputs = Outputs { names: BTreeSet::new(), complete: true };
        let dialect = self.dialect;
        let names: Vec<Option<String>> = items.iter().map(|it| named(it, dialect)).collect();
        let starred = |it: &SelectItem| {
            matches!(it, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..))
        };
        // Only where each that is asked for is found by its name can the others be left.
        let found =
            |it: &String| names.iter().flatten().any(|n| schema::same_column(n, it, dialect));
        let wanted = wanted.filter(|it| !items.iter().any(starred) && it.iter().all(found));
        for (item, name) in items.iter().zip(&names) {
            let left = match (wanted, name) {
                (Some(wanted), Some(name)) => {
                    !wanted.iter().any(|it| schema::same_column(it, name, dialect))
                }
                _ => false,
            };
            outputs.complete &= name.is_some();
            outputs.names.extend(name.clone());
            match item {
                _ if left => {}
                SelectItem::UnnamedExpr(expr)
                | SelectItem::ExprWithAlias { expr, .. }
                | SelectItem::ExprWithAliases { expr, .. } => self.leaves(expr),
                SelectItem::QualifiedWildcard(kind, options) => self.rows(kind, options, stars),
                SelectItem::Wildcard(options) => {
                    self.failed |= is_changed(options);
                    if stars {
                        let bases: Vec<usize> =
                            self.scopes.last().map(|it| it.bases().collect()).unwrap_or_default();
                        bases.into_iter().for_each(|at| self.looks_at_all(at));
                    }
                }
            }
        }
        outputs
    }

    fn rows(
        &mut self,
        kind: &SelectItemQualifiedWildcardKind,
        options: &WildcardAdditionalOptions,
        stars: bool,
    ) {
        self.failed |= is_changed(options);
        match kind {
            SelectItemQualifiedWildcardKind::ObjectName(name) => match parts(name, self.dialect) {
                Some(parts) if stars => self.whole(&parts),
                Some(_) => {}
                None => self.failed = true,
            },
            SelectItemQualifiedWildcardKind::Expr(expr) => self.leaves(expr),
        }
    }

    /// What a name in the nearest scopes stands for, if it is a relation.
    pub fn relation(&self, qualifiers: &[String]) -> Option<usize> {
        match self.entry(qualifiers)? {
            What::Base(at) => Some(at),
            What::Made(_) => None,
        }
    }
}

fn is_changed(options: &WildcardAdditionalOptions) -> bool {
    options.opt_ilike.is_some()
        || options.opt_exclude.is_some()
        || options.opt_except.is_some()
        || options.opt_replace.is_some()
        || options.opt_rename.is_some()
        || options.opt_alias.is_some()
}

/// The name of a column of the result, where it is one by its text.
fn named(item: &SelectItem, dialect: Dialect) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(identifier(alias, dialect)),
        SelectItem::UnnamedExpr(Expr::Identifier(ident)) => Some(identifier(ident, dialect)),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(idents)) => {
            idents.last().map(|it| identifier(it, dialect))
        }
        _ => None,
    }
}

fn aliases(items: &[SelectItem], dialect: Dialect) -> BTreeSet<String> {
    items
        .iter()
        .filter_map(|item| match item {
            SelectItem::ExprWithAlias { alias, .. } => Some(identifier(alias, dialect)),
            _ => None,
        })
        .collect()
}
