//! A text as tokens, in bounds, and a statement parsed from them.

use super::names::{self, Dialect, Name};
use super::pieces::{Kind, Pieces};
use sqlparser::ast::Statement;
use sqlparser::dialect::{MySqlDialect, PostgreSqlDialect};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

/// The longest text that is parsed.
pub(super) const TEXT_BYTES: usize = 1 << 20;

/// How deep a statement may be nested. The parser takes less than 2 MiB of stack for it, which is what threads have.
const NESTING: usize = 50;

/// How many tokens may follow one another without a comma, along any path into parentheses. Operators that follow one
/// another (`1+1+1`) are parsed into a tree as deep as they are many, and what walks it needs stack.
const CHAIN: usize = 4000;

/// The tokens of a text without white space and comments; `None` where it is too long, or is no text of tokens.
pub(super) fn tokenised(text: &str, dialect: Dialect) -> Option<Vec<Token>> {
    if text.len() > TEXT_BYTES {
        return None;
    }
    let tokens = raw(text, dialect)?;
    if words_of(&tokens) != words_in(text, dialect) {
        return None;
    }
    let tokens = tokens.into_iter().flat_map(|token| match token {
        Token::Whitespace(_) | Token::EOF => Vec::new(),
        // `a[1:b]`: the servers have no parameters of this form, in which a column would be lost.
        Token::Placeholder(text) if text.starts_with(':') => {
            let name = text.trim_start_matches(':');
            vec![Token::Colon, Token::make_word(name, None)]
        }
        token => vec![token],
    });
    let tokens: Vec<Token> = tokens.collect();
    let swallowed =
        |it: &Token| matches!(it, Token::CopyData { data, .. } if !data.trim().is_empty());
    (!tokens.iter().any(swallowed)).then_some(tokens)
}

/// The words of a text by its tokens, one after another. A text in which the tokenizer finds other words than the rules
/// of the server do (for it, `a$b$` opens a literal) would hide what stands there.
fn words_of(tokens: &[Token]) -> String {
    let words = tokens.iter().map(|token| match token {
        Token::Word(word) => word.value.as_str(),
        Token::Placeholder(text) if text.starts_with(':') => text.trim_start_matches(':'),
        _ => "",
    });
    words.flat_map(str::chars).filter(|it| *it != '@').collect()
}

/// The words of a text by the rules of its server.
fn words_in(text: &str, dialect: Dialect) -> String {
    let words = Pieces::of(text, dialect).map(|piece| match piece.kind {
        Kind::Word => piece.text.to_owned(),
        Kind::Quoted => piece.unquoted(),
        Kind::Comment | Kind::Literal | Kind::Blank | Kind::Sign => String::new(),
    });
    words.flat_map(|it| it.chars().collect::<Vec<_>>()).filter(|it| *it != '@').collect()
}

/// The tokens of a text as they stand.
pub(super) fn raw(text: &str, dialect: Dialect) -> Option<Vec<Token>> {
    match dialect {
        Dialect::Postgres => Tokenizer::new(&PostgreSqlDialect {}, text).tokenize().ok(),
        Dialect::MySql => Tokenizer::new(&MySqlDialect {}, text).tokenize().ok(),
    }
}

/// Statements, without their semicolons. A routine's body has semicolons of its own.
pub(super) fn statements(tokens: Vec<Token>, dialect: Dialect) -> Vec<Vec<Token>> {
    let mut all = Vec::new();
    let mut one: Vec<Token> = Vec::new();
    let mut body = Body::default();
    for token in tokens {
        if token == Token::SemiColon && !body.is_open() {
            all.push(std::mem::take(&mut one));
            body = Body::default();
        } else if !matches!(token, Token::CopyData { .. }) {
            if one.first().is_some_and(|it| is_word(it, "CREATE")) {
                body.take(&token, one.last(), dialect);
            }
            one.push(token);
        }
    }
    all.push(one);
    all.retain(|it| !it.is_empty());
    all
}

/// How far within the body of what is created.
#[derive(Default)]
struct Body {
    parentheses: usize,
    blocks: usize,
    /// Whether the last word was END, of which the next says what it ends.
    ending: bool,
}

impl Body {
    fn is_open(&self) -> bool {
        self.parentheses > 0 || self.blocks > usize::from(self.ending)
    }

    /// PostgreSQL's body is BEGIN ATOMIC … END, MySQL's is BEGIN … END, in which END IF and the like end what began
    /// without BEGIN.
    fn take(&mut self, token: &Token, before: Option<&Token>, dialect: Dialect) {
        let behind = |word: &str| before.is_some_and(|it| is_word(it, word));
        let other_end = ["IF", "LOOP", "WHILE", "REPEAT"].iter().any(|it| is_word(token, it));
        if std::mem::take(&mut self.ending) && !(other_end && dialect == Dialect::MySql) {
            self.blocks -= 1;
        }
        match token {
            Token::LParen => self.parentheses += 1,
            Token::RParen => self.parentheses = self.parentheses.saturating_sub(1),
            _ if dialect == Dialect::MySql && is_word(token, "BEGIN") => self.blocks += 1,
            _ if is_word(token, "ATOMIC") && behind("BEGIN") => self.blocks += 1,
            _ if self.blocks == 0 || before == Some(&Token::Period) => {}
            _ if is_word(token, "CASE") && !behind("END") => self.blocks += 1,
            _ if is_word(token, "END") => self.ending = true,
            _ => {}
        }
    }
}

/// The one statement that tokens are.
pub(super) fn parsed(tokens: Vec<Token>, dialect: Dialect) -> Option<Statement> {
    if depth(&tokens) > CHAIN {
        return None;
    }
    let postgres = PostgreSqlDialect {};
    let mysql = MySqlDialect {};
    let parser = match dialect {
        Dialect::Postgres => Parser::new(&postgres),
        Dialect::MySql => Parser::new(&mysql),
    };
    let parser = parser.with_recursion_limit(NESTING);
    let mut statements = parser.with_tokens(tokens).parse_statements().ok()?;
    let only = statements.pop()?;
    statements.is_empty().then_some(only)
}

/// A bound of how deep the tree of these tokens can be.
fn depth(tokens: &[Token]) -> usize {
    #[derive(Default)]
    struct Group {
        tokens: usize,
        deepest_within: usize,
        deepest: usize,
    }
    impl Group {
        fn end_part(&mut self) {
            self.deepest = self.deepest.max(self.tokens + self.deepest_within);
            (self.tokens, self.deepest_within) = (0, 0);
        }
    }
    let mut open: Vec<Group> = Vec::new();
    let mut here = Group::default();
    for token in tokens {
        here.tokens += 1;
        match token {
            Token::LParen | Token::LBracket => open.push(std::mem::take(&mut here)),
            Token::RParen | Token::RBracket => {
                here.end_part();
                let within = std::mem::replace(&mut here, open.pop().unwrap_or_default());
                here.deepest_within = here.deepest_within.max(within.deepest);
            }
            Token::Comma => here.end_part(),
            _ => {}
        }
    }
    here.end_part();
    // What is still open lies around what was read last.
    open.iter_mut().fold(here.deepest, |deepest, group| {
        group.end_part();
        deepest + group.deepest
    })
}

/// Whether a token is this word, unquoted.
pub(super) fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(it) if it.quote_style.is_none() && it.value.eq_ignore_ascii_case(word))
}

/// Tokens that are read from the front.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'t> {
    /// What is left.
    pub rest: &'t [Token],
    /// Whose names they are.
    pub dialect: Dialect,
}

impl<'t> Cursor<'t> {
    /// The next token, taken.
    pub fn next(&mut self) -> Option<&'t Token> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// The next token, left.
    pub fn peek(&self) -> Option<&'t Token> {
        self.rest.first()
    }

    /// Whether this word is next.
    pub fn is(&self, word: &str) -> bool {
        self.peek().is_some_and(|it| is_word(it, word))
    }

    /// Takes a word if it is next.
    pub fn eat(&mut self, word: &str) -> bool {
        let is = self.is(word);
        if is {
            self.next();
        }
        is
    }

    /// Takes these words if all of them are next.
    pub fn eat_all(&mut self, words: &[&str]) -> bool {
        let mut ahead = *self;
        let all = words.iter().all(|word| ahead.eat(word));
        if all {
            *self = ahead;
        }
        all
    }

    /// Takes a token if it is next.
    pub fn eat_token(&mut self, token: &Token) -> bool {
        let is = self.peek() == Some(token);
        if is {
            self.next();
        }
        is
    }

    /// Takes tokens until one of these words is next, not within parentheses; whether one is.
    pub fn skip_to(&mut self, words: &[&str]) -> bool {
        let mut open = 0usize;
        while let Some(token) = self.peek() {
            match token {
                Token::LParen => open += 1,
                Token::RParen => open = open.saturating_sub(1),
                _ if open == 0 && words.iter().any(|word| is_word(token, word)) => return true,
                _ => {}
            }
            self.next();
        }
        false
    }

    /// The tokens of a group in parentheses, if one is next and closed.
    pub fn group(&mut self) -> Option<&'t [Token]> {
        let mut ahead = *self;
        if !ahead.eat_token(&Token::LParen) {
            return None;
        }
        let within = ahead.rest;
        let mut open = 1usize;
        while let Some(token) = ahead.next() {
            match token {
                Token::LParen => open += 1,
                Token::RParen => open -= 1,
                _ => {}
            }
            if open == 0 {
                let length = within.len() - ahead.rest.len() - 1;
                *self = ahead;
                return within.get(..length);
            }
        }
        None
    }

    /// The next word as an identifier.
    pub fn identifier(&mut self) -> Option<String> {
        let Some(Token::Word(word)) = self.peek() else { return None };
        self.next();
        Some(names::word(word, self.dialect))
    }

    /// A name with its qualifiers.
    pub fn name(&mut self) -> Option<Name> {
        let mut parts = vec![self.identifier()?];
        while self.eat_token(&Token::Period) {
            parts.push(self.identifier()?);
        }
        Name::of_parts(parts)
    }

    /// Names between commas, each maybe behind ONLY and before `*`.
    pub fn names(&mut self) -> Option<Vec<Name>> {
        let mut names = Vec::new();
        loop {
            let only = self.dialect == Dialect::Postgres && self.eat("ONLY");
            let within = if only { self.group() } else { None };
            names.push(match within {
                Some(rest) => Cursor { rest, dialect: self.dialect }.name()?,
                None => self.name()?,
            });
            self.eat_token(&Token::Mul);
            if !self.eat_token(&Token::Comma) {
                return Some(names);
            }
        }
    }

    /// The columns of a group in parentheses that holds nothing but identifiers; `None` where it holds something else.
    pub fn columns(&mut self) -> Option<Vec<String>> {
        let rest = self.group()?;
        let mut within = Cursor { rest, dialect: self.dialect };
        let mut columns = vec![within.identifier()?];
        while within.eat_token(&Token::Comma) {
            columns.push(within.identifier()?);
        }
        within.rest.is_empty().then_some(columns)
    }
}
