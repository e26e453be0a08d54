//! Grants passed on to departments beneath (分级授权): no wider, and only while what they hang from
//! holds.

use crate::event::{Reason, Verdict};
use crate::items::access::tests::coverage::judged;
use crate::items::sharing::grants;
use crate::ledger::tests::{
    items::{
        amend, approve, confirm, delegate, delegated, refuse, register, resume, revoke, suspend,
        terms, verified,
    },
    life::ended,
    refusals::{Case, OK, run},
    stage::{COLLECTOR, MANAGER, Staged, USER, staged},
};
use crate::place::Place;
use crate::tx::Tx;
use crate::types::{RequestId, limits};
use crate::wire::{
    self,
    Delegation::{self, Approve, Notify},
    GrantEnd, GrantState, IntegrityRule, RequestState,
    ledger_event::Kind,
};

/// What the delegate, gy.hrss, may do with the grant.
fn passed(s: &Staged, delegation: Delegation, depth: u32) -> wire::Terms {
    let mut it = terms(&[s.identity("gy.hrss/officer")]);
    (it.delegation, it.delegation_depth) = (delegation as i32, depth);
    it
}

/// A grant that may be passed on so deep.
fn granted(s: &mut Staged, delegation: Delegation, depth: u32) -> (RequestId, wire::RequestAccess) {
    granted_with(s, delegation, depth, wire::Quota::default())
}

fn granted_with(
    s: &mut Staged,
    delegation: Delegation,
    depth: u32,
    quota: wire::Quota,
) -> (RequestId, wire::RequestAccess) {
    let mut asked = s.asked();
    let terms = asked.terms.as_mut().unwrap();
    (terms.delegation, terms.delegation_depth) = (delegation as i32, depth);
    terms.quota = Some(quota);
    let id = s.world.asks(USER, &asked);
    s.world.does(COLLECTOR, approve(&id, &asked));
    s.world.does(MANAGER, confirm(&id, &asked, "gz.bdb"));
    (id, asked)
}

/// Passes a grant on as its collector wants it, to gy.hrss, bent.
fn passing(s: &mut Staged, how: Delegation, bend: impl FnOnce(&mut wire::DelegateGrant)) -> Tx {
    let (id, asked) = granted(s, how, 2);
    let mut it = delegate(&id, &asked, "gy.hrss", passed(s, how, 1));
    bend(&mut it);
    s.sign(USER, it)
}

fn t(it: &mut wire::DelegateGrant) -> &mut wire::Terms {
    it.terms.as_mut().unwrap()
}

const DELEGATIONS: &[Case] = &[
    ("to a department guided", OK, |s| passing(s, Notify, |_| {})),
    ("where the collector approves", OK, |s| passing(s, Approve, |_| {})),
    ("not to be passed on further", OK, |s| {
        passing(s, Notify, |it| (t(it).delegation, t(it).delegation_depth) = (0, 0))
    }),
    ("to a department beneath one that is guided", Some("department.not_beneath"), |s| {
        let who = s.identity("gy.yy.hrss/officer").to_vec();
        passing(s, Notify, |it| {
            it.delegate = "gy.yy.hrss".into();
            t(it).identity_ids = vec![who];
        })
    }),
    ("to a department beside", Some("department.not_beneath"), |s| {
        passing(s, Notify, |it| it.delegate = "gz.tax".into())
    }),
    ("to nobody", Some("department.unknown"), |s| {
        passing(s, Notify, |it| it.delegate = "gy.none".into())
    }),
    ("to one without the right to use", Some("right.missing"), |s| {
        passing(s, Notify, |it| it.delegate = "gz.reg".into())
    }),
    ("for longer", Some("terms.widen"), |s| passing(s, Notify, |it| t(it).until_ms += 1)),
    ("without the approval that was wanted", Some("terms.widen"), |s| {
        passing(s, Approve, |it| t(it).delegation = Notify as i32)
    }),
    ("as deep", Some("delegation.too_deep"), |s| {
        passing(s, Notify, |it| t(it).delegation_depth = 2)
    }),
    ("for one's own people", Some("identity.other_department"), |s| {
        let own = s.asked().terms.unwrap().identity_ids;
        passing(s, Notify, |it| t(it).identity_ids = own)
    }),
    ("by somebody else", Some("actor.other"), |s| {
        let (id, asked) = granted(s, Notify, 2);
        s.sign(COLLECTOR, delegate(&id, &asked, "gy.hrss", passed(s, Notify, 1)))
    }),
    ("by a machine", Some("identity.kind"), |s| {
        let (id, asked) = granted(s, Notify, 2);
        s.sign("gz.hrss/app", delegate(&id, &asked, "gy.hrss", passed(s, Notify, 1)))
    }),
    ("what may not be", Some("delegation.none"), |s| {
        let terms = passed(s, Delegation::Unspecified, 0);
        s.sign(USER, delegate(&s.id("granted"), &s.asked(), "gy.hrss", terms))
    }),
    ("what is suspended", Some("grant.state"), |s| {
        let (id, asked) = granted(s, Notify, 2);
        s.world.does(COLLECTOR, suspend(&id, &asked, "gz.bdb"));
        s.sign(USER, delegate(&id, &asked, "gy.hrss", passed(s, Notify, 1)))
    }),
    ("what was revoked", Some("grant.ended"), |s| {
        let terms = passed(s, Notify, 1);
        s.sign(USER, delegate(&s.id("revoked"), &s.asked(), "gy.hrss", terms))
    }),
    ("what is no grant", Some("grant.unknown"), |s| {
        let terms = passed(s, Notify, 1);
        s.sign(USER, delegate(&s.id("approved"), &s.asked(), "gy.hrss", terms))
    }),
    ("to one of the collector's body", Some("body.same"), |s| {
        let it =
            wire::Department { body: "psb".into(), ..(*s.world.department("gy.hrss")).clone() };
        s.world.doctor(Place::department("gy.hrss"), Some(it.into()));
        passing(s, Notify, |_| {})
    }),
    ("where too many hang from it", Some("delegation.too_many"), |s| {
        let (id, asked) = granted(s, Notify, 2);
        let full =
            wire::Grant { descendants: limits::DESCENDANTS, ..(*s.world.grant(&id)).clone() };
        s.world.doctor(Place::grant(&id), Some(full.into()));
        s.sign(USER, delegate(&id, &asked, "gy.hrss", passed(s, Notify, 1)))
    }),
];

/// A delegation that waits for the collector.
fn waiting(s: &mut Staged) -> (RequestId, wire::RequestAccess, RequestId, wire::RequestAccess) {
    let (above, asked) = granted(s, Approve, 2);
    let it = delegate(&above, &asked, "gy.hrss", passed(s, Approve, 1));
    let asks = delegated(&it);
    let tx = s.sign(USER, it);
    let id = tx.header().request_id(0);
    s.world.commit(vec![tx]);
    (above, asked, id, asks)
}

const ANSWERS: &[Case] = &[
    ("approved", OK, |s| {
        let (.., id, asks) = waiting(s);
        s.sign(COLLECTOR, approve(&id, &asks))
    }),
    ("refused", OK, |s| {
        let (.., id, asks) = waiting(s);
        s.sign(COLLECTOR, refuse(&id, &asks))
    }),
    ("by the one who passes it on", Some("actor.other"), |s| {
        let (.., id, asks) = waiting(s);
        s.sign(USER, approve(&id, &asks))
    }),
    ("confirmed, which it needs not", Some("request.state"), |s| {
        let (.., id, asks) = waiting(s);
        s.sign(MANAGER, confirm(&id, &asks, "gz.bdb"))
    }),
    ("approved wider", Some("terms.widen"), |s| {
        let (.., id, mut asks) = waiting(s);
        asks.terms.as_mut().unwrap().until_ms += 1;
        s.sign(COLLECTOR, approve(&id, &asks))
    }),
    ("approved after the grant above was suspended", Some("grant.state"), |s| {
        let (above, asked, id, asks) = waiting(s);
        s.world.does(MANAGER, suspend(&above, &asked, "gz.bdb"));
        s.sign(COLLECTOR, approve(&id, &asks))
    }),
    ("approved after the grant above became narrower", Some("terms.widen"), |s| {
        let (above, asked, id, asks) = waiting(s);
        let mut narrower = asked.terms.clone().unwrap();
        narrower.fields = vec!["name".into()];
        s.world.does(MANAGER, amend(&above, &asked, "gz.bdb", narrower));
        s.sign(COLLECTOR, approve(&id, &asks))
    }),
];

pub(crate) const TABLES: &[&[Case]] = &[DELEGATIONS, ANSWERS];

#[test]
fn grants_are_passed_on_beneath_and_never_wider() {
    assert_eq!(run(DELEGATIONS).len(), 14);
    assert_eq!(run(ANSWERS).len(), 4);
}

/// A chain: gz.hrss, gy.hrss, gy.yy.hrss; each grant with what it says of itself.
pub(crate) fn chain(s: &mut Staged, quota: wire::Quota) -> [(RequestId, wire::RequestAccess); 3] {
    let (top, asked) = granted_with(s, Notify, 2, quota);
    let bound = |s: &Staged, who: &str, how: Delegation, depth| {
        let mut it = terms(&[s.identity(who)]);
        it.quota = Some(quota);
        (it.delegation, it.delegation_depth) = (how as i32, depth);
        it
    };
    let first = bound(s, "gy.hrss/officer", Notify, 1);
    let second = bound(s, "gy.yy.hrss/officer", Delegation::Unspecified, 0);
    let it = delegate(&top, &asked, "gy.hrss", first);
    let middle_asked = delegated(&it);
    let middle = passed_on(s, USER, it);
    let it = delegate(&middle, &middle_asked, "gy.yy.hrss", second);
    let low_asked = delegated(&it);
    let low = passed_on(s, "gy.hrss/officer", it);
    [(top, asked), (middle, middle_asked), (low, low_asked)]
}

/// A quota that others used up above is not the fault of who asked below, but of the gateway.
#[test]
fn a_quota_that_others_used_up() {
    let mut s = staged();
    let quota = wire::Quota { rows_total: 10, ..wire::Quota::default() };
    let (top, asked) = granted_with(&mut s, Notify, 2, quota);
    let below = wire::Terms { quota: Some(quota), ..passed(&s, Notify, 1) };
    let below = passed_on(&mut s, USER, delegate(&top, &asked, "gy.hrss", below));
    let asker = verified("gy.hrss", &s.identity("gy.hrss/officer"));
    let above = judged(&mut s, |it| {
        it.accesses[0].request_id = top.to_vec();
        it.row_count = Some(9);
    });
    assert_eq!(above.verdict, Verdict::Covered);
    let outcome = judged(&mut s, |it| {
        it.accesses[0].request_id = below.to_vec();
        (it.asker, it.row_count) = (Some(asker), Some(2));
    });
    assert_eq!(outcome.reason, Reason::QuotaExceeded);
    assert_eq!(s.world.at_fault(), [("gz.psb".into(), IntegrityRule::Uncovered, 1)]);
}

fn passed_on(s: &mut Staged, name: &str, it: wire::DelegateGrant) -> RequestId {
    let told = wire::CollectorTold {
        collector: it.collector.clone(),
        request_id: Vec::new(),
        dataset: it.dataset.clone(),
        using_department: it.delegate.clone(),
    };
    let tx = s.sign(name, it);
    let id = tx.header().request_id(0);
    s.world.commit(vec![tx]);
    let kinds: Vec<_> = s.world.told().iter().map(|it| it.kind().clone()).collect();
    assert_eq!(
        kinds,
        [Kind::CollectorTold(wire::CollectorTold { request_id: id.to_vec(), ..told })]
    );
    id
}

/// What becomes of a record by an officer of a department under a grant.
fn by(s: &mut Staged, department: &str, id: &RequestId) -> (Verdict, Reason) {
    let who = s.identity(&format!("{department}/officer"));
    let outcome = judged(s, |it| {
        it.accesses[0].request_id = id.to_vec();
        it.asker = Some(verified(department, &who));
    });
    (outcome.verdict, outcome.reason)
}

fn by_the_lowest(s: &mut Staged, chain: &[(RequestId, wire::RequestAccess); 3]) -> Reason {
    by(s, "gy.yy.hrss", &chain[2].0).1
}

#[test]
fn a_grant_passed_on_twice() {
    let mut s = staged();
    let chain = chain(&mut s, wire::Quota::default());
    let [top, middle, low] = chain.each_ref().map(|(id, _)| s.world.grant(id));
    assert_eq!((top.depth, middle.depth, low.depth), (0, 1, 2));
    assert_eq!((top.descendants, middle.descendants, low.descendants), (2, 1, 0));
    assert_eq!((top.children.len(), middle.children.len()), (1, 1));
    assert_eq!((&middle.parent_id, &low.parent_id), (&top.request_id, &middle.request_id));
    assert_eq!((low.purpose.as_str(), low.manager.as_str()), ("pension", "gz.bdb"));
    assert_eq!(by(&mut s, "gy.yy.hrss", &chain[2].0), (Verdict::Covered, Reason::None));
    // Each grant is for its own people.
    assert_eq!(by(&mut s, "gy.yy.hrss", &chain[0].0).1, Reason::IdentityNotGranted);
}

/// The collector's approval makes the grant; nobody else is needed.
#[test]
fn a_delegation_that_the_collector_approves() {
    let mut s = staged();
    let (above, _, id, asks) = waiting(&mut s);
    assert!(!s.world.objects.contains_key(&Place::grant(&id)));
    assert_eq!(s.world.grant(&above).descendants, 0);
    s.world.does(COLLECTOR, approve(&id, &asks));
    let request: std::sync::Arc<wire::Request> = s.world.get(&Place::request(&id));
    assert_eq!((request.state(), request.due_ms), (RequestState::Granted, 0));
    assert_eq!(by(&mut s, "gy.hrss", &id).0, Verdict::Covered);
    assert_eq!(s.world.grant(&above).descendants, 1);
}

/// Ending a grant ends all that hangs from it, and the ledger says so of each.
#[test]
fn what_hangs_from_a_grant_ends_with_it() {
    let mut s = staged();
    let chain = chain(&mut s, wire::Quota::default());
    s.world.does(COLLECTOR, revoke(&chain[0].0, &chain[0].1, "gz.bdb"));
    let expected = [1, 2].map(|at| (chain[at].0.to_vec(), GrantEnd::Ancestor));
    assert_eq!(ended(&s), expected);
    for (id, _) in &chain[1..] {
        assert_eq!(grants::state(&s.world.grant(id)), GrantState::AncestorEnded);
    }
    assert_eq!(by_the_lowest(&mut s, &chain), Reason::AncestorEnded);
}

/// Whoever passed a grant on may end, stop and start it; whoever has it may not.
#[test]
fn who_ends_what_was_passed_on() {
    let mut s = staged();
    let chain = chain(&mut s, wire::Quota::default());
    let (id, asks) = &chain[1];
    for name in ["gy.hrss/officer", "gy.yy.hrss/officer"] {
        let tx = s.sign(name, revoke(id, asks, "gz.bdb"));
        assert_eq!(s.world.refusal(&tx), Some((Some(0), "actor.other")), "{name}");
    }
    s.world.does(USER, suspend(id, asks, "gz.bdb"));
    assert_eq!(by_the_lowest(&mut s, &chain), Reason::AncestorEnded);
    s.world.does(USER, resume(id, asks, "gz.bdb"));
    assert_eq!(by_the_lowest(&mut s, &chain), Reason::None);
    s.world.does(USER, revoke(id, asks, "gz.bdb"));
    assert_eq!(ended(&s), [(chain[2].0.to_vec(), GrantEnd::Ancestor)]);
    assert_eq!(grants::state(&s.world.grant(&chain[0].0)), GrantState::Active);
}

/// What the grant above no longer allows is not allowed beneath.
#[test]
fn a_grant_above_that_becomes_narrower() {
    let mut s = staged();
    let chain = chain(&mut s, wire::Quota::default());
    let (top, asked) = &chain[0];
    let narrower = wire::Terms { fields: vec!["status".into()], ..asked.terms.clone().unwrap() };
    s.world.does(MANAGER, amend(top, asked, "gz.bdb", narrower));
    assert_eq!(by_the_lowest(&mut s, &chain), Reason::FieldNotGranted);
}

/// Use is counted under every grant above; what is used up there is used up beneath.
#[test]
fn quotas_are_counted_up_the_chain() {
    let mut s = staged();
    let chain = chain(&mut s, wire::Quota { queries_total: 3, ..Default::default() });
    assert_eq!(by_the_lowest(&mut s, &chain), Reason::None);
    assert_eq!(by(&mut s, "gy.hrss", &chain[1].0).1, Reason::None);
    let used = |s: &Staged, at: usize| {
        let it: std::sync::Arc<wire::GrantUse> = s.world.get(&Place::grant_use(&chain[at].0));
        it.queries
    };
    assert_eq!([0, 1, 2].map(|at| used(&s, at)), [2, 2, 1]);
    // The third uses up those above, which ends the lowest with them.
    assert_eq!(by_the_lowest(&mut s, &chain), Reason::None);
    assert_eq!([0, 1, 2].map(|at| used(&s, at)), [3, 3, 2]);
    let [top, middle, low] = chain.each_ref().map(|(id, _)| id.to_vec());
    let expected =
        [(middle, GrantEnd::Exhausted), (low, GrantEnd::Ancestor), (top, GrantEnd::Exhausted)];
    assert_eq!(ended(&s), expected);
    assert_eq!(by_the_lowest(&mut s, &chain), Reason::AncestorEnded);
}

/// One access under two grants of a chain is one query of what they hang from.
#[test]
fn an_access_counts_once_under_what_is_shared() {
    let mut s = staged();
    let other = register("civil.other", "gz.psb");
    s.world.does(COLLECTOR, other);
    let chain = chain(&mut s, wire::Quota::default());
    let who = s.identity("gy.yy.hrss/officer");
    judged(&mut s, |it| {
        it.asker = Some(verified("gy.yy.hrss", &who));
        it.accesses[0].request_id = chain[2].0.to_vec();
        crate::items::access::tests::coverage_cases::also(
            it,
            wire::Operation::Export,
            Some(&chain[1].0),
        );
    });
    for (id, _) in &chain {
        let used: std::sync::Arc<wire::GrantUse> = s.world.get(&Place::grant_use(id));
        assert_eq!(used.queries, 1);
    }
}
