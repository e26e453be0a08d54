//! Halves that are summed by the hour, below grade 3.

use crate::items::access::tests::halves::{CORE, DUE, FIRST_HOUR, MISSING};
use crate::ledger::Object;
use crate::ledger::tests::{
    account::{Blamed, access_to, alerted, at_fault, blamed, granted},
    items::{HOUR, T0, acknowledge_hour, asked_of},
    stage::{APP, GATEWAY, Staged, staged},
};
use crate::wire;

/// So many records, and the sums that the user gave, one in place of the other: whose are missing.
#[test]
fn halves_below_grade_3() {
    let cases: [(u64, &[u64], Blamed); 7] = [
        (2, &[2], vec![]),
        (2, &[1], blamed("gz.hrss", 1)),
        (3, &[], blamed("gz.hrss", 3)),
        // Nothing bears out how many more there were: that is nobody's fault.
        (1, &[4], vec![]),
        (0, &[u64::MAX], vec![]),
        (2, &[7, 2], vec![]),
        (2, &[2, 0], blamed("gz.hrss", 2)),
    ];
    for (records, sums, expected) in cases {
        let mut s = staged();
        for _ in 0..records {
            let it = s.covered();
            s.world.does(GATEWAY, it);
        }
        s.world.reach(T0 + HOUR);
        for sum in sums {
            let it = acknowledge_hour(&s.id("granted"), &s.asked(), FIRST_HOUR, *sum);
            s.world.does(APP, it);
        }
        s.world.reach(DUE - 1);
        assert_eq!(at_fault(&s, MISSING), [], "{records} {sums:?}");
        s.world.reach(DUE);
        assert_eq!(at_fault(&s, MISSING), expected, "{records} {sums:?}");
        let more = sums.last().is_some_and(|sum| *sum > records);
        let both = if more { vec!["gz.hrss", "gz.psb"] } else { vec![] };
        assert_eq!(alerted(&s, wire::WatchKind::HalvesDiffer), both, "{records} {sums:?}");
    }
}

/// What its gateway followed in a log the user may sum with the rest, and owes nothing for.
#[test]
fn followed_accesses_are_summed_and_not_owed() {
    for (sum, expected, alerts) in [
        (1, vec![], false),
        (3, vec![], false),
        (4, vec![], true),
        (0, blamed("gz.hrss", 1), false),
    ] {
        let mut s = staged();
        let record = s.covered();
        s.world.does(GATEWAY, record);
        for _ in 0..2 {
            let channel = wire::Channel::Log as i32;
            let record = wire::RecordAccess { channel, ..s.covered() };
            s.world.does(GATEWAY, record);
        }
        s.world.reach(T0 + HOUR);
        let it = acknowledge_hour(&s.id("granted"), &s.asked(), FIRST_HOUR, sum);
        s.world.does(APP, it);
        s.world.reach(DUE);
        assert_eq!(at_fault(&s, MISSING), expected, "{sum}");
        assert_eq!(!alerted(&s, wire::WatchKind::HalvesDiffer).is_empty(), alerts, "{sum}");
    }
}

/// From grade 3 up each access that reached the user is owed by itself; a sum speaks of those followed in a log, and alerts nobody
/// as long as it says no more than was recorded.
#[test]
fn sums_where_each_access_is_acknowledged_by_itself() {
    for (sum, alerts) in [(0, false), (1, false), (2, false), (3, true)] {
        let mut s = staged();
        let id = granted(&mut s, CORE);
        for channel in [wire::Channel::Door, wire::Channel::Log, wire::Channel::File] {
            let record = wire::RecordAccess { channel: channel as i32, ..access_to(&s, CORE, &id) };
            s.world.does(GATEWAY, record);
        }
        let hour = s.world.now / HOUR;
        s.world.pause(HOUR);
        let asked = asked_of(CORE, &s.asked());
        s.world.does(APP, acknowledge_hour(&id, &asked, hour, sum));
        s.world.reach(DUE + HOUR);
        assert_eq!(
            at_fault(&s, MISSING),
            blamed("gz.hrss", 1),
            "{sum}: the door's is owed by itself"
        );
        let both = if alerts { vec!["gz.hrss", "gz.psb"] } else { vec![] };
        assert_eq!(alerted(&s, wire::WatchKind::HalvesDiffer), both, "{sum}");
    }
}

/// A record counts in the hour of its access, as long as that hour's time is not over.
#[test]
fn late_records_are_summed_in_their_hour() {
    let late = |s: &Staged| wire::RecordAccess {
        access_time_ms: T0 + HOUR - 1000,
        decided_height: None,
        ..s.covered()
    };
    let blame = || blamed("gz.hrss", 1);
    // When its hour was judged, it is opened again, and due as what happens now.
    for (time, at_once, later) in [(DUE - 2000, blame(), vec![]), (DUE, vec![], blame())] {
        let mut s = staged();
        s.world.reach(time);
        let it = late(&s);
        s.world.does(GATEWAY, it);
        s.world.reach(DUE + 1000);
        assert_eq!(at_fault(&s, MISSING), at_once);
        s.world.pause(30 * HOUR);
        assert_eq!(at_fault(&s, MISSING), later);
    }
}

/// What is said to have been before the grant is owed in the grant's first hour, in which its user can sum it.
#[test]
fn an_access_before_the_grant_can_be_summed() {
    let mut s = staged();
    let access_time_ms = T0 - 3 * HOUR;
    let it = wire::RecordAccess { access_time_ms, decided_height: None, ..s.covered() };
    s.world.does(GATEWAY, it);
    s.world.reach(T0 + HOUR);
    let it = acknowledge_hour(&s.id("granted"), &s.asked(), FIRST_HOUR, 1);
    s.world.does(APP, it);
    s.world.reach(DUE + HOUR);
    assert_eq!(at_fault(&s, MISSING), []);
}

/// A whole hour that comes when it was judged is owed as one sum, which may hold what was summed before; nothing is owed
/// singly.
#[test]
fn a_late_hour_is_summed_again() {
    for (sum, expected) in [(4, vec![]), (3, vec![]), (1, blamed("gz.hrss", 2))] {
        let mut s = staged();
        let it = s.covered();
        s.world.does(GATEWAY, it);
        s.world.reach(T0 + HOUR);
        let say = |s: &mut Staged, count| {
            let it = acknowledge_hour(&s.id("granted"), &s.asked(), FIRST_HOUR, count);
            s.world.does(APP, it);
        };
        say(&mut s, 1);
        s.world.reach(DUE + HOUR);
        for _ in 0..3 {
            let it = wire::RecordAccess {
                access_time_ms: T0 + HOUR - 1000,
                decided_height: None,
                ..s.covered()
            };
            s.world.does(GATEWAY, it);
        }
        assert!(!s.world.objects.values().any(|it| matches!(it, Object::Half(_))));
        say(&mut s, sum);
        s.world.pause(30 * HOUR);
        assert_eq!(at_fault(&s, MISSING), expected, "{sum}");
        assert_eq!(alerted(&s, wire::WatchKind::HalvesDiffer), Vec::<String>::new(), "{sum}");
    }
}
