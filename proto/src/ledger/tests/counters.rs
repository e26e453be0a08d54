//! What is counted as used under a grant, and what is not.

use super::coverage::{deny, judged};
use super::coverage_cases::also;
use super::items::{HOUR, access};
use super::stage::{RESIDENT, Staged, staged};
use super::world::BLOCK_MS;
use crate::event::{Outcome, Reason, Timeliness, Verdict};
use crate::ledger::Object;
use crate::place::Place;
use crate::wire::{self, GrantUse, Operation};

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
        it.row_count = 5;
        also(it, Operation::Export, Some(&id));
    });
    judged(&mut stage, |it| {
        it.row_count = 7;
        it.purpose = "audit".into();
    });
    let today = wire::DayUse { day: 20_500, queries: 2, rows: 12 };
    assert_eq!(used(&stage), Some(GrantUse { queries: 2, rows: 12, days: vec![today] }));
    // Nothing is counted for grants that do not exist.
    let unknown = crate::types::RequestId::new([1; 32]);
    judged(&mut stage, |it| it.accesses = vec![access(RESIDENT, Some(&unknown))]);
    assert!(!stage.world.objects.contains_key(&Place::grant_use(&unknown)));
}

/// Days come in ascending, whatever order the records have; midnight is local, +08:00.
#[test]
fn days_of_use_are_local() {
    let mut stage = staged();
    let midnight = super::items::T0 + 14 * HOUR;
    stage.world.now = midnight + BLOCK_MS;
    stage.world.commit(Vec::new());
    for time in [midnight, midnight - 1] {
        judged(&mut stage, |it| it.access_time_ms = time);
    }
    let days: Vec<_> = used(&stage).unwrap().days.iter().map(|it| (it.day, it.queries)).collect();
    assert_eq!(days, [(20_500, 1), (20_501, 1)]);
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
    judged(&mut stage, |it| it.access_time_ms = super::items::T0 + 60_000);
    let after = used(&stage).unwrap();
    assert_eq!(after.days, before.days);
    assert_eq!((after.queries, before.queries), (41, 40));
}
