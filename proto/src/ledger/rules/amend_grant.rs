//! One of those who granted makes a grant's terms narrower. Wider is a new request.

use super::sharing::{self, stated};
use super::{needs_officer, terms, timers};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, grants};
use crate::tx::TxHeader;
use crate::types::TimeMs;
use crate::wire::{self, TimerKind};

pub(super) fn apply(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::AmendGrant,
) -> Result<Outcome, Halt> {
    let (id, mut grant) = sharing::grant(draft, &stated!(it))?;
    let by = sharing::grantor(draft, signer, &grant, &it.manager)?;
    needs_officer(draft, signer)?;
    let amended = it.terms.clone().unwrap_or_default();
    let before = grants::terms(&grant).cloned().unwrap_or_default();
    terms::no_wider(&amended, &before)?;
    if amended.until_ms != before.until_ms {
        let until = TimeMs::new(amended.until_ms);
        timers::set(draft, until, TimerKind::GrantExpires, id.as_bytes());
    }
    let mut step = sharing::step(draft, grants::state(&grant), &by);
    // Whoever suspended it is still the one who may resume it.
    if let Some(last) = grant.steps.last().filter(|_| step.state() == wire::GrantState::Suspended) {
        step.by.clone_from(&last.by);
    }
    step.terms = Some(amended);
    grant.steps.push(step);
    sharing::put(draft, grant);
    Ok(Outcome::DONE)
}
