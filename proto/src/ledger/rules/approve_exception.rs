//! The lead allows that what is not shared is shared on a statutory basis, or does not.

use super::needs_lead;
use super::sharing::{self, stated};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal};
use crate::tx::TxHeader;
use crate::wire::{self, Deadline, RequestState};

pub(super) fn apply(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::ApproveException,
) -> Result<Outcome, Halt> {
    needs_lead(draft, signer, &it.lead)?;
    let (id, request) = sharing::request(draft, &stated!(it), RequestState::Exception)?;
    let lead = draft.department(&it.lead)?;
    for party in [&it.using_department, &it.collector] {
        if draft.department(party)?.body == lead.body {
            return Err(Refusal::SameBody(lead.body.clone()).into());
        }
    }
    let (state, deadline) = match it.approve {
        true => (RequestState::Approved, Deadline::Confirm),
        false => (RequestState::Refused, Deadline::Unspecified),
    };
    sharing::keep(draft, &id, request, state, deadline)?;
    Ok(Outcome::DONE)
}
