//! Alerts: whom they concern, how repeats join them, and how they are answered.

use crate::ledger::tests::{
    account::{named, set},
    items::{HOUR, acknowledge_alert, close_alert},
    refusals::{Case, OK, run},
    stage::{COLLECTOR, GATEWAY, RESIDENT, Staged, USER, staged},
};
use crate::place::Place;
use crate::tx::Tx;
use crate::wire::{self, AlertState, WatchKind};
use std::sync::Arc;

/// A record of a time in the future: an alert, the collector's first.
fn future(s: &mut Staged) {
    let tx = future_record(s);
    s.world.commit(vec![tx]);
}

fn future_record(s: &Staged) -> Tx {
    let access_time_ms = s.world.now + HOUR;
    s.record(|it| it.access_time_ms = access_time_ms)
}

const ANSWERS: &[Case] = &[
    ("acknowledge", OK, |s| {
        future(s);
        s.sign(COLLECTOR, acknowledge_alert("gz.psb", 1))
    }),
    ("close", OK, |s| {
        future(s);
        s.sign(COLLECTOR, close_alert("gz.psb", 1))
    }),
    ("close what was acknowledged", OK, |s| {
        future(s);
        s.world.does(COLLECTOR, acknowledge_alert("gz.psb", 1));
        s.sign(COLLECTOR, close_alert("gz.psb", 1))
    }),
    ("acknowledge twice", Some("alert.state"), |s| {
        future(s);
        s.world.does(COLLECTOR, acknowledge_alert("gz.psb", 1));
        s.sign(COLLECTOR, acknowledge_alert("gz.psb", 1))
    }),
    ("acknowledge what was closed", Some("alert.state"), |s| {
        future(s);
        s.world.does(COLLECTOR, close_alert("gz.psb", 1));
        s.sign(COLLECTOR, acknowledge_alert("gz.psb", 1))
    }),
    ("close twice", Some("alert.state"), |s| {
        future(s);
        s.world.does(COLLECTOR, close_alert("gz.psb", 1));
        s.sign(COLLECTOR, close_alert("gz.psb", 1))
    }),
    ("one that is not there", Some("alert.unknown"), |s| {
        future(s);
        s.sign(COLLECTOR, close_alert("gz.psb", 2))
    }),
    ("by a machine", Some("identity.kind"), |s| {
        future(s);
        s.sign(GATEWAY, close_alert("gz.psb", 1))
    }),
    ("in another's name", Some("actor.other"), |s| {
        future(s);
        s.sign(USER, close_alert("gz.psb", 1))
    }),
];

pub(crate) const TABLES: &[&[Case]] = &[ANSWERS];

#[test]
fn alerts_are_answered() {
    assert_eq!(run(ANSWERS), named(ANSWERS));
}

fn alert(s: &Staged, number: u64) -> Arc<wire::Alert> {
    s.world.get(&Place::alert("gz.psb", number))
}

fn book(s: &Staged) -> (u64, u64) {
    let book: Arc<wire::AlertBook> = s.world.get(&Place::alert_book("gz.psb"));
    (book.alerts, book.open)
}

/// Repeats within the hour join the alert, closed or an hour old it is another.
#[test]
fn repeats_join_an_alert() {
    let mut s = staged();
    let first = s.world.now;
    future(&mut s);
    s.world.reach(first + HOUR - 3000);
    future(&mut s);
    assert_eq!((alert(&s, 1).count, book(&s), s.world.alerted().len()), (2, (1, 1), 0));
    s.world.does(COLLECTOR, acknowledge_alert("gz.psb", 1));
    assert_eq!((alert(&s, 1).state(), book(&s)), (AlertState::Acknowledged, (1, 1)));
    s.world.reach(first + HOUR - 1000);
    let tx = future_record(&s);
    s.world.now = first + HOUR;
    s.world.commit(vec![tx]);
    assert_eq!((alert(&s, 1).count, alert(&s, 2).count, book(&s)), (2, 1, (2, 2)));
    s.world.does(COLLECTOR, close_alert("gz.psb", 2));
    assert_eq!((alert(&s, 2).state(), book(&s)), (AlertState::Closed, (2, 1)));
    future(&mut s);
    assert_eq!((alert(&s, 2).count, alert(&s, 3).count, book(&s)), (1, 1, (3, 2)));
}

/// What an alert says, and where it stands.
#[test]
fn an_alert_is_on_the_departments_trail() {
    let mut s = staged();
    future(&mut s);
    let raised = alert(&s, 1).raised.clone().unwrap();
    let expected = wire::AlertRaised {
        department: "gz.psb".into(),
        number: 1,
        watch: WatchKind::FutureTime as i32,
        identity_id: Vec::new(),
        dataset: RESIDENT.into(),
        request_id: Vec::new(),
        cause: String::new(),
    };
    assert_eq!(raised, expected);
    let event = s.world.tip().delta.events.last().unwrap();
    assert_eq!(event.trails, [Place::alert_trail("gz.psb")]);
}

#[test]
fn what_is_not_watched_for_raises_nothing() {
    let mut s = staged();
    set(&mut s, |it| it.watches.clear());
    future(&mut s);
    assert_eq!(s.world.alerted(), []);
}
