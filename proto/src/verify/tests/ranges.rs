//! True proofs: every trail, every range, at every edge.

use super::scene::{
    FIRST_RECORD, checked, gateway_trail, included, middle, nothing, refusal, scene, trails, whole,
};
use super::{oracle, prover};
use crate::ledger::tests::World;
use crate::place::{Place, TrailKind};
use crate::types::KeyId;
use crate::verify::{Caveat, Claim};
use crate::wire::RangeKind;

fn events(world: &World, trail: &Place, range: (RangeKind, u64, u64)) -> usize {
    let trace = prover::completeness(world, trail, range.0, range.1, range.2);
    let verified = checked(world, &trace).unwrap_or_else(|e| panic!("{trail} {range:?}: {e}"));
    oracle::assert_true(world, verified.get());
    verified.get().claim.events().len()
}

#[test]
fn every_trail_is_whole() {
    let world = scene().world;
    let on_trails: usize =
        trails(&world).iter().map(|it| events(&world, it, (RangeKind::Whole, 0, 0))).sum();
    let all = world.blocks.iter().flat_map(|block| &block.delta.events);
    assert_eq!(on_trails, all.map(|event| event.trails.len()).sum::<usize>());
}

#[test]
fn every_stretch_of_heights() {
    let stage = scene();
    let world = &stage.world;
    let end = world.height().next().get();
    let key = world.signer("gz.psb/gateway").key.public().key_id();
    for trail in
        [gateway_trail(&stage), Place::dataset_trail("civil.resident"), Place::key_trail(&key)]
    {
        for from in 0..end {
            for until in from + 1..=end {
                events(world, &trail, (RangeKind::Heights, from, until));
            }
        }
    }
    assert_eq!(events(world, &gateway_trail(&stage), (RangeKind::Heights, 0, end)), 6);
}

/// Block times are a second apart; bounds lie on them and on either side.
#[test]
fn every_stretch_of_times() {
    let stage = scene();
    let world = &stage.world;
    let (from, until) = (world.blocks[5].header.time.get() - 1, world.tip().header.time.get() + 1);
    let bounds: Vec<u64> = (from..=until).filter(|it| [999, 0, 1].contains(&(it % 1000))).collect();
    assert!(bounds.len() > 15);
    for (number, from) in bounds.iter().enumerate() {
        for until in &bounds[number + 1..] {
            events(world, &gateway_trail(&stage), (RangeKind::Times, *from, *until));
        }
    }
    assert_eq!(events(world, &gateway_trail(&stage), (RangeKind::Times, 0, until)), 6);
    let between = (RangeKind::Times, from + 2, from + 1000);
    assert_eq!(events(world, &gateway_trail(&stage), between), 0);
}

#[test]
fn a_trail_without_events() {
    let stage = scene();
    let end = stage.world.height().next().get();
    for kind in TrailKind::ALL.iter().copied() {
        for byte in 0..20 {
            let id = match kind {
                TrailKind::Department
                | TrailKind::Dataset
                | TrailKind::Integrity
                | TrailKind::Sealed
                | TrailKind::Unlisted
                | TrailKind::Alert => format!("none.{byte}").into_bytes(),
                // There is but one.
                TrailKind::Governance => continue,
                TrailKind::Subject => [b"gz.none".as_slice(), &[byte; 32]].concat(),
                TrailKind::BulkTags => vec![byte; 40],
                _ => vec![byte; 32],
            };
            let trail = Place::trail(kind, &id);
            assert_eq!(events(&stage.world, &trail, (RangeKind::Whole, 0, 0)), 0);
            assert_eq!(events(&stage.world, &trail, (RangeKind::Heights, 0, end)), 0);
        }
    }
}

/// Governance has one trail for all; it is empty while nothing was decided.
#[test]
fn the_trail_of_governance_before_its_first_event() {
    let mut world = World::founded("dev-genesis");
    world.commit(Vec::new());
    let trail = Place::governance_trail();
    assert_eq!(events(&world, &trail, (RangeKind::Whole, 0, 0)), 0);
    assert_eq!(events(&scene().world, &trail, (RangeKind::Whole, 0, 0)), 1);
}

#[test]
fn every_event_is_in_its_block() {
    let world = scene().world;
    let mut count = 0;
    for block in &world.blocks {
        for event in &block.delta.events {
            let trace = prover::inclusion(&world, block.header.height.get(), event.leaf.index);
            oracle::assert_true(&world, checked(&world, &trace).unwrap().get());
            count += 1;
        }
    }
    assert!(count > 20);
}

/// The block of the event may be the anchor itself: then no path leads from one to the other.
#[test]
fn an_event_in_the_anchor() {
    let mut stage = scene();
    let tx = stage.record(|_| {});
    stage.world.commit(vec![tx]);
    let trace = prover::inclusion(&stage.world, stage.world.height().get(), 0);
    oracle::assert_true(&stage.world, checked(&stage.world, &trace).unwrap().get());
}

/// At genesis no validator has signed yet: header 0 is the founding document's.
#[test]
fn nothing_at_genesis() {
    let world = World::founded("dev-genesis");
    let trail = Place::key_trail(&KeyId::new([1; 32]));
    assert_eq!(events(&world, &trail, (RangeKind::Whole, 0, 0)), 0);
    assert_eq!(events(&world, &trail, (RangeKind::Heights, 0, 1)), 0);
}

#[test]
fn what_comes_after_the_anchor_is_undecidable() {
    let stage = scene();
    let tip = &stage.world.tip().header;
    let heights = (RangeKind::Heights, tip.height.next().get());
    let times = (RangeKind::Times, tip.time.get() + 1);
    for (kind, end) in [heights, times] {
        for trail in [gateway_trail(&stage), Place::dataset_trail("none")] {
            events(&stage.world, &trail, (kind, 0, end));
            let trace = prover::completeness(&stage.world, &trail, kind, 0, end + 1);
            assert_eq!(refusal(&stage.world, &trace), Some("undecidable"));
        }
    }
}

#[test]
fn what_a_proof_leaves_open_is_said() {
    use Caveat::{BlockTimeIsNotAccessTime, NoWitness, UnknownSubjects, VerdictsAttested};
    let stage = scene();
    let caveats = |trace| checked(&stage.world, &trace).unwrap().get().caveats.clone();
    let records = vec![NoWitness, BlockTimeIsNotAccessTime, VerdictsAttested];
    assert_eq!(caveats(middle(&stage)), records);
    assert_eq!(caveats(included(&stage)), records);
    let unknown = [records, vec![UnknownSubjects]].concat();
    assert_eq!(caveats(whole(&stage, &gateway_trail(&stage))), unknown);
    assert_eq!(caveats(nothing(&stage)), [NoWitness]);
    assert_eq!(caveats(whole(&stage, &Place::dataset_trail("civil.open"))), [NoWitness]);
    for caveat in unknown {
        assert!(caveat.english().is_ascii());
        assert!(!caveat.chinese().is_ascii());
    }
}

#[test]
fn the_scene_has_what_the_mutations_need() {
    let stage = scene();
    let verified = checked(&stage.world, &middle(&stage)).unwrap();
    let Claim::Completeness(it) = &verified.get().claim else {
        panic!("another claim");
    };
    assert_eq!((it.size, it.first, it.events.len()), (6, 1, 3));
    assert!(it.events.iter().all(|event| event.leaf.height.get() == FIRST_RECORD + 1));
    assert_eq!(prover::transaction_ids(&middle(&stage)).len(), 1);
}
