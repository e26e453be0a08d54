//! One of those who granted stops a grant for a time; the same one lets it go on.

use super::sharing::{self, stated};
use super::{needs_officer, words};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal, grants};
use crate::tx::TxHeader;
use crate::wire::{self, GrantState};

pub(super) fn suspend(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::SuspendGrant,
) -> Result<Outcome, Halt> {
    let (_, grant) = sharing::grant(draft, &stated!(it))?;
    let by = sharing::grantor(draft, signer, &grant, &it.manager)?;
    needs_officer(draft, signer)?;
    next(draft, grant, GrantState::Active, GrantState::Suspended, &by)
}

pub(super) fn resume(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::ResumeGrant,
) -> Result<Outcome, Halt> {
    let (id, grant) = sharing::grant(draft, &stated!(it))?;
    let by = sharing::grantor(draft, signer, &grant, &it.manager)?;
    needs_officer(draft, signer)?;
    let suspended_by = grant.steps.last().map(|step| step.by.clone()).unwrap_or_default();
    if grants::state(&grant) == GrantState::Suspended && suspended_by != by {
        let grant = id.to_string();
        return Err(Refusal::SuspendedByOther { grant, by: suspended_by }.into());
    }
    next(draft, grant, GrantState::Suspended, GrantState::Active, &by)
}

fn next(
    draft: &mut Draft<'_>,
    mut grant: wire::Grant,
    from: GrantState,
    to: GrantState,
    by: &str,
) -> Result<Outcome, Halt> {
    let found = grants::state(&grant);
    if found != from {
        let (grant, state) = (hex::encode(&grant.request_id), words::grant(found));
        return Err(Refusal::GrantState { grant, state }.into());
    }
    grant.steps.push(sharing::step(draft, to, by));
    sharing::put(draft, grant);
    Ok(Outcome::DONE)
}
