//! A log that is read in parts: statements are given out when nothing more of them is to come, so that as many are in memory as a
//! part has, however long the log is.

use crate::log::{Log, LogFile, Reader};
use crate::statement::Statement;
use liuhen_client::error::ClientError;
use std::io::BufRead;
use std::path::{Path, PathBuf};

/// How many statements a part has, more or less.
pub(crate) const PART: usize = 5_000;
/// Bytes of texts that a part has, more or less.
const PART_BYTES: usize = 64 << 20;

/// The files of a log, read one behind the other.
pub struct Reading<'a> {
    reader: Box<dyn Reader + 'a>,
    open: fn(&Path) -> std::io::Result<Box<dyn BufRead>>,
    paths: &'a [PathBuf],
    /// How many of the files are begun.
    begun: usize,
    file: Option<LogFile<Box<dyn BufRead>>>,
    skip_unknown: bool,
    log: Log,
    /// How many statements, and bytes of texts, were left when a part was given out: those that go on.
    left: (usize, usize),
}

impl<'a> Reading<'a> {
    pub(crate) fn new(
        reader: Box<dyn Reader + 'a>,
        open: fn(&Path) -> std::io::Result<Box<dyn BufRead>>,
        paths: &'a [PathBuf],
        skip_unknown: bool,
    ) -> Self {
        let (file, log) = (None, Log::default());
        Self { reader, open, paths, begun: 0, file, skip_unknown, log, left: (0, 0) }
    }

    /// The next statements of which nothing more is to come, in the order of their first lines; `None` behind the last.
    pub fn part(&mut self) -> Result<Option<Vec<Statement>>, ClientError> {
        loop {
            if !self.line()? {
                let rest = self.log.take_done(&std::collections::HashSet::new());
                return Ok(Some(rest).filter(|it| !it.is_empty()));
            }
            let statements = self.log.statements.len().saturating_sub(self.left.0);
            let bytes = self.log.text_bytes().saturating_sub(self.left.1);
            if statements >= PART || bytes >= PART_BYTES {
                let going_on = self.reader.going_on(&mut self.log);
                let done = self.log.take_done(&going_on);
                self.left = (self.log.statements.len(), self.log.text_bytes());
                if !done.is_empty() {
                    return Ok(Some(done));
                }
            }
        }
    }

    /// Reads all that is left, and gives the log with all its statements.
    pub(crate) fn whole(mut self) -> Result<Log, ClientError> {
        while self.line()? {}
        Ok(self.log)
    }

    /// What is known of the log so far.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// What was read behind the line in which it began is kept.
    pub(crate) fn keep_late(&mut self) {
        self.log.late = Some(Vec::new());
    }

    /// Reads a line; whether there was one.
    fn line(&mut self) -> Result<bool, ClientError> {
        loop {
            if let Some(file) = &mut self.file {
                if file.read(&mut *self.reader, self.skip_unknown, &mut self.log)? {
                    return Ok(true);
                }
                if self.begun < self.paths.len() {
                    file.is_over(self.skip_unknown, &mut self.log)?;
                }
                self.file = None;
            }
            let Some(path) = self.paths.get(self.begun) else { return Ok(false) };
            let lines = (self.open)(path);
            let lines =
                lines.map_err(|e| ClientError::Failed(format!("{}: {e}", path.display())))?;
            self.begun += 1;
            self.file = Some(LogFile::new(lines, path, &mut self.log));
        }
    }
}
