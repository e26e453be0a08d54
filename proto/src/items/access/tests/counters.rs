//! What is counted as used under a grant, and what is not.

use crate::event::{Outcome, Reason, Timeliness, Verdict};
use crate::items::access::tests::{
    coverage::{deny, judged},
    coverage_cases::also,
};
use crate::items::sharing::grants;
use crate::ledger::{
    Object,
    tests::{
        items::{HOUR, access, verified},
        stage::{APP, GATEWAY, RESIDENT, Staged, staged},
        world::BLOCK_MS,
    },
};
use crate::place::{ObjectKind, Place};
use crate::wire::{self, GrantUse, Operation, RecordAccess};
use std::sync::Arc;

fn used(stage: &Staged) -> Option<GrantUse> {
    match stage.world.objects.get(&Place::grant_use(&stage.id("granted"))) {
        Some(Object::GrantUse(it)) => Some((**it).clone()),
        _ => None,
    }
}

#[test]
fn a_denied_access_is_not_judged_and_not_counted() {
    let mut stage = staged();
    let outcome = judged(&mut stage, |it| {
        deny(it);
        it.accesses[0].request_id = vec![1; 32];
        it.access_time_ms += 2 * HOUR;
    });
    let expected = Outcome {
        verdict: Verdict::Denied,
        reason: Reason::None,
        timeliness: Timeliness::Live,
        future: true,
        names_others: false,
    };
    assert_eq!(outcome, expected);
    judged(&mut stage, deny);
    assert_eq!(used(&stage), None);
    judged(&mut stage, |_| {});
    assert_eq!(used(&stage).map(|it| it.queries), Some(1));
}

/// What was served is counted under each grant once a record, covered or not, by the local day.
#[test]
fn counters_of_use() {
    let mut stage = staged();
    let id = stage.id("granted");
    judged(&mut stage, |it| {
        it.row_count = Some(5);
        also(it, Operation::Export, Some(&id));
    });
    judged(&mut stage, |it| {
        it.row_count = Some(7);
        it.purpose = "audit".into();
    });
    let today = wire::DayUse { day: 20_500, queries: 2, rows: 12, ..Default::default() };
    let expected = GrantUse { queries: 2, rows: 12, days: vec![today], ..GrantUse::default() };
    assert_eq!(used(&stage), Some(expected));
    // Nothing is counted for grants that do not exist.
    let unknown = crate::types::RequestId::new([1; 32]);
    judged(&mut stage, |it| it.accesses = vec![access(RESIDENT, Some(&unknown))]);
    assert!(!stage.world.objects.contains_key(&Place::grant_use(&unknown)));
}

/// Days come in ascending, whatever order the records have; midnight is local, +08:00.
#[test]
fn days_of_use_are_local() {
    let mut stage = staged();
    let midnight = crate::ledger::tests::items::T0 + 14 * HOUR;
    stage.world.now = midnight + BLOCK_MS;
    stage.world.commit(Vec::new());
    for time in [midnight, midnight - 1] {
        judged(&mut stage, |it| {
            it.access_time_ms = time;
            it.channel = wire::Channel::Log as i32;
        });
    }
    let days: Vec<_> = used(&stage).unwrap().days.iter().map(|it| (it.day, it.queries)).collect();
    assert_eq!(days, [(20_500, 1), (20_501, 1)]);
}

/// Whoever decides before it serves says so at once: what it says later than an hour counts on the day that it says so,
/// and so can't be spread over days that have quota left. What is followed in a log counts on its own day.
#[test]
fn a_late_record_does_not_pick_its_day() {
    use wire::Channel::{Api, Door, File, Log};
    let midnight = crate::ledger::tests::items::T0 + 14 * HOUR;
    let (yesterday, today) = (20_500, 20_501);
    for (channel, late, day) in [
        (Door, HOUR, yesterday),
        (Door, HOUR + 1, today),
        (Api, HOUR, yesterday),
        (Api, HOUR + 1, today),
        (Log, 20 * HOUR, yesterday),
        (File, 20 * HOUR, yesterday),
        (Door, 20 * HOUR, today),
    ] {
        let mut stage = staged();
        let time = midnight - 1;
        stage.world.reach(time + late - BLOCK_MS);
        judged(&mut stage, |it| {
            (it.access_time_ms, it.decided_height) = (time, None);
            it.channel = channel as i32;
        });
        assert_eq!(stage.world.now - BLOCK_MS, time + late, "the block's time");
        let days: Vec<_> = used(&stage).unwrap().days.iter().map(|it| it.day).collect();
        assert_eq!(days, [day], "{channel:?} {late}");
    }
}

/// No more than 32 days are kept; the oldest leave.
#[test]
fn days_of_use_are_bounded() {
    let mut stage = staged();
    for _ in 0..40 {
        judged(&mut stage, |_| {});
        stage.world.pause(24 * HOUR);
    }
    let before = used(&stage).unwrap();
    let days: Vec<u64> = before.days.iter().map(|it| it.day).collect();
    assert_eq!(days, (20_508..20_540).collect::<Vec<_>>());
    judged(&mut stage, |it| {
        it.access_time_ms = crate::ledger::tests::items::T0 + 60_000;
        it.channel = wire::Channel::Log as i32;
    });
    let after = used(&stage).unwrap();
    assert_eq!(after.days, before.days);
    assert_eq!((after.queries, before.queries), (41, 40));
}

/// What names a grant that is not its own stays on the use trail, marked: it counts on nothing, ends nothing, and
/// nobody owes its other half.
#[test]
fn what_names_anothers_grant_counts_on_nothing() {
    type Bend = fn(&Staged, &mut RecordAccess);
    let strangers: [(&str, Bend); 5] = [
        ("another dataset", |_, it| it.accesses[0].dataset = "civil.core".into()),
        ("another department's identity", |s, it| {
            it.asker = Some(verified("gz.tax", &s.identity("gz.tax/app")));
        }),
        ("an identity that is not the department's", |s, it| {
            it.asker = Some(verified("gz.hrss", &s.identity("gz.tax/app")));
        }),
        ("an identity that is not there", |_, it| {
            it.asker.as_mut().unwrap().identity_id = vec![9; 32];
        }),
        ("an account that was not mapped", |_, it| {
            it.asker = Some(wire::Party { unmapped_digest: vec![7; 32], ..Default::default() });
        }),
    ];
    for (name, bend) in strangers {
        let mut stage = staged();
        let quota = wire::Quota { queries_total: 1, rows_total: 1, ..Default::default() };
        limit(&mut stage, quota);
        let mut record = stage.covered();
        record.row_count = Some(u64::MAX);
        bend(&stage, &mut record);
        let outcome = stage.world.does(GATEWAY, record);
        assert_eq!((outcome.verdict, outcome.names_others), (Verdict::Uncovered, true), "{name}");
        let event = stage.world.tip().delta.events.iter().find(|it| it.leaf.outcome == outcome);
        let trail = Place::use_trail(&stage.id("granted"));
        assert!(event.unwrap().trails.contains(&trail), "{name}");
        assert_eq!(used(&stage), None, "{name}");
        let grant: Arc<wire::Grant> = stage.world.get(&Place::grant(&stage.id("granted")));
        assert_eq!(grants::state(&grant), wire::GrantState::Active, "{name}");
        let halves = |place: &&Place| {
            matches!(place.object_kind(), Some(ObjectKind::Half | ObjectKind::Halves))
        };
        assert_eq!(stage.world.objects.keys().find(halves), None, "{name}");
        // The next honest record is covered, and uses it up.
        let outcome = judged(&mut stage, |it| it.row_count = Some(1));
        assert_eq!((outcome.verdict, outcome.names_others), (Verdict::Covered, false), "{name}");
        assert_eq!(used(&stage).map(|it| (it.queries, it.rows)), Some((1, 1)), "{name}");
    }
}

/// A gateway of another collector, with a dataset of its own.
#[test]
fn another_collectors_record_ends_nothing() {
    let mut stage = staged();
    limit(&mut stage, wire::Quota { rows_total: 1, ..Default::default() });
    let id = stage.id("granted");
    let asker = verified("gz.hrss", &stage.identity(APP));
    let time = stage.world.now;
    let mut record = crate::ledger::tests::items::record(
        "gz.hrss",
        1,
        access("pension.roll", Some(&id)),
        asker,
        time,
    );
    record.row_count = Some(u64::MAX);
    let outcome = stage.world.does("gz.hrss/app", record);
    assert_eq!((outcome.reason, outcome.names_others), (Reason::OtherDataset, true));
    assert_eq!(used(&stage), None);
    let outcome = judged(&mut stage, |it| it.row_count = Some(1));
    assert_eq!(outcome.verdict, Verdict::Covered);
}

/// Puts a quota on the grant.
fn limit(stage: &mut Staged, quota: wire::Quota) {
    let place = Place::grant(&stage.id("granted"));
    let mut grant = (*stage.world.get::<wire::Grant>(&place)).clone();
    for step in &mut grant.steps {
        if let Some(terms) = &mut step.terms {
            terms.quota = Some(quota);
        }
    }
    if let Some(terms) = &mut grant.terms {
        terms.quota = Some(quota);
    }
    stage.world.doctor(place, Some(grant.into()));
}
