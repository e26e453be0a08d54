//! A trail as a tree, read from the index: roots of tiles above, leaves below.

use super::{Index, StoreError};
use liuhen_proto::ledger::seal::TILE_LEVELS;
use liuhen_proto::merkle::{Blake3Log, LogHash, MemoryLog, Tree, log::subtree_root};
use liuhen_proto::place::Place;
use liuhen_proto::types::Hash;
use std::cell::RefCell;

/// A trail of the index. It keeps the tile of leaves that it read last.
#[derive(Debug)]
pub struct TrailTree<'a> {
    index: &'a Index,
    trail: &'a Place,
    size: u64,
    tile: RefCell<Option<(u64, MemoryLog<Blake3Log>)>>,
}

impl<'a> TrailTree<'a> {
    /// The trail as it stands now.
    pub fn new(index: &'a Index, trail: &'a Place) -> Result<Self, StoreError> {
        Ok(Self::at(index, trail, index.head(trail)?.size()))
    }

    /// The trail when it had so many events, no more than it has.
    pub fn at(index: &'a Index, trail: &'a Place, size: u64) -> Self {
        Self { index, trail, size, tile: RefCell::new(None) }
    }

    /// The root of the whole trail.
    pub fn root(&self) -> Result<Hash, StoreError> {
        let head = self.index.head(self.trail)?;
        if head.size() == self.size {
            return Ok(head.root::<Blake3Log>());
        }
        subtree_root::<Blake3Log, _>(self, 0, self.size)
    }

    /// A node inside one tile of leaves.
    fn inside_tile(&self, level: u32, index: u64) -> Result<Hash, StoreError> {
        let within = TILE_LEVELS.saturating_sub(level);
        let tile = index >> within;
        let mut kept = self.tile.borrow_mut();
        if kept.as_ref().is_none_or(|(number, _)| *number != tile) {
            *kept = Some((tile, self.read_tile(tile)?));
        }
        let (_, log) = kept.as_ref().ok_or_else(|| self.damaged())?;
        let node = log.node(level, index & ((1u64 << within) - 1));
        node.map_err(|_| self.damaged())
    }

    fn read_tile(&self, tile: u64) -> Result<MemoryLog<Blake3Log>, StoreError> {
        let first = tile << TILE_LEVELS;
        let end = self.size.min(first.saturating_add(1 << TILE_LEVELS));
        let mut log = MemoryLog::default();
        for number in first..end {
            let event = self.index.event_of_trail(self.trail, number)?;
            log.push(self.index.leaf(event.ok_or_else(|| self.damaged())?)?.hash());
        }
        Ok(log)
    }

    fn damaged(&self) -> StoreError {
        StoreError::Damaged(format!("index: {}", self.trail))
    }
}

impl Tree for TrailTree<'_> {
    type Error = StoreError;

    fn size(&self) -> u64 {
        self.size
    }

    fn node(&self, level: u32, index: u64) -> Result<Hash, StoreError> {
        if level < TILE_LEVELS {
            return self.inside_tile(level, index);
        }
        let above = level % TILE_LEVELS;
        if above == 0 {
            return self.index.tile(self.trail, level, index)?.ok_or_else(|| self.damaged());
        }
        // Between two levels of tiles: over the tiles below.
        let below = TilesBelow { tree: self, level: level - above };
        let first = index << above;
        subtree_root::<Blake3Log, _>(&below, first, first.saturating_add(1 << above))
    }
}

/// The tiles of one level, as leaves of a tree of their own.
struct TilesBelow<'a> {
    tree: &'a TrailTree<'a>,
    level: u32,
}

impl Tree for TilesBelow<'_> {
    type Error = StoreError;

    fn size(&self) -> u64 {
        self.tree.size >> self.level
    }

    fn node(&self, level: u32, index: u64) -> Result<Hash, StoreError> {
        match level.checked_sub(1) {
            None => self.tree.node(self.level, index),
            Some(below) => {
                let left = self.node(below, index << 1)?;
                let right = self.node(below, (index << 1) | 1)?;
                Ok(Blake3Log::node(&left, &right))
            }
        }
    }
}
