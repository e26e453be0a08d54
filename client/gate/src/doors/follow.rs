//! A proxy's access log says how requests ended: a line of JSON each, followed as it grows.

use crate::gate::{Gate, Rows};
use crate::settings::Fields;
use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often the log is read.
const EVERY: Duration = Duration::from_millis(100);
/// Who writes the log goes on with the old file for a moment when it is turned over.
const QUIET: Duration = Duration::from_secs(2);
/// Bytes that are read at once.
const AT_ONCE: u64 = 1 << 20;
/// No line is longer: what is, is skipped, and said.
const LONGEST: usize = 64 * 1024;

/// How a request ended.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    request: String,
    rows: Rows,
}

impl Line {
    /// Reads a line. Rows that were given: as the service says, else unknown.
    fn read(line: &[u8], fields: Fields) -> Result<Self, String> {
        let line: Value = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        // As text or as a number: proxies write nothing, or a dash, where they have nothing.
        let said = |field: &str| match line.get(field) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let lacks = |field: &str| format!("it has no `{field}`");
        let request = said(fields.request).ok_or_else(|| lacks(fields.request))?;
        let status = said(fields.status).and_then(|it| it.parse::<u16>().ok());
        let status = status.ok_or_else(|| lacks(fields.status))?;
        let rows = said(fields.rows).and_then(|it| it.parse().ok());
        Ok(Self { request, rows: if status >= 400 { Rows::Failed } else { Rows::These(rows) } })
    }
}

/// How far the log was read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    inode: u64,
    offset: u64,
}

/// Follows a door's log.
pub struct Follower {
    gate: Arc<Gate>,
    door: String,
    fields: Fields,
    log: PathBuf,
    /// Where it is kept how far the log was read.
    kept: PathBuf,
    at: Position,
    open: Option<File>,
    /// The beginning of a line whose end is not there yet.
    rest: Vec<u8>,
    /// Since when the log is another file.
    turned: Option<Instant>,
}

impl Follower {
    /// Goes on where the last one ended. Errors where it can't be told where that was, or the log can't be read.
    pub fn new(
        gate: Arc<Gate>,
        door: &str,
        fields: Fields,
        log: &Path,
        kept: PathBuf,
    ) -> anyhow::Result<Self> {
        let at = match std::fs::read(&kept) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| {
                format!("{}: remove it to read the log from its beginning", kept.display())
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Position::default(),
            Err(error) => return Err(error).with_context(|| format!("{}", kept.display())),
        };
        let (door, log) = (door.to_owned(), log.to_owned());
        let (open, rest, turned) = Default::default();
        let mut follower = Self { gate, door, fields, log, kept, at, open, rest, turned };
        follower.open_log()?;
        Ok(follower)
    }

    /// Follows until told to stop.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut said = false;
        loop {
            match self.read().await {
                Ok(()) => said = false,
                Err(error) if !said => {
                    said = true;
                    tracing::warn!(door = self.door, error = %format!("{error:#}"), "the access log can't be read; it is tried again");
                }
                Err(_) => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// Reads what came since.
    async fn read(&mut self) -> anyhow::Result<()> {
        loop {
            if self.open.is_none() && !self.open_log()? {
                return Ok(());
            }
            let mut bytes = Vec::new();
            if let Some(file) = &mut self.open {
                file.take(AT_ONCE).read_to_end(&mut bytes)?;
            }
            if bytes.is_empty() {
                if !self.is_over()? {
                    return Ok(());
                }
                (self.open, self.at, self.turned) = (None, Position::default(), None);
                self.rest.clear();
                continue;
            }
            self.turned = None;
            self.take(&bytes).await?;
        }
    }

    /// Opens the log where it was read to; that is another file by now where it was turned over meanwhile. Whether it is there.
    fn open_log(&mut self) -> anyhow::Result<bool> {
        let path = self.turned_over()?.unwrap_or_else(|| self.log.clone());
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error).with_context(|| format!("{}", path.display())),
        };
        let there = file.metadata()?;
        if there.ino() != self.at.inode || there.len() < self.at.offset {
            self.at = Position { inode: there.ino(), offset: 0 };
            // Also of what is empty still: turned over before a line of it was read, it is found by this.
            self.keep()?;
        }
        file.seek(SeekFrom::Start(self.at.offset))?;
        self.open = Some(file);
        Ok(true)
    }

    /// The file beside the log that was the log when it was read last, where it is not any more.
    fn turned_over(&self) -> anyhow::Result<Option<PathBuf>> {
        let is_it = |path: &Path| {
            std::fs::metadata(path).is_ok_and(|it| it.is_file() && it.ino() == self.at.inode)
        };
        if self.at.inode == 0 || is_it(&self.log) {
            return Ok(None);
        }
        let folder = self.log.parent().unwrap_or(Path::new("."));
        let beside = std::fs::read_dir(folder).with_context(|| format!("{}", folder.display()))?;
        Ok(beside.filter_map(Result::ok).map(|it| it.path()).find(|it| is_it(it)))
    }

    /// Whether the log was turned over, and nothing is written to the old one any more.
    fn is_over(&mut self) -> anyhow::Result<bool> {
        if !self.is_another()? {
            self.turned = None;
            return Ok(false);
        }
        Ok(self.turned.get_or_insert_with(Instant::now).elapsed() >= QUIET)
    }

    /// Whether the name is another file's by now, or the file is shorter than it was.
    fn is_another(&self) -> anyhow::Result<bool> {
        match std::fs::metadata(&self.log) {
            Ok(now) => Ok(now.ino() != self.at.inode || now.len() < self.at.offset),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn take(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.rest.extend_from_slice(bytes);
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else {
            if self.rest.len() > LONGEST {
                tracing::warn!(
                    door = self.door,
                    "a line of the access log is too long, and was skipped"
                );
                self.at.offset = self.at.offset.saturating_add(self.rest.len() as u64);
                self.rest.clear();
            }
            return Ok(());
        };
        let behind = self.rest.split_off(end.saturating_add(1));
        let whole = std::mem::replace(&mut self.rest, behind);
        for line in whole.split(|byte| *byte == b'\n').filter(|it| !it.is_empty()) {
            match Line::read(line, self.fields) {
                Ok(line) => {
                    // Of others' requests, and of those that were refused, nothing is open.
                    self.gate.end(&self.door, &line.request, line.rows).await?;
                }
                Err(error) => {
                    tracing::warn!(door = self.door, %error, "a line of the access log can't be read");
                }
            }
        }
        self.at.offset = self.at.offset.saturating_add(whole.len() as u64);
        self.keep()
    }

    /// Keeps how far it was read. Where the power goes before, lines are read twice, and end nothing twice.
    fn keep(&self) -> anyhow::Result<()> {
        let new = self.kept.with_extension("new");
        std::fs::write(&new, serde_json::to_vec(&self.at)?)?;
        Ok(std::fs::rename(&new, &self.kept)?)
    }
}
