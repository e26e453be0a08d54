//! What a kind of log is; the table of them is in `lib.rs`.

use crate::Source;
use crate::log::{self, Log, LogFile};
use crate::mapping::Mapping;
use crate::reading::Reading;
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

            pub(crate) fn reader(
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
    /// Reads a log's files, plain or gzip, one behind the other, in parts. Stops at the first line that can't be understood, with its
    /// number, unless those are to be skipped.
    pub fn reading<'a>(
        self,
        paths: &'a [PathBuf],
        mapping: &'a Mapping,
        skip_unknown: bool,
    ) -> Result<Reading<'a>, ClientError> {
        Ok(Reading::new(self.reader(mapping)?, self.opens(), paths, skip_unknown))
    }

    /// Reads a log whole, as [`Source::reading`] does.
    pub fn read(
        self,
        paths: &[PathBuf],
        mapping: &Mapping,
        skip_unknown: bool,
    ) -> Result<Log, ClientError> {
        self.reading(paths, mapping, skip_unknown)?.whole()
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
        let mut reader = self.reader(mapping)?;
        let mut file = LogFile::new(lines, path, true, &mut log);
        while file.read(&mut *reader, skip_unknown, &mut log)? {}
        Ok(log)
    }

    /// What opens what is given as a log of this kind.
    pub(crate) fn opens(self) -> fn(&Path) -> std::io::Result<Box<dyn BufRead>> {
        match self {
            Self::Files => crate::files::open,
            Self::Pgaudit | Self::Mariadb | Self::Mapped => log::open,
        }
    }
}
