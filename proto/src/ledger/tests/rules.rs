//! Datasets and requests: what is accepted and what is refused.

use super::items::{item, register};
use super::refusals::{Case, OK, run};
use super::stage::{APP, COLLECTOR, USER, staged};
use super::world::World;
use crate::ledger::{Object, apply};
use crate::place::Place;
use crate::tx::Tx;
use crate::wire::{self, IdentityKind, RequestState, item::Kind};

pub(crate) const DATASETS: &[Case] = &[
    ("a new dataset", OK, |s| s.sign(COLLECTOR, register("civil.new", "gz.psb"))),
    ("by the root", OK, |s| {
        let place = Place::identity(&s.identity(COLLECTOR));
        let Some(Object::Identity(it)) = s.world.objects.get(&place).cloned() else {
            panic!("no identity");
        };
        let root = wire::Identity { kind: IdentityKind::Root as i32, ..(*it).clone() };
        s.world.doctor(place, Some(root.into()));
        s.sign(COLLECTOR, register("civil.new", "gz.psb"))
    }),
    ("twice", Some("dataset.exists"), |s| s.sign(COLLECTOR, register("civil.resident", "gz.psb"))),
    ("a code that another department has", Some("dataset.exists"), |s| {
        s.sign(USER, register("civil.resident", "gz.hrss"))
    }),
    ("for another department", Some("actor.other"), |s| {
        s.sign(COLLECTOR, register("civil.new", "gz.hrss"))
    }),
    ("without the right to collect", Some("right.missing"), |s| {
        s.sign("gz.tax/officer", register("tax.new", "gz.tax"))
    }),
    ("by a machine", Some("identity.kind"), |s| {
        s.sign("gz.psb/gateway", register("civil.new", "gz.psb"))
    }),
    ("by a node", Some("identity.kind"), |s| {
        s.sign("gz.psb/node", register("civil.new", "gz.psb"))
    }),
];

pub(crate) const WHO_ASKS: &[Case] = &[
    ("as it should be", OK, |s| s.request(|_| {})),
    ("for another department", Some("actor.other"), |s| {
        s.request(|it| it.using_department = "gz.tax".into())
    }),
    ("without the right to use", Some("right.missing"), |s| {
        let it = wire::RequestAccess { using_department: "gz.bdb".into(), ..s.asked() };
        s.sign("gz.bdb/officer", it)
    }),
    ("by a machine", Some("identity.kind"), |s| s.sign(APP, s.asked())),
    ("by a department of the collector's body", Some("body.same"), |s| {
        let it = wire::RequestAccess { using_department: "gz.psu".into(), ..s.asked() };
        s.sign("gz.psu/officer", it)
    }),
    ("for one's own dataset", Some("body.same"), |s| {
        s.request(|it| {
            it.dataset = "pension.roll".into();
            it.collector = "gz.hrss".into();
        })
    }),
    ("of a collector that has left", Some("department.unknown"), |s| {
        // No rule removes a department yet; one that reads must not take that for granted.
        s.world.doctor(Place::department("gz.psb"), None);
        s.request(|_| {})
    }),
    ("for somebody unknown", Some("identity.unknown"), |s| {
        s.request(|it| it.terms.as_mut().unwrap().identity_ids = vec![vec![1; 32]])
    }),
    ("for somebody of another department", Some("identity.other_department"), |s| {
        let other = s.identity("gz.tax/app").to_vec();
        s.request(|it| it.terms.as_mut().unwrap().identity_ids = vec![other])
    }),
];

pub(crate) const WHAT_IS_ASKED: &[Case] = &[
    ("of no dataset", Some("dataset.unknown"), |s| {
        s.request(|it| it.dataset = "civil.none".into())
    }),
    ("of another collector's", Some("dataset.other_collector"), |s| {
        s.request(|it| it.collector = "gz.tax".into())
    }),
    ("what is not shared", Some("dataset.not_shared"), |s| {
        s.request(|it| it.dataset = "civil.secret".into())
    }),
    ("what is shared without condition", OK, |s| s.request(|it| it.dataset = "civil.open".into())),
    ("all fields", OK, |s| s.request(|it| it.terms.as_mut().unwrap().fields.clear())),
    ("for no purpose known", Some("purpose.unknown"), |s| {
        s.request(|it| it.purpose = "curiosity".into())
    }),
    ("on no basis known", Some("legal_basis.unknown"), |s| {
        s.request(|it| it.legal_basis = "custom".into())
    }),
    ("a field that is not there", Some("field.unknown"), |s| {
        s.request(|it| it.terms.as_mut().unwrap().fields = vec!["income".into()])
    }),
];

#[test]
fn datasets_are_registered_by_their_collector() {
    assert!(run(DATASETS).contains("dataset.exists"));
}

#[test]
fn requests_are_checked() {
    assert!(run(WHO_ASKS).contains("body.same"));
    assert!(run(WHAT_IS_ASKED).contains("field.unknown"));
}

#[test]
fn a_registered_dataset_says_what_was_signed() {
    let mut stage = staged();
    let it = register("civil.new", "gz.psb");
    stage.world.does(COLLECTOR, it.clone());
    let header = &stage.world.tip().header;
    let expected = wire::Dataset {
        registration: Some(it),
        registered_height: header.height.get(),
        registered_time_ms: header.time.get(),
        ..wire::Dataset::default()
    };
    let found = stage.world.objects.get(&Place::dataset("civil.new"));
    assert_eq!(found, Some(&expected.into()));
}

/// Shared without condition: no decision, only the confirmation.
#[test]
fn an_unconditional_request_is_approved_at_once() {
    let mut stage = staged();
    for (dataset, state) in
        [("civil.open", RequestState::Approved), ("civil.resident", RequestState::Requested)]
    {
        let asked = wire::RequestAccess { dataset: dataset.into(), ..stage.asked() };
        let id = stage.world.asks(USER, &asked);
        let Some(Object::Request(it)) = stage.world.objects.get(&Place::request(&id)) else {
            panic!("no request");
        };
        assert_eq!(it.state(), state);
        let approved = (state == RequestState::Approved).then(|| asked.terms.clone().unwrap());
        assert_eq!(it.approved, approved);
        let tx = stage.sign("gz.bdb/officer", super::items::confirm(&id, &asked, "gz.bdb"));
        let refused = stage.world.refusal(&tx).map(|(_, code)| code);
        assert_eq!(refused, approved.is_none().then_some("request.state"));
    }
}

/// A batch is applied whole or not at all, and the error names the item.
#[test]
fn a_refused_item_leaves_nothing_changed() {
    let mut stage = staged();
    let new = |code: &str| Kind::from(register(code, "gz.psb"));
    let kinds = vec![new("civil.a"), new("civil.b"), new("civil.a"), new("civil.c")];
    let batch = stage.world.sign(COLLECTOR, kinds);
    assert_eq!(stage.world.refusal(&batch), Some((Some(2), "dataset.exists")));

    // In one block with others: what stood before stays, what comes after follows on.
    let first = stage.world.sign(USER, vec![register("pension.new", "gz.hrss").into()]);
    let last = stage.world.sign(COLLECTOR, vec![new("civil.a"), new("civil.b")]);
    let mut draft = stage.world.draft();
    assert!(draft.transaction(&first).is_ok());
    assert_eq!(draft.transaction(&batch).unwrap_err().item, Some(2));
    assert_eq!(draft.event_count(), 1);
    assert!(draft.transaction(&last).is_ok());
    let delta = draft.finish();
    let indexes: Vec<_> = delta.events.iter().map(|it| (it.leaf.index, it.leaf.item)).collect();
    assert_eq!(indexes, [(0, 0), (1, 0), (2, 1)]);
    assert_eq!(delta.events[2].leaf.digest, *item(new("civil.b")).unwrap().digest());
    names_the_transaction(&stage.world, &[first.clone(), batch]);
    stage.world.commit(vec![first, last]);
}

/// `apply` names the transaction too: the second, by its third item.
fn names_the_transaction(world: &World, transactions: &[Tx]) {
    let refused = apply(world, world.context(), world.founding.chain(), transactions);
    let (number, why) = refused.unwrap_err();
    assert_eq!((number, why.item), (1, Some(2)));
}
