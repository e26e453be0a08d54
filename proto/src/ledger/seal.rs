//! From what a block changes to its roots and header.

use super::{Delta, Object};
use crate::header::{
    block::{Header, PROTOCOL, SUITE},
    certificate,
    validators::ValidatorSet,
};
use crate::merkle::trie::Trie;
use crate::merkle::{Blake3Log, Peaks, log};
use crate::place::Place;
use crate::suite::hash::{self, Domain};
use crate::types::{Hash, Height, KeyId, TimeMs};
use crate::wire;
use std::collections::BTreeMap;

pub use super::object::object_value;

/// `H_trail(size u64 ‖ root)`: a trail's value in the map. `None` for an empty trail, which is not
/// in the map.
pub fn trail_value(size: u64, root: &Hash) -> Option<Hash> {
    (size > 0).then(|| hash::hash(Domain::Trail, &[&size.to_be_bytes(), root.as_bytes()]))
}

/// Where trails stand before a block.
pub trait Heads {
    /// What reading may fail with.
    type Error;

    /// The peaks of a trail; empty for one that has no event yet.
    fn peaks(&self, trail: &Place) -> Result<Peaks, Self::Error>;
}

/// Levels between the subtrees whose roots are worth keeping: tiles of 256 leaves, of 256 tiles, …
pub const TILE_LEVELS: u32 = 8;

/// How a block made a trail grow.
#[derive(Debug, Clone, Default)]
pub struct Grown {
    /// The trail after the block.
    pub peaks: Peaks,
    /// Which of the block's events it took, in order.
    pub events: Vec<u32>,
    /// Tiles that were completed: level (a multiple of [`TILE_LEVELS`], above 0), index, root.
    pub tiles: Vec<(u32, u64, Hash)>,
}

impl Grown {
    fn push(&mut self, event: u32, leaf: Hash) {
        let tiles = &mut self.tiles;
        push_tiled(&mut self.peaks, leaf, |level, index, hash| tiles.push((level, index, hash)));
        self.events.push(event);
    }
}

/// Puts a leaf behind a trail; tells of each tile that it completes: level, index, root.
pub fn push_tiled(peaks: &mut Peaks, leaf: Hash, mut complete: impl FnMut(u32, u64, Hash)) {
    peaks.push_noting::<Blake3Log>(leaf, |level, index, hash| {
        if level > 0 && level % TILE_LEVELS == 0 {
            complete(level, index, hash);
        }
    });
}

/// What a block makes of the trees.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// Log over the event leaves.
    pub events_root: Hash,
    /// The hash of each event's leaf.
    pub leaf_hashes: Vec<Hash>,
    /// The trails that grew.
    pub trails: BTreeMap<Place, Grown>,
    /// The map after the block.
    pub trie: Trie,
}

/// Computes the trees after a block.
pub fn seal<H: Heads>(delta: &Delta, heads: &H, before: &Trie) -> Result<Sealed, H::Error> {
    let leaf_hashes: Vec<Hash> = delta.events.iter().map(|event| event.leaf.hash()).collect();
    let mut trails: BTreeMap<Place, Grown> = BTreeMap::new();
    for (event, leaf) in delta.events.iter().zip(&leaf_hashes) {
        for trail in &event.trails {
            if !trails.contains_key(trail) {
                let peaks = heads.peaks(trail)?;
                trails.insert(trail.clone(), Grown { peaks, ..Grown::default() });
            }
            if let Some(grown) = trails.get_mut(trail) {
                grown.push(event.leaf.index, *leaf);
            }
        }
    }
    let objects = delta
        .objects
        .iter()
        .map(|(place, object)| (place.map_key(), object.as_ref().map(Object::map_value)));
    let heads = trails.iter().map(|(place, grown)| {
        let root = grown.peaks.root::<Blake3Log>();
        (place.map_key(), trail_value(grown.peaks.size(), &root))
    });
    let trie = before.with(objects.chain(heads).collect());
    let events_root = log::root::<Blake3Log>(leaf_hashes.iter().copied());
    Ok(Sealed { events_root, leaf_hashes, trails, trie })
}

/// What a header follows on.
#[derive(Debug, Clone)]
pub struct Parent {
    /// The header before.
    pub header: Header,
    /// RFC 6962 root of all headers up to and with that one.
    pub log_root: Hash,
}

/// The validators that sign a height, by what the ledger says before or after the block
/// in front of it.
pub fn validators_at(schedule: &wire::ValidatorSchedule, height: Height) -> Option<ValidatorSet> {
    let set = schedule.sets.iter().rev().find(|it| it.from_height <= height.get())?;
    ValidatorSet::from_wire(&set.validators).ok()
}

/// The one header that a block with these contents may have. `next_validators`: the hash of those
/// who sign the block behind it.
pub fn header(
    parent: &Parent,
    time: TimeMs,
    proposer: KeyId,
    last_certificate: Option<&wire::Certificate>,
    event_count: usize,
    sealed: &Sealed,
    next_validators: Hash,
) -> Header {
    Header {
        protocol: PROTOCOL,
        suite: SUITE,
        chain: parent.header.chain,
        height: parent.header.height.next(),
        time,
        proposer,
        last_commit: certificate::commit_hash(last_certificate),
        log_root: parent.log_root,
        event_count: u32::try_from(event_count).unwrap_or(u32::MAX),
        events_root: sealed.events_root,
        map_root: sealed.trie.root(),
        validators_hash: parent.header.next_validators_hash,
        next_validators_hash: next_validators,
    }
}
