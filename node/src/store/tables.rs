//! The index on disk: sled trees, written many blocks at a time in one transaction. Behind each value stands the CRC-32C of its
//! tree's name, its key and itself: what sled gives back in another's place, or changed, is damage and not an answer.

mod parts;

pub(crate) use parts::Part;

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
use std::ops::Bound;
use std::path::{Path, PathBuf};

/// Positions a page of a trail.
pub(crate) const PAGE: u64 = 1 << TILE_LEVELS;
/// Leaves a chunk of events.
pub(crate) const CHUNK: u64 = 64;
const STATE: &[u8] = b"state";
const CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// Where the index stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(super) struct Standing {
    pub(super) height: u64,
    pub(super) events: u64,
    /// Whether the history of all blocks is in it; else only what stands: objects and heads.
    pub(super) has_history: bool,
}

impl Default for Standing {
    /// As founded.
    fn default() -> Self {
        Self { height: 0, events: 0, has_history: true }
    }
}

#[derive(Encode, Decode)]
struct Head {
    size: u64,
    peaks: Vec<[u8; 32]>,
}

impl Head {
    fn of(peaks: &Peaks) -> Self {
        let hashes = peaks.hashes().iter().map(|hash| *hash.as_bytes()).collect();
        Self { size: peaks.size(), peaks: hashes }
    }
}

/// The trees of the index.
#[derive(Debug, Clone)]
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
        let state = value(&self.state, STATE)?;
        state.map(|bytes| decode(&bytes, "index state")).transpose()
    }

    pub(super) fn object(&self, place: &Place) -> Result<Option<Object>, StoreError> {
        let bytes = value(&self.objects, place.to_bytes())?;
        bytes.map(|bytes| to_object(place, &bytes)).transpose()
    }

    /// Objects whose place begins with these bytes, in order.
    pub(super) fn objects(
        &self,
        prefix: &[u8],
    ) -> impl Iterator<Item = Result<(Place, Object), StoreError>> + use<> {
        let tree = self.objects.clone();
        self.objects.scan_prefix(prefix).map(move |entry| placed(&tree, entry))
    }

    /// Objects from a place on, in the order of their places, also those of the kinds behind its own.
    pub(super) fn objects_from(
        &self,
        first: &Place,
    ) -> impl Iterator<Item = Result<(Place, Object), StoreError>> + use<> {
        let tree = self.objects.clone();
        self.objects.range(first.to_bytes()..).map(move |entry| placed(&tree, entry))
    }

    /// The places of such objects alone.
    pub(super) fn places(
        &self,
        prefix: &[u8],
    ) -> impl Iterator<Item = Result<Place, StoreError>> + use<> {
        self.objects.scan_prefix(prefix).keys().map(|key| to_place(&key?))
    }

    pub(super) fn head(&self, trail: &Place) -> Result<Peaks, StoreError> {
        match value(&self.heads, trail.to_bytes())? {
            Some(bytes) => to_peaks(&bytes),
            None => Ok(Peaks::default()),
        }
    }

    pub(super) fn heads(&self) -> impl Iterator<Item = Result<(Place, Peaks), StoreError>> + use<> {
        self.heads_behind(None)
    }

    /// Heads of the trails behind a place, in the order of their places.
    pub(super) fn heads_behind(
        &self,
        place: Option<&Place>,
    ) -> impl Iterator<Item = Result<(Place, Peaks), StoreError>> + use<> {
        let tree = self.heads.clone();
        let from = place.map_or(Bound::Unbounded, |it| Bound::Excluded(it.to_bytes()));
        self.heads.range((from, Bound::Unbounded)).map(move |entry| {
            let (key, bytes) = entry?;
            let bytes = unsealed(&tree, &key, bytes)?;
            Ok((to_place(&key)?, to_peaks(&bytes)?))
        })
    }

    /// The event numbers of one page of a trail; empty where there is none.
    pub(super) fn page(&self, trail: &Place, page: u64) -> Result<Vec<u64>, StoreError> {
        Ok(numbers(&value(&self.pages, numbered(trail, page))?.unwrap_or_default()))
    }

    pub(super) fn tile(
        &self,
        trail: &Place,
        level: u32,
        index: u64,
    ) -> Result<Option<Hash>, StoreError> {
        let bytes = value(&self.tiles, tile_key(trail, level, index))?;
        Ok(bytes.and_then(|bytes| Hash::from_slice(&bytes).ok()))
    }

    /// The leaf bytes of an event, by its number on the whole ledger.
    pub(super) fn leaf(&self, event: u64) -> Result<Option<[u8; LEAF_BYTES]>, StoreError> {
        let chunk = value(&self.events, (event / CHUNK).to_be_bytes())?;
        let start = (event % CHUNK) as usize * LEAF_BYTES;
        let leaf = chunk.as_ref().and_then(|chunk| chunk.get(start..start + LEAF_BYTES));
        Ok(leaf.and_then(|leaf| leaf.try_into().ok()))
    }

    /// The number of a block's first event.
    pub(super) fn first_event(&self, height: Height) -> Result<Option<u64>, StoreError> {
        let bytes = value(&self.blocks, height.get().to_be_bytes())?;
        Ok(bytes.and_then(|bytes| Some(u64::from_be_bytes(bytes.as_slice().try_into().ok()?))))
    }

    /// The height of a transaction's block, and its place among the block's transactions.
    pub(super) fn transaction(&self, id: &TxId) -> Result<Option<(Height, u32)>, StoreError> {
        let Some(bytes) = value(&self.transactions, id.as_bytes())? else {
            return Ok(None);
        };
        let (height, place): (u64, u32) = decode(&bytes, "transaction position")?;
        Ok(Some((Height::new(height), place)))
    }

    /// Writes what the layer in memory holds, in one transaction, and syncs it.
    pub(super) fn write(&self, memory: &Memory, standing: Standing) -> Result<(), StoreError> {
        let batches = self.batches(memory)?;
        let state = sealed(&self.state, STATE, encode(&standing)?);
        let trees = self.trees();
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
        self.sync()
    }

    /// Empties the index. It is damaged until [`Tables::stand`] says where it stands.
    pub(super) fn clear(&self) -> Result<(), StoreError> {
        for tree in self.trees() {
            tree.clear()?;
        }
        Ok(())
    }

    /// Puts in objects and heads of trails, as a snapshot has them.
    pub(super) fn put_state(
        &self,
        objects: impl IntoIterator<Item = (Place, Object)>,
        heads: impl IntoIterator<Item = (Place, Peaks)>,
    ) -> Result<(), StoreError> {
        let (mut of_objects, mut of_heads) = (sled::Batch::default(), sled::Batch::default());
        for (place, object) in objects {
            put(&self.objects, &mut of_objects, place.to_bytes(), object.to_bytes());
        }
        for (place, peaks) in heads {
            put(&self.heads, &mut of_heads, place.to_bytes(), encode(&Head::of(&peaks))?);
        }
        self.objects.apply_batch(of_objects)?;
        Ok(self.heads.apply_batch(of_heads)?)
    }

    /// Says where the index stands, and syncs it.
    pub(super) fn stand(&self, standing: Standing) -> Result<(), StoreError> {
        self.state.insert(STATE, sealed(&self.state, STATE, encode(&standing)?))?;
        self.sync()
    }

    /// The trees, that of the state first.
    fn trees(&self) -> [&sled::Tree; 8] {
        [
            &self.state,
            &self.objects,
            &self.heads,
            &self.pages,
            &self.tiles,
            &self.events,
            &self.blocks,
            &self.transactions,
        ]
    }

    /// Syncs what was written.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
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
                Some(object) => {
                    put(&self.objects, &mut objects, place.to_bytes(), object.to_bytes())
                }
                None => objects.remove(place.to_bytes()),
            }
        }
        let (mut heads, mut pages, mut tiles) = Default::default();
        for (trail, grown) in &memory.trails {
            put(&self.heads, &mut heads, trail.to_bytes(), encode(&Head::of(&grown.peaks))?);
            if memory.has_history {
                self.trail_batches(trail, grown, &mut pages, &mut tiles)?;
            }
        }
        let mut events = sled::Batch::default();
        if memory.has_history {
            self.event_batch(memory, &mut events)?;
        }
        let mut blocks = sled::Batch::default();
        for (height, first) in &memory.blocks {
            self.put_block(&mut blocks, *height, *first);
        }
        let mut transactions = sled::Batch::default();
        for (id, (height, place)) in &memory.transactions {
            self.put_transaction(&mut transactions, id, *height, *place)?;
        }
        Ok([objects, heads, pages, tiles, events, blocks, transactions])
    }

    fn trail_batches(
        &self,
        trail: &Place,
        grown: &super::memory::Grown,
        pages: &mut sled::Batch,
        tiles: &mut sled::Batch,
    ) -> Result<(), StoreError> {
        for (level, index, hash) in &grown.tiles {
            self.put_tile(tiles, trail, (*level, *index), hash);
        }
        let mut page = grown.base / PAGE;
        let mut open =
            if grown.base.is_multiple_of(PAGE) { Vec::new() } else { self.page(trail, page)? };
        // What goes behind a page that is not whole would be shifted.
        if open.len() as u64 != grown.base % PAGE {
            return Err(StoreError::Damaged(format!("index: page {page} of {trail}")));
        }
        for event in &grown.tail {
            open.push(*event);
            if open.len() as u64 == PAGE {
                self.put_page(pages, trail, page, &open);
                open.clear();
                page = page.saturating_add(1);
            }
        }
        if !open.is_empty() {
            self.put_page(pages, trail, page, &open);
        }
        Ok(())
    }

    fn event_batch(&self, memory: &Memory, batch: &mut sled::Batch) -> Result<(), StoreError> {
        let mut number = memory.first_event;
        let open = value(&self.events, (number / CHUNK).to_be_bytes())?.unwrap_or_default();
        let kept = (number % CHUNK) as usize * LEAF_BYTES;
        let damaged = || StoreError::Damaged(format!("index: events before {number}"));
        let mut chunk = open.get(..kept).ok_or_else(damaged)?.to_vec();
        for leaf in &memory.leaves {
            chunk.extend_from_slice(&leaf.to_bytes());
            number = number.saturating_add(1);
            if number.is_multiple_of(CHUNK) {
                self.put_chunk(batch, number / CHUNK - 1, &chunk);
                chunk.clear();
            }
        }
        if !chunk.is_empty() {
            self.put_chunk(batch, number / CHUNK, &chunk);
        }
        Ok(())
    }
}

/// Bytes of the checksum behind a value.
const SUM: usize = 4;

fn sum(tree: &sled::Tree, key: &[u8], value: &[u8]) -> [u8; SUM] {
    let sum = crc32c::crc32c(&tree.name());
    crc32c::crc32c_append(crc32c::crc32c_append(sum, key), value).to_be_bytes()
}

/// A value with its checksum.
fn sealed(tree: &sled::Tree, key: &[u8], mut value: Vec<u8>) -> Vec<u8> {
    let sum = sum(tree, key, &value);
    value.extend(sum);
    value
}

/// A value without its checksum, if that fits.
fn unsealed(tree: &sled::Tree, key: &[u8], bytes: sled::IVec) -> Result<Vec<u8>, StoreError> {
    let fits = bytes.split_last_chunk::<SUM>().filter(|(it, at)| sum(tree, key, it) == **at);
    let tree = || String::from_utf8_lossy(&tree.name()).into_owned();
    let damaged = || StoreError::Damaged(format!("index: {} at {}", tree(), hex::encode(key)));
    fits.map(|(value, _)| value.to_vec()).ok_or_else(damaged)
}

/// What stands at a key.
fn value(tree: &sled::Tree, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, StoreError> {
    let bytes = tree.get(key.as_ref())?;
    bytes.map(|bytes| unsealed(tree, key.as_ref(), bytes)).transpose()
}

fn put(tree: &sled::Tree, batch: &mut sled::Batch, key: Vec<u8>, value: Vec<u8>) {
    let value = sealed(tree, &key, value);
    batch.insert(key, value);
}

fn numbered(trail: &Place, number: u64) -> Vec<u8> {
    [trail.to_bytes(), number.to_be_bytes().to_vec()].concat()
}

fn tile_key(trail: &Place, level: u32, index: u64) -> Vec<u8> {
    [trail.to_bytes(), level.to_be_bytes().to_vec(), index.to_be_bytes().to_vec()].concat()
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

fn placed(
    tree: &sled::Tree,
    entry: sled::Result<(sled::IVec, sled::IVec)>,
) -> Result<(Place, Object), StoreError> {
    let (key, bytes) = entry?;
    let bytes = unsealed(tree, &key, bytes)?;
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
