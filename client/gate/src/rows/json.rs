//! Elements of an array in JSON, counted byte by byte, with one member of each.

use super::found::Found;

/// JSON nested deeper is not looked into.
pub const DEPTH: usize = 256;
/// A name longer than this is none of a path's.
const NAME: usize = 256;

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
    /// The member of each row that says whose it is.
    member: Option<Vec<u8>>,
    found: Found,
    /// The row that began last: what was open around it, and how many members were kept before.
    row: (usize, usize),
}

impl Json {
    /// At a path of names, a dot between; `member` of each row is kept.
    pub fn new(path: &str, member: Option<&str>) -> Self {
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
            member: member.map(|it| it.as_bytes().to_vec()),
            found: Found::default(),
            row: (0, 0),
        }
    }

    /// Rows that passed whole, and how many members were kept of these; `None` where that can't be told.
    pub fn whole(&self) -> (Option<u64>, usize) {
        let (around, kept) = self.row;
        let (deep, in_value) = (self.open.len(), self.text != Text::None || self.in_word);
        let is_open = self.count > 0 && (deep > around || deep == around && in_value);
        let count = self.count.saturating_sub(u64::from(is_open));
        let kept = if is_open { kept } else { self.found.len() };
        ((!self.is_lost && self.is_met).then_some(count), kept)
    }

    /// Rows that passed; `None` where that can't be told.
    pub fn count(&self, is_whole: bool) -> Option<u64> {
        let ended = self.is_over || !is_whole;
        (!self.is_lost && ended && self.is_met).then_some(self.count)
    }

    /// The members that were kept.
    pub fn found(&mut self) -> &mut Found {
        &mut self.found
    }

    /// Takes the next byte.
    pub fn take(&mut self, byte: u8) {
        if self.is_lost {
            return;
        }
        if self.text != Text::None {
            return self.in_text(byte);
        }
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => self.word_ends(),
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
                self.found.drop_open();
                self.push(Open::Object(Vec::new()));
                self.wants_name = true;
            }
            b'[' => {
                self.begins(true);
                self.found.drop_open();
                self.push(Open::Array);
            }
            b'}' | b']' => self.close(byte),
            b',' => {
                self.word_ends();
                self.wants_name = matches!(self.open.last(), Some(Open::Object(_)));
            }
            b':' => self.wants_name = false,
            _ if self.in_word => self.found.push(byte),
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
                self.begins(false);
                if byte == b'n' {
                    // There is none.
                    self.found.drop_open();
                }
                self.found.push(byte);
                self.in_word = true;
                self.is_over |= self.open.is_empty();
            }
            _ => self.is_lost = true,
        }
    }

    fn word_ends(&mut self) {
        if std::mem::take(&mut self.in_word) {
            self.found.end();
        }
    }

    fn in_text(&mut self, byte: u8) {
        match byte {
            _ if self.is_escaped => {
                self.is_escaped = false;
                // What it stands for is not looked up: whose it is stays unknown.
                self.found.drop_open();
            }
            b'\\' => {
                self.is_escaped = true;
                return;
            }
            b'"' => {
                self.is_over |= self.open.is_empty();
                if self.text == Text::Value {
                    self.found.end();
                }
                self.text = Text::None;
                return;
            }
            _ => {}
        }
        match &self.text {
            Text::Value => self.found.push(byte),
            Text::Name => {
                if let Some(Open::Object(name)) = self.open.last_mut()
                    && name.len() <= NAME
                {
                    name.push(byte);
                }
            }
            Text::None => {}
        }
    }

    fn push(&mut self, it: Open) {
        self.open.push(it);
        self.is_lost |= self.open.len() > DEPTH;
    }

    fn close(&mut self, byte: u8) {
        self.word_ends();
        let fits = match self.open.pop() {
            Some(Open::Object(_)) => byte == b'}',
            Some(Open::Array) => byte == b']',
            None => false,
        };
        self.is_lost |= !fits;
        self.wants_name = false;
        self.is_over |= self.open.is_empty();
    }

    /// A value begins here.
    fn begins(&mut self, is_array: bool) {
        self.word_ends();
        self.is_lost |= self.is_over;
        let names = || {
            self.open.iter().filter_map(|it| match it {
                Open::Object(name) => Some(name),
                Open::Array => None,
            })
        };
        let arrays = self.open.iter().filter(|it| matches!(it, Open::Array)).count();
        let at_path = names().eq(self.path.iter());
        let in_object = matches!(self.open.last(), Some(Open::Object(_)));
        let at_member = self.member.is_some()
            && in_object
            && arrays <= 1
            && names().eq(self.path.iter().chain(&self.member));
        match self.open.last() {
            // An element of the array at the path.
            Some(Open::Array) if at_path && arrays == 1 => {
                self.count = self.count.saturating_add(1);
                self.row = (self.open.len(), self.found.len());
            }
            // The value at the path: an array of rows, or one row.
            Some(Open::Object(_)) | None if at_path && arrays == 0 => {
                self.is_met = true;
                self.count = self.count.saturating_add(u64::from(!is_array));
                self.row = (self.open.len(), self.found.len());
            }
            _ => {}
        }
        if at_member {
            self.found.begin();
        }
    }
}
