//! What a kind of log is; the table of them is in `lib.rs`.

use crate::Source;
use crate::log::{self, Log};
use crate::mapping::Mapping;
use liuhen_client::error::ClientError;
use std::io::BufRead;
use std::path::Path;

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
    /// Reads a log, plain or gzip. Stops at the first line that can't be understood, with its number, unless those are
    /// to be skipped.
    pub fn read(
        self,
        path: &Path,
        mapping: &Mapping,
        skip_unknown: bool,
    ) -> Result<Log, ClientError> {
        let lines = log::open(path);
        let lines = lines.map_err(|e| ClientError::Failed(format!("{}: {e}", path.display())))?;
        self.read_lines(lines, path, mapping, skip_unknown)
    }

    /// Reads the lines of a log, as [`Source::read`] does; `path` names it in errors.
    pub fn read_lines(
        self,
        lines: impl BufRead,
        path: &Path,
        mapping: &Mapping,
        skip_unknown: bool,
    ) -> Result<Log, ClientError> {
        log::read_lines(lines, path, &*self.reader(mapping)?, skip_unknown)
    }
}
