//! Completeness: these are all the events of a trail in a range.

use super::super::events::{Checker, ProvedEvent, hashes, leaf};
use super::super::{NotVerified, invalid};
use super::head::Head;
use crate::event::{Body, EventLeaf};
use crate::header::block::Header;
use crate::merkle::{Blake3Log, range};
use crate::place::{Place, TrailKind};
use crate::types::{Hash, Height, TimeMs};
use crate::wire::{self, RangeKind};

/// The stretch of a trail that is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// From its beginning to the anchor.
    Whole,
    /// Heights [from, until).
    Heights(Height, Height),
    /// Block times [from, until).
    Times(TimeMs, TimeMs),
}

impl Range {
    fn from_wire(claim: &wire::CompletenessClaim) -> Result<Self, NotVerified> {
        let (from, until) = (claim.from, claim.until);
        let kind = RangeKind::try_from(claim.range).unwrap_or(RangeKind::Unspecified);
        match kind {
            RangeKind::Whole if from == 0 && until == 0 => Ok(Self::Whole),
            RangeKind::Heights if from < until => {
                Ok(Self::Heights(Height::new(from), Height::new(until)))
            }
            RangeKind::Times if from < until => {
                Ok(Self::Times(TimeMs::new(from), TimeMs::new(until)))
            }
            _ => Err(invalid("range.malformed", "not a range of heights or times")),
        }
    }

    /// Whether a leaf lies before the range, in it, or behind it.
    pub fn place(&self, leaf: &EventLeaf) -> std::cmp::Ordering {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let place = |before, behind| match (before, behind) {
            (true, _) => Less,
            (_, true) => Greater,
            _ => Equal,
        };
        match self {
            Self::Whole => Equal,
            Self::Heights(from, until) => place(leaf.height < *from, leaf.height >= *until),
            Self::Times(from, until) => place(leaf.time < *from, leaf.time >= *until),
        }
    }

    /// Whether blocks after the anchor could still belong to the range.
    fn reaches_beyond(&self, anchor: &Header) -> bool {
        match self {
            Self::Whole => false,
            Self::Heights(_, until) => *until > anchor.height.next(),
            Self::Times(_, until) => *until > anchor.time.plus(1),
        }
    }
}

/// A trail of which nothing is left out.
#[derive(Debug, Clone)]
pub struct Completeness {
    /// The trail.
    pub trail: Place,
    /// Its kind.
    pub kind: TrailKind,
    /// The stretch.
    pub range: Range,
    /// How many events the whole trail has at the anchor.
    pub size: u64,
    /// The number on the trail of the first event.
    pub first: u64,
    /// All its events in the range, in order.
    pub events: Vec<ProvedEvent>,
}

/// Verifies that a trail has these events in a range, and no others.
pub(super) fn verify(
    claim: &wire::CompletenessClaim,
    checker: &Checker<'_>,
) -> Result<Completeness, NotVerified> {
    let head = wire::TrailHead {
        trail_kind: claim.trail_kind,
        trail_id: claim.trail_id.clone(),
        size: claim.size,
        root: claim.root.clone(),
        path: claim.path.clone(),
    };
    let Head { kind, trail, size, root } = Head::verify(&head, checker.anchor)?;
    let nothing = claim.events.is_empty()
        && claim.hashes.is_empty()
        && claim.first == 0
        && claim.leaf_before.is_empty()
        && claim.leaf_after.is_empty();
    if size == 0 && !nothing {
        return Err(invalid("trail.head", "the trail is not shown empty"));
    }
    let range = Range::from_wire(claim)?;
    let first = root.map_or(Ok(0), |root| stretch(claim, range, root));
    let mut events = Vec::new();
    for given in &claim.events {
        let event = checker.event(given)?;
        if !checker.belongs(&event, &trail) {
            return Err(invalid("trail.stranger", format!("an event that is not of {trail}")));
        }
        // Only what the validators took is kept: how much memory others' bytes take is their choice.
        if first.is_ok() {
            events.push(event);
        }
    }
    let first = first?;
    if kind == TrailKind::Key {
        numbered(first, &events)?;
    }
    if range.reaches_beyond(checker.anchor) {
        let anchor = checker.anchor;
        return Err(NotVerified::Undecidable(format!(
            "what came after height {} (block time {} ms), where the proof is anchored",
            anchor.height, anchor.time
        )));
    }
    Ok(Completeness { trail, kind, range, size, first, events })
}

/// Checks that the events fill the range without a gap: leaves in order, a neighbour outside the
/// range or the trail's end on either side, all under the trail's root.
fn stretch(claim: &wire::CompletenessClaim, range: Range, root: Hash) -> Result<u64, NotVerified> {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let bad = |why: &str| invalid("range.gap", why);
    let neighbour = |bytes: &[u8]| (!bytes.is_empty()).then(|| leaf(bytes)).transpose();
    let (before, after) = (neighbour(&claim.leaf_before)?, neighbour(&claim.leaf_after)?);
    let events = claim.events.iter().map(|it| leaf(&it.leaf)).collect::<Result<Vec<_>, _>>()?;
    let leaves: Vec<EventLeaf> = before.iter().chain(&events).chain(&after).copied().collect();
    let ascending = leaves
        .iter()
        .zip(leaves.iter().skip(1))
        .all(|(a, b)| (a.height, a.index) < (b.height, b.index));
    if !ascending {
        return Err(bad("the events are not in order"));
    }
    let placed = before.iter().all(|it| range.place(it) == Less)
        && events.iter().all(|it| range.place(it) == Equal)
        && after.iter().all(|it| range.place(it) == Greater);
    if !placed {
        return Err(bad("an event on the wrong side of the range's ends"));
    }
    let hashed: Vec<Hash> = leaves.iter().map(EventLeaf::hash).collect();
    let proof = hashes(&claim.hashes)?;
    if range::root_from_range::<Blake3Log>(claim.size, claim.first, &hashed, &proof) != Some(root) {
        return Err(bad("the leaves are not those of the trail at these numbers"));
    }
    let count = u64::try_from(leaves.len()).unwrap_or(u64::MAX);
    let end = claim.first.saturating_add(count);
    if (before.is_none() && claim.first != 0) || (after.is_none() && end != claim.size) {
        return Err(bad("no neighbour where the trail goes on"));
    }
    Ok(claim.first.saturating_add(u64::from(before.is_some())))
}

/// On a key's trail each event's number is the one that its header states.
fn numbered(first: u64, events: &[ProvedEvent]) -> Result<(), NotVerified> {
    let number = |event: &ProvedEvent| match &event.body {
        Body::Signed { header, .. } => Some(header.number(event.leaf.item)),
        Body::Ledger(_) => None,
    };
    let fits = (first..).zip(events).all(|(n, event)| number(event) == Some(n));
    if fits { Ok(()) } else { Err(invalid("trail.number", "an event under another number")) }
}
