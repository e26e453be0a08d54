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
    /// The number of the first event here.
    pub(super) first_event: u64,
    pub(super) leaves: Vec<EventLeaf>,
    /// The number of each block's first event.
    pub(super) blocks: BTreeMap<Height, u64>,
    pub(super) transactions: HashMap<TxId, (Height, u32)>,
}

impl Memory {
    /// The layer over an index that holds this many events.
    pub(super) fn over(events: u64) -> Self {
        Self { first_event: events, ..Self::default() }
    }

    /// The number of the next event.
    pub(super) fn next_event(&self) -> u64 {
        self.first_event.saturating_add(self.leaves.len() as u64)
    }

    /// Takes in a block.
    pub(super) fn add(&mut self, height: Height, delta: Delta, sealed: &Sealed, ids: &[TxId]) {
        let first = self.next_event();
        self.blocks.insert(height, first);
        for (trail, new) in &sealed.trails {
            let grown = self.trails.entry(trail.clone()).or_insert_with(|| Grown {
                base: new.peaks.size().saturating_sub(new.events.len() as u64),
                ..Grown::default()
            });
            let numbers = new.events.iter().map(|index| first.saturating_add(u64::from(*index)));
            grown.tail.extend(numbers);
            grown.tiles.extend_from_slice(&new.tiles);
            grown.peaks = new.peaks.clone();
        }
        self.objects.extend(delta.objects);
        self.leaves.extend(delta.events.into_iter().map(|event| event.leaf));
        for (place, id) in (0u32..).zip(ids) {
            self.transactions.insert(*id, (height, place));
        }
    }

    /// Whether there is enough to be worth writing.
    pub(super) fn is_full(&self) -> bool {
        self.blocks.len() >= 256 || self.leaves.len() >= 20_000 || self.objects.len() >= 40_000
    }
}
