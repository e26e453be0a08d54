//! The collector wants a supplement before it answers, and its clock stops; with the supplement it
//! runs anew.

use super::needs_officer;
use super::sharing::{self, stated};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt};
use crate::tx::TxHeader;
use crate::wire::{self, Deadline, RequestState, Right};

pub(super) fn ask(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::AskSupplement,
) -> Result<Outcome, Halt> {
    draft.actor(signer, &it.collector, Right::Collect)?;
    needs_officer(draft, signer)?;
    let (id, request) = sharing::request(draft, &stated!(it), RequestState::Requested)?;
    sharing::keep(draft, &id, request, RequestState::Supplement, Deadline::Unspecified)?;
    Ok(Outcome::DONE)
}

pub(super) fn give(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::SupplementRequest,
) -> Result<Outcome, Halt> {
    draft.actor(signer, &it.using_department, Right::Use)?;
    needs_officer(draft, signer)?;
    let (id, request) = sharing::request(draft, &stated!(it), RequestState::Supplement)?;
    sharing::keep(draft, &id, request, RequestState::Requested, Deadline::Answer)?;
    Ok(Outcome::DONE)
}
