//! The two halves of an access: which are wanted, how they meet, and whose is missing.

use crate::items::access::receipt;
use crate::items::sharing::tests::permits;
use crate::ledger::{
    Object,
    tests::{
        account::{Blamed, access_to, alerted, at_fault, blamed, counts, events, granted, named},
        items::{
            HOUR, T0, access, acknowledge, acknowledge_hour, asked_of, declare_loss, request,
            terms, unrecordable, verified,
        },
        life,
        refusals::{Case, OK, run},
        stage::{APP, GATEWAY, RESIDENT, Staged, USER, staged},
    },
};
use crate::place::Place;
use crate::tx::Tx;
use crate::types::{RequestId, TimeMs};
use crate::wire::{self, IntegrityRule};

pub(crate) const CORE: &str = "civil.core";
pub(crate) const MISSING: IntegrityRule = IntegrityRule::HalfMissing;
/// When both halves of what happens in the first hour must be there.
pub(crate) const DUE: u64 = T0 + 25 * HOUR;
/// Hours since the epoch.
pub(crate) const FIRST_HOUR: u64 = T0 / HOUR;

/// The user's half of number 1 under the grant, bent.
fn half(s: &mut Staged, name: &str, bend: impl FnOnce(&mut wire::Acknowledge)) -> Tx {
    let mut it = acknowledge(&s.id("granted"), &s.asked(), &s.identity(GATEWAY), 1);
    bend(&mut it);
    s.sign(name, it)
}

const SINGLE: &[Case] = &[
    ("by the system", OK, |s| half(s, APP, |_| {})),
    ("by an officer", OK, |s| half(s, USER, |_| {})),
    ("of a revoked grant", OK, |s| {
        let id = s.id("revoked").to_vec();
        half(s, APP, |it| it.request_id = id)
    }),
    ("with another number's receipt", Some("receipt.bad"), |s| {
        let receipt = receipt_of(s, &s.id("granted"), 2);
        half(s, APP, |it| it.receipt = Some(receipt))
    }),
    ("by a node", Some("identity.kind"), |s| half(s, "gz.hrss/node", |_| {})),
    ("in another's name", Some("actor.other"), |s| half(s, "gz.tax/app", |_| {})),
    ("by another department", Some("request.contradiction"), |s| {
        half(s, "gz.tax/app", |it| it.using_department = "gz.tax".into())
    }),
    ("of another dataset", Some("request.contradiction"), |s| {
        half(s, APP, |it| it.dataset = CORE.into())
    }),
    ("of another collector", Some("request.contradiction"), |s| {
        half(s, APP, |it| it.collector = "gz.hrss".into())
    }),
    ("of no grant", Some("grant.unknown"), |s| half(s, APP, |it| it.request_id = vec![1; 32])),
    ("of a standing grant", OK, |s| {
        let id = life::standing(s);
        let asked = request("civil.public", "gz.psb", "gy.hrss", terms(&[]));
        s.sign("gy.hrss/officer", acknowledge(&id, &asked, &s.identity(GATEWAY), 1))
    }),
    ("of a standing grant, by who is not of its class", Some("request.contradiction"), |s| {
        let id = life::standing(s);
        let asked = request("civil.public", "gz.psb", "gz.hrss", terms(&[]));
        s.sign(USER, acknowledge(&id, &asked, &s.identity(GATEWAY), 1))
    }),
    ("of no gateway", Some("identity.other_department"), |s| {
        half(s, APP, |it| it.gateway_id = vec![1; 32])
    }),
    ("of another's gateway", Some("identity.other_department"), |s| {
        let other = s.identity("gz.hrss/gateway").to_vec();
        half(s, APP, |it| it.gateway_id = other)
    }),
    ("of another's application", Some("identity.other_department"), |s| {
        let other = s.identity("gz.tax/app").to_vec();
        half(s, APP, |it| it.gateway_id = other)
    }),
    ("of an officer who hands data over", OK, |s| {
        let officer = s.identity("gz.psb/officer").to_vec();
        half(s, APP, |it| it.gateway_id = officer)
    }),
    ("of a permit", Some("request.contradiction"), |s| {
        let (id, asked) = permits::given(s);
        s.sign("gz.psb/officer", acknowledge(&id, &asked, &s.identity(GATEWAY), 1))
    }),
];

/// The user's sum of the first hour, when it is over.
fn sum(s: &mut Staged, bend: impl FnOnce(&mut wire::AcknowledgeHour)) -> Tx {
    s.world.reach(T0 + HOUR);
    let mut it = acknowledge_hour(&s.id("granted"), &s.asked(), FIRST_HOUR, 0);
    bend(&mut it);
    s.sign(APP, it)
}

const HOURLY: &[Case] = &[
    ("of the hour before", OK, |s| sum(s, |_| {})),
    ("of an hour long ago", OK, |s| {
        s.world.reach(T0 + 100 * HOUR);
        s.sign(APP, acknowledge_hour(&s.id("granted"), &s.asked(), FIRST_HOUR, 0))
    }),
    ("of the hour before there was a grant", Some("request.contradiction"), |s| {
        sum(s, |it| it.hour -= 1)
    }),
    ("of the first hour of all", Some("request.contradiction"), |s| sum(s, |it| it.hour = 0)),
    ("of a standing grant, by who is not of its class", Some("request.contradiction"), |s| {
        let id = life::standing(s);
        let asked = request("civil.public", "gz.psb", "gz.hrss", terms(&[]));
        s.world.reach(T0 + HOUR);
        s.sign(USER, acknowledge_hour(&id, &asked, FIRST_HOUR, 0))
    }),
    ("of the hour that runs", Some("hour.running"), |s| sum(s, |it| it.hour += 1)),
    ("of an hour to come", Some("hour.running"), |s| sum(s, |it| it.hour = u64::MAX)),
    ("in another's name", Some("actor.other"), |s| {
        sum(s, |it| it.using_department = "gz.tax".into())
    }),
    ("of another dataset", Some("request.contradiction"), |s| {
        sum(s, |it| it.dataset = CORE.into())
    }),
    ("of no grant", Some("grant.unknown"), |s| sum(s, |it| it.request_id = vec![1; 32])),
];

pub(crate) const TABLES: &[&[Case]] = &[SINGLE, HOURLY];

#[test]
fn users_acknowledge() {
    for table in TABLES {
        assert_eq!(run(table), named(table));
    }
}

/// What happens to number 1 of the gateway.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Recorded,
    Denied,
    Followed,
    Observed,
    Acknowledged,
    Shown,
    Lost,
    PassedOver,
}

use Step::{Acknowledged, Denied, Followed, Lost, Observed, PassedOver, Recorded, Shown};

/// What the gateway gave with a number.
pub(crate) fn receipt_of(s: &Staged, id: &RequestId, number: u64) -> wire::Receipt {
    let signer = s.world.signer(GATEWAY);
    let (gateway, time) = (signer.identity.as_bytes(), TimeMs::new(s.world.now));
    receipt::sign(&signer.key, &signer.chain, gateway, number, id.as_bytes(), time)
}

fn takes(s: &mut Staged, id: &RequestId, step: Step) {
    let record = wire::RecordAccess { access_no: 1, ..access_to(s, CORE, id) };
    let gateway = s.identity(GATEWAY);
    match step {
        Recorded => s.world.does(GATEWAY, record),
        Denied => {
            let decision = wire::Decision::Denied as i32;
            s.world.does(GATEWAY, wire::RecordAccess { decision, ..record })
        }
        Acknowledged => {
            let asked = asked_of(CORE, &s.asked());
            s.world.does(APP, acknowledge(id, &asked, &gateway, 1))
        }
        Followed => {
            let channel = wire::Channel::Log as i32;
            s.world.does(GATEWAY, wire::RecordAccess { channel, ..record })
        }
        // Whether it was set so or not: its user can't know.
        Observed => {
            let observing = Some(wire::Observing::default());
            s.world.does(GATEWAY, wire::RecordAccess { observing, ..record })
        }
        Shown => {
            let (asked, receipt) = (asked_of(CORE, &s.asked()), Some(receipt_of(s, id, 1)));
            let it = acknowledge(id, &asked, &gateway, 1);
            s.world.does(APP, wire::Acknowledge { receipt, ..it })
        }
        Lost => s.world.does(GATEWAY, declare_loss(&gateway, (1, 1))),
        PassedOver => s.world.does(GATEWAY, unrecordable(2)),
    };
}

/// Only the side whose half is missing is at fault, and not before the time for both is over: the user where the number
/// could reach it, the collector where its gateway's receipt says that it served. Else both are alerted.
#[test]
fn halves_from_grade_3_up() {
    let (user, collector) = (blamed("gz.hrss", 1), blamed("gz.psb", 1));
    let cases: [(&[Step], Blamed, bool); 25] = [
        (&[Recorded, Acknowledged], vec![], false),
        (&[Acknowledged, Recorded], vec![], false),
        (&[Shown, Recorded], vec![], false),
        (&[Recorded], user, false),
        (&[Observed], vec![], false),
        (&[Observed, Acknowledged], vec![], false),
        (&[Shown, Observed], vec![], false),
        (&[Followed], vec![], false),
        (&[Followed, Acknowledged], vec![], false),
        (&[Acknowledged, Followed], vec![], false),
        (&[Acknowledged], vec![], true),
        (&[Shown], collector.clone(), false),
        (&[Acknowledged, Shown], collector.clone(), false),
        (&[Acknowledged, Shown, Acknowledged, Shown], collector.clone(), false),
        (&[Acknowledged, Shown, Recorded], vec![], false),
        (&[Acknowledged, Lost, Shown], vec![], true),
        (&[Recorded, Acknowledged, Acknowledged], vec![], false),
        (&[Acknowledged, Acknowledged, Recorded], vec![], false),
        (&[Acknowledged, Acknowledged], vec![], true),
        (&[PassedOver, Acknowledged], vec![], true),
        (&[PassedOver, Shown], collector, false),
        (&[PassedOver, Acknowledged, Recorded], vec![], false),
        (&[Acknowledged, Recorded, Acknowledged], vec![], false),
        (&[Lost, Acknowledged], vec![], false),
        (&[Denied], vec![], false),
    ];
    for (steps, expected, alerts) in cases {
        let mut s = staged();
        let id = granted(&mut s, CORE);
        for step in steps {
            takes(&mut s, &id, *step);
        }
        s.world.reach(DUE - 1);
        assert_eq!(at_fault(&s, MISSING), [], "{steps:?}");
        s.world.reach(DUE);
        assert_eq!(at_fault(&s, MISSING), expected, "{steps:?}");
        let both = if alerts { vec!["gz.hrss", "gz.psb"] } else { vec![] };
        assert_eq!(alerted(&s, wire::WatchKind::HalvesDiffer), both, "{steps:?}");
        assert!(!s.world.objects.values().any(|it| matches!(it, Object::Halves(_))));
    }
}

/// The second half may come in another hour than the first.
#[test]
fn halves_of_different_hours() {
    for steps in [[Recorded, Acknowledged], [Acknowledged, Recorded]] {
        let mut s = staged();
        let id = granted(&mut s, CORE);
        takes(&mut s, &id, steps[0]);
        s.world.pause(2 * HOUR);
        takes(&mut s, &id, steps[1]);
        s.world.reach(DUE);
        assert_eq!(at_fault(&s, MISSING), [], "{steps:?}");
        s.world.reach(DUE + 3 * HOUR);
        assert_eq!(at_fault(&s, MISSING), [], "{steps:?}");
    }
}

/// The time for acknowledging a late record begins when it is recorded.
#[test]
fn a_half_of_a_late_record() {
    let mut s = staged();
    let id = granted(&mut s, CORE);
    s.world.reach(T0 + 23 * HOUR);
    let access_time_ms = T0 + HOUR;
    let it = access_to(&s, CORE, &id);
    s.world.does(GATEWAY, wire::RecordAccess { access_time_ms, decided_height: None, ..it });
    s.world.reach(DUE + 23 * HOUR - 1);
    assert_eq!(counts(&s, "gz.hrss", MISSING), [0; 0]);
    s.world.reach(DUE + 23 * HOUR);
    assert_eq!(at_fault(&s, MISSING), blamed("gz.hrss", 1));
}

/// One access is one half for each grant, however often it names it.
#[test]
fn two_operations_under_one_grant() {
    for (dataset, steps) in [(RESIDENT, 0), (CORE, 1)] {
        let mut s = staged();
        let id = granted(&mut s, dataset);
        let mut it = access_to(&s, dataset, &id);
        let export = wire::Operation::Export as i32;
        it.accesses.push(wire::DatasetAccess { operation: export, ..it.accesses[0].clone() });
        s.world.does(GATEWAY, it);
        for _ in 0..steps {
            takes(&mut s, &id, Acknowledged);
        }
        s.world.reach(DUE);
        let expected = if steps == 0 { blamed("gz.hrss", 1) } else { vec![] };
        assert_eq!(at_fault(&s, MISSING), expected, "{dataset}");
    }
}

/// The event names the grant, and of the collector the gateway.
#[test]
fn what_an_event_of_a_missing_half_names() {
    for (step, department) in [(Recorded, "gz.hrss"), (Shown, "gz.psb")] {
        let mut s = staged();
        let id = granted(&mut s, CORE);
        takes(&mut s, &id, step);
        s.world.reach(DUE);
        let raised = events(&s, department, MISSING)[0].raised.clone().unwrap();
        assert_eq!((raised.dataset, raised.request_id), (CORE.to_owned(), id.to_vec()));
        let gateway = s.identity(GATEWAY).to_vec();
        let expected = if step == Recorded { Vec::new() } else { gateway };
        assert_eq!(raised.identity_id, expected);
    }
}

/// A half that comes when its time is over changes nothing any more.
#[test]
fn a_half_that_comes_too_late() {
    let mut s = staged();
    let id = granted(&mut s, CORE);
    takes(&mut s, &id, Recorded);
    s.world.reach(DUE);
    assert_eq!(counts(&s, "gz.hrss", MISSING), [1]);
    takes(&mut s, &id, Acknowledged);
    s.world.pause(26 * HOUR);
    assert_eq!((counts(&s, "gz.hrss", MISSING), counts(&s, "gz.psb", MISSING)), (vec![1], vec![]));
}

/// Fields of a lower grade than the dataset's are acknowledged by the hour, and the reverse.
#[test]
fn the_grade_of_what_was_read_decides() {
    for (grade, single) in [(2, false), (3, true)] {
        let mut s = staged();
        let mut changed = crate::ledger::tests::items::update(RESIDENT, "gz.psb");
        changed.fields[1].grade = grade;
        s.world.does("gz.psb/officer", changed);
        let it = s.covered();
        assert_eq!(it.accesses[0].fields, ["name"]);
        s.world.does(GATEWAY, it);
        let half =
            Place::half(&s.id("granted").to_vec(), s.identity(GATEWAY).as_bytes(), 1, "gz.hrss");
        assert_eq!(s.world.objects.contains_key(&half), single, "{grade}");
    }
}

/// Under a grant for a class each department acknowledges for itself.
#[test]
fn halves_of_a_standing_grant() {
    let mut s = staged();
    let id = life::standing(&mut s);
    for (access_no, name) in [(1, "gy.hrss/officer"), (2, "gy.yy.hrss/officer")] {
        let department = name.split_once('/').unwrap().0;
        let it = wire::RecordAccess {
            access_no,
            accesses: vec![access("civil.public", Some(&id))],
            asker: Some(verified(department, &s.identity(name))),
            ..s.covered()
        };
        s.world.does(GATEWAY, it);
    }
    s.world.reach(T0 + HOUR);
    let asked = request("civil.public", "gz.psb", "gy.hrss", terms(&[]));
    s.world.does("gy.hrss/officer", acknowledge_hour(&id, &asked, FIRST_HOUR, 1));
    s.world.reach(DUE);
    assert_eq!(at_fault(&s, MISSING), blamed("gy.yy.hrss", 1));
}

/// Two departments of one class: what the one says of the other's number says nothing for the other,
/// who owes its half as before, and may still give it.
#[test]
fn halves_of_two_departments_of_one_class() {
    let (owes, meddles) = ("gy.hrss/officer", "gy.yy.hrss/officer");
    for answers in [false, true] {
        for meddled_first in [false, true] {
            let mut s = staged();
            let id = standing_on_what_is_guarded(&mut s);
            let half = |s: &Staged, name: &str| {
                let department = name.split_once('/').unwrap().0;
                let asked = request("civil.public", "gz.psb", department, terms(&[]));
                acknowledge(&id, &asked, &s.identity(GATEWAY), 1)
            };
            let record = wire::RecordAccess {
                accesses: vec![access("civil.public", Some(&id))],
                asker: Some(verified("gy.hrss", &s.identity(owes))),
                ..s.covered()
            };
            let meddling = half(&s, meddles);
            if meddled_first {
                s.world.does(meddles, meddling.clone());
            }
            s.world.does(GATEWAY, record);
            if !meddled_first {
                s.world.does(meddles, meddling);
            }
            if answers {
                let it = half(&s, owes);
                s.world.does(owes, it);
            }
            s.world.reach(DUE);
            let mut expected = if answers { vec![] } else { blamed("gy.hrss", 1) };
            expected.sort();
            let mut found = at_fault(&s, MISSING);
            found.sort();
            assert_eq!(found, expected, "answers: {answers}, meddled first: {meddled_first}");
        }
    }
}

/// A standing grant whose fields have been graded so high since that each access is acknowledged by
/// itself.
fn standing_on_what_is_guarded(s: &mut Staged) -> RequestId {
    let id = life::standing(s);
    let mut it = crate::ledger::tests::items::update("civil.public", "gz.psb");
    it.grade = 3;
    it.fields.iter_mut().for_each(|field| field.grade = 3);
    s.world.does("gz.psb/officer", it);
    id
}

/// Coming late spares no half where the number could reach the user; where it could not none is owed.
#[test]
fn halves_of_what_was_filled_in() {
    use wire::Channel::{Api, Door, File, Log};
    let late = 24 * HOUR;
    for (dataset, age, channel, wanted) in [
        (RESIDENT, late, Door, true),
        (RESIDENT, late + HOUR, Door, true),
        (RESIDENT, late + HOUR, Api, true),
        (RESIDENT, late + HOUR, Log, false),
        (CORE, late, Door, true),
        (CORE, late + 1, Door, true),
        (CORE, late + 1, File, false),
        (CORE, 0, Log, false),
    ] {
        let mut s = staged();
        let id = granted(&mut s, dataset);
        s.world.reach(T0 + 2 * late);
        let access_time_ms = s.world.now - age;
        let channel = channel as i32;
        let it = wire::RecordAccess { channel, ..access_to(&s, dataset, &id) };
        s.world.does(GATEWAY, wire::RecordAccess { access_time_ms, decided_height: None, ..it });
        let is_owed = |it: &Object| match it {
            Object::Half(_) => true,
            Object::Halves(it) => it.recorded > 0 || it.user_missing > 0,
            _ => false,
        };
        let any = s.world.objects.values().any(is_owed);
        assert_eq!(any, wanted, "{dataset} {age} {channel}");
    }
}

/// Who has left the class, or was never of it, owes no half.
#[test]
fn askers_who_are_not_of_the_class() {
    let mut s = staged();
    let id = life::standing(&mut s);
    let it = wire::RecordAccess {
        accesses: vec![access("civil.public", Some(&id))],
        asker: Some(verified("gz.hrss", &s.identity(APP))),
        ..s.covered()
    };
    s.world.does(GATEWAY, it);
    assert!(!s.world.objects.values().any(|it| matches!(it, Object::Halves(_))));
    s.world.reach(DUE);
    assert_eq!(at_fault(&s, MISSING), []);
}

/// Who is not, or is of another department than the gateway says, owes no half.
#[test]
fn halves_of_askers_who_are_not_what_the_gateway_says() {
    let mut s = staged();
    let id = life::standing(&mut s);
    let askers = [("gy.none", "gy.hrss/officer"), ("gz.tax", "gy.hrss/officer")];
    for (access_no, (department, name)) in (1..).zip(askers) {
        let it = wire::RecordAccess {
            access_no,
            accesses: vec![access("civil.public", Some(&id))],
            asker: Some(verified(department, &s.identity(name))),
            ..s.covered()
        };
        s.world.does(GATEWAY, it);
    }
    s.world.reach(DUE);
    assert_eq!(at_fault(&s, MISSING), []);
}

/// What nobody of the user's asked for under its own grant has no second half.
#[test]
fn accesses_that_nobody_acknowledges() {
    let mut s = staged();
    let (permit, _) = permits::given(&mut s);
    let administrator = verified("gz.psb", &s.identity("gz.psb/officer"));
    let unmapped = wire::Party { unmapped_digest: vec![1; 32], ..wire::Party::default() };
    let other = verified("gz.tax", &s.identity("gz.tax/app"));
    let granted = s.id("granted");
    let under = [(permit, administrator), (granted, unmapped), (granted, other)];
    for (access_no, (id, asker)) in (1..).zip(under) {
        let it = wire::RecordAccess {
            access_no,
            accesses: vec![access(RESIDENT, Some(&id))],
            asker: Some(asker),
            ..s.covered()
        };
        s.world.does(GATEWAY, it);
    }
    assert!(!s.world.objects.values().any(|it| matches!(it, Object::Halves(_))));
    s.world.reach(DUE);
    assert_eq!(at_fault(&s, MISSING), []);
}
