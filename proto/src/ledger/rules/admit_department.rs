//! A managing department admits a member without a vote beneath it.

use super::{department, needs_officer, words};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal};
use crate::tx::TxHeader;
use crate::wire::{self, Right};

pub(super) fn apply(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    number: u32,
    it: &wire::AdmitDepartment,
) -> Result<Outcome, Halt> {
    draft.actor(signer, &it.manager, Right::Manage)?;
    needs_officer(draft, signer)?;
    let new = it.department.clone().unwrap_or_default();
    let beneath = !new.parent.is_empty()
        && (new.parent == it.manager || department::is_beneath(draft, &new.parent, &it.manager)?);
    if !beneath {
        let (department, above) = (new.code, it.manager.clone());
        return Err(Refusal::NotBeneath { department, above }.into());
    }
    // Who audits and who rules is for all to say.
    for right in [Right::Audit, Right::Regulate] {
        if new.rights.contains(&(right as i32)) {
            return Err(Refusal::RightByVote(words::right(right)).into());
        }
    }
    department::admit(draft, &new, signer.identity_id(number))?;
    Ok(Outcome::DONE)
}
