//! The block log: segment files of entries, each written and synced before it is acknowledged.
//!
//! A torn tail is cut at opening. Damage further in is told from it by what follows: a whole entry of a later height. What
//! lies between is a hole: the heights that can't be read, in a log that goes on behind them. A hole is filled in place
//! with what others have ([`BlockLog::fill`]); until then its blocks can't be read, and nothing else is touched.

mod files;
mod fill;

pub(crate) use files::segment_paths;
pub(super) use files::sync_folder;

use super::disk::{Access, DiskFile, DiskPath};
use super::record::StoredBlock;
use super::{StoreError, entry};
use crate::codec;
use files::{first_height, keep_copy, segment_path, set_aside};
use liuhen_proto::header::block::{HEADER_BYTES, Header};
use liuhen_proto::types::Height;
use std::collections::VecDeque;
use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of a length as the payload has it.
const LENGTH: usize = 8;
/// Bytes that the least block takes: no more blocks are missing than would have had room.
const LEAST: usize = entry::HEADER + LENGTH + HEADER_BYTES;
/// Blocks that may be missing between two files.
const LOST: u64 = 1 << 22;
const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;
/// Segments whose files stay open for reading: a long chain has more segments than a process may have files.
const OPENED: usize = 16;

/// Damage found at opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The heights that can't be read.
    pub heights: RangeInclusive<Height>,
    /// Where a copy of the damaged file is, or the file itself.
    pub kept_at: PathBuf,
}

/// An append-only log of blocks from height 1 on.
#[derive(Debug)]
pub struct BlockLog {
    folder: DiskPath,
    segments: Vec<Segment>,
    /// The last segment's file, which is appended to.
    last: Option<Arc<dyn DiskFile>>,
    /// Files of segments that were read last, the newest at the end.
    opened: Mutex<VecDeque<(usize, Arc<dyn DiskFile>)>>,
    /// For each block its segment and the offset of its entry; `None`: it can't be read.
    places: Vec<Option<(usize, u64)>>,
    /// What is missing below this height was never here: it is fetched in the course of time.
    begins: Height,
}

#[derive(Debug)]
struct Segment {
    path: DiskPath,
    /// The height of its first block.
    first: Height,
    length: u64,
}

/// Where a block's entry is.
struct Entry<'a> {
    segment: &'a Segment,
    file: Arc<dyn DiskFile>,
    offset: u64,
}

impl BlockLog {
    /// Opens the log in a folder, which is made if need be. Says what damage was found.
    pub fn open(folder: impl Into<DiskPath>) -> Result<(Self, Vec<Damage>), StoreError> {
        let folder = folder.into();
        folder.make_folder().map_err(StoreError::io(format!("make {folder}")))?;
        let opened = Self::read_folder(folder, true)?;
        // The name of the last file may be in memory alone, where syncing it failed before.
        sync_folder(&opened.0.folder)?;
        Ok(opened)
    }

    /// Looks at the log in a folder, and changes nothing there: a last block that is not whole is damage as well.
    pub fn look_at(folder: impl Into<DiskPath>) -> Result<(Self, Vec<Damage>), StoreError> {
        Self::read_folder(folder.into(), false)
    }

    fn read_folder(folder: DiskPath, mend: bool) -> Result<(Self, Vec<Damage>), StoreError> {
        let paths = segment_paths(&folder)?;
        let mut log = Self {
            folder,
            segments: Vec::new(),
            last: None,
            opened: Mutex::default(),
            places: Vec::new(),
            begins: Height::new(1),
        };
        let mut damage = Vec::new();
        for (number, path) in paths.iter().enumerate() {
            let is_last = number.saturating_add(1) == paths.len();
            log.read_segment(path, (is_last, mend), &mut damage)?;
        }
        Ok((log, damage))
    }

    /// The log of a node that joined by a snapshot of a height: what is missing below it was never here.
    pub fn begins_at(&mut self, height: Height) {
        self.begins = height;
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
        let what = || format!("write {}", segment.path);
        let entry = entry::whole(&payload);
        file.write_all_at(&entry, segment.length).map_err(StoreError::io(what()))?;
        file.sync_data().map_err(StoreError::io(what()))?;
        self.places.push(Some((number, segment.length)));
        segment.length = segment.length.saturating_add(entry.len() as u64);
        Ok(())
    }

    /// The block of a height; `None` above the log's height and for genesis.
    pub fn read(&self, height: Height) -> Result<Option<StoredBlock>, StoreError> {
        let Some(Entry { segment, file, offset }) = self.place(height)? else { return Ok(None) };
        let damaged = || StoreError::Damaged(format!("block {height}"));
        let what = || format!("read {}", segment.path);
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
        let what = || format!("read {}", segment.path);
        file.read_exact_at(&mut bytes, behind).map_err(StoreError::io(what()))?;
        let (length, header) = bytes.split_at(LENGTH);
        match length == (HEADER_BYTES as u64).to_le_bytes() {
            true => Ok(Some(header.to_vec())),
            false => Err(StoreError::Damaged(format!("block {height}"))),
        }
    }

    /// Where the entry of a height's block is.
    fn place(&self, height: Height) -> Result<Option<Entry<'_>>, StoreError> {
        let Some(place) = self.places.get(number(height)) else { return Ok(None) };
        let damaged = || StoreError::Damaged(format!("block {height}"));
        let unread = || if height < self.begins { StoreError::NotYet } else { damaged() };
        let (number, offset) = place.as_ref().ok_or_else(unread)?;
        let segment = self.segments.get(*number).ok_or_else(damaged)?;
        let file = self.file(*number, segment)?;
        Ok(Some(Entry { segment, file, offset: *offset }))
    }

    /// A segment's file: one that is open yet, or opened in place of the one that was read longest ago.
    fn file(&self, number: usize, segment: &Segment) -> Result<Arc<dyn DiskFile>, StoreError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let found =
            opened.iter().position(|(of, _)| *of == number).and_then(|at| opened.remove(at));
        let file = match found {
            Some((_, file)) => file,
            None => {
                let what = || format!("open {}", segment.path);
                segment.path.open(Access::Read).map_err(StoreError::io(what()))?
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
        let path = segment_path(&self.folder, first);
        let file = path.open(Access::New).map_err(StoreError::io(format!("make {path}")))?;
        sync_folder(&self.folder)?;
        self.segments.push(Segment { path, first, length: 0 });
        self.last = Some(file);
        Ok(())
    }

    /// Takes in a segment's entries. The last segment's torn tail is cut; what can't be read elsewhere is a hole.
    fn read_segment(
        &mut self,
        path: &DiskPath,
        (is_last, mend): (bool, bool),
        damage: &mut Vec<Damage>,
    ) -> Result<(), StoreError> {
        let what = || format!("read {path}");
        let access = if mend { Access::Write } else { Access::Read };
        let file = path.open(access).map_err(StoreError::io(what()))?;
        let bytes = file.read_all().map_err(StoreError::io(what()))?;
        let (number, first) = (self.segments.len(), first_height(path.path()).unwrap_or_default());
        let next = self.height().next();
        let lost = first.get().saturating_sub(next.get());
        if first < next || lost > LOST {
            if !mend {
                let heights = next..=next.max(first.previous());
                damage.push(Damage { heights, kept_at: path.path().to_owned() });
                return Ok(());
            }
            let kept_at = set_aside(path)?;
            tracing::error!(%next, %path, %kept_at, "a file of the block log does not follow on the others, and was put aside");
            return Ok(());
        }
        if first > next {
            // What stood before this file is not whole, or the file is gone.
            self.leave_out(next..=first.previous(), path.path().to_owned(), damage);
        }
        let (mut offset, mut kept) = (0, None);
        while offset < bytes.len() {
            let Some((at, end, height)) = next_entry(&bytes, offset, self.height().next()) else {
                break;
            };
            let next = self.height().next();
            if height > next {
                let kept_at = match &kept {
                    Some(kept_at) => PathBuf::clone(kept_at),
                    None if !mend => path.path().to_owned(),
                    None => kept.insert(keep_copy(path)?.path().to_owned()).clone(),
                };
                self.leave_out(next..=height.previous(), kept_at, damage);
            }
            self.places.push(Some((number, at as u64)));
            offset = end;
        }
        let length = if is_last { offset } else { bytes.len() };
        if offset < bytes.len() && is_last && !mend {
            let next = self.height().next();
            damage.push(Damage { heights: next..=next, kept_at: path.path().to_owned() });
        } else if offset < bytes.len() && is_last {
            let (height, cut) = (self.height().next(), bytes.len() - offset);
            tracing::warn!(%height, cut, %path, "the last block in the log is not whole, as after a power cut, or damaged: its bytes were cut, and it is taken from what the node keeps of the open height, or fetched again");
            file.set_len(offset as u64).map_err(StoreError::io(what()))?;
        }
        if is_last && mend {
            self.write_last_again(&*file, number, &bytes).map_err(StoreError::io(what()))?;
        }
        self.segments.push(Segment { path: path.clone(), first, length: length as u64 });
        self.last = Some(file);
        Ok(())
    }

    /// Writes the last entry once more and syncs it: where syncing it failed before, what was read may be in memory alone.
    /// Those before it were synced, or it would not be there.
    fn write_last_again(
        &self,
        file: &dyn DiskFile,
        number: usize,
        bytes: &[u8],
    ) -> std::io::Result<()> {
        let last = self.places.last().copied().flatten().filter(|(segment, _)| *segment == number);
        if let Some((_, offset)) = last {
            let from = usize::try_from(offset).unwrap_or(usize::MAX);
            let end = entry::end(bytes, from).unwrap_or(from);
            file.write_all_at(bytes.get(from..end).unwrap_or_default(), offset)?;
        }
        file.sync_all()
    }

    fn leave_out(
        &mut self,
        heights: RangeInclusive<Height>,
        kept_at: PathBuf,
        damage: &mut Vec<Damage>,
    ) {
        let count = heights.end().get().saturating_sub(heights.start().get()).saturating_add(1);
        self.places.extend((0..count).map(|_| None));
        damage.push(Damage { heights, kept_at });
    }

    /// The heights that can't be read, in order; not those that were never here.
    pub fn holes(&self) -> impl DoubleEndedIterator<Item = Height> + '_ {
        self.unread(number(self.begins)..self.places.len())
    }

    /// The heights that were never here, in order.
    pub fn older(&self) -> impl Iterator<Item = Height> + '_ {
        self.unread(0..number(self.begins))
    }

    fn unread(&self, range: Range<usize>) -> impl DoubleEndedIterator<Item = Height> + '_ {
        let numbered = range.clone().zip(self.places.get(range).unwrap_or_default());
        numbered
            .filter(|(_, place)| place.is_none())
            .map(|(number, _)| Height::new(number as u64 + 1))
    }

    /// Whether a height's block can't be read.
    pub fn is_hole(&self, height: Height) -> bool {
        self.places.get(number(height)).is_some_and(Option::is_none)
    }

    /// Reads a block's entry once more; one that can't be read is a hole from now on. Whether it is.
    pub fn check(&mut self, height: Height) -> bool {
        match self.read(height) {
            Ok(_) => false,
            Err(error) => {
                tracing::error!(%height, %error, "a block of the log can't be read");
                if let Some(place) = self.places.get_mut(number(height)) {
                    *place = None;
                }
                true
            }
        }
    }

    /// Ends the log before a height: what is behind stays in copies beside. For who has to make it anew from there.
    pub fn cut(&mut self, height: Height) -> Result<(), StoreError> {
        let keep = number(height);
        while self.segments.last().is_some_and(|it| it.first >= height && it.first > Height::new(1))
        {
            if let Some(segment) = self.segments.pop() {
                set_aside(&segment.path)?;
            }
        }
        let number = self.segments.len().saturating_sub(1);
        let behind = self.places.iter().skip(keep).flatten().find(|(of, _)| *of == number);
        let behind = behind.map(|(_, offset)| *offset);
        self.places.truncate(keep);
        if let Some(segment) = self.segments.last_mut() {
            let what = || format!("cut {}", segment.path);
            keep_copy(&segment.path)?;
            let file = segment.path.open(Access::Write).map_err(StoreError::io(what()))?;
            let length = behind.unwrap_or(segment.length);
            file.set_len(length).and_then(|()| file.sync_all()).map_err(StoreError::io(what()))?;
            segment.length = length;
            self.last = Some(file);
        }
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }
}

/// The place of a height's block among those of the log; genesis has none there.
fn number(height: Height) -> usize {
    let number = height.get().checked_sub(1).and_then(|it| usize::try_from(it).ok());
    number.unwrap_or(usize::MAX)
}

/// The first whole entry from `offset` on, of a height from `next` on: where it begins and ends, and its height. An entry
/// whose length is whole is passed over as one: what a block holds is not searched for blocks.
fn next_entry(bytes: &[u8], offset: usize, next: Height) -> Option<(usize, usize, Height)> {
    let mut at = offset;
    while at < bytes.len() {
        let header = bytes.get(at..at.saturating_add(entry::HEADER))?;
        let end = entry::payload_length(header).map(|it| at + entry::HEADER + it);
        let end = end.filter(|end| *end <= bytes.len());
        if let Some(end) = end.filter(|_| entry::end(bytes, at).is_some())
            && let Some(height) = height_of(bytes.get(at + entry::HEADER..end)?)
            && let Some(missing) = height.get().checked_sub(next.get())
            && missing <= ((at - offset) / LEAST) as u64
        {
            return Some((at, end, height));
        }
        at = end.unwrap_or_else(|| at.saturating_add(1));
    }
    None
}

/// The height of the block in a payload, whose header comes first behind its length.
fn height_of(payload: &[u8]) -> Option<Height> {
    let header = payload.get(LENGTH..LENGTH + HEADER_BYTES)?;
    Header::from_bytes(header).ok().map(|it| it.height)
}

#[cfg(test)]
mod tests;
