//! Seals: in sequence, missing, excused, made up for, and false.

use crate::items::access::tests::gateways::set_up;
use crate::ledger::{
    intervals,
    tests::{
        account::{alerted, at_fault, blamed, counts, gateway, named, numbered},
        items::{DAY, HOUR, T0, change_identity, declare_outage, seal, set_gateway},
        refusals::{Case, OK, run},
        stage::{COLLECTOR, GATEWAY, RESIDENT, Staged, staged},
    },
};
use crate::place::Place;
use crate::tx::Tx;
use crate::types::limits;
use crate::wire::{
    self, IntegrityRule,
    StandingChange::{Reinstate, Suspend},
    WatchKind,
};

/// How far a clock may be ahead, milliseconds.
const DRIFT: u64 = 5_000;

/// Seals whole hours from the world's first on.
fn hours(from: u64, until: u64, numbers: (u64, u64)) -> wire::SealPeriod {
    seal((T0 + from * HOUR, T0 + until * HOUR), numbers)
}

/// The gateway, set up in the first hour, at a time from the hour's begin.
fn at(s: &mut Staged, time: u64) {
    set_up(s);
    s.world.reach(T0 + time);
}

/// The seal of the first hour, bent, when it is over.
fn sealing(s: &mut Staged, bend: impl FnOnce(&mut wire::SealPeriod)) -> Tx {
    at(s, HOUR);
    let mut it = hours(0, 1, (1, 0));
    bend(&mut it);
    s.sign(GATEWAY, it)
}

const SEALS: &[Case] = &[
    ("with no number", OK, |s| sealing(s, |_| {})),
    ("with numbers that are recorded", OK, |s| {
        numbered(s, 1);
        numbered(s, 2);
        sealing(s, |it| (it.first, it.count) = (3, 0))
    }),
    ("with numbers whose records are to come", OK, |s| sealing(s, |it| it.count = 3)),
    ("one behind the other", OK, |s| {
        let first = sealing(s, |it| it.count = 2);
        s.world.commit(vec![first]);
        s.world.pause(HOUR);
        s.sign(GATEWAY, hours(1, 2, (3, 1)))
    }),
    ("the same again", Some("seal.sequence"), |s| {
        let first = sealing(s, |_| {});
        s.world.commit(vec![first]);
        s.sign(GATEWAY, hours(0, 1, (1, 0)))
    }),
    ("an hour later", Some("seal.sequence"), |s| {
        at(s, 2 * HOUR);
        s.sign(GATEWAY, hours(1, 2, (1, 0)))
    }),
    ("from another number on", Some("seal.sequence"), |s| sealing(s, |it| it.first = 2)),
    ("of half an hour", Some("seal.period"), |s| sealing(s, |it| it.until_ms -= HOUR / 2)),
    ("of an hour that runs", Some("seal.period"), |s| {
        at(s, HOUR - DRIFT - 2);
        let it = s.sign(GATEWAY, hours(0, 1, (1, 0)));
        s.world.now = T0 + HOUR - DRIFT - 1;
        it
    }),
    ("by a clock that is a little ahead", OK, |s| {
        at(s, HOUR - DRIFT - 1);
        let it = s.sign(GATEWAY, hours(0, 1, (1, 0)));
        s.world.now = T0 + HOUR - DRIFT;
        it
    }),
    ("of a thousand hours", OK, |s| {
        at(s, 2000 * HOUR);
        s.sign(GATEWAY, hours(0, 1000, (1, 0)))
    }),
    ("of more", Some("seal.period"), |s| {
        at(s, 2000 * HOUR);
        s.sign(GATEWAY, hours(0, 1001, (1, 0)))
    }),
    ("before it was set up", Some("gateway.not_set_up"), |s| {
        s.world.reach(T0 + HOUR);
        s.sign(GATEWAY, hours(0, 1, (1, 0)))
    }),
    ("by an officer", Some("identity.kind"), |s| {
        at(s, HOUR);
        s.sign(COLLECTOR, hours(0, 1, (1, 0)))
    }),
    ("in another's name", Some("actor.other"), |s| {
        sealing(s, |it| it.collector = "gz.hrss".into())
    }),
];

pub(crate) const TABLES: &[&[Case]] = &[SEALS];

#[test]
fn seals_follow_on_one_another() {
    assert_eq!(run(SEALS), named(SEALS));
}

const MISSING: IntegrityRule = IntegrityRule::SealMissing;

#[test]
fn a_gateway_that_seals_in_time() {
    let mut s = staged();
    set_up(&mut s);
    for hour in 0..5 {
        // At the last moment: just before the grace is over.
        s.world.reach(T0 + (hour + 2) * HOUR - 2000);
        s.world.does(GATEWAY, hours(hour, hour + 1, (1, 0)));
        s.world.reach(T0 + (hour + 2) * HOUR);
    }
    assert_eq!(counts(&s, "gz.psb", MISSING), [0; 0]);
}

/// A gateway that stays silent is one event, which counts on; an alert each time.
#[test]
fn silence_is_one_event() {
    let mut s = staged();
    set_up(&mut s);
    s.world.reach(T0 + 2 * HOUR - 1);
    assert_eq!(at_fault(&s, MISSING), []);
    s.world.reach(T0 + 2 * HOUR);
    assert_eq!(at_fault(&s, MISSING), blamed("gz.psb", 1));
    assert_eq!(alerted(&s, WatchKind::SilentGateway), ["gz.psb"]);
    for hour in 3..30 {
        s.world.reach(T0 + hour * HOUR);
        assert_eq!(at_fault(&s, MISSING), []);
        assert_eq!(counts(&s, "gz.psb", MISSING), [hour - 1]);
    }
    // It seals all that it missed at once. Silent again, it is another event.
    s.world.does(GATEWAY, hours(0, 29, (1, 0)));
    s.world.reach(T0 + 31 * HOUR - 1);
    assert_eq!(counts(&s, "gz.psb", MISSING), [28]);
    s.world.reach(T0 + 31 * HOUR);
    assert_eq!(counts(&s, "gz.psb", MISSING), [28, 1]);
}

/// A seal that makes up for some of what was missed gives no more time for the rest.
#[test]
fn a_seal_that_catches_up_in_part() {
    let mut s = staged();
    set_up(&mut s);
    for hour in 2..6 {
        s.world.reach(T0 + hour * HOUR);
    }
    s.world.does(GATEWAY, hours(0, 1, (1, 0)));
    s.world.reach(T0 + 6 * HOUR - 1);
    assert_eq!(counts(&s, "gz.psb", MISSING), [4]);
    s.world.reach(T0 + 6 * HOUR);
    assert_eq!(counts(&s, "gz.psb", MISSING), [4, 1]);
}

/// Once the event counts against it, further silence is another.
#[test]
fn silence_beyond_what_is_final() {
    let mut s = staged();
    set_up(&mut s);
    s.world.reach(T0 + 2 * HOUR);
    let event = &crate::ledger::tests::account::events(&s, "gz.psb", MISSING)[0];
    let until = event.raised.as_ref().unwrap().provisional_until_ms;
    s.world.reach(until);
    assert_eq!(counts(&s, "gz.psb", MISSING), [2]);
    s.world.commit(Vec::new());
    assert_eq!(counts(&s, "gz.psb", MISSING), [2, 1]);
}

/// A declared outage excuses the periods that end in it.
#[test]
fn an_outage_excuses() {
    let mut s = staged();
    set_up(&mut s);
    s.world.does(COLLECTOR, declare_outage(&s.identity(GATEWAY), T0 + 2 * HOUR));
    for hour in [2, 3] {
        s.world.reach(T0 + hour * HOUR);
        assert_eq!(at_fault(&s, MISSING), [], "{hour}");
        assert_eq!(alerted(&s, WatchKind::SilentGateway), [""; 0], "{hour}");
    }
    s.world.reach(T0 + 4 * HOUR);
    assert_eq!(at_fault(&s, MISSING), blamed("gz.psb", 1));
}

/// A gateway that serves nothing owes nothing; once it serves again, it owes the hour at hand.
#[test]
fn a_closed_gateway_owes_no_seal() {
    let mut s = staged();
    set_up(&mut s);
    s.world.does(COLLECTOR, set_gateway(&s.identity(GATEWAY), &[]));
    s.world.reach(T0 + 10 * HOUR + 1);
    assert_eq!(counts(&s, "gz.psb", MISSING), [0; 0]);
    s.world.does(COLLECTOR, set_gateway(&s.identity(GATEWAY), &[RESIDENT]));
    assert_eq!(gateway(&s).sealed_until_ms, T0 + 10 * HOUR);
    s.world.reach(T0 + 12 * HOUR - 1);
    assert_eq!(at_fault(&s, MISSING), []);
    s.world.reach(T0 + 12 * HOUR);
    assert_eq!(at_fault(&s, MISSING), blamed("gz.psb", 1));
}

/// Closing a gateway does not undo what it owed: the first hour was missed already, the second is over.
#[test]
fn closing_does_not_undo_what_was_owed() {
    let mut s = staged();
    set_up(&mut s);
    s.world.reach(T0 + 2 * HOUR + HOUR / 2);
    assert_eq!(at_fault(&s, MISSING), blamed("gz.psb", 1));
    s.world.does(COLLECTOR, set_gateway(&s.identity(GATEWAY), &[]));
    assert_eq!(counts(&s, "gz.psb", MISSING), [2]);
    s.world.reach(T0 + 20 * HOUR);
    s.world.does(COLLECTOR, set_gateway(&s.identity(GATEWAY), &[RESIDENT]));
    assert_eq!(counts(&s, "gz.psb", MISSING), [2]);
    // Silent again, it is another event.
    s.world.reach(T0 + 22 * HOUR);
    assert_eq!(counts(&s, "gz.psb", MISSING), [2, 1]);
}

/// Numbers that only a seal names are missing until their records come.
#[test]
fn a_seal_names_numbers_that_are_missing() {
    let mut s = staged();
    at(&mut s, HOUR);
    s.world.does(GATEWAY, hours(0, 1, (1, 3)));
    let due = s.world.tip().header.time.get() + DAY;
    numbered(&mut s, 2);
    assert_eq!(at_fault(&s, IntegrityRule::SealFalse), []);
    s.world.reach(due - 1);
    assert_eq!(at_fault(&s, IntegrityRule::NumbersMissing), []);
    s.world.reach(due);
    let missing = counts(&s, "gz.psb", IntegrityRule::NumbersMissing);
    assert_eq!(missing.iter().sum::<u64>(), 2);
}

/// A record that is numbered beyond a seal, of a time that the seal covers, and the reverse.
#[test]
fn false_seals() {
    // Time of access from the hour's begin, whether the seal counts it, and whether it is false.
    let cases = [
        ("sealed with it", HOUR - 1, 1, false),
        ("sealed without it", HOUR - 1, 0, true),
        ("of the next hour", HOUR, 0, false),
        ("of before it was set up", 0, 0, true),
        ("of before its first hour", u64::MAX, 0, false),
    ];
    for (name, time, count, is_false) in cases {
        let expected = if is_false { blamed("gz.psb", 1) } else { vec![] };
        for record_first in [true, false] {
            let mut s = staged();
            at(&mut s, HOUR);
            let record = wire::RecordAccess {
                access_time_ms: T0.wrapping_add(time),
                decided_height: None,
                ..s.covered()
            };
            if record_first {
                s.world.does(GATEWAY, record.clone());
            }
            s.world.does(GATEWAY, hours(0, 1, (1, count)));
            if !record_first {
                assert_eq!(at_fault(&s, IntegrityRule::SealFalse), [], "{name}");
                s.world.does(GATEWAY, record);
            }
            let found = at_fault(&s, IntegrityRule::SealFalse);
            assert_eq!(found, expected, "{name}, record first: {record_first}");
        }
    }
}

/// A number that comes late says nothing of the time of those behind it.
#[test]
fn a_late_number_does_not_make_a_seal_false() {
    let mut s = staged();
    at(&mut s, HOUR + 1000);
    let by_time = wire::RecordAccess { decided_height: None, ..s.covered() };
    for (access_no, time) in [(2, HOUR + 1), (1, HOUR - 1)] {
        let access_time_ms = T0 + time;
        s.world.does(GATEWAY, wire::RecordAccess { access_no, access_time_ms, ..by_time.clone() });
    }
    s.world.does(GATEWAY, hours(0, 1, (1, 1)));
    assert_eq!(at_fault(&s, IntegrityRule::SealFalse), []);
}

/// The gateway gave ten numbers before it was set up, and records the next at a minute to eleven, and
/// the one after it at five past.
fn recorded_across_the_hour(s: &mut Staged) {
    numbered(s, 10);
    at(s, HOUR + 600_000);
    let minute = 60_000;
    for (access_no, time) in [(12, HOUR + 5 * minute), (11, HOUR - minute)] {
        let it = wire::RecordAccess { decided_height: None, access_no, ..s.covered() };
        s.world.does(GATEWAY, wire::RecordAccess { access_time_ms: T0 + time, ..it });
    }
}

/// The number of a later period, which the seal rightly leaves out, hides none that it should name.
#[test]
fn a_seal_that_leaves_out_one_of_two() {
    for (count, expected) in [(0, blamed("gz.psb", 1)), (1, vec![]), (2, vec![])] {
        let mut s = staged();
        recorded_across_the_hour(&mut s);
        s.world.does(GATEWAY, hours(0, 1, (11, count)));
        assert_eq!(at_fault(&s, IntegrityRule::SealFalse), expected, "{count}");
    }
}

fn periods(s: &Staged) -> Vec<(u64, u64)> {
    gateway(s).periods.iter().map(|it| (it.until_ms, it.last)).collect()
}

/// Each period is judged by the seal that covers it, and by no later one; one seal is false once.
#[test]
fn a_period_is_judged_once() {
    let mut s = staged();
    recorded_across_the_hour(&mut s);
    assert_eq!(periods(&s), [(T0 + HOUR, 11), (T0 + 2 * HOUR, 12)]);
    s.world.does(GATEWAY, hours(0, 1, (11, 0)));
    assert_eq!(at_fault(&s, IntegrityRule::SealFalse), blamed("gz.psb", 1));
    assert_eq!(periods(&s), [(T0 + 2 * HOUR, 12)]);
    s.world.reach(T0 + 2 * HOUR);
    s.world.does(GATEWAY, hours(1, 2, (11, 2)));
    assert_eq!(at_fault(&s, IntegrityRule::SealFalse), []);
    assert_eq!(periods(&s), []);

    let mut s = staged();
    recorded_across_the_hour(&mut s);
    s.world.reach(T0 + 2 * HOUR);
    s.world.does(GATEWAY, hours(0, 2, (11, 0)));
    assert_eq!(at_fault(&s, IntegrityRule::SealFalse), blamed("gz.psb", 1));
}

/// Of what has its seal already, and of a gateway that owes none, nothing is kept; a time to come is
/// taken for now.
#[test]
fn what_is_kept_of_a_period() {
    let record = |s: &mut Staged, access_no: u64, time: u64| {
        let it = wire::RecordAccess { access_no, decided_height: None, ..s.covered() };
        s.world.does(GATEWAY, wire::RecordAccess { access_time_ms: time, ..it });
    };
    let mut s = staged();
    record(&mut s, 1, T0);
    assert_eq!(periods(&s), []);
    set_up(&mut s);
    // The period begins with its first millisecond and ends before that of the next.
    record(&mut s, 2, T0 - 1);
    assert_eq!(periods(&s), []);
    record(&mut s, 3, T0);
    s.world.reach(T0 + HOUR);
    record(&mut s, 5, T0 + HOUR - 1);
    record(&mut s, 4, T0 + HOUR - 1);
    assert_eq!(periods(&s), [(T0 + HOUR, 5)]);
    record(&mut s, 6, T0 + 100 * HOUR);
    assert_eq!(periods(&s), [(T0 + HOUR, 5), (T0 + 2 * HOUR, 6)]);
    record(&mut s, 7, T0 + HOUR);
    assert_eq!(periods(&s), [(T0 + HOUR, 5), (T0 + 2 * HOUR, 7)]);
}

/// No more are kept than the limit says: the oldest is given up, be it the one that comes.
#[test]
fn periods_kept_are_bounded() {
    let many = u64::try_from(limits::GATEWAY_PERIODS).unwrap();
    for (time, kept) in [(T0 + (many + 1) * HOUR, 2..=many + 2), (T0, 2..=many + 1)] {
        let mut s = staged();
        at(&mut s, (many + 1) * HOUR);
        let all =
            (2..many + 2).map(|hour| wire::PeriodNumbers { until_ms: T0 + hour * HOUR, last: 1 });
        let known = wire::Gateway { periods: all.collect(), ..gateway(&s) };
        s.world.doctor(Place::gateway(&s.identity(GATEWAY)), Some(known.into()));
        let it = wire::RecordAccess { decided_height: None, ..s.covered() };
        s.world.does(GATEWAY, wire::RecordAccess { access_time_ms: time, ..it });
        let found: Vec<u64> = gateway(&s).periods.iter().map(|it| it.until_ms).collect();
        let first = if time == T0 { *kept.start() } else { kept.start() + 1 };
        let expected: Vec<u64> = (first..=*kept.end()).map(|hour| T0 + hour * HOUR).collect();
        assert_eq!(found, expected, "{time}");
    }
}

/// Nobody can sign while a gateway or its department is out of force; afterwards it owes what follows.
#[test]
fn no_seal_is_missed_by_who_cannot_sign() {
    type Turn = fn(&mut Staged, bool);
    let turns: [(&str, Turn); 2] = [
        ("the gateway", |s, on| {
            let (change, after) = if on { (Reinstate, 1) } else { (Suspend, 0) };
            let it = change_identity("gz.psb", &s.identity(GATEWAY), after, change);
            s.world.does("gz.psb/root", it);
        }),
        ("its department", |s, on| {
            let mut standing = intervals::from_genesis();
            if !on {
                standing[0].until_height = Some(s.world.height().get() + 1);
                standing[0].until_time_ms = Some(s.world.now);
            }
            let it = wire::Department { standing, ..(*s.world.department("gz.psb")).clone() };
            s.world.doctor(Place::department("gz.psb"), Some(it.into()));
        }),
    ];
    for (name, turn) in turns {
        let mut s = staged();
        set_up(&mut s);
        turn(&mut s, false);
        for hour in [2, 3] {
            s.world.reach(T0 + hour * HOUR);
            assert_eq!(at_fault(&s, MISSING), [], "{name} {hour}");
            assert_eq!(alerted(&s, WatchKind::SilentGateway), [""; 0], "{name} {hour}");
        }
        turn(&mut s, true);
        s.world.reach(T0 + 4 * HOUR - 1);
        assert_eq!(at_fault(&s, MISSING), [], "{name}");
        s.world.reach(T0 + 4 * HOUR);
        assert_eq!(at_fault(&s, MISSING), blamed("gz.psb", 1), "{name}");
        assert_eq!(alerted(&s, WatchKind::SilentGateway), ["gz.psb"], "{name}");
    }
}

/// The seal stands where it did, whatever was recorded since.
#[test]
fn a_seal_is_kept() {
    let mut s = staged();
    numbered(&mut s, 2);
    set_up(&mut s);
    let known = gateway(&s);
    assert_eq!((known.sealed_from_ms, known.sealed_until_ms, known.sealed_last), (T0, T0, 2));
    s.world.reach(T0 + HOUR);
    s.world.does(GATEWAY, hours(0, 1, (3, 4)));
    let known = gateway(&s);
    assert_eq!((known.sealed_from_ms, known.sealed_until_ms), (T0, T0 + HOUR));
    assert_eq!((known.sealed_last, known.last_access_no), (6, 6));
    let setup: std::sync::Arc<wire::GatewaySetup> =
        s.world.get(&Place::gateway_setup(s.identity(GATEWAY).as_bytes()));
    assert_eq!(setup.seal_due_ms, T0 + 3 * HOUR);
}
