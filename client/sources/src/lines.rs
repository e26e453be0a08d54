//! The lines of a file as they are: long ones, those that were cut off or never written, and what stands before the first.

use std::io::{BufRead, Read};

/// A line longer than this is passed over as one; a statement with its parameters is at most a gigabyte.
pub const LINE_BYTES: usize = 256 << 20;

/// What stands before the first line of a file that some programs write.
const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// A line of a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// Its bytes, without what ends it; whether anything ends it: a file's last line may not be written whole.
    Of(&'a [u8], bool),
    /// Nothing but white space or zeros, as a crash leaves them; the white space, unless there are zeros, and whether anything ends it.
    Blank(&'a [u8], bool),
    /// It has more than [`LINE_BYTES`].
    TooLong,
}

/// Lines, one after the other, in one buffer.
#[derive(Debug)]
pub struct Lines<R> {
    file: R,
    line: Vec<u8>,
    number: u64,
    most: usize,
}

impl<R: BufRead> Lines<R> {
    /// Of a file.
    pub fn new(file: R) -> Self {
        Self::of_at_most(file, LINE_BYTES)
    }

    fn of_at_most(file: R, most: usize) -> Self {
        Self { file, line: Vec::new(), number: 0, most }
    }

    /// The next line with its number, from 1; `None` behind the last.
    pub fn next(&mut self) -> std::io::Result<Option<(u64, Line<'_>)>> {
        self.line.clear();
        let most = u64::try_from(self.most).unwrap_or(u64::MAX).saturating_add(1);
        if self.file.by_ref().take(most).read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        let ended = self.line.ends_with(b"\n");
        if !ended && self.line.len() > self.most {
            self.file.skip_until(b'\n')?;
            return Ok(Some((self.number, Line::TooLong)));
        }
        let mut line = self.line.as_slice();
        if self.number == 1 {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        let is_empty = line.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0);
        if is_empty {
            let end = line.iter().rposition(|it| !matches!(it, b'\n' | b'\r'));
            let space = line.get(..end.map_or(0, |it| it + 1)).unwrap_or_default();
            let space = if space.contains(&0) { &[] } else { space };
            return Ok(Some((self.number, Line::Blank(space, ended))));
        }
        // What stands before its text tells whether it goes on with the line before; zeros are of a crash.
        let begin = line.iter().position(|it| *it != 0).unwrap_or(0);
        let end = line.iter().rposition(|it| !matches!(it, b'\n' | b'\r' | 0));
        let line = line.get(begin..end.map_or(0, |it| it + 1)).unwrap_or_default();
        Ok(Some((self.number, Line::Of(line, ended))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8], most: usize) -> Vec<String> {
        let mut lines = Lines::of_at_most(text, most);
        let mut found = Vec::new();
        while let Some((number, line)) = lines.next().unwrap() {
            found.push(match line {
                Line::Of(bytes, ended) => {
                    format!("{number} {} {ended}", String::from_utf8_lossy(bytes))
                }
                other => format!("{number} {other:?}"),
            });
        }
        found
    }

    #[test]
    fn lines_as_they_are() {
        assert_eq!(all(b"", 9), Vec::<String>::new());
        assert_eq!(all(b"\xef\xbb\xbfa\r\nb", 9), ["1 a true", "2 b false"]);
        assert_eq!(
            all(b"a\n\n \t\r\n\0\0\0\nb\0\0", 9),
            [
                "1 a true",
                "2 Blank([], true)",
                "3 Blank([32, 9], true)",
                "4 Blank([], true)",
                "5 b false"
            ]
        );
        // One that is too long is one line, however long, and those behind it keep their numbers.
        assert_eq!(all(b"aaa\nbbbb\nc\n", 3), ["1 aaa true", "2 TooLong", "3 c true"]);
        assert_eq!(all(b"bbbbbbbbbb", 3), ["1 TooLong"]);
        assert_eq!(all(b"bbb", 3), ["1 bbb false"]);
    }
}
