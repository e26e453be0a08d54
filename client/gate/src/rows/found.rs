//! Values of one column as they pass: numbers of the people that rows are about. They are kept until their tags are made, and no longer.

/// A value longer than this is no number of anybody.
const LONGEST: usize = 256;
/// Values that are kept at most; whoever comes behind is counted.
const MOST: usize = 100_000;

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    values: Vec<String>,
    /// The one that is being read.
    open: Option<Vec<u8>>,
}

impl Found {
    /// A value begins.
    pub fn begin(&mut self) {
        self.open = Some(Vec::new());
    }

    /// Its next byte.
    pub fn push(&mut self, byte: u8) {
        let too_long = match &mut self.open {
            Some(open) if open.len() < LONGEST => {
                open.push(byte);
                false
            }
            Some(_) => true,
            None => false,
        };
        if too_long {
            self.open = None;
        }
    }

    /// It is not one that can be told.
    pub fn drop_open(&mut self) {
        self.open = None;
    }

    /// It is over.
    pub fn end(&mut self) {
        let value = self.open.take().and_then(|it| String::from_utf8(it).ok());
        let value = value.filter(|it| !it.is_empty() && !it.contains(['\n', '\r']));
        if let Some(value) = value.filter(|_| self.values.len() < MOST) {
            self.values.push(value);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// All, which are then forgotten here.
    pub fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.values)
    }

    /// So many, the first, which are then forgotten here.
    pub fn take_first(&mut self, count: usize) -> Vec<String> {
        self.values.drain(..count.min(self.values.len())).collect()
    }
}
