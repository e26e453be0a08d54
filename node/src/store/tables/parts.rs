//! What the history in the index is made of, one part at a time: it stands in the block log as well.

use super::{Tables, encode, numbered, put, tile_key};
use crate::store::StoreError;
use liuhen_proto::place::Place;
use liuhen_proto::types::{Hash, Height, TxId};

impl Tables {
    pub(super) fn put_page(
        &self,
        batch: &mut sled::Batch,
        trail: &Place,
        page: u64,
        events: &[u64],
    ) {
        put(&self.pages, batch, numbered(trail, page), page_bytes(events));
    }

    pub(super) fn put_tile(
        &self,
        batch: &mut sled::Batch,
        trail: &Place,
        (level, index): (u32, u64),
        hash: &Hash,
    ) {
        put(&self.tiles, batch, tile_key(trail, level, index), hash.as_bytes().to_vec());
    }

    pub(super) fn put_chunk(&self, batch: &mut sled::Batch, chunk: u64, leaves: &[u8]) {
        put(&self.events, batch, chunk.to_be_bytes().to_vec(), leaves.to_vec());
    }

    pub(super) fn put_block(&self, batch: &mut sled::Batch, height: Height, first: u64) {
        let (key, first) = (height.get().to_be_bytes(), first.to_be_bytes());
        put(&self.blocks, batch, key.to_vec(), first.to_vec());
    }

    pub(super) fn put_transaction(
        &self,
        batch: &mut sled::Batch,
        id: &TxId,
        height: Height,
        place: u32,
    ) -> Result<(), StoreError> {
        let position = encode(&(height.get(), place))?;
        put(&self.transactions, batch, id.as_bytes().to_vec(), position);
        Ok(())
    }

    /// Writes parts of the history once more, with what they are.
    pub(in crate::store) fn mend(&self, parts: &[Part]) -> Result<(), StoreError> {
        let [mut pages, mut tiles, mut chunks, mut blocks, mut transactions]: [sled::Batch; 5] =
            Default::default();
        for part in parts {
            match part {
                Part::Page(trail, page, events) => self.put_page(&mut pages, trail, *page, events),
                Part::Tile(trail, place, hash) => self.put_tile(&mut tiles, trail, *place, hash),
                Part::Chunk(chunk, leaves) => self.put_chunk(&mut chunks, *chunk, leaves),
                Part::Block(height, first) => self.put_block(&mut blocks, *height, *first),
                Part::Transaction(id, height, place) => {
                    self.put_transaction(&mut transactions, id, *height, *place)?;
                }
            }
        }
        self.pages.apply_batch(pages)?;
        self.tiles.apply_batch(tiles)?;
        self.events.apply_batch(chunks)?;
        self.blocks.apply_batch(blocks)?;
        Ok(self.transactions.apply_batch(transactions)?)
    }
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

fn page_bytes(events: &[u64]) -> Vec<u8> {
    events.iter().flat_map(|event| event.to_be_bytes()).collect()
}
