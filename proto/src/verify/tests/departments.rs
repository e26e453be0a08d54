//! All that a department signed: none of its keys is left out.

use super::mutations::{cut, flipped};
use super::scene::{checked, scene};
use super::structure::{Case, run};
use super::{oracle, prover};
use crate::ledger::tests::items::rotate;
use crate::ledger::tests::stage::{GATEWAY, Staged};
use crate::place::{ObjectKind, Place};
use crate::verify::Claim;
use crate::wire::{self, RangeKind, Trace, trace};
use std::sync::Arc;

const WHOLE: (RangeKind, u64, u64) = (RangeKind::Whole, 0, 0);

pub(super) fn collector(stage: &Staged) -> Trace {
    prover::department(&stage.world, "gz.psb", WHOLE)
}

fn claim(trace: &mut Trace) -> &mut wire::DepartmentClaim {
    match &mut trace.claim {
        Some(trace::Claim::Department(it)) => it,
        _ => panic!("another claim"),
    }
}

#[test]
fn everything_that_a_department_signed() {
    let stage = scene();
    let trace = collector(&stage);
    let verified = checked(&stage.world, &trace).unwrap();
    oracle::assert_true(&stage.world, verified.get());
    let Claim::Department(it) = &verified.get().claim else { panic!("another claim") };
    assert!(it.keys.iter().any(|key| key.events.len() > 5), "the gateway recorded");
    let ranged = prover::department(&stage.world, "gz.psb", (RangeKind::Heights, 1, 4));
    oracle::assert_true(&stage.world, checked(&stage.world, &ranged).unwrap().get());
    for code in ["gz.hrss", "gz.bdb", "gz.reg"] {
        let trace = prover::department(&stage.world, code, WHOLE);
        oracle::assert_true(&stage.world, checked(&stage.world, &trace).unwrap().get());
    }
}

#[test]
fn flipped_and_cut() {
    let stage = scene();
    let trace = prover::department(&stage.world, "gz.bdb", (RangeKind::Heights, 1, 4));
    flipped(&stage.world, &trace);
    cut(&stage.world, &trace);
}

/// A key that was rotated in is one of them from then on.
#[test]
fn a_key_that_came_later() {
    let mut stage = scene();
    let id = stage.identity(GATEWAY);
    let gateway: Arc<wire::Identity> = stage.world.get(&Place::identity(&id));
    let rotation = rotate("gz.psb", &id, gateway.events, (&["gateway-new"], &[]));
    stage.world.does("gz.psb/root", rotation);
    stage.world.commit(Vec::new());
    let before = collector(&scene());
    let after = collector(&stage);
    let count = |trace: &Trace| match &trace.claim {
        Some(trace::Claim::Department(it)) => it.keys.len(),
        _ => 0,
    };
    assert_eq!(count(&after), count(&before) + 1);
    oracle::assert_true(&stage.world, checked(&stage.world, &after).unwrap().get());
}

pub(super) const BENT: &[Case] = &[
    ("no roster", "undecidable", |_, t| {
        t.objects.retain(|it| it.kind != u32::from(ObjectKind::Roster as u8));
    }),
    ("another department's roster", "undecidable", |s, t| {
        let other = prover::department(&s.world, "gz.hrss", WHOLE);
        let kind = u32::from(ObjectKind::Roster as u8);
        let roster = other.objects.into_iter().find(|it| it.kind == kind).unwrap();
        t.objects.retain(|it| it.kind != kind);
        t.objects.push(roster);
    }),
    ("a key left out", "department.keys", |_, t| drop(claim(t).keys.pop())),
    ("a key twice", "department.keys", |_, t| {
        let last = claim(t).keys.last().unwrap().clone();
        claim(t).keys.push(last);
    }),
    ("out of order", "department.keys", |_, t| claim(t).keys.swap(0, 1)),
    ("no trail", "claim.none", |_, t| claim(t).trail = None),
    ("a key's trail in its place", "department.trail", |_, t| {
        claim(t).trail = claim(t).keys.first().cloned();
    }),
    ("another department", "department.trail", |_, t| claim(t).department = "gz.hrss".into()),
    ("another range of one key", "department.keys", |s, t| {
        let other = prover::department(&s.world, "gz.psb", (RangeKind::Heights, 0, 1));
        let Some(trace::Claim::Department(mut other)) = other.claim else { panic!("a claim") };
        let last = claim(t).keys.len() - 1;
        claim(t).keys[last] = other.keys.remove(last);
    }),
];

#[test]
fn bent_files() {
    run(collector, BENT);
}
