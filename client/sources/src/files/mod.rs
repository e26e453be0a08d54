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
//! is an access of which nothing more is known. Of the content nothing leaves this machine but its salted digest and the number of
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
        let (root, below) = walk::of_line(line);
        self.file(number, Path::new(OsStr::from_bytes(&root)), &below, log)
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
        if !kind.is_file() {
            let what = if kind.is_symlink() { "a symbolic link" } else { "no file" };
            log.add_event(number, format!("{shown}: {what}, which is not followed"));
            log.other_lines += 1;
            return Ok(());
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
        let path_digest = hex::encode(Sha256::digest(below));
        let digest = hex::encode(content.digest);
        let reference = self.mapping.reference(&format!("file/{path_digest}/{time_ms}/{digest}"));
        let mut statement = Statement {
            reference,
            time_ms,
            database: String::new(),
            caller: Caller::default(),
            touched: BTreeMap::new(),
            untold: BTreeSet::new(),
            parts: BTreeMap::from([(0, Part { text: below.to_vec(), rows: content.rows })]),
            named: Named::default(),
            denied: false,
            content: Some(content.digest),
        };
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
}

fn since_epoch(time: SystemTime) -> Option<u64> {
    u64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

#[cfg(test)]
mod tests;
