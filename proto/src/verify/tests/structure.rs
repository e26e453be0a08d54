//! Fields of a proof dropped, doubled, swapped, or taken from elsewhere: never valid.

use super::prover;
use super::scene::{checked, included, middle, nothing, refusal, scene, whole};
use crate::ledger::tests::stage::Staged;
use crate::place::Place;
use crate::verify::TRACE_MAGIC;
use crate::wire::{self, Trace, trace};

/// What is bent, the code of the refusal, and how.
pub(super) type Case = (&'static str, &'static str, fn(&Staged, &mut Trace));

pub(super) fn complete(trace: &mut Trace) -> &mut wire::CompletenessClaim {
    match &mut trace.claim {
        Some(trace::Claim::Completeness(it)) => it,
        _ => panic!("another claim"),
    }
}

pub(super) fn inclusion(trace: &mut Trace) -> &mut wire::InclusionClaim {
    match &mut trace.claim {
        Some(trace::Claim::Inclusion(it)) => it,
        _ => panic!("another claim"),
    }
}

pub(super) fn run(make: fn(&Staged) -> Trace, cases: &[Case]) {
    let stage = scene();
    assert!(checked(&stage.world, &make(&stage)).is_ok());
    for (name, code, bend) in cases {
        let mut trace = make(&stage);
        bend(&stage, &mut trace);
        assert_eq!(refusal(&stage.world, &trace), Some(*code), "{name}");
    }
}

fn without(trace: &mut Trace, kind: u32) {
    trace.objects.retain(|it| it.kind != kind);
}

pub(super) const FRAME: &[Case] = &[
    ("another magic", "undecidable", |_, t| t.magic = "LIUHEN-TRACE-2".into()),
    ("no magic", "file.malformed", |_, t| t.magic.clear()),
    ("a longer magic", "undecidable", |_, t| t.magic = format!("{TRACE_MAGIC} ")),
    ("another chain", "chain.other", |_, t| t.chain_id = vec![1; 32]),
    ("no chain", "chain.other", |_, t| t.chain_id.clear()),
    ("no anchor", "anchor.none", |_, t| t.anchor = None),
    ("no claim", "claim.none", |_, t| t.claim = None),
    ("no transactions", "event.transaction", |_, t| t.transactions.clear()),
    ("a transaction twice", "file.unused", |_, t| {
        t.transactions.push(t.transactions[0].clone());
    }),
    ("a transaction that nothing needs", "file.unused", |s, t| {
        let other = prover::inclusion(&s.world, 1, 0);
        t.transactions.extend(other.transactions);
    }),
    ("a signature cut short", "transaction.malformed", |_, t| {
        t.transactions[0].signature.pop();
    }),
    ("another signature", "event.transaction", |_, t| {
        t.transactions[0].signature = vec![0; 64];
    }),
    ("another transaction", "event.transaction", |s, t| {
        t.transactions = prover::inclusion(&s.world, 1, 0).transactions;
    }),
    ("no key", "undecidable", |_, t| without(t, 130)),
    ("no identity", "undecidable", |_, t| without(t, 129)),
    ("no department", "undecidable", |_, t| without(t, 128)),
    ("a key twice", "object.twice", |_, t| t.objects.push(t.objects[0].clone())),
    ("a key as another kind", "object.path", |_, t| t.objects[0].kind = 129),
    ("an object of no kind", "object.kind", |_, t| t.objects[0].kind = 255),
    ("an object of a kind beyond a byte", "object.kind", |_, t| {
        t.objects[0].kind += 256;
    }),
    ("an object with another's id", "object.path", |_, t| {
        t.objects[0].id = t.objects[1].id.clone();
    }),
    ("an object with a long id", "object.id", |_, t| t.objects[0].id = vec![0; 137]),
    ("an object without a path", "object.path", |_, t| t.objects[0].path = None),
    ("objects with their paths swapped", "object.path", |_, t| {
        let first = t.objects[0].path.take();
        t.objects[0].path = t.objects[1].path.take();
        t.objects[1].path = first;
    }),
];

#[test]
fn the_frame() {
    run(middle, FRAME);
}

pub(super) const BLOCK: &[Case] = &[
    ("no event", "claim.none", |_, t| inclusion(t).event = None),
    ("no header", "header.malformed", |_, t| inclusion(t).header.clear()),
    ("another block's header", "inclusion.header", |s, t| {
        inclusion(t).header = s.world.blocks[6].header.to_bytes().to_vec();
    }),
    ("a header of no block", "inclusion.header", |_, t| inclusion(t).header[100] ^= 1),
    ("a header of another chain", "chain.other", |_, t| inclusion(t).header[12] ^= 1),
    ("no path of the header", "inclusion.header", |_, t| inclusion(t).header_path.clear()),
    ("a longer path of the header", "inclusion.header", |_, t| {
        inclusion(t).header_path.push(vec![1; 32]);
    }),
    ("no path of the event", "inclusion.path", |_, t| inclusion(t).event_path.clear()),
    ("a longer path of the event", "inclusion.path", |_, t| {
        inclusion(t).event_path.push(vec![1; 32]);
    }),
    ("another place in the block", "inclusion.path", |_, t| {
        inclusion(t).event.as_mut().unwrap().leaf[11] = 0;
    }),
    ("another verdict", "inclusion.path", |_, t| {
        inclusion(t).event.as_mut().unwrap().leaf[89] ^= 3;
    }),
    ("another height", "inclusion.header", |_, t| {
        inclusion(t).event.as_mut().unwrap().leaf[7] -= 1;
    }),
];

#[test]
fn an_event_in_a_block() {
    run(included, BLOCK);
}

pub(super) const NOTHING: &[Case] = &[
    ("one that is", "trail.head", |s, t| {
        complete(t).trail_id = s.id("granted").to_vec();
    }),
    ("with the path of one that is", "trail.head", |s, t| {
        let place = Place::use_trail(&s.id("granted"));
        complete(t).trail_id = place.id().to_vec();
        complete(t).path = complete(&mut whole(s, &place)).path.take();
    }),
    ("with a root", "trail.head", |_, t| complete(t).root = vec![0; 32]),
    ("with a number", "trail.head", |_, t| complete(t).first = 1),
    ("with a hash", "trail.head", |_, t| complete(t).hashes.push(vec![0; 32])),
    ("with a neighbour", "trail.head", |_, t| complete(t).leaf_after = vec![0; 90]),
    ("with a size", "trail.head", |_, t| {
        complete(t).size = 1;
        complete(t).root = vec![1; 32];
    }),
    ("with a transaction", "file.unused", |s, t| {
        t.transactions = middle(s).transactions;
        t.objects = middle(s).objects;
    }),
];

#[test]
fn a_trail_that_is_not_there() {
    run(nothing, NOTHING);
}
