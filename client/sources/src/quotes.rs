//! Quotes of values between commas, or another delimiter.

/// Where in a record its last byte stands. A quote opens at a value's start alone, as the csv crate reads it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Within {
    /// At a value's start.
    #[default]
    Start,
    /// In a value without quotes, or behind the quoted part of one: there a quote is a letter.
    Plain,
    /// In quotes.
    Quoted,
    /// Behind a quote in quotes: another makes one letter of both, anything else ends them.
    Closing,
}

impl Within {
    /// Behind a further byte.
    pub(crate) fn next(self, byte: u8, delimiter: u8) -> Self {
        match (self, byte) {
            (Self::Start, b'"') | (Self::Closing, b'"') => Self::Quoted,
            (Self::Quoted, b'"') => Self::Closing,
            (Self::Quoted, _) => Self::Quoted,
            (_, b'\r' | b'\n') => Self::Start,
            (_, byte) if byte == delimiter => Self::Start,
            _ => Self::Plain,
        }
    }

    /// Behind further bytes.
    pub(crate) fn behind(self, bytes: &[u8], delimiter: u8) -> Self {
        bytes.iter().fold(self, |within, byte| within.next(*byte, delimiter))
    }

    /// Whether the record goes on in the next line.
    pub(crate) fn is_open(self) -> bool {
        self == Self::Quoted
    }
}
