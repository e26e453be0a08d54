//! A file's content: its digest, and how many records it holds where that can be counted.

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
    match form {
        Form::Values(delimiter) => {
            let mut builder = csv::ReaderBuilder::new();
            builder.delimiter(delimiter).has_headers(has_header).flexible(true);
            let mut values = builder.from_reader(file);
            let (mut record, mut rows) = (csv::ByteRecord::new(), 0u64);
            while values.read_byte_record(&mut record).ok()? {
                rows += 1;
            }
            Some(rows)
        }
        Form::JsonLines => {
            let mut lines = BufReader::new(file);
            let (mut rows, mut is_blank, mut any) = (0u64, true, true);
            while any {
                let bytes = lines.fill_buf().ok()?;
                any = !bytes.is_empty();
                for byte in bytes {
                    if *byte == b'\n' {
                        rows += u64::from(!is_blank);
                        is_blank = true;
                    } else {
                        is_blank &= byte.is_ascii_whitespace();
                    }
                }
                let read = bytes.len();
                lines.consume(read);
            }
            Some(rows + u64::from(!is_blank))
        }
        Form::Other => None,
    }
}
