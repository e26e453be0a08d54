//! What a kind of log is; the table of them is in `lib.rs`.

use crate::Source;
use crate::log::{self, Log};
use crate::mapping::Mapping;
use liuhen_client::error::ClientError;
use std::io::BufRead;
use std::path::{Path, PathBuf};

/// Makes [`Source`] of a table: name, name for commands, file, what it is.
macro_rules! sources {
    ($($name:ident = $text:literal, $module:ident, $about:literal;)+) => {
        /// A kind of log.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Source { $(#[doc = $about] $name),+ }

        impl Source {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its name, as commands take it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// What it is, for people.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$name => $about),+ }
            }

            fn reader(
                self,
                mapping: &mapping::Mapping,
            ) -> Result<Box<dyn log::Reader + '_>, liuhen_client::error::ClientError> {
                match self { $(Self::$name => Ok(Box::new(crate::$module::Reader::new(mapping)?))),+ }
            }
        }
    };
}
pub(crate) use sources;

impl Source {
    /// Reads a log's files, plain or gzip, one behind the other. Stops at the first line that can't be understood, with its
    /// number, unless those are to be skipped.
    pub fn read(
        self,
        paths: &[PathBuf],
        mapping: &Mapping,
        skip_unknown: bool,
    ) -> Result<Log, ClientError> {
        let (mut log, mut reader) = (Log::default(), self.reader(mapping)?);
        for (at, path) in paths.iter().enumerate() {
            let lines = log::open(path);
            let lines =
                lines.map_err(|e| ClientError::Failed(format!("{}: {e}", path.display())))?;
            log::read_lines(lines, path, &mut *reader, skip_unknown, &mut log)?;
            // Nobody goes on with a file behind which another stands.
            if at + 1 < paths.len()
                && let Some(number) = log.unfinished.take()
            {
                let why = "the file ends before the line is whole".to_owned();
                if !skip_unknown {
                    let path = path.display();
                    return Err(ClientError::Failed(format!("{path}, line {number}: {why}")));
                }
                log.unknown.push((number, why));
            }
        }
        Ok(log)
    }

    /// Reads the lines of a log, as [`Source::read`] does; `path` names it in errors.
    pub fn read_lines(
        self,
        lines: impl BufRead,
        path: &Path,
        mapping: &Mapping,
        skip_unknown: bool,
    ) -> Result<Log, ClientError> {
        let mut log = Log::default();
        log::read_lines(lines, path, &mut *self.reader(mapping)?, skip_unknown, &mut log)?;
        Ok(log)
    }
}
