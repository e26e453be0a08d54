//! The collector approves a request, perhaps narrower, or refuses it.

use super::{needs_officer, states_truly, terms};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::RequestId;
use crate::wire::{self, RequestState};
use std::sync::Arc;

pub(super) fn apply(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::DecideRequest,
) -> Result<Outcome, Halt> {
    draft.actor(signer, &it.collector, wire::Right::Collect)?;
    needs_officer(draft, signer)?;
    let (id, request) = open(draft, &it.request_id, RequestState::Requested)?;
    let asked = request.asked.clone().unwrap_or_default();
    states_truly(&id.to_string(), [&it.dataset, &it.collector, &it.using_department], &asked)?;
    let mut request = (*request).clone();
    request.state = RequestState::Refused as i32;
    if it.approve {
        let approved = it.terms.clone().unwrap_or_default();
        terms::no_wider(&approved, &asked.terms.unwrap_or_default())?;
        let dataset = draft.dataset(&it.dataset)?.registration.clone().unwrap_or_default();
        terms::check(draft, &approved, &dataset, &it.using_department)?;
        request.state = RequestState::Approved as i32;
        request.approved = Some(approved);
    }
    request.changed_height = draft.context().height.get();
    request.changed_time_ms = draft.context().time.get();
    draft.put(Place::request(&id), request);
    Ok(Outcome::DONE)
}

/// The request of an id, which must be in this state.
pub(super) fn open(
    draft: &Draft<'_>,
    id: &[u8],
    state: RequestState,
) -> Result<(RequestId, Arc<wire::Request>), Halt> {
    let id = RequestId::from_slice(id).unwrap_or_default();
    let name = id.to_string();
    let request: Option<Arc<wire::Request>> = draft.get(&Place::request(&id))?;
    let request = request.ok_or_else(|| Refusal::UnknownRequest(name.clone()))?;
    if request.state() != state {
        return Err(Refusal::RequestState { request: name, state: request.state() }.into());
    }
    Ok((id, request))
}
