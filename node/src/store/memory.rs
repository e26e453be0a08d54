//! The layer in memory above the index on disk: what blocks changed since it was last written.

use liuhen_proto::event::EventLeaf;
use liuhen_proto::ledger::{Delta, Object, seal::Sealed};
use liuhen_proto::merkle::Peaks;
use liuhen_proto::place::Place;
use liuhen_proto::types::{Hash, Height, TxId};
use std::collections::{BTreeMap, HashMap};

/// A trail that grew since the index was written.
#[derive(Debug, Default)]
pub(super) struct Grown {
    /// Its size on disk.
    pub(super) base: u64,
    /// The event numbers behind that.
    pub(super) tail: Vec<u64>,
    /// Tiles completed since: level, index, root.
    pub(super) tiles: Vec<(u32, u64, Hash)>,
    /// As it stands now.
    pub(super) peaks: Peaks,
}

/// Changes since the index was written.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) objects: BTreeMap<Place, Option<Object>>,
    pub(super) trails: HashMap<Place, Grown>,
    /// Whether the history of all blocks is known: which events there are, on which trails. Else only what stands is kept.
    pub(super) has_history: bool,
    /// The number of the first event here.
    pub(super) first_event: u64,
    /// How many events blocks had, and how many blocks there were.
    pub(super) events: u64,
    pub(super) taken: usize,
    pub(super) leaves: Vec<EventLeaf>,
    /// The number of each block's first event.
    pub(super) blocks: BTreeMap<Height, u64>,
    pub(super) transactions: HashMap<TxId, (Height, u32)>,
}

impl Memory {
    /// The layer over an index that holds this many events.
    pub(super) fn over(events: u64, has_history: bool) -> Self {
        Self { first_event: events, has_history, ..Self::default() }
    }

    /// The number of the next event.
    pub(super) fn next_event(&self) -> u64 {
        self.first_event.saturating_add(self.events)
    }

    /// Takes in a block.
    pub(super) fn add(&mut self, height: Height, delta: Delta, sealed: &Sealed, ids: &[TxId]) {
        let first = self.next_event();
        self.events = self.events.saturating_add(delta.events.len() as u64);
        self.taken = self.taken.saturating_add(1);
        for (trail, new) in &sealed.trails {
            let grown = self.trails.entry(trail.clone()).or_insert_with(|| Grown {
                base: new.peaks.size().saturating_sub(new.events.len() as u64),
                ..Grown::default()
            });
            grown.peaks = new.peaks.clone();
            if !self.has_history {
                continue;
            }
            let numbers = new.events.iter().map(|index| first.saturating_add(u64::from(*index)));
            grown.tail.extend(numbers);
            grown.tiles.extend_from_slice(&new.tiles);
        }
        self.objects.extend(delta.objects);
        if !self.has_history {
            return;
        }
        self.blocks.insert(height, first);
        self.leaves.extend(delta.events.into_iter().map(|event| event.leaf));
        for (place, id) in (0u32..).zip(ids) {
            self.transactions.insert(*id, (height, place));
        }
    }

    /// The first event here has another number than was said.
    pub(super) fn renumber(&mut self, first: u64) {
        let said = std::mem::replace(&mut self.first_event, first);
        let right = |number: &mut u64| *number = number.wrapping_sub(said).wrapping_add(first);
        self.blocks.values_mut().for_each(right);
        self.trails.values_mut().flat_map(|it| &mut it.tail).for_each(right);
    }

    /// Whether there is enough to be worth writing.
    pub(super) fn is_full(&self) -> bool {
        self.taken >= 256 || self.events >= 20_000 || self.objects.len() >= 40_000
    }
}
