//! Verdicts: every one, every reason, and the moment by which an access is judged.

use crate::event::{Outcome, Reason, Timeliness, Verdict};
use crate::items::access::tests::{
    coverage_cases::{ALL, also},
    coverage_kinds as kinds,
};
use crate::ledger::tests::{
    items::HOUR,
    stage::{COLLECTOR, GATEWAY, Staged, staged},
};
use crate::place::Place;
use crate::wire::{self, Decision, Operation, RecordAccess};
use std::collections::BTreeSet;

/// Reasons that leave a verdict open; the others speak against it.
const OPEN: [Reason; 8] = [
    Reason::FieldsUnknown,
    Reason::PurposeUnknown,
    Reason::FutureTime,
    Reason::UnknownHeight,
    Reason::QuotaDayUnknown,
    Reason::DatasetUnknown,
    Reason::RowsUnknown,
    Reason::GrantUnknown,
];

fn verdict_of(reason: Reason) -> Verdict {
    match reason {
        Reason::None => Verdict::Covered,
        open if OPEN.contains(&open) => Verdict::Undetermined,
        _ => Verdict::Uncovered,
    }
}

/// What the rules make of the staged record, bent.
pub(crate) fn judged(stage: &mut Staged, bend: impl FnOnce(&mut RecordAccess)) -> Outcome {
    let mut it = stage.covered();
    bend(&mut it);
    stage.world.does(GATEWAY, it)
}

#[test]
fn every_verdict_and_every_reason_is_reached() {
    let mut verdicts = BTreeSet::new();
    let mut reasons = BTreeSet::new();
    for (name, reason, bend) in [ALL.concat(), kinds::OF_EACH_KIND.to_vec()].concat() {
        let mut stage = staged();
        let mut record = stage.covered();
        bend(&mut stage, &mut record);
        let outcome = stage.world.does(GATEWAY, record);
        assert_eq!((outcome.verdict, outcome.reason), (verdict_of(reason), reason), "{name}");
        assert_eq!(outcome.future, reason == Reason::FutureTime, "{name}");
        verdicts.insert(outcome.verdict);
        reasons.insert(outcome.reason);
    }
    let mut stage = staged();
    verdicts.insert(judged(&mut stage, deny).verdict);
    verdicts.append(&mut kinds::allowed());
    let observed = judged(&mut stage, |it| {
        it.access_no += 1;
        it.observing = Some(wire::Observing { denied: "gate.no_route".into() });
    });
    verdicts.insert(observed.verdict);
    reasons.insert(observed.reason);
    let new = crate::ledger::tests::items::register("civil.new", "gz.psb");
    verdicts.insert(stage.world.does(COLLECTOR, new).verdict);
    assert_eq!(verdicts, Verdict::ALL.iter().copied().collect());
    assert_eq!(reasons, Reason::ALL.iter().copied().collect());
}

pub(crate) fn deny(it: &mut RecordAccess) {
    it.decision = Decision::Denied as i32;
}

#[test]
fn timeliness_by_its_edges() {
    let mut stage = staged();
    let long_ago = Some(stage.world.height().get());
    stage.world.pause(2 * 24 * HOUR);
    let newest = Some(stage.world.height().get());
    stage.world.wait(60_000);
    let cases = [
        ("live to the end", 30_000, newest, Timeliness::Live),
        ("just later", 30_001, newest, Timeliness::Late),
        ("at once, but not decided by the ledger", 0, None, Timeliness::Late),
        ("late to the end", 24 * HOUR, None, Timeliness::Late),
        ("just later still", 24 * HOUR + 1, None, Timeliness::Backfill),
        ("decided by the ledger, long ago", 24 * HOUR + 1, long_ago, Timeliness::Backfill),
    ];
    for (name, age, decided_height, expected) in cases {
        let mut stage = stage.clone();
        let now = stage.world.now;
        let outcome = judged(&mut stage, |it| {
            it.access_time_ms = now - age;
            it.decided_height = decided_height;
        });
        assert_eq!(outcome.timeliness, expected, "{name}");
        assert_eq!(outcome.verdict, Verdict::Covered, "{name}");
    }
}

/// Around a revocation: by the height that the gateway decided on, else by the time of access.
#[test]
fn the_moment_around_a_revocation() {
    let mut stage = staged();
    stage.world.commit(vec![stage.revoke("granted", |_| {})]);
    let header = stage.world.tip().header.clone();
    let (height, time) = (header.height.get(), header.time.get());
    let cases = [
        ("decided just before", Some(height - 1), time + 1, Reason::None),
        ("decided by the revocation", Some(height), time + 1, Reason::GrantRevoked),
        ("by time, just before", None, time - 1, Reason::None),
        ("by time, at the revocation", None, time, Reason::GrantRevoked),
        ("by time, after", None, time + 1, Reason::GrantRevoked),
    ];
    for (name, decided_height, access_time_ms, reason) in cases {
        let outcome = judged(&mut stage, |it| {
            it.decided_height = decided_height;
            it.access_time_ms = access_time_ms;
        });
        assert_eq!((outcome.verdict, outcome.reason), (verdict_of(reason), reason), "{name}");
    }
}

/// A revocation that stands before a record in its block does not reach what was decided before.
#[test]
fn a_revocation_in_the_same_block() {
    let mut stage = staged();
    let revoking = stage.revoke("granted", |_| {});
    let recording = stage.record(|_| {});
    stage.world.commit(vec![revoking, recording]);
    let outcome = stage.world.tip().delta.events[1].leaf.outcome;
    assert_eq!(outcome.verdict, Verdict::Covered);
}

/// A height that has left the window of recent blocks can't be looked up: time decides.
#[test]
fn a_height_that_left_the_window() {
    let mut stage = staged();
    let height = stage.world.height();
    stage.world.wait(2 * HOUR);
    stage.world.commit(Vec::new());
    stage.world.commit(Vec::new());
    assert!(!stage.world.objects.contains_key(&Place::recent_block(height)));
    let by_that_height = |it: &mut RecordAccess| it.decided_height = Some(height.get());
    // It is judged by time, and not live; that the decision was too old can still be certain.
    let outcome = judged(&mut stage, by_that_height);
    assert_eq!(outcome.reason, Reason::None);
    assert_eq!(outcome.timeliness, Timeliness::Late);
    stage.world.wait(601_000);
    stage.world.commit(Vec::new());
    assert_eq!(judged(&mut stage, by_that_height).reason, Reason::DecisionTooOld);
    let revocation = stage.revoke("granted", |_| {});
    stage.world.commit(vec![revocation]);
    assert_eq!(judged(&mut stage, by_that_height).reason, Reason::GrantRevoked);
}

/// A grant that was made after the access does not cover it, whatever height the gateway names.
#[test]
fn a_decision_later_than_its_access_does_not_count() {
    let mut stage = staged();
    let granted = crate::items::access::tests::coverage_cases::granted_at(&stage);
    let outcome = judged(&mut stage, |it| {
        it.decided_height = Some(granted.height);
        it.access_time_ms = granted.time_ms - 1;
    });
    assert_eq!(outcome.reason, Reason::NotYetGranted);
    assert_eq!(outcome.timeliness, Timeliness::Late);
}

/// Records dated ahead count today, and do not push out days that are.
#[test]
fn days_to_come_do_not_hide_a_quota() {
    let mut stage = staged();
    for days in 1..=40 {
        let future = judged(&mut stage, |it| it.access_time_ms += days * 24 * HOUR);
        assert!(future.future);
    }
    assert_ne!(judged(&mut stage, |_| {}).reason, Reason::QuotaDayUnknown);
}

/// Of several datasets the worst counts; what is unknown never hides what is not covered.
#[test]
fn the_worst_of_several_datasets() {
    let cases = [
        ("both covered", "name", true, Reason::None),
        ("the second without a grant", "name", false, Reason::NoGrant),
        ("the first unknown, the second covered", "", true, Reason::FieldsUnknown),
        ("the first unknown, the second without a grant", "", false, Reason::NoGrant),
        (
            "the first not granted, the second without a grant",
            "birth",
            false,
            Reason::FieldNotGranted,
        ),
    ];
    for (name, field, granted, reason) in cases {
        let mut stage = staged();
        let id = stage.id("granted");
        let outcome = judged(&mut stage, |it| {
            it.accesses[0].fields =
                Some(field.to_owned()).filter(|it| !it.is_empty()).into_iter().collect();
            also(it, Operation::Export, Some(&id).filter(|_| granted));
        });
        assert_eq!((outcome.verdict, outcome.reason), (verdict_of(reason), reason), "{name}");
    }
}
