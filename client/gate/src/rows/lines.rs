//! Lines of NDJSON and records of CSV, counted byte by byte, with one column of each.

use super::found::Found;
use super::json::Json;

/// A column's name longer than this is none that is looked for.
const NAME: usize = 256;

/// Lines of JSON: a row each.
#[derive(Debug)]
pub struct Ndjson {
    lines: u64,
    /// Whether something stands in the line.
    has_any: bool,
    /// How many members were kept before it.
    before_line: usize,
    /// Where a member of each row is kept: the line as it is read.
    member: Option<(String, Json)>,
}

impl Ndjson {
    /// `member` of each row is kept.
    pub fn new(member: Option<&str>) -> Self {
        let member = member.map(|it| (it.to_owned(), Json::new("", Some(it))));
        Self { lines: 0, has_any: false, before_line: 0, member }
    }

    /// Takes the next byte.
    pub fn take(&mut self, byte: u8) {
        match byte {
            b'\n' => {
                self.lines = self.lines.saturating_add(u64::from(self.has_any));
                self.has_any = false;
                if let Some((name, json)) = &mut self.member {
                    let mut next = Json::new("", Some(name));
                    std::mem::swap(next.found(), json.found());
                    *json = next;
                }
                return;
            }
            b'\r' => return,
            b' ' | b'\t' => {}
            _ if !self.has_any => {
                self.has_any = true;
                self.before_line = self.found().map_or(0, |it| it.len());
            }
            _ => {}
        }
        if let Some((_, json)) = &mut self.member {
            json.take(byte);
        }
    }

    /// Rows that passed whole, and how many members were kept of these.
    pub fn whole(&mut self) -> (u64, usize) {
        match self.has_any {
            true => (self.lines, self.before_line),
            false => (self.lines, self.found().map_or(0, |it| it.len())),
        }
    }

    /// Rows that passed.
    pub fn count(&self) -> u64 {
        self.lines.saturating_add(u64::from(self.has_any))
    }

    /// The members that were kept.
    pub fn found(&mut self) -> Option<&mut Found> {
        self.member.as_mut().map(|(_, json)| json.found())
    }
}

/// Records whose quoted values may have several lines.
#[derive(Debug)]
pub struct Csv {
    /// Records that are no rows.
    before: u64,
    records: u64,
    value: Value,
    /// Whether something stands in the record.
    has_any: bool,
    /// What is read is not CSV.
    is_lost: bool,
    /// How many values were kept before the record.
    before_record: usize,
    column: Option<Column>,
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

/// The column that is kept.
#[derive(Debug)]
struct Column {
    name: Vec<u8>,
    /// Which it is, once the header was read.
    at: Option<usize>,
    /// Which value of the record is read.
    now: usize,
    /// The header's name that is read.
    read: Vec<u8>,
    found: Found,
}

impl Column {
    fn push(&mut self, byte: u8, in_header: bool) {
        if in_header {
            if self.read.len() <= NAME {
                self.read.push(byte);
            }
        } else if self.at == Some(self.now) {
            self.found.push(byte);
        }
    }

    /// A value is over, and maybe the record.
    fn next(&mut self, in_header: bool, is_record: bool) {
        if in_header {
            let name = std::mem::take(&mut self.read);
            if name == self.name {
                self.at = Some(self.now);
            }
        } else if self.at == Some(self.now) {
            self.found.end();
        }
        self.now = if is_record { 0 } else { self.now.saturating_add(1) };
        if self.at == Some(self.now) {
            self.found.begin();
        }
    }
}

impl Csv {
    /// `header`: the first record holds names; `column`: the one that is kept of each.
    pub fn new(header: bool, column: Option<&str>) -> Self {
        let column = column.map(|it| Column {
            name: it.as_bytes().to_vec(),
            at: None,
            now: 0,
            read: Vec::new(),
            found: Found::default(),
        });
        Self {
            before: u64::from(header),
            records: 0,
            value: Value::Begin,
            has_any: false,
            is_lost: false,
            before_record: 0,
            column,
        }
    }

    fn kept(&self) -> usize {
        self.column.as_ref().map_or(0, |it| it.found.len())
    }

    fn in_header(&self) -> bool {
        self.records < self.before
    }

    fn keep(&mut self, byte: u8) {
        let in_header = self.in_header();
        if let Some(column) = &mut self.column {
            column.push(byte, in_header);
        }
    }

    fn next(&mut self, is_record: bool) {
        let in_header = self.in_header();
        if let Some(column) = &mut self.column {
            column.next(in_header, is_record);
        }
    }

    /// Takes the next byte.
    pub fn take(&mut self, byte: u8) {
        if self.value == Value::Quoted {
            match byte {
                b'"' => self.value = Value::Quote,
                _ => self.keep(byte),
            }
            return;
        }
        match byte {
            b'\n' => {
                if self.has_any {
                    self.next(true);
                    self.records = self.records.saturating_add(1);
                }
                (self.has_any, self.value) = (false, Value::Begin);
                return;
            }
            b'\r' => return,
            b' ' | b'\t' => {}
            _ if !self.has_any => {
                self.has_any = true;
                self.before_record = self.kept();
            }
            _ => {}
        }
        self.value = match (self.value, byte) {
            (Value::Begin, b'"') => Value::Quoted,
            (Value::Quote, b'"') => {
                self.keep(byte);
                Value::Quoted
            }
            (_, b',') => {
                self.next(false);
                Value::Begin
            }
            (Value::Quote, _) => {
                self.is_lost = true;
                Value::Bare
            }
            _ => {
                self.keep(byte);
                Value::Bare
            }
        };
    }

    /// Rows that passed; `None` where that can't be told.
    pub fn count(&self, is_whole: bool) -> Option<u64> {
        let is_open = is_whole && self.value == Value::Quoted;
        let count = self.records.saturating_add(u64::from(self.has_any));
        (!self.is_lost && !is_open).then(|| count.saturating_sub(self.before))
    }

    /// Rows that passed whole, and how many values were kept of these; `None` where that can't be told.
    pub fn whole(&self) -> (Option<u64>, usize) {
        let count = self.records.saturating_sub(self.before);
        let kept = if self.has_any { self.before_record } else { self.kept() };
        ((!self.is_lost).then_some(count), kept)
    }

    /// The values that were kept of records that are over.
    pub fn found(&mut self) -> Option<&mut Found> {
        self.column.as_mut().map(|it| &mut it.found)
    }

    /// The values that were kept; with the last, where the text ends without a line's end.
    pub fn all_found(&mut self) -> Option<&mut Found> {
        if self.has_any {
            self.next(true);
            self.records = self.records.saturating_add(1);
            self.has_any = false;
        }
        self.column.as_mut().map(|it| &mut it.found)
    }
}
