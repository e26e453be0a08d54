//! The record of votes: what this node's key signed at the last height at which it signed anything, on disk before
//! it is sent. It may stand outside the home.
//!
//! The file is preallocated, so that syncing an entry changes no length: `liuhen-votes-1` padded to 16 bytes ‖ key id ‖
//! CRC-32C of both u32 ‖ entries (see the block log's) ‖ zeros. It never comes to hold less than what was sent: whoever finds
//! it damaged knows that something is missing, and asks others.

use super::disk::{Access, DiskFile, DiskPath};
use super::{StoreError, entry};
use crate::codec;
use bincode::{Decode, Encode};
use liuhen_proto::types::{ChainId, Height, KeyId, TimeMs};
use std::cmp::Ordering;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MAGIC: &[u8; 16] = b"liuhen-votes-1\0\0";
const HEADER: usize = 16 + 32 + 4;
/// Bytes of a new file: a hundred heights or so, then it is written anew.
const ALLOCATED: usize = 64 * 1024;
/// Messages of one height that are kept; those of earlier rounds go first. Nobody waits for them.
const KEPT: usize = 128;

/// What a validator signs at a round, in the order in which it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub enum Step {
    /// A proposal.
    Propose,
    /// A first vote.
    Prevote,
    /// A second vote.
    Precommit,
}

/// Something signed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Signed {
    height: u64,
    /// The round.
    pub round: u32,
    /// What it is.
    pub step: Step,
    /// The bytes that were signed.
    pub bytes: Vec<u8>,
}

impl Signed {
    /// Of these bytes.
    pub fn new(height: Height, round: u32, step: Step, bytes: Vec<u8>) -> Self {
        Self { height: height.get(), round, step, bytes }
    }

    /// The height.
    pub fn height(&self) -> Height {
        Height::new(self.height)
    }

    /// A validator signs one message at each.
    pub fn place(&self) -> (Height, u32, Step) {
        (self.height(), self.round, self.step)
    }

    /// Whether `later` may be signed after this at the same height: never at an earlier round, and never twice at a place.
    /// Within a round the engine sends what follows from a message before that message itself.
    fn allows(&self, later: &Self) -> bool {
        match self.round.cmp(&later.round) {
            Ordering::Less => true,
            Ordering::Equal => self.step != later.step,
            Ordering::Greater => false,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
enum Entry {
    Signed {
        chain: [u8; 32],
        signed: Signed,
    },
    /// What was signed up to this height is not known; above it there is nothing.
    NothingAbove {
        chain: [u8; 32],
        height: u64,
    },
    /// A person said so of the height before this one, at this time.
    Word {
        chain: [u8; 32],
        from: u64,
        at_ms: u64,
    },
    /// Signed while the engine played its log back, which it does not write there.
    PlayedBack {
        chain: [u8; 32],
        signed: Signed,
        by: PlayedBack,
    },
}

/// What an engine's log lacks of what was signed while it was played back.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct PlayedBack {
    /// Bytes that the log had: what was signed follows from these alone.
    pub log: u64,
    /// The message, as an entry of the log has it.
    pub message: Vec<u8>,
}

impl Entry {
    fn chain(&self) -> &[u8; 32] {
        match self {
            Self::Signed { chain, .. }
            | Self::NothingAbove { chain, .. }
            | Self::Word { chain, .. }
            | Self::PlayedBack { chain, .. } => chain,
        }
    }

    /// The height up to which the key may have signed.
    fn height(&self) -> Height {
        match self {
            Self::Signed { signed, .. } | Self::PlayedBack { signed, .. } => signed.height(),
            Self::NothingAbove { height, .. } => Height::new(*height),
            Self::Word { from, .. } => Height::new(*from).previous(),
        }
    }

    /// The height up to which it is kept.
    fn until(&self) -> Height {
        match self {
            Self::Word { from, .. } => Height::new(*from),
            Self::Signed { .. } | Self::PlayedBack { .. } | Self::NothingAbove { .. } => {
                self.height()
            }
        }
    }
}

/// What the record knows of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// There is no record of this key.
    Nothing,
    /// The key never signed.
    Never,
    /// The key signed nothing above this height.
    UpTo(Height),
}

/// What came of a message that is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noted {
    /// It is on record now.
    New,
    /// It was on record.
    Same,
    /// Something else was signed there, or later: it must not be sent.
    Contradicts,
}

/// A key's record of what it signed on a chain.
#[derive(Debug)]
pub struct VoteRecord {
    path: DiskPath,
    chain: ChainId,
    key: KeyId,
    entries: Vec<Entry>,
    exists: bool,
    damaged: bool,
    /// The file is another key's.
    of_another: bool,
    file: Option<(Arc<dyn DiskFile>, u64)>,
    /// A write failed: what is on disk is not known.
    failed: bool,
}

impl VoteRecord {
    /// Writes that a key has never signed. Errors where there is a record already.
    pub fn begin(path: impl Into<DiskPath>, key: &KeyId) -> Result<(), StoreError> {
        let path = path.into();
        let what = || format!("write {path}");
        if path.exists() {
            let there = std::io::Error::from(ErrorKind::AlreadyExists);
            return Err(StoreError::io(what())(there));
        }
        path.write_durably(&contents(key, &[])).map_err(StoreError::io(what()))
    }

    /// Holds a record for this process, by a file beside it: two would replace each other's. Errors where another has it.
    pub fn lock(path: &Path) -> Result<File, StoreError> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let name = PathBuf::from(name);
        let file = File::create(&name);
        let file = file.map_err(StoreError::io(format!("make {}", name.display())))?;
        let in_use = || format!("{} is in use by another node process", path.display());
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(error) => Err(StoreError::io(in_use())(error.into())),
        }
    }

    /// Opens a key's record of a chain. A whole one is written anew: whatever could be read may be in memory alone, where
    /// syncing it failed before.
    pub fn open(path: impl Into<DiskPath>, chain: ChainId, key: KeyId) -> Result<Self, StoreError> {
        let (path, entries) = (path.into(), Vec::new());
        let mut record = Self {
            path,
            chain,
            key,
            entries,
            exists: false,
            damaged: false,
            of_another: false,
            file: None,
            failed: false,
        };
        let bytes = match record.path.read() {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(record),
            Err(error) => {
                return Err(StoreError::io(format!("read {}", record.path))(error));
            }
        };
        match key_of(&bytes) {
            Some(of) if of == key => record.read(&bytes),
            // Of a key that was this node's once: kept beside when this one signs.
            Some(_) => record.of_another = true,
            None => record.damaged = true,
        }
        if record.exists && !record.damaged {
            record.rewrite()?;
        }
        Ok(record)
    }

    fn read(&mut self, bytes: &[u8]) {
        self.exists = true;
        let mut at = HEADER;
        while let Some(end) = entry::end(bytes, at) {
            let payload = bytes.get(at + entry::HEADER..end).unwrap_or_default();
            match codec::decode(payload) {
                Ok(entry) => self.entries.push(entry),
                Err(_) => break,
            }
            at = end;
        }
        self.damaged = bytes.get(at..).is_some_and(|rest| rest.iter().any(|byte| *byte != 0));
        self.forget();
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.path.path()
    }

    /// What it knows.
    pub fn known(&self) -> Known {
        let all = self.entries.iter().filter(|it| it.chain() == self.chain.as_bytes());
        match all.map(Entry::height).max() {
            Some(height) => Known::UpTo(height),
            None if self.exists => Known::Never,
            None => Known::Nothing,
        }
    }

    /// Whether something that it held can't be read: the key may have signed more than is known.
    pub fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// What was signed on this chain at the last height, in that order.
    pub fn signed(&self) -> impl Iterator<Item = &Signed> {
        let here = self.entries.iter().filter(|it| it.chain() == self.chain.as_bytes());
        here.filter_map(|it| match it {
            Entry::Signed { signed, .. } | Entry::PlayedBack { signed, .. } => Some(signed),
            Entry::NothingAbove { .. } | Entry::Word { .. } => None,
        })
    }

    /// Of what was signed, what the engine signed while it played its log back.
    pub fn played_back(&self) -> impl Iterator<Item = (&Signed, &PlayedBack)> {
        let here = self.entries.iter().filter(|it| it.chain() == self.chain.as_bytes());
        here.filter_map(|it| match it {
            Entry::PlayedBack { signed, by, .. } => Some((signed, by)),
            Entry::Signed { .. } | Entry::NothingAbove { .. } | Entry::Word { .. } => None,
        })
    }

    /// What would come of a message, without noting it.
    pub fn judge(&self, message: &Signed) -> Noted {
        if self.signed().any(|it| it == message) {
            return Noted::Same;
        }
        let may = match self.known() {
            Known::UpTo(height) => match message.height().cmp(&height) {
                Ordering::Less => false,
                // What is not known of this height is not contradicted: nothing is signed at it.
                Ordering::Equal => {
                    self.signed().next().is_some() && self.signed().all(|it| it.allows(message))
                }
                Ordering::Greater => true,
            },
            Known::Never | Known::Nothing => true,
        };
        if may { Noted::New } else { Noted::Contradicts }
    }

    /// Notes a message that is to be sent; what is new is on disk afterwards. After an error nothing may be sent any more.
    pub fn note(&mut self, message: Signed) -> Result<Noted, StoreError> {
        let noted = self.judge(&message);
        let is_new = noted == Noted::New;
        self.note_as(
            noted,
            is_new,
            Entry::Signed { chain: *self.chain.as_bytes(), signed: message },
        )
    }

    /// The same for one that the engine signed while it played its log back.
    pub fn note_played_back(
        &mut self,
        message: Signed,
        by: PlayedBack,
    ) -> Result<Noted, StoreError> {
        let noted = self.judge(&message);
        let is_new = match noted {
            Noted::New => true,
            Noted::Same => self.played_back().all(|(it, _)| *it != message),
            Noted::Contradicts => false,
        };
        let chain = *self.chain.as_bytes();
        self.note_as(noted, is_new, Entry::PlayedBack { chain, signed: message, by })
    }

    fn note_as(&mut self, noted: Noted, is_new: bool, entry: Entry) -> Result<Noted, StoreError> {
        if self.failed {
            return Err(StoreError::Damaged(format!("{}: a write failed", self.path)));
        }
        if is_new {
            let written = self.append(entry);
            // What could not be written is not taken for written the next time.
            self.failed = written.is_err();
            written?;
        }
        Ok(noted)
    }

    /// Notes that what was signed up to a height is not known, and that there is nothing above it.
    pub fn nothing_above(&mut self, height: Height) -> Result<(), StoreError> {
        let chain = *self.chain.as_bytes();
        self.begin_anew(Entry::NothingAbove { chain, height: height.get() })
    }

    /// Notes a person's word that from a height on the key may sign.
    pub fn by_word(&mut self, from: Height, at: TimeMs) -> Result<(), StoreError> {
        let chain = *self.chain.as_bytes();
        self.begin_anew(Entry::Word { chain, from: from.get(), at_ms: at.get() })
    }

    /// The first height at which the key may sign by a person's word, and when that was given. It is kept for that height.
    pub fn word(&self) -> Option<(Height, TimeMs)> {
        self.entries.iter().find_map(|it| match it {
            Entry::Word { chain, from, at_ms } if chain == self.chain.as_bytes() => {
                Some((Height::new(*from), TimeMs::new(*at_ms)))
            }
            Entry::Word { .. }
            | Entry::Signed { .. }
            | Entry::PlayedBack { .. }
            | Entry::NothingAbove { .. } => None,
        })
    }

    fn begin_anew(&mut self, entry: Entry) -> Result<(), StoreError> {
        self.entries.retain(|it| it.chain() != entry.chain());
        self.entries.push(entry);
        self.set_aside()?;
        self.rewrite()
    }

    fn append(&mut self, entry: Entry) -> Result<(), StoreError> {
        let payload = codec::encode(&entry).map_err(|e| StoreError::Damaged(e.to_string()))?;
        let bytes = entry::whole(&payload);
        self.entries.push(entry);
        self.forget();
        let room = |at: &u64| at.saturating_add(bytes.len() as u64) <= ALLOCATED as u64;
        match &mut self.file {
            Some((file, at)) if room(at) => {
                let from = *at;
                *at = at.saturating_add(bytes.len() as u64);
                let written = file.write_all_at(&bytes, from).and_then(|()| file.sync_data());
                written.map_err(StoreError::io(format!("write {}", self.path)))
            }
            _ => {
                self.set_aside()?;
                self.rewrite()
            }
        }
    }

    /// Leaves what was signed at earlier heights, and of the last what is too much.
    fn forget(&mut self) {
        let last = |of: &[u8; 32], all: &[Entry]| {
            all.iter().filter(|it| it.chain() == of).map(Entry::until).max()
        };
        let all = std::mem::take(&mut self.entries);
        let kept = all.iter().filter(|it| Some(it.until()) == last(it.chain(), &all));
        let kept: Vec<Entry> = kept.cloned().collect();
        let too_many = kept.len().saturating_sub(KEPT);
        self.entries = kept.into_iter().skip(too_many).collect();
    }

    /// A file that is damaged, or another key's, is kept beside before this one takes its place.
    fn set_aside(&mut self) -> Result<(), StoreError> {
        if std::mem::take(&mut self.damaged) | std::mem::take(&mut self.of_another) {
            let kept_at = self.path.free_name("damaged");
            let what = format!("copy {} to {kept_at}", self.path);
            self.path.copy(&kept_at).map_err(StoreError::io(what))?;
        }
        Ok(())
    }

    fn rewrite(&mut self) -> Result<(), StoreError> {
        self.file = Some(self.written_anew()?);
        self.exists = true;
        Ok(())
    }

    fn written_anew(&self) -> Result<(Arc<dyn DiskFile>, u64), StoreError> {
        let what = || format!("write {}", self.path);
        let mut entries = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            let payload = codec::encode(entry).map_err(|e| StoreError::Damaged(e.to_string()))?;
            entries.push(entry::whole(&payload));
        }
        let entries = entries.concat();
        self.path.write_durably(&contents(&self.key, &entries)).map_err(StoreError::io(what()))?;
        let file = self.path.open(Access::Write).map_err(StoreError::io(what()))?;
        Ok((file, (HEADER + entries.len()) as u64))
    }
}

/// A file with these entries.
fn contents(key: &KeyId, entries: &[u8]) -> Vec<u8> {
    let mut bytes = [&MAGIC[..], key.as_bytes()].concat();
    bytes.extend(crc32c::crc32c(&bytes).to_be_bytes());
    bytes.extend(entries);
    bytes.resize(bytes.len().max(ALLOCATED), 0);
    bytes
}

/// Whose record a file is; `None`: nobody can tell.
fn key_of(bytes: &[u8]) -> Option<KeyId> {
    let said = bytes.get(..HEADER - 4)?;
    let sum = u32::from_be_bytes(bytes.get(HEADER - 4..HEADER)?.try_into().ok()?);
    let key = said.strip_prefix(MAGIC).filter(|_| crc32c::crc32c(said) == sum)?;
    KeyId::from_slice(key).ok()
}

#[cfg(test)]
mod tests;
