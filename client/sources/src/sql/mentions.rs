//! A text that can't be parsed: what it may be about.

use super::names::{Dialect, Name, folded};
use super::pieces::{Kind, Pieces};
use super::tokens::{TEXT_BYTES, raw};
use liuhen_proto::wire::Operation;
use sqlparser::tokenizer::{Token, Word};

/// A piece of a text that matters here.
enum Bit {
    Word { text: String, quoted: bool },
    Dot,
    Other,
}

/// The names that stand in a text outside its comments and literals, qualified ones whole, in order and each once.
/// Among them are keywords, columns, functions and aliases: it is for whoever looks for a name, not for who lists them.
pub fn mentions(text: &str, dialect: Dialect) -> Vec<Name> {
    let mut found: Vec<Name> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    let mut parts: Vec<String> = Vec::new();
    let mut dotted = false;
    let mut end = |parts: &mut Vec<String>| {
        if let Some(name) = Name::of_parts(std::mem::take(parts))
            && seen.insert(name.clone())
        {
            found.push(name);
        }
    };
    for bit in bits(text, dialect) {
        match bit {
            Bit::Word { text, quoted } => {
                if !dotted {
                    end(&mut parts);
                }
                parts.push(folded(&text, quoted, dialect));
                dotted = false;
            }
            Bit::Dot => dotted = !parts.is_empty(),
            Bit::Other => {
                end(&mut parts);
                dotted = false;
            }
        }
    }
    end(&mut parts);
    found
}

/// What a text that can't be parsed would do, by its first word that matters; `None` where that says nothing of data.
pub fn first_operation(text: &str, dialect: Dialect) -> Option<Operation> {
    let mut words = bits(text, dialect).into_iter().filter_map(|bit| match bit {
        Bit::Word { text, quoted: false } => Some(text.to_lowercase()),
        _ => None,
    });
    Some(match words.next()?.as_str() {
        "select" | "table" | "values" | "declare" | "handler" => Operation::Read,
        "with" => words.find_map(|it| changing(&it)).unwrap_or(Operation::Read),
        "copy" => match words.find(|it| it == "to" || it == "from")?.as_str() {
            "to" => Operation::Export,
            _ => Operation::Insert,
        },
        "load" => Operation::Insert,
        "create" | "alter" | "drop" | "grant" | "revoke" | "comment" => Operation::Admin,
        first => changing(first)?,
    })
}

fn changing(word: &str) -> Option<Operation> {
    Some(match word {
        "insert" | "replace" => Operation::Insert,
        "update" | "merge" => Operation::Update,
        "delete" | "truncate" => Operation::Delete,
        _ => return None,
    })
}

/// By the parser's tokens where it takes the text, else by its own pieces.
fn bits(text: &str, dialect: Dialect) -> Vec<Bit> {
    let tokens = if text.len() > TEXT_BYTES { None } else { raw(text, dialect) };
    match tokens {
        Some(tokens) => tokens
            .into_iter()
            .filter(|it| !matches!(it, Token::Whitespace(_)))
            .map(|token| match token {
                Token::Word(Word { value, quote_style, .. }) => {
                    Bit::Word { text: value, quoted: quote_style.is_some() }
                }
                Token::Period => Bit::Dot,
                _ => Bit::Other,
            })
            .collect(),
        None => Pieces::of(text, dialect)
            .filter_map(|piece| match piece.kind {
                Kind::Comment | Kind::Blank => None,
                Kind::Word => Some(Bit::Word { text: piece.text.to_owned(), quoted: false }),
                Kind::Quoted => Some(Bit::Word { text: piece.unquoted(), quoted: true }),
                Kind::Sign if piece.text == "." => Some(Bit::Dot),
                Kind::Sign | Kind::Literal => Some(Bit::Other),
            })
            .collect(),
    }
}
