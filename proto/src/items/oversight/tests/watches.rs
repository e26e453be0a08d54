//! What raises each alert, and what does not yet.

use crate::items::access::tests::{coverage_cases::regrant, gateways::set_up};
use crate::ledger::{
    Object,
    tests::{
        account::{access_to, alerted, granted, set},
        items::{
            DAY, HOUR, T0, acknowledge, asked_of, observed, permit, register, retire, seal,
            set_gateway, terms, verified, version,
        },
        stage::{APP, COLLECTOR, GATEWAY, RESIDENT, Staged, USER, staged},
    },
};
use crate::place::Place;
use crate::types::{IdentityId, limits};
use crate::wire::{self, Schedule, Watch, WatchKind};
use std::sync::Arc;

/// Watches for one thing alone.
fn watch(s: &mut Staged, kind: WatchKind, limit: u64, window_ms: u64) {
    let one = Watch { kind: kind as i32, limit, window_ms, schedule: None };
    set(s, |it| it.watches = vec![one]);
}

#[test]
fn a_time_in_the_future() {
    for (ahead, expected) in [(5_000, &[][..]), (5_001, &["gz.psb"])] {
        let mut s = staged();
        let it = wire::RecordAccess { access_time_ms: s.world.now + ahead, ..s.covered() };
        s.world.does(GATEWAY, it);
        assert_eq!(alerted(&s, WatchKind::FutureTime), expected, "{ahead}");
    }
}

/// Records, one a block, so many milliseconds from one to the next; says which of them alerted.
fn alerting(s: &mut Staged, kind: WatchKind, times: &[u64]) -> Vec<bool> {
    let mut found = Vec::new();
    for ms in times {
        s.world.wait(ms.saturating_sub(crate::ledger::tests::world::BLOCK_MS));
        let it = wire::RecordAccess { decided_height: None, ..s.covered() };
        s.world.does(GATEWAY, it);
        found.push(!alerted(s, kind).is_empty());
    }
    found
}

/// Three in a minute at most: the fourth at once is too many, and one each twenty seconds never is.
#[test]
fn a_burst() {
    let burst = |times: &[u64]| {
        let mut s = staged();
        watch(&mut s, WatchKind::Burst, 3, 60_000);
        alerting(&mut s, WatchKind::Burst, times)
    };
    assert_eq!(burst(&[1000; 3]), [false; 3]);
    assert_eq!(burst(&[20_000; 20]), [false; 20]);
    // Three fill it; the fourth has room when a twenty seconds' share has leaked out.
    assert_eq!(burst(&[1000, 1000, 1000, 17_000]), [false, false, false, true]);
    assert_eq!(burst(&[1000, 1000, 1000, 18_000]), [false; 4]);
}

/// It is the person who is watched, behind whatever system.
#[test]
fn a_burst_by_one_person() {
    let mut s = staged();
    watch(&mut s, WatchKind::Burst, 3, 60_000);
    let people = [USER, "gz.hrss/desk", USER, USER, USER];
    let mut found = Vec::new();
    for name in people {
        let on_behalf_of = Some(verified("gz.hrss", &s.identity(name)));
        let it = wire::RecordAccess { on_behalf_of, ..s.covered() };
        s.world.does(GATEWAY, it);
        found.push(alerted(&s, WatchKind::Burst));
    }
    assert_eq!(found.concat(), ["gz.hrss"]);
    assert_eq!(found[4].len(), 1);
    let raised: Arc<wire::Alert> = s.world.get(&Place::alert("gz.hrss", 1));
    assert_eq!(raised.raised.as_ref().unwrap().identity_id, s.identity(USER).to_vec());
}

/// Nobody is alerted to people who are not its own, whatever a gateway says of them; nor are they
/// watched.
#[test]
fn a_burst_by_people_who_are_not_what_the_gateway_says() {
    type Who = fn(&Staged) -> IdentityId;
    let whom: [(&str, Who); 3] = [
        ("gz.none", |s| s.identity(USER)),
        ("gz.tax", |s| s.identity(USER)),
        ("gz.tax", |_| IdentityId::new([1; 32])),
    ];
    for (department, who) in whom {
        let mut s = staged();
        let who = who(&s);
        let schedule = Some(Schedule { from_minute: 0, until_minute: 1, weekdays: 0 });
        let kinds = [WatchKind::Burst, WatchKind::OutsideHours, WatchKind::RepeatedSubject];
        let all = kinds.map(|kind| match kind {
            WatchKind::OutsideHours => Watch { kind: kind as i32, schedule, ..Watch::default() },
            _ => Watch { kind: kind as i32, limit: 1, window_ms: 60_000, schedule: None },
        });
        set(&mut s, |it| {
            it.watches = all.to_vec();
            it.watches.sort_by_key(|watch| watch.kind);
        });
        for _ in 0..3 {
            let on_behalf_of = Some(verified(department, &who));
            let it = wire::RecordAccess { on_behalf_of, ..s.covered() };
            s.world.does(GATEWAY, it);
            assert_eq!(s.world.alerted(), [], "{department}");
        }
        let place = Place::identity_watch(who.as_bytes());
        assert!(!s.world.objects.contains_key(&place), "{department}");
        // Of its own department, each of them is alerted to.
        let on_behalf_of = Some(verified("gz.hrss", &s.identity(USER)));
        for _ in 0..2 {
            let it = wire::RecordAccess { on_behalf_of: on_behalf_of.clone(), ..s.covered() };
            s.world.does(GATEWAY, it);
        }
        assert_eq!(s.world.objects.values().filter(|it| matches!(it, Object::Alert(_))).count(), 3);
    }
}

/// No more subjects are remembered than the limit says, the latest.
#[test]
fn subjects_remembered_are_bounded() {
    let mut s = staged();
    let officer = s.identity(USER);
    let asker = Some(verified("gz.hrss", &officer));
    let tags: Vec<_> = (0..100u8).map(|n| vec![n; 32]).collect();
    let subjects = Some(wire::Subjects { tags, ..wire::Subjects::default() });
    let it = wire::RecordAccess { subjects, asker, ..s.covered() };
    s.world.does(GATEWAY, it);
    let known: Arc<wire::IdentityWatch> = s.world.get(&Place::identity_watch(officer.as_bytes()));
    let remembered: Vec<u8> = known.subjects.iter().map(|it| it[0]).collect();
    let first = 100 - u8::try_from(limits::WATCHED_SUBJECTS).unwrap();
    assert_eq!(remembered, (first..100).collect::<Vec<_>>());
}

/// Two looks at a subject within the hour are allowed, of an officer.
#[test]
fn one_subject_again_and_again() {
    let again = |name: &str, looks: &[(u64, u8)]| {
        let mut s = staged();
        watch(&mut s, WatchKind::RepeatedSubject, 2, HOUR);
        let asker = Some(verified("gz.hrss", &s.identity(name)));
        let mut found = Vec::new();
        for (ms, tag) in looks {
            s.world.wait(ms - crate::ledger::tests::world::BLOCK_MS);
            let tags = vec![vec![*tag; 32]];
            let subjects = Some(wire::Subjects { tags, ..wire::Subjects::default() });
            let it = wire::RecordAccess { subjects, asker: asker.clone(), ..s.covered() };
            s.world.does(GATEWAY, it);
            found.push(!alerted(&s, WatchKind::RepeatedSubject).is_empty());
        }
        found
    };
    assert_eq!(again(USER, &[(1000, 1), (1000, 1), (1000, 1)]), [false, false, true]);
    assert_eq!(again(USER, &[(1000, 1), (1000, 2), (1000, 1), (1000, 2)]), [false; 4]);
    assert_eq!(again(USER, &[(1000, 1), (HOUR / 2, 1), (HOUR / 2, 1)]), [false; 3]);
    assert_eq!(again(USER, &[(1000, 1), (HOUR / 2, 1), (HOUR / 2 - 1, 1)]), [false, false, true]);
    assert_eq!(again(APP, &[(1000, 1); 5]), [false; 5]);
}

/// From 9:00 to 10:00 and no longer, local time; it is 10:00 in the world's first hour.
#[test]
fn outside_an_officers_hours() {
    let outside = |name: &str, access_time_ms: u64| {
        let mut s = staged();
        let schedule = Some(Schedule { from_minute: 540, until_minute: 600, weekdays: 0 });
        let kind = WatchKind::OutsideHours as i32;
        set(&mut s, |it| it.watches = vec![Watch { kind, schedule, ..Watch::default() }]);
        let asker = Some(verified("gz.hrss", &s.identity(name)));
        let it = wire::RecordAccess { access_time_ms, asker, decided_height: None, ..s.covered() };
        s.world.does(GATEWAY, it);
        alerted(&s, WatchKind::OutsideHours)
    };
    assert_eq!(outside(USER, T0), ["gz.hrss"]);
    assert_eq!(outside(USER, T0 - 1), [""; 0]);
    assert_eq!(outside(USER, T0 - HOUR), [""; 0]);
    assert_eq!(outside(USER, T0 - HOUR - 1), ["gz.hrss"]);
    assert_eq!(outside(APP, T0), [""; 0]);
}

/// Of ten queries the eighth, of a hundred rows those that reach eighty; once each.
#[test]
fn a_quota_that_is_nearly_used() {
    let used = |quota: wire::Quota, rows: &[u64]| {
        let mut s = staged();
        let mut it = s.covered();
        regrant(&mut s, &mut it, |asked| asked.terms.as_mut().unwrap().quota = Some(quota));
        let mut found = Vec::new();
        for (row_count, access_no) in rows.iter().zip(1..) {
            s.world.does(
                GATEWAY,
                wire::RecordAccess { access_no, row_count: Some(*row_count), ..it.clone() },
            );
            found.push(alerted(&s, WatchKind::QuotaNearlyUsed).len());
            s.world.pause(HOUR);
        }
        found
    };
    // An alert an hour old would not be joined.
    let queries = wire::Quota { queries_total: 10, ..wire::Quota::default() };
    assert_eq!(used(queries, &[1; 10]), [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]);
    let rows = wire::Quota { rows_total: 100, ..wire::Quota::default() };
    assert_eq!(used(rows, &[79, 1, 10]), [0, 1, 0]);
    assert_eq!(used(rows, &[200]), [1]);
    assert_eq!(used(wire::Quota::default(), &[1000; 3]), [0; 3]);
}

/// Where a grant has no using department, it is the collector who is told.
#[test]
fn a_permits_quota_that_is_nearly_used() {
    let mut s = staged();
    let mut within = terms(&[s.identity(COLLECTOR)]);
    within.quota = Some(wire::Quota { queries_total: 1, ..wire::Quota::default() });
    let tx = s.sign(COLLECTOR, permit(RESIDENT, "gz.psb", within));
    let id = tx.header().request_id(0);
    s.world.commit(vec![tx]);
    let asker = Some(verified("gz.psb", &s.identity(COLLECTOR)));
    let it = wire::RecordAccess { asker, ..access_to(&s, RESIDENT, &id) };
    s.world.does(GATEWAY, it);
    assert_eq!(alerted(&s, WatchKind::QuotaNearlyUsed), ["gz.psb"]);
}

/// A gateway saw other data than the version that it names, if no newer one was published since.
#[test]
fn a_change_that_nobody_published() {
    type Bend = fn(&mut wire::Observed);
    let cases: [(&str, Bend, bool); 6] = [
        ("as published", |_| {}, false),
        ("other content", |it| it.content_digest = vec![9; 32], true),
        ("other rows", |it| it.row_count += 1, true),
        ("a version before", |it| (it.version, it.content_digest) = (1, vec![9; 32]), false),
        ("a version that nobody published", |it| it.version = 3, true),
        ("not looked at", |it| it.content_digest.clear(), false),
    ];
    for (name, bend, expected) in cases {
        let mut s = staged();
        for number in [1, 2] {
            s.world.does(COLLECTOR, version(RESIDENT, "gz.psb", number));
        }
        set_up(&mut s);
        s.world.reach(T0 + HOUR);
        let mut seen = observed(RESIDENT, 2);
        bend(&mut seen);
        let it = wire::SealPeriod { observed: vec![seen], ..seal((T0, T0 + HOUR), (1, 0)) };
        s.world.does(GATEWAY, it);
        let expected = if expected { vec!["gz.psb"] } else { vec![] };
        assert_eq!(alerted(&s, WatchKind::UnpublishedChange), expected, "{name}");
    }
}

/// Of another's dataset, or of none, a gateway can't say anything.
#[test]
fn what_a_gateway_sees_of_others_data() {
    let mut s = staged();
    s.world.does(USER, version("pension.roll", "gz.hrss", 1));
    set_up(&mut s);
    s.world.reach(T0 + HOUR);
    let seen = ["civil.none", "pension.roll"].map(|dataset| observed(dataset, 2)).to_vec();
    s.world.does(GATEWAY, wire::SealPeriod { observed: seen, ..seal((T0, T0 + HOUR), (1, 0)) });
    assert_eq!(alerted(&s, WatchKind::UnpublishedChange), [""; 0]);
}

/// A week after it was registered, or after it lost its last gateway.
#[test]
fn a_dataset_that_no_gateway_serves() {
    let mut s = staged();
    let registered = s.world.now;
    for dataset in ["civil.bare", "civil.gone", "civil.served"] {
        let it = register(dataset, "gz.psb");
        s.world.now = registered;
        s.world.does(COLLECTOR, it);
    }
    let served = set_gateway(&s.identity(GATEWAY), &["civil.served"]);
    s.world.does(COLLECTOR, served);
    s.world.does(COLLECTOR, retire("civil.gone", "gz.psb"));
    let concerned = |s: &Staged| {
        let said = s.world.said();
        let raised = said.iter().filter_map(|it| match it.kind() {
            wire::ledger_event::Kind::AlertRaised(it) => Some(it.dataset.clone()),
            _ => None,
        });
        raised.filter(|it| it.starts_with("civil.")).collect::<Vec<_>>()
    };
    s.world.reach(registered + 7 * DAY - 1);
    s.world.reach(registered + 7 * DAY);
    assert_eq!(concerned(&s), ["civil.bare"]);

    let lost = s.world.now;
    let none = set_gateway(&s.identity(GATEWAY), &[]);
    s.world.does(COLLECTOR, none);
    s.world.reach(lost + 7 * DAY - 1);
    assert_eq!(concerned(&s), [""; 0]);
    s.world.reach(lost + 7 * DAY);
    assert_eq!(concerned(&s), ["civil.served"]);
}

/// The two halves of an access name different counts of rows, whichever comes first; who does not know says nothing
/// against the other.
#[test]
fn halves_that_differ() {
    let cases: [(Option<u64>, Option<u64>, Vec<&str>); 7] = [
        (Some(1), Some(1), vec![]),
        (Some(1), Some(2), vec!["gz.hrss"]),
        (Some(0), Some(1), vec!["gz.hrss"]),
        (Some(1), None, vec![]),
        (Some(0), None, vec![]),
        (None, Some(1), vec![]),
        (None, None, vec![]),
    ];
    for (recorded, rows, expected) in cases {
        for record_first in [true, false] {
            let mut s = staged();
            let id = granted(&mut s, "civil.core");
            let asked = asked_of("civil.core", &s.asked());
            let half = acknowledge(&id, &asked, &s.identity(GATEWAY), 1);
            let half = wire::Acknowledge { row_count: rows, ..half };
            if !record_first {
                s.world.does(APP, half.clone());
            }
            let it = access_to(&s, "civil.core", &id);
            s.world.does(GATEWAY, wire::RecordAccess { row_count: recorded, ..it });
            if record_first {
                s.world.does(APP, half);
            }
            let found = alerted(&s, WatchKind::HalvesDiffer);
            assert_eq!(found, expected, "{recorded:?} {rows:?} {record_first}");
        }
    }
}
