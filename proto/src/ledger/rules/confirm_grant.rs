//! The manager confirms an approved request, which makes the grant, or returns it.

use super::needs_officer;
use super::sharing::{self, stated};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt};
use crate::tx::TxHeader;
use crate::wire::{self, Deadline, RequestState};

pub(super) fn apply(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::ConfirmGrant,
) -> Result<Outcome, Halt> {
    draft.actor(signer, &it.manager, wire::Right::Manage)?;
    needs_officer(draft, signer)?;
    let (id, request) = sharing::request(draft, &stated!(it), RequestState::Approved)?;
    let (user, collector) = (&it.using_department, &it.collector);
    sharing::manages(draft, &it.manager, collector, user)?;
    let bodies = sharing::three_bodies(draft, user, collector, &it.manager)?;
    let state = if it.confirm { RequestState::Granted } else { RequestState::Returned };
    if it.confirm {
        sharing::make(draft, &request, &it.manager, bodies);
    }
    sharing::keep(draft, &id, request, state, Deadline::Unspecified)?;
    Ok(Outcome::DONE)
}
