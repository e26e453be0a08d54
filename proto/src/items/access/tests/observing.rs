//! A gateway that only observes: who may say so and for how long, and what becomes of what it would have denied.

use super::coverage::judged;
use super::gateways::set_up;
use crate::event::{Reason, Verdict};
use crate::ledger::tests::{
    account::{alerted, at_fault, named},
    items::{DAY, HOUR, set_observing},
    refusals::{Case, OK, run},
    stage::{COLLECTOR, GATEWAY, RESIDENT, Staged, staged},
};
use crate::place::Place;
use crate::tx::Tx;
use crate::wire::{self, IntegrityRule, RecordAccess, WatchKind};
use std::sync::Arc;

const MANAGER: &str = "gz.bdb/officer";

/// The collector says how long its gateway, which was set up, observes; bent.
fn observing(
    s: &mut Staged,
    by: &str,
    for_ms: u64,
    bend: impl FnOnce(&mut wire::SetObserving),
) -> Tx {
    if !s.world.objects.contains_key(&setup_place(s)) {
        set_up(s);
    }
    let mut it = set_observing(&s.identity(GATEWAY), s.world.now + for_ms);
    it.department = by.split('/').next().unwrap().to_owned();
    bend(&mut it);
    s.sign(by, it)
}

fn observes(s: &mut Staged, by: &str, for_ms: u64) {
    let tx = observing(s, by, for_ms, |_| {});
    s.world.commit(vec![tx]);
}

fn setup_place(s: &Staged) -> Place {
    Place::gateway_setup(s.identity(GATEWAY).as_bytes())
}

/// Since when and until when it observes.
fn when(s: &Staged) -> Option<(u64, u64)> {
    let setup: Arc<wire::GatewaySetup> = s.world.get(&setup_place(s));
    setup.observing.first().map(|it| (it.since_ms, it.until_ms))
}

const WHO: &[Case] = &[
    ("begun by the collector", OK, |s| observing(s, COLLECTOR, 90 * DAY, |_| {})),
    ("begun by a manager", OK, |s| observing(s, MANAGER, DAY, |_| {})),
    ("too long", Some("observing.too_long"), |s| observing(s, COLLECTOR, 91 * DAY, |_| {})),
    ("too long, by a manager", Some("observing.too_long"), |s| {
        observing(s, MANAGER, 91 * DAY, |_| {})
    }),
    ("ended by the collector", OK, |s| {
        observes(s, COLLECTOR, 2 * DAY);
        observing(s, COLLECTOR, 0, |_| {})
    }),
    ("prolonged by the collector", Some("observing.begun"), |s| {
        observes(s, COLLECTOR, DAY);
        observing(s, COLLECTOR, 2 * DAY, |_| {})
    }),
    ("begun again by the collector", Some("observing.begun"), |s| {
        observes(s, COLLECTOR, DAY);
        s.world.pause(2 * DAY);
        observing(s, COLLECTOR, DAY, |_| {})
    }),
    ("prolonged by a manager", OK, |s| {
        observes(s, COLLECTOR, DAY);
        observing(s, MANAGER, 2 * DAY, |_| {})
    }),
    ("by the gateway", Some("identity.kind"), |s| observing(s, GATEWAY, DAY, |_| {})),
    ("by a department that does not manage", Some("right.missing"), |s| {
        observing(s, "gz.tax/officer", DAY, |_| {})
    }),
    ("in another's name", Some("actor.other"), |s| {
        observing(s, COLLECTOR, DAY, |it| it.department = "gz.bds".into())
    }),
    ("of what is not set up", Some("gateway.not_set_up"), |s| {
        let it = set_observing(&s.identity(GATEWAY), s.world.now + DAY);
        s.sign(COLLECTOR, it)
    }),
    ("of another's gateway", Some("identity.other_department"), |s| {
        observing(s, "gz.hrss/officer", DAY, |it| it.collector = "gz.hrss".into())
    }),
    ("of what it does not serve", Some("gateway.not_serving"), |s| {
        observing(s, COLLECTOR, DAY, |it| it.datasets = vec!["civil.core".into()])
    }),
];

pub(crate) const TABLES: &[&[Case]] = &[WHO];

#[test]
fn who_may_and_for_how_long() {
    assert_eq!(run(WHO), named(WHO));
}

/// A manager prolongs what runs; what was over begins anew, so that nothing before is observed by it.
#[test]
fn since_and_until() {
    let mut s = staged();
    observes(&mut s, COLLECTOR, DAY);
    let (since, until) = when(&s).unwrap();
    assert!(since < until && until <= since + DAY);
    s.world.pause(HOUR);
    let end = s.world.now + 2 * DAY;
    observes(&mut s, MANAGER, 2 * DAY);
    assert_eq!(when(&s), Some((since, end)));
    s.world.pause(3 * DAY);
    observes(&mut s, MANAGER, DAY);
    let (again, _) = when(&s).unwrap();
    assert_eq!(again, s.world.tip().header.time.get());
    // Ended: now, not earlier.
    observes(&mut s, COLLECTOR, 0);
    assert_eq!(when(&s), Some((again, s.world.tip().header.time.get())));
}

fn would_deny(denied: &str) -> Option<wire::Observing> {
    Some(wire::Observing { denied: denied.into() })
}

/// Under no grant: served because the gateway observes.
fn stray(it: &mut RecordAccess, number: u64) {
    it.access_no = number;
    it.observing = would_deny("no_grant");
    it.accesses[0].request_id.clear();
}

fn blamed(s: &Staged) -> usize {
    at_fault(s, IntegrityRule::Uncovered).len()
}

/// What it would have denied is recorded, judged and told; nobody is at fault, once a day and cause.
#[test]
fn nobody_is_at_fault() {
    let mut s = staged();
    observes(&mut s, COLLECTOR, 10 * DAY);
    let outcome = judged(&mut s, |it| stray(it, 1));
    assert_eq!((outcome.verdict, outcome.reason), (Verdict::WouldBeDenied, Reason::NoGrant));
    assert_eq!((blamed(&s), alerted(&s, WatchKind::WouldBeDenied)), (0, vec!["gz.psb".to_owned()]));
    s.world.pause(23 * HOUR);
    judged(&mut s, |it| stray(it, 2));
    assert_eq!((blamed(&s), alerted(&s, WatchKind::WouldBeDenied).len()), (0, 0));
    // Another cause is told by itself.
    judged(&mut s, |it| {
        it.access_no = 3;
        it.observing = would_deny("gate.no_route");
    });
    let newest = s.world.said().into_iter().rev().find_map(|it| match it.kind() {
        wire::ledger_event::Kind::AlertRaised(it) => Some(it.cause.clone()),
        _ => None,
    });
    assert_eq!(newest.as_deref(), Some("gate.no_route"));
    s.world.pause(2 * HOUR);
    judged(&mut s, |it| stray(it, 4));
    assert_eq!(alerted(&s, WatchKind::WouldBeDenied), ["gz.psb"]);
    // What it did not foresee is uncovered, and is nobody's fault either.
    let outcome = judged(&mut s, |it| {
        stray(it, 5);
        it.observing = would_deny("");
    });
    assert_eq!((outcome.verdict, blamed(&s)), (Verdict::Uncovered, 0));
}

/// What the ledger finds nothing against was not allowed either: its gateway would not have served it.
#[test]
fn a_would_be_denial_is_never_allowed() {
    let mut s = staged();
    observes(&mut s, COLLECTOR, DAY);
    let outcome = judged(&mut s, |it| it.observing = would_deny("gate.undecided"));
    let expected = (Verdict::WouldBeDenied, Reason::DeniedByGateway);
    assert_eq!((outcome.verdict, outcome.reason), expected);
    let outcome = judged(&mut s, |it| {
        it.access_no = 2;
        it.observing = would_deny("");
    });
    assert_eq!((outcome.verdict, outcome.reason), (Verdict::Covered, Reason::None));
}

/// Who decided by a block before it was ended could not know; and who says that it observes, and was not set so, is told of.
#[test]
fn ended_earlier_and_never_begun() {
    let mut s = staged();
    observes(&mut s, COLLECTOR, DAY);
    let before = s.world.height().get();
    s.world.wait(1_000);
    observes(&mut s, COLLECTOR, 0);
    s.world.wait(1_000);
    let outcome = judged(&mut s, |it| {
        stray(it, 1);
        it.decided_height = Some(before);
    });
    assert_eq!((outcome.verdict, blamed(&s)), (Verdict::WouldBeDenied, 0));
    judged(&mut s, |it| stray(it, 2));
    assert_eq!(blamed(&s), 1);
    let mut s = staged();
    let outcome = judged(&mut s, |it| it.observing = would_deny(""));
    assert_eq!((outcome.verdict, blamed(&s)), (Verdict::Covered, 0));
    assert_eq!(alerted(&s, WatchKind::WouldBeDenied), ["gz.psb"]);
}

/// It ends by itself; what was before is not observed; and a gateway that says so without being set so is at fault.
#[test]
fn outside_its_time_it_is_as_always() {
    type Bend = fn(&mut Staged);
    let cases: [(&str, Bend); 4] = [
        ("never begun", |_| {}),
        ("over", |s| {
            observes(s, COLLECTOR, DAY);
            s.world.pause(2 * DAY);
        }),
        ("ended", |s| {
            observes(s, COLLECTOR, DAY);
            observes(s, COLLECTOR, 0);
            s.world.wait(1);
        }),
        ("begun after the access", |s| {
            s.world.pause(HOUR);
            observes(s, COLLECTOR, DAY);
        }),
    ];
    for (name, before) in cases {
        let mut s = staged();
        let then = s.world.now;
        before(&mut s);
        let outcome = judged(&mut s, |it| {
            stray(it, 1);
            if name == "begun after the access" {
                it.access_time_ms = then;
                it.decided_height = None;
            }
        });
        assert_eq!(outcome.verdict, Verdict::WouldBeDenied, "{name}");
        assert_eq!((blamed(&s), alerted(&s, WatchKind::WouldBeDenied).len()), (1, 0), "{name}");
    }
}

/// Of several datasets each is observed, or the record is as always.
#[test]
fn all_that_it_is_of() {
    let mut s = staged();
    let id = s.identity(GATEWAY);
    s.world
        .does(COLLECTOR, crate::ledger::tests::items::set_gateway(&id, &["civil.core", RESIDENT]));
    observes(&mut s, COLLECTOR, DAY);
    judged(&mut s, |it| {
        stray(it, 1);
        let other = wire::DatasetAccess { dataset: "civil.core".into(), ..it.accesses[0].clone() };
        it.accesses.insert(0, other);
    });
    assert_eq!(blamed(&s), 1);
}
