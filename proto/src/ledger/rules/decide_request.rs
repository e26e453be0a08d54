//! The collector approves a request, perhaps narrower, or refuses it.

use super::sharing::{self, stated};
use super::{needs_officer, terms};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, sensitivity};
use crate::tx::TxHeader;
use crate::wire::{self, Category, Deadline, GrantKind, RequestState};

pub(super) fn apply(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::DecideRequest,
) -> Result<Outcome, Halt> {
    draft.actor(signer, &it.collector, wire::Right::Collect)?;
    needs_officer(draft, signer)?;
    let (id, mut request) = sharing::request(draft, &stated!(it), RequestState::Requested)?;
    if !it.approve {
        sharing::keep(draft, &id, request, RequestState::Refused, Deadline::Unspecified)?;
        return Ok(Outcome::DONE);
    }
    let asked = request.asked.clone().unwrap_or_default();
    let approved = it.terms.clone().unwrap_or_default();
    terms::no_wider(&approved, &asked.terms.unwrap_or_default())?;
    let entry = sharing::entry(draft, &it.dataset, &it.collector)?;
    terms::check(draft, &approved, &entry, &it.using_department)?;
    let category = sensitivity::category(&entry, &approved.fields);
    request.approved = Some(approved);
    let (state, deadline) = match (request.kind(), category) {
        // What is passed on was confirmed when it was granted.
        (GrantKind::Delegated, _) => {
            super::delegate_grant::make(draft, &request)?;
            (RequestState::Granted, Deadline::Unspecified)
        }
        (_, Category::NotShared) => (RequestState::Exception, Deadline::Exception),
        _ => (RequestState::Approved, Deadline::Confirm),
    };
    sharing::keep(draft, &id, request, state, deadline)?;
    Ok(Outcome::DONE)
}
