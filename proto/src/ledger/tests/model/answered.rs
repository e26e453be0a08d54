//! Where the ledger and the simple model must say the same of who answers for accesses.

use super::agree::{count, get};
use super::net::Net;
use super::simple::Simple;
use crate::ledger::Object;
use crate::place::{ObjectKind, Place};
use crate::types::{IdentityId, RequestId};
use crate::wire;
use std::collections::BTreeSet;
use std::sync::Arc;

pub(super) fn agree(net: &Net, simple: &Simple) {
    gateways(net, simple);
    halves(net, simple);
    integrity(net, simple);
    alerts(net, simple);
    used(net, simple);
    unknown(net, simple);
    cases(net, simple);
    products(net, simple);
    sealing(net, simple);
    timers(net, simple);
}

/// What is to be looked at, and when. Timers of requests, grants, departments and proposals follow from
/// those in the model.
fn timers(net: &Net, simple: &Simple) {
    let all = net.objects.range(Place::object(ObjectKind::Timer, &[])..);
    let timers = all.map_while(|(place, object)| match object {
        Object::Timer(it) => Some((place.timer_due()?.get(), it.kind as u8, it.about.clone())),
        _ => None,
    });
    let is_answers = |kind: u8| i32::from(kind) >= wire::TimerKind::NumbersDue as i32;
    let found: BTreeSet<_> = timers.filter(|(_, kind, _)| is_answers(*kind)).collect();
    let known: BTreeSet<_> = simple.answers().reminders.iter().map(|it| (**it).clone()).collect();
    let differ: Vec<_> = found.symmetric_difference(&known).collect();
    assert!(differ.is_empty(), "timers: {differ:?}");
}

fn gateways(net: &Net, simple: &Simple) {
    let all = &simple.answers().gateways;
    let set_up = all.iter().filter(|it| it.setup.is_some()).count();
    assert_eq!(count(net, ObjectKind::GatewaySetup), set_up);
    for it in all {
        let id = IdentityId::from_slice(&it.id).unwrap();
        let found: Option<Arc<wire::Gateway>> = net.object(&Place::gateway(&id));
        let found = found.map(|it| (*it).clone()).unwrap_or_default();
        assert_eq!(found, it.numbers, "gateway {id}");
        let found: Option<Arc<wire::GatewaySetup>> = net.object(&Place::gateway_setup(&it.id));
        assert_eq!(found.as_deref(), it.setup.as_ref(), "gateway {id}");
    }
    for it in &simple.datasets {
        let place = Place::dataset_gateways(&it.entry.dataset);
        let found: Option<Arc<wire::DatasetGateways>> = net.object(&place);
        let serving = simple.serving(&it.entry.dataset);
        assert_eq!(found.map_or(0, |it| it.count) as usize, serving, "{}", it.entry.dataset);
    }
    assert_eq!(count(net, ObjectKind::BulkSet), simple.answers().bulk_sets.len());
    for it in &simple.answers().bulk_sets {
        let found: Arc<wire::BulkSet> = get(net, Place::bulk_set(&it.gateway, it.number));
        assert_eq!((found.count, found.received), (it.count, it.tags.len() as u64));
        assert_eq!((found.complete, found.missed), (it.is_complete(), it.missed));
        assert_eq!((&found.collector, &found.root), (&it.collector, &it.root));
    }
}

fn halves(net: &Net, simple: &Simple) {
    assert_eq!(count(net, ObjectKind::Halves), simple.answers().hours.len());
    for it in &simple.answers().hours {
        let place = Place::halves(&it.request, it.hour, &it.department);
        let found: Arc<wire::Halves> = get(net, place);
        assert_eq!(*found, it.halves);
    }
    assert_eq!(count(net, ObjectKind::Half), simple.answers().halves.len());
    for it in &simple.answers().halves {
        let place = Place::half(&it.request, &it.gateway, it.number, &it.department);
        let found: Arc<wire::Half> = get(net, place);
        assert_eq!(*found, it.half);
    }
}

fn integrity(net: &Net, simple: &Simple) {
    assert_eq!(count(net, ObjectKind::IntegrityEvent), simple.answers().events.len());
    for it in &simple.answers().events {
        let place = Place::integrity_event(&it.department, it.number);
        let found: Arc<wire::IntegrityEvent> = get(net, place);
        let name = format!("{:?}, {} of {}", it.rule, it.number, it.department);
        assert_eq!((found.count, found.end()), (it.count, it.end), "{name}");
        assert_eq!((found.time_ms, &found.case_id), (it.time, &it.case), "{name}");
        let raised = found.raised.as_ref().unwrap();
        assert_eq!((raised.rule(), raised.provisional_until_ms), (it.rule, it.until), "{name}");
        let about = (&raised.identity_id, &raised.dataset, &raised.request_id);
        assert_eq!(about, (&it.identity, &it.dataset, &it.request), "{name}");
    }
    let scores = simple.scores();
    assert_eq!(count(net, ObjectKind::Score), scores.len());
    for (id, score) in scores {
        let found: Arc<wire::Score> = get(net, Place::object(ObjectKind::Score, &id));
        assert_eq!(*found, score, "score of {}", hex::encode(&id));
    }
}

fn alerts(net: &Net, simple: &Simple) {
    let all = &simple.answers().alerts;
    assert_eq!(count(net, ObjectKind::Alert), all.len());
    for it in all {
        let found: Arc<wire::Alert> = get(net, Place::alert(&it.department, it.number));
        let name = format!("{:?}, {} to {}", it.watch, it.number, it.department);
        assert_eq!((found.count, found.state(), found.time_ms), (it.count, it.state, it.time));
        let raised = found.raised.as_ref().unwrap();
        let request = match it.watch {
            wire::WatchKind::WouldBeDenied => raised.cause.as_bytes(),
            _ => &raised.request_id,
        };
        let about = (raised.watch(), &raised.identity_id, &raised.dataset, &request.to_vec());
        assert_eq!(about, (it.watch, &it.identity, &it.dataset, &it.request), "{name}");
    }
    for it in &simple.departments {
        let book: Option<Arc<wire::AlertBook>> = net.object(&Place::alert_book(&it.code));
        let book = book.map(|it| *it).unwrap_or_default();
        let own = all.iter().filter(|one| one.department == it.code);
        let open = own.clone().filter(|one| one.state != wire::AlertState::Closed).count();
        assert_eq!((book.alerts, book.open), (own.count() as u64, open as u64), "{}", it.code);
    }
}

/// What was used of each grant, by day as far back as is kept.
fn used(net: &Net, simple: &Simple) {
    for (at, grant) in simple.grants.iter().enumerate() {
        let id = RequestId::from_slice(&grant.id).unwrap();
        let found: Option<Arc<wire::GrantUse>> = net.object(&Place::grant_use(&id));
        let found = found.map(|it| (*it).clone()).unwrap_or_default();
        assert_eq!([found.queries, found.rows], simple.used(at), "used of grant {id}");
        assert_eq!(found.rows_unknown, simple.without_rows(at) as u64, "rows of grant {id}");
        let statements: Vec<_> = simple.last_statements(at).iter().map(|it| it.to_vec()).collect();
        assert_eq!(found.statements, statements, "statements of grant {id}");
        let of_ledger = |it: &wire::Lease| {
            (it.gateway_id.clone(), it.request_id.clone(), [it.queries, it.rows], it.until_ms)
        };
        let of = |it: &_| {
            let it: &super::simple::Lease = it;
            (it.gateway.clone(), it.named.clone(), it.left, it.until)
        };
        let mut leases: Vec<_> = simple.leases(at).map(of).collect();
        leases.sort();
        let found: Vec<_> = found.leases.iter().map(of_ledger).collect();
        assert_eq!(found, leases, "leases of grant {id}");
    }
}

/// What each collector's records leave unknown.
fn unknown(net: &Net, simple: &Simple) {
    for it in &simple.departments {
        let found: Option<Arc<wire::UnknownCount>> = net.object(&Place::unknown_count(&it.code));
        let known = simple.left_unknown(&it.code);
        assert_eq!(found.is_some(), known != wire::UnknownCount::default(), "{}", it.code);
        assert_eq!(found.map(|it| *it).unwrap_or_default(), known, "{}", it.code);
    }
}

fn cases(net: &Net, simple: &Simple) {
    assert_eq!(count(net, ObjectKind::Case), simple.answers().cases.len());
    for it in &simple.answers().cases {
        let found: Arc<wire::Case> = get(net, Place::case(&it.id));
        assert_eq!(found.opened.as_ref(), Some(&*it.it));
        assert_eq!((found.state(), found.due_ms), (it.state, it.due));
        assert_eq!((&found.bodies, &found.ruled_by), (&it.bodies, &it.ruled_by));
        assert_eq!(found.parties, it.parties);
    }
    assert_eq!(count(net, ObjectKind::Correction), simple.answers().corrections.len());
    for it in &simple.answers().corrections {
        let found: Arc<wire::Correction> = get(net, Place::correction(&it.id));
        assert_eq!((found.corrected.as_ref(), found.end()), (Some(&*it.it), it.end));
    }
    assert_eq!(count(net, ObjectKind::DoubleVote), simple.answers().double_votes.len());
}

fn products(net: &Net, simple: &Simple) {
    assert_eq!(count(net, ObjectKind::Product), simple.answers().products.len());
    for it in &simple.answers().products {
        let found: Arc<wire::Product> = get(net, Place::product(&it.id));
        assert_eq!(found.registered.as_ref(), Some(&*it.it));
        assert_eq!((found.state(), found.evaluations), (it.state, it.evaluations));
        let reviews = found.reviews.iter().map(|one| (one.department.clone(), one.end()));
        assert_eq!(reviews.collect::<Vec<_>>(), it.reviews);
        // Of grants that end together no rule says which marks first.
        let [mut found, mut marks] = [found.marks.clone(), it.marks.clone()];
        found.sort();
        marks.sort();
        assert_eq!(found, marks);
    }
}

fn sealing(net: &Net, simple: &Simple) {
    let all = &simple.answers().sealed;
    assert_eq!(count(net, ObjectKind::SealingOrder), simple.answers().orders.len());
    for it in &simple.answers().orders {
        let found: Arc<wire::SealingOrder> = get(net, Place::sealing_order(&it.id));
        let own = all.iter().filter(|one| one.order == it.id);
        let opened = own.clone().filter(|one| one.opened).count() as u64;
        assert_eq!((found.sealed, found.opened), (own.count() as u64, opened));
        assert_eq!((found.open_by_ms, found.opening_due_ms), (it.open_by, it.due));
        assert_eq!(found.missed, it.missed);
    }
    let closed: Vec<_> = all.iter().filter(|it| !it.opened).collect();
    assert_eq!(count(net, ObjectKind::SealedAccess), closed.len());
    for it in closed {
        let found: Arc<wire::SealedAccess> = get(net, Place::sealed_access(&it.gateway, it.number));
        assert_eq!((&found.commitment, found.time_ms), (&it.commitment, it.time));
    }
    let months = simple.sealed_by_month();
    assert_eq!(count(net, ObjectKind::SealedCount), months.len());
    for (month, sealed) in months {
        let place = Place::sealed_count(u32::try_from(month).unwrap());
        let found: Arc<wire::SealedCount> = get(net, place);
        assert_eq!(found.sealed, sealed);
    }
}
