//! Sealed records: an authority decides, a gateway commits, and the record is shown in time.

use crate::event::{Reason, Timeliness, Verdict};
use crate::ledger::{
    calendar,
    tests::{
        account::{at_fault, blamed, counts, events, gateway, named, numbered, set},
        items::{AUTHORITY, DAY, HOUR, extend_sealing, open_sealed, order_sealing, record_sealed},
        refusals::{Case, OK, run},
        stage::{COLLECTOR, GATEWAY, RESIDENT, Staged, staged},
    },
};
use crate::place::Place;
use crate::tx::Tx;
use crate::types::{Hash, IdKind, TimeMs, limits};
use crate::wire::{self, IntegrityRule};
use std::sync::Arc;

const DECIDES: &str = "gz.reg/officer";

/// The authority's decision, for a day, bent.
fn ordering(s: &mut Staged, bend: impl FnOnce(&mut wire::OrderSealing)) -> Tx {
    set(s, |it| it.sealing_authorities = vec![AUTHORITY.into()]);
    let mut it = order_sealing(s.world.now + DAY);
    bend(&mut it);
    s.sign(DECIDES, it)
}

/// A decision, for a day; gives its id.
fn ordered(s: &mut Staged) -> Hash {
    let tx = ordering(s, |_| {});
    let id = tx.header().made_id(IdKind::SealingOrder, 0);
    s.world.commit(vec![tx]);
    id
}

const ORDERS: &[Case] = &[
    ("by an authority", OK, |s| ordering(s, |_| {})),
    ("by who is none", Some("sealing.authority"), |s| {
        ordering(s, |_| {});
        let it = order_sealing(s.world.now + DAY);
        s.sign("gz.aud/officer", wire::OrderSealing { authority: "gz.aud".into(), ..it })
    }),
    ("where nobody is one", Some("sealing.authority"), |s| {
        s.sign(DECIDES, order_sealing(s.world.now + DAY))
    }),
    ("in the authority's name", Some("actor.other"), |s| {
        ordering(s, |_| {});
        s.sign("gz.aud/officer", order_sealing(s.world.now + DAY))
    }),
    ("by no officer", Some("identity.kind"), |s| {
        ordering(s, |_| {});
        s.sign("gz.reg/regulator", order_sealing(s.world.now + DAY))
    }),
    ("for a moment", OK, |s| {
        let now = s.world.now;
        ordering(s, |it| it.open_by_ms = now + 1)
    }),
    ("until now", Some("sealing.past"), |s| {
        let now = s.world.now;
        ordering(s, |it| it.open_by_ms = now)
    }),
    ("of nobody's records", Some("department.unknown"), |s| {
        ordering(s, |it| it.collector = "gz.none".into())
    }),
    ("for a year", OK, |s| {
        let now = s.world.now;
        ordering(s, |it| it.open_by_ms = now + limits::SEALED_MS)
    }),
    ("for longer", Some("sealing.too_long"), |s| {
        let now = s.world.now;
        ordering(s, |it| it.open_by_ms = now + limits::SEALED_MS + 1)
    }),
    ("of its own records", Some("body.same"), |s| {
        set(s, |it| it.sealing_authorities = vec!["gz.psb".into()]);
        let it = order_sealing(s.world.now + DAY);
        s.sign(COLLECTOR, wire::OrderSealing { authority: "gz.psb".into(), ..it })
    }),
    ("of its own body's records", Some("body.same"), |s| {
        set(s, |it| it.sealing_authorities = vec!["gz.psm".into()]);
        let it = order_sealing(s.world.now + DAY);
        s.sign("gz.psm/officer", wire::OrderSealing { authority: "gz.psm".into(), ..it })
    }),
];

/// Extends a decision by so much.
fn extending(s: &mut Staged, by: i64) -> Tx {
    let id = ordered(s);
    let until = order(s, &id).open_by_ms.checked_add_signed(by).unwrap();
    s.sign(DECIDES, extend_sealing(id.as_bytes(), until))
}

/// Extends a decision, half a day old, until so long from now.
fn extending_until(s: &mut Staged, ms: u64) -> Tx {
    let id = ordered(s);
    s.world.pause(DAY / 2);
    s.sign(DECIDES, extend_sealing(id.as_bytes(), s.world.now + ms))
}

const EXTENSIONS: &[Case] = &[
    ("longer", OK, |s| extending(s, 1)),
    ("no longer", Some("sealing.past"), |s| extending(s, 0)),
    ("shorter", Some("sealing.past"), |s| extending(s, -1)),
    ("for a year from now", OK, |s| extending_until(s, limits::SEALED_MS)),
    ("for longer", Some("sealing.too_long"), |s| extending_until(s, limits::SEALED_MS + 1)),
    ("when its date has come", Some("sealing.past"), |s| {
        let id = ordered(s);
        let until = order(s, &id).open_by_ms;
        s.world.reach(until - 1);
        let tx = s.sign(DECIDES, extend_sealing(id.as_bytes(), until + DAY));
        s.world.now = until;
        tx
    }),
    ("of nothing", Some("sealing.unknown"), |s| {
        ordered(s);
        s.sign(DECIDES, extend_sealing(&[1; 32], s.world.now + 2 * DAY))
    }),
    ("of another authority's", Some("sealing.unknown"), |s| {
        let id = ordered(s);
        set(s, |it| it.sealing_authorities = vec!["gz.aud".into(), AUTHORITY.into()]);
        let it = extend_sealing(id.as_bytes(), s.world.now + 2 * DAY);
        s.sign("gz.aud/officer", wire::ExtendSealing { authority: "gz.aud".into(), ..it })
    }),
    ("by who is an authority no more", Some("sealing.authority"), |s| {
        let tx = extending(s, 1);
        set(s, |it| it.sealing_authorities.clear());
        tx
    }),
];

/// The gateway commits to its next record, bent.
fn committing(s: &mut Staged, bend: impl FnOnce(&mut wire::RecordSealed)) -> Tx {
    let id = ordered(s);
    let mut it = record_sealed(id.as_bytes(), &s.covered());
    bend(&mut it);
    s.sign(GATEWAY, it)
}

const COMMITMENTS: &[Case] = &[
    ("by the gateway", OK, |s| committing(s, |_| {})),
    ("by an officer", Some("identity.kind"), |s| {
        let id = ordered(s);
        s.sign(COLLECTOR, record_sealed(id.as_bytes(), &s.covered()))
    }),
    ("a number that is taken", Some("access_no.taken"), |s| {
        numbered(s, 5);
        committing(s, |it| it.access_no = 5)
    }),
    ("by no decision", Some("sealing.unknown"), |s| committing(s, |it| it.order_id = vec![1; 32])),
    ("by another authority's", Some("sealing.unknown"), |s| {
        committing(s, |it| it.authority = "gz.aud".into())
    }),
    ("by a decision on another collector", Some("sealing.unknown"), |s| {
        let id = ordered(s);
        let it = wire::RecordAccess { collector: "gz.hrss".into(), ..s.covered() };
        s.sign("gz.hrss/gateway", record_sealed(id.as_bytes(), &it))
    }),
    ("when its date has come", Some("sealing.past"), |s| {
        let id = ordered(s);
        let until = order(s, &id).open_by_ms;
        s.world.reach(until);
        s.sign(GATEWAY, record_sealed(id.as_bytes(), &s.covered()))
    }),
    ("in another's name", Some("actor.other"), |s| {
        committing(s, |it| it.collector = "gz.hrss".into())
    }),
];

/// A sealed record, with the decision by which it was sealed.
fn sealed(s: &mut Staged) -> (Hash, wire::RecordAccess) {
    let id = ordered(s);
    let record = s.covered();
    s.world.does(GATEWAY, record_sealed(id.as_bytes(), &record));
    (id, record)
}

/// The collector shows that record, bent.
fn opening(s: &mut Staged, bend: impl FnOnce(&mut wire::OpenSealed)) -> Tx {
    let (id, record) = sealed(s);
    let mut it = open_sealed(id.as_bytes(), &s.identity(GATEWAY), record);
    bend(&mut it);
    s.sign(COLLECTOR, it)
}

fn shown(it: &mut wire::OpenSealed) -> &mut wire::RecordAccess {
    it.record.as_mut().unwrap()
}

const OPENINGS: &[Case] = &[
    ("by an officer", OK, |s| opening(s, |_| {})),
    ("by the gateway", OK, |s| {
        let (id, record) = sealed(s);
        s.sign(GATEWAY, open_sealed(id.as_bytes(), &s.identity(GATEWAY), record))
    }),
    ("by a node", Some("identity.kind"), |s| {
        let (id, record) = sealed(s);
        s.sign("gz.psb/node", open_sealed(id.as_bytes(), &s.identity(GATEWAY), record))
    }),
    ("with other content", Some("sealing.not_sealed"), |s| {
        opening(s, |it| shown(it).row_count = Some(2))
    }),
    ("with another salt", Some("sealing.not_sealed"), |s| opening(s, |it| it.salt[0] ^= 1)),
    ("of another number", Some("sealing.not_sealed"), |s| {
        opening(s, |it| shown(it).access_no += 1)
    }),
    ("of another gateway", Some("sealing.not_sealed"), |s| {
        opening(s, |it| it.gateway_id = vec![1; 32])
    }),
    ("by another decision", Some("sealing.not_sealed"), |s| {
        let another = ordered(s).to_vec();
        opening(s, |it| it.order_id = another)
    }),
    ("by no decision", Some("sealing.unknown"), |s| opening(s, |it| it.order_id = vec![1; 32])),
    ("twice", Some("sealing.not_sealed"), |s| {
        let first = opening(s, |_| {});
        s.world.commit(vec![first.clone()]);
        s.sign(COLLECTOR, first.items()[0].kind().clone())
    }),
    ("of no dataset", Some("dataset.unknown"), |s| {
        let id = ordered(s);
        let mut record = s.covered();
        record.accesses[0].dataset = "civil.none".into();
        s.world.does(GATEWAY, record_sealed(id.as_bytes(), &record));
        s.sign(COLLECTOR, open_sealed(id.as_bytes(), &s.identity(GATEWAY), record))
    }),
    ("in another's name", Some("actor.other"), |s| {
        opening(s, |it| shown(it).collector = "gz.hrss".into())
    }),
];

pub(crate) const TABLES: &[&[Case]] = &[ORDERS, EXTENSIONS, COMMITMENTS, OPENINGS];

#[test]
fn who_seals_and_who_opens() {
    for table in TABLES {
        assert_eq!(run(table), named(table));
    }
}

fn order(s: &Staged, id: &Hash) -> Arc<wire::SealingOrder> {
    s.world.get(&Place::sealing_order(id.as_bytes()))
}

/// Until it is opened a sealed record shows nothing but its number; then it is judged as late.
#[test]
fn a_sealed_record_is_judged_when_it_is_opened() {
    let mut s = staged();
    let (id, record) = sealed(&mut s);
    let event = &s.world.tip().delta.events[0];
    assert_eq!(event.leaf.outcome, crate::event::Outcome::DONE);
    let hidden = [Place::dataset_trail(RESIDENT), Place::subject_trail("gz.psb", &[8; 32])];
    assert!(!hidden.iter().any(|trail| event.trails.contains(trail)));
    assert!(event.trails.contains(&Place::sealed_trail(AUTHORITY)));
    assert_eq!((gateway(&s).last_access_no, order(&s, &id).sealed), (1, 1));
    let used = Place::grant_use(&s.id("granted"));
    assert!(!s.world.objects.contains_key(&used));

    s.world.pause(HOUR);
    let it = open_sealed(id.as_bytes(), &s.identity(GATEWAY), record);
    let outcome = s.world.does(COLLECTOR, it);
    assert_eq!((outcome.verdict, outcome.reason), (Verdict::Covered, Reason::None));
    assert_eq!(outcome.timeliness, Timeliness::Late);
    let event = &s.world.tip().delta.events[0];
    assert!(hidden.iter().all(|trail| event.trails.contains(trail)));
    assert_eq!(order(&s, &id).opened, 1);
    assert!(s.world.objects.contains_key(&used));
    // Its user could not know that a half was wanted of it.
    s.world.pause(30 * HOUR);
    assert_eq!(at_fault(&s, IntegrityRule::HalfMissing), []);
}

/// What was served uncovered under a seal is found out when it is opened.
#[test]
fn a_sealed_record_that_was_not_covered() {
    let mut s = staged();
    let id = ordered(&mut s);
    let mut record = s.covered();
    record.accesses[0].request_id.clear();
    s.world.does(GATEWAY, record_sealed(id.as_bytes(), &record));
    assert_eq!(at_fault(&s, IntegrityRule::Uncovered), []);
    s.world.does(COLLECTOR, open_sealed(id.as_bytes(), &s.identity(GATEWAY), record));
    assert_eq!(at_fault(&s, IntegrityRule::Uncovered), blamed("gz.psb", 1));
    let raised = events(&s, "gz.psb", IntegrityRule::Uncovered)[0].raised.clone().unwrap();
    assert_eq!(raised.identity_id, s.identity(GATEWAY).to_vec());
}

/// Local midnight, so many days behind the first, a Monday.
fn midnight(days: u64) -> u64 {
    calendar::begin_of(20_500 + days).get()
}

/// Of three, one was opened by the date and the five working days that follow it.
#[test]
fn an_opening_is_due() {
    // Tuesday at ten; or, by a fresh decision, Friday: behind the fifth working day after.
    for (extended, due) in [(None, midnight(9)), (Some(midnight(4) + HOUR), midnight(12))] {
        let mut s = staged();
        let (id, first) = sealed(&mut s);
        for _ in 0..2 {
            let it = record_sealed(id.as_bytes(), &s.covered());
            s.world.does(GATEWAY, it);
        }
        let first_date = order(&s, &id).open_by_ms;
        if let Some(until) = extended {
            s.world.does(DECIDES, extend_sealing(id.as_bytes(), until));
        }
        s.world.does(COLLECTOR, open_sealed(id.as_bytes(), &s.identity(GATEWAY), first));
        // The first date passes too, which a fresh decision has put off.
        s.world.reach(first_date);
        let open_by = order(&s, &id).open_by_ms;
        s.world.reach(open_by);
        assert_eq!(at_fault(&s, IntegrityRule::NotOpened), []);
        s.world.reach(due - 1);
        assert_eq!(at_fault(&s, IntegrityRule::NotOpened), [], "{extended:?}");
        s.world.reach(due);
        assert_eq!(at_fault(&s, IntegrityRule::NotOpened), blamed("gz.psb", 2), "{extended:?}");
        assert!(order(&s, &id).missed);
        s.world.reach(due + 30 * DAY);
        assert_eq!(counts(&s, "gz.psb", IntegrityRule::NotOpened), [2]);
    }
}

/// All were opened, or there was nothing to open.
#[test]
fn an_opening_in_time() {
    for any in [true, false] {
        let mut s = staged();
        let id = if any {
            let (id, record) = sealed(&mut s);
            s.world.pause(DAY);
            s.world.does(COLLECTOR, open_sealed(id.as_bytes(), &s.identity(GATEWAY), record));
            id
        } else {
            ordered(&mut s)
        };
        for days in 1..30 {
            s.world.reach(midnight(days) + 12 * HOUR);
        }
        assert_eq!(counts(&s, "gz.psb", IntegrityRule::NotOpened), [0; 0]);
        assert!(!order(&s, &id).missed);
    }
}

/// Everybody may know how many were sealed in a month, of all collectors and decisions.
#[test]
fn sealed_records_are_counted() {
    let mut s = staged();
    for _ in 0..2 {
        sealed(&mut s);
    }
    let month = |time: u64| u32::try_from(calendar::day_of(TimeMs::new(time)) / 30).unwrap();
    let count = |s: &Staged, month: u32| {
        let known: Arc<wire::SealedCount> = s.world.get(&Place::sealed_count(month));
        known.sealed
    };
    let first = month(s.world.now);
    assert_eq!(count(&s, first), 2);
    s.world.pause(31 * DAY);
    sealed(&mut s);
    assert_eq!((count(&s, first), count(&s, month(s.world.now))), (2, 1));
}
