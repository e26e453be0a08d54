//! Files of a simulated disk: what a process sees of each, what is durable, and what lies between.

use super::{SimDisk, State, full};
use crate::random::Random;
use liuhen_node::store::disk::{Access, Disk as _, DiskFile};
use malachitebft_app_channel::app::wal::Storage;
use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Read, Result, Seek, SeekFrom, Write};
use std::path::Path;

/// Bytes that are written together or not at all.
const SECTOR: usize = 512;

#[derive(Debug, Default)]
pub(super) struct Data {
    now: Vec<u8>,
    durable: Vec<u8>,
    /// What was done since it was synced, in order.
    pending: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Bytes(usize, Vec<u8>),
    Length(usize),
}

impl Data {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self { now: bytes.to_vec(), durable: bytes.to_vec(), pending: Vec::new() }
    }

    pub(super) fn now(&self) -> &[u8] {
        &self.now
    }

    pub(super) fn set_length(&mut self, length: usize) {
        self.now.resize(length, 0);
        self.pending.push(Change::Length(length));
    }

    fn write(&mut self, bytes: &[u8], offset: usize) {
        put(&mut self.now, bytes, offset);
        self.pending.push(Change::Bytes(offset, bytes.to_vec()));
    }

    fn sync(&mut self) {
        // What was forgotten by a sync that failed stays so.
        for change in self.pending.drain(..) {
            match change {
                Change::Bytes(offset, bytes) => put(&mut self.durable, &bytes, offset),
                Change::Length(length) => self.durable.resize(length, 0),
            }
        }
    }

    /// A sync failed: what was to be synced may be taken for written from now on.
    fn forget(&mut self) {
        self.pending.clear();
    }

    /// Each sector is as it was after some of what was done, and so is the length: what is behind a sector that was not written is
    /// zeros. In half of the cases all is as it was at one moment.
    pub(super) fn cut_power(&mut self, random: &mut Random) {
        let pending = std::mem::take(&mut self.pending);
        let done = random.index(pending.len() + 1);
        let is_one_moment = random.chance(500);
        let mut until = BTreeMap::new();
        let length = match is_one_moment {
            true => done,
            false => random.index(pending.len() + 1),
        };
        let length = pending.iter().take(length).fold(self.durable.len(), |length, it| match it {
            Change::Bytes(offset, bytes) => length.max(offset + bytes.len()),
            Change::Length(length) => *length,
        });
        for (number, change) in pending.iter().enumerate() {
            match change {
                Change::Length(length) if number < done => self.durable.resize(*length, 0),
                Change::Length(_) => {}
                Change::Bytes(offset, bytes) => {
                    for (at, piece) in sectors(*offset, bytes) {
                        let chosen = until.entry(at / SECTOR).or_insert_with(|| {
                            if is_one_moment { done } else { random.index(pending.len() + 1) }
                        });
                        if number < *chosen {
                            put(&mut self.durable, piece, at);
                        }
                    }
                }
            }
        }
        self.durable.resize(length, 0);
        self.now = self.durable.clone();
    }
}

/// The pieces of bytes that lie in one sector each, and where.
fn sectors(offset: usize, bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let begin = at;
        at = bytes.len().min(begin + SECTOR - (offset + begin) % SECTOR);
        bytes.get(begin..at).filter(|it| !it.is_empty()).map(|it| (offset + begin, it))
    })
}

fn put(to: &mut Vec<u8>, bytes: &[u8], offset: usize) {
    let end = offset + bytes.len();
    if to.len() < end {
        to.resize(end, 0);
    }
    to[offset..end].copy_from_slice(bytes);
}

fn usize_of(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A file that a process has open.
#[derive(Debug)]
pub(crate) struct SimFile {
    disk: SimDisk,
    id: u64,
    /// Where the engine's log reads and writes next.
    at: u64,
}

impl SimFile {
    pub(super) fn new(disk: SimDisk, id: u64) -> Self {
        Self { disk, id, at: 0 }
    }

    fn with<T>(&self, does: impl FnOnce(&mut State, u64) -> Result<T>) -> Result<T> {
        does(&mut self.disk.lock(), self.id)
    }

    fn sync(&self) -> Result<()> {
        self.with(|state, id| {
            let called = state.call();
            let is_lost = called.is_err() && state.ended.is_none() && state.random.chance(500);
            if let Some(data) = state.files.get_mut(&id) {
                match called {
                    Ok(()) => data.sync(),
                    Err(_) if is_lost => data.forget(),
                    Err(_) => {}
                }
            }
            called?;
            state.settle_until(|(_, it)| *it == Some(id));
            Ok(())
        })
    }
}

impl DiskFile for SimFile {
    fn size(&self) -> Result<u64> {
        self.with(|state, id| {
            state.call()?;
            Ok(state.files.get(&id).map_or(0, |it| it.now.len() as u64))
        })
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> Result<()> {
        self.with(|state, id| {
            state.call()?;
            let (data, from) = (state.files.get(&id), usize_of(offset));
            let bytes = data.and_then(|it| it.now.get(from..from.checked_add(buffer.len())?));
            buffer.copy_from_slice(bytes.ok_or(ErrorKind::UnexpectedEof)?);
            Ok(())
        })
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.with(|state, id| {
            let (was_there, called) = (state.ended.is_none(), state.call());
            // Who is killed, or fails, in the middle has written a beginning; who was no more has written nothing.
            let length = match &called {
                Ok(()) => bytes.len(),
                Err(_) if was_there => state.random.index(bytes.len() + 1),
                Err(_) => 0,
            };
            let (is_full, from) = (state.is_full, usize_of(offset));
            let Some(data) = state.files.get_mut(&id) else { return called };
            let end = from.saturating_add(length);
            if is_full && called.is_ok() && end > data.now.len() {
                return Err(full());
            }
            if length > 0 {
                data.write(&bytes[..length], from);
            }
            called
        })
    }

    fn set_len(&self, length: u64) -> Result<()> {
        self.with(|state, id| {
            state.call()?;
            if let Some(data) = state.files.get_mut(&id) {
                data.set_length(usize_of(length));
            }
            Ok(())
        })
    }

    fn sync_data(&self) -> Result<()> {
        self.sync()
    }

    fn sync_all(&self) -> Result<()> {
        self.sync()
    }
}

impl Read for SimFile {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let left = self.size()?.saturating_sub(self.at);
        let count = buffer.len().min(usize_of(left));
        self.read_exact_at(&mut buffer[..count], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Write for SimFile {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.write_all_at(bytes, self.at)?;
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Seek for SimFile {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size()?.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| Error::from(ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

/// The engine's own log, over this disk.
impl Storage for SimFile {
    type OpenOptions = SimDisk;

    fn open_with(path: impl AsRef<Path>, disk: SimDisk) -> Result<Self> {
        let path = path.as_ref();
        let access = if disk.exists(path) { Access::Write } else { Access::New };
        disk.open(path, access)?;
        let id = disk.lock().names.get(path).copied().ok_or(ErrorKind::NotFound)?;
        Ok(Self::new(disk, id))
    }

    fn size_bytes(&self) -> Result<u64> {
        self.size()
    }

    fn truncate_to(&mut self, size: u64) -> Result<()> {
        self.set_len(size)
    }

    fn sync_all(&mut self) -> Result<()> {
        self.sync()
    }
}
