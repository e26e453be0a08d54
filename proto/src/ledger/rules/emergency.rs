//! Emergency access: opened at once by an officer so entitled, ratified afterwards by collector and
//! manager.

use super::integrity::{self, Fault};
use super::sharing::{self, stated};
use super::{needs_officer, products, terms, timers};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal, calendar, grants};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::{RequestId, TimeMs};
use crate::wire::{
    self, Deadline, GrantEnd, GrantKind, GrantState, IntegrityRule, RequestState, Right, TimerKind,
    ledger_event::Kind,
};
use std::sync::Arc;

pub(super) fn open(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    number: u32,
    it: &wire::OpenEmergency,
) -> Result<Outcome, Halt> {
    draft.actor(signer, &it.using_department, Right::Use)?;
    needs_officer(draft, signer)?;
    entitled(draft, signer, it)?;
    let entry = sharing::entry(draft, &it.dataset, &it.collector)?;
    sharing::listed(draft, &it.purpose, &it.legal_basis)?;
    let opened = it.terms.clone().unwrap_or_default();
    terms::check(draft, &opened, &entry, &it.using_department)?;
    short(draft, &opened)?;
    let (user, collector, manager) = (&it.using_department, &it.collector, &it.manager);
    sharing::manages(draft, manager, collector, user)?;
    let bodies = sharing::three_bodies(draft, user, collector, manager)?;
    let asked = wire::RequestAccess {
        dataset: it.dataset.clone(),
        collector: collector.clone(),
        using_department: user.clone(),
        reference: it.reference.clone(),
        purpose: it.purpose.clone(),
        purpose_digest: it.purpose_digest.clone(),
        legal_basis: it.legal_basis.clone(),
        terms: Some(opened.clone()),
        ..wire::RequestAccess::default()
    };
    let id = signer.request_id(number);
    let mut request = sharing::begun(id, asked, GrantKind::Emergency);
    request.approved = Some(opened);
    sharing::make(draft, &request, manager, bodies);
    sharing::keep(draft, &id, request, RequestState::Granted, Deadline::Unspecified)?;
    let days = draft.parameters()?.ratify_days;
    let due = calendar::due(draft, days)?;
    let mut grant = (*sharing::grant_of(draft, &id)?).clone();
    grant.ratify_due_ms = due.get();
    sharing::put(draft, grant);
    timers::set(draft, due, TimerKind::RatifyDue, id.as_bytes());
    draft.emit(Kind::CollectorTold(wire::CollectorTold {
        collector: collector.clone(),
        request_id: id.to_vec(),
        dataset: it.dataset.clone(),
        using_department: user.clone(),
    }));
    Ok(Outcome::DONE)
}

/// The officer's duty, and the code, must be on the consortium's lists.
fn entitled(draft: &Draft<'_>, signer: &TxHeader, it: &wire::OpenEmergency) -> Result<(), Halt> {
    let parameters = draft.parameters()?;
    let officer: Option<Arc<wire::Identity>> = draft.before(&Place::identity(&signer.identity))?;
    let duty = officer.map(|it| it.duty.clone()).unwrap_or_default();
    if !parameters.emergency_duties.contains(&duty) {
        let duty = if duty.is_empty() { "none".to_owned() } else { duty };
        return Err(Refusal::DutyMissing(duty).into());
    }
    if !parameters.emergency_codes.contains(&it.emergency_code) {
        return Err(Refusal::UnknownEmergencyCode(it.emergency_code.clone()).into());
    }
    Ok(())
}

fn short(draft: &Draft<'_>, terms: &wire::Terms) -> Result<(), Halt> {
    let parameters = draft.parameters()?;
    let at_most = parameters.emergency_ms;
    let now = draft.context().time;
    let (begins, ends) = (TimeMs::new(terms.from_ms), TimeMs::new(terms.until_ms));
    // The officer's clock may be a little ahead.
    let at_once = begins.since(now) <= parameters.future_drift_ms;
    if !at_once || ends <= now || ends.since(now) > at_most {
        return Err(Refusal::EmergencyTooLong(at_most / calendar::HOUR_MS).into());
    }
    Ok(())
}

pub(super) fn ratify(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::RatifyEmergency,
) -> Result<Outcome, Halt> {
    let id = RequestId::from_slice(&it.request_id).unwrap_or_default();
    let grant = sharing::grant_of(draft, &id)?;
    if grant.kind() != GrantKind::Emergency {
        return Err(Refusal::NotEmergency(id.to_string()).into());
    }
    let by = sharing::grantor(draft, signer, &grant, &it.manager)?;
    needs_officer(draft, signer)?;
    sharing::same(&stated!(it), &grant)?;
    let mut grant = (*grant).clone();
    let as_manager = by == grant.manager;
    let done = if as_manager { grant.manager_ratified } else { grant.collector_ratified };
    let refused = grants::state(&grant) == GrantState::NotRatified;
    if done || refused {
        return Err(Refusal::AlreadyRatified { grant: id.to_string(), by }.into());
    }
    if it.ratify {
        let place = match as_manager {
            true => &mut grant.manager_ratified,
            false => &mut grant.collector_ratified,
        };
        *place = true;
        sharing::put(draft, grant);
        return Ok(Outcome::DONE);
    }
    not_ratified(draft, &grant, &grant.using_department)?;
    if grants::has_ended(grants::state(&grant)) {
        // Its time was over already: what remains is the event, and what was made of the data.
        grant.steps.push(sharing::step(draft, GrantState::NotRatified, &by));
        products::mark(draft, &grant.request_id)?;
        sharing::put(draft, grant);
    } else {
        let told = Some(GrantEnd::NotRatified);
        sharing::end(draft, grant, GrantState::NotRatified, &by, told)?;
    }
    Ok(Outcome::DONE)
}

fn not_ratified(draft: &mut Draft<'_>, grant: &wire::Grant, department: &str) -> Result<(), Halt> {
    draft.emit(Kind::EmergencyNotRatified(wire::EmergencyNotRatified {
        department: department.to_owned(),
        request_id: grant.request_id.clone(),
        dataset: grant.dataset.clone(),
    }));
    let fault = Fault {
        rule: IntegrityRule::NotRatified,
        department,
        identity: &[],
        dataset: &grant.dataset,
        request_id: &grant.request_id,
        count: 1,
    };
    integrity::raise(draft, &fault).map(|_| ())
}

/// The time for ratifying is over: whoever has not is at fault.
pub(super) fn ratify_due(draft: &mut Draft<'_>, about: &[u8]) -> Result<(), Halt> {
    let id = RequestId::from_slice(about).unwrap_or_default();
    let grant = sharing::grant_of(draft, &id)?;
    if grants::state(&grant) == GrantState::NotRatified {
        return Ok(());
    }
    if !grant.collector_ratified {
        not_ratified(draft, &grant, &grant.collector)?;
    }
    if !grant.manager_ratified {
        not_ratified(draft, &grant, &grant.manager)?;
    }
    Ok(())
}
