//! The index on disk: tables, written many blocks at a time at once. Behind each value stands the CRC-32C of its
//! table's name, its key and itself: what is given back in another's place, or changed, is damage and not an answer.

use super::StoreError;
use super::disk::{Change, DiskPath, Entry, Table, TableStore};
use super::memory::Memory;
use crate::codec;
use bincode::{Decode, Encode};
use liuhen_proto::event::LEAF_BYTES;
use liuhen_proto::ledger::{Object, seal::TILE_LEVELS};
use liuhen_proto::merkle::Peaks;
use liuhen_proto::place::Place;
use liuhen_proto::types::{Hash, Height, TxId};
use std::ops::Bound;
use std::sync::Arc;

/// Positions a page of a trail.
pub(crate) const PAGE: u64 = 1 << TILE_LEVELS;
/// Leaves a chunk of events.
pub(crate) const CHUNK: u64 = 64;
const STATE: &[u8] = b"state";

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

/// The tables of the index.
#[derive(Debug, Clone)]
pub(super) struct Tables(Arc<dyn TableStore>);

impl Tables {
    pub(super) fn open(folder: &DiskPath) -> Result<Self, StoreError> {
        Ok(Self(folder.tables()?))
    }

    /// `None` for an index that has never been written.
    pub(super) fn standing(&self) -> Result<Option<Standing>, StoreError> {
        let state = self.value(Table::State, STATE)?;
        state.map(|bytes| decode(&bytes, "index state")).transpose()
    }

    pub(super) fn object(&self, place: &Place) -> Result<Option<Object>, StoreError> {
        let bytes = self.value(Table::Objects, &place.to_bytes())?;
        bytes.map(|bytes| to_object(place, &bytes)).transpose()
    }

    /// All objects, in the order of their places.
    pub(super) fn objects(
        &self,
    ) -> impl Iterator<Item = Result<(Place, Object), StoreError>> + use<> {
        self.0.range(Table::Objects, Bound::Unbounded).map(placed)
    }

    /// Objects from a place on, in the order of their places, also those of the kinds behind its own.
    pub(super) fn objects_from(
        &self,
        first: &Place,
    ) -> impl Iterator<Item = Result<(Place, Object), StoreError>> + use<> {
        self.0.range(Table::Objects, Bound::Included(first.to_bytes())).map(placed)
    }

    /// The places of such objects alone.
    pub(super) fn places_from(
        &self,
        first: &Place,
    ) -> impl Iterator<Item = Result<Place, StoreError>> + use<> {
        let keys = self.0.keys(Table::Objects, Bound::Included(first.to_bytes()));
        keys.map(|key| to_place(&key?))
    }

    pub(super) fn head(&self, trail: &Place) -> Result<Peaks, StoreError> {
        match self.value(Table::Heads, &trail.to_bytes())? {
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
        let from = place.map_or(Bound::Unbounded, |it| Bound::Excluded(it.to_bytes()));
        self.0.range(Table::Heads, from).map(|entry| {
            let (key, bytes) = entry?;
            let bytes = unsealed(Table::Heads, &key, bytes)?;
            Ok((to_place(&key)?, to_peaks(&bytes)?))
        })
    }

    /// The event numbers of one page of a trail; empty where there is none.
    pub(super) fn page(&self, trail: &Place, page: u64) -> Result<Vec<u64>, StoreError> {
        Ok(numbers(&self.value(Table::Pages, &numbered(trail, page))?.unwrap_or_default()))
    }

    pub(super) fn tile(
        &self,
        trail: &Place,
        level: u32,
        index: u64,
    ) -> Result<Option<Hash>, StoreError> {
        let bytes = self.value(Table::Tiles, &tile_key(trail, level, index))?;
        Ok(bytes.and_then(|bytes| Hash::from_slice(&bytes).ok()))
    }

    /// The leaf bytes of an event, by its number on the whole ledger.
    pub(super) fn leaf(&self, event: u64) -> Result<Option<[u8; LEAF_BYTES]>, StoreError> {
        let chunk = self.value(Table::Events, &(event / CHUNK).to_be_bytes())?;
        let start = (event % CHUNK) as usize * LEAF_BYTES;
        let leaf = chunk.as_ref().and_then(|chunk| chunk.get(start..start + LEAF_BYTES));
        Ok(leaf.and_then(|leaf| leaf.try_into().ok()))
    }

    /// The number of a block's first event.
    pub(super) fn first_event(&self, height: Height) -> Result<Option<u64>, StoreError> {
        let bytes = self.value(Table::Blocks, &height.get().to_be_bytes())?;
        Ok(bytes.and_then(|bytes| Some(u64::from_be_bytes(bytes.as_slice().try_into().ok()?))))
    }

    /// The height of a transaction's block, and its place among the block's transactions.
    pub(super) fn transaction(&self, id: &TxId) -> Result<Option<(Height, u32)>, StoreError> {
        let Some(bytes) = self.value(Table::Transactions, id.as_bytes())? else {
            return Ok(None);
        };
        let (height, place): (u64, u32) = decode(&bytes, "transaction position")?;
        Ok(Some((Height::new(height), place)))
    }

    /// Writes what the layer in memory holds, in one transaction, and syncs it.
    pub(super) fn write(&self, memory: &Memory, standing: Standing) -> Result<(), StoreError> {
        let mut changes = self.changes(memory)?;
        put(Table::State, &mut changes, STATE.to_vec(), encode(&standing)?);
        self.0.apply(changes)?;
        self.0.sync()
    }

    /// Empties the index. It is none until [`Tables::stand`] says where it stands.
    pub(super) fn clear(&self) -> Result<(), StoreError> {
        for table in Table::ALL {
            let keys = self.0.keys(table, Bound::Unbounded);
            let gone: Result<_, StoreError> = keys.map(|key| Ok((table, key?, None))).collect();
            self.0.apply(gone?)?;
        }
        Ok(())
    }

    /// Puts in objects and heads of trails, as a snapshot has them.
    pub(super) fn put_state(
        &self,
        objects: impl IntoIterator<Item = (Place, Object)>,
        heads: impl IntoIterator<Item = (Place, Peaks)>,
    ) -> Result<(), StoreError> {
        let mut changes = Vec::new();
        for (place, object) in objects {
            put(Table::Objects, &mut changes, place.to_bytes(), object.to_bytes());
        }
        for (place, peaks) in heads {
            put(Table::Heads, &mut changes, place.to_bytes(), encode(&Head::of(&peaks))?);
        }
        self.0.apply(changes)
    }

    /// Says where the index stands, and syncs it.
    pub(super) fn stand(&self, standing: Standing) -> Result<(), StoreError> {
        let mut changes = Vec::new();
        put(Table::State, &mut changes, STATE.to_vec(), encode(&standing)?);
        self.0.apply(changes)?;
        self.0.sync()
    }

    /// Syncs what was written.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.0.sync()
    }

    fn changes(&self, memory: &Memory) -> Result<Vec<Change>, StoreError> {
        let mut changes = Vec::new();
        for (place, object) in &memory.objects {
            match object {
                Some(object) => {
                    put(Table::Objects, &mut changes, place.to_bytes(), object.to_bytes())
                }
                None => changes.push((Table::Objects, place.to_bytes(), None)),
            }
        }
        for (trail, grown) in &memory.trails {
            let head = encode(&Head::of(&grown.peaks))?;
            put(Table::Heads, &mut changes, trail.to_bytes(), head);
            if memory.has_history {
                self.put_trail(&mut changes, trail, grown)?;
            }
        }
        if !memory.has_history {
            return Ok(changes);
        }
        self.put_events(&mut changes, memory)?;
        for (height, first) in &memory.blocks {
            put_block(&mut changes, *height, *first);
        }
        for (id, (height, place)) in &memory.transactions {
            put_transaction(&mut changes, id, *height, *place)?;
        }
        Ok(changes)
    }

    fn put_trail(
        &self,
        changes: &mut Vec<Change>,
        trail: &Place,
        grown: &super::memory::Grown,
    ) -> Result<(), StoreError> {
        for (level, index, hash) in &grown.tiles {
            put_tile(changes, trail, (*level, *index), hash);
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
                put_page(changes, trail, page, &open);
                open.clear();
                page = page.saturating_add(1);
            }
        }
        if !open.is_empty() {
            put_page(changes, trail, page, &open);
        }
        Ok(())
    }

    fn put_events(&self, changes: &mut Vec<Change>, memory: &Memory) -> Result<(), StoreError> {
        let mut number = memory.first_event;
        let open = self.value(Table::Events, &(number / CHUNK).to_be_bytes())?.unwrap_or_default();
        let kept = (number % CHUNK) as usize * LEAF_BYTES;
        let damaged = || StoreError::Damaged(format!("index: events before {number}"));
        let mut chunk = open.get(..kept).ok_or_else(damaged)?.to_vec();
        for leaf in &memory.leaves {
            chunk.extend_from_slice(&leaf.to_bytes());
            number = number.saturating_add(1);
            if number.is_multiple_of(CHUNK) {
                put_chunk(changes, number / CHUNK - 1, &chunk);
                chunk.clear();
            }
        }
        if !chunk.is_empty() {
            put_chunk(changes, number / CHUNK, &chunk);
        }
        Ok(())
    }

    /// Writes parts of the history once more, with what they are.
    pub(super) fn mend(&self, parts: &[Part]) -> Result<(), StoreError> {
        let mut changes = Vec::new();
        for part in parts {
            match part {
                Part::Page(trail, page, events) => put_page(&mut changes, trail, *page, events),
                Part::Tile(trail, place, hash) => put_tile(&mut changes, trail, *place, hash),
                Part::Chunk(chunk, leaves) => put_chunk(&mut changes, *chunk, leaves),
                Part::Block(height, first) => put_block(&mut changes, *height, *first),
                Part::Transaction(id, height, place) => {
                    put_transaction(&mut changes, id, *height, *place)?;
                }
            }
        }
        self.0.apply(changes)
    }

    /// What stands at a key.
    fn value(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let bytes = self.0.get(table, key)?;
        bytes.map(|bytes| unsealed(table, key, bytes)).transpose()
    }
}

// What the history is made of, one part at a time: it stands in the block log as well.

fn put_page(changes: &mut Vec<Change>, trail: &Place, page: u64, events: &[u64]) {
    put(Table::Pages, changes, numbered(trail, page), page_bytes(events));
}

fn put_tile(changes: &mut Vec<Change>, trail: &Place, (level, index): (u32, u64), hash: &Hash) {
    put(Table::Tiles, changes, tile_key(trail, level, index), hash.as_bytes().to_vec());
}

fn put_chunk(changes: &mut Vec<Change>, chunk: u64, leaves: &[u8]) {
    put(Table::Events, changes, chunk.to_be_bytes().to_vec(), leaves.to_vec());
}

fn put_block(changes: &mut Vec<Change>, height: Height, first: u64) {
    let (key, first) = (height.get().to_be_bytes(), first.to_be_bytes());
    put(Table::Blocks, changes, key.to_vec(), first.to_vec());
}

fn put_transaction(
    changes: &mut Vec<Change>,
    id: &TxId,
    height: Height,
    place: u32,
) -> Result<(), StoreError> {
    let position = encode(&(height.get(), place))?;
    put(Table::Transactions, changes, id.as_bytes().to_vec(), position);
    Ok(())
}

/// A part of the history, and what it is.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    /// Event numbers of a page of a trail.
    Page(Place, u64, Vec<u64>),
    /// Root of a tile of a trail, by level and index.
    Tile(Place, (u32, u64), Hash),
    /// Leaves of events.
    Chunk(u64, Vec<u8>),
    /// The number of a block's first event.
    Block(Height, u64),
    /// Where a transaction is.
    Transaction(TxId, Height, u32),
}

/// Bytes of the checksum behind a value.
const SUM: usize = 4;

fn sum(table: Table, key: &[u8], value: &[u8]) -> [u8; SUM] {
    let sum = crc32c::crc32c(table.name().as_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(sum, key), value).to_be_bytes()
}

/// A value without its checksum, if that fits.
fn unsealed(table: Table, key: &[u8], mut bytes: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    let whole = bytes.split_last_chunk::<SUM>();
    let value = whole.filter(|(it, at)| sum(table, key, it) == **at).map(|(it, _)| it.len());
    let damaged =
        || StoreError::Damaged(format!("index: {} at {}", table.name(), hex::encode(key)));
    bytes.truncate(value.ok_or_else(damaged)?);
    Ok(bytes)
}

/// A value with its checksum, to be put at a key.
fn put(table: Table, changes: &mut Vec<Change>, key: Vec<u8>, mut value: Vec<u8>) {
    let sum = sum(table, &key, &value);
    value.extend(sum);
    changes.push((table, key, Some(value)));
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

fn placed(entry: Result<Entry, StoreError>) -> Result<(Place, Object), StoreError> {
    let (key, bytes) = entry?;
    let bytes = unsealed(Table::Objects, &key, bytes)?;
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
