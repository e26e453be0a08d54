//! Two histories, and a trail that leaves an event out: evidence against validators, and what is none.

use super::liars::certify_trail;
use super::prover::{self, events_of};
use super::scene::{FIRST_RECORD, checked, gateway_trail, refusal, scene};
use crate::ledger::tests::World;
use crate::merkle::Tree;
use crate::place::Place;
use crate::types::Hash;
use crate::verify::{Claim, Statement};
use crate::wire::{self, RangeKind, trace};

const WHOLE: (RangeKind, u64, u64) = (RangeKind::Whole, 0, 0);

/// The world of the scene, and another that the same validators made of its beginning.
fn forked(more: u64) -> (World, World) {
    let stage = scene();
    let mut one = stage.world.clone();
    let mut other = stage.world.clone();
    other.now += 1;
    one.commit(Vec::new());
    other.commit(Vec::new());
    for _ in 0..more {
        other.commit(Vec::new());
    }
    (one, other)
}

/// A proof of two histories, of the scene's chain.
pub(super) fn two_worlds() -> wire::Trace {
    let (one, other) = forked(1);
    prover::fork(&one, &other)
}

fn statement(world: &World, trace: &wire::Trace) -> Statement {
    checked(world, trace).unwrap().get().clone()
}

#[test]
fn two_histories() {
    for more in [0, 1, 3] {
        let (one, other) = forked(more);
        let found = statement(&one, &prover::fork(&one, &other));
        let Claim::Fork(fork) = &found.claim else { panic!("another claim") };
        assert_eq!(fork.other, other.tip().header);
        let at = usize::try_from(one.height().get()).unwrap();
        assert_eq!(fork.block, other.blocks[at].header.block_id());
        assert!(fork.block != found.anchor.block_id());
    }
}

/// The same block at the height of the anchor, and other headers before it.
pub(super) fn changed_behind() -> wire::Trace {
    let one = scene().world;
    let mut other = one.clone();
    let leaf = |height: u64| match height {
        2 => Hash::new([9; 32]),
        _ => one.headers.node(0, height).unwrap(),
    };
    other.headers = (0..one.headers.size()).map(leaf).collect();
    other.commit(Vec::new());
    prover::fork(&one, &other)
}

#[test]
fn a_history_changed_behind_a_block() {
    let found = statement(&scene().world, &changed_behind());
    let Claim::Fork(fork) = &found.claim else { panic!("another claim") };
    assert!(fork.before && fork.block == found.anchor.block_id());
}

#[test]
fn one_history_is_no_fork() {
    let (one, _) = forked(0);
    let mut grown = one.clone();
    assert_eq!(refusal(&one, &prover::fork(&one, &grown)), Some("fork.none"));
    grown.commit(Vec::new());
    assert_eq!(refusal(&one, &prover::fork(&one, &grown)), Some("fork.none"));
    // An anchor above, and nothing said of the height in question.
    let (one, other) = forked(1);
    let mut trace = prover::fork(&one, &other);
    if let Some(trace::Claim::Fork(claim)) = &mut trace.claim {
        claim.header.clear();
        claim.header_path.clear();
    }
    assert_eq!(refusal(&one, &trace), Some("fork.none"));
    // An anchor that nobody certified.
    let mut trace = prover::fork(&one, &other);
    if let Some(trace::Claim::Fork(claim)) = &mut trace.claim {
        claim.other.as_mut().unwrap().certificate = None;
    }
    assert_eq!(refusal(&one, &trace), Some("certificate.none"));
    // A header that is not the second history's.
    let mut trace = prover::fork(&one, &other);
    if let Some(trace::Claim::Fork(claim)) = &mut trace.claim {
        claim.header = one.blocks[1].header.to_bytes().to_vec();
    }
    assert_eq!(refusal(&one, &trace), Some("fork.none"));
}

#[test]
fn a_trail_that_leaves_an_event_out() {
    let stage = scene();
    let mut world = stage.world.clone();
    let trail = gateway_trail(&stage);
    let mut records = events_of(&world, &trail);
    let left_out = records.remove(2);
    certify_trail(&mut world, &trail, &records);
    let at = (left_out.leaf.height.get(), left_out.leaf.index);
    let trace = prover::omission(&world, at, &trail, &records, WHOLE);
    let found = statement(&world, &trace);
    let Claim::Omission(omission) = &found.claim else { panic!("another claim") };
    assert_eq!(omission.included.event.leaf, left_out.leaf);
    assert_eq!(omission.trail.trail, trail);

    // On a trail that has it, or that it is none of, nothing is left out.
    let stage = scene();
    let world = &stage.world;
    let all = events_of(world, &trail);
    let bent = prover::omission(world, (FIRST_RECORD, 0), &trail, &all, WHOLE);
    assert_eq!(refusal(world, &bent), Some("omission.none"));
    let other = Place::integrity_trail("gz.hrss");
    let bent = prover::omission(world, (FIRST_RECORD, 0), &other, &events_of(world, &other), WHOLE);
    assert_eq!(refusal(world, &bent), Some("omission.none"));
    // Nor before or behind the range of which the file speaks.
    let ranges = [(FIRST_RECORD + 1, FIRST_RECORD + 3), (1, FIRST_RECORD)];
    for (from, until) in ranges {
        let range = (RangeKind::Heights, from, until);
        let bent = prover::omission(world, (FIRST_RECORD, 0), &trail, &all, range);
        assert_eq!(refusal(world, &bent), Some("omission.none"), "{from}");
    }
}
