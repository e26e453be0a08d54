//! Deadlines in working days: when they end, who is at fault, and what stops the clock.

use crate::event::ledger::LedgerEvent;
use crate::items::member::tests::departments::{manager, set_managers};
use crate::items::sharing::tests::workflow::{excepted, secret};
use crate::ledger::{
    Object,
    tests::{
        items::{DAY, HOUR, ask_supplement, confirm, exception, refuse, supplement},
        stage::{COLLECTOR, MANAGER, Staged, USER, staged},
    },
};
use crate::place::Place;
use crate::types::{RequestId, limits};
use crate::wire::{self, Calendar, Deadline, ledger_event::Kind};
use std::sync::Arc;

/// Local midnight, so many days behind the first, Monday 2026-02-16.
fn midnight(days: u64) -> u64 {
    (20_500 + days) * DAY - 8 * HOUR
}

fn request(s: &Staged, id: &RequestId) -> Arc<wire::Request> {
    s.world.get(&Place::request(id))
}

/// What the newest block says was missed, of one request.
fn missed(s: &Staged, id: &RequestId) -> Vec<wire::DeadlineMissed> {
    let told = s.world.told();
    let missed = told.iter().filter_map(|it| match it.kind() {
        Kind::DeadlineMissed(it) if it.request_id == id.to_vec() => Some(it.clone()),
        _ => None,
    });
    missed.collect()
}

/// A request made in a year with this calendar.
fn asked_in(calendar: Calendar) -> (Staged, RequestId) {
    let mut s = staged();
    s.world.doctor(Place::calendar(2026), Some(calendar.into()));
    let asked = s.asked();
    let id = s.world.asks(USER, &asked);
    (s, id)
}

/// 2026-02-18, a Wednesday, is day 49; 2026-02-21, a Saturday, day 52; 2026-02-22, a Sunday, day 53.
#[test]
fn deadlines_follow_the_calendar() {
    let cases: [(&[u32], &[u32], u64); 5] = [
        // Ten working days: the last is Monday 2026-03-02.
        (&[], &[], 15),
        (&[49], &[], 16),
        (&[], &[52], 12),
        (&[49], &[52], 15),
        (&[48, 49, 50, 51], &[52, 53], 17),
    ];
    for (holidays, make_up_days, days) in cases {
        let calendar = Calendar {
            year: 2026,
            holidays: holidays.to_vec(),
            make_up_days: make_up_days.to_vec(),
            missing: false,
        };
        let (s, id) = asked_in(calendar);
        let it = request(&s, &id);
        assert_eq!(it.due_ms, midnight(days), "{holidays:?} {make_up_days:?}");
        assert_eq!(it.deadline(), Deadline::Decide);
        assert!(s.world.told().is_empty());
    }
}

/// The first block at or after the due time says so, even an empty one, and only that one.
#[test]
fn a_missed_deadline_is_said_once() {
    let (mut s, id) = asked_in(Calendar { year: 2026, ..Calendar::default() });
    s.world.reach(midnight(15) - 1);
    assert_eq!(missed(&s, &id), []);
    s.world.reach(midnight(15));
    let expected = wire::DeadlineMissed {
        deadline: Deadline::Decide as i32,
        department: "gz.psb".into(),
        request_id: id.to_vec(),
        dataset: "civil.resident".into(),
        due_ms: midnight(15),
    };
    assert_eq!(missed(&s, &id), [expected]);
    assert!(request(&s, &id).overdue);
    for days in 16..60 {
        s.world.reach(midnight(days));
        assert_eq!(missed(&s, &id), []);
    }
    // It stays open.
    s.world.does(COLLECTOR, crate::ledger::tests::items::approve(&id, &s.asked()));
    assert!(!request(&s, &id).overdue);
}

/// Long after, if there was no block in between. The event names what set the clock going.
#[test]
fn a_block_long_after_the_deadline() {
    let (mut s, id) = asked_in(Calendar { year: 2026, ..Calendar::default() });
    let number = s.world.seq(USER) - 1;
    s.world.reach(midnight(40));
    assert_eq!(missed(&s, &id)[0].due_ms, midnight(15));
    let told = s.world.told();
    let event = told.iter().find(|it| it.trails().contains(&Place::grant_trail(&id))).unwrap();
    let key_id = s.world.signer(USER).key.public().key_id().to_vec();
    assert_eq!(event.cause(), &wire::Cause { key_id, number });
    let leaf = s.world.tip().delta.events.iter().map(|it| it.leaf);
    let numbers: Vec<_> = leaf.map(|it| (it.index, it.item, it.origin)).collect();
    let zero = crate::types::TxId::ZERO;
    let expected: Vec<_> = (0..numbers.len() as u32).map(|n| (n, n, zero)).collect();
    assert_eq!(numbers, expected);
}

/// What is done in time is not missed.
#[test]
fn an_answer_in_time() {
    let (mut s, id) = asked_in(Calendar { year: 2026, ..Calendar::default() });
    s.world.reach(midnight(15) - 1000);
    let asked = s.asked();
    s.world.does(COLLECTOR, refuse(&id, &asked));
    assert_eq!(request(&s, &id).due_ms, 0);
    s.world.reach(midnight(15));
    assert_eq!(missed(&s, &id), []);
}

/// An answer in the block that reaches the deadline comes behind the event.
#[test]
fn an_answer_in_the_block_of_the_deadline() {
    let (mut s, id) = asked_in(Calendar { year: 2026, ..Calendar::default() });
    s.world.reach(midnight(15) - 1000);
    let answer = s.sign(COLLECTOR, refuse(&id, &s.asked()));
    s.world.now = midnight(15);
    s.world.commit(vec![answer]);
    assert_eq!(missed(&s, &id).len(), 1);
    let events = &s.world.tip().delta.events;
    assert!(events.last().unwrap().ledger.is_none() && events[0].ledger.is_some());
}

#[test]
fn a_supplement_stops_the_clock() {
    let (mut s, id) = asked_in(Calendar { year: 2026, ..Calendar::default() });
    let asked = s.asked();
    s.world.does(COLLECTOR, ask_supplement(&id, &asked));
    assert_eq!(request(&s, &id).due_ms, 0);
    s.world.reach(midnight(32) + 10 * HOUR);
    assert_eq!(missed(&s, &id), []);
    // Friday 2026-03-20: ten working days more, behind Friday 2026-04-03.
    s.world.does(USER, supplement(&id, &asked));
    let it = request(&s, &id);
    assert_eq!((it.deadline(), it.due_ms), (Deadline::Answer, midnight(47)));
    s.world.reach(midnight(47));
    let found = missed(&s, &id);
    assert_eq!((found[0].deadline(), found[0].department.as_str()), (Deadline::Answer, "gz.psb"));
}

/// Whoever was to act is at fault: the collector, the lead, the manager.
#[test]
fn whose_fault_it_is() {
    let s = &mut staged();
    let id = excepted(s);
    assert_eq!(request(s, &id).deadline(), Deadline::Exception);
    s.world.reach(midnight(15));
    let found = missed(s, &id);
    assert_eq!(
        (found[0].deadline(), found[0].department.as_str()),
        (Deadline::Exception, "gz.bdb")
    );
    s.world.does(MANAGER, exception(&id, &secret(s), "gz.bdb"));
    let due = request(s, &id).due_ms;
    assert_eq!(due, midnight(17));

    let cases = [
        ("nobody named: the lead", vec![], "gz.bdb"),
        ("the manager", vec![manager("52", "gy.gov", "gz.bdb")], "gy.gov"),
        ("the deputy", vec![manager("52", "gz.psm", "gy.gov")], "gy.gov"),
    ];
    for (name, managers, department) in cases {
        let mut s = s.clone();
        set_managers(&mut s, managers);
        s.world.reach(due);
        let found = missed(&s, &id);
        let found = (found[0].deadline(), found[0].department.as_str());
        assert_eq!(found, (Deadline::Confirm, department), "{name}");
        let lead = Place::integrity_trail(department);
        assert!(s.world.tip().delta.events.iter().any(|it| it.trails.contains(&lead)), "{name}");
    }
}

/// A confirmed request has no deadline any more.
#[test]
fn what_is_granted_is_not_due() {
    let mut s = staged();
    let it = confirm(&s.id("approved"), &s.asked(), "gz.bdb");
    s.world.does(MANAGER, it);
    s.world.reach(midnight(30));
    assert_eq!(missed(&s, &s.id("approved")), []);
    assert_eq!(missed(&s, &s.id("refused")), []);
    assert_eq!(missed(&s, &s.id("returned")), []);
    assert_eq!(missed(&s, &s.id("requested")).len(), 1);
}

fn set_decide_days(s: &mut Staged, decide_days: u32) {
    let before: Arc<wire::Parameters> = s.world.get(&Place::parameters());
    let parameters = wire::Parameters { decide_days, ..(*before).clone() };
    s.world.doctor(Place::parameters(), Some(parameters.into()));
}

/// A deadline that runs into a year without a calendar raises an alert, once for each year.
#[test]
fn a_year_without_a_calendar() {
    let mut s = staged();
    let missing = |s: &Staged| -> Vec<u32> {
        let told = s.world.told();
        let years = told.iter().filter_map(|it| match it.kind() {
            Kind::CalendarMissing(it) => Some(it.year),
            _ => None,
        });
        years.collect()
    };
    // The stage's own requests raised that of 2026.
    assert!(s.world.objects.contains_key(&Place::calendar(2026)));
    let asked = s.asked();
    s.world.asks(USER, &asked);
    assert_eq!(missing(&s), [0; 0]);
    set_decide_days(&mut s, 300);
    s.world.asks(USER, &asked);
    assert_eq!(missing(&s), [2027]);
    s.world.asks(USER, &asked);
    assert_eq!(missing(&s), [0; 0]);
    let known: Arc<Calendar> = s.world.get(&Place::calendar(2027));
    assert!(known.missing);
}

/// Many requests in as many transactions as they need; gives their ids.
pub(crate) fn ask_many(s: &mut Staged, count: usize) -> Vec<RequestId> {
    let mut ids = Vec::new();
    let asked = s.asked();
    while ids.len() < count {
        let some = (count - ids.len()).min(600);
        let tx = s.world.sign(USER, vec![asked.clone().into(); some]);
        ids.extend((0..some as u32).map(|number| tx.header().request_id(number)));
        s.world.commit(vec![tx]);
    }
    ids
}

/// Of many timers due at once, so many go off in a block, by time and then by what they are about.
#[test]
fn many_deadlines_are_spread_over_blocks() {
    let mut s = staged();
    let mut ids = ask_many(&mut s, limits::TIMERS + 200);
    ids.extend(["requested"].map(|state| s.id(state)));
    ids.sort();
    s.world.reach(midnight(15));
    let mut found: Vec<LedgerEvent> = s.world.told();
    // One more is due longer, and so goes off first: the confirmation of what was approved; some of other kinds too. However many events each makes,
    // as many go off in a block as one may set.
    assert!((limits::TIMERS - 10..=limits::TIMERS).contains(&found.len()), "{}", found.len());
    assert!(s.world.tip().delta.events.len() > limits::TIMERS);
    s.world.commit(Vec::new());
    found.extend(s.world.told());
    s.world.commit(Vec::new());
    assert!(s.world.told().is_empty());
    let about = |it: &LedgerEvent| match it.kind() {
        Kind::DeadlineMissed(it) => (it.due_ms, RequestId::from_slice(&it.request_id).unwrap()),
        other => panic!("{other:?}"),
    };
    let found: Vec<_> = found.iter().map(about).collect();
    let confirm = [(midnight(2), s.id("approved"))];
    let expected: Vec<_> =
        confirm.into_iter().chain(ids.into_iter().map(|id| (midnight(15), id))).collect();
    assert_eq!(found, expected);
    assert!(!s.world.objects.values().any(is_request_timer));
}

fn is_request_timer(object: &Object) -> bool {
    matches!(object, Object::Timer(it) if it.kind() == wire::TimerKind::RequestDue)
}

/// An answer while the timer still waits for room in a block does not undo that it comes late.
#[test]
fn an_answer_while_the_timer_waits() {
    let mut s = staged();
    let mut ids = ask_many(&mut s, limits::TIMERS + 200);
    ids.sort();
    let last = ids[ids.len() - 1];
    s.world.reach(midnight(15) - 1000);
    let answer = s.sign(COLLECTOR, refuse(&last, &s.asked()));
    s.world.now = midnight(15);
    s.world.commit(vec![answer]);
    assert_eq!(missed(&s, &last).len(), 1);
    for _ in 0..2 {
        s.world.commit(Vec::new());
        assert_eq!(missed(&s, &last), []);
    }
    assert!(!s.world.objects.values().any(is_request_timer));
}
