//! A text of several statements. A server executes one behind the other, and may log the whole text with each.

use super::names::Dialect;
use super::schema::Schema;
use super::tokens::{Cursor, is_word, statements, tokenised};
use super::walk::Collected;
use super::{Told, told_of};
use sqlparser::tokenizer::Token;

/// One statement of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SingleStatement {
    /// Its first word in upper case, `(` of a query in parentheses.
    pub first: String,
    /// What it does.
    pub told: Told,
}

impl Told {
    /// What all of them do.
    pub fn joined(pieces: &[SingleStatement]) -> Self {
        let mut all = Collected::default();
        for it in pieces.iter().map(|it| &it.told) {
            it.touches.iter().for_each(|touch| all.touch(touch.clone()));
            all.call(it.functions.clone());
            all.schemas.extend(it.schemas.iter().cloned());
            all.settings.extend(it.settings.iter().cloned());
            all.kind = all.kind.max(it.kind);
        }
        let Collected { touches, functions, schemas, settings, kind, .. } = all;
        Self { touches, functions, schemas, settings, kind }
    }
}

/// First words of statements whose text is not what the server says it executes: what runs inside has commands of its own.
const CARRIERS: [&str; 9] =
    ["EXPLAIN", "CREATE", "REFRESH", "EXECUTE", "DECLARE", "CALL", "DO", "COPY", "PREPARE"];

/// The statements of a text; where it is `executed`, of one that prepares a statement what that does. `None` where one can't be
/// parsed in full.
pub fn single_statements(
    text: &str,
    dialect: Dialect,
    schema: &Schema,
    executed: bool,
) -> Option<Vec<SingleStatement>> {
    let all = statements(tokenised(text, dialect)?, dialect);
    let piece = |mut statement: Vec<Token>| {
        let first = first_word(&statement);
        if executed {
            statement = within_prepare(statement, dialect);
        }
        Some(SingleStatement { first, told: told_of(&[statement], dialect, schema)? })
    };
    all.into_iter().map(piece).collect()
}

/// What a statement does that prepares another.
pub(super) fn within_prepare(statement: Vec<Token>, dialect: Dialect) -> Vec<Token> {
    let mut rest = Cursor { rest: &statement, dialect };
    if rest.eat("PREPARE") && rest.skip_to(&["AS"]) {
        rest.eat("AS");
        return rest.rest.to_vec();
    }
    statement
}

fn first_word(statement: &[Token]) -> String {
    match statement.first() {
        Some(Token::Word(word)) if word.quote_style.is_none() => word.value.to_ascii_uppercase(),
        Some(Token::LParen) => "(".to_owned(),
        _ => String::new(),
    }
}

/// Which statement of a text, from one on, a command is of that the server says it executed; `None` where that is not sure.
pub fn of_command(pieces: &[SingleStatement], from: usize, command: &str) -> Option<usize> {
    let word = command.split(' ').next().unwrap_or_default();
    for (at, piece) in pieces.iter().enumerate().skip(from) {
        if is_of(&piece.first, word) {
            return Some(at);
        }
        if CARRIERS.contains(&piece.first.as_str()) {
            return None;
        }
    }
    None
}

fn is_of(first: &str, word: &str) -> bool {
    first == word
        || match word {
            "SELECT" => ["WITH", "VALUES", "TABLE", "("].contains(&first),
            "INSERT" | "UPDATE" | "DELETE" | "MERGE" => first == "WITH",
            "COMMIT" => first == "END",
            "ROLLBACK" => first == "ABORT",
            _ => false,
        }
}

/// What a statement does to the savepoints of its transaction: `SAVEPOINT a` and `ROLLBACK TO a`, with the name; `ROLLBACK` without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Savepoint {
    /// It makes one.
    Made(String),
    /// It goes back to one; to none: to the transaction's begin.
    Back(Option<String>),
}

/// What the statement of a command does to savepoints, by its text; `None` where that is nothing, or can't be told.
pub fn savepoint(text: &str, command: &str, nth: usize) -> Option<Savepoint> {
    let dialect = Dialect::Postgres;
    let back = command.starts_with("ROLLBACK") && !command.ends_with("PREPARED");
    if !back && command != "SAVEPOINT" {
        return None;
    }
    let all = statements(tokenised(text, dialect)?, dialect);
    let mut rest = Cursor { rest: all.get(nth)?, dialect };
    if rest.eat("SAVEPOINT") {
        return rest.identifier().map(Savepoint::Made);
    }
    let to = rest.rest.iter().any(|it| is_word(it, "TO"));
    if !to {
        return Some(Savepoint::Back(None));
    }
    rest.skip_to(&["TO"]);
    rest.next();
    let mut behind = rest;
    if behind.eat("SAVEPOINT") && behind.peek().is_some() {
        rest = behind;
    }
    rest.identifier().map(|name| Savepoint::Back(Some(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<SingleStatement> {
        single_statements(text, Dialect::Postgres, &Schema::default(), true).unwrap()
    }

    #[test]
    fn the_statement_of_a_command() {
        let all =
            of("begin; with x as (select 1) select * from a; set b = 'c'; select * from d; end");
        let firsts: Vec<_> = all.iter().map(|it| it.first.as_str()).collect();
        assert_eq!(firsts, ["BEGIN", "WITH", "SET", "SELECT", "END"]);
        let cases = [
            (0, "BEGIN", Some(0)),
            (1, "SELECT", Some(1)),
            (2, "SELECT", Some(3)),
            (0, "COMMIT", Some(4)),
            (0, "DECLARE CURSOR", None),
            (5, "SELECT", None),
        ];
        for (from, command, expected) in cases {
            assert_eq!(of_command(&all, from, command), expected, "{from} {command}");
        }
        // What runs inside an EXPLAIN may be any of what follows.
        let all = of("explain analyze select * from a; select * from d");
        assert_eq!(of_command(&all, 0, "SELECT"), None);
        assert_eq!(of_command(&all, 1, "SELECT"), Some(1));
    }

    #[test]
    fn savepoints() {
        let made = |name: &str| Some(Savepoint::Made(name.to_owned()));
        let back = |name: &str| Some(Savepoint::Back(Some(name.to_owned())));
        let cases = [
            ("savepoint A;", "SAVEPOINT", made("a")),
            ("savepoint \"A\"", "SAVEPOINT", made("A")),
            ("rollback to a", "ROLLBACK", back("a")),
            ("rollback work to savepoint a", "ROLLBACK TO", back("a")),
            ("abort", "ROLLBACK", Some(Savepoint::Back(None))),
            ("rollback prepared 'x'", "ROLLBACK PREPARED", None),
            ("select 1", "SELECT", None),
        ];
        for (text, command, expected) in cases {
            assert_eq!(savepoint(text, command, 0), expected, "{text}");
        }
    }
}
