//! Decisions, confirmations, revocations and records: what is accepted and what is refused.

use crate::items::sharing::grant;
use crate::ledger::tests::{
    items::{confirm, revoke},
    refusals::{Case, OK, run},
    stage::{COLLECTOR, GATEWAY, MANAGER, Staged, USER},
};
use crate::ledger::{BlockContext, Draft, Halt, Missing, Object, View};
use crate::place::Place;
use crate::tx::{Tx, TxHeader};
use crate::types::{BlockId, ChainId, Hash, Height, IdentityId, KeyId, TimeMs};
use crate::wire;
use std::collections::BTreeSet;

pub(crate) const DECISIONS: &[Case] = &[
    ("as asked", OK, |s| s.decide("requested", |_| {})),
    ("refuse", OK, |s| {
        s.sign(COLLECTOR, crate::ledger::tests::items::refuse(&s.id("requested"), &s.asked()))
    }),
    ("narrower", OK, |s| {
        s.decide("requested", |it| it.terms.as_mut().unwrap().fields = vec!["name".into()])
    }),
    ("wider", Some("terms.widen"), |s| {
        s.decide("requested", |it| it.terms.as_mut().unwrap().until_ms += 1)
    }),
    ("all fields of the dataset, where some were asked for", Some("terms.widen"), |s| {
        s.decide("requested", |it| it.terms.as_mut().unwrap().fields.clear())
    }),
    ("a field that is not there, of all", Some("field.unknown"), |s| {
        let mut asked = s.asked();
        asked.terms.as_mut().unwrap().fields.clear();
        let id = s.world.asks(USER, &asked);
        let mut it = crate::ledger::tests::items::approve(&id, &asked);
        it.terms.as_mut().unwrap().fields = vec!["income".into()];
        s.sign(COLLECTOR, it)
    }),
    ("of no request", Some("request.unknown"), |s| {
        s.decide("requested", |it| it.request_id = vec![1; 32])
    }),
    ("by another department", Some("actor.other"), |s| {
        s.decide("requested", |it| it.collector = "gz.hrss".into())
    }),
    ("by another collector in its own name", Some("request.contradiction"), |s| {
        let mut it = crate::ledger::tests::items::approve(&s.id("requested"), &s.asked());
        it.collector = "gz.hrss".into();
        s.sign(USER, it)
    }),
    ("without the right", Some("right.missing"), |s| {
        let mut it = crate::ledger::tests::items::approve(&s.id("requested"), &s.asked());
        it.collector = "gz.tax".into();
        s.sign("gz.tax/officer", it)
    }),
    ("by a machine", Some("identity.kind"), |s| {
        s.sign(GATEWAY, crate::ledger::tests::items::approve(&s.id("requested"), &s.asked()))
    }),
    ("of another dataset", Some("request.contradiction"), |s| {
        s.decide("requested", |it| it.dataset = "civil.core".into())
    }),
    ("of another user", Some("request.contradiction"), |s| {
        s.decide("requested", |it| it.using_department = "gz.tax".into())
    }),
];

/// Decided before.
pub(crate) const DECIDED: &[Case] = &[
    ("decided before", Some("request.state"), |s| s.decide("approved", |_| {})),
    ("decided before", Some("request.state"), |s| s.decide("refused", |_| {})),
    ("decided before", Some("request.state"), |s| s.decide("returned", |_| {})),
    ("decided before", Some("request.state"), |s| s.decide("granted", |_| {})),
    ("decided before", Some("request.state"), |s| s.decide("revoked", |_| {})),
];

/// A confirmation by another department than gz.bdb.
fn confirmed_by(s: &Staged, manager: &str) -> Tx {
    let it = confirm(&s.id("approved"), &s.asked(), manager);
    s.sign(&format!("{manager}/officer"), it)
}

/// Somebody is operated by a department.
pub(crate) fn operated(s: &mut Staged, name: &str, by: &str) {
    let place = Place::identity(&s.identity(name));
    let before: std::sync::Arc<wire::Identity> = s.world.get(&place);
    let now = wire::Identity { operated_by: by.into(), ..(*before).clone() };
    s.world.doctor(place, Some(now.into()));
}

pub(crate) const CONFIRMATIONS: &[Case] = &[
    ("confirm", OK, |s| s.confirm("approved", |_| {})),
    ("return", OK, |s| {
        s.confirm("approved", |it| {
            it.confirm = false;
            it.reason_digest = vec![1; 32];
        })
    }),
    ("before the collector's decision", Some("request.state"), |s| s.confirm("requested", |_| {})),
    ("what was refused", Some("request.state"), |s| s.confirm("refused", |_| {})),
    ("what was returned", Some("request.state"), |s| s.confirm("returned", |_| {})),
    ("twice", Some("request.state"), |s| s.confirm("granted", |_| {})),
    ("what was revoked", Some("request.state"), |s| s.confirm("revoked", |_| {})),
    ("of no request", Some("request.unknown"), |s| {
        s.confirm("approved", |it| it.request_id = vec![1; 32])
    }),
    ("by a manager in the user's body", Some("body.same"), |s| confirmed_by(s, "gz.hrm")),
    ("by a manager in the collector's body", Some("body.same"), |s| confirmed_by(s, "gz.psm")),
    ("for a user in the manager's body", Some("body.same"), |s| {
        let terms = crate::ledger::tests::items::terms(&[s.identity("gz.bds/officer")]);
        let asked = crate::ledger::tests::items::request("civil.open", "gz.psb", "gz.bds", terms);
        let id = s.world.asks("gz.bds/officer", &asked);
        s.sign(MANAGER, confirm(&id, &asked, "gz.bdb"))
    }),
    ("what the manager's own body operates", Some("operator.manages"), |s| {
        operated(s, crate::ledger::tests::stage::APP, "gz.bds");
        s.confirm("approved", |_| {})
    }),
    ("what the manager's own body operates, returned", OK, |s| {
        operated(s, crate::ledger::tests::stage::APP, "gz.bds");
        s.confirm("approved", |it| {
            it.confirm = false;
            it.reason_digest = vec![1; 32];
        })
    }),
    ("what another operates", OK, |s| {
        operated(s, crate::ledger::tests::stage::APP, "gz.tax");
        s.confirm("approved", |_| {})
    }),
    ("without the right", Some("right.missing"), |s| confirmed_by(s, "gz.tax")),
    ("by the collector", Some("right.missing"), |s| confirmed_by(s, "gz.psb")),
    ("in another's name", Some("actor.other"), |s| {
        s.confirm("approved", |it| it.manager = "gz.hrm".into())
    }),
    ("by a machine", Some("identity.kind"), |s| {
        s.sign("gz.bdb/node", confirm(&s.id("approved"), &s.asked(), "gz.bdb"))
    }),
    ("of another dataset", Some("request.contradiction"), |s| {
        s.confirm("approved", |it| it.dataset = "civil.core".into())
    }),
    ("of another collector", Some("request.contradiction"), |s| {
        s.confirm("approved", |it| it.collector = "gz.hrss".into())
    }),
    ("of another user", Some("request.contradiction"), |s| {
        s.confirm("approved", |it| it.using_department = "gz.tax".into())
    }),
];

pub(crate) const REVOCATIONS: &[Case] = &[
    ("by the manager", OK, |s| s.revoke("granted", |_| {})),
    ("by the collector", OK, |s| s.sign(COLLECTOR, revoke(&s.id("granted"), &s.asked(), "gz.bdb"))),
    ("by the user", Some("actor.other"), |s| {
        s.sign(USER, revoke(&s.id("granted"), &s.asked(), "gz.bdb"))
    }),
    ("by a manager that did not confirm it", Some("request.contradiction"), |s| {
        s.sign("gz.psm/officer", revoke(&s.id("granted"), &s.asked(), "gz.psm"))
    }),
    ("in the name of somebody who is no manager", Some("request.contradiction"), |s| {
        s.sign("gz.tax/officer", revoke(&s.id("granted"), &s.asked(), "gz.tax"))
    }),
    ("as manager, without the right", Some("right.missing"), |s| {
        let bdb =
            wire::Department { rights: Vec::new(), ..(*s.world.department("gz.bdb")).clone() };
        s.world.doctor(Place::department("gz.bdb"), Some(bdb.into()));
        s.revoke("granted", |_| {})
    }),
    ("by a machine", Some("identity.kind"), |s| {
        s.sign(GATEWAY, revoke(&s.id("granted"), &s.asked(), "gz.bdb"))
    }),
    ("twice", Some("grant.ended"), |s| s.revoke("revoked", |_| {})),
    ("what was never granted", Some("grant.unknown"), |s| s.revoke("approved", |_| {})),
    ("of another dataset", Some("request.contradiction"), |s| {
        s.revoke("granted", |it| it.dataset = "civil.core".into())
    }),
    ("of another collector", Some("request.contradiction"), |s| {
        s.revoke("granted", |it| it.collector = "gz.hrss".into())
    }),
    ("of another user", Some("request.contradiction"), |s| {
        s.revoke("granted", |it| it.using_department = "gz.tax".into())
    }),
];

pub(crate) const RECORDS: &[Case] = &[
    ("the first", OK, |s| s.record(|_| {})),
    ("with a gap before it", OK, |s| s.record(|it| it.access_no = 1000)),
    ("what is embarrassing", OK, |s| s.record(|it| it.accesses[0].request_id.clear())),
    ("a number again", Some("access_no.taken"), |s| {
        let it = s.covered();
        s.world.does(GATEWAY, it.clone());
        s.sign(GATEWAY, it)
    }),
    ("a number that was passed over", OK, |s| {
        let it = wire::RecordAccess { access_no: 7, ..s.covered() };
        s.world.does(GATEWAY, it);
        s.record(|it| it.access_no = 6)
    }),
    ("the same again", Some("access_no.taken"), |s| {
        for access_no in [7, 5] {
            let it = wire::RecordAccess { access_no, ..s.covered() };
            s.world.does(GATEWAY, it);
        }
        s.record(|it| it.access_no = 5)
    }),
    ("of no dataset", Some("dataset.unknown"), |s| {
        s.record(|it| it.accesses[0].dataset = "civil.none".into())
    }),
    ("of another collector's dataset", Some("dataset.other_collector"), |s| {
        s.record(|it| it.accesses[0].dataset = "pension.roll".into())
    }),
    ("of another collector's gateway", Some("actor.other"), |s| {
        s.sign("gz.hrss/gateway", s.covered())
    }),
    ("without the right", Some("right.missing"), |s| {
        s.sign("gz.tax/app", wire::RecordAccess { collector: "gz.tax".into(), ..s.covered() })
    }),
    ("by an officer", Some("identity.kind"), |s| s.sign(COLLECTOR, s.covered())),
];

#[test]
fn only_the_collector_decides_once_and_never_wider() {
    assert_eq!(run(DECISIONS).len(), 7);
    assert_eq!(run(DECIDED), BTreeSet::from(["request.state"]));
}

#[test]
fn the_manager_confirms_and_the_bodies_differ() {
    assert_eq!(run(CONFIRMATIONS).len(), 8);
}

#[test]
fn those_who_granted_revoke() {
    assert_eq!(run(REVOCATIONS).len(), 6);
}

#[test]
fn what_happened_is_recorded() {
    assert_eq!(run(RECORDS).len(), 6);
}

/// A view in which the manager's entry can't be read.
struct WithoutManager;

impl View for WithoutManager {
    fn object(&self, place: &Place) -> Result<Option<Object>, Missing> {
        if *place == Place::department("gz.bdb") {
            return Err(Missing(place.clone()));
        }
        let collector = wire::Department {
            code: "gz.psb".into(),
            rights: vec![wire::Right::Collect as i32],
            ..wire::Department::default()
        };
        Ok((*place == Place::department("gz.psb")).then(|| collector.into()))
    }

    fn trail_size(&self, trail: &Place) -> Result<u64, Missing> {
        Err(Missing(trail.clone()))
    }

    fn timers_due(&self, _until: TimeMs, _limit: usize) -> Result<Vec<Place>, Missing> {
        Ok(Vec::new())
    }
}

#[test]
fn an_entry_that_cannot_be_read_is_no_refusal() {
    let context = BlockContext {
        height: Height::new(2),
        time: TimeMs::new(2),
        parent_id: BlockId::ZERO,
        parent_time: TimeMs::new(1),
        carried_round: None,
    };
    let draft = Draft::over(&WithoutManager, context, ChainId::ZERO);
    let signer = TxHeader {
        chain: ChainId::ZERO,
        key: KeyId::ZERO,
        seq: 0,
        recent_height: Height::new(1),
        recent_block: BlockId::ZERO,
        claimed_time: TimeMs::new(2),
        item_count: 1,
        items_root: Hash::ZERO,
        department: "gz.psb".into(),
        identity: IdentityId::ZERO,
    };
    let (manager, collector) = ("gz.bdb".to_owned(), "gz.psb".to_owned());
    let grant = wire::Grant { manager, collector, ..wire::Grant::default() };
    let asked = grant::grantor(&draft, &signer, &grant, "gz.bdb");
    assert!(matches!(asked, Err(Halt::Missing(_))), "{asked:?}");
}
