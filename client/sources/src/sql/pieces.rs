//! The pieces of a statement, for what must be known of any text, parsed or not: where comments, literals and names
//! begin and end.
//!
//! By the lexical rules of PostgreSQL 15 (chapter 4.1) with `standard_conforming_strings` on, as it is by default, and of
//! MySQL 8.4 (chapter 11) without ANSI_QUOTES and NO_BACKSLASH_ESCAPES.

use super::names::Dialect;

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A comment, with its marks.
    Comment,
    /// A word.
    Word,
    /// A quoted name, with its quotes.
    Quoted,
    /// A literal.
    Literal,
    /// White space.
    Blank,
    /// Anything else.
    Sign,
}

/// A piece.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    /// As it stands.
    pub text: &'a str,
    /// What it is.
    pub kind: Kind,
}

impl Piece<'_> {
    /// A quoted name without its quotes, of which the last may be cut off; a doubled one stands for itself.
    pub fn unquoted(&self) -> String {
        let Some(quote) = self.text.chars().next() else { return String::new() };
        let within = self.text.strip_prefix(quote).unwrap_or(self.text);
        let within = within.strip_suffix(quote).unwrap_or(within);
        within.replace(&format!("{quote}{quote}"), &quote.to_string())
    }
}

/// The pieces of a statement, in order; together they are the statement.
pub(super) struct Pieces<'a> {
    text: &'a str,
    at: usize,
    dialect: Dialect,
}

impl<'a> Pieces<'a> {
    /// Of a text.
    pub fn of(text: &'a str, dialect: Dialect) -> Self {
        Self { text, at: 0, dialect }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let bytes = self.text.as_bytes();
        let begin = self.at;
        if begin >= bytes.len() {
            return None;
        }
        let (kind, end) = match comment_end(bytes, begin, self.dialect) {
            Some(end) => (Kind::Comment, end),
            None => token(bytes, begin, self.dialect),
        };
        // A backslash may be the last byte, and what it escapes not there.
        self.at = end.min(bytes.len());
        Some(Piece { text: self.text.get(begin..self.at)?, kind })
    }
}

/// Where the comment ends that begins here; one that is not closed ends with the text.
fn comment_end(bytes: &[u8], at: usize, dialect: Dialect) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let mysql = dialect == Dialect::MySql;
    let dashes = rest.starts_with(b"--")
        && (!mysql
            || rest.get(2).is_none_or(|it| it.is_ascii_whitespace() || it.is_ascii_control()));
    if dashes || (mysql && rest.starts_with(b"#")) {
        let line = rest.iter().position(|byte| *byte == b'\n' || (*byte == b'\r' && !mysql));
        return Some(line.map_or(bytes.len(), |end| at + end + 1));
    }
    if !rest.starts_with(b"/*") || (mysql && executed(rest).is_some()) {
        return None;
    }
    if mysql {
        let end = rest.get(2..)?.windows(2).position(|it| it == b"*/");
        return Some(end.map_or(bytes.len(), |end| at + end + 4));
    }
    let (mut depth, mut here) = (0usize, at);
    while let Some(two) = bytes.get(here..here + 2) {
        match two {
            b"/*" => {
                depth += 1;
                here += 2;
            }
            b"*/" => {
                depth -= 1;
                here += 2;
                if depth == 0 {
                    return Some(here);
                }
            }
            _ => here += 1,
        }
    }
    Some(bytes.len())
}

/// How long the mark is that opens what MySQL or MariaDB runs though it looks like a comment.
fn executed(rest: &[u8]) -> Option<usize> {
    let mark = if rest.starts_with(b"/*!") {
        3
    } else if rest.starts_with(b"/*M!") {
        4
    } else {
        return None;
    };
    let digits = rest.get(mark..)?.iter().take_while(|it| it.is_ascii_digit()).count();
    Some(mark + digits)
}

/// What the token is that begins here and is no comment, and where it ends.
fn token(bytes: &[u8], at: usize, dialect: Dialect) -> (Kind, usize) {
    let mysql = dialect == Dialect::MySql;
    let rest = bytes.get(at..).unwrap_or_default();
    let span =
        |is: fn(u8) -> bool| at + rest.iter().position(|byte| !is(*byte)).unwrap_or(rest.len());
    let Some(first) = rest.first() else { return (Kind::Sign, bytes.len()) };
    match first {
        b'\'' => (Kind::Literal, quoted_end(bytes, at + 1, b'\'', mysql)),
        b'"' if mysql => (Kind::Literal, quoted_end(bytes, at + 1, b'"', true)),
        b'"' => (Kind::Quoted, quoted_end(bytes, at + 1, b'"', false)),
        b'`' if mysql => (Kind::Quoted, quoted_end(bytes, at + 1, b'`', false)),
        b'$' if !mysql => match dollar_end(bytes, at) {
            Some(end) => (Kind::Literal, end),
            None => (Kind::Sign, at + 1),
        },
        b'/' if mysql => (Kind::Sign, at + executed(rest).unwrap_or(1)),
        byte if byte.is_ascii_whitespace() => (Kind::Blank, span(|it| it.is_ascii_whitespace())),
        byte if begins_word(*byte) => {
            let end = span(continues_word);
            // In E'…' a backslash escapes.
            match (end - at, first, bytes.get(end)) {
                (1, b'e' | b'E', Some(b'\'')) if !mysql => {
                    (Kind::Literal, escaped_end(bytes, end + 1))
                }
                (1, b'b' | b'B' | b'x' | b'X' | b'n' | b'N', Some(b'\'')) => {
                    (Kind::Literal, quoted_end(bytes, end + 1, b'\'', mysql))
                }
                (1, b'u' | b'U', Some(b'&')) if !mysql && bytes.get(end + 1) == Some(&b'\'') => {
                    (Kind::Literal, quoted_end(bytes, end + 2, b'\'', false))
                }
                // U&"…" is one name, of which U is no part.
                (1, b'u' | b'U', Some(b'&')) if !mysql && bytes.get(end + 1) == Some(&b'"') => {
                    (Kind::Sign, end + 1)
                }
                _ => (Kind::Word, end),
            }
        }
        byte if byte.is_ascii_digit() => (Kind::Literal, span(continues_word)),
        _ => (Kind::Sign, at + 1),
    }
}

fn begins_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn continues_word(byte: u8) -> bool {
    begins_word(byte) || byte.is_ascii_digit() || byte == b'$'
}

/// Where a quoted piece ends; its quote doubled stands for itself.
fn quoted_end(bytes: &[u8], mut at: usize, quote: u8, backslash: bool) -> usize {
    while let Some(byte) = bytes.get(at) {
        if backslash && *byte == b'\\' {
            at += 2;
        } else if *byte != quote {
            at += 1;
        } else if bytes.get(at + 1) == Some(&quote) {
            at += 2;
        } else {
            return at + 1;
        }
    }
    bytes.len()
}

/// Where a literal ends in which a backslash escapes. It goes on in a further piece where nothing but white space with an
/// end of line, and comments to the end of one, lies between.
fn escaped_end(bytes: &[u8], at: usize) -> usize {
    let mut end = quoted_end(bytes, at, b'\'', true);
    while let Some(next) = next_piece(bytes, end) {
        end = quoted_end(bytes, next + 1, b'\'', true);
    }
    end
}

/// Where the quote stands that opens the next piece of a literal which ends here.
fn next_piece(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut line_ended = false;
    loop {
        match bytes.get(at)? {
            b'\n' | b'\r' => {
                line_ended = true;
                at += 1;
            }
            byte if byte.is_ascii_whitespace() || *byte == 0x0b => at += 1,
            b'-' if bytes.get(at + 1) == Some(&b'-') => {
                at = comment_end(bytes, at, Dialect::Postgres)?;
                line_ended = true;
            }
            b'\'' if line_ended => return Some(at),
            _ => return None,
        }
    }
}

/// Where `$tag$…$tag$` ends; `None` where no dollar quote begins.
fn dollar_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at + 1..)?;
    let length = rest.iter().position(|byte| *byte == b'$')?;
    let tag = rest.get(..length)?;
    let named = tag.first().is_none_or(|byte| begins_word(*byte));
    if !named || !tag.iter().all(|byte| continues_word(*byte)) {
        return None;
    }
    let mark = bytes.get(at..at + length + 2)?;
    let body = at + mark.len();
    let behind = bytes.get(body..)?;
    let close = behind.windows(mark.len()).position(|window| window == mark);
    Some(close.map_or(bytes.len(), |close| body + close + mark.len()))
}
