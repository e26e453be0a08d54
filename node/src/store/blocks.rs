//! The block log: segment files of entries, each written and synced before it is acknowledged.
//!
//! A torn tail is cut at opening. Damage further in is told from it by what follows:
//! if a whole entry stands behind it, the file is set aside and the log ends before the damage,
//! so that the blocks are fetched again from peers.

use super::record::StoredBlock;
use super::{StoreError, entry};
use crate::codec;
use liuhen_proto::header::block::HEADER_BYTES;
use liuhen_proto::types::Height;
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of a length as the payload has it.
const LENGTH: usize = 8;
const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;
/// Segments whose files stay open for reading: a long chain has more segments than a process may have files.
const OPENED: usize = 16;

/// Damage found at opening, before which the log now ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The first height that can't be read.
    pub height: Height,
    /// Where the damaged file was put.
    pub kept_at: PathBuf,
}

/// An append-only log of blocks from height 1 on.
#[derive(Debug)]
pub struct BlockLog {
    folder: PathBuf,
    segments: Vec<Segment>,
    /// The last segment's file, which is appended to.
    last: Option<File>,
    /// Files of segments that were read last, the newest at the end.
    opened: Mutex<VecDeque<(usize, Arc<File>)>>,
    /// For each block: its segment, and the offset of its entry.
    places: Vec<(usize, u64)>,
}

#[derive(Debug)]
struct Segment {
    path: PathBuf,
    length: u64,
}

/// Where a block's entry is.
struct Entry<'a> {
    segment: &'a Segment,
    file: Arc<File>,
    offset: u64,
}

impl BlockLog {
    /// Opens the log in a folder, which is made if need be. Says what damage was found.
    pub fn open(folder: &Path) -> Result<(Self, Option<Damage>), StoreError> {
        std::fs::create_dir_all(folder)
            .map_err(StoreError::io(format!("make {}", folder.display())))?;
        let mut log = Self {
            folder: folder.to_owned(),
            segments: Vec::new(),
            last: None,
            opened: Mutex::default(),
            places: Vec::new(),
        };
        let mut damage = None;
        for path in segment_paths(folder)? {
            if damage.is_some() {
                set_aside(&path)?;
            } else if first_height(&path) != Some(log.height().next()) {
                // What stood before this file is not whole.
                let kept_at = set_aside(&path)?;
                damage = Some(Damage { height: log.height().next(), kept_at });
            } else {
                damage = log.read_segment(path)?;
            }
        }
        Ok((log, damage))
    }

    /// The height of the last block; genesis if there is none.
    pub fn height(&self) -> Height {
        Height::new(self.places.len() as u64)
    }

    /// Appends the block of the next height and syncs it to disk.
    pub fn append(&mut self, block: &StoredBlock) -> Result<(), StoreError> {
        let payload =
            codec::encode(block).map_err(|e| StoreError::Damaged(format!("block: {e}")))?;
        if self.segments.last().is_none_or(|segment| segment.length >= SEGMENT_BYTES) {
            self.new_segment()?;
        }
        let number = self.segments.len().saturating_sub(1);
        let (Some(segment), Some(file)) = (self.segments.last_mut(), &self.last) else {
            return Err(StoreError::Damaged("block log without a segment".into()));
        };
        let what = || format!("write {}", segment.path.display());
        let entry = entry::whole(&payload);
        file.write_all_at(&entry, segment.length).map_err(StoreError::io(what()))?;
        file.sync_data().map_err(StoreError::io(what()))?;
        self.places.push((number, segment.length));
        segment.length = segment.length.saturating_add(entry.len() as u64);
        Ok(())
    }

    /// The block of a height; `None` above the log's height and for genesis.
    pub fn read(&self, height: Height) -> Result<Option<StoredBlock>, StoreError> {
        let Some(Entry { segment, file, offset }) = self.place(height)? else { return Ok(None) };
        let damaged = || StoreError::Damaged(format!("block {height}"));
        let what = || format!("read {}", segment.path.display());
        let mut header = [0; entry::HEADER];
        file.read_exact_at(&mut header, offset).map_err(StoreError::io(what()))?;
        let length = entry::payload_length(&header).ok_or_else(damaged)?;
        let mut payload = vec![0; length];
        let behind = offset.saturating_add(entry::HEADER as u64);
        file.read_exact_at(&mut payload, behind).map_err(StoreError::io(what()))?;
        if !entry::payload_fits(&header, &payload) {
            return Err(damaged());
        }
        codec::decode(&payload).map(Some).map_err(|_| damaged())
    }

    /// The header of a height's block, without the rest: it comes first, behind its length. `None` as for
    /// [`BlockLog::read`]. No checksum covers it alone: whoever asks knows its hash.
    pub fn header(&self, height: Height) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(Entry { segment, file, offset }) = self.place(height)? else { return Ok(None) };
        let mut bytes = [0; LENGTH + HEADER_BYTES];
        let behind = offset.saturating_add(entry::HEADER as u64);
        let what = || format!("read {}", segment.path.display());
        file.read_exact_at(&mut bytes, behind).map_err(StoreError::io(what()))?;
        let (length, header) = bytes.split_at(LENGTH);
        match length == (HEADER_BYTES as u64).to_le_bytes() {
            true => Ok(Some(header.to_vec())),
            false => Err(StoreError::Damaged(format!("block {height}"))),
        }
    }

    /// Where the entry of a height's block is.
    fn place(&self, height: Height) -> Result<Option<Entry<'_>>, StoreError> {
        let number = height.get().checked_sub(1).and_then(|n| usize::try_from(n).ok());
        let Some((number, offset)) = number.and_then(|n| self.places.get(n)) else {
            return Ok(None);
        };
        let damaged = || StoreError::Damaged(format!("block {height}"));
        let segment = self.segments.get(*number).ok_or_else(damaged)?;
        let file = self.file(*number, segment)?;
        Ok(Some(Entry { segment, file, offset: *offset }))
    }

    /// A segment's file: one that is open yet, or opened in place of the one that was read longest ago.
    fn file(&self, number: usize, segment: &Segment) -> Result<Arc<File>, StoreError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let found =
            opened.iter().position(|(of, _)| *of == number).and_then(|at| opened.remove(at));
        let file = match found {
            Some((_, file)) => file,
            None => {
                let what = || format!("open {}", segment.path.display());
                Arc::new(File::open(&segment.path).map_err(StoreError::io(what()))?)
            }
        };
        if opened.len() >= OPENED {
            opened.pop_front();
        }
        opened.push_back((number, Arc::clone(&file)));
        Ok(file)
    }

    fn new_segment(&mut self) -> Result<(), StoreError> {
        let first = self.height().next();
        let path = self.folder.join(format!("blocks-{:020}.log", first.get()));
        let what = || format!("make {}", path.display());
        let file = OpenOptions::new()
            .create(true)
            .read(true)
            .write(true)
            .truncate(true)
            .open(&path)
            .map_err(StoreError::io(what()))?;
        sync_folder(&self.folder)?;
        self.segments.push(Segment { path, length: 0 });
        self.last = Some(file);
        Ok(())
    }

    /// Takes in a segment's entries; cuts a torn tail, stops at damage.
    fn read_segment(&mut self, path: PathBuf) -> Result<Option<Damage>, StoreError> {
        let what = || format!("read {}", path.display());
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .map_err(StoreError::io(what()))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(StoreError::io(what()))?;
        let number = self.segments.len();
        let mut offset = 0;
        while let Some(end) = entry::end(&bytes, offset) {
            self.places.push((number, offset as u64));
            offset = end;
        }
        let mut damage = None;
        if offset < bytes.len() {
            let height = self.height().next();
            if another_entry_follows(&bytes, offset) {
                let kept_at = keep_copy(&path)?;
                damage = Some(Damage { height, kept_at });
            } else {
                let (cut, path) = (bytes.len() - offset, path.display());
                tracing::warn!(%height, cut, %path, "the last block in the log is not whole, as after a power cut, or damaged: its bytes were cut, and it is taken from what the node keeps of the open height, or fetched again");
            }
            file.set_len(offset as u64).map_err(StoreError::io(what()))?;
            file.sync_all().map_err(StoreError::io(what()))?;
        }
        file.seek(SeekFrom::End(0)).map_err(StoreError::io(what()))?;
        self.segments.push(Segment { path, length: offset as u64 });
        self.last = Some(file);
        Ok(damage)
    }
}

/// Whether a whole entry stands somewhere behind a broken one: then it is damage, not a torn tail.
fn another_entry_follows(bytes: &[u8], broken: usize) -> bool {
    (broken.saturating_add(1)..bytes.len()).any(|offset| entry::end(bytes, offset).is_some())
}

fn segment_paths(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let what = || format!("read {}", folder.display());
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(StoreError::io(what()))? {
        let path = entry.map_err(StoreError::io(what()))?.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn keep_copy(path: &Path) -> Result<PathBuf, StoreError> {
    let kept = path.with_extension("damaged");
    std::fs::copy(path, &kept).map_err(StoreError::io(format!("copy {}", path.display())))?;
    Ok(kept)
}

fn set_aside(path: &Path) -> Result<PathBuf, StoreError> {
    let aside = path.with_extension("behind-damage");
    std::fs::rename(path, &aside).map_err(StoreError::io(format!("move {}", path.display())))?;
    Ok(aside)
}

/// The height of a segment's first block, as its name says.
fn first_height(path: &Path) -> Option<Height> {
    let number = path.file_stem()?.to_str()?.strip_prefix("blocks-")?;
    Some(Height::new(number.parse().ok()?))
}

/// Makes names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    let what = || format!("sync {}", folder.display());
    let file = File::open(folder).map_err(StoreError::io(what()))?;
    file.sync_all().map_err(StoreError::io(what()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::record::Block;

    fn block(number: u8) -> StoredBlock {
        let transactions = vec![vec![number; 100]];
        let block = Block { header: vec![number; 288], last_certificate: vec![], transactions };
        StoredBlock {
            block,
            certificate: vec![number],
            outcomes: vec![1],
            ledger_events: vec![vec![number; 3]],
            next_validators: Vec::new(),
        }
    }

    fn filled(folder: &Path, count: u8) -> PathBuf {
        let (mut log, damage) = BlockLog::open(folder).unwrap();
        assert_eq!(damage, None);
        for number in 1..=count {
            log.append(&block(number)).unwrap();
        }
        log.segments[0].path.clone()
    }

    #[test]
    fn blocks_come_back() {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path(), 3);
        let (log, damage) = BlockLog::open(folder.path()).unwrap();
        assert_eq!((log.height(), damage), (Height::new(3), None));
        assert_eq!(log.read(Height::new(2)).unwrap(), Some(block(2)));
        assert_eq!(log.header(Height::new(2)).unwrap(), Some(block(2).block.header));
        assert_eq!(log.header(Height::new(4)).unwrap(), None);
        assert_eq!(log.read(Height::GENESIS).unwrap(), None);
        assert_eq!(log.read(Height::new(4)).unwrap(), None);
    }

    #[test]
    fn a_long_chain_does_not_hold_a_file_for_each_segment() {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, _) = BlockLog::open(folder.path()).unwrap();
        let count = 3 * OPENED as u8;
        for number in 1..=count {
            log.new_segment().unwrap();
            log.append(&block(number)).unwrap();
        }
        let held = || {
            let all = std::fs::read_dir("/proc/self/fd").unwrap();
            let here =
                |it: PathBuf| std::fs::read_link(it).is_ok_and(|to| to.starts_with(folder.path()));
            all.filter(|it| here(it.as_ref().unwrap().path())).count()
        };
        let read_all = |log: &BlockLog| {
            for number in (1..=count).chain((1..=count).rev()) {
                let height = Height::new(u64::from(number));
                assert_eq!(log.read(height).unwrap(), Some(block(number)));
            }
        };
        read_all(&log);
        assert!(held() <= OPENED + 1, "{} files", held());
        drop(log);
        let (mut log, damage) = BlockLog::open(folder.path()).unwrap();
        assert_eq!(damage, None);
        read_all(&log);
        assert!(held() <= OPENED + 1, "{} files after opening", held());
        log.append(&block(count + 1)).unwrap();
        assert_eq!(log.read(log.height()).unwrap(), Some(block(count + 1)));
    }

    #[test]
    fn a_torn_tail_is_cut_wherever_it_is_torn() {
        let folder = tempfile::tempdir().unwrap();
        let path = filled(folder.path(), 3);
        let whole = std::fs::read(&path).unwrap();
        let entry = whole.len() / 3;
        for cut in 2 * entry..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let (mut log, damage) = BlockLog::open(folder.path()).unwrap();
            assert_eq!((log.height(), damage), (Height::new(2), None), "cut at {cut}");
            log.append(&block(3)).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), whole);
        }
        std::fs::write(&path, [whole.as_slice(), &[0; 5000]].concat()).unwrap();
        let (log, damage) = BlockLog::open(folder.path()).unwrap();
        assert_eq!((log.height(), damage), (Height::new(3), None));
    }

    #[test]
    fn a_segment_that_does_not_follow_is_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = filled(folder.path(), 4);
        let whole = std::fs::read(&path).unwrap();
        let entry = whole.len() / 4;
        let second = folder.path().join(format!("blocks-{:020}.log", 3));
        std::fs::write(&second, &whole[2 * entry..]).unwrap();
        // The first segment has lost its last block, which looks like a torn tail there.
        std::fs::write(&path, &whole[..2 * entry - 1]).unwrap();
        let (log, damage) = BlockLog::open(folder.path()).unwrap();
        let damage = damage.unwrap();
        assert_eq!((log.height(), damage.height), (Height::new(1), Height::new(2)));
        assert!(damage.kept_at.exists() && !second.exists());
        let (log, damage) = BlockLog::open(folder.path()).unwrap();
        assert_eq!((log.height(), damage), (Height::new(1), None));
    }

    #[test]
    fn damage_further_in_is_named_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = filled(folder.path(), 4);
        let whole = std::fs::read(&path).unwrap();
        let entry = whole.len() / 4;
        // In the length, in the sums, in the payload of block 2.
        for at in [0, 5, 9, 60] {
            let mut bytes = whole.clone();
            bytes[entry + at] ^= 0x40;
            std::fs::write(&path, &bytes).unwrap();
            let (log, damage) = BlockLog::open(folder.path()).unwrap();
            let damage = damage.unwrap();
            assert_eq!((log.height(), damage.height), (Height::new(1), Height::new(2)), "at {at}");
            assert_eq!(std::fs::read(damage.kept_at).unwrap(), bytes);
        }
    }
}
