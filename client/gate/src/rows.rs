//! Rows in what a service answers, counted as it passes: elements of an array of JSON, lines of NDJSON, records of CSV. What can't be told is
//! unknown, and memory is bounded whatever the size.

use serde::Deserialize;

/// JSON nested deeper is not looked into.
const DEPTH: usize = 256;
/// A name longer than this is none of a path's.
const NAME: usize = 256;

/// How rows stand in a response.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "format", rename_all = "snake_case", deny_unknown_fields)]
pub enum Rows {
    /// Elements of the array at a path of names, `data.items`; empty: the whole is the array. What is no array there is one row.
    Json {
        /// The names, a dot between.
        #[serde(default)]
        path: String,
    },
    /// A row a line that is not empty.
    Ndjson,
    /// A row a record; a quoted value may have several lines.
    Csv {
        /// The first record holds names.
        #[serde(default)]
        header: bool,
    },
}

/// Counts rows as bytes pass.
#[derive(Debug)]
pub enum Counter {
    /// Of JSON.
    Json(Box<Json>),
    /// Of lines and records.
    Lines(Lines),
}

impl Counter {
    /// By how rows stand.
    pub fn new(rows: &Rows) -> Self {
        match rows {
            Rows::Json { path } => Self::Json(Box::new(Json::new(path))),
            Rows::Ndjson => Self::Lines(Lines::new(false, 0)),
            Rows::Csv { header } => Self::Lines(Lines::new(true, u64::from(*header))),
        }
    }

    /// Takes the next bytes.
    pub fn take(&mut self, bytes: &[u8]) {
        match self {
            Self::Json(it) => bytes.iter().for_each(|byte| it.take(*byte)),
            Self::Lines(it) => bytes.iter().for_each(|byte| it.take(*byte)),
        }
    }

    /// Rows that passed; `None` where that can't be told. `is_whole`: nothing more comes.
    pub fn count(&self, is_whole: bool) -> Option<u64> {
        match self {
            Self::Json(it) => it.count(is_whole),
            Self::Lines(it) => it.count(is_whole),
        }
    }
}

/// Lines, or records whose quoted values may have several.
#[derive(Debug)]
pub struct Lines {
    quotes: bool,
    /// Records that are no rows.
    before: u64,
    lines: u64,
    value: Value,
    /// Whether something stands in the line.
    has_any: bool,
    /// What is read is not CSV.
    is_lost: bool,
}

/// Where in a value of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    /// At its beginning: a quote opens it.
    Begin,
    /// Within one that is not quoted, in which a quote is a sign like others.
    Bare,
    Quoted,
    /// Behind a quote in a quoted one: its end, or the first of two.
    Quote,
}

impl Lines {
    fn new(quotes: bool, before: u64) -> Self {
        let (value, has_any, is_lost) = (Value::Begin, false, false);
        Self { quotes, before, lines: 0, value, has_any, is_lost }
    }

    fn take(&mut self, byte: u8) {
        if self.value == Value::Quoted {
            if byte == b'"' {
                self.value = Value::Quote;
            }
            return;
        }
        match byte {
            b'\n' => {
                self.lines = self.lines.saturating_add(u64::from(self.has_any));
                (self.has_any, self.value) = (false, Value::Begin);
                return;
            }
            b'\r' => return,
            b' ' | b'\t' => {}
            _ => self.has_any = true,
        }
        if !self.quotes {
            return;
        }
        self.value = match (self.value, byte) {
            (Value::Begin | Value::Quote, b'"') => Value::Quoted,
            (_, b',') => Value::Begin,
            (Value::Quote, _) => {
                self.is_lost = true;
                Value::Bare
            }
            _ => Value::Bare,
        };
    }

    fn count(&self, is_whole: bool) -> Option<u64> {
        let is_open = is_whole && self.value == Value::Quoted;
        let count = self.lines.saturating_add(u64::from(self.has_any));
        (!self.is_lost && !is_open).then(|| count.saturating_sub(self.before))
    }
}

/// What is open in JSON.
#[derive(Debug)]
enum Open {
    /// An object, with the name whose value is read.
    Object(Vec<u8>),
    Array,
}

/// What a string is.
#[derive(Debug, PartialEq, Eq)]
enum Text {
    None,
    Value,
    Name,
}

/// Elements of the array at a path.
#[derive(Debug)]
pub struct Json {
    path: Vec<Vec<u8>>,
    open: Vec<Open>,
    text: Text,
    is_escaped: bool,
    /// Whether a number or a word is read.
    in_word: bool,
    /// Whether a name comes next.
    wants_name: bool,
    count: u64,
    /// Whether the path was met.
    is_met: bool,
    /// What is read is not JSON, or nested too deep.
    is_lost: bool,
    is_over: bool,
}

impl Json {
    fn new(path: &str) -> Self {
        let path = path.split('.').filter(|it| !it.is_empty());
        let path = path.map(|it| it.as_bytes().to_vec()).collect();
        Self {
            path,
            open: Vec::new(),
            text: Text::None,
            is_escaped: false,
            in_word: false,
            wants_name: false,
            count: 0,
            is_met: false,
            is_lost: false,
            is_over: false,
        }
    }

    fn count(&self, is_whole: bool) -> Option<u64> {
        let ended = self.is_over || !is_whole;
        (!self.is_lost && ended && self.is_met).then_some(self.count)
    }

    fn take(&mut self, byte: u8) {
        if self.is_lost {
            return;
        }
        if self.text != Text::None {
            return self.in_text(byte);
        }
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => self.in_word = false,
            b'"' if self.wants_name => {
                self.text = Text::Name;
                if let Some(Open::Object(name)) = self.open.last_mut() {
                    name.clear();
                }
            }
            b'"' => {
                self.begins(false);
                self.text = Text::Value;
            }
            b'{' => {
                self.begins(false);
                self.push(Open::Object(Vec::new()));
                self.wants_name = true;
            }
            b'[' => {
                self.begins(true);
                self.push(Open::Array);
            }
            b'}' | b']' => self.close(byte),
            b',' => {
                self.in_word = false;
                self.wants_name = matches!(self.open.last(), Some(Open::Object(_)));
            }
            b':' => self.wants_name = false,
            _ if self.in_word => {}
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
                self.begins(false);
                self.in_word = true;
                self.is_over |= self.open.is_empty();
            }
            _ => self.is_lost = true,
        }
    }

    fn in_text(&mut self, byte: u8) {
        match byte {
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' => {
                self.is_escaped = true;
                return;
            }
            b'"' => {
                self.is_over |= self.open.is_empty();
                self.text = Text::None;
                return;
            }
            _ => {}
        }
        if self.text == Text::Name
            && let Some(Open::Object(name)) = self.open.last_mut()
            && name.len() <= NAME
        {
            name.push(byte);
        }
    }

    fn push(&mut self, it: Open) {
        self.open.push(it);
        self.is_lost |= self.open.len() > DEPTH;
    }

    fn close(&mut self, byte: u8) {
        let fits = match self.open.pop() {
            Some(Open::Object(_)) => byte == b'}',
            Some(Open::Array) => byte == b']',
            None => false,
        };
        self.is_lost |= !fits;
        (self.in_word, self.wants_name) = (false, false);
        self.is_over |= self.open.is_empty();
    }

    /// A value begins here.
    fn begins(&mut self, is_array: bool) {
        self.in_word = false;
        self.is_lost |= self.is_over;
        let names = self.open.iter().filter_map(|it| match it {
            Open::Object(name) => Some(name),
            Open::Array => None,
        });
        let arrays = self.open.iter().filter(|it| matches!(it, Open::Array)).count();
        let at_path = names.eq(self.path.iter());
        match self.open.last() {
            // An element of the array at the path.
            Some(Open::Array) if at_path && arrays == 1 => {
                self.count = self.count.saturating_add(1);
            }
            // The value at the path: an array of rows, or one row.
            Some(Open::Object(_)) | None if at_path && arrays == 0 => {
                self.is_met = true;
                self.count = self.count.saturating_add(u64::from(!is_array));
            }
            _ => {}
        }
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
        let at = |path: &str| Rows::Json { path: path.into() };
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
        assert_eq!(counted(&at(""), &"[".repeat(DEPTH + 1), false), None);
    }

    #[test]
    fn rows_of_lines() {
        assert_eq!(counted(&Rows::Ndjson, "{}\n{}\n\n{}", true), Some(3));
        assert_eq!(counted(&Rows::Ndjson, "", true), Some(0));
        let csv = |header| Rows::Csv { header };
        assert_eq!(counted(&csv(true), "id,name\r\n1,a\r\n2,\"b\nc\"\r\n", true), Some(2));
        assert_eq!(counted(&csv(false), "1,\"say \"\"hi\"\"\"\n", true), Some(1));
        assert_eq!(counted(&csv(true), "id,name\n", true), Some(0));
        // A quote within a value opens nothing; one that does not end, or ends in the midst, leaves it unknown.
        assert_eq!(counted(&csv(false), "7,27\" monitor\n8,19\" monitor\n", true), Some(2));
        assert_eq!(counted(&csv(false), "1,\"open\n2,b\n", true), None);
        assert_eq!(counted(&csv(false), "1,\"a\"b\"\n", true), None);
    }
}
