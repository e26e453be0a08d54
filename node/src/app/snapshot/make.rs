//! Making a snapshot, while blocks are added.

use super::{Manifest, PIECE_BYTES, Piece};
use crate::app::{Chain, ProveError};
use crate::codec;
use crate::store::{Export, StoreError};
use liuhen_proto::merkle::Tree as _;
use liuhen_proto::types::{Hash, Height};
use prost::Message as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// A snapshot that others may have.
#[derive(Debug)]
pub struct Made {
    height: Height,
    manifest: Vec<u8>,
    path: PathBuf,
    file: File,
    /// Where each piece ends.
    ends: Vec<u64>,
}

/// What is to be written.
#[derive(Debug)]
pub struct Begun {
    manifest: Manifest,
    height: Height,
    ids: Vec<Hash>,
    export: Export,
}

impl Chain {
    /// Begins a snapshot of what stands now; `None` at genesis. What is on disk stays as it is until it is written.
    pub fn begin_snapshot(&mut self) -> Result<Option<Begun>, StoreError> {
        let height = self.parent.header.height;
        let Some(block) = self.log.read(height)? else { return Ok(None) };
        let anchor = self.anchor(None).map_err(|error| match error {
            ProveError::Store(error) => error,
            other => StoreError::Damaged(other.to_string()),
        })?;
        let ids = (0..height.get()).map(|number| self.headers.node(0, number));
        let ids = ids.collect::<Result<_, _>>().map_err(|e| StoreError::Damaged(e.to_string()))?;
        let export = self.index.export()?;
        let events = self.index.event_count();
        let anchor = anchor.encode_to_vec();
        let manifest = Manifest { anchor, block, events, pieces: 0 };
        Ok(Some(Begun { manifest, height, ids, export }))
    }
}

impl Begun {
    /// Writes it to a file in a folder, where nothing else may be.
    pub fn write(mut self, folder: &Path) -> Result<Made, StoreError> {
        let what = || format!("write a snapshot in {}", folder.display());
        let _ = std::fs::remove_dir_all(folder);
        std::fs::create_dir_all(folder).map_err(StoreError::io(what()))?;
        let path = folder.join(format!("{:020}.pieces", self.height.get()));
        let file = File::options().create_new(true).read(true).write(true).open(&path);
        let file = file.map_err(StoreError::io(what()))?;
        let mut pieces = Pieces { file: BufWriter::new(file), ends: Vec::new(), what: what() };
        for ids in self.ids.chunks(PIECE_BYTES / 32) {
            pieces.put(&Piece::Ids(ids.iter().flat_map(|it| *it.as_bytes()).collect()))?;
        }
        let (mut open, mut bytes) = (Vec::new(), 0);
        for entry in self.export.objects() {
            let (place, object) = entry?;
            let (place, object) = (place.to_bytes(), object.to_bytes());
            bytes += place.len() + object.len();
            open.push((place, object));
            if bytes >= PIECE_BYTES {
                pieces.put(&Piece::Objects(std::mem::take(&mut open)))?;
                bytes = 0;
            }
        }
        pieces.put(&Piece::Objects(open))?;
        let (mut open, mut bytes) = (Vec::new(), 0);
        for entry in self.export.heads() {
            let (trail, peaks) = entry?;
            let hashes: Vec<[u8; 32]> = peaks.hashes().iter().map(|it| *it.as_bytes()).collect();
            bytes += 64 + hashes.len() * 32;
            open.push((trail.to_bytes(), peaks.size(), hashes));
            if bytes >= PIECE_BYTES {
                pieces.put(&Piece::Heads(std::mem::take(&mut open)))?;
                bytes = 0;
            }
        }
        pieces.put(&Piece::Heads(open))?;
        let Pieces { file, ends, .. } = pieces;
        let file = file.into_inner().map_err(|e| StoreError::io(what())(e.into_error()))?;
        self.manifest.pieces = u32::try_from(ends.len()).unwrap_or(u32::MAX);
        let manifest = codec::encode(&self.manifest);
        let manifest = manifest.map_err(|e| StoreError::Damaged(e.to_string()))?;
        Ok(Made { height: self.height, manifest, path, file, ends })
    }
}

struct Pieces {
    file: BufWriter<File>,
    ends: Vec<u64>,
    what: String,
}

impl Pieces {
    fn put(&mut self, piece: &Piece) -> Result<(), StoreError> {
        let bytes = codec::encode(piece).map_err(|e| StoreError::Damaged(e.to_string()))?;
        self.file.write_all(&bytes).map_err(StoreError::io(self.what.clone()))?;
        let begin = self.ends.last().copied().unwrap_or(0);
        self.ends.push(begin.saturating_add(bytes.len() as u64));
        Ok(())
    }
}

impl Made {
    /// Its height.
    pub fn height(&self) -> Height {
        self.height
    }

    /// What it is of.
    pub fn manifest(&self) -> &[u8] {
        &self.manifest
    }

    /// Bytes of all its pieces.
    pub fn size(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// A piece; `None` where there are fewer.
    pub fn piece(&self, number: u32) -> Result<Option<Vec<u8>>, StoreError> {
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        let Some(end) = self.ends.get(number) else { return Ok(None) };
        let begin = number.checked_sub(1).and_then(|it| self.ends.get(it)).copied().unwrap_or(0);
        let length = usize::try_from(end.saturating_sub(begin)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length];
        let what = format!("read {}", self.path.display());
        self.file.read_exact_at(&mut bytes, begin).map_err(StoreError::io(what))?;
        Ok(Some(bytes))
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // What is left is removed before the next is written.
        let _ = std::fs::remove_file(&self.path);
    }
}
