//! A line of syslog: RFC 3164 as daemons write it, with its own times or ISO 8601's, and RFC 5424.

use regex::bytes::Regex;
use std::sync::LazyLock;

/// A line's head, and what it says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Syslog<'a> {
    /// When; `None` where its time has no year.
    pub time: Option<String>,
    /// The time as it stands.
    pub written: String,
    /// The host.
    pub host: String,
    /// The program.
    pub tag: String,
    /// Its process; empty where it does not say.
    pub process: String,
    /// What it says.
    pub message: &'a [u8],
}

const PATTERN: &str = concat!(
    r"^(?:<\d{1,3}>(?:\d{1,2} )?)?",
    r"(?:([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)|(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))) ",
    r"(\S{1,255}) ",
    r"(?:([^\s:\[\]]{1,128})(?:\[(\d{1,20})\])?: ?",
    r#"|([^\s:\[\]]{1,128}) (\S{1,128}) \S{1,32} (?:-|(?:\[(?:[^\]"\\]|\\.|"(?:[^"\\]|\\.)*")*\])+) ?(?:\xEF\xBB\xBF)?)"#,
);

static HEAD: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex::bytes::RegexBuilder::new(PATTERN).unicode(false).build().ok());

/// A line of syslog; `None` for another.
pub(crate) fn line(bytes: &[u8]) -> Option<Syslog<'_>> {
    let found = HEAD.as_ref()?.captures(bytes)?;
    let text =
        |at: usize| found.get(at).map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned());
    let time = text(2);
    let process = text(5).or_else(|| text(7)).filter(|it| it != "-").unwrap_or_default();
    Some(Syslog {
        written: text(1).or_else(|| time.clone()).unwrap_or_default(),
        time,
        host: text(3).unwrap_or_default(),
        tag: text(4).or_else(|| text(6)).unwrap_or_default(),
        process,
        message: bytes.get(found.get(0)?.end()..)?,
    })
}

/// Control characters as daemons write them, `#011` and so on, as they are.
pub(crate) fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        let digit = |it: u8, most: u8| (b'0'..=most).contains(&it).then(|| it - b'0');
        let code = match (first, behind) {
            (b'#', [b'0', tens, ones, ..]) => digit(*tens, b'3').zip(digit(*ones, b'7')),
            _ => None,
        };
        match code {
            Some((tens, ones)) => {
                bytes.push(tens * 8 + ones);
                rest = behind.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads() {
        let cases = [
            ("Nov 28 21:40:00 db1 postgres[17]: [3-1] x", "|db1|postgres|17|[3-1] x"),
            ("<134>Nov  8 21:40:00 db1 postgres[17]: x", "|db1|postgres|17|x"),
            (
                "2026-11-28T21:40:00.1+08:00 db1 mysql-server_auditing: x",
                "2026-11-28T21:40:00.1+08:00|db1|mysql-server_auditing||x",
            ),
            (
                "<134>1 2026-11-28T21:40:00Z db1 postgres 17 - - [3-1] x",
                "2026-11-28T21:40:00Z|db1|postgres|17|[3-1] x",
            ),
            (
                "<134>1 2026-11-28T21:40:00Z db1 postgres - ID [a b=\"c]\\\"\"][d] x: y",
                "2026-11-28T21:40:00Z|db1|postgres||x: y",
            ),
        ];
        for (text, expected) in cases {
            let it = line(text.as_bytes()).unwrap_or_else(|| panic!("{text}"));
            let message = String::from_utf8_lossy(it.message);
            let time = it.time.unwrap_or_default();
            let found = format!("{time}|{}|{}|{}|{message}", it.host, it.tag, it.process);
            assert_eq!(found, expected, "{text}");
        }
        for other in ["", "<134>", "LOG:  x", "2026-11-28 21:40:00.100 CST [17] LOG:  x"] {
            assert_eq!(line(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn control_characters() {
        assert_eq!(unescaped(b"a#012#011b #0 #039 #999 ##011"), b"a\n\tb #0 #039 #999 #\t");
    }
}
