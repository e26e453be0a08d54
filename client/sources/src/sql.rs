//! The comments of a SQL statement, told from its literals and names: what a user typed into a search box stands in a
//! literal, and must not pass for what an application says of its statement.
//!
//! By the lexical rules of PostgreSQL 15 (chapter 4.1) with `standard_conforming_strings` on, as it is by default.

/// The comments of a statement, in order, without their marks: `/* … */`, which nest, and `-- …` to the end of the line.
pub fn comments(text: &str) -> Vec<&str> {
    let pieces = Pieces { text, at: 0 };
    pieces.filter(|piece| piece.comment).map(|piece| inner(piece.text)).collect()
}

/// A statement with a space in place of each comment.
pub fn without_comments(text: &str) -> String {
    let pieces = Pieces { text, at: 0 };
    pieces.map(|piece| if piece.comment { " " } else { piece.text }).collect()
}

fn inner(comment: &str) -> &str {
    match comment.strip_prefix("--") {
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

/// A comment, or what stands between comments.
struct Piece<'a> {
    text: &'a str,
    comment: bool,
}

/// The pieces of a statement, in order; together they are the statement.
struct Pieces<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let bytes = self.text.as_bytes();
        let begin = self.at;
        if begin >= bytes.len() {
            return None;
        }
        if let Some(end) = comment_end(bytes, begin) {
            self.at = end;
            return Some(Piece { text: self.text.get(begin..end)?, comment: true });
        }
        let mut at = begin;
        while at < bytes.len() && comment_end(bytes, at).is_none() {
            at = token_end(bytes, at);
        }
        self.at = at;
        Some(Piece { text: self.text.get(begin..at)?, comment: false })
    }
}

/// Where the comment ends that begins here; one that is not closed ends with the text.
fn comment_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    if rest.starts_with(b"--") {
        let line = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        return Some(line.map_or(bytes.len(), |end| at + end + 1));
    }
    if !rest.starts_with(b"/*") {
        return None;
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

/// Where the token ends that begins here and is no comment: a literal, a quoted name, a word with what may open a literal,
/// or one byte.
fn token_end(bytes: &[u8], at: usize) -> usize {
    let Some(first) = bytes.get(at) else { return bytes.len() };
    match first {
        b'\'' => quoted_end(bytes, at + 1, b'\'', false),
        b'"' => quoted_end(bytes, at + 1, b'"', false),
        b'$' => dollar_end(bytes, at).unwrap_or(at + 1),
        byte if begins_word(*byte) => {
            let word = bytes.get(at..).unwrap_or_default();
            let length = word.iter().position(|byte| !continues_word(*byte)).unwrap_or(word.len());
            let end = at + length;
            // In E'…' a backslash escapes.
            match (length, word.first(), bytes.get(end)) {
                (1, Some(b'e' | b'E'), Some(b'\'')) => escaped_end(bytes, end + 1),
                _ => end,
            }
        }
        byte if byte.is_ascii_digit() => {
            let rest = bytes.get(at..).unwrap_or_default();
            at + rest.iter().position(|it| !continues_word(*it)).unwrap_or(rest.len())
        }
        _ => at + 1,
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
                at = comment_end(bytes, at)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(text: &str) -> Vec<String> {
        values_of("liuhen_grant", &comments(text))
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
        let pieces: Vec<Piece<'_>> = Pieces { text, at: 0 }.collect();
        assert_eq!(pieces.iter().map(|it| it.text).collect::<String>(), text);
        assert_eq!(comments(text), ["a", " b", " c /* d */ ", ""]);
        assert_eq!(without_comments("/*x*/ delete--y\nfrom t"), "  delete from t");
    }
}
