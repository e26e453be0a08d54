//! The lines of a log's files as they are written: a file behind the other, each from its beginning; whole lines alone.

use crate::lines::LINE_BYTES;
use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// Who writes a log goes on with the old file for a moment when it is turned over.
const QUIET: Duration = Duration::from_secs(2);
/// Bytes that are read at once.
const AT_ONCE: u64 = 1 << 20;

/// Files of one folder whose names fit a pattern, in the order of their last changes: the last one is being written.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    folder: PathBuf,
    /// What a name begins and ends with.
    begin: String,
    end: String,
}

impl Files {
    /// Of a path whose name may have one `*`. Errors for a folder with one.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        let bad = || Error::new(ErrorKind::InvalidInput, "one `*` at most, in the file's name");
        let name = path.file_name().and_then(|it| it.to_str()).ok_or_else(bad)?;
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).to_owned();
        let (begin, end) = name.split_once('*').unwrap_or((name, ""));
        if end.contains('*') || folder.to_string_lossy().contains('*') {
            return Err(bad());
        }
        // Without a pattern: the file, and what it was turned over to beside it.
        Ok(Self { folder, begin: begin.to_owned(), end: end.to_owned() })
    }

    /// What was packed meanwhile has `.gz` behind its name.
    fn fits(&self, name: &str) -> bool {
        let name = name.strip_suffix(".gz").unwrap_or(name);
        name.len() >= self.begin.len() + self.end.len()
            && name.starts_with(&self.begin)
            && name.ends_with(&self.end)
    }

    /// When the newest was changed; where there is none: now.
    pub(crate) fn newest(&self) -> Result<SystemTime> {
        Ok(self.all()?.last().map_or_else(SystemTime::now, |(time, ..)| *time))
    }

    /// What is there, the longest unchanged first.
    fn all(&self) -> Result<Vec<(SystemTime, PathBuf, Metadata)>> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            if !self.fits(&entry.file_name().to_string_lossy()) {
                continue;
            }
            match std::fs::metadata(entry.path()) {
                Ok(it) if it.is_file() => all.push((it.modified()?, entry.path(), it)),
                Ok(_) => {}
                // Turned over in between.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        all.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
        Ok(all)
    }
}

/// How far a file was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Done {
    /// When it was made: another file may get its inode.
    made: Option<SystemTime>,
    /// Bytes that were read of it.
    read: u64,
}

/// What is open.
struct Open {
    lines: Box<dyn Read>,
    path: PathBuf,
    inode: u64,
    done: Done,
    /// Of what is packed nothing more is written.
    is_packed: bool,
    changed: SystemTime,
}

/// Reads on wherever the writer is.
pub(crate) struct Tail {
    files: Files,
    /// Files that were last changed before are not read.
    from: SystemTime,
    /// How far files were read that are not open, by inode.
    done: HashMap<u64, Done>,
    open: Option<Open>,
    /// Whole lines that are to be given, from a place on.
    ready: Vec<u8>,
    at: usize,
    /// The beginning of a line.
    rest: Vec<u8>,
    /// A line that is too long is passed over to its end.
    is_skipping: bool,
    /// Since when another file has more.
    turned: Option<Instant>,
    /// Whether all is read that is written anywhere.
    at_end: Arc<AtomicBool>,
}

impl Tail {
    /// Reads the files that were changed at this time or later, each whole.
    pub(crate) fn new(files: Files, from: SystemTime) -> Self {
        let (done, open, ready, at, rest, is_skipping, turned, at_end) = Default::default();
        Self { files, from, done, open, ready, at, rest, is_skipping, turned, at_end }
    }

    /// Tells whether all is read that is written, of whatever file.
    pub(crate) fn at_end(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.at_end)
    }

    /// Reads what is there. Whether there was something.
    fn advance(&mut self) -> Result<bool> {
        if self.open.is_none() && !self.open_next()? {
            self.at_end.store(true, Ordering::Relaxed);
            return Ok(false);
        }
        let Some(open) = &mut self.open else { return Ok(false) };
        if !open.is_packed && open.was_cut()? {
            // Emptied, and written anew: what was read of it says nothing of what it is now.
            let inode = open.inode;
            self.leave();
            self.done.remove(&inode);
            return Ok(true);
        }
        let mut bytes = Vec::new();
        (&mut open.lines).take(AT_ONCE).read_to_end(&mut bytes)?;
        if !bytes.is_empty() {
            if !open.is_packed {
                open.done.read = open.done.read.saturating_add(bytes.len() as u64);
            }
            self.at_end.store(false, Ordering::Relaxed);
            self.turned = None;
            self.take(&bytes);
            return Ok(true);
        }
        let (inode, is_packed) = (open.inode, open.is_packed);
        let others = self.next(Some(inode))?.is_some();
        self.at_end.store(!others && !is_packed, Ordering::Relaxed);
        if !is_packed && !others {
            self.turned = None;
            return Ok(false);
        }
        // Who writes goes on with the old file for a moment.
        let turned = self.turned.get_or_insert_with(Instant::now);
        if !is_packed && turned.elapsed() < QUIET {
            return Ok(false);
        }
        self.leave();
        Ok(true)
    }

    /// What is open is read for now.
    fn leave(&mut self) {
        if let Some(open) = self.open.take() {
            self.done.insert(open.inode, open.done);
            if open.is_packed {
                self.from = self.from.max(open.changed);
            }
        }
        self.turned = None;
        if !self.rest.is_empty() {
            // Nobody goes on with it.
            self.rest.push(b'\n');
            self.ready.append(&mut self.rest);
        }
        self.is_skipping = false;
    }

    fn take(&mut self, bytes: &[u8]) {
        let mut bytes = bytes;
        if self.is_skipping {
            let Some(end) = bytes.iter().position(|it| *it == b'\n') else { return };
            bytes = bytes.get(end.saturating_add(1)..).unwrap_or_default();
            self.is_skipping = false;
        }
        self.rest.extend_from_slice(bytes);
        if let Some(end) = self.rest.iter().rposition(|it| *it == b'\n') {
            let behind = self.rest.split_off(end.saturating_add(1));
            self.ready.append(&mut self.rest);
            self.rest = behind;
        }
        if self.rest.len() > LINE_BYTES {
            // Given as far as it goes: whoever reads it says that it is too long.
            self.rest.push(b'\n');
            self.ready.append(&mut self.rest);
            self.is_skipping = true;
        }
    }

    /// The file that has something to be read, the longest unchanged first; but for the one that is open.
    fn next(&self, open: Option<u64>) -> Result<Option<(SystemTime, PathBuf, Metadata)>> {
        let mut all = self.files.all()?.into_iter();
        Ok(all.find(|(time, _, it)| {
            let is_open = Some(it.ino()) == open;
            !is_open && *time >= self.from && self.begins(it) != Some(it.len()) && it.len() > 0
        }))
    }

    /// Where reading a file begins: behind what was read of it, unless it is another by now, or was written anew.
    fn begins(&self, it: &Metadata) -> Option<u64> {
        let before = self.done.get(&it.ino())?;
        let is_same = before.made == it.created().ok() && before.read <= it.len();
        Some(if is_same { before.read } else { 0 })
    }

    /// Opens the next file.
    fn open_next(&mut self) -> Result<bool> {
        let Some((changed, path, it)) = self.next(None)? else { return Ok(false) };
        let begins = self.begins(&it).unwrap_or(0);
        let mut lines = BufReader::new(File::open(&path)?);
        let is_packed = lines.fill_buf()?.starts_with(&[0x1f, 0x8b]);
        let mut done = Done { made: it.created().ok(), read: begins };
        let lines: Box<dyn Read> = match is_packed {
            true => {
                // Read whole or not at all.
                done.read = it.len();
                Box::new(flate2::read::MultiGzDecoder::new(lines))
            }
            false => {
                lines.seek(SeekFrom::Start(begins))?;
                Box::new(lines)
            }
        };
        self.at_end.store(false, Ordering::Relaxed);
        self.open = Some(Open { lines, path, inode: it.ino(), done, is_packed, changed });
        Ok(true)
    }
}

impl Open {
    /// Whether the file is shorter than what was read of it.
    fn was_cut(&self) -> Result<bool> {
        match std::fs::metadata(&self.path) {
            Ok(now) => Ok(now.ino() == self.inode && now.len() < self.done.read),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Read for Tail {
    fn read(&mut self, to: &mut [u8]) -> Result<usize> {
        let from = self.fill_buf()?;
        let count = from.len().min(to.len());
        to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Tail {
    /// Whole lines. Would block where none is there yet.
    fn fill_buf(&mut self) -> Result<&[u8]> {
        while self.at >= self.ready.len() {
            (self.at, self.ready) = (0, Vec::new());
            if !self.advance()? {
                return Err(ErrorKind::WouldBlock.into());
            }
        }
        Ok(self.ready.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn lines(tail: &mut Tail) -> Vec<String> {
        let mut found = Vec::new();
        loop {
            let mut line = Vec::new();
            match tail.read_until(b'\n', &mut line) {
                Ok(_) => found.push(String::from_utf8(line).unwrap().trim_end().to_owned()),
                Err(error) => {
                    assert_eq!((error.kind(), line.len()), (ErrorKind::WouldBlock, 0));
                    return found;
                }
            }
        }
    }

    /// Reads until these lines are there.
    fn comes(tail: &mut Tail, wanted: &[&str]) {
        let (began, mut found) = (Instant::now(), Vec::new());
        while found.len() < wanted.len() && began.elapsed() < Duration::from_secs(30) {
            found.extend(lines(tail));
            std::thread::yield_now();
        }
        assert_eq!(found, wanted);
    }

    fn append(path: &Path, text: &str) {
        let mut file = File::options().create(true).append(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn whole_lines_as_they_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let mut tail = Tail::new(Files::of(&path).unwrap(), SystemTime::UNIX_EPOCH);
        assert_eq!(lines(&mut tail), [""; 0]);
        append(&path, "a\nb");
        assert_eq!(lines(&mut tail), ["a"]);
        append(&path, "c\n");
        assert_eq!(lines(&mut tail), ["bc"]);
        // Turned over: what is written to the old file in the meantime is read, then the new one.
        std::fs::rename(&path, folder.path().join("audit.log.1")).unwrap();
        append(&folder.path().join("audit.log.1"), "d\ne");
        append(&path, "f\n");
        comes(&mut tail, &["d", "e", "f"]);
        // Emptied and written anew.
        File::create(&path).unwrap();
        assert_eq!(lines(&mut tail), [""; 0]);
        append(&path, "g\n");
        comes(&mut tail, &["g"]);
        // What was turned over goes on after all; a name that comes again is another file.
        append(&folder.path().join("audit.log.1"), "h\n");
        comes(&mut tail, &["h"]);
        std::fs::remove_file(folder.path().join("audit.log.1")).unwrap();
        std::fs::rename(&path, folder.path().join("audit.log.1")).unwrap();
        append(&path, "i\n");
        comes(&mut tail, &["i"]);
        std::fs::remove_file(&path).unwrap();
        append(&path, "another that is longer\n");
        comes(&mut tail, &["another that is longer"]);
    }

    /// It is at the end where nothing more is to be read in any file.
    #[test]
    fn at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["1", "2", "3"] {
            append(&folder.path().join(format!("audit.{name}")), &format!("{name}\n"));
        }
        let files = Files::of(&folder.path().join("audit.*")).unwrap();
        let mut tail = Tail::new(files, SystemTime::UNIX_EPOCH);
        let at_end = tail.at_end();
        let mut found = Vec::new();
        while found.len() < 3 {
            found.extend(lines(&mut tail));
            assert_eq!(at_end.load(Ordering::Relaxed), found.len() == 3, "{found:?}");
            std::thread::yield_now();
        }
        found.sort();
        assert_eq!(found, ["1", "2", "3"]);
    }

    #[test]
    fn what_was_packed_meanwhile_is_read_first() {
        let folder = tempfile::tempdir().unwrap();
        let old = File::create(folder.path().join("pg-1.json.gz")).unwrap();
        let mut old = flate2::write::GzEncoder::new(old, flate2::Compression::fast());
        old.write_all(b"a\nb\n").unwrap();
        old.finish().unwrap();
        append(&folder.path().join("other.json"), "z\n");
        append(&folder.path().join("pg-2.json"), "c\n");
        let files = Files::of(&folder.path().join("pg-*.json")).unwrap();
        comes(&mut Tail::new(files.clone(), SystemTime::UNIX_EPOCH), &["a", "b", "c"]);
        // What did not change since is not read again.
        let later = SystemTime::now() + Duration::from_secs(3600);
        assert_eq!(lines(&mut Tail::new(files, later)), [""; 0]);
    }

    #[test]
    fn patterns() {
        for bad in ["/var/*/audit.log", "/var/log/a*b*", "/"] {
            assert!(Files::of(Path::new(bad)).is_err(), "{bad}");
        }
    }
}
