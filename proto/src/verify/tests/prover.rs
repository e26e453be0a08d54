//! Makes proof files of a world, as a node does: honest ones, for tests to bend.

use crate::ledger::Event;
use crate::ledger::tests::World;
use crate::merkle::{Blake3Log, MemoryLog, Sha256Log, inclusion as path, range};
use crate::place::Place;
use crate::types::{Hash, Height, TimeMs, TxId};
use crate::verify::{Range, TRACE_MAGIC};
use crate::wire::{self, RangeKind, trace};
use std::cmp::Ordering;

/// The events of a trail.
pub(super) fn events_of(world: &World, trail: &Place) -> Vec<Event> {
    let events = world.blocks.iter().flat_map(|block| &block.delta.events);
    events.filter(|event| event.trails.contains(trail)).cloned().collect()
}

/// A proof that the event at an index of a block is there.
pub(super) fn inclusion(world: &World, height: u64, index: u32) -> wire::Trace {
    let block = &world.blocks[usize::try_from(height).unwrap()];
    let events = &block.delta.events;
    let log: MemoryLog<Blake3Log> = events.iter().map(|event| event.leaf.hash()).collect();
    let size = events.len() as u64;
    let event_path = path::prove::<Blake3Log, _>(&log, index.into(), size).unwrap().unwrap();
    let anchor = world.height().get();
    let header_path = path::prove::<Sha256Log, _>(&world.headers, height, anchor).unwrap();
    let mut trace = empty(world);
    let event = proved(world, &mut trace, &events[index as usize]);
    trace.claim = Some(trace::Claim::Inclusion(wire::InclusionClaim {
        event: Some(event),
        header: block.header.to_bytes().to_vec(),
        event_path: bytes(&event_path),
        header_path: bytes(&header_path.unwrap_or_default()),
    }));
    trace
}

/// A proof that a trail is complete in a range.
pub(super) fn completeness(
    world: &World,
    trail: &Place,
    kind: RangeKind,
    from: u64,
    until: u64,
) -> wire::Trace {
    stretch(world, trail, &events_of(world, trail), (kind, from, until))
}

/// The same for a trail that is said to have these events.
pub(super) fn stretch(
    world: &World,
    trail: &Place,
    events: &[Event],
    (kind, from, until): (RangeKind, u64, u64),
) -> wire::Trace {
    let mut claim = wire::CompletenessClaim {
        trail_kind: trail.kind().into(),
        trail_id: trail.id().to_vec(),
        range: kind as i32,
        from,
        until,
        size: events.len() as u64,
        path: Some(world.trie.prove(&trail.map_key()).to_wire()),
        ..Default::default()
    };
    let mut trace = empty(world);
    if !events.is_empty() {
        let range = match kind {
            RangeKind::Heights => Range::Heights(Height::new(from), Height::new(until)),
            RangeKind::Times => Range::Times(TimeMs::new(from), TimeMs::new(until)),
            _ => Range::Whole,
        };
        fill(world, &mut trace, &mut claim, events, range);
    }
    trace.claim = Some(trace::Claim::Completeness(claim));
    trace
}

fn fill(
    world: &World,
    trace: &mut wire::Trace,
    claim: &mut wire::CompletenessClaim,
    events: &[Event],
    range: Range,
) {
    let first = events.partition_point(|it| range.place(&it.leaf) == Ordering::Less);
    let end = events.partition_point(|it| range.place(&it.leaf) != Ordering::Greater);
    let (low, high) = (first.saturating_sub(1), (end + 1).min(events.len()));
    let neighbours = (low < first, end < high);
    cover(world, trace, claim, events, low..high, neighbours);
}

/// Proves the leaves of a range of numbers, the outer ones as neighbours or as events.
pub(super) fn cover(
    world: &World,
    trace: &mut wire::Trace,
    claim: &mut wire::CompletenessClaim,
    events: &[Event],
    numbers: std::ops::Range<usize>,
    (before, after): (bool, bool),
) {
    let log: MemoryLog<Blake3Log> = events.iter().map(|event| event.leaf.hash()).collect();
    let (low, high) = (numbers.start as u64, numbers.end as u64);
    let hashes = range::prove::<Blake3Log, _>(&log, low, high, events.len() as u64);
    let leaf_at = |given: bool, at: usize| {
        let leaf = given.then(|| events[at].leaf.to_bytes().to_vec());
        leaf.unwrap_or_default()
    };
    let inside = numbers.start + usize::from(before)..numbers.end - usize::from(after);
    claim.root = log.root().to_vec();
    claim.first = low;
    claim.leaf_before = leaf_at(before, numbers.start);
    claim.leaf_after = leaf_at(after, numbers.end - 1);
    claim.hashes = bytes(&hashes.unwrap().unwrap());
    claim.events = events[inside].iter().map(|it| proved(world, trace, it)).collect();
}

fn bytes(hashes: &[Hash]) -> Vec<Vec<u8>> {
    hashes.iter().map(|hash| hash.to_vec()).collect()
}

fn empty(world: &World) -> wire::Trace {
    let tip = world.tip();
    wire::Trace {
        magic: TRACE_MAGIC.into(),
        chain_id: world.founding.chain().to_vec(),
        anchor: Some(wire::Anchor {
            header: tip.header.to_bytes().to_vec(),
            certificate: tip.certificate.clone(),
            changes: Vec::new(),
        }),
        ..Default::default()
    }
}

/// The bytes of an event; an item's transaction and signer come into the proof once.
fn proved(world: &World, trace: &mut wire::Trace, event: &Event) -> wire::ProvedEvent {
    let leaf = &event.leaf;
    if let Some(bytes) = &event.ledger {
        let leaf = leaf.to_bytes().to_vec();
        return wire::ProvedEvent { leaf, ledger_event: bytes.clone(), ..Default::default() };
    }
    let tx = world.transactions.iter().find(|tx| tx.id() == leaf.origin).unwrap();
    let given = wire::ProvedTransaction {
        header: tx.header_bytes().to_vec(),
        signature: tx.signature().to_vec(),
    };
    let at = trace.transactions.iter().position(|it| *it == given).unwrap_or_else(|| {
        trace.transactions.push(given);
        trace.transactions.len() - 1
    });
    let header = tx.header();
    for place in [
        Place::key(&header.key),
        Place::identity(&header.identity),
        Place::department(&header.department),
    ] {
        if !trace.signers.iter().any(|it| it.id == place.id()) {
            trace.signers.push(object(world, &place));
        }
    }
    let (log, item) = (tx.items_log(), u64::from(leaf.item));
    let item_path = path::prove::<Blake3Log, _>(&log, item, header.item_count.into()).unwrap();
    wire::ProvedEvent {
        leaf: leaf.to_bytes().to_vec(),
        transaction: u32::try_from(at).unwrap(),
        item: tx.items()[leaf.item as usize].bytes().to_vec(),
        item_path: bytes(&item_path.unwrap()),
        ledger_event: Vec::new(),
    }
}

/// A proof of an object of the map.
pub(super) fn object(world: &World, place: &Place) -> wire::ObjectProof {
    wire::ObjectProof {
        kind: place.kind().into(),
        id: place.id().to_vec(),
        object: world.objects[place].to_bytes(),
        path: Some(world.trie.prove(&place.map_key()).to_wire()),
    }
}

/// The transaction ids of a proof.
pub(super) fn transaction_ids(trace: &wire::Trace) -> Vec<TxId> {
    let id = |it: &wire::ProvedTransaction| {
        crate::tx::tx_id(&it.header, &it.signature.as_slice().try_into().unwrap())
    };
    trace.transactions.iter().map(id).collect()
}
