//! One statement, by its first words. What only names things is read by its tokens, which takes any options; what has
//! expressions is parsed.

use super::names::Dialect;
use super::rewrite::{self, rewritten};
use super::tokens::{Cursor, is_word, parsed};
use super::walk::Walk;
use super::{Doing, SetTo, Setting, admin};
use liuhen_proto::wire::Operation;
use sqlparser::tokenizer::Token;

/// First words of statements that touch no table's data, in both dialects.
const NOTHING: [&str; 17] = [
    "BEGIN",
    "START",
    "COMMIT",
    "END",
    "ROLLBACK",
    "SAVEPOINT",
    "RELEASE",
    "SHOW",
    "PREPARE",
    "EXECUTE",
    "DEALLOCATE",
    "LOCK",
    "FETCH",
    "CLOSE",
    "CHECKPOINT",
    "HELP",
    "USE",
];
/// Those of PostgreSQL alone.
const NOTHING_OF_POSTGRES: [&str; 7] =
    ["ABORT", "LISTEN", "UNLISTEN", "NOTIFY", "MOVE", "LOAD", "DISCARD"];
/// Those of MySQL alone.
const NOTHING_OF_MYSQL: [&str; 10] =
    ["UNLOCK", "XA", "GET", "SIGNAL", "RESIGNAL", "DESCRIBE", "DESC", "EXPLAIN", "OPEN", "BINLOG"];

/// Whether a command, by its first word, neither reads nor changes data, whatever else stands in it; what it sets may matter.
pub fn touches_nothing(command: &str, dialect: Dialect) -> bool {
    let word = command.split(' ').next().unwrap_or_default().to_ascii_uppercase();
    let is_any = |words: &[&str]| words.contains(&word.as_str());
    is_any(&NOTHING) || is_any(own_nothing(dialect)) || is_any(&["SET", "RESET"])
}

fn own_nothing(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Postgres => &NOTHING_OF_POSTGRES,
        Dialect::MySql => &NOTHING_OF_MYSQL,
    }
}

impl Walk<'_> {
    /// Goes through a statement; `None` where it can't be parsed in full.
    pub fn told(&mut self, tokens: &[Token]) -> Option<Doing> {
        let mut rest = Cursor { rest: tokens, dialect: self.dialect };
        let postgres = self.dialect == Dialect::Postgres;
        if let Some(kind) = self.explained(rest) {
            return kind;
        }
        if postgres && rest.eat_all(&["DISCARD", "ALL"]) {
            self.settings.push(Setting { name: None, to: SetTo::Default, local: false });
            return Some(Doing::Nothing);
        }
        let mut ahead = rest;
        if !postgres
            && (ahead.eat_all(&["EXECUTE", "IMMEDIATE"]) || ahead.eat_all(&["BEGIN", "NOT"]))
        {
            return Some(Doing::Block);
        }
        if !postgres && ahead.eat_all(&["SET", "STATEMENT"]) {
            // MariaDB's settings for one statement.
            let found = ahead.skip_to(&["FOR"]);
            ahead.next();
            return if found && !ahead.is("SET") { self.told(ahead.rest) } else { None };
        }
        let is_any = |words: &[&str]| words.iter().any(|it| rest.is(it));
        if is_any(&NOTHING) || is_any(own_nothing(self.dialect)) {
            return Some(Doing::Nothing);
        }
        if rest.eat("SET") {
            return self.set(rest);
        }
        if rest.eat("RESET") {
            return self.reset(rest);
        }
        if rest.eat("DO") {
            return if postgres { Some(Doing::Block) } else { query_of(self, rest.rest) };
        }
        if rest.eat("CALL") {
            return self.call(rest);
        }
        if rest.eat("TRUNCATE") {
            rest.eat("TABLE");
            let all = rest.names()?;
            all.into_iter().for_each(|it| self.touches(it, Operation::Delete, None));
            return Some(Doing::Data);
        }
        if postgres && rest.eat("COPY") {
            return self.copy(rest);
        }
        if postgres && rest.eat("DECLARE") {
            rest.skip_to(&["CURSOR"]);
            rest.skip_to(&["FOR"]);
            rest.next();
            return self.data(rest.rest.to_vec());
        }
        if !postgres && rest.eat("LOAD") {
            return self.load(rest);
        }
        if !postgres && rest.eat("HANDLER") {
            return self.handler(rest);
        }
        if let Some(kind) = admin::told(self, rest) {
            return kind;
        }
        self.data(tokens.to_vec())
    }

    /// EXPLAIN runs its statement only with ANALYZE. `None` where it is no EXPLAIN.
    fn explained(&mut self, mut rest: Cursor<'_>) -> Option<Option<Doing>> {
        if !["EXPLAIN", "DESCRIBE", "DESC"].iter().any(|it| rest.eat(it)) {
            return None;
        }
        let mut runs = false;
        loop {
            let mut within = rest;
            within.next();

            let query = within.peek() == Some(&Token::LParen)
                || ["SELECT", "WITH", "VALUES", "TABLE"].iter().any(|it| within.is(it));
            if let Some(options) = if query { None } else { rest.group() } {
                let mut options = Cursor { rest: options, ..rest };
                while options.skip_to(&["ANALYZE", "ANALYSE"]) {
                    options.next();
                    let off = |it: &Token| {
                        ["FALSE", "OFF", "0"].iter().any(|no| is_word(it, no))
                            || *it == Token::Number("0".to_owned(), false)
                            || matches!(it, Token::SingleQuotedString(text) if ["false", "off", "0"].contains(&text.to_lowercase().as_str()))
                    };
                    runs = !options.peek().is_some_and(off);
                }
            } else if rest.eat("ANALYZE") || rest.eat("ANALYSE") {
                runs = true;
            } else if rest.eat("FORMAT") {
                rest.eat_token(&Token::Eq);
                rest.next();
            } else if !(rest.eat("VERBOSE") || rest.eat("EXTENDED") || rest.eat("PARTITIONS")) {
                break;
            }
        }
        if rest.is("EXPLAIN") {
            return Some(None);
        }
        Some(if runs { self.told(rest.rest) } else { Some(Doing::Nothing) })
    }

    /// A statement that is parsed.
    fn data(&mut self, tokens: Vec<Token>) -> Option<Doing> {
        let statement = parsed(rewritten(tokens, self)?, self.dialect)?;
        self.change(&statement);
        let is_made = |(operation, _): &(Operation, _)| *operation == Operation::Admin;
        let makes = self.used.iter().any(|it| it.operations.iter().any(is_made));
        Some(if makes { Doing::Admin } else { Doing::Data })
    }

    fn call(&mut self, mut rest: Cursor<'_>) -> Option<Doing> {
        let all = rest.rest;
        let name = rest.name()?;
        if rest.rest.is_empty() {
            self.functions.push(name);
            return Some(Doing::Data);
        }
        query_of(self, all)
    }

    /// COPY, from behind its first word.
    fn copy(&mut self, mut rest: Cursor<'_>) -> Option<Doing> {
        if let Some(query) = rest.group() {
            if !rest.eat("TO") {
                return None;
            }
            self.reading = Operation::Export;
            return self.data(query.to_vec());
        }
        let mut ahead = rest;
        if ahead.eat("BINARY") && !["FROM", "TO"].iter().any(|it| ahead.is(it)) {
            rest = ahead;
        }
        let name = rest.name()?;
        let listed = rest.peek() == Some(&Token::LParen);
        let columns = if listed { Some(rest.columns()?) } else { None };
        let operation = if rest.eat("TO") {
            Operation::Export
        } else if rest.eat("FROM") {
            Operation::Insert
        } else {
            return None;
        };
        rest.next()?;
        self.touches(name, operation, columns);
        Some(Doing::Data)
    }

    /// MySQL's LOAD DATA and LOAD XML, from behind the first word. What it loads into which columns is not looked into
    /// where it says it.
    fn load(&mut self, mut rest: Cursor<'_>) -> Option<Doing> {
        if rest.eat("INDEX") {
            return Some(Doing::Admin);
        }
        if rest.rest.iter().any(|it| is_word(it, "SELECT"))
            || !(rest.eat("DATA") || rest.eat("XML"))
        {
            return None;
        }
        rest.skip_to(&["INFILE"]);
        let replaces = rest
            .rest
            .iter()
            .take_while(|it| !is_word(it, "TABLE"))
            .any(|it| is_word(it, "REPLACE"));
        rest.skip_to(&["TABLE"]);
        rest.next();
        let name = rest.name()?;
        let at = self.uses(name.clone(), Operation::Insert);
        match rest.rest.iter().any(|it| *it == Token::LParen || is_word(it, "SET")) {
            true => self.looks_at_any(at),
            false => self.looks_at_all(at),
        }
        if replaces {
            self.touches(name, Operation::Delete, None);
        }
        Some(Doing::Data)
    }

    fn handler(&mut self, mut rest: Cursor<'_>) -> Option<Doing> {
        let name = rest.name()?;
        if rest.eat("READ") {
            let at = self.uses(name, Operation::Read);
            self.looks_at_any(at);
            return Some(Doing::Data);
        }
        (rest.eat("OPEN") || rest.eat("CLOSE")).then_some(Doing::Nothing)
    }
}

/// Expressions, as a query of them.
pub(super) fn query_of(walk: &mut Walk<'_>, expressions: &[Token]) -> Option<Doing> {
    let mut tokens = vec![rewrite::word("SELECT")];
    tokens.extend_from_slice(expressions);
    walk.data(tokens)
}
