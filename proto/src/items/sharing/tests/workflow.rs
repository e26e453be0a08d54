//! What becomes of requests besides a plain answer, and of grants besides their revocation: what is
//! accepted and what is refused.

use crate::items::member::tests::departments::{manager, set_managers};
use crate::ledger::tests::{
    founders::STATUTE,
    items::{
        amend, approve, ask_supplement, confirm, exception, field, offer, register, resume,
        supplement, suspend, terms,
    },
    refusals::{Case, OK, run},
    stage::{COLLECTOR, GATEWAY, MANAGER, RESIDENT, Staged, USER, asked},
};
use crate::place::Place;
use crate::tx::Tx;
use crate::types::{RequestId, limits};
use crate::wire::{self, Category};

const SUPPLEMENTS: &[Case] = &[
    ("asked for", OK, |s| s.sign(COLLECTOR, ask_supplement(&s.id("requested"), &s.asked()))),
    ("asked for after the answer", Some("request.state"), |s| {
        s.sign(COLLECTOR, ask_supplement(&s.id("approved"), &s.asked()))
    }),
    ("asked for by the user", Some("actor.other"), |s| {
        s.sign(USER, ask_supplement(&s.id("requested"), &s.asked()))
    }),
    ("asked for by a machine", Some("identity.kind"), |s| {
        s.sign(GATEWAY, ask_supplement(&s.id("requested"), &s.asked()))
    }),
    ("given", OK, |s| {
        wants_more(s);
        s.sign(USER, supplement(&s.id("requested"), &s.asked()))
    }),
    ("given without being asked", Some("request.state"), |s| {
        s.sign(USER, supplement(&s.id("requested"), &s.asked()))
    }),
    ("given twice", Some("request.state"), |s| {
        wants_more(s);
        s.world.does(USER, supplement(&s.id("requested"), &s.asked()));
        s.sign(USER, supplement(&s.id("requested"), &s.asked()))
    }),
    ("given by the collector", Some("actor.other"), |s| {
        wants_more(s);
        s.sign(COLLECTOR, supplement(&s.id("requested"), &s.asked()))
    }),
    ("given by a machine", Some("identity.kind"), |s| {
        wants_more(s);
        s.sign("gz.hrss/app", supplement(&s.id("requested"), &s.asked()))
    }),
    ("not given, but answered", Some("request.state"), |s| {
        wants_more(s);
        s.decide("requested", |_| {})
    }),
    ("given, and answered", OK, |s| {
        wants_more(s);
        s.world.does(USER, supplement(&s.id("requested"), &s.asked()));
        s.decide("requested", |_| {})
    }),
    ("of another request", Some("request.contradiction"), |s| {
        let asked = wire::RequestAccess { dataset: "civil.core".into(), ..s.asked() };
        s.sign(COLLECTOR, ask_supplement(&s.id("requested"), &asked))
    }),
];

fn wants_more(s: &mut Staged) {
    s.world.does(COLLECTOR, ask_supplement(&s.id("requested"), &s.asked()));
}

/// What is asked for of what is not shared, on a statutory basis.
pub(crate) fn secret(s: &Staged) -> wire::RequestAccess {
    let (dataset, legal_basis) = ("civil.secret".into(), STATUTE.into());
    wire::RequestAccess { dataset, legal_basis, ..asked(&s.world) }
}

/// Such a request, which the collector approved.
pub(crate) fn excepted(s: &mut Staged) -> RequestId {
    let asked = secret(s);
    let id = s.world.asks(USER, &asked);
    s.world.does(COLLECTOR, approve(&id, &asked));
    id
}

const EXCEPTIONS: &[Case] = &[
    ("asked for on a statutory basis", OK, |s| s.sign(USER, secret(s))),
    ("asked for on another basis", Some("dataset.not_shared"), |s| {
        let it = secret(s);
        s.sign(USER, wire::RequestAccess { legal_basis: s.asked().legal_basis, ..it })
    }),
    ("allowed", OK, |s| {
        let id = excepted(s);
        s.sign(MANAGER, exception(&id, &secret(s), "gz.bdb"))
    }),
    ("not allowed", OK, |s| {
        let id = excepted(s);
        let it = exception(&id, &secret(s), "gz.bdb");
        let reason_digest = vec![1; 32];
        s.sign(MANAGER, wire::ApproveException { approve: false, reason_digest, ..it })
    }),
    ("allowed before the collector approves", Some("request.state"), |s| {
        let id = s.world.asks(USER, &secret(s));
        s.sign(MANAGER, exception(&id, &secret(s), "gz.bdb"))
    }),
    ("what needs no exception", Some("request.state"), |s| {
        s.sign(MANAGER, exception(&s.id("approved"), &s.asked(), "gz.bdb"))
    }),
    ("confirmed without the lead", Some("request.state"), |s| {
        let id = excepted(s);
        s.sign(MANAGER, confirm(&id, &secret(s), "gz.bdb"))
    }),
    ("confirmed with the lead", OK, |s| {
        let id = excepted(s);
        s.world.does(MANAGER, exception(&id, &secret(s), "gz.bdb"));
        s.sign(MANAGER, confirm(&id, &secret(s), "gz.bdb"))
    }),
    ("by another manager", Some("lead.needed"), |s| {
        let id = excepted(s);
        s.sign("gz.hrm/officer", exception(&id, &secret(s), "gz.hrm"))
    }),
    ("in the lead's name", Some("actor.other"), |s| {
        let id = excepted(s);
        s.sign(COLLECTOR, exception(&id, &secret(s), "gz.bdb"))
    }),
    ("by a machine", Some("identity.kind"), |s| {
        let id = excepted(s);
        s.sign("gz.bdb/node", exception(&id, &secret(s), "gz.bdb"))
    }),
    ("for a user of the lead's body", Some("body.same"), |s| {
        let terms = terms(&[s.identity("gz.bds/officer")]);
        let it = secret(s);
        let asked =
            wire::RequestAccess { using_department: "gz.bds".into(), terms: Some(terms), ..it };
        let id = s.world.asks("gz.bds/officer", &asked);
        s.world.does(COLLECTOR, approve(&id, &asked));
        s.sign(MANAGER, exception(&id, &asked, "gz.bdb"))
    }),
];

/// A dataset that is open to all, of grade 1 throughout but for one field.
pub(crate) fn open_dataset(s: &mut Staged) {
    let it = register("civil.public", "gz.psb");
    let mut fields = ["birth", "name", "status"].map(field).to_vec();
    fields[1].grade = 1;
    fields[2].grade = 1;
    let category = Category::Unconditional as i32;
    s.world.does(COLLECTOR, wire::RegisterDataset { grade: 1, category, fields, ..it });
}

/// Terms for a class: they name no identities.
pub(crate) fn class_terms() -> wire::Terms {
    terms(&[])
}

/// An offer of the open dataset, bent.
fn offered(s: &mut Staged, bend: impl FnOnce(&mut wire::OfferStanding)) -> Tx {
    open_dataset(s);
    let mut it = offer("civil.public", "gz.psb", class_terms());
    bend(&mut it);
    s.sign(COLLECTOR, it)
}

/// What an offer says of itself, as a request.
pub(crate) fn as_offered() -> wire::RequestAccess {
    crate::ledger::tests::items::request("civil.public", "gz.psb", "", class_terms())
}

fn offer_to_confirm(s: &mut Staged) -> RequestId {
    let tx = offered(s, |_| {});
    let id = tx.header().request_id(0);
    s.world.commit(vec![tx]);
    id
}

const OFFERS: &[Case] = &[
    ("open data", OK, |s| offered(s, |_| {})),
    ("all fields, of which one is not open", Some("offer.not_open"), |s| {
        offered(s, |it| it.terms.as_mut().unwrap().fields.clear())
    }),
    ("a field that is not open", Some("offer.not_open"), |s| {
        offered(s, |it| it.terms.as_mut().unwrap().fields = vec!["birth".into()])
    }),
    ("what is shared on condition", Some("offer.not_open"), |s| {
        offered(s, |it| it.dataset = RESIDENT.into())
    }),
    ("a field that is not there", Some("field.unknown"), |s| {
        offered(s, |it| it.terms.as_mut().unwrap().fields = vec!["income".into()])
    }),
    ("what is not there", Some("dataset.unknown"), |s| {
        offered(s, |it| it.dataset = "civil.none".into())
    }),
    ("another's", Some("actor.other"), |s| offered(s, |it| it.collector = "gz.hrss".into())),
    ("by a machine", Some("identity.kind"), |s| {
        open_dataset(s);
        s.sign(GATEWAY, offer("civil.public", "gz.psb", class_terms()))
    }),
    ("for those whom it is about", OK, |s| {
        offered(s, |it| (it.dataset, it.self_service) = (RESIDENT.into(), true))
    }),
    ("for those whom it is about, of what is not shared", Some("offer.not_open"), |s| {
        offered(s, |it| (it.dataset, it.self_service) = ("civil.secret".into(), true))
    }),
    ("and confirmed", OK, |s| {
        let id = offer_to_confirm(s);
        s.sign(MANAGER, confirm(&id, &as_offered(), "gz.bdb"))
    }),
    ("and confirmed within the collector's body", Some("body.same"), |s| {
        let id = offer_to_confirm(s);
        s.sign("gz.psm/officer", confirm(&id, &as_offered(), "gz.psm"))
    }),
    ("and confirmed for a user", Some("request.contradiction"), |s| {
        let id = offer_to_confirm(s);
        let asked = wire::RequestAccess { using_department: "gz.hrss".into(), ..as_offered() };
        s.sign(MANAGER, confirm(&id, &asked, "gz.bdb"))
    }),
];

/// The terms of the granted request, bent.
fn narrower(s: &Staged, bend: impl FnOnce(&mut wire::Terms)) -> wire::Terms {
    let mut terms = s.asked().terms.unwrap();
    bend(&mut terms);
    terms
}

/// Amends the grant by somebody.
fn amended(s: &Staged, name: &str, bend: impl FnOnce(&mut wire::Terms)) -> Tx {
    s.sign(name, amend(&s.id("granted"), &s.asked(), "gz.bdb", narrower(s, bend)))
}

/// The grant has had as many steps as one may have that goes on.
fn full_of_steps(s: &mut Staged) {
    let place = Place::grant(&s.id("granted"));
    let before: std::sync::Arc<wire::Grant> = s.world.get(&place);
    let mut grant = (*before).clone();
    let last = grant.steps.last().cloned().unwrap();
    grant.steps.resize(limits::GRANT_STEPS, last);
    s.world.doctor(place, Some(grant.into()));
}

const AMENDMENTS: &[Case] = &[
    ("by the manager", OK, |s| amended(s, MANAGER, |it| it.fields = vec!["name".into()])),
    ("by the collector", OK, |s| amended(s, COLLECTOR, |it| it.until_ms -= 1)),
    ("the same", Some("change.none"), |s| amended(s, MANAGER, |_| {})),
    ("after so many steps that no proof holds more", Some("list.full"), |s| {
        full_of_steps(s);
        amended(s, MANAGER, |it| it.until_ms -= 1)
    }),
    ("wider", Some("terms.widen"), |s| amended(s, MANAGER, |it| it.until_ms += 1)),
    ("wider than amended before", Some("terms.widen"), |s| {
        let tx = amended(s, MANAGER, |it| it.fields = vec!["name".into()]);
        s.world.commit(vec![tx]);
        amended(s, MANAGER, |_| {})
    }),
    ("by the user", Some("actor.other"), |s| amended(s, USER, |_| {})),
    ("by a machine", Some("identity.kind"), |s| amended(s, GATEWAY, |_| {})),
    ("what is no grant", Some("grant.unknown"), |s| {
        s.sign(MANAGER, amend(&s.id("approved"), &s.asked(), "gz.bdb", narrower(s, |_| {})))
    }),
    ("what was revoked", Some("grant.ended"), |s| {
        s.sign(MANAGER, amend(&s.id("revoked"), &s.asked(), "gz.bdb", narrower(s, |_| {})))
    }),
    ("naming another manager", Some("request.contradiction"), |s| {
        s.sign(COLLECTOR, amend(&s.id("granted"), &s.asked(), "gz.hrm", narrower(s, |_| {})))
    }),
];

fn suspended(s: &mut Staged, name: &str) {
    s.world.does(name, suspend(&s.id("granted"), &s.asked(), "gz.bdb"));
}

fn resumed(s: &Staged, name: &str) -> Tx {
    s.sign(name, resume(&s.id("granted"), &s.asked(), "gz.bdb"))
}

const PAUSES: &[Case] = &[
    ("by the manager", OK, |s| s.sign(MANAGER, suspend(&s.id("granted"), &s.asked(), "gz.bdb"))),
    ("by the user", Some("actor.other"), |s| {
        s.sign(USER, suspend(&s.id("granted"), &s.asked(), "gz.bdb"))
    }),
    ("by a machine", Some("identity.kind"), |s| {
        s.sign(GATEWAY, suspend(&s.id("granted"), &s.asked(), "gz.bdb"))
    }),
    ("twice", Some("grant.state"), |s| {
        suspended(s, COLLECTOR);
        s.sign(MANAGER, suspend(&s.id("granted"), &s.asked(), "gz.bdb"))
    }),
    ("what was revoked", Some("grant.ended"), |s| {
        s.sign(MANAGER, suspend(&s.id("revoked"), &s.asked(), "gz.bdb"))
    }),
    ("resumed by whoever did it", OK, |s| {
        suspended(s, COLLECTOR);
        resumed(s, COLLECTOR)
    }),
    ("resumed by the other", Some("grant.suspended_by"), |s| {
        suspended(s, COLLECTOR);
        resumed(s, MANAGER)
    }),
    ("amended by the other, and resumed by it", Some("grant.suspended_by"), |s| {
        suspended(s, COLLECTOR);
        let tx = amended(s, MANAGER, |it| it.until_ms -= 1);
        s.world.commit(vec![tx]);
        resumed(s, MANAGER)
    }),
    ("resumed while it is active", Some("grant.state"), |s| resumed(s, MANAGER)),
    ("resumed by a machine", Some("identity.kind"), |s| {
        suspended(s, COLLECTOR);
        resumed(s, GATEWAY)
    }),
    ("revoked while it is suspended", OK, |s| {
        suspended(s, COLLECTOR);
        s.revoke("granted", |_| {})
    }),
];

const RENEWALS: &[Case] = &[
    ("of one's grant", OK, |s| s.request(|it| it.renews = s.id("granted").to_vec())),
    ("of no grant", Some("grant.unknown"), |s| {
        s.request(|it| it.renews = s.id("approved").to_vec())
    }),
    ("of what was revoked", Some("renewal.other"), |s| {
        s.request(|it| it.renews = s.id("revoked").to_vec())
    }),
    ("of another dataset", Some("renewal.other"), |s| {
        s.request(|it| {
            it.renews = s.id("granted").to_vec();
            it.dataset = "civil.core".into();
        })
    }),
    ("of another user's", Some("renewal.other"), |s| {
        let terms = Some(terms(&[s.identity("gz.tax/app")]));
        let renews = s.id("granted").to_vec();
        let it = wire::RequestAccess { using_department: "gz.tax".into(), terms, ..s.asked() };
        s.sign("gz.tax/officer", wire::RequestAccess { renews, ..it })
    }),
];

/// A confirmation of what the collector approved, by somebody.
fn confirmed_by(s: &Staged, by: &str) -> Tx {
    s.sign(&format!("{by}/officer"), confirm(&s.id("approved"), &s.asked(), by))
}

const MANAGERS: &[Case] = &[
    ("by the one named for the division", OK, |s| {
        set_managers(s, vec![manager("52", "gz.bdb", "gy.gov")]);
        confirmed_by(s, "gz.bdb")
    }),
    ("by its deputy", Some("manager.other"), |s| {
        set_managers(s, vec![manager("52", "gz.bdb", "gy.gov")]);
        confirmed_by(s, "gy.gov")
    }),
    ("by another", Some("manager.other"), |s| {
        set_managers(s, vec![manager("52", "gy.gov", "")]);
        confirmed_by(s, "gz.bdb")
    }),
    ("by the deputy, where the manager is of the user's body", OK, |s| {
        set_managers(s, vec![manager("52", "gz.hrm", "gz.bdb")]);
        confirmed_by(s, "gz.bdb")
    }),
    ("by the deputy, where the manager is of the collector's body", OK, |s| {
        set_managers(s, vec![manager("52", "gz.psm", "gz.bdb")]);
        confirmed_by(s, "gz.bdb")
    }),
    ("by the manager that is a party", Some("manager.other"), |s| {
        set_managers(s, vec![manager("52", "gz.psm", "gz.bdb")]);
        confirmed_by(s, "gz.psm")
    }),
    ("by the manager that is a party, without a deputy", Some("body.same"), |s| {
        set_managers(s, vec![manager("52", "gz.psm", "")]);
        confirmed_by(s, "gz.psm")
    }),
    ("by the one named for all divisions", OK, |s| {
        set_managers(s, vec![manager("", "gz.bdb", ""), manager("51", "gy.gov", "")]);
        confirmed_by(s, "gz.bdb")
    }),
    ("by the one named for a wider division", Some("manager.other"), |s| {
        set_managers(s, vec![manager("", "gz.bdb", ""), manager("52", "gy.gov", "")]);
        confirmed_by(s, "gz.bdb")
    }),
    ("by anybody, where none is named for the division", OK, |s| {
        set_managers(s, vec![manager("5201", "gy.gov", "")]);
        confirmed_by(s, "gz.bdb")
    }),
];

pub(crate) const TABLES: &[&[Case]] =
    &[SUPPLEMENTS, EXCEPTIONS, OFFERS, AMENDMENTS, PAUSES, RENEWALS, MANAGERS];

#[test]
fn supplements_and_exceptions() {
    assert_eq!(run(SUPPLEMENTS).len(), 4);
    assert_eq!(run(EXCEPTIONS).len(), 6);
}

#[test]
fn open_data_is_offered() {
    assert_eq!(run(OFFERS).len(), 7);
}

#[test]
fn grants_are_amended_suspended_and_resumed() {
    assert_eq!(run(AMENDMENTS).len(), 8);
    assert_eq!(run(PAUSES).len(), 5);
}

#[test]
fn renewals_and_named_managers() {
    assert_eq!(run(RENEWALS).len(), 2);
    assert_eq!(run(MANAGERS).len(), 2);
}
