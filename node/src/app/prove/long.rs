//! Long trails, and all that a department signed, proved in parts that are all anchored where the first was.
//!
//! The chain goes on between two parts. What a part needs of the past is kept: the anchor, the map as it
//! stood there (tries are values), and how long the trail was. Logs only grow, so a root of then can be
//! proved now. Objects are not kept: one that changed meanwhile can't be shown any more, and the rest of
//! the trail is to be asked for anew.

use super::department::Signers;
use super::{Chain, ProveError, Read, Transactions};
use crate::store::StoreError;
use liuhen_proto::event::EventLeaf;
use liuhen_proto::ledger::seal::object_value;
use liuhen_proto::merkle::trie::Trie;
use liuhen_proto::place::{Place, TrailKind};
use liuhen_proto::types::{Height, TimeMs, limits};
use liuhen_proto::verify::Range;
use liuhen_proto::wire::{self, trace};
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

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
    /// The header at which all is proved.
    pub(super) fn into_anchor(self) -> wire::Anchor {
        self.anchor
    }

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

/// A claim that is proved in parts.
#[derive(Debug)]
pub struct Long {
    snapshot: Snapshot,
    claimed: Claimed,
    range: Range,
    /// Where the next part begins, a height or a time; `None` at the end.
    from: Option<u64>,
}

/// What the parts show together.
#[derive(Debug)]
enum Claimed {
    /// All events of a trail.
    Trail(Stretch),
    /// All that a department's keys signed.
    Department { code: String, objects: BTreeSet<Place>, trail: Stretch, keys: Vec<Stretch> },
}

/// What is left of a trail's events in the range.
#[derive(Debug)]
struct Stretch {
    kind: TrailKind,
    id: Vec<u8>,
    /// How many events the trail had at the anchor.
    size: u64,
    /// Numbers of the events: the next, and the end.
    next: u64,
    end: u64,
}

impl Stretch {
    fn trail(&self) -> Place {
        Place::trail(self.kind, &self.id)
    }

    fn read(&self) -> Read {
        (self.trail(), self.next, self.end.saturating_sub(self.next))
    }
}

impl Claimed {
    /// The trails whose events are spread over the parts.
    fn spread(&self) -> &[Stretch] {
        match self {
            Self::Trail(trail) => std::slice::from_ref(trail),
            Self::Department { keys, .. } => keys,
        }
    }

    fn spread_mut(&mut self) -> &mut [Stretch] {
        match self {
            Self::Trail(trail) => std::slice::from_mut(trail),
            Self::Department { keys, .. } => keys,
        }
    }
}

impl Long {
    /// Which events of which trails the parts show.
    pub fn reads(&self) -> Vec<Read> {
        let whole = match &self.claimed {
            Claimed::Trail(_) => None,
            Claimed::Department { trail, .. } => Some(trail.read()),
        };
        whole.into_iter().chain(self.claimed.spread().iter().map(Stretch::read)).collect()
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
    ) -> Result<Long, ProveError> {
        let claimed = Claimed::Trail(self.stretch_left(kind, id, range)?);
        self.begin(claimed, range, pinned)
    }

    /// Begins a proof in parts of all that a department's keys signed, anchored here. Each part has the department's own trail, by
    /// which its keys are known.
    pub fn begin_long_department(
        &self,
        code: &str,
        range: Range,
        pinned: Option<u64>,
    ) -> Result<Long, ProveError> {
        let Signers { objects, key_ids } = self.signers(code)?;
        let trail = self.stretch_left(TrailKind::Department, code.as_bytes(), Range::Whole)?;
        let keys = key_ids.iter().map(|id| self.stretch_left(TrailKind::Key, id, range));
        let keys = keys.collect::<Result<_, _>>()?;
        let claimed = Claimed::Department { code: code.to_owned(), objects, trail, keys };
        self.begin(claimed, range, pinned)
    }

    fn begin(
        &self,
        claimed: Claimed,
        range: Range,
        pinned: Option<u64>,
    ) -> Result<Long, ProveError> {
        let mut snapshot = self.snapshot(pinned)?;
        // As they stand now; one that changes before the last part is shown as it stood.
        if let Claimed::Department { objects, .. } = &claimed {
            for place in objects {
                snapshot.object(self, place)?;
            }
        }
        // The whole is the heights up to the anchor: parts have ends.
        let range = match range {
            Range::Whole => Range::Heights(Height::GENESIS, self.parent.header.height.next()),
            other => other,
        };
        Ok(Long { snapshot, claimed, range, from: Some(ends(range).0) })
    }

    fn stretch_left(
        &self,
        kind: TrailKind,
        id: &[u8],
        range: Range,
    ) -> Result<Stretch, ProveError> {
        let trail = Place::trail(kind, id);
        let size = self.index.head(&trail)?.size();
        let (next, end) = self.numbers(&trail, size, range)?;
        Ok(Stretch { kind, id: id.to_vec(), size, next, end })
    }

    /// The next part: a proof file; `None` when all were made.
    pub fn next_part(&self, long: &mut Long) -> Result<Option<Vec<u8>>, ProveError> {
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
    fn part(&self, long: &mut Long, from: u64, most: u64) -> Result<Vec<u8>, ProveError> {
        let until = self.cut(long, from, most)?;
        let range = part(long.range, from, until.unwrap_or(ends(long.range).1));
        let mut needs = Transactions::default();
        let (mut shown, mut next) = (0u64, Vec::new());
        let mut stretch = |it: &Stretch, range, needs: &mut Transactions| {
            let (map, trail) = (&long.snapshot.trie, (it.kind, it.id.as_slice()));
            let (claim, first, events) = self.stretch_at(map, trail, it.size, range, needs)?;
            shown = shown.saturating_add(events);
            if shown > limits::TRACE_EVENTS as u64 {
                return Err(ProveError::TooMany { events: shown });
            }
            Ok((claim, first.saturating_add(events)))
        };
        let claim = match &long.claimed {
            Claimed::Trail(it) => {
                let (claim, end) = stretch(it, range, &mut needs)?;
                next.push(end);
                trace::Claim::Completeness(claim)
            }
            Claimed::Department { code, objects, trail, keys } => {
                needs.objects.extend(objects.iter().cloned());
                let (trail, _) = stretch(trail, Range::Whole, &mut needs)?;
                let mut claims = Vec::with_capacity(keys.len());
                for it in keys {
                    let (claim, end) = stretch(it, range, &mut needs)?;
                    claims.push(claim);
                    next.push(end);
                }
                let department = code.clone();
                let claim = wire::DepartmentClaim { department, trail: Some(trail), keys: claims };
                trace::Claim::Department(claim)
            }
        };
        let proof = self.trace_at(&mut long.snapshot, needs, claim)?;
        for (it, next) in long.claimed.spread_mut().iter_mut().zip(next) {
            it.next = next;
        }
        long.from = until;
        Ok(proof)
    }

    /// Where a part that begins here ends: a height or a time. Not before one behind the beginning, however many events one
    /// block has. `None`: with the range.
    fn cut(&self, long: &Long, from: u64, most: u64) -> Result<Option<u64>, ProveError> {
        let end = ends(long.range).1;
        let has_room = |until| self.has_room(long, part(long.range, from, until), most);
        if end <= from.saturating_add(1) || has_room(end)? {
            return Ok(None);
        }
        let (mut low, mut high) = (from.saturating_add(1), end.saturating_sub(1));
        while low < high {
            let middle = high.saturating_sub(high.saturating_sub(low) / 2);
            if has_room(middle)? {
                low = middle;
            } else {
                high = middle.saturating_sub(1);
            }
        }
        Ok(Some(low))
    }

    /// Whether what is left has no more events than so many in a range.
    fn has_room(&self, long: &Long, range: Range, most: u64) -> Result<bool, ProveError> {
        let mut events = 0u64;
        for it in long.claimed.spread() {
            let trail = it.trail();
            let is_behind = |leaf: &EventLeaf| range.place(leaf) == Ordering::Greater;
            let end = self.first_between(&trail, (it.next, it.end), is_behind)?;
            events = events.saturating_add(end.saturating_sub(it.next));
            if events > most {
                return Ok(false);
            }
        }
        Ok(true)
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
