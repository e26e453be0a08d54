//! Internal permits (内部许可): a collector permits access within its own body, alone.

use crate::event::{Reason, Verdict};
use crate::items::access::tests::coverage::judged;
use crate::ledger::tests::{
    items::{amend, permit, request, revoke, suspend, terms, verified},
    refusals::{Case, OK, run},
    stage::{COLLECTOR, GATEWAY, MANAGER, RESIDENT, Staged, USER, staged},
};
use crate::tx::Tx;
use crate::types::RequestId;
use crate::wire::{self, GrantKind, RecordAccess};

const ADMINISTRATOR: &str = "gz.psb/officer";

/// A permit for the collector's own officer, and for one of its body, bent.
fn permitted(s: &Staged, bend: impl FnOnce(&mut wire::GivePermit)) -> Tx {
    let people = [s.identity(ADMINISTRATOR), s.identity("gz.psu/officer")];
    let mut it = permit(RESIDENT, "gz.psb", terms(&people));
    bend(&mut it);
    s.sign(COLLECTOR, it)
}

fn t(it: &mut wire::GivePermit) -> &mut wire::Terms {
    it.terms.as_mut().unwrap()
}

const PERMITS: &[Case] = &[
    ("for one's own body", OK, |s| permitted(s, |_| {})),
    ("for a machine", OK, |s| {
        let gateway = s.identity(GATEWAY).to_vec();
        permitted(s, |it| t(it).identity_ids = vec![gateway])
    }),
    ("of what is not shared", OK, |s| permitted(s, |it| it.dataset = "civil.secret".into())),
    ("for somebody of another body", Some("permit.other_body"), |s| {
        let other = s.identity("gz.hrss/app").to_vec();
        permitted(s, |it| t(it).identity_ids = vec![other])
    }),
    ("for nobody known", Some("identity.unknown"), |s| {
        permitted(s, |it| t(it).identity_ids = vec![vec![1; 32]])
    }),
    ("for no purpose known", Some("purpose.unknown"), |s| {
        permitted(s, |it| it.purpose = "curiosity".into())
    }),
    ("of a field that is not there", Some("field.unknown"), |s| {
        permitted(s, |it| t(it).fields = vec!["income".into()])
    }),
    ("of another's dataset", Some("dataset.other_collector"), |s| {
        permitted(s, |it| it.dataset = "pension.roll".into())
    }),
    ("in another's name", Some("actor.other"), |s| {
        permitted(s, |it| it.collector = "gz.hrss".into())
    }),
    ("by a machine", Some("identity.kind"), |s| {
        s.sign(GATEWAY, permit(RESIDENT, "gz.psb", terms(&[s.identity(ADMINISTRATOR)])))
    }),
    ("without the right", Some("right.missing"), |s| {
        let people = terms(&[s.identity("gz.tax/app")]);
        s.sign("gz.tax/officer", permit(RESIDENT, "gz.tax", people))
    }),
    ("and revoked by it", OK, |s| {
        let (id, asked) = given(s);
        s.sign(COLLECTOR, revoke(&id, &asked, ""))
    }),
    ("and suspended by it", OK, |s| {
        let (id, asked) = given(s);
        s.sign(COLLECTOR, suspend(&id, &asked, ""))
    }),
    ("and amended by it", OK, |s| {
        let (id, asked) = given(s);
        let mut terms = asked.terms.clone().unwrap();
        terms.until_ms -= 1;
        s.sign(COLLECTOR, amend(&id, &asked, "", terms))
    }),
    ("and revoked by a manager", Some("actor.other"), |s| {
        let (id, asked) = given(s);
        s.sign(MANAGER, revoke(&id, &asked, ""))
    }),
    ("and revoked as if it had a manager", Some("request.contradiction"), |s| {
        let (id, asked) = given(s);
        s.sign(MANAGER, revoke(&id, &asked, "gz.bdb"))
    }),
    ("and passed on", Some("right.missing"), |s| {
        let (id, asked) = given(s);
        let it = crate::ledger::tests::items::delegate(
            &id,
            &asked,
            "gz.psu",
            asked.terms.clone().unwrap(),
        );
        s.sign(COLLECTOR, it)
    }),
];

/// A permit, and what it says of itself.
pub(crate) fn given(s: &mut Staged) -> (RequestId, wire::RequestAccess) {
    let tx = permitted(s, |_| {});
    let id = tx.header().request_id(0);
    s.world.commit(vec![tx]);
    let people = [s.identity(ADMINISTRATOR), s.identity("gz.psu/officer")];
    (id, request(RESIDENT, "gz.psb", "gz.psb", terms(&people)))
}

pub(crate) const TABLES: &[&[Case]] = &[PERMITS];

#[test]
fn a_collector_permits_within_its_body() {
    assert_eq!(run(PERMITS).len(), 9);
}

fn by<'a>(
    s: &Staged,
    id: &'a RequestId,
    name: &'static str,
) -> impl FnOnce(&mut RecordAccess) + use<'a> {
    let who = s.identity(name);
    let department = name.split_once('/').unwrap().0;
    move |it| {
        it.accesses[0].request_id = id.to_vec();
        it.asker = Some(verified(department, &who));
    }
}

#[test]
fn access_under_a_permit_is_internal() {
    let mut s = staged();
    let (id, _) = given(&mut s);
    let grant = s.world.grant(&id);
    assert_eq!(grant.kind(), GrantKind::Internal);
    assert_eq!((grant.manager.as_str(), grant.using_department.as_str()), ("", "gz.psb"));
    for name in [ADMINISTRATOR, "gz.psu/officer"] {
        let bend = by(&s, &id, name);
        let outcome = judged(&mut s, bend);
        assert_eq!((outcome.verdict, outcome.reason), (Verdict::Internal, Reason::None), "{name}");
    }
    for (name, reason) in
        [("gz.psm/officer", Reason::IdentityNotGranted), (USER, Reason::IdentityNotGranted)]
    {
        let bend = by(&s, &id, name);
        assert_eq!(judged(&mut s, bend).reason, reason, "{name}");
    }
}

/// Of several datasets in one access the one that wants most attention decides.
#[test]
fn an_access_partly_under_a_permit() {
    let mut s = staged();
    let (id, _) = given(&mut s);
    let who = s.identity(ADMINISTRATOR);
    let outcome = judged(&mut s, |it| {
        it.accesses[0].request_id = id.to_vec();
        it.asker = Some(verified("gz.psb", &who));
        crate::items::access::tests::coverage_cases::also(it, wire::Operation::Export, None);
    });
    assert_eq!((outcome.verdict, outcome.reason), (Verdict::Uncovered, Reason::NoGrant));
}
