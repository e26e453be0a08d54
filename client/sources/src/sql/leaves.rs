//! The columns, functions and queries within expressions. The parser's own visitor goes through them, so that none is
//! passed over; queries are left to the walk, which knows what is in scope.

use super::names::{Dialect, Name, folded, identifier, parts};
use super::scope::Scope;
use super::settings;
use super::walk::Walk;
use sqlparser::ast::{
    AccessExpr, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgOperator,
    FunctionArguments, Ident, ObjectName, Query, Statement, Visit, Visitor,
};
use std::ops::ControlFlow;

/// The visitor of a node.
struct Leaves<'w, 's> {
    walk: &'w mut Walk<'s>,
    /// How many queries lie around the node that is visited; within one, nothing is looked at here.
    within: usize,
    /// Expressions that are no columns though they look so.
    passed_over: Vec<*const Expr>,
    /// A query of which only whether it has rows is asked.
    only_rows: Option<*const Query>,
}

impl<'s> Walk<'s> {
    /// Goes through a node in the scopes as they are.
    pub fn leaves(&mut self, node: &impl Visit) {
        let mut leaves = Leaves { walk: self, within: 0, passed_over: Vec::new(), only_rows: None };
        let _: ControlFlow<()> = node.visit(&mut leaves);
    }

    /// Goes through a node with something more in scope.
    pub fn leaves_in(&mut self, scope: Scope, node: &impl Visit) {
        self.scopes.push(scope);
        self.leaves(node);
        self.scopes.pop();
    }

    /// A function is called.
    pub fn calls(&mut self, name: &ObjectName) {
        match Name::of(name, self.dialect) {
            Some(name) => self.functions.push(name),
            None => self.failed = true,
        }
    }
}

impl Visitor for Leaves<'_, '_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if self.within == 0 {
            let only_rows = self.only_rows.is_some_and(|it| std::ptr::eq(it, query));
            self.walk.query(query, !only_rows);
        }
        self.within += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.within -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, _: &ObjectName) -> ControlFlow<()> {
        self.walk.failed |= self.within == 0;
        ControlFlow::Continue(())
    }

    fn pre_visit_statement(&mut self, _: &Statement) -> ControlFlow<()> {
        self.walk.failed |= self.within == 0;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if self.within > 0 || self.passed_over.iter().any(|it| std::ptr::eq(*it, expr)) {
            return ControlFlow::Continue(());
        }
        match expr {
            Expr::Identifier(ident) => self.column(ident),
            Expr::CompoundIdentifier(idents) => self.qualified(idents),
            Expr::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain),
            Expr::Function(function) => self.function(function),
            Expr::MatchAgainst { columns, .. } => {
                for column in columns {
                    match parts(column, self.walk.dialect).as_deref() {
                        Some([name]) => self.walk.unqualified(name),
                        Some(parts) => self.walk.qualified(parts),
                        None => self.walk.failed = true,
                    }
                }
            }
            Expr::QualifiedWildcard(name, _) => self.whole(name),
            Expr::Wildcard(_) | Expr::Lambda(_) => self.walk.look_at_any_of_all(),
            Expr::Exists { subquery, .. } => self.only_rows = Some(&**subquery),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

impl Leaves<'_, '_> {
    fn column(&mut self, ident: &Ident) {
        if !is_no_column(ident, self.walk.dialect) {
            self.walk.unqualified(&identifier(ident, self.walk.dialect));
        }
    }

    fn qualified(&mut self, idents: &[Ident]) {
        if idents.first().is_some_and(|it| is_no_column(it, self.walk.dialect)) {
            return;
        }
        let dialect = self.walk.dialect;
        let parts: Vec<String> = idents.iter().map(|it| identifier(it, dialect)).collect();
        self.walk.qualified(&parts);
    }

    /// `t.a[1].b`: the names before a subscript are a column, those behind it are parts of its value; behind anything
    /// but a name all are.
    fn access(&mut self, root: &Expr, chain: &[AccessExpr]) {
        let mut idents = match root {
            Expr::Identifier(ident) => vec![ident.clone()],
            Expr::CompoundIdentifier(idents) => idents.clone(),
            _ => Vec::new(),
        };
        let mut joined = !idents.is_empty();
        for access in chain {
            match access {
                AccessExpr::Dot(part) => {
                    self.passed_over.push(part);
                    match part {
                        Expr::Identifier(ident) if joined => idents.push(ident.clone()),
                        Expr::Identifier(_) => {}
                        _ => self.walk.look_at_any_of_all(),
                    }
                }
                AccessExpr::Subscript(_) => joined = false,
            }
        }
        if !idents.is_empty() {
            self.passed_over.push(root);
            match idents.as_slice() {
                [only] => self.column(only),
                all => self.qualified(all),
            }
        }
    }

    fn function(&mut self, function: &Function) {
        let is_array = function.name.0.len() == 1
            && matches!(function.args, FunctionArguments::Subquery(_))
            && function.name.to_string().eq_ignore_ascii_case("array");
        if !is_array {
            self.walk.calls(&function.name);
        }
        let FunctionArguments::List(list) = &function.args else { return };
        for (nth, arg) in list.args.iter().enumerate() {
            let (FunctionArg::Named { arg: value, .. }
            | FunctionArg::ExprNamed { arg: value, .. }
            | FunctionArg::Unnamed(value)) = arg;
            if let FunctionArg::ExprNamed { name, operator, .. } = arg
                && matches!(
                    operator,
                    FunctionArgOperator::RightArrow | FunctionArgOperator::Assignment
                )
            {
                self.passed_over.push(name);
            }
            match value {
                FunctionArgExpr::QualifiedWildcard(name) => self.whole(name),
                FunctionArgExpr::Expr(unit) if nth == 0 && self.takes_a_unit(function) => {
                    self.passed_over.push(unit);
                }
                FunctionArgExpr::Expr(_) | FunctionArgExpr::Wildcard => {}
                FunctionArgExpr::WildcardWithOptions(_) => self.walk.failed = true,
            }
        }
        if let Some(setting) = settings::of_call(function, self.walk.dialect) {
            self.walk.settings.push(setting);
        }
    }

    /// Whether a function's first argument is a word like DAY.
    fn takes_a_unit(&self, function: &Function) -> bool {
        let name = function.name.to_string();
        self.walk.dialect == Dialect::MySql
            && ["timestampdiff", "timestampadd"].iter().any(|it| name.eq_ignore_ascii_case(it))
    }

    fn whole(&mut self, name: &ObjectName) {
        match parts(name, self.walk.dialect) {
            Some(parts) => self.walk.whole(&parts),
            None => self.walk.failed = true,
        }
    }
}

/// Words that the parser takes for columns: DEFAULT, functions without parentheses, and MySQL's variables.
fn is_no_column(ident: &Ident, dialect: Dialect) -> bool {
    if ident.quote_style.is_some() {
        return false;
    }
    let word = folded(&ident.value, false, Dialect::Postgres);
    match dialect {
        Dialect::Postgres => ["default", "current_role", "current_schema"].contains(&word.as_str()),
        Dialect::MySql => word == "default" || word.starts_with('@'),
    }
}
