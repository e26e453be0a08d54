//! From a view's columns to those of the tables that it looks at.

use super::names::Dialect;
use super::schema::Schema;
use super::tokens::{parsed, tokenised};
use super::walk::{Collected, Walk};
use super::{Fields, Touch};
use liuhen_proto::wire::Operation;
use sqlparser::ast::Statement;

/// How many views are looked through for one text; views may look at views.
const VIEWS: usize = 256;

/// Adds what is touched through views whose queries are known; a view itself stays among the touches. What can't be
/// looked through adds nothing.
pub(super) fn looked_through(told: &mut Collected, dialect: Dialect, schema: &Schema) {
    let mut rest: Vec<Touch> = told.touches.clone();
    let mut seen: Vec<Touch> = Vec::new();
    while let Some(touch) = rest.pop() {
        if touch.operation == Operation::Admin || seen.contains(&touch) || seen.len() > VIEWS {
            continue;
        }
        let Some(within) = within(&touch, dialect, schema) else { continue };
        seen.push(touch);
        for touch in within.touches {
            rest.push(touch.clone());
            told.touch(touch);
        }
        told.call(within.functions);
    }
}

/// What touching a view touches.
fn within(view: &Touch, dialect: Dialect, schema: &Schema) -> Option<Collected> {
    let text = schema.view(&view.relation)?;
    let mut tokens = tokenised(text, dialect)?;
    tokens.retain(|it| *it != sqlparser::tokenizer::Token::SemiColon);
    let Statement::Query(query) = parsed(tokens, dialect)? else { return None };
    let mut walk = Walk::new(dialect, schema);
    walk.wanted = match &view.fields {
        Fields::These(these) => Some(these.clone()),
        Fields::Unknown => None,
    };
    let changes = !matches!(view.operation, Operation::Read | Operation::Export);
    if !changes {
        walk.reading = view.operation;
    }
    walk.query(&query, true);
    // A view can be changed through where it is of one table.
    if changes && let [only] = walk.used.as_mut_slice() {
        only.operations = vec![(view.operation, Fields::none())];
    }
    walk.collected()
}
