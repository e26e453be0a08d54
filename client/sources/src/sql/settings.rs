//! SET, RESET and `set_config`.

use super::names::{self, Dialect};
use super::statement::query_of;
use super::tokens::{Cursor, is_word};
use super::walk::Walk;
use super::{Doing, SetTo, Setting};
use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Value, ValueWithSpan,
};
use sqlparser::tokenizer::{Token, Word};

impl Walk<'_> {
    /// SET, from behind its first word.
    pub fn set(&mut self, mut rest: Cursor<'_>) -> Option<Doing> {
        match self.dialect {
            Dialect::Postgres => {
                self.settings.extend(postgres(&mut rest)?);
            }
            Dialect::MySql => {
                if [
                    "TRANSACTION",
                    "NAMES",
                    "CHARSET",
                    "CHARACTER",
                    "PASSWORD",
                    "ROLE",
                    "DEFAULT",
                    "RESOURCE",
                ]
                .iter()
                .any(|it| rest.is(it))
                    || rest.eat_all(&["SESSION", "TRANSACTION"])
                    || rest.eat_all(&["GLOBAL", "TRANSACTION"])
                {
                    return Some(Doing::Nothing);
                }
                let mut kind = Doing::Nothing;
                for one in parts(rest.rest) {
                    kind = kind.max(self.assignment(Cursor { rest: one, ..rest })?);
                }
                return Some(kind);
            }
        }
        Some(Doing::Nothing)
    }

    /// One assignment of MySQL's SET.
    fn assignment(&mut self, mut rest: Cursor<'_>) -> Option<Doing> {
        let _ =
            ["SESSION", "GLOBAL", "LOCAL", "PERSIST", "PERSIST_ONLY"].iter().any(|it| rest.eat(it));
        let mut name = match rest.next()? {
            Token::AtSign => format!("@{}", text(rest.next()?)?),
            Token::Word(word) => word.value.clone(),
            _ => return None,
        };
        while rest.eat_token(&Token::Period) {
            let Some(Token::Word(part)) = rest.next() else { return None };
            // `@@session.x` is the setting x.
            name = match name.strip_prefix("@@") {
                Some(_) => part.value.clone(),
                None => format!("{name}.{}", part.value),
            };
        }
        let name = name.strip_prefix("@@").unwrap_or(&name).to_lowercase();
        if !(rest.eat_token(&Token::Eq) || rest.eat_token(&Token::Assignment)) {
            return None;
        }
        let to = value(rest.rest);
        let kind = match to {
            SetTo::Unknown => query_of(self, rest.rest)?,
            SetTo::Text(_) | SetTo::Default => Doing::Nothing,
        };
        self.settings.push(Setting { name: Some(name), to, local: false });
        Some(kind)
    }

    /// RESET, from behind its first word.
    pub fn reset(&mut self, mut rest: Cursor<'_>) -> Option<Doing> {
        if self.dialect == Dialect::MySql {
            return Some(Doing::Admin);
        }
        let name = if rest.eat("ALL") {
            None
        } else if rest.eat_all(&["SESSION", "AUTHORIZATION"]) {
            Some("session_authorization".to_owned())
        } else if rest.eat_all(&["TIME", "ZONE"]) {
            Some("timezone".to_owned())
        } else {
            Some(dotted(&mut rest)?)
        };
        self.settings.push(Setting { name, to: SetTo::Default, local: false });
        rest.rest.is_empty().then_some(Doing::Nothing)
    }
}

/// What PostgreSQL's SET sets, if it is a setting.
fn postgres(rest: &mut Cursor<'_>) -> Option<Option<Setting>> {
    if rest.is("CONSTRAINTS") || rest.is("TRANSACTION") {
        return Some(None);
    }
    if rest.eat_all(&["SESSION", "CHARACTERISTICS"]) {
        return Some(None);
    }
    let authorization = |rest: &mut Cursor<'_>| rest.eat_all(&["SESSION", "AUTHORIZATION"]);
    let mut authorizes = authorization(rest);
    // `local.x` and `session.x` may be names of settings.
    let prefixed = !authorizes && !matches!(rest.rest.get(1), Some(Token::Period));
    let local = prefixed && rest.eat("LOCAL");
    if prefixed && !local {
        rest.eat("SESSION");
    }
    authorizes |= authorization(rest);
    let special = if authorizes {
        Some("session_authorization")
    } else if rest.eat_all(&["TIME", "ZONE"]) {
        Some("timezone")
    } else if rest.is("ROLE") && !matches!(rest.rest.get(1), Some(Token::Eq)) {
        rest.next();
        Some("role")
    } else {
        None
    };
    let name = match special {
        Some(name) => name.to_owned(),
        None => {
            let name = dotted(rest)?;
            // `SET NAMES 'UTF8'`, `SET XML OPTION DOCUMENT` and the like have no sign.
            let _ = rest.eat("TO") || rest.eat_token(&Token::Eq);
            name
        }
    };
    let to = if rest.rest.is_empty() { None } else { Some(value(rest.rest)) };
    Some(Some(Setting { name: Some(name), to: to?, local }))
}

fn dotted(rest: &mut Cursor<'_>) -> Option<String> {
    let mut name = rest.identifier()?.to_lowercase();
    while rest.eat_token(&Token::Period) {
        name = format!("{name}.{}", rest.identifier()?.to_lowercase());
    }
    Some(name)
}

/// Tokens between the commas that are not within parentheses.
fn parts(tokens: &[Token]) -> Vec<&[Token]> {
    let mut open = 0usize;
    tokens
        .split(|token| {
            match token {
                Token::LParen => open += 1,
                Token::RParen => open = open.saturating_sub(1),
                _ => {}
            }
            *token == Token::Comma && open == 0
        })
        .collect()
}

/// What tokens set something to: a literal, a word, a number, or several of them.
fn value(tokens: &[Token]) -> SetTo {
    if let [only] = tokens
        && is_word(only, "DEFAULT")
    {
        return SetTo::Default;
    }
    let one = |part: &[Token]| match part {
        [only] => text(only),
        [Token::Minus, Token::Number(number, _)] => Some(format!("-{number}")),
        _ => None,
    };
    let all: Option<Vec<String>> = parts(tokens).into_iter().map(one).collect();
    all.map_or(SetTo::Unknown, |all| SetTo::Text(all.join(", ")))
}

fn text(token: &Token) -> Option<String> {
    Some(match token {
        Token::SingleQuotedString(text)
        | Token::DoubleQuotedString(text)
        | Token::EscapedStringLiteral(text)
        | Token::NationalStringLiteral(text)
        | Token::UnicodeStringLiteral(text)
        | Token::Number(text, _) => text.clone(),
        Token::DollarQuotedString(text) => text.value.clone(),
        Token::Word(Word { value, quote_style: Some(_), .. }) => value.clone(),
        Token::Word(Word { value, .. }) if !value.starts_with('@') => value.to_ascii_lowercase(),
        _ => return None,
    })
}

/// What a call of `set_config(name, value, is_local)` sets.
pub(super) fn of_call(function: &Function, dialect: Dialect) -> Option<Setting> {
    let name = names::parts(&function.name, dialect)?;
    if dialect != Dialect::Postgres || name.last()? != "set_config" {
        return None;
    }
    let FunctionArguments::List(list) = &function.args else { return None };
    let mut literals = list.args.iter().map(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(ValueWithSpan {
            value, ..
        }))) => Some(value),
        _ => None,
    });
    let name = literals.next().flatten().and_then(string).map(|it| it.to_lowercase());
    let to = literals.next().flatten().and_then(string).map_or(SetTo::Unknown, SetTo::Text);
    // Where it can't be told, it is taken to end soonest.
    let local = !matches!(literals.next(), Some(Some(Value::Boolean(false))));
    Some(Setting { name, to, local })
}

fn string(value: &Value) -> Option<String> {
    match value {
        Value::SingleQuotedString(text)
        | Value::EscapedStringLiteral(text)
        | Value::UnicodeStringLiteral(text)
        | Value::NationalStringLiteral(text) => Some(text.clone()),
        Value::DollarQuotedString(text) => Some(text.value.clone()),
        _ => None,
    }
}
