//! Rows in what a service answers, counted as it passes: elements of an array of JSON, lines of NDJSON, records of CSV; and whose they are. What can't be told is
//! unknown, and memory is bounded whatever the size.
//!
//! [`json`] and [`lines`] read the bytes, [`found`] is what they keep of them.

pub mod found;
pub mod json;
pub mod lines;

use json::Json;
use lines::{Csv, Ndjson};
use serde::Deserialize;

/// How rows stand in a response.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "format", rename_all = "snake_case", deny_unknown_fields)]
pub enum Rows {
    /// Elements of the array at a path of names, `data.items`; empty: the whole is the array. What is no array there is one row.
    Json {
        /// The names, a dot between.
        #[serde(default)]
        path: String,
        /// The member of each row with the number of whose it is.
        #[serde(default)]
        subject: Option<String>,
    },
    /// A row a line that is not empty.
    Ndjson {
        /// The member of each row with the number of whose it is.
        #[serde(default)]
        subject: Option<String>,
    },
    /// A row a record; a quoted value may have several lines.
    Csv {
        /// The first record holds names.
        #[serde(default)]
        header: bool,
        /// The column with the number of whose it is.
        #[serde(default)]
        subject: Option<String>,
    },
}

impl Rows {
    /// Where in a row it stands whose it is.
    pub const fn subject(&self) -> Option<&String> {
        match self {
            Self::Json { subject, .. } | Self::Ndjson { subject } | Self::Csv { subject, .. } => {
                subject.as_ref()
            }
        }
    }

    /// Errors for what can't be meant.
    pub fn checked(&self) -> anyhow::Result<()> {
        let unnamed = matches!(self, Self::Csv { header: false, subject: Some(_) });
        anyhow::ensure!(
            !unnamed,
            "rows: a `subject` of CSV is a column's name, so `header = true`"
        );
        Ok(())
    }
}

/// Counts rows as bytes pass.
#[derive(Debug)]
pub enum Counter {
    /// Of JSON.
    Json(Box<Json>),
    /// Of lines.
    Ndjson(Box<Ndjson>),
    /// Of records.
    Csv(Box<Csv>),
}

impl Counter {
    /// By how rows stand.
    pub fn new(rows: &Rows) -> Self {
        match rows {
            Rows::Json { path, subject } => {
                Self::Json(Box::new(Json::new(path, subject.as_deref())))
            }
            Rows::Ndjson { subject } => Self::Ndjson(Box::new(Ndjson::new(subject.as_deref()))),
            Rows::Csv { header, subject } => {
                Self::Csv(Box::new(Csv::new(*header, subject.as_deref())))
            }
        }
    }

    /// Takes the next bytes.
    pub fn take(&mut self, bytes: &[u8]) {
        match self {
            Self::Json(it) => bytes.iter().for_each(|byte| it.take(*byte)),
            Self::Ndjson(it) => bytes.iter().for_each(|byte| it.take(*byte)),
            Self::Csv(it) => bytes.iter().for_each(|byte| it.take(*byte)),
        }
    }

    /// Rows that passed; `None` where that can't be told. `is_whole`: nothing more comes.
    pub fn count(&self, is_whole: bool) -> Option<u64> {
        match self {
            Self::Json(it) => it.count(is_whole),
            Self::Ndjson(it) => Some(it.count()),
            Self::Csv(it) => it.count(is_whole),
        }
    }

    /// The numbers of whose rows passed, which are then forgotten here: each as often as it stands there.
    pub fn subjects(&mut self) -> Vec<String> {
        match self {
            Self::Json(it) => it.found().take(),
            Self::Ndjson(it) => it.found().map(found::Found::take).unwrap_or_default(),
            Self::Csv(it) => it.all_found().map(found::Found::take).unwrap_or_default(),
        }
    }

    /// Cuts between two rows: those that passed whole, and the numbers of whose they are, which are then forgotten here. A row that is still open is of what
    /// comes. What is counted goes on from the beginning.
    pub fn cut(&mut self) -> (Option<u64>, Vec<String>) {
        let (count, kept) = match self {
            Self::Json(it) => it.whole(),
            Self::Ndjson(it) => {
                let (count, kept) = it.whole();
                (Some(count), kept)
            }
            Self::Csv(it) => it.whole(),
        };
        let numbers = match self {
            Self::Json(it) => it.found().take_first(kept),
            Self::Ndjson(it) => it.found().map(|it| it.take_first(kept)).unwrap_or_default(),
            Self::Csv(it) => it.found().map(|it| it.take_first(kept)).unwrap_or_default(),
        };
        (count, numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(rows: &Rows, text: &str, is_whole: bool) -> Option<u64> {
        let whole = {
            let mut counter = Counter::new(rows);
            counter.take(text.as_bytes());
            counter.count(is_whole)
        };
        // However it is cut, it is the same.
        for size in [1, 2, 7] {
            let mut counter = Counter::new(rows);
            text.as_bytes().chunks(size).for_each(|it| counter.take(it));
            assert_eq!(counter.count(is_whole), whole, "{text} by {size}");
        }
        whole
    }

    #[test]
    fn rows_of_json() {
        let at = |path: &str| Rows::Json { path: path.into(), subject: None };
        let cases = [
            ("", "[]", Some(0)),
            ("", "[1,2, 3]", Some(3)),
            ("", r#"[{"a":[1,2]},{"b":"]"}]"#, Some(2)),
            ("", r#"["a,b","c\"]","\\"]"#, Some(3)),
            ("", "[[1,2],[3]]", Some(2)),
            ("", "[true,null,-1.5e3,{}]", Some(4)),
            ("", r#"{"id":7}"#, Some(1)),
            ("data.items", r#"{"data":{"items":[1,2,3],"n":9},"items":[4]}"#, Some(3)),
            ("data.items", r#"{"data":{"items":{"id":1}}}"#, Some(1)),
            ("data.items", r#"{"n":9,"data":{"items":[{"id":1},{"id":2},{"id":3}]}}"#, Some(3)),
            // Not found is unknown, not none.
            ("data.items", r#"{"data":{"other":[1]}}"#, None),
            ("data.items", r#"{"data":{"it\u0065ms":[1]}}"#, None),
            ("", "<html></html>", None),
            ("", "[1] [2]", None),
            ("items", "{\n \"n\" : 2 ,\n \"items\" : [ {\"items\":[1,2]} , 5 ] }\n", Some(2)),
            ("", "[1,2", None),
            ("", "", None),
            ("", "[1}", None),
        ];
        for (path, text, expected) in cases {
            assert_eq!(counted(&at(path), text, true), expected, "{path}: {text}");
        }
        // Given up in the midst: what passed did so.
        assert_eq!(counted(&at(""), "[1,2,", false), Some(2));
        assert_eq!(counted(&at("data"), r#"{"other":1"#, false), None);
        assert_eq!(counted(&at(""), &"[".repeat(json::DEPTH + 1), false), None);
    }

    #[test]
    fn rows_of_lines() {
        assert_eq!(counted(&Rows::Ndjson { subject: None }, "{}\n{}\n\n{}", true), Some(3));
        assert_eq!(counted(&Rows::Ndjson { subject: None }, "", true), Some(0));
        let csv = |header| Rows::Csv { header, subject: None };
        assert_eq!(counted(&csv(true), "id,name\r\n1,a\r\n2,\"b\nc\"\r\n", true), Some(2));
        assert_eq!(counted(&csv(false), "1,\"say \"\"hi\"\"\"\n", true), Some(1));
        assert_eq!(counted(&csv(true), "id,name\n", true), Some(0));
        // A quote within a value opens nothing; one that does not end, or ends in the midst, leaves it unknown.
        assert_eq!(counted(&csv(false), "7,27\" monitor\n8,19\" monitor\n", true), Some(2));
        assert_eq!(counted(&csv(false), "1,\"open\n2,b\n", true), None);
        assert_eq!(counted(&csv(false), "1,\"a\"b\"\n", true), None);
    }

    fn whose(rows: &Rows, text: &str) -> Vec<String> {
        let of = |size: usize| {
            let mut counter = Counter::new(rows);
            text.as_bytes().chunks(size).for_each(|it| counter.take(it));
            counter.subjects()
        };
        let (found, by_one) = (of(text.len().max(1)), of(1));
        assert_eq!(found, by_one, "{text}");
        found
    }

    /// Wherever it is cut, both parts together are the whole, and each row is in the part that has its end.
    #[test]
    fn cut_between_rows() {
        let json = Rows::Json { path: "data".into(), subject: Some("id".into()) };
        let lines = Rows::Ndjson { subject: Some("id".into()) };
        let csv = Rows::Csv { header: true, subject: Some("id".into()) };
        for (rows, text, count) in [
            (
                &json,
                r#"{"n":1,"data":[{"a":[1],"id":"11"},{"id":22},{"id":"33","b":{}}],"m":2}"#,
                3,
            ),
            (&json, r#"{"data":{"id":"44","b":1}}"#, 1),
            (&lines, "{\"a\":1,\"id\":\"11\"}\n{\"id\":22,\"a\":{}}\n\n {\"id\":\"33\"}", 3),
            (&csv, "name,id,x\na,11,1\n\"b,\n\",\"22\",2\r\nc,33,3\nd,44,4", 4),
        ] {
            let all = whose(rows, text);
            assert_eq!(all.len() as u64, count, "{text}");
            for at in 0..=text.len() {
                let mut counter = Counter::new(rows);
                counter.take(&text.as_bytes()[..at]);
                let (before, first) = counter.cut();
                let whole = before.unwrap_or(0);
                assert_eq!(first.len() as u64, whole, "{text} at {at}: each row has its number");
                counter.take(&text.as_bytes()[at..]);
                assert_eq!(counter.count(true), Some(count), "{text} at {at}");
                let second = counter.subjects();
                assert_eq!(second.len() as u64, count - whole, "{text} at {at}");
                assert_eq!([first, second].concat(), all, "{text} at {at}");
            }
        }
    }

    #[test]
    fn whose_rows_they_are() {
        let json = |path: &str| Rows::Json { path: path.into(), subject: Some("id".into()) };
        let none: [&str; 0] = [];
        assert_eq!(whose(&json(""), r#"[{"id":"1"},{"n":{"id":"9"},"id":22}]"#), ["1", "22"]);
        assert_eq!(whose(&json(""), r#"{"id":"1","more":[{"id":"2"}]}"#), ["1"]);
        assert_eq!(
            whose(&json("data"), r#"{"id":"8","data":[{"id": "1" , "n":[1]},{"id":"1"}]}"#),
            ["1", "1"]
        );
        // What can't be told is none of them.
        assert_eq!(
            whose(
                &json(""),
                r#"[{"id":"\u0031"},{"id":null},{"id":{"a":1}},{"id":[7]},{"id":""}]"#
            ),
            none
        );
        let long = format!(r#"[{{"id":"{}"}},{{"id":"3"}}]"#, "9".repeat(1_000));
        assert_eq!(whose(&json(""), &long), ["3"]);
        let lines = Rows::Ndjson { subject: Some("id".into()) };
        assert_eq!(whose(&lines, "{\"id\":\"1\"}\nnot json\n{\"a\":0,\"id\":2}"), ["1", "2"]);
        assert_eq!(whose(&lines, "{\"id\":\"1\"}\n\n{\"a\":0,\"id\":2}\n"), ["1", "2"]);
        let csv = Rows::Csv { header: true, subject: Some("id".into()) };
        assert_eq!(whose(&csv, "name,id\na,1\n\"b,\nc\",\"2\"\nd,\ne,5"), ["1", "2", "5"]);
        assert_eq!(whose(&csv, "\"id\",name\r\n1,a\r\n2,b\r\n"), ["1", "2"]);
        assert_eq!(whose(&csv, "name\n1\n"), none);
        let unnamed = Rows::Csv { header: false, subject: Some("id".into()) };
        assert!(csv.checked().is_ok() && unnamed.checked().is_err());
    }
}
