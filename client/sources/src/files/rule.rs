//! Which file is whose.

use crate::assurance::AssuranceName;
use regex::bytes::{Regex, RegexBuilder};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Files of which a dataset is handed to whom; the first rule that fits counts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRule {
    /// Paths below the folder: `*` and `?` within a name, `**` over folders.
    pub path: Pattern,
    /// The dataset whose data they hold.
    pub dataset: String,
    /// Who fetches them, `department/code`.
    pub receiver: String,
    /// For what purpose; absent: unknown.
    #[serde(default)]
    pub purpose: String,
    /// How sure it is that this identity fetched them: nothing but the folder's rights says so.
    #[serde(default = "claimed")]
    pub assurance: AssuranceName,
    /// The grant, as `[grants]` has it or by its request's reference; absent: by `[[rules]]`.
    #[serde(default)]
    pub grant: Option<String>,
    /// Whether the first record of a CSV file names its columns.
    #[serde(default = "yes")]
    pub header: bool,
}

fn claimed() -> AssuranceName {
    AssuranceName::Claimed
}

fn yes() -> bool {
    true
}

impl FileRule {
    /// Whether a path is one of its own.
    pub(crate) fn holds(&self, path: &[u8]) -> bool {
        self.path.0.is_match(path)
    }

    /// The account by which its receiver stands in what is read.
    pub(crate) fn account(&self) -> String {
        format!("receiver {} for {}", self.receiver, self.purpose)
    }
}

/// A pattern of paths.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut pattern = String::from("^");
        let mut rest = text.as_str();
        while let Some(letter) = rest.chars().next() {
            let (taken, meant) = match letter {
                '*' if rest.starts_with("**/") => (3, "(?s:.*/)?".to_owned()),
                '*' if rest.starts_with("**") => (2, "(?s:.*)".to_owned()),
                '*' => (1, "[^/]*".to_owned()),
                '?' => {
                    (1, "(?:[^/\\x80-\\xff]|[\\xc0-\\xff][\\x80-\\xbf]*|[\\x80-\\xff])".to_owned())
                }
                other => (other.len_utf8(), regex::escape(&other.to_string())),
            };
            pattern.push_str(&meant);
            rest = rest.get(taken..).unwrap_or_default();
        }
        pattern.push('$');
        let built = RegexBuilder::new(&pattern).unicode(false).size_limit(1 << 20).build();
        built.map(Self).map_err(|e| D::Error::custom(format!("path `{text}`: {e}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let fits = |pattern: &str, path: &[u8]| {
            let pattern = Pattern::deserialize(toml::Value::from(pattern)).unwrap();
            pattern.0.is_match(path)
        };
        for (pattern, path, expected) in [
            ("hrss/*.csv", &b"hrss/a.csv"[..], true),
            ("hrss/*.csv", b"hrss/b/a.csv", false),
            ("hrss/*.csv", b"hrss/a.csvx", false),
            ("hrss/**/*.csv", b"hrss/a.csv", true),
            ("hrss/**/*.csv", b"hrss/b/c/a.csv", true),
            ("**", b"any\nthing/\xff", true),
            ("?.csv", b"a.csv", true),
            ("?.csv", "\u{5e74}.csv".as_bytes(), true),
            ("?.csv", b"\xb9.csv", true),
            ("a.b", b"axb", false),
            ("\u{5e74}/*", "\u{5e74}/x".as_bytes(), true),
            ("*", b"\xff\xfe", true),
        ] {
            assert_eq!(fits(pattern, path), expected, "{pattern} {path:?}");
        }
    }
}
