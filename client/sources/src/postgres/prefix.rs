//! `log_line_prefix` by PostgreSQL 15's manual (20.8.3), as what takes a line's values apart.

use super::text::shown;
use regex::bytes::{Regex, RegexBuilder};

/// The longest name that a server keeps, in bytes (NAMEDATALEN).
const NAME_BYTES: usize = 63;
/// A time as `%m`, `%t` and `%s` have it.
const TIME: &str = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?: [+-]?[A-Za-z0-9]{1,7}(?::\d\d)?)?";
/// What stands for a name that a session does not have.
const NO_NAMES: [&str; 2] = ["[unknown]", "[未知]"];
/// How large what a prefix is turned into may be: one of some thousand values is nobody's.
const MOST_BYTES: usize = 4 << 20;

/// A prefix.
#[derive(Debug)]
pub(super) struct Prefix {
    text: String,
    pattern: Regex,
    /// What each group of the pattern holds.
    escapes: Vec<u8>,
}

/// A line that begins with a prefix.
#[derive(Debug)]
pub(super) struct Head<'a> {
    values: Vec<(u8, String)>,
    /// The word behind the prefix: `LOG` and so on, in the server's language.
    pub word: &'a [u8],
    /// What stands behind it.
    pub message: &'a [u8],
}

impl Head<'_> {
    /// The value of an escape, without what fills it up; empty where there is none.
    pub(super) fn value(&self, escape: u8) -> &str {
        let found = self.values.iter().find(|(it, value)| *it == escape && !value.is_empty());
        found.map_or("", |(_, value)| value)
    }
}

impl Prefix {
    /// Of the text as postgresql.conf has it. Errors for one that is too long.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let (mut pattern, mut escapes) = (String::from("^"), Vec::new());
        let (mut rest, mut stops) = (text, false);
        while let Some(at) = rest.find('%') {
            let (literal, behind) = rest.split_at(at);
            pattern.push_str(&regex::escape(literal));
            rest = Self::escape(behind, &mut pattern, &mut escapes, &mut stops);
        }
        pattern.push_str(&regex::escape(rest));
        if stops {
            // A process that serves no session ends here: looked at first, for a message can look like the rest.
            pattern.push_str(")??");
        }
        pattern.push_str("([^\\s:;,\"'()\\[\\]]{1,63}) ?(?::|\\xEF\\xBC\\x9A) {1,2}");
        let built = RegexBuilder::new(&pattern).unicode(false).size_limit(MOST_BYTES).build();
        let pattern = built.map_err(|e| format!("log_line_prefix `{text}`: {e}"))?;
        Ok(Self { text: text.to_owned(), pattern, escapes })
    }

    /// Takes an escape, from its `%`; gives what stands behind it. One that the server does not know it passes over.
    fn escape<'a>(
        text: &'a str,
        pattern: &mut String,
        escapes: &mut Vec<u8>,
        stops: &mut bool,
    ) -> &'a str {
        let behind = text.get(1..).unwrap_or_default();
        let width_end = behind.strip_prefix('-').unwrap_or(behind);
        let letter_on = width_end.trim_start_matches(|it: char| it.is_ascii_digit());
        let width = width_end.get(..width_end.len() - letter_on.len()).unwrap_or_default();
        let mut letters = letter_on.chars();
        let Some(letter) = letters.next() else { return "" };
        let width: usize = width.parse().unwrap_or(0);
        let most = NAME_BYTES.max(width.min(255));
        let value = match letter {
            '%' => {
                pattern.push('%');
                return letters.as_str();
            }
            'q' => {
                if !std::mem::replace(stops, true) {
                    pattern.push_str("(?:");
                }
                return letters.as_str();
            }
            'u' | 'd' => format!("[^\\s]{{1,{most}}}|[^\\x00-\\x1f]{{0,{most}}}?"),
            'a' | 'b' | 'i' => format!("[^\\x00-\\x1f]{{0,{most}}}?"),
            'r' | 'h' => r"\[local\]|[^\s()\[\]]*(?:\(\d+\))?".to_owned(),
            'p' => r"\d+".to_owned(),
            'P' | 'x' => r"\d*".to_owned(),
            't' | 'm' | 's' => TIME.to_owned(),
            'n' => r"\d+\.\d+".to_owned(),
            'e' => "[0-9A-Z]{5}".to_owned(),
            'c' => r"[0-9a-f]+\.[0-9a-f]+".to_owned(),
            'l' => r"\d+".to_owned(),
            'v' => r"(?:-?\d+/-?\d+)?".to_owned(),
            'Q' => r"-?\d*".to_owned(),
            _ => return letters.as_str(),
        };
        let fill = if width > 0 { " *" } else { "" };
        pattern.push_str(&format!("{fill}({value}){fill}"));
        escapes.push(u8::try_from(letter).unwrap_or_default());
        letters.as_str()
    }

    /// A line that begins with it; `None` for another.
    pub(super) fn head<'a>(&self, line: &'a [u8]) -> Option<Head<'a>> {
        let found = self.pattern.captures(line)?;
        let whole = found.get(0)?;
        let word = found.get(self.escapes.len() + 1)?.as_bytes();
        let values = self.escapes.iter().enumerate().map(|(at, escape)| {
            let value = found.get(at + 1).map(|it| shown(it.as_bytes())).unwrap_or_default();
            let value = value.trim();
            let is_none = NO_NAMES.contains(&value);
            (*escape, if is_none { String::new() } else { value.to_owned() })
        });
        let values = values.collect();
        Some(Head { values, word, message: line.get(whole.end()..)? })
    }

    /// Whether it says this at all.
    pub(super) fn has(&self, escape: u8) -> bool {
        self.escapes.contains(&escape)
    }

    /// Its text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of a line by a prefix, with the word and the message; `None` where it is another.
    fn of(prefix: &str, line: &str) -> Option<String> {
        let prefix = Prefix::new(prefix).unwrap();
        let head = prefix.head(line.as_bytes())?;
        let values = head.values.iter().filter(|(_, value)| !value.is_empty());
        let mut all: Vec<_> =
            values.map(|(escape, value)| format!("{}={value}", char::from(*escape))).collect();
        all.push(format!("{}|{}", shown(head.word), shown(head.message)));
        Some(all.join("; "))
    }

    #[test]
    fn lines_by_their_prefix() {
        let time = "2026-11-28 21:40:00.100 CST";
        let cases = [
            ("%m [%p] ", format!("{time} [17] LOG:  x"), "m={time}; p=17; LOG|x"),
            (
                "%m [%p] %q%u@%d ",
                format!("{time} [17] a@b LOG:  x"),
                "m={time}; p=17; u=a; d=b; LOG|x",
            ),
            (
                "%m [%p] %q%u@%d ",
                format!("{time} [17] LOG:  a@b LOG:  x"),
                "m={time}; p=17; LOG|a@b LOG:  x",
            ),
            (
                "%t:%r:%u@%d:[%p]:",
                "2026-11-28 21:40:00 UTC:10.0.0.7(41022):a@corp@b:[17]:ERROR:  x".to_owned(),
                "t=2026-11-28 21:40:00 UTC; r=10.0.0.7(41022); u=a@corp; d=b; p=17; ERROR|x",
            ),
            (
                "%m [%-6p] %10u %% ",
                format!("{time} [17    ]          a % LOG:  x"),
                "m={time}; p=17; u=a; LOG|x",
            ),
            (
                "%n %c %l %e %v %x %Q %h %a: ",
                "1795379521.521 6b0a.1f 3 42501 3/8 0 -77 [local] pgAdmin 4 - DB:b: 错误\u{3a}  x"
                    .to_owned(),
                "n=1795379521.521; c=6b0a.1f; l=3; e=42501; v=3/8; x=0; Q=-77; h=[local]; a=pgAdmin 4 - DB:b; 错误|x",
            ),
            (
                "%s %P %b %i ",
                format!("{time}  client backend SELECT STATEMENT:  x"),
                "s={time}; b=client; i=backend SELECT; STATEMENT|x",
            ),
            (
                "%m %u %d ",
                format!("{time} 张 三 居民库 日志： x"),
                "m={time}; u=张\u{3b} d=三 居民库\u{3b} 日志|x",
            ),
            ("%u@%d ", "[unknown]@[未知] FATAL:  x".to_owned(), "FATAL|x"),
            ("", "LOG:  x".to_owned(), "LOG|x"),
            ("%z%m %", format!("{time} LOG:  x"), "m={time}; LOG|x"),
        ];
        for (prefix, line, expected) in cases {
            let expected = expected.replace("{time}", time);
            let found = of(prefix, &line).unwrap_or_default();
            assert_eq!(found, expected, "{prefix} {line}");
        }
    }

    #[test]
    fn other_lines_and_odd_prefixes() {
        for line in
            ["", "\tfrom t", "2026-11-28", "2026-11-28 21:40:00.100 CST [x] LOG:  x", "LOG:  x"]
        {
            assert_eq!(of("%m [%p] ", line), None, "{line}");
        }
        for prefix in ["%", "%%%", "%-", "%99999999999999999999p", "%q%q%q", "(%u[*", "%ü%-5ü\\"]
        {
            Prefix::new(prefix).unwrap().head(b"\xff\xfe LOG:  x");
        }
        assert!(Prefix::new(&"%u".repeat(100_000)).is_err());
    }
}
