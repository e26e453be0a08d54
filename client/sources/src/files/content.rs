//! A file's content: its digest, and how many records it holds where that can be counted.

use crate::quotes::Within;
use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// What is known of a file's content.
#[derive(Debug)]
pub(super) struct Content {
    /// Its SHA-256.
    pub digest: [u8; 32],
    /// Its length.
    pub bytes: u64,
    /// Its records; `None` where they can't be counted.
    pub rows: Option<u64>,
}

/// What is read, with its digest.
struct Digesting<R> {
    inner: R,
    hasher: Sha256,
    bytes: u64,
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(buffer.get(..count).unwrap_or_default());
        self.bytes = self.bytes.saturating_add(count as u64);
        Ok(count)
    }
}

/// Of what form a file is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Values(u8),
    JsonLines,
    Other,
}

fn form(name: &str) -> Form {
    match name.rsplit('.').next().unwrap_or_default() {
        "csv" => Form::Values(b','),
        "tsv" => Form::Values(b'\t'),
        "jsonl" | "ndjson" => Form::JsonLines,
        _ => Form::Other,
    }
}

/// Reads a file; `has_header`: the first record of values between commas names the columns.
pub(super) fn read(path: &Path, has_header: bool) -> std::io::Result<Content> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let (name, packed) = match name.strip_suffix(".gz") {
        Some(name) => (name, true),
        None => (name.as_str(), false),
    };
    let mut file = Digesting { inner: File::open(path)?, hasher: Sha256::new(), bytes: 0 };
    let rows = match (form(name), packed) {
        (Form::Other, _) => None,
        (form, true) => rows(form, has_header, MultiGzDecoder::new(&mut file)),
        (form, false) => rows(form, has_header, &mut file),
    };
    // What counting left, or could not read.
    std::io::copy(&mut file, &mut std::io::sink())?;
    Ok(Content { digest: file.hasher.finalize().into(), bytes: file.bytes, rows })
}

fn rows(form: Form, has_header: bool, file: impl Read) -> Option<u64> {
    let mut records = match form {
        Form::Values(delimiter) => Records::new(Some(delimiter)),
        Form::JsonLines => Records::new(None),
        Form::Other => return None,
    };
    let mut file = BufReader::new(file);
    loop {
        let bytes = file.fill_buf().ok()?;
        if bytes.is_empty() {
            break;
        }
        bytes.iter().for_each(|byte| records.take(*byte));
        let read = bytes.len();
        file.consume(read);
    }
    let names = u64::from(has_header && matches!(form, Form::Values(_)));
    Some(records.count()?.saturating_sub(names))
}

/// Records that are counted byte by byte, however long they are.
#[derive(Debug)]
struct Records {
    /// Between values; `None`: a record is a line.
    delimiter: Option<u8>,
    within: Within,
    is_blank: bool,
    ended: u64,
}

impl Records {
    fn new(delimiter: Option<u8>) -> Self {
        Self { delimiter, within: Within::default(), is_blank: true, ended: 0 }
    }

    fn take(&mut self, byte: u8) {
        if let Some(delimiter) = self.delimiter {
            self.within = self.within.next(byte, delimiter);
        }
        if matches!(byte, b'\n' | b'\r') && !self.within.is_open() {
            self.ended = self.ended.saturating_add(u64::from(!self.is_blank));
            self.is_blank = true;
        } else {
            // A line of white space holds nothing; a value may be white space.
            self.is_blank &= self.delimiter.is_none() && byte.is_ascii_whitespace();
        }
    }

    /// How many there were; `None` where a quote is not closed.
    fn count(self) -> Option<u64> {
        let last = u64::from(!self.is_blank);
        (!self.within.is_open()).then(|| self.ended.saturating_add(last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_that_are_counted() {
        let of = |form, header, text: &str| rows(form, header, text.as_bytes());
        let csv = Form::Values(b',');
        for (text, count) in [
            ("", Some(0)),
            ("id\n", Some(0)),
            ("id\n1\n2", Some(2)),
            ("id\r\n1\r\n\r\n2\r\n", Some(2)),
            ("id,name\n1,\"a\nb\"\n2,\"say \"\"no\"\"\"\n", Some(2)),
            // A quote within a value is a letter of it.
            ("id,size\n1,5\" pipe\n2,6\n3,7\" pipe\n", Some(3)),
            ("id\n\"1\n2\n3\n", None),
        ] {
            assert_eq!(of(csv, true, text), count, "{text}");
        }
        assert_eq!(of(csv, false, "1\n2\n"), Some(2));
        assert_eq!(of(Form::Values(b'\t'), true, "a\tb\n1\t\"x\ty\"\n"), Some(1));
        assert_eq!(of(Form::JsonLines, true, "{\"a\":\"\\\"\"}\n \n{}"), Some(2));
        assert_eq!(of(Form::Other, true, "x"), None);
    }
}
