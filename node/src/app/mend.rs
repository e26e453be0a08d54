//! The history in the index, checked against the block log and mended by part: which events there are, on which trails, and
//! where transactions are. All of it stands in the log too, so that no rule is run again. Objects and heads of trails are
//! not of it: the map root checks them at each opening.

use super::Chain;
use super::history::{History, Told, history};
use crate::store::{Part, StoreError};
use liuhen_proto::ledger::seal::push_tiled;
use liuhen_proto::merkle::Peaks;
use liuhen_proto::place::Place;
use liuhen_proto::types::{Hash, Height, TxId};
use std::collections::{BTreeMap, BTreeSet};

/// What of the history is damaged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Damaged {
    /// Blocks whose events or transactions are not found as the log has them.
    pub blocks: BTreeSet<Height>,
    /// Trails of which a page or a tile is missing.
    pub trails: BTreeSet<Place>,
}

impl Damaged {
    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.trails.is_empty()
    }
}

/// A trail as it is made anew.
#[derive(Debug, Default)]
struct Anew {
    peaks: Peaks,
    page: u64,
    open: Vec<u64>,
}

/// Making damaged parts anew, some blocks at a time.
#[derive(Debug)]
pub struct Mending {
    blocks: BTreeSet<Height>,
    trails: BTreeMap<Place, Anew>,
    /// The block to go on with, and the number of its first event.
    at: Height,
    first: u64,
    /// Events of all blocks, once they were gone through.
    events: u64,
    /// The chunk of events that is open, and whether a damaged block has some of it.
    chunk: Vec<u8>,
    is_wanted: bool,
}

impl Mending {
    /// Of what is damaged.
    pub fn of(damaged: Damaged) -> Self {
        let trails = damaged.trails.into_iter().map(|trail| (trail, Anew::default())).collect();
        let (at, chunk) = (Height::new(1), Vec::new());
        Self { blocks: damaged.blocks, trails, at, first: 0, events: 0, chunk, is_wanted: false }
    }

    /// Goes through the blocks once more, for other trails.
    pub(super) fn go_on_with(&mut self, trails: Vec<Place>) {
        let trails = trails.into_iter().collect();
        *self = Self { events: self.events, ..Self::of(Damaged { trails, ..Damaged::default() }) };
    }

    /// How many events there were.
    pub(super) fn events(&self) -> u64 {
        self.events
    }

    /// Goes through so many more blocks. Whether that was all. Errors where a block can't be read, or a trail is not what its head
    /// says; then nothing more of it can be mended now.
    pub fn step(&mut self, chain: &Chain, blocks: u32) -> Result<bool, StoreError> {
        let mut parts = Vec::new();
        for _ in 0..blocks {
            if self.at > chain.index.written() {
                self.finish(chain, &mut parts)?;
                chain.index.mend(&parts)?;
                chain.index.sync()?;
                return Ok(true);
            }
            self.block(chain, &mut parts)?;
        }
        chain.index.mend(&parts)?;
        Ok(false)
    }

    fn block(&mut self, chain: &Chain, parts: &mut Vec<Part>) -> Result<(), StoreError> {
        let (height, wanted) = (self.at, self.blocks.contains(&self.at));
        let History { events, ids, .. } = chain.history(height)?;
        if wanted {
            parts.push(Part::Block(height, self.first));
            parts.extend(
                (0u32..).zip(&ids).map(|(place, id)| Part::Transaction(*id, height, place)),
            );
        }
        for Told { leaf, trails } in events {
            self.is_wanted |= wanted;
            self.chunk.extend(leaf.to_bytes());
            for trail in trails {
                if let Some(anew) = self.trails.get_mut(&trail) {
                    anew.push(&trail, self.first, leaf.hash(), parts);
                }
            }
            self.first = self.first.saturating_add(1);
            if self.first.is_multiple_of(crate::store::CHUNK) {
                self.close_chunk(parts);
            }
        }
        self.at = height.next();
        Ok(())
    }

    fn close_chunk(&mut self, parts: &mut Vec<Part>) {
        let leaves = std::mem::take(&mut self.chunk);
        if std::mem::take(&mut self.is_wanted) && !leaves.is_empty() {
            let last = self.first.saturating_sub(1);
            parts.push(Part::Chunk(last / crate::store::CHUNK, leaves));
        }
    }

    /// What is open where the index on disk ends. Nothing is written to it meanwhile: whoever calls holds the chain.
    fn finish(&mut self, chain: &Chain, parts: &mut Vec<Part>) -> Result<(), StoreError> {
        self.close_chunk(parts);
        self.events = self.first;
        for (trail, anew) in std::mem::take(&mut self.trails) {
            if chain.index.written_head(&trail)? != anew.peaks {
                return Err(StoreError::Damaged(format!(
                    "index: {trail} is not what its head says"
                )));
            }
            if !anew.open.is_empty() {
                parts.push(Part::Page(trail, anew.page, anew.open));
            }
        }
        Ok(())
    }
}

impl Anew {
    fn push(&mut self, trail: &Place, event: u64, leaf: Hash, parts: &mut Vec<Part>) {
        push_tiled(&mut self.peaks, leaf, |level, index, hash| {
            parts.push(Part::Tile(trail.clone(), (level, index), hash));
        });
        self.open.push(event);
        if self.open.len() as u64 == crate::store::PAGE {
            parts.push(Part::Page(trail.clone(), self.page, std::mem::take(&mut self.open)));
            self.page = self.page.saturating_add(1);
        }
    }
}

impl Chain {
    /// What a block of the log says.
    fn history(&self, height: Height) -> Result<History, StoreError> {
        let damaged = || StoreError::Damaged(format!("block {height}"));
        history(&self.log.read(height)?.ok_or_else(damaged)?)
    }

    /// Compares what the index says of a block with the log. `first` is the number of its first event; gives that of the block behind
    /// it, and whether they agree. Errors where the log can't be read.
    pub fn check_history(&self, height: Height, first: u64) -> Result<(u64, bool), StoreError> {
        let History { events, ids, .. } = self.history(height)?;
        let is_at =
            |number: u64, it: &Told| self.index.leaf(number).is_ok_and(|leaf| leaf == it.leaf);
        let found_events = (first..).zip(&events).all(|(number, it)| is_at(number, it));
        let found = |place: u32, id: &TxId| {
            self.index.transaction(id).is_ok_and(|it| it == Some((height, place)))
        };
        let transactions = (0u32..).zip(&ids).all(|(place, id)| found(place, id));
        let begins = self.index.first_event(height).is_ok_and(|it| it == Some(first));
        let agree = found_events && transactions && begins;
        Ok((first.saturating_add(events.len() as u64), agree))
    }
}
