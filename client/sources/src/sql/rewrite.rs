//! Forms that the parser does not know, as forms that it knows and that touch the same.

use super::names::Dialect;
use super::tokens::{Cursor, is_word};
use super::walk::Walk;
use liuhen_proto::wire::Operation;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;

/// An unquoted word.
pub(super) fn word(text: &str) -> Token {
    Token::make_keyword(text)
}

/// The tokens of a statement that is to be parsed. What is taken off may change what reading means: a query INTO
/// OUTFILE carries off.
pub(super) fn rewritten(tokens: Vec<Token>, walk: &mut Walk<'_>) -> Option<Vec<Token>> {
    let mut tokens = table_command(tokens);
    if walk.dialect == Dialect::MySql {
        tokens = mysql_modifiers(tokens);
        tokens = comma_joins(tokens);
        let (without, written) = without_into_file(tokens, walk.dialect)?;
        tokens = without;
        if written {
            walk.reading = Operation::Export;
        }
    }
    Some(phrases(tokens, walk.dialect))
}

/// `TABLE t` is `SELECT * FROM t`.
fn table_command(tokens: Vec<Token>) -> Vec<Token> {
    match tokens.split_first() {
        Some((first, rest)) if is_word(first, "TABLE") => {
            let mut all = vec![word("SELECT"), Token::Mul, word("FROM")];
            all.extend_from_slice(rest);
            all
        }
        _ => tokens,
    }
}

/// UPDATE and DELETE without LOW_PRIORITY, QUICK and IGNORE; `DELETE a.*` is `DELETE a`.
fn mysql_modifiers(mut tokens: Vec<Token>) -> Vec<Token> {
    let is_delete = tokens.first().is_some_and(|it| is_word(it, "DELETE"));
    let is_update = tokens.first().is_some_and(|it| is_word(it, "UPDATE"));
    if !is_delete && !is_update {
        return tokens;
    }
    let is_modifier =
        |it: &Token| ["LOW_PRIORITY", "QUICK", "IGNORE"].iter().any(|word| is_word(it, word));
    let modifiers = tokens.iter().skip(1).take_while(|it| is_modifier(it)).count();
    tokens.drain(1..=modifiers);
    if is_delete {
        let end = tokens.iter().position(|it| is_word(it, "USING") || is_word(it, "WHERE"));
        let mut ahead = tokens.split_off(end.unwrap_or(tokens.len()));
        let mut kept: Vec<Token> = Vec::with_capacity(tokens.len());
        for token in tokens {
            if token == Token::Mul && kept.last() == Some(&Token::Period) {
                kept.pop();
            } else {
                kept.push(token);
            }
        }
        kept.append(&mut ahead);
        return kept;
    }
    tokens
}

/// `UPDATE a, b SET` is `UPDATE a CROSS JOIN b SET`.
fn comma_joins(tokens: Vec<Token>) -> Vec<Token> {
    if !tokens.first().is_some_and(|it| is_word(it, "UPDATE")) {
        return tokens;
    }
    let mut open = 0usize;
    let mut set = false;
    let mut all = Vec::with_capacity(tokens.len());
    for token in tokens {
        match token {
            Token::LParen => open += 1,
            Token::RParen => open = open.saturating_sub(1),
            _ => {}
        }
        set |= open == 0 && is_word(&token, "SET");
        if token == Token::Comma && open == 0 && !set {
            all.extend([word("CROSS"), word("JOIN")]);
        } else {
            all.push(token);
        }
    }
    all
}

/// A query without `INTO OUTFILE 'f' …`, `INTO DUMPFILE 'f'` and `INTO @a, @b`, and whether it writes a file.
fn without_into_file(tokens: Vec<Token>, dialect: Dialect) -> Option<(Vec<Token>, bool)> {
    const BEHIND: [&str; 9] =
        ["FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "FOR", "LOCK", "UNION"];
    let mut rest = Cursor { rest: &tokens, dialect };
    let mut kept = Vec::with_capacity(tokens.len());
    let mut written = false;
    while let Some(token) = rest.next() {
        let ahead = rest.peek();
        let file = ahead.is_some_and(|it| is_word(it, "OUTFILE") || is_word(it, "DUMPFILE"))
            && matches!(
                rest.rest.get(1),
                Some(Token::SingleQuotedString(_) | Token::DoubleQuotedString(_))
            );
        let variable = matches!(ahead, Some(Token::Word(it)) if it.value.starts_with('@') && it.quote_style.is_none());
        if !is_word(token, "INTO") || !(file || variable) {
            kept.push(token.clone());
            continue;
        }
        if variable {
            rest.next();
            while rest.eat_token(&Token::Comma) {
                rest.next()?;
            }
            continue;
        }
        written = true;
        rest.skip_to(&BEHIND);
    }
    Some((kept, written))
}

/// Words that change nothing of what is touched are left out, and forms that the parser knows put in place of others.
fn phrases(tokens: Vec<Token>, dialect: Dialect) -> Vec<Token> {
    let is_merge = tokens.iter().any(|it| is_word(it, "MERGE"));
    let mut kept: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut rest = Cursor { rest: &tokens, dialect };
    while let Some(token) = rest.next() {
        let replaced = everywhere(token, &mut kept, rest)
            || match dialect {
                Dialect::Postgres => {
                    of_postgres(token, &mut kept, &mut rest)
                        || (is_merge && of_merge(token, &mut kept, &mut rest))
                }
                Dialect::MySql => of_mysql(token, &mut kept, &mut rest),
            };
        if !replaced {
            kept.push(token.clone());
        }
    }
    kept
}

/// A literal goes on in the next, and `TABLE t` is a query wherever one may stand.
fn everywhere(token: &Token, kept: &mut Vec<Token>, rest: Cursor<'_>) -> bool {
    use Token::{
        EscapedStringLiteral, NationalStringLiteral, SingleQuotedString, UnicodeStringLiteral,
    };
    let table = is_word(token, "TABLE")
        && begins_query(kept.last())
        && matches!(rest.peek(), Some(Token::Word(_)));
    if table {
        kept.extend([word("SELECT"), Token::Mul, word("FROM")]);
    }
    let goes_on = matches!(token, SingleQuotedString(_))
        && matches!(
            kept.last(),
            Some(
                SingleQuotedString(_)
                    | EscapedStringLiteral(_)
                    | UnicodeStringLiteral(_)
                    | NationalStringLiteral(_)
            )
        );
    table || goes_on
}

fn of_postgres(token: &Token, kept: &mut Vec<Token>, rest: &mut Cursor<'_>) -> bool {
    let is = |word: &str| is_word(token, word);
    let last = kept.last();
    let behind = |word: &str| last.is_some_and(|it| is_word(it, word));
    if is("WHERE") && rest.eat_all(&["CURRENT", "OF"]) {
        rest.next();
        return true;
    }
    // `(f()).*` looks at what `(f())` does.
    let row = *token == Token::Period && last == Some(&Token::RParen);
    if row && rest.eat_token(&Token::Mul) {
        return true;
    }
    if (is("ISNULL") || is("NOTNULL")) && is_test(last, *rest) {
        kept.push(word("IS"));
        if is("NOTNULL") {
            kept.push(word("NOT"));
        }
        kept.push(word("NULL"));
        return true;
    }
    let before_name = matches!(rest.peek(), Some(Token::Comma | Token::RParen | Token::Period));
    (is("NO") && behind("FOR") && rest.eat("KEY"))
        || (is("KEY") && behind("FOR") && rest.is("SHARE"))
        || (is("SYMMETRIC") && behind("BETWEEN"))
        || (is("DISTINCT") && behind("BY"))
        || (is("VARIADIC") && matches!(last, Some(Token::LParen | Token::Comma)) && !before_name)
}

fn of_merge(token: &Token, kept: &mut Vec<Token>, rest: &mut Cursor<'_>) -> bool {
    let inserts = kept.last().is_some_and(|it| is_word(it, "INSERT"));
    if is_word(token, "DEFAULT") && inserts && rest.eat("VALUES") {
        kept.extend([word("VALUES"), Token::LParen, word("DEFAULT"), Token::RParen]);
        return true;
    }
    is_word(token, "OVERRIDING")
        && (rest.eat_all(&["SYSTEM", "VALUE"]) || rest.eat_all(&["USER", "VALUE"]))
}

fn of_mysql(token: &Token, kept: &mut Vec<Token>, rest: &mut Cursor<'_>) -> bool {
    let is = |word: &str| is_word(token, word);
    if is("MOD") && kept.last().is_some_and(is_operand) && rest.peek() != Some(&Token::LParen) {
        kept.push(Token::Mod);
        return true;
    }
    if *token == Token::ExclamationMark {
        kept.push(word("NOT"));
        return true;
    }
    if is("CHARACTER") && rest.eat("SET") {
        rest.next();
        return true;
    }
    (is("LOCK") && rest.eat_all(&["IN", "SHARE", "MODE"])) || (is("SOUNDS") && rest.is("LIKE"))
}

/// Whether a query may begin behind a token.
fn begins_query(before: Option<&Token>) -> bool {
    const WORDS: [&str; 5] = ["UNION", "EXCEPT", "INTERSECT", "ALL", "DISTINCT"];
    before.is_some_and(|it| *it == Token::LParen || WORDS.iter().any(|word| is_word(it, word)))
}

fn is_operand(token: &Token) -> bool {
    match token {
        Token::Number(..) | Token::RParen | Token::SingleQuotedString(_) => true,
        Token::Word(it) => it.keyword == Keyword::NoKeyword,
        _ => false,
    }
}

/// Whether a word is behind what may be tested, and is no name of something.
fn is_test(before: Option<&Token>, rest: Cursor<'_>) -> bool {
    !matches!(before, None | Some(Token::Period | Token::Comma | Token::LParen))
        && !before.is_some_and(|it| is_word(it, "AS"))
        && !matches!(rest.peek(), Some(Token::LParen | Token::Period))
}
