//! The index on disk: sled trees, written many blocks at a time in one transaction.

use super::StoreError;
use super::memory::Memory;
use crate::codec;
use bincode::{Decode, Encode};
use liuhen_proto::event::LEAF_BYTES;
use liuhen_proto::ledger::{Object, seal::TILE_LEVELS};
use liuhen_proto::merkle::Peaks;
use liuhen_proto::place::Place;
use liuhen_proto::types::{Hash, Height, TxId};
use sled::transaction::{ConflictableTransactionError, Transactional, TransactionalTree};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Positions a page of a trail.
pub(super) const PAGE: u64 = 1 << TILE_LEVELS;
/// Leaves a chunk of events.
const CHUNK: u64 = 64;
const STATE: &[u8] = b"state";
const CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// Where the index stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Default)]
pub(super) struct Standing {
    pub(super) height: u64,
    pub(super) events: u64,
}

#[derive(Encode, Decode)]
struct Head {
    size: u64,
    peaks: Vec<[u8; 32]>,
}

/// The trees of the index.
#[derive(Debug)]
pub(super) struct Tables {
    folder: PathBuf,
    db: sled::Db,
    state: sled::Tree,
    objects: sled::Tree,
    heads: sled::Tree,
    pages: sled::Tree,
    tiles: sled::Tree,
    events: sled::Tree,
    blocks: sled::Tree,
    transactions: sled::Tree,
}

impl Tables {
    pub(super) fn open(folder: &Path) -> Result<Self, StoreError> {
        let db = sled::Config::new().path(folder).cache_capacity(CACHE_BYTES).open()?;
        Ok(Self {
            folder: folder.to_owned(),
            state: db.open_tree("state")?,
            objects: db.open_tree("objects")?,
            heads: db.open_tree("heads")?,
            pages: db.open_tree("pages")?,
            tiles: db.open_tree("tiles")?,
            events: db.open_tree("events")?,
            blocks: db.open_tree("blocks")?,
            transactions: db.open_tree("transactions")?,
            db,
        })
    }

    /// `None` for an index that has never been written.
    pub(super) fn standing(&self) -> Result<Option<Standing>, StoreError> {
        self.state.get(STATE)?.map(|bytes| decode(&bytes, "index state")).transpose()
    }

    pub(super) fn object(&self, place: &Place) -> Result<Option<Object>, StoreError> {
        let Some(bytes) = self.objects.get(place.to_bytes())? else {
            return Ok(None);
        };
        to_object(place, &bytes).map(Some)
    }

    /// Objects whose place begins with these bytes, in order.
    pub(super) fn objects(
        &self,
        prefix: &[u8],
    ) -> impl Iterator<Item = Result<(Place, Object), StoreError>> + use<> {
        self.objects.scan_prefix(prefix).map(placed)
    }

    /// Objects from a place on, in the order of their places, also those of the kinds behind its own.
    pub(super) fn objects_from(
        &self,
        first: &Place,
    ) -> impl Iterator<Item = Result<(Place, Object), StoreError>> + use<> {
        self.objects.range(first.to_bytes()..).map(placed)
    }

    /// The places of such objects alone.
    pub(super) fn places(
        &self,
        prefix: &[u8],
    ) -> impl Iterator<Item = Result<Place, StoreError>> + use<> {
        self.objects.scan_prefix(prefix).keys().map(|key| to_place(&key?))
    }

    pub(super) fn head(&self, trail: &Place) -> Result<Peaks, StoreError> {
        match self.heads.get(trail.to_bytes())? {
            Some(bytes) => to_peaks(&bytes),
            None => Ok(Peaks::default()),
        }
    }

    pub(super) fn heads(&self) -> impl Iterator<Item = Result<(Place, Peaks), StoreError>> + use<> {
        self.heads.iter().map(|entry| {
            let (key, bytes) = entry?;
            Ok((to_place(&key)?, to_peaks(&bytes)?))
        })
    }

    /// The event numbers of one page of a trail.
    pub(super) fn page(&self, trail: &Place, page: u64) -> Result<Vec<u64>, StoreError> {
        let bytes = self.pages.get(numbered(trail, page))?.unwrap_or_default();
        Ok(numbers(&bytes))
    }

    pub(super) fn tile(
        &self,
        trail: &Place,
        level: u32,
        index: u64,
    ) -> Result<Option<Hash>, StoreError> {
        let bytes = self.tiles.get(tile_key(trail, level, index))?;
        Ok(bytes.and_then(|bytes| Hash::from_slice(&bytes).ok()))
    }

    /// The leaf bytes of an event, by its number on the whole ledger.
    pub(super) fn leaf(&self, event: u64) -> Result<Option<[u8; LEAF_BYTES]>, StoreError> {
        let chunk = self.events.get((event / CHUNK).to_be_bytes())?;
        let start = (event % CHUNK) as usize * LEAF_BYTES;
        let leaf = chunk.as_ref().and_then(|chunk| chunk.get(start..start + LEAF_BYTES));
        Ok(leaf.and_then(|leaf| leaf.try_into().ok()))
    }

    /// The number of a block's first event.
    pub(super) fn first_event(&self, height: Height) -> Result<Option<u64>, StoreError> {
        let bytes = self.blocks.get(height.get().to_be_bytes())?;
        Ok(bytes.and_then(|bytes| Some(u64::from_be_bytes(bytes.as_ref().try_into().ok()?))))
    }

    /// The height of a transaction's block, and its place among the block's transactions.
    pub(super) fn transaction(&self, id: &TxId) -> Result<Option<(Height, u32)>, StoreError> {
        let Some(bytes) = self.transactions.get(id.as_bytes())? else {
            return Ok(None);
        };
        let (height, place): (u64, u32) = decode(&bytes, "transaction position")?;
        Ok(Some((Height::new(height), place)))
    }

    /// Writes what the layer in memory holds, in one transaction, and syncs it.
    pub(super) fn write(&self, memory: &Memory, standing: Standing) -> Result<(), StoreError> {
        let batches = self.batches(memory)?;
        let state = encode(&standing)?;
        let trees = [
            &self.state,
            &self.objects,
            &self.heads,
            &self.pages,
            &self.tiles,
            &self.events,
            &self.blocks,
            &self.transactions,
        ];
        let written = trees.as_slice().transaction(|trees: &Vec<TransactionalTree>| {
            for (tree, batch) in trees.iter().skip(1).zip(&batches) {
                tree.apply_batch(batch)?;
            }
            if let Some(tree) = trees.first() {
                tree.insert(STATE, state.as_slice())?;
            }
            Ok::<(), ConflictableTransactionError<()>>(())
        });
        written.map_err(|e| match e {
            sled::transaction::TransactionError::Storage(error) => StoreError::Index(error),
            sled::transaction::TransactionError::Abort(()) => {
                StoreError::Damaged("index: transaction aborted".into())
            }
        })?;
        self.db.flush()?;
        // sled's flush does not reach the disk (sled issue 1452).
        let file = self.folder.join("db");
        let what = || format!("sync {}", file.display());
        let opened = File::open(&file).map_err(StoreError::io(what()))?;
        opened.sync_all().map_err(StoreError::io(what()))
    }

    /// In the order of the trees behind the first.
    fn batches(&self, memory: &Memory) -> Result<[sled::Batch; 7], StoreError> {
        let mut objects = sled::Batch::default();
        for (place, object) in &memory.objects {
            match object {
                Some(object) => objects.insert(place.to_bytes(), object.to_bytes()),
                None => objects.remove(place.to_bytes()),
            }
        }
        let (mut heads, mut pages, mut tiles) = Default::default();
        for (trail, grown) in &memory.trails {
            self.trail_batches(trail, grown, &mut heads, &mut pages, &mut tiles)?;
        }
        let mut events = sled::Batch::default();
        self.event_batch(memory, &mut events)?;
        let mut blocks = sled::Batch::default();
        for (height, first) in &memory.blocks {
            blocks.insert(&height.get().to_be_bytes(), &first.to_be_bytes());
        }
        let mut transactions = sled::Batch::default();
        for (id, (height, place)) in &memory.transactions {
            transactions.insert(id.as_bytes(), encode(&(height.get(), *place))?);
        }
        Ok([objects, heads, pages, tiles, events, blocks, transactions])
    }

    fn trail_batches(
        &self,
        trail: &Place,
        grown: &super::memory::Grown,
        heads: &mut sled::Batch,
        pages: &mut sled::Batch,
        tiles: &mut sled::Batch,
    ) -> Result<(), StoreError> {
        let peaks = grown.peaks.hashes().iter().map(|hash| *hash.as_bytes()).collect();
        let head = Head { size: grown.peaks.size(), peaks };
        heads.insert(trail.to_bytes(), encode(&head)?);
        for (level, index, hash) in &grown.tiles {
            tiles.insert(tile_key(trail, *level, *index), hash.as_bytes());
        }
        let mut page = grown.base / PAGE;
        let mut open =
            if grown.base.is_multiple_of(PAGE) { Vec::new() } else { self.page(trail, page)? };
        for event in &grown.tail {
            open.push(*event);
            if open.len() as u64 == PAGE {
                pages.insert(numbered(trail, page), page_bytes(&open));
                open.clear();
                page = page.saturating_add(1);
            }
        }
        if !open.is_empty() {
            pages.insert(numbered(trail, page), page_bytes(&open));
        }
        Ok(())
    }

    fn event_batch(&self, memory: &Memory, batch: &mut sled::Batch) -> Result<(), StoreError> {
        let mut number = memory.first_event;
        let open = self.events.get((number / CHUNK).to_be_bytes())?.unwrap_or_default();
        let kept = (number % CHUNK) as usize * LEAF_BYTES;
        let mut chunk = open.get(..kept).unwrap_or_default().to_vec();
        for leaf in &memory.leaves {
            chunk.extend_from_slice(&leaf.to_bytes());
            number = number.saturating_add(1);
            if number.is_multiple_of(CHUNK) {
                batch.insert(&(number / CHUNK - 1).to_be_bytes(), chunk.as_slice());
                chunk.clear();
            }
        }
        if !chunk.is_empty() {
            batch.insert(&(number / CHUNK).to_be_bytes(), chunk.as_slice());
        }
        Ok(())
    }
}

fn numbered(trail: &Place, number: u64) -> Vec<u8> {
    [trail.to_bytes(), number.to_be_bytes().to_vec()].concat()
}

fn tile_key(trail: &Place, level: u32, index: u64) -> Vec<u8> {
    [trail.to_bytes(), level.to_be_bytes().to_vec(), index.to_be_bytes().to_vec()].concat()
}

fn page_bytes(events: &[u64]) -> Vec<u8> {
    events.iter().flat_map(|event| event.to_be_bytes()).collect()
}

fn numbers(bytes: &[u8]) -> Vec<u64> {
    let (whole, _) = bytes.as_chunks::<8>();
    whole.iter().map(|bytes| u64::from_be_bytes(*bytes)).collect()
}

fn encode<T: Encode>(value: &T) -> Result<Vec<u8>, StoreError> {
    codec::encode(value).map_err(|e| StoreError::Damaged(e.to_string()))
}

fn decode<T: Decode<()>>(bytes: &[u8], what: &str) -> Result<T, StoreError> {
    codec::decode(bytes).map_err(|e| StoreError::Damaged(format!("{what}: {e}")))
}

fn to_place(key: &[u8]) -> Result<Place, StoreError> {
    Place::from_bytes(key).ok_or_else(|| StoreError::Damaged("index: a key of no bytes".into()))
}

fn placed(entry: sled::Result<(sled::IVec, sled::IVec)>) -> Result<(Place, Object), StoreError> {
    let (key, bytes) = entry?;
    let place = to_place(&key)?;
    let object = to_object(&place, &bytes)?;
    Ok((place, object))
}

fn to_object(place: &Place, bytes: &[u8]) -> Result<Object, StoreError> {
    let damaged = || StoreError::Damaged(format!("object at {place:?}"));
    let kind = place.object_kind().ok_or_else(damaged)?;
    Object::from_bytes(kind, bytes).map_err(|_| damaged())
}

fn to_peaks(bytes: &[u8]) -> Result<Peaks, StoreError> {
    let head: Head = decode(bytes, "head of a trail")?;
    let peaks = Peaks::new(head.size, head.peaks.into_iter().map(Hash::new).collect());
    peaks.ok_or_else(|| StoreError::Damaged("head of a trail".into()))
}
