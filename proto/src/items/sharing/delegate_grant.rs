//! A grantee passes its grant on, no wider in any respect, to a department beneath it in government
//! or in its line. It holds while everything that it hangs from does.

use crate::event::Outcome;
use crate::items::fields::{Checked, code};
use crate::items::kind::ItemKind;
use crate::items::member::department;
use crate::items::sharing::{
    grant::{self, stated},
    grants, terms,
};
use crate::ledger::{Draft, Halt, Refusal, authority::needs_officer, words};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::{RequestId, limits};
use crate::wire::{
    self, Deadline, Delegation, GrantKind, GrantState, RequestState, Right, ledger_event::Kind,
};

impl ItemKind for wire::DelegateGrant {
    fn check(&self) -> Checked {
        stated!(self).check()?;
        code("using_department", &self.using_department)?;
        code("delegate", &self.delegate)?;
        code("reference", &self.reference)?;
        terms::well_formed(self.terms.as_ref(), true)
    }

    fn trails(&self, header: &TxHeader, number: u32) -> Vec<Place> {
        let mut trails = grant::begins(header, number, &self.dataset);
        trails.extend(grant::trail(&self.request_id));
        trails
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        number: u32,
    ) -> Result<Outcome, Halt> {
        draft.actor(signer, &self.using_department, Right::Use)?;
        needs_officer(draft, signer)?;
        let (parent_id, parent) = grant::grant(draft, &stated!(self))?;
        let delegate = draft.department(&self.delegate)?;
        if !delegate.rights.contains(&(Right::Use as i32)) {
            let (department, right) = (self.delegate.clone(), words::right(Right::Use));
            return Err(Refusal::RightMissing { department, right }.into());
        }
        is_below(draft, &self.delegate, &self.using_department)?;
        let passed_on = self.terms.clone().unwrap_or_default();
        let wider = grants::terms(&parent).cloned().unwrap_or_default();
        may_pass_on(&parent, &wider)?;
        fits(draft, self, &passed_on, &wider)?;
        grant::three_bodies(draft, &self.delegate, &self.collector, &parent.manager)?;
        let asked = wire::RequestAccess {
            dataset: self.dataset.clone(),
            collector: self.collector.clone(),
            using_department: self.delegate.clone(),
            reference: self.reference.clone(),
            purpose: parent.purpose.clone(),
            legal_basis: parent.legal_basis.clone(),
            terms: Some(passed_on.clone()),
            ..wire::RequestAccess::default()
        };
        let id = signer.request_id(number);
        let mut request = grant::begun(id, asked, GrantKind::Delegated);
        request.parent_id = parent_id.to_vec();
        request.depth = parent.depth.saturating_add(1);
        if wider.delegation() == Delegation::Approve {
            grant::keep(draft, &id, request, RequestState::Requested, Deadline::Decide)?;
            return Ok(Outcome::DONE);
        }
        request.approved = Some(passed_on);
        make(draft, &request)?;
        grant::keep(draft, &id, request, RequestState::Granted, Deadline::Unspecified)?;
        draft.emit(Kind::CollectorTold(wire::CollectorTold {
            collector: self.collector.clone(),
            request_id: id.to_vec(),
            dataset: self.dataset.clone(),
            using_department: self.delegate.clone(),
        }));
        Ok(Outcome::DONE)
    }
}

/// Beneath in government, or guided by it in its line.
fn is_below(draft: &Draft<'_>, delegate: &str, above: &str) -> Result<(), Halt> {
    let below = department::is_beneath(draft, delegate, above)?
        || department::is_guided(draft, delegate, above)?;
    if below {
        return Ok(());
    }
    let (department, above) = (delegate.to_owned(), above.to_owned());
    Err(Refusal::NotBeneath { department, above }.into())
}

fn may_pass_on(parent: &wire::Grant, terms: &wire::Terms) -> Result<(), Halt> {
    let name = || hex::encode(&parent.request_id);
    let state = grants::state(parent);
    if state != GrantState::Active {
        return Err(Refusal::GrantState { grant: name(), state: words::grant(state) }.into());
    }
    let ordinary = matches!(parent.kind(), GrantKind::Unspecified | GrantKind::Delegated);
    if !ordinary || terms.delegation() == Delegation::Unspecified {
        return Err(Refusal::NoDelegation(name()).into());
    }
    Ok(())
}

/// No wider in any respect, but for its own identities; and one step less may follow.
fn fits(
    draft: &Draft<'_>,
    it: &wire::DelegateGrant,
    passed_on: &wire::Terms,
    wider: &wire::Terms,
) -> Result<(), Halt> {
    let same_people = wire::Terms { identity_ids: passed_on.identity_ids.clone(), ..wider.clone() };
    terms::no_wider(passed_on, &same_people)?;
    if passed_on.delegation_depth >= wider.delegation_depth {
        return Err(Refusal::TooDeep.into());
    }
    let entry = grant::entry(draft, &it.dataset, &it.collector)?;
    terms::check(draft, passed_on, &entry, &it.delegate)
}

/// Makes the grant of a request that passes another grant on, and hangs it from that one.
pub(crate) fn make(draft: &mut Draft<'_>, request: &wire::Request) -> Result<(), Halt> {
    let mut above = request.parent_id.clone();
    let mut manager = String::new();
    let mut direct = true;
    // As deep as grants are passed on.
    while let Ok(id) = RequestId::from_slice(&above) {
        let mut grant = (*grant::grant_of(draft, &id)?).clone();
        let state = grants::state(&grant);
        if state != GrantState::Active {
            let (grant, state) = (id.to_string(), words::grant(state));
            return Err(Refusal::GrantState { grant, state }.into());
        }
        if grant.descendants >= limits::DESCENDANTS {
            return Err(Refusal::TooManyDelegated(id.to_string()).into());
        }
        grant.descendants = grant.descendants.saturating_add(1);
        if direct {
            grant.children.push(request.request_id.clone());
            manager.clone_from(&grant.manager);
        }
        still_fits(request, &grant)?;
        direct = false;
        above.clone_from(&grant.parent_id);
        grant::put(draft, grant);
    }
    let asked = request.asked.clone().unwrap_or_default();
    let (user, collector) = (&asked.using_department, &asked.collector);
    let bodies = grant::three_bodies(draft, user, collector, &manager)?;
    let approved = request.approved.clone().unwrap_or_default();
    grant::operators_apart(draft, &approved.identity_ids, &manager)?;
    grant::make(draft, request, &manager, bodies);
    Ok(())
}

/// What a grant above has become since it was asked for, or passed on itself: still no narrower, and
/// to be passed on so many times.
fn still_fits(request: &wire::Request, above: &wire::Grant) -> Result<(), Halt> {
    let approved = request.approved.clone().unwrap_or_default();
    let wider = grants::terms(above).cloned().unwrap_or_default();
    let steps = request.depth.saturating_sub(above.depth);
    if approved.delegation_depth.saturating_add(steps) > wider.delegation_depth {
        return Err(Refusal::TooDeep.into());
    }
    let people = approved.identity_ids.clone();
    Ok(terms::no_wider(&approved, &wire::Terms { identity_ids: people, ..wider })?)
}
