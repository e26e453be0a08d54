//! Makes proof files of a world, as a node does: honest ones, for tests to bend.

use crate::items::access::{
    replay::{Recorded, judge},
    tests::replay::Tip,
};
use crate::ledger::tests::World;
use crate::ledger::{Event, calendar};
use crate::merkle::{Blake3Log, MemoryLog, Sha256Log, consistency, inclusion as path, log, range};
use crate::place::{Place, TrailKind};
use crate::subject::prove_bulk;
use crate::types::{Hash, Height, IdentityId, TimeMs, TxId};
use crate::verify::{Range, TRACE_MAGIC, bulk_record};
use crate::wire::{self, RangeKind, absence_claim, item::Kind, trace};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

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
            pin: None,
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
        if !trace.objects.iter().any(|it| it.id == place.id()) {
            trace.objects.push(object(world, &place));
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

fn head(world: &World, trail: &Place) -> wire::TrailHead {
    let events = events_of(world, trail);
    let log: MemoryLog<Blake3Log> = events.iter().map(|event| event.leaf.hash()).collect();
    wire::TrailHead {
        trail_kind: trail.kind().into(),
        trail_id: trail.id().to_vec(),
        size: events.len() as u64,
        root: if events.is_empty() { Vec::new() } else { log.root().to_vec() },
        path: Some(world.trie.prove(&trail.map_key()).to_wire()),
    }
}

fn claiming(world: &World, claim: trace::Claim) -> wire::Trace {
    wire::Trace { claim: Some(claim), ..empty(world) }
}

/// The root over the first headers.
pub(super) fn headers_root(world: &World, count: usize) -> Hash {
    let ids = world.blocks[..count].iter().map(|it| it.header.block_id());
    log::root::<Sha256Log>(ids.map(|id| Hash::new(*id.as_bytes())))
}

/// A proof that the chain extends its first headers.
pub(super) fn chain_extends(world: &World, noted_size: u64) -> wire::Trace {
    let size = world.height().get();
    let noted = usize::try_from(noted_size).unwrap();
    let path = consistency::prove::<Sha256Log, _>(&world.headers, noted_size, size);
    claiming(
        world,
        trace::Claim::Consistency(wire::ConsistencyClaim {
            noted_size,
            noted_root: headers_root(world, noted).to_vec(),
            hashes: bytes(&path.unwrap().unwrap()),
            trail: None,
        }),
    )
}

/// A proof that a trail extends its first events.
pub(super) fn trail_extends(world: &World, trail: &Place, noted_size: u64) -> wire::Trace {
    let events = events_of(world, trail);
    let log: MemoryLog<Blake3Log> = events.iter().map(|event| event.leaf.hash()).collect();
    let noted = events.iter().take(usize::try_from(noted_size).unwrap());
    let path = consistency::prove::<Blake3Log, _>(&log, noted_size, events.len() as u64);
    claiming(
        world,
        trace::Claim::Consistency(wire::ConsistencyClaim {
            noted_size,
            noted_root: log::root::<Blake3Log>(noted.map(|it| it.leaf.hash())).to_vec(),
            hashes: bytes(&path.unwrap().unwrap()),
            trail: Some(head(world, trail)),
        }),
    )
}

/// A proof of how an object stands.
pub(super) fn state(world: &World, place: &Place) -> wire::Trace {
    let claim = wire::StateClaim { kind: place.kind().into(), id: place.id().to_vec() };
    let mut trace = claiming(world, trace::Claim::State(claim));
    trace.objects.push(object(world, place));
    trace
}

/// A proof that the record at an index of a block was covered.
pub(super) fn authorised(world: &World, height: u64, index: u32) -> wire::Trace {
    let mut trace = inclusion(world, height, index);
    let Some(trace::Claim::Inclusion(record)) = trace.claim.take() else {
        panic!("another claim");
    };
    let event = &world.blocks[usize::try_from(height).unwrap()].delta.events[index as usize];
    let tx = world.transactions.iter().find(|tx| tx.id() == event.leaf.origin).unwrap();
    let Kind::RecordAccess(it) = tx.items()[event.leaf.item as usize].kind() else {
        panic!("no record");
    };
    let tip = Tip::new(&world.objects, world.blocks.iter().map(|it| &it.header));
    let recorded = Recorded { leaf: &event.leaf, signer: tx.header(), record: it };
    let reads = judge(&tip, recorded).map(|(_, reads)| reads).unwrap_or_default();
    for place in &reads.places {
        if !trace.objects.iter().any(|it| (it.kind, &*it.id) == (place.kind().into(), place.id())) {
            trace.objects.push(object(world, place));
        }
    }
    let headers = reads.heights.iter().map(|height| {
        let header = &world.blocks[usize::try_from(height.get()).unwrap()].header;
        let up = path::prove::<Sha256Log, _>(&world.headers, height.get(), world.height().get());
        wire::HeaderProof { header: header.to_bytes().to_vec(), path: bytes(&up.unwrap().unwrap()) }
    });
    let claim = wire::AuthorisedClaim { record: Some(record), headers: headers.collect() };
    trace.claim = Some(trace::Claim::Authorised(claim));
    trace
}

/// A stretch of a trail, as one of several in a file.
fn merged(
    world: &World,
    trace: &mut wire::Trace,
    trail: &Place,
    range: (RangeKind, u64, u64),
) -> wire::CompletenessClaim {
    let mut one = completeness(world, trail, range.0, range.1, range.2);
    let Some(trace::Claim::Completeness(mut claim)) = one.claim.take() else {
        panic!("another claim");
    };
    for event in claim.events.iter_mut().filter(|it| it.ledger_event.is_empty()) {
        let given = one.transactions[event.transaction as usize].clone();
        let known = trace.transactions.iter().position(|it| *it == given);
        let at = known.unwrap_or_else(|| {
            trace.transactions.push(given);
            trace.transactions.len() - 1
        });
        event.transaction = u32::try_from(at).unwrap();
    }
    for object in one.objects {
        if !trace.objects.contains(&object) {
            trace.objects.push(object);
        }
    }
    claim
}

/// An object of the map, or the path by which there is none.
fn object_or_none(world: &World, trace: &mut wire::Trace, place: &Place) -> Option<wire::MapProof> {
    if world.objects.contains_key(place) {
        let object = object(world, place);
        if !trace.objects.contains(&object) {
            trace.objects.push(object);
        }
        return None;
    }
    Some(world.trie.prove(&place.map_key()).to_wire())
}

/// A proof of all that stands of tags of collectors.
pub(super) fn subject(
    world: &World,
    tags: &[(&str, [u8; 32])],
    range: (RangeKind, u64, u64),
) -> wire::Trace {
    let mut trace = empty(world);
    let mut claim = wire::SubjectClaim::default();
    for (collector, tag) in tags {
        let own = Place::subject_trail(collector, tag);
        let listed = merged(world, &mut trace, &own, range);
        let unlisted = merged(world, &mut trace, &Place::unlisted_trail(collector), range);
        let mut bulk = Vec::new();
        for event in &unlisted.events {
            let header = &trace.transactions[event.transaction as usize].header;
            let header = crate::tx::TxHeader::parse(header).unwrap();
            let item = crate::items::Item::parse(&event.item).unwrap();
            let Some((gateway, access_no)) = bulk_record(&header, &item) else { continue };
            let place = Place::bulk_set(&gateway, access_no);
            let set: Arc<wire::BulkSet> = world.get(&place);
            object_or_none(world, &mut trace, &place);
            if set.complete {
                bulk.push(membership(world, &gateway, access_no, tag));
            }
        }
        let no_unknown = object_or_none(world, &mut trace, &Place::unknown_count(collector));
        claim.subjects.push(wire::SubjectTrails {
            collector: (*collector).into(),
            tag: tag.to_vec(),
            listed: Some(listed),
            unlisted: Some(unlisted),
            bulk,
            no_unknown,
        });
    }
    claim.sealed_from = calendar::sealed_month(world.blocks[0].header.time);
    for month in claim.sealed_from..calendar::sealed_told_before(world.tip().header.time) {
        if let Some(path) = object_or_none(world, &mut trace, &Place::sealed_count(month)) {
            claim.unsealed.push(wire::UnsealedMonth { month, path: Some(path) });
        }
    }
    trace.claim = Some(trace::Claim::Subject(claim));
    trace
}

/// Whether a tag is in a bulk set, from the tags on the ledger.
fn membership(
    world: &World,
    gateway: &[u8],
    access_no: u64,
    tag: &[u8; 32],
) -> wire::BulkMembership {
    let trail = Place::bulk_tags_trail(gateway, access_no);
    let mut tags = Vec::new();
    for event in events_of(world, &trail) {
        let tx = world.transactions.iter().find(|tx| tx.id() == event.leaf.origin).unwrap();
        let Kind::AddBulkTags(it) = tx.items()[event.leaf.item as usize].kind() else {
            panic!("no tags");
        };
        tags.extend(it.tags.iter().cloned());
    }
    let proof = prove_bulk(&tags, tag).unwrap();
    wire::BulkMembership { first: proof.first, tags: proof.tags, hashes: bytes(&proof.hashes) }
}

/// A proof of all that a department signed in a range.
pub(super) fn department(world: &World, code: &str, range: (RangeKind, u64, u64)) -> wire::Trace {
    let mut trace = empty(world);
    let roster: Arc<wire::Roster> = world.get(&Place::roster(code));
    trace.objects.push(object(world, &Place::roster(code)));
    let mut keys = BTreeSet::new();
    for id in &roster.identity_ids {
        let place = Place::identity(&IdentityId::from_slice(id).unwrap());
        let identity: Arc<wire::Identity> = world.get(&place);
        keys.extend(identity.key_ids.iter().cloned());
        trace.objects.push(object(world, &place));
    }
    let whole = (RangeKind::Whole, 0, 0);
    let trail = Some(merged(world, &mut trace, &Place::department_trail(code), whole));
    let key = |id: &Vec<u8>| merged(world, &mut trace, &Place::trail(TrailKind::Key, id), range);
    let keys = keys.iter().map(key).collect();
    let claim = wire::DepartmentClaim { department: code.into(), trail, keys };
    trace.claim = Some(trace::Claim::Department(claim));
    trace
}

fn absence(world: &World, of: absence_claim::Of) -> wire::Trace {
    claiming(world, trace::Claim::Absence(wire::AbsenceClaim { of: Some(of) }))
}

/// A proof that there is no such object.
pub(super) fn no_object(world: &World, place: &Place) -> wire::Trace {
    let path = Some(world.trie.prove(&place.map_key()).to_wire());
    let (kind, id) = (place.kind().into(), place.id().to_vec());
    absence(world, absence_claim::Of::Object(wire::AbsentObject { kind, id, path }))
}

/// A proof that a trail had not come to a number.
pub(super) fn no_number(world: &World, trail: &Place, number: u64) -> wire::Trace {
    let trail = Some(head(world, trail));
    absence(world, absence_claim::Of::Number(wire::AbsentNumber { trail, number }))
}

/// A proof that a transaction is not on a trail.
pub(super) fn no_transaction(world: &World, trail: &Place, id: &TxId) -> wire::Trace {
    let mut trace = completeness(world, trail, RangeKind::Whole, 0, 0);
    let Some(trace::Claim::Completeness(complete)) = trace.claim.take() else {
        panic!("another claim");
    };
    let of = wire::AbsentTransaction { trail: Some(complete), tx_id: id.to_vec() };
    let of = Some(absence_claim::Of::Transaction(of));
    trace.claim = Some(trace::Claim::Absence(wire::AbsenceClaim { of }));
    trace
}

/// A proof that a second world's validators certified another history.
pub(super) fn fork(world: &World, other: &World) -> wire::Trace {
    let (height, top) = (world.height().get(), other.height().get());
    let mut claim = wire::ForkClaim { other: empty(other).anchor, ..Default::default() };
    if top > height {
        let block = &other.blocks[usize::try_from(height).unwrap()];
        claim.header = block.header.to_bytes().to_vec();
        let path = path::prove::<Sha256Log, _>(&other.headers, height, top).unwrap();
        claim.header_path = bytes(&path.unwrap());
    }
    claiming(world, trace::Claim::Fork(claim))
}

/// A proof that a trail, certified with these events, leaves out an event of a block.
pub(super) fn omission(
    world: &World,
    (height, index): (u64, u32),
    trail: &Place,
    events: &[Event],
    range: (RangeKind, u64, u64),
) -> wire::Trace {
    let mut trace = stretch(world, trail, events, range);
    let Some(trace::Claim::Completeness(complete)) = trace.claim.take() else {
        panic!("another claim");
    };
    let mut single = inclusion(world, height, index);
    let Some(trace::Claim::Inclusion(mut included)) = single.claim.take() else {
        panic!("another claim");
    };
    let given = single.transactions.remove(0);
    let at = trace.transactions.iter().position(|it| *it == given).unwrap_or_else(|| {
        trace.transactions.push(given);
        trace.transactions.len() - 1
    });
    if let Some(event) = &mut included.event {
        event.transaction = u32::try_from(at).unwrap();
    }
    for object in single.objects {
        if !trace.objects.contains(&object) {
            trace.objects.push(object);
        }
    }
    let claim = wire::OmissionClaim { included: Some(included), trail: Some(complete) };
    trace.claim = Some(trace::Claim::Omission(claim));
    trace
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
