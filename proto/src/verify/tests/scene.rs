//! The world that proofs are made of, and proofs of it.

use super::prover;
use super::witnessed::witness;
use crate::ledger::tests::World;
use crate::ledger::tests::account::set;
use crate::ledger::tests::items::{
    AUTHORITY, HOUR, acknowledge, add_bulk_tags, bulk, emergency, handover, of_grant, open_case,
    order_sealing, register_identity, register_product, reject,
};
use crate::ledger::tests::stage::{APP, COLLECTOR, GATEWAY, Staged, USER, staged};
use crate::place::{Place, TrailKind};
use crate::tx::Tx;
use crate::types::RequestId;
use crate::verify::{NotVerified, Statement, Verified, verify_witnessed};
use crate::wire::{self, RangeKind, item::Kind};
use prost::Message;
use std::sync::LazyLock;

/// Heights at which the gateway recorded: one, three in a batch, nothing, one, one.
pub(super) const FIRST_RECORD: u64 = 6;

/// The staged world with six records, an anchor above them all.
pub(super) fn scene() -> Staged {
    static SCENE: LazyLock<Staged> = LazyLock::new(|| {
        let mut stage = staged();
        assert_eq!(stage.world.height().next().get(), FIRST_RECORD);
        records(&mut stage, 1);
        records(&mut stage, 3);
        stage.world.commit(Vec::new());
        records(&mut stage, 1);
        records(&mut stage, 1);
        others(&mut stage);
        stage.world.commit(Vec::new());
        stage
    });
    SCENE.clone()
}

/// Makes a block of records in one transaction; each names a subject of its own, and one of all.
fn records(stage: &mut Staged, count: u64) {
    let first = stage.covered();
    let kinds = (0..count).map(|more| {
        let access_no = first.access_no + more;
        let tags = vec![vec![8; 32], vec![100 + access_no as u8; 32]];
        let subjects =
            Some(wire::Subjects { tags, unknown_count: access_no / 6, ..Default::default() });
        Kind::from(wire::RecordAccess { access_no, subjects, ..first.clone() })
    });
    let tx = stage.world.sign(GATEWAY, kinds.collect());
    stage.world.commit(vec![tx]);
}

/// A block of what stands on trails that records do not come to: a new identity, and an emergency
/// that the collector does not ratify, which is an event of the ledger's own.
fn others(stage: &mut Staged) {
    let new = register_identity("gz.hrss", "clerk", wire::IdentityKind::Officer);
    let opened = emergency(&stage.asked(), "gz.bdb", stage.world.now);
    let opening = stage.sign("gz.hrss/desk", opened);
    let rejected = reject(&opening.header().request_id(0), &stage.asked(), "gz.bdb");
    let mut transactions =
        vec![stage.sign("gz.hrss/root", new), opening, stage.sign(COLLECTOR, rejected)];
    set(stage, |it| it.sealing_authorities = vec![AUTHORITY.into()]);
    transactions.extend(answering(stage));
    stage.world.commit(transactions);
}

/// What stands on the trails by which accesses are answered for: a user's half, a decision on
/// sealing, a case, a product, and data handed over that no grant covers, of a time to come.
fn answering(stage: &Staged) -> Vec<Tx> {
    let (granted, asked) = (stage.id("granted"), stage.asked());
    let half = acknowledge(&granted, &asked, &stage.identity(GATEWAY), 1);
    let case = open_case("gz.hrss", "gz.psb", of_grant(&asked.dataset, &granted));
    let mut handed = wire::RecordAccess {
        access_no: 1,
        access_time_ms: stage.world.now + HOUR,
        subjects: bulk(&[60, 70]),
        ..stage.covered()
    };
    handed.accesses[0].request_id.clear();
    let tags = add_bulk_tags(1, &[60, 70]);
    vec![
        stage.sign(APP, half),
        stage.sign("gz.reg/officer", order_sealing(stage.world.now + HOUR)),
        stage.world.sign(USER, vec![case.into(), register_product(&[granted]).into()]),
        stage.world.sign("gz.psb/root", vec![handover(handed).into(), tags.into()]),
    ]
}

/// The trail of the gateway, which has the six records.
pub(super) fn gateway_trail(stage: &Staged) -> Place {
    Place::gateway_trail(&stage.identity(GATEWAY))
}

/// A proof that the gateway's trail is complete between two heights; it has neighbours on both
/// sides and three events of one transaction.
pub(super) fn middle(stage: &Staged) -> wire::Trace {
    let (from, until) = (FIRST_RECORD + 1, FIRST_RECORD + 3);
    let trail = gateway_trail(stage);
    prover::completeness(&stage.world, &trail, RangeKind::Heights, from, until)
}

pub(super) fn whole(stage: &Staged, trail: &Place) -> wire::Trace {
    prover::completeness(&stage.world, trail, RangeKind::Whole, 0, 0)
}

/// A proof that a trail has no event.
pub(super) fn nothing(stage: &Staged) -> wire::Trace {
    whole(stage, &Place::use_trail(&RequestId::new([1; 32])))
}

/// A proof that the second record of the batch is in its block.
pub(super) fn included(stage: &Staged) -> wire::Trace {
    prover::inclusion(&stage.world, FIRST_RECORD + 1, 1)
}

pub(super) fn checked(
    world: &World,
    trace: &wire::Trace,
) -> Result<Verified<Statement>, NotVerified> {
    verify_witnessed(&world.founding, &[witness()], &trace.encode_to_vec())
}

/// The code by which a proof is refused: `undecidable`, or that of `Invalid`.
pub(super) fn refusal(world: &World, trace: &wire::Trace) -> Option<&'static str> {
    match checked(world, trace).err()? {
        NotVerified::Undecidable(missing) => {
            assert!(!missing.is_empty());
            Some("undecidable")
        }
        NotVerified::Invalid(why) => Some(why.code),
    }
}

/// Every trail of a world.
pub(super) fn trails(world: &World) -> Vec<Place> {
    let events = world.blocks.iter().flat_map(|block| &block.delta.events);
    let mut trails: Vec<Place> = events.flat_map(|event| event.trails.clone()).collect();
    trails.sort();
    trails.dedup();
    assert!(TrailKind::ALL.iter().all(|kind| trails.iter().any(|it| it.kind() == *kind as u8)));
    trails
}
