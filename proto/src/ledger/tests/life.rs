//! The life of a grant: amended, suspended, expired, exhausted; and what accesses it allows then.

use super::items::{
    DAY, HOUR, T0, amend, approve, confirm, offer, resume, suspend, terms, verified,
};
use super::stage::{APP, COLLECTOR, MANAGER, Staged, USER, staged};
use crate::event::{Reason, Verdict};
use crate::items::access::tests::coverage::judged;
use crate::items::sharing::{
    grants,
    tests::workflow::{as_offered, class_terms, open_dataset},
};
use crate::place::Place;
use crate::types::{IdentityId, RequestId};
use crate::wire::{self, GrantEnd, GrantState, RecordAccess, ledger_event::Kind};

/// A grant of one's own terms, in force.
fn granted(s: &mut Staged, bend: impl FnOnce(&mut wire::Terms)) -> RequestId {
    let mut asked = s.asked();
    bend(asked.terms.as_mut().unwrap());
    let id = s.world.asks(USER, &asked);
    s.world.does(COLLECTOR, approve(&id, &asked));
    s.world.does(MANAGER, confirm(&id, &asked, "gz.bdb"));
    id
}

/// The reason for a record under a grant now.
fn under(s: &mut Staged, id: &RequestId) -> Reason {
    judged(s, |it| it.accesses[0].request_id = id.to_vec()).reason
}

/// The reason for a record of an access at a time.
fn at(s: &mut Staged, id: &RequestId, time: u64) -> Reason {
    let outcome = judged(s, |it| {
        it.accesses[0].request_id = id.to_vec();
        it.decided_height = None;
        it.access_time_ms = time;
    });
    outcome.reason
}

fn state(s: &Staged, id: &RequestId) -> GrantState {
    grants::state(&s.world.grant(id))
}

/// What the newest block says ended.
pub(crate) fn ended(s: &Staged) -> Vec<(Vec<u8>, GrantEnd)> {
    let told = s.world.told();
    let ended = told.iter().filter_map(|it| match it.kind() {
        Kind::GrantEnded(it) => Some((it.request_id.clone(), it.end())),
        _ => None,
    });
    ended.collect()
}

#[test]
fn a_grant_ends_with_its_period() {
    let mut s = staged();
    let until = s.world.now + 10 * HOUR;
    let id = granted(&mut s, |it| it.until_ms = until);
    s.world.reach(until - 1);
    assert_eq!((state(&s, &id), ended(&s)), (GrantState::Active, vec![]));
    s.world.reach(until + 500);
    assert_eq!(state(&s, &id), GrantState::Expired);
    assert_eq!(ended(&s), [(id.to_vec(), GrantEnd::Expired)]);
    assert_eq!(under(&mut s, &id), Reason::OutsidePeriod);
    // What happened before is judged by what was then.
    assert_eq!(at(&mut s, &id, until - 1), Reason::None);
    assert_eq!(at(&mut s, &id, until), Reason::OutsidePeriod);
    // It ended once.
    s.world.reach(until + DAY);
    assert_eq!(ended(&s), []);
    let refused = s.world.refusal(&s.sign(MANAGER, suspend(&id, &s.asked(), "gz.bdb")));
    assert_eq!(refused, Some((Some(0), "grant.ended")));
}

/// A grant that is suspended expires all the same.
#[test]
fn a_suspended_grant_expires() {
    let mut s = staged();
    let until = s.world.now + 10 * HOUR;
    let id = granted(&mut s, |it| it.until_ms = until);
    s.world.does(MANAGER, suspend(&id, &s.asked(), "gz.bdb"));
    s.world.reach(until);
    assert_eq!(state(&s, &id), GrantState::Expired);
}

/// An amended grant ends at its new end, and not again at its old one.
#[test]
fn an_amended_grant_ends_sooner() {
    let mut s = staged();
    let now = s.world.now;
    let id = granted(&mut s, |it| it.until_ms = now + 20 * HOUR);
    let mut narrower = s.asked().terms.unwrap();
    narrower.until_ms = now + 10 * HOUR;
    s.world.does(COLLECTOR, amend(&id, &s.asked(), "gz.bdb", narrower));
    s.world.reach(now + 10 * HOUR);
    assert_eq!(ended(&s), [(id.to_vec(), GrantEnd::Expired)]);
    s.world.reach(now + 20 * HOUR);
    assert_eq!(ended(&s), []);
    assert!(
        !s.world.objects.keys().any(|it| it.timer_due().is_some_and(|due| due.get() < s.world.now))
    );
}

/// New terms hold from their block on; by them are judged what was decided by that block or later,
/// and what happened then.
#[test]
fn accesses_around_an_amendment() {
    let mut s = staged();
    let id = s.id("granted");
    let fields = vec!["status".into()];
    let narrower = wire::Terms { fields, ..s.asked().terms.unwrap() };
    s.world.does(MANAGER, amend(&id, &s.asked(), "gz.bdb", narrower.clone()));
    let header = s.world.tip().header.clone();
    let (height, time) = (header.height.get(), header.time.get());
    let cases = [
        ("decided just before", Some(height - 1), time + 1, Reason::None),
        ("decided by the amendment", Some(height), time + 1, Reason::FieldNotGranted),
        ("by time, just before", None, time - 1, Reason::None),
        ("by time, at the amendment", None, time, Reason::FieldNotGranted),
    ];
    for (name, decided_height, access_time_ms, reason) in cases {
        let outcome = judged(&mut s, |it| {
            it.decided_height = decided_height;
            it.access_time_ms = access_time_ms;
        });
        assert_eq!(outcome.reason, reason, "{name}");
    }
    let grant = s.world.grant(&id);
    assert_eq!(grant.terms, s.asked().terms);
    assert_eq!(grants::terms(&grant), Some(&narrower));
    assert_eq!(grant.steps.last().unwrap().by, "gz.bdb");
}

#[test]
fn accesses_around_a_pause() {
    let mut s = staged();
    let (id, asked) = (s.id("granted"), s.asked());
    s.world.does(COLLECTOR, suspend(&id, &asked, "gz.bdb"));
    let stopped = s.world.tip().header.time.get();
    assert_eq!(under(&mut s, &id), Reason::GrantSuspended);
    s.world.does(COLLECTOR, resume(&id, &asked, "gz.bdb"));
    let resumed = s.world.tip().header.time.get();
    assert_eq!(under(&mut s, &id), Reason::None);
    let cases = [
        (stopped - 1, Reason::None),
        (stopped, Reason::GrantSuspended),
        (resumed - 1, Reason::GrantSuspended),
        (resumed, Reason::None),
    ];
    for (time, reason) in cases {
        assert_eq!(at(&mut s, &id, time), reason, "{time}");
    }
}

/// The record that uses the last of a quota ends the grant.
#[test]
fn a_quota_that_is_used_up_ends_its_grant() {
    for quota in [
        wire::Quota { queries_total: 2, ..Default::default() },
        wire::Quota { rows_total: 2, ..Default::default() },
    ] {
        let mut s = staged();
        let id = granted(&mut s, |it| it.quota = Some(quota));
        assert_eq!((under(&mut s, &id), ended(&s)), (Reason::None, vec![]));
        assert_eq!(under(&mut s, &id), Reason::None);
        assert_eq!(ended(&s), [(id.to_vec(), GrantEnd::Exhausted)]);
        assert_eq!(state(&s, &id), GrantState::Exhausted);
        assert_eq!(under(&mut s, &id), Reason::QuotaExceeded);
        assert_eq!(ended(&s), []);
    }
}

/// A day's quota ends nothing.
#[test]
fn a_day_that_is_used_up_ends_nothing() {
    let mut s = staged();
    let quota = wire::Quota { queries_per_day: 1, ..Default::default() };
    let id = granted(&mut s, |it| it.quota = Some(quota));
    assert_eq!(under(&mut s, &id), Reason::None);
    assert_eq!(under(&mut s, &id), Reason::QuotaExceeded);
    assert_eq!(state(&s, &id), GrantState::Active);
}

/// Hours of the day, local time (+08:00), and the days on which they begin.
#[test]
fn accesses_outside_the_hours() {
    let schedule = |from_minute, until_minute, weekdays| wire::Schedule {
        from_minute,
        until_minute,
        weekdays,
    };
    // The first day is a Monday; T0 is 10:00.
    let minute = |minutes: u64| T0 + (minutes - 600) * 60_000;
    let (office, night) = (schedule(480, 1080, 31), schedule(1320, 1800, 1));
    let cases = [
        ("in office hours", office, minute(720), true),
        ("at their last moment", office, minute(1080) - 1, true),
        ("at their end", office, minute(1080), false),
        ("on Saturday", office, minute(720) + 5 * DAY, false),
        ("at night", night, minute(1320), true),
        ("before it", night, minute(1320) - 1, false),
        ("on the morning behind Monday's night", night, minute(1440 + 359), true),
        ("at its end", night, minute(1440 + 360), false),
        ("on Tuesday night", night, minute(1440 + 1320), false),
        ("on any day", schedule(480, 1080, 0), minute(720) + 5 * DAY, true),
    ];
    for (name, schedule, time, within) in cases {
        let mut s = staged();
        let id = granted(&mut s, |it| it.schedule = Some(schedule));
        s.world.reach(time);
        let expected = if within { Reason::None } else { Reason::OutsideSchedule };
        assert_eq!(at(&mut s, &id, time), expected, "{name}");
    }
}

/// A standing grant of the open dataset to the city's and the county's level.
pub(crate) fn standing(s: &mut Staged) -> RequestId {
    open_dataset(s);
    let tx = s.sign(COLLECTOR, offer("civil.public", "gz.psb", class_terms()));
    let id = tx.header().request_id(0);
    s.world.commit(vec![tx]);
    s.world.does(MANAGER, confirm(&id, &as_offered(), "gz.bdb"));
    id
}

/// What becomes of a record of somebody under the standing grant.
fn of_class(
    s: &mut Staged,
    id: &RequestId,
    department: &str,
    who: &IdentityId,
) -> (Verdict, Reason) {
    let bend = |it: &mut RecordAccess| {
        it.accesses[0] = super::items::access("civil.public", Some(id));
        it.asker = Some(verified(department, who));
    };
    let outcome = judged(s, bend);
    (outcome.verdict, outcome.reason)
}

/// Whoever is of the class, and has the right to use, may read; nobody asked for each.
#[test]
fn a_standing_grant_covers_its_class() {
    let mut s = staged();
    let id = standing(&mut s);
    let grant = s.world.grant(&id);
    assert_eq!((grant.kind(), grant.using_department.as_str()), (wire::GrantKind::Standing, ""));
    let cases = [
        ("gy.hrss", "gy.hrss/officer", Reason::None),
        ("gy.yy.hrss", "gy.yy.hrss/officer", Reason::None),
        ("gz.hrss", USER, Reason::NotInClass),
        ("gz.hrss", APP, Reason::NotInClass),
    ];
    for (department, who, reason) in cases {
        let who = s.identity(who);
        assert_eq!(of_class(&mut s, &id, department, &who).1, reason, "{department}");
    }
}

/// Bends a member of the class.
fn bent(bend: impl FnOnce(&mut wire::Department)) -> (Verdict, Reason) {
    let mut s = staged();
    let id = standing(&mut s);
    let mut department = (*s.world.department("gy.hrss")).clone();
    bend(&mut department);
    s.world.doctor(Place::department("gy.hrss"), Some(department.into()));
    let who = s.identity("gy.hrss/officer");
    of_class(&mut s, &id, "gy.hrss", &who)
}

#[test]
fn who_is_of_a_class() {
    assert_eq!(bent(|_| {}), (Verdict::Covered, Reason::None));
    assert_eq!(bent(|it| it.division = "5102".into()).1, Reason::NotInClass);
    assert_eq!(bent(|it| it.rights.clear()).1, Reason::NotInClass);
    assert_eq!(bent(|it| it.body = "psb".into()), (Verdict::Uncovered, Reason::SameBody));
    assert_eq!(bent(|it| it.body = "bdb".into()).1, Reason::SameBody);
}

/// A standing grant has no limit of purpose, and ends like any other.
#[test]
fn a_standing_grant_is_amended_and_revoked() {
    let mut s = staged();
    let id = standing(&mut s);
    let narrower = wire::Terms { fields: vec!["status".into()], ..terms(&[]) };
    s.world.does(MANAGER, amend(&id, &as_offered(), "gz.bdb", narrower));
    let who = s.identity("gy.hrss/officer");
    assert_eq!(of_class(&mut s, &id, "gy.hrss", &who).1, Reason::FieldNotGranted);
    s.world.does(COLLECTOR, super::items::revoke(&id, &as_offered(), "gz.bdb"));
    assert_eq!(of_class(&mut s, &id, "gy.hrss", &who).1, Reason::GrantRevoked);
}
