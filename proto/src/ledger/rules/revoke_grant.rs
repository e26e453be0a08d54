//! One of those who granted ends a grant, and with it all that hangs from it.

use super::needs_officer;
use super::sharing::{self, stated};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt};
use crate::tx::TxHeader;
use crate::wire::{self, GrantState};

pub(super) fn apply(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::RevokeGrant,
) -> Result<Outcome, Halt> {
    let (_, grant) = sharing::grant(draft, &stated!(it))?;
    let by = sharing::grantor(draft, signer, &grant, &it.manager)?;
    needs_officer(draft, signer)?;
    sharing::end(draft, grant, GrantState::Revoked, &by, None)?;
    Ok(Outcome::DONE)
}
