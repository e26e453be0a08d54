//! Filling holes of the log, and beginning one in the middle of a chain.

use super::files::{keep_copy, segment_path, sync_folder};
use super::{BlockLog, LEAST, SEGMENT_BYTES, Segment, number};
use crate::codec;
use crate::store::disk::{Access, DiskFile};
use crate::store::{StoreError, StoredBlock, entry};
use liuhen_proto::types::Height;
use std::sync::{Arc, PoisonError};

/// A segment that is appended to, and its file.
type Open = (usize, Arc<dyn DiskFile>);

impl BlockLog {
    /// Begins anew with the block of a height. What stands before it is missing, and is filled afterwards; what was here is
    /// removed.
    pub fn begin_at(&mut self, height: Height, block: &StoredBlock) -> Result<(), StoreError> {
        self.last = None;
        self.places.clear();
        self.forget_opened();
        for segment in std::mem::take(&mut self.segments) {
            let what = format!("remove {}", segment.path);
            segment.path.remove().map_err(StoreError::io(what))?;
        }
        let missing = usize::try_from(height.get().saturating_sub(1)).unwrap_or(usize::MAX);
        self.places.resize(missing, None);
        self.append(block)
    }

    /// Fills holes one behind the other from `first` on, each right behind a block that can be read, or the first of all. They are
    /// synced once, at the end.
    pub fn fill_run(&mut self, first: Height, blocks: &[StoredBlock]) -> Result<(), StoreError> {
        let mut open: Option<Open> = None;
        for (height, block) in (first.get()..).map(Height::new).zip(blocks) {
            if !self.is_hole(height) {
                continue;
            }
            if self.segment_of(height).is_some_and(|at| self.has_behind(at, height)) {
                sync(open.take())?;
                self.write_anew(height, block)?;
                continue;
            }
            let entry = entry::whole(&encode(block)?);
            let at = self.segment_before(height)?;
            if open.as_ref().is_none_or(|(of, _)| *of != at) {
                sync(open.replace((at, self.writable(at)?)))?;
            }
            let (Some((_, file)), Some(segment)) = (&open, self.segments.get_mut(at)) else {
                break;
            };
            let what = || format!("write {}", segment.path);
            file.write_all_at(&entry, segment.length).map_err(StoreError::io(what()))?;
            if let Some(place) = self.places.get_mut(number(height)) {
                *place = Some((at, segment.length));
            }
            segment.length = segment.length.saturating_add(entry.len() as u64);
        }
        sync(open)
    }

    /// The segment in whose stretch a height is.
    fn segment_of(&self, height: Height) -> Option<usize> {
        self.segments.partition_point(|it| it.first <= height).checked_sub(1)
    }

    /// The segment that ends with the block before a height, and has room: a new one if need be.
    fn segment_before(&mut self, height: Height) -> Result<usize, StoreError> {
        let of = self.segment_of(height);
        let before = self.places.get(number(height.previous())).copied().flatten();
        let is_its = |at: &usize| before.is_some_and(|(segment, _)| segment == *at);
        let has_room =
            |at: &usize| self.segments.get(*at).is_some_and(|it| it.length < SEGMENT_BYTES);
        if let Some(at) = of.filter(is_its).filter(has_room) {
            return Ok(at);
        }
        let new = of.map_or(0, |at| at.saturating_add(1));
        self.insert_segment(new, height)?;
        Ok(new)
    }

    /// Whether a segment has a block that can be read behind a height.
    fn has_behind(&self, segment: usize, height: Height) -> bool {
        let until = match self.segments.get(segment.saturating_add(1)) {
            Some(next) => next.first,
            None => self.height().next(),
        };
        let places = self.places.get(number(height)..number(until));
        places.is_none_or(|it| it.iter().any(Option::is_some))
    }

    /// Makes a file for the blocks from a height on, before those behind it.
    fn insert_segment(&mut self, at: usize, first: Height) -> Result<(), StoreError> {
        let path = segment_path(&self.folder, first);
        path.open(Access::New).map_err(StoreError::io(format!("make {path}")))?;
        sync_folder(&self.folder)?;
        self.segments.insert(at, Segment { path, first, length: 0 });
        for (segment, _) in self.places.iter_mut().flatten().filter(|(it, _)| *it >= at) {
            *segment = segment.saturating_add(1);
        }
        self.forget_opened();
        Ok(())
    }

    fn writable(&self, at: usize) -> Result<Arc<dyn DiskFile>, StoreError> {
        let without = || StoreError::Damaged("block log without a segment".into());
        let path = &self.segments.get(at).ok_or_else(without)?.path;
        path.open(Access::Write).map_err(StoreError::io(format!("open {path}")))
    }

    fn forget_opened(&self) {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Fills a hole. Nothing is done where there is none.
    pub fn fill(&mut self, height: Height, block: &StoredBlock) -> Result<(), StoreError> {
        self.fill_run(height, std::slice::from_ref(block))
    }

    /// Writes a segment anew, with a block where it belongs before others.
    fn write_anew(&mut self, height: Height, block: &StoredBlock) -> Result<(), StoreError> {
        let Some(number) = self.segment_of(height) else { return Ok(()) };
        let payload = encode(block)?;
        let Some(Segment { path, first, .. }) = self.segments.get(number) else { return Ok(()) };
        let (path, first) = (path.clone(), *first);
        let is_its = |place: &Option<(usize, u64)>| place.is_some_and(|(of, _)| of == number);
        let last = self.places.iter().rposition(is_its).unwrap_or_default() as u64;
        let until = height.max(Height::new(last.saturating_add(1)));
        let old = path.read().map_err(StoreError::io(format!("read {path}")))?;
        let (mut bytes, mut places) = (Vec::with_capacity(old.len()), Vec::new());
        for at in first.get()..=until.get() {
            let at = Height::new(at);
            let entry =
                if at == height { Some(entry::whole(&payload)) } else { self.raw(at, &old) };
            places.push(entry.as_ref().map(|_| (number, bytes.len() as u64)));
            // Another hole keeps its room.
            bytes.extend(entry.unwrap_or_else(|| vec![0; LEAST]));
        }
        keep_copy(&path)?;
        let file = path.replace(&bytes).map_err(StoreError::io(format!("write {path}")))?;
        for (place, new) in self.places.iter_mut().skip(self::number(first)).zip(places) {
            *place = new;
        }
        if let Some(segment) = self.segments.get_mut(number) {
            segment.length = bytes.len() as u64;
        }
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).retain(|(of, _)| *of != number);
        if number.saturating_add(1) == self.segments.len() {
            self.last = Some(file);
        }
        sync_folder(&self.folder)
    }

    /// The whole entry of a height in the bytes of its segment.
    fn raw(&self, height: Height, segment: &[u8]) -> Option<Vec<u8>> {
        let (_, offset) = (*self.places.get(number(height))?)?;
        let from = usize::try_from(offset).ok()?;
        let end = entry::end(segment, from)?;
        segment.get(from..end).map(<[u8]>::to_vec)
    }
}

fn encode(block: &StoredBlock) -> Result<Vec<u8>, StoreError> {
    codec::encode(block).map_err(|e| StoreError::Damaged(format!("block: {e}")))
}

fn sync(open: Option<Open>) -> Result<(), StoreError> {
    open.map_or(Ok(()), |(_, file)| file.sync_data()).map_err(StoreError::io("sync the block log"))
}
