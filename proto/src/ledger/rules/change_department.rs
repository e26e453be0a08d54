//! A managing department suspends, reinstates or removes a member without a vote beneath it.

use super::{department, needs_officer};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal};
use crate::tx::TxHeader;
use crate::wire::{self, Right};

pub(super) fn apply(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::ChangeDepartment,
) -> Result<Outcome, Halt> {
    draft.actor(signer, &it.manager, Right::Manage)?;
    needs_officer(draft, signer)?;
    if !department::is_beneath(draft, &it.department, &it.manager)? {
        let (department, above) = (it.department.clone(), it.manager.clone());
        return Err(Refusal::NotBeneath { department, above }.into());
    }
    if department::has_vote(draft, &it.department)? {
        return Err(Refusal::HasVote(it.department.clone()).into());
    }
    department::change(draft, &it.department, it.change(), false)?;
    Ok(Outcome::DONE)
}
