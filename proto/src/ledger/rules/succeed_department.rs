//! The lead carries out a succession between members without a vote.

use super::{department, needs_lead};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal};
use crate::tx::TxHeader;
use crate::wire;

pub(super) fn apply(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::SucceedDepartment,
) -> Result<Outcome, Halt> {
    needs_lead(draft, signer, &it.lead)?;
    let succession = it.succession.clone().unwrap_or_default();
    for code in [&succession.from, &succession.to] {
        if department::has_vote(draft, code)? {
            return Err(Refusal::HasVote(code.clone()).into());
        }
    }
    department::succeed(draft, &succession)?;
    Ok(Outcome::DONE)
}
