//! A succession made two of a grant's three parties one body: a manager of a third body takes the
//! grant on. Where user and collector are one, nobody can: what they do is then internal.

use super::sharing::{self, stated};
use super::{former, needs_officer};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal, grants};
use crate::tx::TxHeader;
use crate::wire::{self, GrantState};

pub(super) fn apply(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::ReconfirmGrant,
) -> Result<Outcome, Halt> {
    draft.actor(signer, &it.manager, wire::Right::Manage)?;
    needs_officer(draft, signer)?;
    let (id, mut grant) = sharing::grant(draft, &stated!(it))?;
    let (user, collector) = (&it.using_department, &it.collector);
    if sharing::three_bodies(draft, user, collector, &grant.manager).is_ok() {
        return Err(Refusal::PartiesDiffer(id.to_string()).into());
    }
    sharing::manages(draft, &it.manager, collector, user)?;
    let bodies = sharing::three_bodies(draft, user, collector, &it.manager)?;
    [grant.using_body, grant.collector_body, grant.manager_body] = bodies;
    let before = std::mem::replace(&mut grant.manager, it.manager.clone());
    let mut step = sharing::step(draft, grants::state(&grant), &it.manager);
    // Whoever suspended it may still resume it; for the manager before, the new one.
    let suspended = step.state() == GrantState::Suspended;
    if let Some(last) = grant.steps.last().filter(|last| suspended && last.by != before) {
        step.by.clone_from(&last.by);
    }
    grant.steps.push(step);
    former::keep_grant(draft, &mut grant)?;
    sharing::put(draft, grant);
    Ok(Outcome::DONE)
}
