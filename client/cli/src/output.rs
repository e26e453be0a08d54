//! Rows as a table, JSON, JSON lines or CSV: data on stdout, all else on stderr.

use comfy_table::{ContentArrangement, Table, presets};
use liuhen_client::error::ClientError;
use liuhen_client::lang::pick;
use serde_json::{Map, Value};
use std::io::{IsTerminal, Write};
use std::path::Path;

/// How rows are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// One JSON array.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated, with a heading.
    Csv,
}

impl Format {
    /// A word in a cell: people read it in their language; programs read the same in every one.
    pub fn word<'a>(self, english: &'a str, chinese: &'a str) -> &'a str {
        match self {
            Self::Table => pick(english, chinese),
            Self::Json | Self::Jsonl | Self::Csv => english,
        }
    }
}

/// Columns that would take the room of three others: not shown in tables.
const MACHINES_ONLY: [&str; 1] = ["tx_item"];

/// Rows under columns.
#[derive(Debug, Default)]
pub struct Rows {
    columns: Vec<&'static str>,
    rows: Vec<Vec<Value>>,
}

impl Rows {
    /// No rows yet, under these columns.
    pub fn new(columns: &[&'static str]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn push(&mut self, row: Vec<Value>) {
        self.rows.push(row);
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes the rows to stdout.
    pub fn print(&self, format: Format) -> Result<(), ClientError> {
        let text = match format {
            Format::Table => self.table(),
            Format::Json => {
                let all = self.rows.iter().map(|row| self.object(row)).collect();
                pretty(&Value::Array(all))?
            }
            Format::Jsonl => {
                self.rows.iter().map(|row| format!("{}\n", self.object(row))).collect()
            }
            Format::Csv => self.csv(true)?,
        };
        write(&text)
    }

    fn object(&self, row: &[Value]) -> Value {
        let names = self.columns.iter().map(|name| (*name).to_owned());
        Value::Object(names.zip(row.iter().cloned()).collect::<Map<_, _>>())
    }

    fn table(&self) -> String {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        if std::io::stdout().is_terminal() {
            table.set_content_arrangement(ContentArrangement::Dynamic);
        }
        let shown = || self.columns.iter().map(|name| !MACHINES_ONLY.contains(name));
        let keep = |(value, shown): (String, bool)| shown.then_some(value);
        table.set_header(self.columns.iter().zip(shown()).filter_map(|(it, is)| is.then_some(it)));
        for row in &self.rows {
            table.add_row(row.iter().map(plain).zip(shown()).filter_map(keep));
        }
        let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
        lines.join("\n") + "\n"
    }

    /// Writes the rows to stdout as CSV, under a heading that is there already.
    pub fn print_body(&self) -> Result<(), ClientError> {
        write(&self.csv(false)?)
    }

    /// As comma-separated values, with or without a heading.
    pub fn csv(&self, heading: bool) -> Result<String, ClientError> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        if heading {
            writer.write_record(&self.columns).map_err(ClientError::failed)?;
        }
        for row in &self.rows {
            let cell = |value: &Value| match value {
                Value::String(_) | Value::Array(_) => harmless(plain(value)),
                other => plain(other),
            };
            writer.write_record(row.iter().map(cell)).map_err(ClientError::failed)?;
        }
        let bytes = writer.into_inner().map_err(ClientError::failed)?;
        String::from_utf8(bytes).map_err(ClientError::failed)
    }
}

/// One thing, field by field.
pub fn print_one(fields: &[(&'static str, Value)], format: Format) -> Result<(), ClientError> {
    if format == Format::Table {
        let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let lines: String = fields
            .iter()
            .map(|(name, value)| {
                format!("{name:<width$}  {}", plain(value)).trim_end().to_owned() + "\n"
            })
            .collect();
        return write(&lines);
    }
    let mut rows = Rows::new(&fields.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    rows.push(fields.iter().map(|(_, value)| value.clone()).collect());
    match format {
        Format::Json => write(&pretty(&rows.object(&rows.rows.concat()))?),
        _ => rows.print(format),
    }
}

/// Text of others as it may be shown: what would steer a terminal, or turn or hide what stands beside it, is escaped.
pub fn printable(text: &str) -> String {
    let steers = |c: char| {
        let turns = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}');
        c.is_control() && c != '\n' || turns || c == '\u{feff}'
    };
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match steers(c) {
            true => shown.extend(c.escape_unicode()),
            false => shown.push(c),
        }
    }
    shown
}

/// The same in one line: a cell, or a part of a sentence.
pub fn in_one_line(text: &str) -> String {
    printable(text).replace('\n', "\\n")
}

/// Tells people something on stderr. That nobody reads it any more is no error.
pub fn tell(text: &str) {
    let mut stderr = anstream::stderr();
    let _gone = stderr.write_all(printable(text).as_bytes()).and_then(|()| stderr.write_all(b"\n"));
}

/// Tells people something in their language.
pub fn say(english: impl AsRef<str>, chinese: impl AsRef<str>) {
    tell(pick(english.as_ref(), chinese.as_ref()));
}

/// Tells people that a file was written, and how long it is.
pub fn wrote(file: &Path, bytes: usize) {
    let file = file.display();
    say(format!("{file}: {bytes} bytes"), format!("{file}：{bytes} 字节"));
}

/// Like `eprintln!`, for what people are told: see [`tell`].
#[macro_export]
macro_rules! tell {
    ($($text:tt)*) => { $crate::output::tell(&format!($($text)*)) };
}

/// A cell that no spreadsheet takes for a formula.
pub fn harmless(text: String) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t']) {
        true => format!("'{text}"),
        false => text,
    }
}

fn pretty(value: &Value) -> Result<String, ClientError> {
    let text = serde_json::to_string_pretty(value).map_err(ClientError::failed)?;
    Ok(format!("{text}\n"))
}

/// A value as people read it.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => in_one_line(text),
        Value::Array(all) => all.iter().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

/// Writes to stdout. A reader that went away, like `head`, is no error.
pub fn write(text: &str) -> Result<(), ClientError> {
    match anstream::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Nothing of others steers the terminal, hides or turns text, or runs in a spreadsheet.
    #[test]
    fn text_of_others_is_shown_as_text() {
        assert_eq!(printable("\u{1b}[2Jclean\r"), "\\u{1b}[2Jclean\\u{d}");
        assert_eq!(
            printable("a\u{202e}b\u{200b}c\u{feff}\u{9b}m"),
            "a\\u{202e}b\\u{200b}c\\u{feff}\\u{9b}m"
        );
        assert_eq!(printable("两行\n“常住人口”"), "两行\n“常住人口”");
        let mut rows = Rows::new(&["a", "b", "c"]);
        rows.push(vec![json!("=HYPERLINK(1)"), json!("x\n\u{1b}y"), json!(-5)]);
        rows.push(vec![json!(["@a", "b"]), json!("+1"), json!("ok")]);
        let expected = "a,b,c\n'=HYPERLINK(1),x\\n\\u{1b}y,-5\n'@a b,'+1,ok\n";
        assert_eq!(rows.csv(true).unwrap(), expected);
        assert!(rows.table().lines().count() == 3, "{}", rows.table());
    }
}
