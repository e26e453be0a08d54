//! What is true of a world, told from its whole history.

use super::prover::{events_of, headers_root};
use crate::event::{Body, EventLeaf, ledger::LedgerEvent};
use crate::items::Item;
use crate::ledger::tests::World;
use crate::merkle::{Blake3Log, log};
use crate::tx::TxHeader;
use crate::verify::{
    Absence, Claim, Completeness, Consistency, Inclusion, ProvedEvent, Range, Statement, Tag,
    allows,
};
use crate::wire::{UnknownCount, item::Kind};
use std::collections::BTreeSet;

/// Panics unless what was verified is so.
pub(super) fn assert_true(world: &World, statement: &Statement) {
    assert_eq!(statement.chain, world.founding.chain());
    assert_eq!(statement.anchor, world.tip().header);
    match &statement.claim {
        Claim::Inclusion(it) => included(world, it),
        Claim::Completeness(it) => complete(world, it),
        Claim::Consistency(it) => extends(world, it),
        Claim::State(it) => assert_eq!(world.objects.get(&it.place), Some(&it.object)),
        Claim::Absence(it) => absent(world, it),
        // No honest world has one: they are told apart where they are made.
        Claim::Authorised(it) => {
            included(world, &it.record);
            assert_eq!(it.outcome, it.record.event.leaf.outcome);
            assert!(allows(it.outcome.verdict));
        }
        Claim::Department(it) => {
            complete(world, &it.trail);
            it.keys.iter().for_each(|it| complete(world, it));
            let signed = world.transactions.iter().filter(|tx| tx.header().department == it.code);
            let keys: BTreeSet<_> = signed.map(|tx| tx.header().key).collect();
            let given: BTreeSet<_> = it.keys.iter().map(|it| it.trail.id().to_vec()).collect();
            assert!(keys.iter().all(|key| given.contains(key.as_bytes().as_slice())));
        }
        Claim::Subject(it) => it.tags.iter().for_each(|tag| subject(world, tag)),
        Claim::Fork(_) | Claim::Omission(_) => panic!("an honest world has no conflict"),
    }
    for event in statement.claim.events() {
        match &event.body {
            Body::Signed { header, item } => signed(world, event, header, item),
            Body::Ledger(it) => told(world, event, it),
        }
    }
}

fn included(world: &World, claim: &Inclusion) {
    let leaf = &claim.event.leaf;
    let block = &world.blocks[usize::try_from(leaf.height.get()).unwrap()];
    assert_eq!(block.header, claim.header);
    assert_eq!(block.delta.events[leaf.index as usize].leaf, *leaf);
}

fn subject(world: &World, tag: &Tag) {
    complete(world, &tag.listed);
    complete(world, &tag.unlisted);
    let mut known = UnknownCount::default();
    for item in world.transactions.iter().flat_map(|tx| tx.items()) {
        let record = match item.kind() {
            Kind::RecordAccess(it) => Some(it),
            Kind::ManualHandover(it) => it.record.as_ref(),
            Kind::OpenSealed(it) => it.record.as_ref(),
            _ => None,
        };
        let Some(it) = record.filter(|it| it.collector == tag.collector) else { continue };
        if it.decision() == crate::wire::Decision::Served {
            let whose = it.subjects.as_ref().unwrap();
            known.records += u64::from(whose.unknown_count > 0);
            known.subjects += whose.unknown_count;
            known.uncounted += u64::from(whose.uncounted);
            known.untold += u64::from(it.accesses.is_empty());
        }
    }
    assert_eq!(tag.unknown, known);
}

fn extends(world: &World, claim: &Consistency) {
    let noted = usize::try_from(claim.noted_size).unwrap();
    let root = match &claim.trail {
        Some(trail) => {
            let events = events_of(world, trail);
            assert_eq!(claim.size, events.len() as u64);
            log::root::<Blake3Log>(events[..noted].iter().map(|it| it.leaf.hash()))
        }
        None => {
            assert_eq!(claim.size, world.height().get());
            headers_root(world, noted)
        }
    };
    assert_eq!(claim.noted_root, root);
}

fn absent(world: &World, claim: &Absence) {
    match claim {
        Absence::Object(place) => assert!(!world.objects.contains_key(place)),
        Absence::Number { trail, number, size } => {
            assert_eq!(events_of(world, trail).len() as u64, *size);
            assert!(number >= size);
        }
        Absence::Transaction { trail, id } => {
            complete(world, trail);
            assert!(trail.events.iter().all(|it| it.leaf.origin != *id));
        }
    }
}

fn complete(world: &World, claim: &Completeness) {
    let all: Vec<EventLeaf> = events_of(world, &claim.trail).iter().map(|it| it.leaf).collect();
    let inside = |leaf: &&EventLeaf| match claim.range {
        Range::Whole => true,
        Range::Heights(from, until) => (from..until).contains(&leaf.height),
        Range::Times(from, until) => (from..until).contains(&leaf.time),
    };
    let expected: Vec<EventLeaf> = all.iter().filter(inside).copied().collect();
    let found: Vec<EventLeaf> = claim.events.iter().map(|it| it.leaf).collect();
    assert_eq!(found, expected);
    assert_eq!(claim.size, all.len() as u64);
    if let Some(leaf) = found.first() {
        assert_eq!(all[usize::try_from(claim.first).unwrap()], *leaf);
    }
    // No block that is still to come can belong to the range.
    let anchor = &world.tip().header;
    match claim.range {
        Range::Whole => {}
        Range::Heights(_, until) => assert!(until <= anchor.height.next()),
        Range::Times(_, until) => assert!(until <= anchor.time.plus(1)),
    }
}

fn told(world: &World, event: &ProvedEvent, body: &LedgerEvent) {
    let leaf = &event.leaf;
    let block = &world.blocks[usize::try_from(leaf.height.get()).unwrap()];
    let made = &block.delta.events[leaf.index as usize];
    assert_eq!((made.leaf, made.ledger.as_deref()), (*leaf, Some(body.bytes())));
}

fn signed(world: &World, event: &ProvedEvent, header: &TxHeader, item: &Item) {
    let tx = world.transactions.iter().find(|tx| tx.id() == event.leaf.origin).unwrap();
    assert_eq!(tx.header(), header);
    assert_eq!(&tx.items()[event.leaf.item as usize], item);
}
