//! Where the ledger and the simple model must say the same.

use crate::event::ledger::LedgerEvent;
use crate::items::sharing::grants;
use crate::ledger::{
    intervals,
    tests::model::{
        net::Net,
        simple::{Simple, Step},
    },
};
use crate::place::{ObjectKind, Place};
use crate::types::{Height, IdentityId, KeyId, RequestId, TimeMs};
use crate::wire::{self, GrantEnd, GrantState, Interval, ledger_event::Kind};
use std::sync::Arc;

/// A ledger event as the model tells of it.
pub(super) fn heard(event: &LedgerEvent) -> String {
    match event.kind() {
        Kind::DeadlineMissed(it) => {
            let id = hex::encode(&it.request_id);
            format!("deadline {} missed by {}: {id}", it.deadline, it.department)
        }
        Kind::GrantEnded(it) => {
            let state = match it.end() {
                GrantEnd::Unspecified => GrantState::Unspecified,
                GrantEnd::Expired => GrantState::Expired,
                GrantEnd::Exhausted => GrantState::Exhausted,
                GrantEnd::Ancestor => GrantState::AncestorEnded,
                GrantEnd::NotRatified => GrantState::NotRatified,
            };
            format!("grant ended {state:?}: {}", hex::encode(&it.request_id))
        }
        Kind::EmergencyNotRatified(it) => {
            format!("not ratified, at fault {}: {}", it.department, hex::encode(&it.request_id))
        }
        Kind::CollectorTold(it) => {
            format!("collector {} told of {}", it.collector, hex::encode(&it.request_id))
        }
        Kind::DepartmentChanged(it) => {
            format!("department {} {} because of {}", it.department, it.change, it.because_of)
        }
        Kind::MemberChanged(it) => format!("member {} changed", it.department),
        Kind::RootReplaced(it) => {
            format!("root of {} replaced by {}", it.department, hex::encode(&it.new_root_id))
        }
        Kind::DepartmentSucceeded(it) => {
            format!("{} succeeded by {}, over: {}", it.from, it.to, it.over)
        }
        Kind::ProposalEnded(it) => {
            let why = if it.refusal.is_empty() { "" } else { "?" };
            format!("proposal {:?}{why}: {}", it.end(), hex::encode(&it.proposal_id))
        }
        Kind::CalendarMissing(it) => format!("no calendar of {}", it.year),
        Kind::IntegrityRaised(it) => {
            format!("integrity {} of {}: {}", it.rule, it.department, it.count)
        }
        Kind::IntegritySettled(it) => format!(
            "integrity {} of {} settled {}: {} times, {} points",
            it.rule, it.department, it.end, it.count, it.points
        ),
        Kind::AlertRaised(it) => format!("alert {} to {}", it.watch, it.department),
        Kind::RecordsCorrected(it) => {
            format!("corrected {}: {:?}", hex::encode(&it.correction_id), it.outcomes)
        }
        Kind::RecordCorrected(it) => format!(
            "corrected by {}: {} of {} of {} is {}, under {:?}, about {:?}",
            hex::encode(&it.correction_id),
            it.access_no,
            hex::encode(&it.gateway_id),
            it.collector,
            it.outcome,
            it.request_ids.iter().map(hex::encode).collect::<Vec<_>>(),
            it.tags.iter().map(hex::encode).collect::<Vec<_>>(),
        ),
        Kind::ProductMarked(it) => {
            let (product, grant) = (hex::encode(&it.product_id), hex::encode(&it.request_id));
            format!("product {product} marked: {grant}")
        }
    }
}

/// Compares all that the model knows with the ledger's objects.
pub(super) fn agree(net: &Net, simple: &Simple) {
    members(net, simple);
    catalogue(net, simple);
    requests(net, simple);
    all_grants(net, simple);
    governance(net, simple);
}

pub(super) fn count(net: &Net, kind: ObjectKind) -> usize {
    net.objects.keys().filter(|place| place.object_kind() == Some(kind)).count()
}

pub(super) fn get<T>(net: &Net, place: Place) -> Arc<T>
where
    Arc<T>: TryFrom<crate::ledger::Object>,
{
    net.object(&place).unwrap_or_else(|| panic!("the ledger has no {place:?}"))
}

/// In force from the next height on, and at times to come.
fn in_force(net: &Net, standing: &[Interval], life: &super::simple::Life, what: &str) {
    let next = net.height().next();
    let on = life.at_height(next.get());
    assert_eq!(on, life.goes_on(), "{what}: the model contradicts itself");
    assert_eq!(intervals::is_open(standing), on, "{what} goes on");
    assert_eq!(intervals::at_height(standing, next), on, "{what} in force at {next}");
    let now = TimeMs::new(net.tip.time.get());
    assert_eq!(intervals::at_time(standing, now), life.at_time(now.get()), "{what} in force now");
    let before = Height::new(next.get() / 2);
    assert_eq!(
        intervals::at_height(standing, before),
        life.at_height(before.get()),
        "{what} was in force at {before}"
    );
}

fn members(net: &Net, simple: &Simple) {
    assert_eq!(count(net, ObjectKind::Department), simple.departments.len());
    for it in &simple.departments {
        let found: Arc<wire::Department> = get(net, Place::department(&it.code));
        in_force(net, &found.standing, &it.life, &it.code);
        let pending = found.pending_root.as_ref().map(|one| (one.root_id.clone(), one.due_ms));
        let texts = [&found.parent, &found.successor, &found.stopped_by];
        assert_eq!(texts, [&it.parent, &it.successor, &it.stopped_by], "{}", it.code);
        assert_eq!((&found.root_id, &pending), (&it.root, &it.pending), "root of {}", it.code);
        assert_eq!((&found.rights, found.ended), (&it.rights, it.ended), "{}", it.code);
        assert_eq!(found.reconfirm_due_ms, it.reconfirm_due, "{}", it.code);
        assert_eq!(found.body, simple.body(&it.code), "body of {}", it.code);
    }
    assert_eq!(count(net, ObjectKind::Identity), simple.identities.len());
    for it in &simple.identities {
        let id = IdentityId::from_slice(&it.id).unwrap();
        let found: Arc<wire::Identity> = get(net, Place::identity(&id));
        let name = format!("{}/{}", it.department, it.code);
        in_force(net, &found.standing, &it.life, &name);
        assert_eq!((found.events, found.ended), (it.events, it.ended), "{name}");
        assert_eq!((&found.holder, &found.department), (&it.holder, &it.department), "{name}");
    }
    assert_eq!(count(net, ObjectKind::Key), simple.keys.len());
    for it in &simple.keys {
        let id = KeyId::from_slice(&it.id).unwrap();
        let found: Arc<wire::Key> = get(net, Place::key(&id));
        in_force(net, &found.standing, &it.life, &format!("key {id}"));
        assert_eq!(found.identity_id, it.identity, "key {id}");
    }
}

fn catalogue(net: &Net, simple: &Simple) {
    assert_eq!(count(net, ObjectKind::Dataset), simple.datasets.len());
    for it in &simple.datasets {
        let found: Arc<wire::Dataset> = get(net, Place::dataset(&it.entry.dataset));
        assert_eq!(found.registration.as_ref(), Some(&it.entry));
        assert_eq!(found.version.as_ref().map_or(0, |one| one.version), it.version);
        assert_eq!(found.retired_height.zip(found.retired_time_ms), it.retired);
    }
}

fn requests(net: &Net, simple: &Simple) {
    assert_eq!(count(net, ObjectKind::Request), simple.requests.len());
    for it in &simple.requests {
        let id = RequestId::from_slice(&it.id).unwrap();
        let found: Arc<wire::Request> = get(net, Place::request(&id));
        assert_eq!(found.state(), it.state, "request {id}");
        assert_eq!(found.deadline(), it.deadline, "request {id}");
        assert_eq!(found.due_ms, it.due.unwrap_or(0), "due of request {id}");
        assert_eq!(found.overdue, it.overdue, "request {id} overdue");
        assert_eq!(found.approved, it.approved, "approved of request {id}");
        assert_eq!(found.kind(), it.kind, "request {id}");
    }
}

fn all_grants(net: &Net, simple: &Simple) {
    assert_eq!(count(net, ObjectKind::Grant), simple.grants.len());
    for it in &simple.grants {
        let id = RequestId::from_slice(&it.id).unwrap();
        let found: Arc<wire::Grant> = get(net, Place::grant(&id));
        assert_eq!(grants::state(&found), it.last().state, "grant {id}");
        assert_eq!(grants::terms(&found), Some(&*it.last().terms), "terms of grant {id}");
        let step = |it: &Step| (it.height, it.time, it.state, it.by.clone());
        let steps: Vec<_> = found
            .steps
            .iter()
            .map(|it| (it.height, it.time_ms, it.state(), it.by.clone()))
            .collect();
        assert_eq!(steps, it.steps.iter().map(step).collect::<Vec<_>>(), "grant {id}");
        let parties = [&found.using_department, &found.collector, &found.manager];
        assert_eq!(parties, [&it.user, &it.collector, &it.manager], "grant {id}");
        let bodies = [&found.using_body, &found.collector_body, &found.manager_body];
        assert_eq!(bodies, it.bodies.each_ref(), "bodies of grant {id}");
        assert_eq!(found.parent_id, it.parent.clone().unwrap_or_default(), "grant {id}");
        let ratified = [found.collector_ratified, found.manager_ratified];
        assert_eq!((found.kind(), ratified), (it.kind, it.ratified), "grant {id}");
    }
}

fn governance(net: &Net, simple: &Simple) {
    let found: Arc<wire::Parameters> = get(net, Place::parameters());
    assert_eq!(*found, *simple.parameters);
    let found: Arc<wire::Voters> = get(net, Place::voters());
    let mut voters = simple.voters.clone();
    voters.sort_by(|a, b| a.department.cmp(&b.department));
    assert_eq!(found.voters, voters);
    assert_eq!(count(net, ObjectKind::Calendar), simple.calendars.len());
    for it in &simple.calendars {
        let found: Arc<wire::Calendar> = get(net, Place::calendar(it.year));
        assert_eq!(*found, *it);
    }
    assert_eq!(count(net, ObjectKind::Audit), simple.audits.len());
    let mut sealed = 0;
    for it in &simple.audits {
        let found: Arc<wire::Audit> = get(net, Place::audit(&it.department, &it.code));
        let all: u64 = it.batches.iter().map(|one| u64::from(one.count)).sum();
        let opened: u64 = it.batches.iter().map(|one| one.opened.len() as u64).sum();
        assert_eq!((found.closed, found.sealed, found.opened), (it.closed, all, opened));
        let of =
            |one: &wire::UnopenedCount| (one.department.clone(), one.due_ms, one.count, one.blamed);
        assert_eq!(found.unopened.iter().map(of).collect::<Vec<_>>(), it.owed());
        assert_eq!(found.unopened.iter().map(|one| one.count).sum::<u64>(), all - opened);
        sealed += it.batches.iter().filter(|one| one.opened.len() < one.count as usize).count();
    }
    assert_eq!(count(net, ObjectKind::UnopenedRead), sealed);
    let found: Arc<wire::ValidatorSchedule> = get(net, Place::validator_schedule());
    let mut validators = simple.validators.clone();
    validators.sort_by(|a, b| a.key_id.cmp(&b.key_id));
    assert_eq!(found.sets.last().unwrap().validators, validators);
    assert_eq!(count(net, ObjectKind::Proposal), simple.proposals.len());
    for it in &simple.proposals {
        let found: Arc<wire::Proposal> = get(net, Place::proposal(&it.id));
        assert_eq!((found.end(), found.expires_ms), (it.end, it.expires));
        let mut votes = it.votes.clone();
        votes.sort();
        let cast = found.votes.iter().map(|it| (it.department.clone(), it.approve));
        assert_eq!(cast.collect::<Vec<_>>(), votes);
    }
}
