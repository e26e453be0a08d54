//! A record of a log of any form, as the JSON that a program gets.

use crate::log::NotRead;
use crate::postgres::shown;
use crate::syslog;
use serde_json::{Map, Value};

/// JSON as it stands.
pub(super) fn json(line: &[u8]) -> Result<String, NotRead> {
    let text = String::from_utf8_lossy(line);
    match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
        Ok(_) => Ok(text.into_owned()),
        Err(error) if error.is_eof() => Err(NotRead::CutOff(format!("no JSON: {error}"))),
        Err(error) => Err(format!("no JSON: {error}").into()),
    }
}

/// The values of a record between commas (RFC 4180). Lines that make more than one record tell none of them rightly.
pub(super) fn values(record: &[u8]) -> Result<Vec<String>, NotRead> {
    let mut rows = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(record);
    let mut rows = rows.byte_records();
    let fields = rows.next().ok_or("an empty record")?;
    let fields = fields.map_err(|e| format!("no record: {e}"))?;
    if rows.next().is_some() {
        return Err(NotRead::SetAside("more than one record where one was expected".to_owned()));
    }
    Ok(fields.iter().map(shown).collect())
}

/// Values with their names; each is a text.
pub(super) fn named(header: &[String], values: Vec<String>) -> Result<String, NotRead> {
    if header.len() != values.len() {
        let (found, expected) = (values.len(), header.len());
        return Err(format!("{found} values, and the header names {expected}").into());
    }
    let pairs = header.iter().cloned().zip(values.into_iter().map(Value::from));
    Ok(Value::Object(pairs.collect()).to_string())
}

/// Pairs `key=value`, a value in double quotes where it must be; a key alone is true.
pub(super) fn logfmt(line: &[u8]) -> Result<String, NotRead> {
    let line = shown(line);
    let (mut fields, mut rest) = (Map::new(), line.trim_start());
    let mut has_value = false;
    while !rest.is_empty() {
        let end = rest.find(|it: char| it == '=' || it.is_whitespace()).unwrap_or(rest.len());
        let (key, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let (value, behind) = match behind.strip_prefix('=') {
            Some(value) => {
                has_value = true;
                let (value, behind) = value_of(value)?;
                (Value::from(value), behind)
            }
            None => (Value::from(true), behind),
        };
        if !key.is_empty() {
            fields.insert(key.to_owned(), value);
        }
        rest = behind.trim_start();
    }
    if has_value { Ok(Value::Object(fields).to_string()) } else { Err("no key=value".into()) }
}

/// A value, and what stands behind it.
fn value_of(text: &str) -> Result<(String, &str), NotRead> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        let (value, behind) = text.split_at_checked(end).unwrap_or((text, ""));
        return Ok((value.to_owned(), behind));
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Ok((value, quoted.get(at + 1..).unwrap_or_default())),
            '\\' => match letters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, 'r')) => value.push('\r'),
                Some((_, other)) => value.push(other),
                None => {}
            },
            other => value.push(other),
        }
    }
    Err(NotRead::CutOff("a quote is not closed".to_owned()))
}

/// A line of syslog: `time` (null where it has no year), `written`, `host`, `tag`, `process`, `message`.
pub(super) fn of_syslog(line: &[u8]) -> Result<String, NotRead> {
    let it = syslog::line(line).ok_or("no line of syslog")?;
    let fields = serde_json::json!({
        "time": it.time,
        "written": it.written,
        "host": it.host,
        "tag": it.tag,
        "process": it.process,
        "message": shown(&syslog::unescaped(it.message)),
    });
    Ok(fields.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quotes::Within;

    /// What the csv crate reads as one record is one here.
    #[test]
    fn quotes() {
        let closed = [
            "a,5\" x",
            "a,\"5\" x\"",
            "a,\"\"",
            "\"a\"\"b\"",
            "a,\"x\"\"\"",
            "a\"b\"c\"",
            "a, \"b",
        ];
        let open = ["\"", "a,\"5\"\" x", "a,b\"\",\"", "a,\"\"\"", "\"a\n5\"\""];
        for (all, expected) in [(closed.as_slice(), false), (open.as_slice(), true)] {
            for text in all {
                let within = Within::default().behind(text.as_bytes(), b',');
                assert_eq!(within.is_open(), expected, "{text}");
                let read = values(format!("{text}\nx").as_bytes());
                assert_eq!(read.is_ok(), expected, "{text}");
            }
        }
    }

    #[test]
    fn records() {
        let header = ["a", "b"].map(str::to_owned);
        assert_eq!(
            named(&header, values(b"1,\"x, \"\"y\"\"\"").unwrap()).unwrap(),
            r#"{"a":"1","b":"x, \"y\""}"#
        );
        assert!(named(&header, values(b"1").unwrap()).is_err());
        assert!(matches!(values(b"1,2\r3,4"), Err(NotRead::SetAside(_))));
        assert_eq!(values(b"1,2\r").unwrap(), ["1", "2"]);
        let cases = [
            ("a=1 b=\"x \\\"y\\\"\\n\" c d=", r#"{"a":"1","b":"x \"y\"\n","c":true,"d":""}"#),
            ("  姓=张 =x ", r#"{"姓":"张"}"#),
        ];
        for (text, expected) in cases {
            let found: Value = serde_json::from_str(&logfmt(text.as_bytes()).unwrap()).unwrap();
            assert_eq!(found, serde_json::from_str::<Value>(expected).unwrap(), "{text}");
        }
        assert!(logfmt(b"no pairs here").is_err());
        assert!(matches!(logfmt(b"a=\"x"), Err(NotRead::CutOff(_))));
        assert!(json(b"{\"a\":").is_err() && json(b"{} {}").is_err() && json(b" [1]").is_ok());
        let line = of_syslog(b"Nov 28 21:40:00 db1 app[1]: a#011b").unwrap();
        assert!(line.contains("\"time\":null") && line.contains("a\\tb"), "{line}");
    }
}
