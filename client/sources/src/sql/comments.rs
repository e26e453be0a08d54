//! The comments of a SQL statement, told from its literals and names: what a user typed into a search box stands in a
//! literal, and must not pass for what an application says of its statement.

use super::names::Dialect;
use super::pieces::{Kind, Pieces};

/// The comments of a statement, in order, without their marks. MySQL's `/*! … */` is no comment: the server runs it.
pub fn comments(text: &str, dialect: Dialect) -> Vec<&str> {
    let pieces = Pieces::of(text, dialect);
    pieces.filter(|it| it.kind == Kind::Comment).map(|it| inner(it.text)).collect()
}

/// A statement with a space in place of each comment.
pub fn without_comments(text: &str, dialect: Dialect) -> String {
    let pieces = Pieces::of(text, dialect);
    pieces.map(|it| if it.kind == Kind::Comment { " " } else { it.text }).collect()
}

/// A statement with a space in place of the mark of each comment that goes to the end of its line; `None` of one without any.
/// Where a log has no ends of lines, such a comment seems to take in all that follows.
pub fn within_line_comments(text: &str, dialect: Dialect) -> Option<String> {
    let is_line = |it: &str| !it.starts_with("/*");
    let mut found = false;
    let pieces = Pieces::of(text, dialect);
    let shown = pieces.map(|it| match it.kind == Kind::Comment && is_line(it.text) {
        true => {
            found = true;
            format!(" {}", inner(it.text).replace("--", " ").replace('#', " "))
        }
        false => it.text.to_owned(),
    });
    let shown: String = shown.collect();
    found.then_some(shown)
}

fn inner(comment: &str) -> &str {
    match comment.strip_prefix("--").or_else(|| comment.strip_prefix('#')) {
        Some(line) => line.trim_end_matches(['\r', '\n']),
        None => {
            let open = comment.strip_prefix("/*").unwrap_or(comment);
            open.strip_suffix("*/").unwrap_or(open)
        }
    }
}

/// The values that comments give to a key, as sqlcommenter writes them: `key='value'` pairs between commas, both
/// URL-encoded, a quote within a value behind a backslash.
pub fn values_of(key: &str, comments: &[&str]) -> Vec<String> {
    comments
        .iter()
        .flat_map(|comment| pairs(comment))
        .filter(|(k, _)| k == key)
        .map(|(_, v)| v)
        .collect()
}

/// The pairs of a comment, decoded. What is no pair is passed over.
fn pairs(comment: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = comment;
    while let Some(open) = rest.find('\'') {
        let (before, behind) = rest.split_at(open);
        let behind = behind.get(1..).unwrap_or_default();
        let Some(close) = end_of_value(behind) else { break };
        let value = behind.get(..close).unwrap_or_default();
        rest = behind.get(close.saturating_add(1)..).unwrap_or_default();
        if let Some(named) = before.trim_end().strip_suffix('=') {
            let is_of_key = |c: char| c.is_alphanumeric() || "_-.%".contains(c);
            let key = named.trim_end();
            let begin = key.trim_end_matches(is_of_key).len();
            let key = key.get(begin..).unwrap_or_default();
            found.push((decoded(key), decoded(&value.replace("\\'", "'"))));
        }
    }
    found
}

/// Where the quote stands that closes a value.
fn end_of_value(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let closes = c == '\'' && !escaped;
        escaped = c == '\\' && !escaped;
        closes.then_some(at)
    })
}

/// Percent-encoded bytes as text; what is not encoded well stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..2).filter(|_| *first == b'%');
        let byte = digits.and_then(|it| std::str::from_utf8(it).ok());
        match byte.and_then(|it| u8::from_str_radix(it, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(text: &str) -> Vec<String> {
        values_of("liuhen_grant", &comments(text, Dialect::Postgres))
    }

    #[test]
    fn comments_name_grants() {
        let all = [
            "/*liuhen_grant='g-1'*/ select 1",
            "select 1; /*liuhen_grant='g-1'*/",
            "-- liuhen_grant='g-1'\nselect 1",
            "select 1 -- liuhen_grant='g-1'",
            "select 1 /*app='x',liuhen_grant='g-1',traceparent='00-1-1-00'*/",
            "select 1 /* liuhen_grant = 'g-1' */",
            "select 1 /*liuhen_grant='g%2D1'*/",
            "select 1 /* a /* nested */ liuhen_grant='g-1' */",
            "select 'it''s' /*liuhen_grant='g-1'*/ from t",
            "select E'it\\'s' /*liuhen_grant='g-1'*/ from t",
            "select '\\' /*liuhen_grant='g-1'*/ from t",
            "select $$ ' $$, $1 /*liuhen_grant='g-1'*/ from t",
            "select \"a'b\" /*liuhen_grant='g-1'*/ from t",
            "select 1 /*note='don\\'t',liuhen_grant='g-1'*/",
            "select a$b$ /*liuhen_grant='g-1'*/ from t where x = $b$",
            "select 王 from 表 /*liuhen_grant='g-1'*/",
        ];
        for text in all {
            assert_eq!(grants(text), ["g-1"], "{text}");
        }
    }

    #[test]
    fn what_a_user_typed_names_none() {
        let all = [
            "select * from t where name='liuhen_grant=''g-1'''",
            "select * from t where name='/*liuhen_grant=''g-1''*/'",
            "select * from t where name=E'\\'/*liuhen_grant=\\'g-1\\'*/'",
            "select * from t where name=$$/*liuhen_grant='g-1'*/$$",
            "select * from t where name=$x$/*liuhen_grant='g-1'*/$x$",
            "select \"/*liuhen_grant='g-1'*/\" from t",
            "select U&'/*liuhen_grant=''g-1''*/' from t",
            "select liuhen_grant='g-1' from t",
            "select 1 /*xliuhen_grant='g-1'*/",
            "select 1 /*app='liuhen_grant=\\'g-1\\''*/",
            "select 1 /*note='don't',liuhen_grant='g-1'*/",
            "select 'not closed /*liuhen_grant='",
            "select 1 -- x\r from t where name=$$ /*liuhen_grant='g-1'*/ $$",
            "select E'a'\n'b\\'/*liuhen_grant=\\'g-1\\'*/'",
            "select E'a' -- x\n 'b\\'/*liuhen_grant=\\'g-1\\'*/'",
        ];
        for text in all {
            assert_eq!(grants(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn all_that_are_named_are_given() {
        assert_eq!(grants("/*liuhen_grant='a'*/ select 1 /*liuhen_grant='b'*/"), ["a", "b"]);
        assert_eq!(grants("/*liuhen_grant=''*/ select 1"), [""]);
    }

    #[test]
    fn pieces_are_the_whole_statement() {
        let text = "/*a*/select 'x' -- b\n from \"t\" /* c /* d */ */ where $$ /* $$ = e /*";
        for dialect in [Dialect::Postgres, Dialect::MySql] {
            assert_eq!(Pieces::of(text, dialect).map(|it| it.text).collect::<String>(), text);
        }
        assert_eq!(comments(text, Dialect::Postgres), ["a", " b", " c /* d */ ", ""]);
        assert_eq!(
            without_comments("/*x*/ delete--y\nfrom t", Dialect::Postgres),
            "  delete from t"
        );
    }

    #[test]
    fn comments_of_mysql_name_grants() {
        let named = [
            "select 1 # liuhen_grant='g-1'",
            "select 1 -- liuhen_grant='g-1'\nfrom t",
            "select 'it\\'s' /*liuhen_grant='g-1'*/",
            "select \"it's \\\" \" /*liuhen_grant='g-1'*/",
            "select `a'b` /*liuhen_grant='g-1'*/",
            "select `#` /*liuhen_grant='g-1'*/",
            "/* a /* b */ select 1 /*liuhen_grant='g-1'*/",
            "/*!40101 set x = 1 */ /*liuhen_grant='g-1'*/",
        ];
        let not_named = [
            "/*!40101 liuhen_grant='g-1' */ select 1",
            "/*!liuhen_grant='g-1'*/ select 1",
            "/*M!100100 liuhen_grant='g-1'*/ select 1",
            "select 1 --liuhen_grant='g-1'",
            "select '\\'/*liuhen_grant=\\'g-1\\'*/'",
            "select \"/*liuhen_grant='g-1'*/\"",
            "select `/*liuhen_grant='g-1'*/`",
            "select \"# liuhen_grant='g-1'\"",
            "/* a /* b */ liuhen_grant='g-1' */",
        ];
        let grants = |text| values_of("liuhen_grant", &comments(text, Dialect::MySql));
        for text in named {
            assert_eq!(grants(text), ["g-1"], "{text}");
        }
        for text in not_named {
            assert_eq!(grants(text), Vec::<String>::new(), "{text}");
        }
    }
}
