//! The spool's file: a header, and entries that are each held to the one before.
//!
//! The header is `liuhen-spool-1` padded to 16 bytes ‖ chain id ‖ gateway id. An entry is length u32 ‖ CRC-32C of link and data
//! u32 ‖ link ‖ data, numbers big-endian, where the link is BLAKE3 of the link before ‖ data; before the first entry it is BLAKE3 of
//! the header. Data ends with a byte 1: an entry that ends in zeros was not written to its end. What the end of the file cuts short
//! was never synced, and nobody was answered by it; anything else that is no entry is damage, and said.

use liuhen_proto::types::{ChainId, IdentityId};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 16] = b"liuhen-spool-1\0\0";
const HEADER: usize = 16 + 32 + 32;
const ENTRY: usize = 4 + 4 + 32;
/// What data ends with.
const END: &[u8] = &[1];
/// No entry is longer: a record has bounds.
const LONGEST: usize = 1 << 20;

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The disk.
    #[error("{0}: {1}")]
    Io(String, #[source] io::Error),
    /// It is not this gateway's, or no spool.
    #[error("{}: it is the spool of another gateway, or of another chain, or none", .0.display())]
    Other(PathBuf),
    /// Something in it can't be read.
    #[error(
        "{}: damaged at byte {at}, before its end; numbers that were given may be missing from it: keep the file, restore it from a copy, or \
         own up to them with `liuhen-gate lost`", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        at: usize,
    },
}

/// The file, open at its end.
#[derive(Debug)]
pub struct Log {
    file: File,
    path: PathBuf,
    at: u64,
    link: [u8; 32],
}

impl Log {
    /// Opens a file, which is made where there is none. Gives what its entries hold, and how many bytes at its end were cut.
    pub fn open(
        path: &Path,
        chain: &ChainId,
        gateway: &IdentityId,
    ) -> Result<(Self, Vec<Vec<u8>>, usize), LogError> {
        let io = |error| LogError::Io(path.display().to_string(), error);
        let header = [&MAGIC[..], chain.as_bytes(), gateway.as_bytes()].concat();
        let file = File::options().create(true).truncate(false).read(true).write(true).open(path);
        let file = file.map_err(io)?;
        let bytes = std::fs::read(path).map_err(io)?;
        let begun = bytes.get(..HEADER);
        if begun != Some(&header) && header.starts_with(written(&bytes)) {
            file.set_len(0).and_then(|()| file.write_all_at(&header, 0)).map_err(io)?;
            file.sync_all().and_then(|()| sync_folder(path)).map_err(io)?;
        } else if begun != Some(&header) {
            return Err(LogError::Other(path.to_owned()));
        }
        let mut link = *blake3::hash(&header).as_bytes();
        let (mut at, mut entries) = (HEADER, Vec::new());
        while let Some((data, next)) = entry(&bytes, at, &link) {
            entries.push(data.to_vec());
            (at, link) = (at + ENTRY + data.len() + END.len(), next);
        }
        let rest = bytes.get(at..).unwrap_or_default();
        if !is_unfinished(rest) {
            return Err(LogError::Damaged { path: path.to_owned(), at });
        }
        let cut = rest.len();
        // Also where nothing is cut: what was read may be in memory alone, where syncing it failed before.
        file.set_len(at as u64).and_then(|()| file.sync_all()).map_err(io)?;
        Ok((Self { file, path: path.to_owned(), at: at as u64, link }, entries, cut))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        self.at
    }

    /// The same log of these entries alone, in the place of what it was.
    pub fn anew<'a>(self, all: impl Iterator<Item = &'a [u8]>) -> Result<Self, LogError> {
        let io = |error| LogError::Io(self.path.display().to_string(), error);
        let mut header = [0; HEADER];
        self.file.read_exact_at(&mut header, 0).map_err(io)?;
        let new = self.path.with_extension("anew");
        let file = File::create(&new).map_err(io)?;
        file.write_all_at(&header, 0).map_err(io)?;
        let (at, link) = (HEADER as u64, *blake3::hash(&header).as_bytes());
        let mut log = Self { file, path: new.clone(), at, link };
        log.append(all)?;
        std::fs::rename(&new, &self.path).and_then(|()| sync_folder(&self.path)).map_err(io)?;
        Ok(Self { path: self.path, ..log })
    }

    /// Appends entries, and syncs them. After an error what is on disk is not known.
    pub fn append<'a>(&mut self, all: impl Iterator<Item = &'a [u8]>) -> Result<(), LogError> {
        let (mut bytes, mut link) = (Vec::new(), self.link);
        for data in all {
            let data = [data, END].concat();
            link = linked(&link, &data);
            let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
            bytes.extend(length.to_be_bytes());
            bytes.extend(sum(&link, &data).to_be_bytes());
            bytes.extend(link);
            bytes.extend(data);
        }
        let written = self.file.write_all_at(&bytes, self.at).and_then(|()| self.file.sync_data());
        written.map_err(|error| LogError::Io(self.path.display().to_string(), error))?;
        (self.at, self.link) = (self.at + bytes.len() as u64, link);
        Ok(())
    }
}

/// Makes a file's name durable.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// The data of the entry at a place, and its link.
fn entry<'a>(bytes: &'a [u8], at: usize, before: &[u8; 32]) -> Option<(&'a [u8], [u8; 32])> {
    let rest = bytes.get(at..)?;
    let (length, stated) = stated(rest)?;
    let data = rest.get(ENTRY..ENTRY.checked_add(length)?)?;
    let link = linked(before, data);
    let whole = rest.get(8..ENTRY)? == link && stated == sum(&link, data);
    data.strip_suffix(END).filter(|_| whole).map(|data| (data, link))
}

/// Bytes without the zeros at their end.
fn written(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
    bytes.get(..end).unwrap_or_default()
}

/// Whether bytes behind the last entry are one that was not finished: but for zeros shorter than it says, where neither is its length
/// that is wrong nor a whole entry stands behind it.
fn is_unfinished(rest: &[u8]) -> bool {
    let rest = written(rest);
    if rest.len() < ENTRY {
        return true;
    }
    let Some((length, stated)) = stated(rest) else { return true };
    let data = rest.get(ENTRY..).unwrap_or_default();
    let is_short = length <= LONGEST && data.len() < length;
    let link = rest.get(8..ENTRY).unwrap_or_default();
    is_short
        && !begins_with_sum(link, data, stated)
        && !(1..rest.len()).any(|at| stands_at(rest, at))
}

/// Whether a beginning of the data has this sum.
fn begins_with_sum(link: &[u8], data: &[u8], stated: u32) -> bool {
    let mut sum = crc32c::crc32c(link);
    data.iter().any(|byte| {
        sum = crc32c::crc32c_append(sum, std::slice::from_ref(byte));
        sum == stated
    })
}

/// Whether a whole entry stands at a place, whatever stood before it.
fn stands_at(bytes: &[u8], at: usize) -> bool {
    let rest = bytes.get(at..).unwrap_or_default();
    let whole = stated(rest).and_then(|(length, stated)| {
        let data = rest.get(ENTRY..ENTRY.checked_add(length)?)?;
        let link = rest.get(8..ENTRY)?.try_into().ok()?;
        Some(length > 0 && sum(link, data) == stated)
    });
    whole.unwrap_or(false)
}

/// The length and the sum that an entry states.
fn stated(rest: &[u8]) -> Option<(usize, u32)> {
    let length = u32::from_be_bytes(rest.get(..4)?.try_into().ok()?);
    let sum = u32::from_be_bytes(rest.get(4..8)?.try_into().ok()?);
    Some((usize::try_from(length).ok()?, sum))
}

fn linked(before: &[u8; 32], data: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new().update(before).update(data).finalize().as_bytes()
}

fn sum(link: &[u8; 32], data: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(link), data)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAIN: ChainId = ChainId::ZERO;
    const GATEWAY: IdentityId = IdentityId::new([7; 32]);

    fn open(path: &Path) -> Result<(Log, Vec<Vec<u8>>, usize), LogError> {
        Log::open(path, &CHAIN, &GATEWAY)
    }

    fn three(path: &Path) -> Vec<u8> {
        let (mut log, _, _) = open(path).unwrap();
        log.append([&b"one"[..], b"two"].into_iter()).unwrap();
        log.append([&b"the third, which is longer"[..]].into_iter()).unwrap();
        std::fs::read(path).unwrap()
    }

    #[test]
    fn what_was_appended_is_there_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool");
        three(&path);
        let (mut log, entries, cut) = open(&path).unwrap();
        assert_eq!((entries.len(), cut), (3, 0));
        log.append([&b"four"[..]].into_iter()).unwrap();
        assert_eq!(open(&path).unwrap().1.last().unwrap(), b"four");
        let mut log = log.anew([&b"two"[..], b"four"].into_iter()).unwrap();
        log.append([&b"five"[..]].into_iter()).unwrap();
        let (_, entries, cut) = open(&path).unwrap();
        assert_eq!((entries, cut), (vec![b"two".to_vec(), b"four".to_vec(), b"five".to_vec()], 0));
        let other = Log::open(&path, &CHAIN, &IdentityId::new([8; 32]));
        assert!(matches!(other, Err(LogError::Other(_))), "{other:?}");
    }

    /// Wherever the power goes, what was whole before is there, and what follows can be appended.
    #[test]
    fn cut_short_anywhere() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool");
        let whole = three(&path);
        for end in 0..whole.len() {
            for zeros in [0, 7, 100] {
                std::fs::write(&path, [&whole[..end], &vec![0; zeros]].concat()).unwrap();
                let (mut log, entries, _) = open(&path).unwrap();
                assert!(entries.len() < 3, "{end}");
                log.append([&b"again"[..]].into_iter()).unwrap();
                assert_eq!(open(&path).unwrap().1.len(), entries.len() + 1, "{end}");
            }
        }
    }

    /// Any flipped bit before the last entry is damage, and in none is something else read than was written.
    #[test]
    fn a_flipped_bit_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool");
        let whole = three(&path);
        let last = whole.len() - ENTRY - 27;
        for bit in 0..whole.len() * 8 {
            let mut bent = whole.clone();
            bent[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &bent).unwrap();
            match open(&path) {
                Ok((_, entries, _)) => {
                    assert!(bit / 8 >= last, "bit {bit}");
                    assert_eq!(entries, [&b"one"[..], b"two"], "bit {bit}");
                }
                Err(LogError::Damaged { .. } | LogError::Other(_)) => {}
                Err(other) => panic!("bit {bit}: {other}"),
            }
        }
    }
}
