//! Files handed over (directory drops): each file of a folder is an access by whom the mapping's rules say, by whoever may fetch it.
//!
//! ```toml
//! [[files]]
//! path = "hrss/**/*.csv"           # below the folder: `*` and `?` within a name, `**` over folders
//! dataset = "civil.resident"
//! receiver = "gz.hrss/portal"
//! purpose = "pension-payment"      # left out: unknown
//! grant = "hr-pension-2026-001"    # left out: by [[rules]]
//! header = true                    # the first record of a CSV file names its columns
//! ```
//!
//! A file is told by its path, its time and its content: read again it is the same, changed it is another access. What no rule maps
//! or stands behind a symbolic link, is an access of which nothing more is known. Of the content nothing leaves this machine but its salted digest and the number of
//! its records.
//!
//! | file | holds |
//! |---|---|
//! | `walk` | the files below a folder, as lines |
//! | `rule` | which file is whose |
//! | `content` | digest and records of a file |

mod content;
mod rule;
mod walk;

use crate::log::{self, Log, NotRead};
use crate::mapping::Mapping;
use crate::sql::Fields;
use crate::statement::{Caller, Named, Part, Statement};
use liuhen_client::error::ClientError;
use liuhen_proto::wire::Operation;
pub use rule::FileRule;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
pub(crate) use walk::open;

/// Reads the paths of files.
#[derive(Debug)]
pub struct Reader<'a> {
    mapping: &'a Mapping,
}

impl<'a> Reader<'a> {
    /// By a mapping.
    pub fn new(mapping: &'a Mapping) -> Result<Self, ClientError> {
        Ok(Self { mapping })
    }
}

impl log::Reader for Reader<'_> {
    fn line(&mut self, number: u64, line: &[u8], log: &mut Log) -> Result<(), NotRead> {
        let (root, listed) = walk::of_line(line);
        let root = Path::new(OsStr::from_bytes(&root));
        let below = walk::within(root, &listed).ok_or_else(|| {
            let shown = crate::postgres::shown(&listed);
            NotRead::SetAside(format!("{shown}: not below the list's folder, or told by `..`"))
        })?;
        self.file(number, root, &below, log)
    }

    fn shown(&self, line: &[u8]) -> (String, Vec<u8>) {
        let (_, below) = walk::of_line(line);
        let extension = Path::new(OsStr::from_bytes(&below)).extension().unwrap_or_default();
        (extension.to_string_lossy().into_owned(), below)
    }
}

impl Reader<'_> {
    /// A file below a root.
    fn file(&self, number: u64, root: &Path, below: &[u8], log: &mut Log) -> Result<(), NotRead> {
        let path = root.join(OsStr::from_bytes(below));
        let shown = crate::postgres::shown(below);
        let set_aside = |why: String| NotRead::SetAside(format!("{shown}: {why}"));
        let before = std::fs::symlink_metadata(&path).map_err(|e| set_aside(e.to_string()))?;
        let kind = before.file_type();
        if kind.is_dir() {
            // Those of a list, and those that can't be listed, come as lines too.
            let mut any = false;
            for line in walk::below(root, below).map_err(|e| set_aside(e.to_string()))? {
                any = true;
                match self.file(number, root, &line, log) {
                    Err(NotRead::SetAside(why)) => log.add_set_aside(number, why),
                    told => told?,
                }
            }
            log.other_lines += u64::from(!any);
            return Ok(());
        }
        if kind.is_symlink() {
            return self.link(number, (&path, below), &before, log);
        }
        if !kind.is_file() {
            return Err(set_aside("neither a file nor a folder".to_owned()));
        }
        let rule = self.mapping.files.iter().find(|it| it.holds(below));
        let has_header = rule.is_none_or(|it| it.header);
        let content = content::read(&path, has_header).map_err(|e| set_aside(e.to_string()))?;
        let after = std::fs::symlink_metadata(&path).map_err(|e| set_aside(e.to_string()))?;
        let time = |it: &std::fs::Metadata| it.modified().ok().and_then(since_epoch);
        if (before.len(), time(&before)) != (after.len(), time(&after))
            || content.bytes != after.len()
        {
            let why = "it changed while it was read: the next run takes it";
            return Err(set_aside(why.to_owned()));
        }
        let time_ms = time(&after).ok_or_else(|| set_aside("it has no time".to_owned()))?;
        log.seen(time_ms);
        let mut statement = self.access(below, time_ms, content.digest);
        statement.parts = BTreeMap::from([(0, Part { text: below.to_vec(), rows: content.rows })]);
        match rule {
            Some(rule) => {
                let what = (rule.dataset.clone(), Operation::Export as i32);
                statement.touched.insert(what, Fields::Unknown);
                statement.caller.role = rule.account();
                statement.named.grants = rule.grant.iter().cloned().collect();
            }
            None => {
                statement.untold.insert(format!("no rule of [[files]] is of {shown}"));
            }
        }
        log.add(number, statement);
        Ok(())
    }

    /// A symbolic link: whoever serves the folder may follow it, and then what is behind it is handed over. It is not read here, for
    /// it may lead anywhere.
    fn link(
        &self,
        number: u64,
        (path, below): (&Path, &[u8]),
        link: &std::fs::Metadata,
        log: &mut Log,
    ) -> Result<(), NotRead> {
        let shown = crate::postgres::shown(below);
        let set_aside = |why: String| NotRead::SetAside(format!("{shown}: {why}"));
        let target = std::fs::read_link(path).map_err(|e| set_aside(e.to_string()))?;
        let time_ms = link.modified().ok().and_then(since_epoch);
        let time_ms = time_ms.ok_or_else(|| set_aside("it has no time".to_owned()))?;
        log.seen(time_ms);
        let digest = Sha256::digest(target.as_os_str().as_bytes()).into();
        let mut statement = self.access(below, time_ms, digest);
        let why = format!("{shown} is a symbolic link, which is not followed");
        statement.untold.insert(why);
        log.add(number, statement);
        Ok(())
    }

    /// An access of which nothing is known but the path, the time, and a digest of what is there.
    fn access(&self, below: &[u8], time_ms: u64, content: [u8; 32]) -> Statement {
        let (path_digest, digest) = (hex::encode(Sha256::digest(below)), hex::encode(content));
        let reference = self.mapping.reference(&format!("file/{path_digest}/{time_ms}/{digest}"));
        Statement {
            reference,
            time_ms,
            database: String::new(),
            caller: Caller::default(),
            touched: BTreeMap::new(),
            untold: BTreeSet::new(),
            parts: BTreeMap::from([(0, Part { text: below.to_vec(), rows: None })]),
            named: Named::default(),
            denied: false,
            content: Some(content),
        }
    }
}

fn since_epoch(time: SystemTime) -> Option<u64> {
    u64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

#[cfg(test)]
mod tests;
