//! Emergency access (应急): opened at once by whoever is entitled, ratified afterwards by collector
//! and manager, or not.

use crate::event::{Outcome, Reason, Verdict};
use crate::items::access::tests::coverage::judged;
use crate::items::member::tests::departments::{manager, set_managers};
use crate::items::sharing::grants;
use crate::ledger::tests::{
    items::{DAY, HOUR, emergency, ratify, reject, retire, revoke, verified},
    refusals::{Case, OK, run},
    stage::{COLLECTOR, MANAGER, RESIDENT, Staged, USER, staged},
    world::BLOCK_MS,
};
use crate::place::Place;
use crate::tx::Tx;
use crate::types::RequestId;
use crate::wire::{self, GrantEnd, GrantKind, GrantState, ledger_event::Kind};

const DESK: &str = "gz.hrss/desk";
/// How far a clock may be ahead, milliseconds.
const DRIFT: u64 = 5_000;

/// Three working days from the first, a Monday: the end of Thursday.
const RATIFY_DUE: u64 = 20_504 * DAY - 8 * HOUR;

/// The officer on duty opens access for an hour, bent.
fn opening(s: &Staged, bend: impl FnOnce(&mut wire::OpenEmergency)) -> Tx {
    let mut it = emergency(&s.asked(), "gz.bdb", s.world.now);
    bend(&mut it);
    s.sign(DESK, it)
}

fn until(it: &mut wire::OpenEmergency) -> &mut u64 {
    &mut it.terms.as_mut().unwrap().until_ms
}

const OPENINGS: &[Case] = &[
    ("for an hour", OK, |s| opening(s, |_| {})),
    ("for 72 hours", OK, |s| opening(s, |it| *until(it) += 71 * HOUR)),
    ("for longer", Some("emergency.too_long"), |s| opening(s, |it| *until(it) += 71 * HOUR + 1)),
    ("for a time that is over", Some("emergency.too_long"), |s| {
        let now = s.world.now;
        opening(s, |it| {
            let terms = it.terms.as_mut().unwrap();
            (terms.from_ms, terms.until_ms) = (now - HOUR, now);
        })
    }),
    ("from now on by a clock that is a little ahead", OK, |s| {
        opening(s, |it| it.terms.as_mut().unwrap().from_ms += DRIFT)
    }),
    ("from later on", Some("emergency.too_long"), |s| {
        opening(s, |it| it.terms.as_mut().unwrap().from_ms += DRIFT + 1)
    }),
    ("from tomorrow on", Some("emergency.too_long"), |s| {
        opening(s, |it| {
            it.terms.as_mut().unwrap().from_ms += DAY;
            *until(it) += DAY;
        })
    }),
    ("since an hour ago", OK, |s| opening(s, |it| it.terms.as_mut().unwrap().from_ms -= HOUR)),
    ("to what is not shared", OK, |s| opening(s, |it| it.dataset = "civil.secret".into())),
    ("by an officer without the duty", Some("duty.missing"), |s| {
        s.sign(USER, emergency(&s.asked(), "gz.bdb", s.world.now))
    }),
    ("by a machine", Some("identity.kind"), |s| {
        s.sign("gz.hrss/app", emergency(&s.asked(), "gz.bdb", s.world.now))
    }),
    ("for another department", Some("actor.other"), |s| {
        opening(s, |it| it.using_department = "gz.tax".into())
    }),
    ("under no code known", Some("emergency_code.unknown"), |s| {
        opening(s, |it| it.emergency_code = "curiosity".into())
    }),
    ("for no purpose known", Some("purpose.unknown"), |s| {
        opening(s, |it| it.purpose = "curiosity".into())
    }),
    ("on no basis known", Some("legal_basis.unknown"), |s| {
        opening(s, |it| it.legal_basis = "custom".into())
    }),
    ("to nothing", Some("dataset.unknown"), |s| opening(s, |it| it.dataset = "civil.none".into())),
    ("to what is out of the catalogue", Some("dataset.retired"), |s| {
        s.world.does(COLLECTOR, retire(RESIDENT, "gz.psb"));
        opening(s, |_| {})
    }),
    ("to a field that is not there", Some("field.unknown"), |s| {
        opening(s, |it| it.terms.as_mut().unwrap().fields = vec!["income".into()])
    }),
    ("for another's people", Some("identity.other_department"), |s| {
        let other = s.identity("gz.tax/app").to_vec();
        opening(s, |it| it.terms.as_mut().unwrap().identity_ids = vec![other])
    }),
    ("with a manager of the user's body", Some("body.same"), |s| {
        opening(s, |it| it.manager = "gz.hrm".into())
    }),
    ("with a manager of the collector's body", Some("body.same"), |s| {
        opening(s, |it| it.manager = "gz.psm".into())
    }),
    ("with another manager than is named", Some("manager.other"), |s| {
        set_managers(s, vec![manager("52", "gy.gov", "")]);
        opening(s, |_| {})
    }),
    ("with nobody for a manager", Some("department.unknown"), |s| {
        opening(s, |it| it.manager = "gz.none".into())
    }),
    ("again, after it was refused", Some("emergency.refused"), |s| {
        refused(s);
        opening(s, |_| {})
    }),
    ("again, until the last moment", Some("emergency.refused"), |s| {
        refused(s);
        s.world.reach(PAUSED_UNTIL - 1 - BLOCK_MS);
        opening(s, |_| {})
    }),
    ("again, when the pause is over", OK, |s| {
        refused(s);
        s.world.reach(PAUSED_UNTIL - BLOCK_MS);
        opening(s, |_| {})
    }),
    ("to something else, after it was refused", OK, |s| {
        refused(s);
        opening(s, |it| it.dataset = "civil.secret".into())
    }),
    ("again, where the other ratified and one's time was over", OK, |s| {
        let id = opened(s);
        s.world.does(COLLECTOR, ratify(&id, &s.asked(), "gz.bdb"));
        s.world.reach(RATIFY_DUE);
        opening(s, |_| {})
    }),
];

/// Five working days from the first, a Monday: the end of the next Monday.
const PAUSED_UNTIL: u64 = 20_508 * DAY - 8 * HOUR;

/// Access that was opened, and refused its ratification.
fn refused(s: &mut Staged) {
    let id = opened(s);
    s.world.does(MANAGER, reject(&id, &s.asked(), "gz.bdb"));
}

/// Another officer of the same department opens it no sooner, whatever its duty: a department registers its officers by itself.
#[test]
fn another_officer_is_refused_as_well() {
    let mut s = staged();
    refused(&mut s);
    let mut lists = (*s.world.get::<wire::Parameters>(&Place::parameters())).clone();
    let identity: std::sync::Arc<wire::Identity> = s.world.get(&Place::identity(&s.identity(DESK)));
    let (other, duty) = (s.identity(USER), format!("{}-2", identity.duty));
    lists.emergency_duties.push(duty.clone());
    s.world.doctor(Place::parameters(), Some(lists.into()));
    let officer: std::sync::Arc<wire::Identity> = s.world.get(&Place::identity(&other));
    let entitled = wire::Identity { duty, ..(*officer).clone() };
    s.world.doctor(Place::identity(&other), Some(entitled.into()));
    let tx = s.sign(USER, emergency(&s.asked(), "gz.bdb", s.world.now));
    assert_eq!(s.world.refusal(&tx), Some((Some(0), "emergency.refused")));
}

/// Opens access for the application; gives the grant.
pub(crate) fn opened(s: &mut Staged) -> RequestId {
    let tx = opening(s, |_| {});
    let id = tx.header().request_id(0);
    s.world.commit(vec![tx]);
    id
}

const RATIFICATIONS: &[Case] = &[
    ("by the collector", OK, |s| {
        let id = opened(s);
        s.sign(COLLECTOR, ratify(&id, &s.asked(), "gz.bdb"))
    }),
    ("by the manager", OK, |s| {
        let id = opened(s);
        s.sign(MANAGER, ratify(&id, &s.asked(), "gz.bdb"))
    }),
    ("by one behind the other", OK, |s| {
        let id = opened(s);
        s.world.does(COLLECTOR, ratify(&id, &s.asked(), "gz.bdb"));
        s.sign(MANAGER, ratify(&id, &s.asked(), "gz.bdb"))
    }),
    ("not", OK, |s| {
        let id = opened(s);
        s.sign(MANAGER, reject(&id, &s.asked(), "gz.bdb"))
    }),
    ("twice by the same", Some("emergency.ratified"), |s| {
        let id = opened(s);
        s.world.does(COLLECTOR, ratify(&id, &s.asked(), "gz.bdb"));
        s.sign(COLLECTOR, ratify(&id, &s.asked(), "gz.bdb"))
    }),
    ("and not, by the same", Some("emergency.ratified"), |s| {
        let id = opened(s);
        s.world.does(COLLECTOR, ratify(&id, &s.asked(), "gz.bdb"));
        s.sign(COLLECTOR, reject(&id, &s.asked(), "gz.bdb"))
    }),
    ("after the other did not", Some("emergency.ratified"), |s| {
        let id = opened(s);
        s.world.does(COLLECTOR, reject(&id, &s.asked(), "gz.bdb"));
        s.sign(MANAGER, ratify(&id, &s.asked(), "gz.bdb"))
    }),
    ("after its time was over", OK, |s| {
        let id = opened(s);
        s.world.pause(2 * HOUR);
        s.sign(MANAGER, ratify(&id, &s.asked(), "gz.bdb"))
    }),
    ("by the user", Some("actor.other"), |s| {
        let id = opened(s);
        s.sign(USER, ratify(&id, &s.asked(), "gz.bdb"))
    }),
    ("by a machine", Some("identity.kind"), |s| {
        let id = opened(s);
        s.sign("gz.psb/gateway", ratify(&id, &s.asked(), "gz.bdb"))
    }),
    ("by another manager", Some("request.contradiction"), |s| {
        let id = opened(s);
        s.sign("gy.gov/officer", ratify(&id, &s.asked(), "gy.gov"))
    }),
    ("of another user", Some("request.contradiction"), |s| {
        let id = opened(s);
        let asked = wire::RequestAccess { using_department: "gz.tax".into(), ..s.asked() };
        s.sign(MANAGER, ratify(&id, &asked, "gz.bdb"))
    }),
    ("what is no emergency", Some("grant.not_emergency"), |s| {
        s.sign(MANAGER, ratify(&s.id("granted"), &s.asked(), "gz.bdb"))
    }),
    ("what is no grant", Some("grant.unknown"), |s| {
        s.sign(MANAGER, ratify(&s.id("approved"), &s.asked(), "gz.bdb"))
    }),
];

pub(crate) const TABLES: &[&[Case]] = &[OPENINGS, RATIFICATIONS];

#[test]
fn whoever_is_entitled_opens_access() {
    assert_eq!(run(OPENINGS).len(), 15);
}

#[test]
fn collector_and_manager_ratify() {
    assert_eq!(run(RATIFICATIONS).len(), 6);
}

fn told(s: &Staged) -> Vec<Kind> {
    let told = s.world.told();
    let missed = |it: &Kind| matches!(it, Kind::DeadlineMissed(_));
    told.iter().map(|it| it.kind().clone()).filter(|it| !missed(it)).collect()
}

fn not_ratified(id: &RequestId, department: &str) -> Kind {
    Kind::EmergencyNotRatified(wire::EmergencyNotRatified {
        department: department.into(),
        request_id: id.to_vec(),
        dataset: RESIDENT.into(),
    })
}

/// A record by the application under the grant, now.
fn recorded(s: &mut Staged, id: &RequestId) -> Outcome {
    judged(s, |it| it.accesses[0].request_id = id.to_vec())
}

/// The collector is told at once, and the access is counted apart.
#[test]
fn an_emergency_covers_at_once() {
    let mut s = staged();
    let id = opened(&mut s);
    let grant = s.world.grant(&id);
    assert_eq!((grant.kind(), grant.ratify_due_ms), (GrantKind::Emergency, RATIFY_DUE));
    let expected = wire::CollectorTold {
        collector: "gz.psb".into(),
        request_id: id.to_vec(),
        dataset: RESIDENT.into(),
        using_department: "gz.hrss".into(),
    };
    assert_eq!(told(&s), [Kind::CollectorTold(expected)]);
    // On what the collector reads, and not on its own trail, which every member may read.
    let story = [Place::dataset_trail(RESIDENT), Place::grant_trail(&id)];
    let event = &s.world.tip().delta.events[1];
    assert_eq!(event.trails, story);
    let outcome = recorded(&mut s, &id);
    assert_eq!((outcome.verdict, outcome.reason), (Verdict::Emergency, Reason::None));
    // It allows no more than its terms.
    let desk = s.identity(DESK);
    let outcome = judged(&mut s, |it| {
        it.accesses[0].request_id = id.to_vec();
        it.asker = Some(verified("gz.hrss", &desk));
    });
    assert_eq!(outcome.reason, Reason::IdentityNotGranted);
}

#[test]
fn an_emergency_ends_by_itself() {
    let mut s = staged();
    let id = opened(&mut s);
    let until = s.world.grant(&id).terms.as_ref().unwrap().until_ms;
    s.world.reach(until);
    assert_eq!(crate::ledger::tests::life::ended(&s), [(id.to_vec(), GrantEnd::Expired)]);
    assert_eq!(recorded(&mut s, &id).reason, Reason::OutsidePeriod);
}

/// Ratified by both in time: no event. By one alone: the other is at fault. By none: both are.
#[test]
fn who_did_not_ratify_in_time() {
    let cases: [(&[&str], &[&str]); 4] = [
        (&[COLLECTOR, MANAGER], &[]),
        (&[COLLECTOR], &["gz.bdb"]),
        (&[MANAGER], &["gz.psb"]),
        (&[], &["gz.psb", "gz.bdb"]),
    ];
    for (ratified, at_fault) in cases {
        let mut s = staged();
        let id = opened(&mut s);
        for name in ratified {
            s.world.does(name, ratify(&id, &s.asked(), "gz.bdb"));
        }
        s.world.reach(RATIFY_DUE - 1);
        s.world.reach(RATIFY_DUE);
        let expected: Vec<_> = at_fault.iter().map(|code| not_ratified(&id, code)).collect();
        assert_eq!(told(&s), expected, "{ratified:?}");
        let integrity = |code: &str| Place::integrity_trail(code);
        let events = &s.world.tip().delta.events;
        for code in at_fault {
            assert!(events.iter().any(|it| it.trails.contains(&integrity(code))));
        }
        s.world.pause(DAY);
        assert_eq!(told(&s), []);
    }
}

/// Whoever does not ratify ends it; the user is at fault, once.
#[test]
fn a_refusal_to_ratify_ends_the_access() {
    for name in [COLLECTOR, MANAGER] {
        let mut s = staged();
        let id = opened(&mut s);
        let before = recorded(&mut s, &id);
        assert_eq!(before.verdict, Verdict::Emergency);
        s.world.does(name, reject(&id, &s.asked(), "gz.bdb"));
        let ended = Kind::GrantEnded(wire::GrantEnded {
            end: GrantEnd::NotRatified as i32,
            request_id: id.to_vec(),
            dataset: RESIDENT.into(),
            using_department: "gz.hrss".into(),
        });
        assert_eq!(told(&s), [not_ratified(&id, "gz.hrss"), ended]);
        assert_eq!(grants::state(&s.world.grant(&id)), GrantState::NotRatified);
        let outcome = recorded(&mut s, &id);
        assert_eq!((outcome.verdict, outcome.reason), (Verdict::Uncovered, Reason::NotRatified));
        s.world.reach(RATIFY_DUE);
        assert_eq!(told(&s), []);
    }
}

/// After its time was over nothing is left to end, but it is said.
#[test]
fn a_refusal_to_ratify_what_has_expired() {
    let mut s = staged();
    let id = opened(&mut s);
    let time = s.world.tip().header.time.get() + HOUR / 2;
    s.world.pause(2 * HOUR);
    s.world.does(MANAGER, reject(&id, &s.asked(), "gz.bdb"));
    assert_eq!(told(&s), [not_ratified(&id, "gz.hrss")]);
    assert_eq!(grants::state(&s.world.grant(&id)), GrantState::NotRatified);
    // What was done while it held stays what it was.
    let outcome = judged(&mut s, |it| {
        it.accesses[0].request_id = id.to_vec();
        it.decided_height = None;
        it.access_time_ms = time;
    });
    assert_eq!(outcome.verdict, Verdict::Emergency);
}

/// One that was revoked is to be ratified all the same: it was used.
#[test]
fn what_was_revoked_is_ratified_too() {
    let mut s = staged();
    let id = opened(&mut s);
    s.world.does(COLLECTOR, revoke(&id, &s.asked(), "gz.bdb"));
    s.world.does(COLLECTOR, ratify(&id, &s.asked(), "gz.bdb"));
    s.world.reach(RATIFY_DUE);
    assert_eq!(told(&s), [not_ratified(&id, "gz.bdb")]);
}
