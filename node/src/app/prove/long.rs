//! Long trails, proved in parts that are all anchored where the first was.
//!
//! The chain goes on between two parts. What a part needs of the past is kept: the anchor, the map as it
//! stood there (tries are values), and how long the trail was. Logs only grow, so a root of then can be
//! proved now. Objects are not kept: one that changed meanwhile can't be shown any more, and the rest of
//! the trail is to be asked for anew.

use super::{Chain, ProveError, Transactions};
use crate::store::StoreError;
use liuhen_proto::ledger::seal::object_value;
use liuhen_proto::merkle::trie::Trie;
use liuhen_proto::place::{Place, TrailKind};
use liuhen_proto::types::{Height, TimeMs};
use liuhen_proto::verify::Range;
use liuhen_proto::wire::{self, trace};
use std::collections::HashMap;

/// Events of a part, about: a part ends where a block does.
const PART_EVENTS: u64 = 2000;

/// Where a proof is anchored, and the map as it stood there.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    pub(super) anchor: wire::Anchor,
    pub(super) trie: Trie,
    /// Objects shown before.
    shown: HashMap<Place, wire::ObjectProof>,
}

impl Snapshot {
    /// An object as it stood at the anchor, with its path.
    pub(super) fn object(
        &mut self,
        chain: &Chain,
        place: &Place,
    ) -> Result<wire::ObjectProof, ProveError> {
        if let Some(known) = self.shown.get(place) {
            return Ok(known.clone());
        }
        let object = chain.index.get(place)?.map(|it| it.to_bytes());
        let stood = self.trie.get(&place.map_key());
        let object = match (object, stood) {
            (Some(object), Some(stood)) if object_value(&object) == stood => object,
            (_, Some(_)) => return Err(ProveError::Moved(place.to_string())),
            (_, None) => return Err(StoreError::Damaged(format!("{place:?}")).into()),
        };
        let proof = wire::ObjectProof {
            kind: u32::from(place.kind()),
            id: place.id().to_vec(),
            object,
            path: Some(self.trie.prove(&place.map_key()).to_wire()),
        };
        self.shown.insert(place.clone(), proof.clone());
        Ok(proof)
    }
}

/// A trail that is proved in parts.
#[derive(Debug)]
pub struct LongTrail {
    snapshot: Snapshot,
    kind: TrailKind,
    id: Vec<u8>,
    /// How many events the trail had.
    size: u64,
    range: Range,
    /// Numbers of the range's events: the next, and the end.
    next: u64,
    end: u64,
    /// Where the next part begins; `None` at the end.
    from: Option<u64>,
}

impl LongTrail {
    /// The numbers of its events: the first, and how many.
    pub fn numbers(&self) -> (u64, u64) {
        (self.next, self.end.saturating_sub(self.next))
    }
}

impl Chain {
    pub(super) fn snapshot(&self, pinned: Option<u64>) -> Result<Snapshot, ProveError> {
        let (anchor, trie) = (self.anchor(pinned)?, self.trie.clone());
        Ok(Snapshot { anchor, trie, shown: HashMap::new() })
    }

    /// Begins a proof of a trail in parts, anchored here.
    pub fn begin_long(
        &self,
        kind: TrailKind,
        id: &[u8],
        range: Range,
        pinned: Option<u64>,
    ) -> Result<LongTrail, ProveError> {
        let (trail, snapshot) = (Place::trail(kind, id), self.snapshot(pinned)?);
        let size = self.index.head(&trail)?.size();
        let (next, end) = self.numbers(&trail, size, range)?;
        let header = &self.parent.header;
        // A whole trail is the heights up to the anchor: parts have ends.
        let range = match range {
            Range::Whole => Range::Heights(Height::GENESIS, header.height.next()),
            other => other,
        };
        let from = Some(ends(range).0);
        Ok(LongTrail { snapshot, kind, id: id.to_vec(), size, range, next, end, from })
    }

    /// The next part: a proof file; `None` when all were made.
    pub fn next_part(&self, long: &mut LongTrail) -> Result<Option<Vec<u8>>, ProveError> {
        let Some(from) = long.from else { return Ok(None) };
        let mut most = PART_EVENTS;
        loop {
            match self.part(long, from, most) {
                // Its events are large.
                Err(ProveError::TooLarge { .. }) if most > 1 => most /= 2,
                other => return other.map(Some),
            }
        }
    }

    /// A part of about so many events.
    fn part(&self, long: &mut LongTrail, from: u64, most: u64) -> Result<Vec<u8>, ProveError> {
        let until = self.cut(long, most)?;
        let part = part(long.range, from, until.unwrap_or(ends(long.range).1));
        let mut needs = Transactions::default();
        let (claim, first, events) = self.stretch_at(
            &long.snapshot.trie,
            (long.kind, &long.id),
            long.size,
            part,
            &mut needs,
        )?;
        let claim = trace::Claim::Completeness(claim);
        let proof = self.trace_at(&mut long.snapshot, needs, claim)?;
        long.next = first.saturating_add(events);
        long.from = until;
        Ok(proof)
    }

    /// Where a part that begins at the next number ends: a height or a time. `None`: with the range.
    fn cut(&self, long: &LongTrail, most: u64) -> Result<Option<u64>, ProveError> {
        let trail = Place::trail(long.kind, &long.id);
        let most = long.next.saturating_add(most);
        if most >= long.end {
            return Ok(None);
        }
        let first_of = |height| self.first_at_height(&trail, long.size, height);
        let height = self.leaf_of_trail(&trail, most)?.height;
        let mut at = first_of(height)?;
        if at <= long.next {
            // One block alone has more.
            at = first_of(height.next())?;
        }
        if at >= long.end {
            return Ok(None);
        }
        let leaf = self.leaf_of_trail(&trail, at)?;
        Ok(Some(match long.range {
            Range::Times(..) => leaf.time.get(),
            Range::Whole | Range::Heights(..) => leaf.height.get(),
        }))
    }
}

/// Beginning and end, of heights or times.
fn ends(range: Range) -> (u64, u64) {
    match range {
        Range::Whole => (0, u64::MAX),
        Range::Heights(from, until) => (from.get(), until.get()),
        Range::Times(from, until) => (from.get(), until.get()),
    }
}

/// A part of a range.
fn part(range: Range, from: u64, until: u64) -> Range {
    match range {
        Range::Whole => Range::Whole,
        Range::Heights(..) => Range::Heights(Height::new(from), Height::new(until)),
        Range::Times(..) => Range::Times(TimeMs::new(from), TimeMs::new(until)),
    }
}
