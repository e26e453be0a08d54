//! A record of values between commas, as the csv crate reads them. That one makes its tables anew for each reader, and a log has a record a line.

use csv_core::{ReadRecordResult, Reader};
use std::cell::RefCell;

thread_local! {
    /// One a thread, begun anew for each record. A clone of it would not do: csv-core 0.1.13 leaves out of that which bytes are what.
    static READER: RefCell<Reader> = RefCell::new(Reader::new());
}

/// The values of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Values {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Values {
    /// Of the first record in a text; `None` where there is none.
    pub fn of(text: &[u8]) -> Option<Self> {
        READER.with_borrow_mut(|reader| {
            reader.reset();
            Self::read(reader, text)
        })
    }

    fn read(reader: &mut Reader, text: &[u8]) -> Option<Self> {
        // No value is longer than what it is written with.
        let (mut bytes, mut ends) = (vec![0; text.len()], vec![0; 32]);
        let (mut read, mut written, mut count) = (0_usize, 0_usize, 0_usize);
        loop {
            let left = text.get(read..).unwrap_or_default();
            let (into, at) = (bytes.get_mut(written..)?, ends.get_mut(count..)?);
            let (result, more, wrote, ended) = reader.read_record(left, into, at);
            (read, written, count) = (read + more, written + wrote, count + ended);
            match result {
                // Asked again without any it is told that there is no more.
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => bytes.resize(bytes.len() + 64, 0),
                ReadRecordResult::OutputEndsFull => ends.resize(ends.len() * 2, 0),
                ReadRecordResult::Record => {
                    bytes.truncate(written);
                    ends.truncate(count);
                    return Some(Self { bytes, ends });
                }
                ReadRecordResult::End => return None,
            }
        }
    }

    /// One behind the other.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        begins.zip(&self.ends).map(|(begin, end)| self.bytes.get(begin..*end).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_csv_crate_reads_them() {
        let long = format!("\"{}\"", "a,\"\"\n".repeat(9_000));
        let many = "x,".repeat(1_000);
        for text in [
            "",
            "\n",
            "a",
            "a,",
            ",",
            "a,b\nc",
            "\"a,\"\"b\"\"\",c",
            "a\"b,c",
            "\"a",
            "\"a\"b,c",
            "\u{feff}a,b",
            "a,\"b\r\nc\",d\r\n",
            &long,
            &many,
        ] {
            let mut rows = csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .from_reader(text.as_bytes());
            let theirs = rows.byte_records().next().map(|it| it.unwrap());
            let theirs: Option<Vec<Vec<u8>>> =
                theirs.map(|it| it.iter().map(<[u8]>::to_vec).collect());
            let ours = Values::of(text.as_bytes());
            let ours: Option<Vec<Vec<u8>>> = ours.map(|it| it.iter().map(<[u8]>::to_vec).collect());
            assert_eq!(ours, theirs, "{text:.40}");
        }
    }
}
