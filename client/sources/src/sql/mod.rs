//! What SQL statements say: which relations they touch and how, which columns of them, which functions they call and
//! what they set; and what their comments name. Nothing here does I/O, and no text makes it fail.
//!
//! A text is parsed where its form allows it. Where it does not (cut off, of another dialect, too deep), [`told`] says
//! nothing rather than a part, and [`mentions`] and [`first_operation`] say what the text may be about.
//!
//! | file | holds |
//! |---|---|
//! | `comments` | a statement's comments, and the values they give to a key |
//! | `names` | names as a server folds them, and those of its own catalogues |
//! | `schema` | the columns of tables and the texts of views, by which columns are told apart |
//! | `tokens` | a text as tokens, in bounds; a statement parsed from them |
//! | `pieces` | where comments, literals and names begin and end in any text |
//! | `mentions` | a text that can't be parsed |
//! | `statement` | one statement by its first words |
//! | `rewrite` | forms that the parser does not know, as those that it knows |
//! | `admin`, `settings` | statements on objects, and on settings |
//! | `batch` | a text of several statements, and which of them the server executed |
//! | `walk`, `scope`, `lookup`, `from`, `reads`, `changes`, `leaves` | a parsed statement: what is in scope, read and changed |
//! | `views` | from a view's columns to those of its tables |

mod admin;
mod batch;
mod changes;
mod comments;
mod from;
mod functions;
mod leaves;
mod lookup;
mod mentions;
mod names;
mod pieces;
mod reads;
mod rewrite;
mod schema;
mod scope;
mod settings;
mod statement;
mod tokens;
mod views;
mod walk;

pub use batch::{Savepoint, SingleStatement, of_command, savepoint, single_statements};
pub use comments::{comments, values_of, within_line_comments, without_comments};
pub use mentions::{first_operation, mentions};
pub use names::{Dialect, Name, is_systems, is_systems_function, systems_functions};
pub use schema::Schema;
pub use statement::touches_nothing;

use liuhen_proto::wire::Operation;
use sqlparser::tokenizer::Token;
use std::collections::BTreeSet;

/// What a text of one or several statements does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The relations, each once for each operation, in the order in which they stand.
    pub touches: Vec<Touch>,
    /// The functions and procedures called anywhere in it, each once.
    pub functions: Vec<Name>,
    /// Schemas all of whose relations it gives to somebody, or takes from them.
    pub schemas: Vec<String>,
    /// What it sets, in order.
    pub settings: Vec<Setting>,
    /// Of what kind it is; of several statements the gravest.
    pub kind: Doing,
}

/// Of what kind a statement is, the gravest last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doing {
    /// It neither reads nor changes a table's data: settings, transactions, cursors that are declared already.
    #[default]
    Nothing,
    /// It reads or changes data, or calls functions that may.
    Data,
    /// It makes, changes or drops objects, or says who may use them.
    Admin,
    /// A block of code that can't be looked into.
    Block,
}

/// An operation on a relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// The relation.
    pub relation: Name,
    /// What is done.
    pub operation: Operation,
    /// The columns it is done to, or that are read on the way.
    pub fields: Fields,
}

/// Columns of a relation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fields {
    /// Any may be meant.
    Unknown,
    /// These and no others; none where rows are counted and no column is looked at.
    These(BTreeSet<String>),
}

/// A setting of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name in lower case, a MySQL variable's with its `@`; `None` where it may be any or all.
    pub name: Option<String>,
    /// What it is set to.
    pub to: SetTo,
    /// Whether it ends with the transaction.
    pub local: bool,
}

/// What a setting is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetTo {
    /// This text.
    Text(String),
    /// What it was at the session's begin.
    Default,
    /// What the text does not say.
    Unknown,
}

/// What a text does; `None` where it can't be parsed in full.
pub fn told(text: &str, dialect: Dialect, schema: &Schema) -> Option<Told> {
    let statements = tokens::statements(tokens::tokenised(text, dialect)?, dialect);
    told_of(&statements, dialect, schema)
}

/// What a text does that is executed: of one that prepares a statement, what that does. `None` where it can't be parsed in full.
pub fn executed(text: &str, dialect: Dialect, schema: &Schema) -> Option<Told> {
    let statements = tokens::statements(tokens::tokenised(text, dialect)?, dialect);
    let executed = statements.into_iter().map(|it| batch::within_prepare(it, dialect));
    told_of(&executed.collect::<Vec<_>>(), dialect, schema)
}

fn told_of(statements: &[Vec<Token>], dialect: Dialect, schema: &Schema) -> Option<Told> {
    let mut told = walk::Collected::default();
    for statement in statements {
        let mut walk = walk::Walk::new(dialect, schema);
        let kind = walk.told(statement)?;
        told.kind = told.kind.max(kind);
        told.add(walk.collected()?);
    }
    views::looked_through(&mut told, dialect, schema);
    let walk::Collected { touches, functions, schemas, settings, kind, .. } = told;
    Some(Told { touches, functions, schemas, settings, kind })
}

#[cfg(test)]
mod tests;
