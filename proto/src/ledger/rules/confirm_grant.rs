//! The manager confirms an approved request, which makes the grant, or returns it.

use super::{decide_request, needs_officer, states_truly};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::RequestId;
use crate::wire::{self, GrantState, RequestState};

pub(super) fn apply(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::ConfirmGrant,
) -> Result<Outcome, Halt> {
    let manager = draft.actor(signer, &it.manager, wire::Right::Manage)?;
    needs_officer(draft, signer)?;
    let (id, request) = decide_request::open(draft, &it.request_id, RequestState::Approved)?;
    let asked = request.asked.clone().unwrap_or_default();
    let stated = [it.dataset.as_str(), &it.collector, &it.using_department];
    states_truly(&id.to_string(), stated, &asked)?;
    let bodies = three_bodies(draft, it, &manager)?;
    let mut request = (*request).clone();
    let state = if it.confirm { RequestState::Granted } else { RequestState::Returned };
    request.state = state as i32;
    request.changed_height = draft.context().height.get();
    request.changed_time_ms = draft.context().time.get();
    if it.confirm {
        let terms = request.approved.clone().unwrap_or_default();
        let grant = grant(draft, &id, it, asked, terms, bodies);
        draft.put(Place::grant(&id), grant);
    }
    draft.put(Place::request(&id), request);
    Ok(Outcome::DONE)
}

/// No body decides on what it is party to: the bodies of user, collector and manager.
fn three_bodies(
    draft: &Draft<'_>,
    it: &wire::ConfirmGrant,
    manager: &wire::Department,
) -> Result<[String; 3], Halt> {
    let user = draft.department(&it.using_department)?;
    let collector = draft.department(&it.collector)?;
    let bodies = [user.body.clone(), collector.body.clone(), manager.body.clone()];
    let [user, collector, manager] = &bodies;
    if user == collector || user == manager {
        return Err(Refusal::SameBody { body: user.clone() }.into());
    }
    if collector == manager {
        return Err(Refusal::SameBody { body: manager.clone() }.into());
    }
    Ok(bodies)
}

fn grant(
    draft: &Draft<'_>,
    id: &RequestId,
    it: &wire::ConfirmGrant,
    asked: wire::RequestAccess,
    terms: wire::Terms,
    [using_body, collector_body, manager_body]: [String; 3],
) -> wire::Grant {
    wire::Grant {
        request_id: id.to_vec(),
        dataset: asked.dataset,
        reference: asked.reference,
        using_department: asked.using_department,
        collector: asked.collector,
        manager: it.manager.clone(),
        using_body,
        collector_body,
        manager_body,
        purpose: asked.purpose,
        legal_basis: asked.legal_basis,
        terms: Some(terms),
        steps: vec![step(draft, GrantState::Active)],
    }
}

/// A step of a grant's life, made by this block.
pub(super) fn step(draft: &Draft<'_>, state: GrantState) -> wire::GrantStep {
    let context = draft.context();
    wire::GrantStep {
        height: context.height.get(),
        time_ms: context.time.get(),
        state: state as i32,
    }
}
