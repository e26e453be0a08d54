//! Consistency, state and absence: true files verify, bent ones never do.

use super::mutations::{cut, flipped};
use super::oracle;
use super::prover::{self, events_of};
use super::scene::{checked, gateway_trail, nothing, refusal, scene};
use super::structure::{Case, run};
use crate::header::{checkpoint::Checkpoint, validators::tests::wire_of};
use crate::ledger::tests::World;
use crate::ledger::tests::stage::{GATEWAY, Staged};
use crate::merkle::{Sha256Log, inclusion as path};
use crate::place::{ObjectKind, Place};
use crate::types::{Hash, Height, RequestId, TxId};
use crate::verify::{Absence, Claim, Verified, verify};
use crate::wire::{self, Trace, absence_claim::Of, trace};
use prost::Message;

fn consistency(trace: &mut Trace) -> &mut wire::ConsistencyClaim {
    match &mut trace.claim {
        Some(trace::Claim::Consistency(it)) => it,
        _ => panic!("another claim"),
    }
}

fn true_and_unbent(world: &World, trace: &Trace, most_still_true: usize) {
    oracle::assert_true(world, checked(world, trace).unwrap().get());
    assert!(flipped(world, trace) <= most_still_true);
    cut(world, trace);
}

#[test]
fn what_was_noted_still_stands() {
    let stage = scene();
    let world = &stage.world;
    for size in 1..=world.height().get() {
        let trace = prover::chain_extends(world, size);
        oracle::assert_true(world, checked(world, &trace).unwrap().get());
    }
    let trail = gateway_trail(&stage);
    for size in 1..=events_of(world, &trail).len() as u64 {
        let trace = prover::trail_extends(world, &trail, size);
        oracle::assert_true(world, checked(world, &trace).unwrap().get());
    }
    true_and_unbent(world, &prover::chain_extends(world, 3), 0);
    true_and_unbent(world, &prover::trail_extends(world, &trail, 3), 0);
}

pub(super) fn chain(stage: &Staged) -> Trace {
    prover::chain_extends(&stage.world, 5)
}

pub(super) fn trail(stage: &Staged) -> Trace {
    prover::trail_extends(&stage.world, &gateway_trail(stage), 3)
}

pub(super) const CHAIN: &[Case] = &[
    ("nothing was noted", "consistency.path", |_, t| consistency(t).noted_size = 0),
    ("more than there is", "consistency.path", |s, t| {
        consistency(t).noted_size = s.world.height().get() + 1;
    }),
    ("a root cut short", "consistency.noted", |_, t| {
        consistency(t).noted_root.pop();
    }),
    ("another size", "consistency.path", |_, t| consistency(t).noted_size = 6),
    ("a hash too many", "consistency.path", |_, t| {
        consistency(t).hashes.push(vec![0; 32]);
    }),
    ("of a trail, proved with headers", "consistency.path", |s, t| {
        let other = consistency(&mut trail(s)).trail.take();
        consistency(t).trail = other;
    }),
    ("an object that nothing needs", "file.unused", |s, t| {
        t.objects.push(prover::object(&s.world, &Place::parameters()));
    }),
];

pub(super) const TRAIL: &[Case] = &[
    ("the root of another trail", "trail.head", |s, t| {
        let other = prover::trail_extends(&s.world, &Place::dataset_trail("civil.resident"), 3);
        let other = consistency(&mut other.clone()).trail.take().unwrap();
        consistency(t).trail.as_mut().unwrap().root = other.root;
    }),
    ("an empty trail", "consistency.path", |s, t| {
        let mut empty = nothing(s);
        let empty = super::structure::complete(&mut empty).clone();
        consistency(t).trail = Some(wire::TrailHead {
            trail_kind: empty.trail_kind,
            trail_id: empty.trail_id,
            path: empty.path,
            ..Default::default()
        });
    }),
    ("of headers, proved with events", "consistency.path", |_, t| consistency(t).trail = None),
];

#[test]
fn bent_consistency() {
    run(chain, CHAIN);
    run(trail, TRAIL);
}

pub(super) fn an_object(stage: &Staged) -> Trace {
    prover::state(&stage.world, &Place::grant(&stage.id("granted")))
}

pub(super) const STATE: &[Case] = &[
    ("no object", "object.none", |_, t| t.objects.clear()),
    ("of no kind", "object.kind", |_, t| match &mut t.claim {
        Some(trace::Claim::State(it)) => it.kind = 1,
        _ => panic!("another claim"),
    }),
    ("by the digits of its id", "object.id", |s, t| match &mut t.claim {
        Some(trace::Claim::State(it)) => it.id = s.id("granted").to_string().into_bytes(),
        _ => panic!("another claim"),
    }),
    ("another that stands", "object.none", |s, t| {
        t.objects = vec![prover::object(&s.world, &Place::parameters())];
    }),
    ("an object more", "file.unused", |s, t| {
        t.objects.push(prover::object(&s.world, &Place::parameters()));
    }),
    ("its bytes changed", "object.path", |_, t| {
        let bytes = &mut t.objects[0].object;
        *bytes.last_mut().unwrap() ^= 1;
    }),
];

#[test]
fn how_an_object_stands() {
    let stage = scene();
    true_and_unbent(&stage.world, &an_object(&stage), 0);
    run(an_object, STATE);
    // Of every kind that the world has.
    let mut kinds: Vec<ObjectKind> = Vec::new();
    for place in stage.world.objects.keys() {
        let kind = place.object_kind().unwrap();
        if !kinds.contains(&kind) {
            kinds.push(kind);
            let verified = checked(&stage.world, &prover::state(&stage.world, place)).unwrap();
            oracle::assert_true(&stage.world, verified.get());
        }
    }
    assert!(kinds.len() > 20, "{kinds:?}");
}

#[test]
fn what_is_not_there() {
    let stage = scene();
    let world = &stage.world;
    let nobody = Place::object(ObjectKind::Department, b"gz.nobody");
    true_and_unbent(world, &prover::no_object(world, &nobody), 60);
    let trail = gateway_trail(&stage);
    let size = events_of(world, &trail).len() as u64;
    true_and_unbent(world, &prover::no_number(world, &trail, size), 16);
    let nowhere = Place::use_trail(&RequestId::new([1; 32]));
    let Claim::Absence(Absence::Number { size: 0, .. }) =
        checked(world, &prover::no_number(world, &nowhere, 0)).map(claim_of).unwrap()
    else {
        panic!("an empty trail has no number 0");
    };
    let id = TxId::new([7; 32]);
    let trace = prover::no_transaction(world, &Place::integrity_trail("gz.hrss"), &id);
    true_and_unbent(world, &trace, 64);

    let there = Place::grant(&stage.id("granted"));
    let bent = prover::no_object(world, &there);
    assert_eq!(refusal(world, &bent), Some("absence.object"));
    let bent = prover::no_number(world, &trail, size - 1);
    assert_eq!(refusal(world, &bent), Some("absence.number"));
    let id = events_of(world, &trail)[2].leaf.origin;
    let bent = prover::no_transaction(world, &trail, &id);
    assert_eq!(refusal(world, &bent), Some("absence.transaction"));
    let mut empty = prover::no_object(world, &nobody);
    empty.claim = Some(trace::Claim::Absence(wire::AbsenceClaim { of: None }));
    assert_eq!(refusal(world, &empty), Some("claim.none"));
    let mut pathless = prover::no_object(world, &nobody);
    if let Some(trace::Claim::Absence(wire::AbsenceClaim { of: Some(Of::Object(it)) })) =
        &mut pathless.claim
    {
        it.path = None;
    }
    assert_eq!(refusal(world, &pathless), Some("object.path"));
}

pub(super) fn absent(stage: &Staged) -> Trace {
    prover::no_object(&stage.world, &Place::grant(&RequestId::new([1; 32])))
}

/// A true path of a place that no object could have: of it «there is none» says nothing, and reads as if it did.
fn of_id(stage: &Staged, trace: &mut Trace, kind: ObjectKind, id: &[u8]) {
    *trace = prover::no_object(&stage.world, &Place::object(kind, id));
}

pub(super) const ABSENT: &[Case] = &[
    ("the digits of an id that is there", "object.id", |s, t| {
        let digits = s.id("granted").to_string();
        of_id(s, t, ObjectKind::Grant, digits.as_bytes());
    }),
    ("no id", "object.id", |s, t| of_id(s, t, ObjectKind::Grant, b"")),
    ("an id cut short", "object.id", |s, t| {
        let id = s.id("granted").to_vec();
        of_id(s, t, ObjectKind::Grant, &id[..31]);
    }),
    ("an id with something behind it", "object.id", |s, t| {
        let id = [s.id("granted").to_vec(), vec![0]].concat();
        of_id(s, t, ObjectKind::GrantUse, &id);
    }),
    ("a code in capitals", "object.id", |s, t| of_id(s, t, ObjectKind::Department, b"GZ.HRSS")),
    ("a code with a space behind it", "object.id", |s, t| {
        of_id(s, t, ObjectKind::Dataset, b"civil.resident ");
    }),
    ("an identity by its name", "object.id", |s, t| {
        of_id(s, t, ObjectKind::Identity, b"gz.hrss/officer");
    }),
    ("a name without its department", "object.id", |s, t| {
        of_id(s, t, ObjectKind::IdentityName, b"officer");
    }),
    ("a year in digits", "object.id", |s, t| of_id(s, t, ObjectKind::Calendar, b"02026")),
    ("what there is one of, by an id", "object.id", |s, t| {
        of_id(s, t, ObjectKind::Parameters, b"parameters");
    }),
    ("the score of an identity without its mark", "object.id", |s, t| {
        of_id(s, t, ObjectKind::Score, &[1; 32]);
    }),
    ("what a request was", "object.id", |s, t| {
        let id = [&[ObjectKind::Request as u8][..], &[1; 32], &[0; 8]].concat();
        of_id(s, t, ObjectKind::Former, &id);
    }),
    ("one that is there", "absence.object", |s, t| {
        of_id(s, t, ObjectKind::Grant, s.id("granted").as_bytes());
    }),
];

/// An id is of the form of its kind, or nothing is said of it.
#[test]
fn what_could_not_be_there() {
    run(absent, ABSENT);
}

fn claim_of(verified: Verified<crate::verify::Statement>) -> Claim {
    verified.get().claim.clone()
}

/// A checkpoint of the first headers, and the pin by which a file reaches it.
fn pinned(world: &World, size: u64) -> (Checkpoint, wire::Pin) {
    let kept = usize::try_from(size).unwrap();
    let root = prover::headers_root(world, kept);
    let path = path::prove::<Sha256Log, _>(&world.headers, size - 1, size).unwrap().unwrap();
    let next = world.validators.iter().map(wire_of).collect();
    let pin = wire::Pin {
        size,
        header: world.blocks[kept - 1].header.to_bytes().to_vec(),
        path: path.iter().map(|it| it.to_vec()).collect(),
        next: Some(wire::ValidatorSet { validators: next }),
    };
    (Checkpoint { chain: world.founding.chain(), size, root }, pin)
}

#[test]
fn a_checkpoint_in_place_of_genesis() {
    let stage = scene();
    let world = &stage.world;
    let made = |size| {
        let (trust, pin) = pinned(world, size);
        let mut trace = prover::chain_extends(world, 3);
        trace.anchor.as_mut().unwrap().pin = Some(pin);
        (trust, trace)
    };
    let code = |trust: Checkpoint, trace: &Trace| match verify(trust, &trace.encode_to_vec()) {
        Ok(verified) => {
            oracle::assert_true(world, verified.get());
            "valid"
        }
        Err(crate::verify::NotVerified::Undecidable(_)) => "undecidable",
        Err(crate::verify::NotVerified::Invalid(why)) => why.code,
    };
    for size in 1..=world.height().get() {
        let (trust, trace) = made(size);
        assert_eq!(code(trust, &trace), "valid", "{size}");
    }
    let (trust, good) = made(4);
    assert_eq!(refusal(world, &good), Some("undecidable"), "from genesis it begins too late");
    let other = |bend: fn(&mut wire::Pin)| {
        let mut trace = good.clone();
        bend(trace.anchor.as_mut().unwrap().pin.as_mut().unwrap());
        code(trust, &trace)
    };
    assert_eq!(other(|pin| pin.size = 5), "undecidable");
    assert_eq!(other(|pin| pin.path.clear()), "anchor.pin");
    assert_eq!(other(|pin| pin.path[0].push(0)), "hash.length");
    assert_eq!(other(|pin| pin.next = None), "anchor.validators");
    assert_eq!(other(|pin| pin.header.truncate(100)), "header.malformed");
    let (_, five) = pinned(world, 5);
    let mut trace = good.clone();
    let pin = trace.anchor.as_mut().unwrap().pin.as_mut().unwrap();
    (pin.header, pin.path) = (five.header, five.path);
    assert_eq!(code(trust, &trace), "anchor.pin", "another header than the last");
    assert_eq!(code(Checkpoint { root: Hash::ZERO, ..trust }, &good), "anchor.pin");
    let mut bare = good.clone();
    bare.anchor.as_mut().unwrap().pin = None;
    assert_eq!(code(trust, &bare), "undecidable");
    // A pin at the anchor's own height, or above: an older file says nothing of what came after.
    let top = world.height().next().get();
    let (trust, trace) = made(top);
    assert_eq!(code(trust, &trace), "undecidable");
    assert!(Height::new(top) > world.height());
    // What the gateway recorded is verified as from genesis.
    let (trust, pin) = pinned(world, 4);
    let key = world.signer(GATEWAY).key.public().key_id();
    let mut trace = super::scene::whole(&stage, &Place::key_trail(&key));
    trace.anchor.as_mut().unwrap().pin = Some(pin);
    assert_eq!(code(trust, &trace), "valid");
}
