//! Emergency access: opened at once by an officer so entitled, ratified afterwards by collector and
//! manager.

use crate::event::Outcome;
use crate::items::fields::{Checked, code, id, id_if_given};
use crate::items::kind::ItemKind;
use crate::items::oversight::{
    integrity::{self, Fault},
    marks,
};
use crate::items::sharing::{
    grant::{self, stated},
    grants, terms,
};
use crate::ledger::{Draft, Halt, Refusal, authority::needs_officer, calendar, timers};
use crate::place::Place;
use crate::suite::hash::{self, Domain};
use crate::tx::TxHeader;
use crate::types::{IdentityId, RequestId, TimeMs};
use crate::wire::{
    self, Deadline, GrantEnd, GrantKind, GrantState, IntegrityRule, RequestState, Right, TimerKind,
    ledger_event::Kind,
};
use std::sync::Arc;

impl ItemKind for wire::OpenEmergency {
    fn check(&self) -> Checked {
        code("dataset", &self.dataset)?;
        code("collector", &self.collector)?;
        code("using_department", &self.using_department)?;
        code("manager", &self.manager)?;
        code("reference", &self.reference)?;
        code("emergency_code", &self.emergency_code)?;
        code("purpose", &self.purpose)?;
        id("purpose_digest", &self.purpose_digest)?;
        code("legal_basis", &self.legal_basis)?;
        terms::well_formed(self.terms.as_ref(), true)
    }

    fn trails(&self, header: &TxHeader, number: u32) -> Vec<Place> {
        grant::begins(header, number, &self.dataset)
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        number: u32,
    ) -> Result<Outcome, Halt> {
        draft.actor(signer, &self.using_department, Right::Use)?;
        needs_officer(draft, signer)?;
        let duty = duty(draft, &signer.identity)?;
        entitled(draft, &duty, self)?;
        not_refused(draft, self)?;
        let entry = grant::entry(draft, &self.dataset, &self.collector)?;
        grant::listed(draft, &self.purpose, &self.legal_basis)?;
        let opened = self.terms.clone().unwrap_or_default();
        terms::check(draft, &opened, &entry, &self.using_department)?;
        short(draft, &opened)?;
        let (user, collector, manager) = (&self.using_department, &self.collector, &self.manager);
        grant::manages(draft, manager, collector, user)?;
        let bodies = grant::three_bodies(draft, user, collector, manager)?;
        grant::operators_apart(draft, &opened.identity_ids, manager)?;
        let asked = wire::RequestAccess {
            dataset: self.dataset.clone(),
            collector: collector.clone(),
            using_department: user.clone(),
            reference: self.reference.clone(),
            purpose: self.purpose.clone(),
            purpose_digest: self.purpose_digest.clone(),
            legal_basis: self.legal_basis.clone(),
            terms: Some(opened.clone()),
            ..wire::RequestAccess::default()
        };
        let id = signer.request_id(number);
        let mut request = grant::begun(id, asked, GrantKind::Emergency);
        request.approved = Some(opened);
        grant::make(draft, &request, manager, bodies);
        grant::keep(draft, &id, request, RequestState::Granted, Deadline::Unspecified)?;
        let days = draft.parameters()?.ratify_days;
        let due = calendar::due(draft, days)?;
        let mut grant = (*grant::grant_of(draft, &id)?).clone();
        grant.ratify_due_ms = due.get();
        grant::put(draft, grant);
        timers::set(draft, due, TimerKind::RatifyDue, id.as_bytes());
        draft.emit(Kind::CollectorTold(wire::CollectorTold {
            collector: collector.clone(),
            request_id: id.to_vec(),
            dataset: self.dataset.clone(),
            using_department: user.clone(),
        }));
        Ok(Outcome::DONE)
    }
}

fn duty(draft: &Draft<'_>, officer: &IdentityId) -> Result<String, Halt> {
    let officer: Option<Arc<wire::Identity>> = draft.before(&Place::identity(officer))?;
    Ok(officer.map(|it| it.duty.clone()).unwrap_or_default())
}

/// The officer's duty, and the code, must be on the consortium's lists.
fn entitled(draft: &Draft<'_>, duty: &str, it: &wire::OpenEmergency) -> Result<(), Halt> {
    let parameters = draft.parameters()?;
    if !parameters.emergency_duties.iter().any(|one| one == duty) {
        let duty = if duty.is_empty() { "none" } else { duty };
        return Err(Refusal::DutyMissing(duty.to_owned()).into());
    }
    if !parameters.emergency_codes.contains(&it.emergency_code) {
        return Err(Refusal::UnknownEmergencyCode(it.emergency_code.clone()).into());
    }
    Ok(())
}

/// Where it stands that emergency access to a dataset was refused. By the department, not by the officer or the duty: it
/// registers officers by itself, with any duty.
fn refused(department: &str, dataset: &str) -> Place {
    let parts = [b"e".as_slice(), department.as_bytes(), b"/", dataset.as_bytes()];
    Place::joined(&hash::hash(Domain::Repeat, &parts))
}

/// What was refused is not opened again at once.
fn not_refused(draft: &Draft<'_>, it: &wire::OpenEmergency) -> Result<(), Halt> {
    let known: Option<Arc<wire::Joined>> =
        draft.get(&refused(&it.using_department, &it.dataset))?;
    match known {
        Some(known) if draft.context().time.get() < known.until_ms => {
            let (dataset, until_ms) = (it.dataset.clone(), known.until_ms);
            Err(Refusal::EmergencyRefused { dataset, until_ms }.into())
        }
        Some(_) | None => Ok(()),
    }
}

/// A grant was refused its ratification: none like it for a while.
fn pauses(draft: &mut Draft<'_>, grant: &wire::Grant) -> Result<(), Halt> {
    let days = draft.parameters()?.emergency_pause_days;
    let until_ms = calendar::due(draft, days)?.get();
    let (number, since_ms) = (0, draft.context().time.get());
    let place = refused(&grant.using_department, &grant.dataset);
    draft.put(place, wire::Joined { number, since_ms, until_ms });
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

impl ItemKind for wire::RatifyEmergency {
    fn check(&self) -> Checked {
        stated!(self).check()?;
        code("manager", &self.manager)?;
        if self.ratify {
            id_if_given("reason_digest", &self.reason_digest)
        } else {
            id("reason_digest", &self.reason_digest)
        }
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        stated!(self).trails()
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        let id = RequestId::from_slice(&self.request_id).unwrap_or_default();
        let grant = grant::grant_of(draft, &id)?;
        if grant.kind() != GrantKind::Emergency {
            return Err(Refusal::NotEmergency(id.to_string()).into());
        }
        let by = grant::grantor(draft, signer, &grant, &self.manager)?;
        needs_officer(draft, signer)?;
        grant::same(&stated!(self), &grant)?;
        let mut grant = (*grant).clone();
        let as_manager = by == grant.manager;
        let done = if as_manager { grant.manager_ratified } else { grant.collector_ratified };
        let refused = grants::state(&grant) == GrantState::NotRatified;
        if done || refused {
            return Err(Refusal::AlreadyRatified { grant: id.to_string(), by }.into());
        }
        if self.ratify {
            let place = match as_manager {
                true => &mut grant.manager_ratified,
                false => &mut grant.collector_ratified,
            };
            *place = true;
            grant::put(draft, grant);
            return Ok(Outcome::DONE);
        }
        not_ratified(draft, &grant, &grant.using_department)?;
        pauses(draft, &grant)?;
        if grants::has_ended(grants::state(&grant)) {
            // Its time was over already: what remains is the event, and what was made of the data.
            grant.steps.push(grant::step(draft, GrantState::NotRatified, &by));
            marks::mark(draft, &grant.request_id)?;
            grant::put(draft, grant);
        } else {
            let told = Some(GrantEnd::NotRatified);
            grant::end(draft, grant, GrantState::NotRatified, &by, told)?;
        }
        Ok(Outcome::DONE)
    }
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
pub(crate) fn ratify_due(draft: &mut Draft<'_>, about: &[u8]) -> Result<(), Halt> {
    let id = RequestId::from_slice(about).unwrap_or_default();
    let grant = grant::grant_of(draft, &id)?;
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
