//! Proofs of events that the ledger's own rules made: nobody signed them, and nothing else passes
//! for one.

use super::oracle;
use super::prover::{self, events_of};
use super::scene::{checked, refusal, scene, whole};
use super::structure::{Case, complete, inclusion, run};
use crate::event::{Body, ledger::LedgerEvent};
use crate::ledger::Event;
use crate::ledger::tests::stage::{GATEWAY, Staged};
use crate::place::Place;
use crate::types::TxId;
use crate::verify::Caveat;
use crate::wire::{self, Trace, ledger_event::Kind};
use prost::Message;

/// The trail of the emergency that was not ratified: opened, told, not ratified, said so, ended.
fn story(stage: &Staged) -> Place {
    let places = stage.world.blocks.iter().flat_map(|block| &block.delta.events);
    let told = places.filter(|event| event.ledger.is_some());
    let mut stories = told.flat_map(|event| event.trails.iter().filter(|it| it.kind() == 5));
    stories.next().unwrap().clone()
}

/// A proof of that trail: its first event is an item, its second the ledger's.
pub(super) fn mixed(stage: &Staged) -> Trace {
    whole(stage, &story(stage))
}

/// A proof of the integrity chain of the emergency's user, which has the ledger's events alone.
pub(super) fn integrity(stage: &Staged) -> Trace {
    whole(stage, &Place::integrity_trail("gz.hrss"))
}

/// A proof that an event of the ledger's is in its block.
pub(super) fn included(stage: &Staged) -> Trace {
    let event = events_of(&stage.world, &Place::integrity_trail("gz.hrss"))[0].clone();
    prover::inclusion(&stage.world, event.leaf.height.get(), event.leaf.index)
}

#[test]
fn a_story_with_the_ledgers_own_events() {
    let stage = scene();
    let verified = checked(&stage.world, &mixed(&stage)).unwrap();
    oracle::assert_true(&stage.world, verified.get());
    let names: Vec<_> = verified.get().claim.events().iter().map(|it| it.body.name()).collect();
    let expected = [
        "OpenEmergency",
        "CollectorTold",
        "RatifyEmergency",
        "EmergencyNotRatified",
        "IntegrityRaised",
        "GrantEnded",
    ];
    assert_eq!(names, expected);
    assert!(verified.get().caveats.contains(&Caveat::LedgerEventsAttested));
    for event in verified.get().claim.events() {
        let signed = matches!(event.body, Body::Signed { .. });
        assert_eq!(event.leaf.origin != TxId::ZERO, signed);
        assert_eq!(event.body.department().is_some(), signed);
        assert_eq!(event.body.identity().is_some(), signed);
        assert!(event.record().is_none());
    }
}

/// A trail of the ledger's events alone needs no transaction and no signer.
#[test]
fn an_integrity_chain_needs_no_signer() {
    let stage = scene();
    for trace in [integrity(&stage), included(&stage)] {
        assert!(trace.transactions.is_empty() && trace.objects.is_empty());
        let verified = checked(&stage.world, &trace).unwrap();
        oracle::assert_true(&stage.world, verified.get());
        assert!(verified.get().caveats.contains(&Caveat::LedgerEventsAttested));
    }
    // Nothing of the ledger's own: nothing to keep in mind of it.
    let records = checked(&stage.world, &whole(&stage, &super::scene::gateway_trail(&stage)));
    assert!(!records.unwrap().get().caveats.contains(&Caveat::LedgerEventsAttested));
}

fn other_bytes() -> Vec<u8> {
    let year = Kind::CalendarMissing(wire::CalendarMissing { year: 2030 });
    LedgerEvent::new(wire::Cause { key_id: vec![1; 32], number: 1 }, year).bytes().to_vec()
}

pub(super) const STORY: &[Case] = &[
    ("another ledger event's bytes", "event.ledger", |_, t| {
        let it = complete(t);
        it.events[1].ledger_event = it.events[3].ledger_event.clone();
    }),
    ("a made-up ledger event", "event.ledger", |_, t| {
        complete(t).events[1].ledger_event = other_bytes();
    }),
    ("no bytes", "event.ledger", |_, t| complete(t).events[1].ledger_event.clear()),
    ("bytes that are none", "event.ledger", |_, t| {
        complete(t).events[1].ledger_event = vec![0xff; 40];
    }),
    ("a byte more", "event.ledger", |_, t| complete(t).events[1].ledger_event.push(0)),
    ("another cause", "event.ledger", |_, t| {
        let bytes = &mut complete(t).events[1].ledger_event;
        let mut it = wire::LedgerEvent::decode(bytes.as_slice()).unwrap();
        it.cause.as_mut().unwrap().number += 1;
        *bytes = it.encode_to_vec();
    }),
    ("its bytes as an item", "event.ledger", |_, t| {
        let it = &mut complete(t).events[1];
        it.item = std::mem::take(&mut it.ledger_event);
    }),
    ("an item beside it", "event.ledger", |_, t| {
        let it = complete(t);
        it.events[1].item = it.events[0].item.clone();
    }),
    ("the path of an item", "event.ledger", |_, t| {
        complete(t).events[1].item_path.push(vec![1; 32]);
    }),
    ("a transaction", "event.ledger", |_, t| complete(t).events[1].transaction = 1),
    ("a verdict", "event.ledger", |_, t| complete(t).events[1].leaf[89] = 1),
    ("a reason", "event.ledger", |_, t| complete(t).events[1].leaf[88] = 2),
    ("a timeliness", "event.ledger", |_, t| complete(t).events[1].leaf[89] = 0x10),
    ("a time in the future", "event.ledger", |_, t| complete(t).events[1].leaf[89] = 0x40),
    ("naming another's grant", "event.ledger", |_, t| complete(t).events[1].leaf[89] = 0x80),
    ("bits that are none", "event.leaf", |_, t| complete(t).events[1].leaf[89] = 0x0f),
    ("an origin", "event.ledger", |_, t| complete(t).events[1].leaf[20..52].fill(1)),
    ("the origin of an item", "event.ledger", |_, t| {
        let it = complete(t);
        let origin = it.events[0].leaf[20..52].to_vec();
        it.events[1].leaf[20..52].copy_from_slice(&origin);
    }),
    ("another ordinal", "range.gap", |_, t| complete(t).events[1].leaf[55] ^= 1),
    ("another place in the block", "range.gap", |_, t| complete(t).events[4].leaf[11] += 1),
    ("an item with a ledger event", "event.ledger", |_, t| {
        complete(t).events[0].ledger_event = other_bytes();
    }),
    ("an item as a ledger event", "event.ledger", |_, t| {
        let it = &mut complete(t).events[0];
        it.leaf[20..52].fill(0);
        *it = wire::ProvedEvent {
            leaf: it.leaf.clone(),
            ledger_event: it.item.clone(),
            ..wire::ProvedEvent::default()
        };
    }),
    ("left out", "range.gap", |_, t| drop(complete(t).events.remove(1))),
    ("the last left out", "range.gap", |_, t| drop(complete(t).events.pop())),
    ("twice", "range.gap", |_, t| {
        let it = complete(t);
        it.events.insert(1, it.events[1].clone());
    }),
    ("two swapped", "range.gap", |_, t| complete(t).events.swap(3, 4)),
    ("later than the anchor", "event.later", |_, t| complete(t).events[1].leaf[7] = 200),
    ("of another trail", "trail.stranger", |s, t| {
        let mut other = whole(s, &Place::governance_trail());
        let missing = complete(&mut other).events.remove(0);
        complete(t).events.push(missing);
    }),
    ("without the transactions of the others", "event.transaction", |_, t| {
        t.transactions.clear();
        t.objects.clear();
    }),
];

#[test]
fn what_is_no_event_of_the_ledgers() {
    run(mixed, STORY);
}

pub(super) const ALONE: &[Case] = &[
    ("with a transaction that nothing needs", "file.unused", |s, t| {
        t.transactions = mixed(s).transactions;
    }),
    ("with a signer that nothing needs", "file.unused", |s, t| t.objects = mixed(s).objects),
    ("another department's chain", "trail.head", |_, t| {
        complete(t).trail_id = b"gz.psb".to_vec();
    }),
    ("said to be empty", "trail.head", |_, t| {
        let it = complete(t);
        (it.size, it.root, it.events) = (0, Vec::new(), Vec::new());
    }),
];

#[test]
fn an_integrity_chain_bent() {
    run(integrity, ALONE);
}

pub(super) const INCLUDED: &[Case] = &[
    ("another's bytes", "event.ledger", |_, t| {
        inclusion(t).event.as_mut().unwrap().ledger_event = other_bytes();
    }),
    ("another place", "inclusion.path", |_, t| {
        inclusion(t).event.as_mut().unwrap().leaf[11] += 1;
    }),
    ("another ordinal", "inclusion.path", |_, t| {
        inclusion(t).event.as_mut().unwrap().leaf[55] += 1;
    }),
    ("a verdict", "event.ledger", |_, t| inclusion(t).event.as_mut().unwrap().leaf[89] = 3),
];

#[test]
fn a_ledger_event_in_its_block() {
    run(included, INCLUDED);
}

/// Validators can say that the ledger made an event, but only on the trails that it names; never on
/// a key's, where nobody signed it.
#[test]
fn made_up_events() {
    let stage = scene();
    let integrity = Place::integrity_trail("gz.hrss");
    let made: Vec<Event> = events_of(&stage.world, &integrity);
    let key = stage.world.signer(GATEWAY).key.public().key_id();
    for trail in [
        Place::integrity_trail("gz.tax"),
        Place::department_trail("gz.hrss"),
        Place::key_trail(&key),
        Place::governance_trail(),
    ] {
        assert_eq!(super::liars::told(&trail, &made), Some("trail.stranger"), "{trail}");
    }
    assert_eq!(super::liars::told(&integrity, &made), None);
    // An item's bytes under the origin of the ledger, as validators might certify them.
    let record = events_of(&stage.world, &super::scene::gateway_trail(&stage))[0].clone();
    let tx = stage.world.transactions.iter().find(|tx| tx.id() == record.leaf.origin).unwrap();
    let mut posing = record.clone();
    posing.leaf.origin = TxId::ZERO;
    posing.ledger = Some(tx.items()[0].bytes().to_vec());
    let trail = super::scene::gateway_trail(&stage);
    assert_eq!(super::liars::told(&trail, &[posing]), Some("event.ledger"));
}

#[test]
fn honest_proofs_have_no_refusal() {
    let stage = scene();
    for trace in [mixed(&stage), integrity(&stage), included(&stage)] {
        assert_eq!(refusal(&stage.world, &trace), None);
    }
}
