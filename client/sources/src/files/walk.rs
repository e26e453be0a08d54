//! The files below a folder, one a line, in the order of their names. A name may hold an end of a line: no name holds a zero, which
//! stands for it.

use crate::log;
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Cursor, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

/// What begins and ends a path in a line that is made here, so that nothing of it is taken for white space.
const MARK: u8 = 1;

/// Opens what is given: a folder, as lines of the files below it, or a file that lists paths.
pub(crate) fn open(path: &Path) -> std::io::Result<Box<dyn BufRead>> {
    if std::fs::metadata(path)?.is_dir() {
        let open = below(path, b"")?;
        let walk = Walk { root: path.to_owned(), open, line: Cursor::default() };
        return Ok(Box::new(BufReader::new(walk)));
    }
    // Paths of a list are its own folder's.
    let root = path.parent().map(Path::to_owned).unwrap_or_default();
    let lines = log::open(path)?;
    Ok(Box::new(BufReader::new(Listed { root, lines, line: Cursor::default() })))
}

/// What a folder holds, by paths below the root, in order.
pub(super) fn below(root: &Path, folder: &[u8]) -> std::io::Result<VecDeque<Vec<u8>>> {
    let within = OsString::from_vec(folder.to_vec());
    let mut all = Vec::new();
    for entry in std::fs::read_dir(root.join(&within))? {
        let name = entry?.file_name();
        let path = Path::new(&within).join(name);
        all.push(path.into_os_string().into_vec());
    }
    all.sort();
    Ok(all.into())
}

/// A line of a path below a root.
fn line_of(root: &Path, below: &[u8]) -> Vec<u8> {
    let mut line = vec![MARK];
    line.extend_from_slice(root.as_os_str().as_bytes());
    line.push(MARK);
    line.extend_from_slice(below);
    line.push(MARK);
    line.iter_mut().filter(|it| **it == b'\n').for_each(|it| *it = 0);
    line.push(b'\n');
    line
}

/// The root and the path below it that a line holds.
pub(super) fn of_line(line: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let inner = line.strip_prefix(&[MARK]).and_then(|it| it.strip_suffix(&[MARK]));
    let split = inner.and_then(|it| {
        let at = it.iter().position(|byte| *byte == MARK)?;
        Some((it.get(..at)?, it.get(at + 1..)?))
    });
    let (root, below) = split.unwrap_or((b"", line));
    let whole = |part: &[u8]| -> Vec<u8> {
        part.iter().map(|byte| if *byte == 0 { b'\n' } else { *byte }).collect()
    };
    (whole(root), whole(below))
}

/// A listed path in one spelling, below the root; `None` for one that leaves it, or may.
pub(super) fn within(root: &Path, listed: &[u8]) -> Option<Vec<u8>> {
    let path = Path::new(OsStr::from_bytes(listed));
    let below = match path.is_absolute() {
        false => path.to_owned(),
        true => match path.strip_prefix(root) {
            Ok(below) => below.to_owned(),
            Err(_) => {
                let here = if root.as_os_str().is_empty() { Path::new(".") } else { root };
                path.strip_prefix(here.canonicalize().ok()?).ok()?.to_owned()
            }
        },
    };
    let mut normal = PathBuf::new();
    for component in below.components() {
        match component {
            Component::Normal(name) => normal.push(name),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(normal.into_os_string().into_vec())
}

/// A folder that is walked while its lines are read.
struct Walk {
    root: PathBuf,
    /// What is not yet given, next first.
    open: VecDeque<Vec<u8>>,
    line: Cursor<Vec<u8>>,
}

impl Read for Walk {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let count = self.line.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let Some(next) = self.open.pop_front() else { return Ok(0) };
            let path = self.root.join(OsString::from_vec(next.clone()));
            let is_folder = std::fs::symlink_metadata(&path).is_ok_and(|it| it.is_dir());
            match is_folder.then(|| below(&self.root, &next)) {
                Some(Ok(within)) => {
                    within.into_iter().rev().for_each(|it| self.open.push_front(it));
                }
                // Whoever reads the line says why a folder can't be listed.
                Some(Err(_)) | None => self.line = Cursor::new(line_of(&self.root, &next)),
            }
        }
    }
}

/// A list of paths.
struct Listed {
    root: PathBuf,
    lines: Box<dyn BufRead>,
    line: Cursor<Vec<u8>>,
}

impl Read for Listed {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.line.read(buffer)?;
        if count > 0 || buffer.is_empty() {
            return Ok(count);
        }
        let mut path = Vec::new();
        let most = crate::lines::LINE_BYTES as u64;
        if self.lines.by_ref().take(most).read_until(b'\n', &mut path)? == 0 {
            return Ok(0);
        }
        while path.last().is_some_and(|it| matches!(it, b'\n' | b'\r')) {
            path.pop();
        }
        let is_blank = path.iter().all(u8::is_ascii_whitespace);
        let line = if is_blank { b"\n".to_vec() } else { line_of(&self.root, &path) };
        self.line = Cursor::new(line);
        self.line.read(buffer)
    }
}
