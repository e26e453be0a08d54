//! One of those who granted ends a grant.

use super::{confirm_grant::step, needs_officer};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::RequestId;
use crate::wire::{self, GrantState};
use std::sync::Arc;

pub(super) fn apply(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::RevokeGrant,
) -> Result<Outcome, Halt> {
    let as_manager = signer.department == it.manager;
    let (actor, right) = if as_manager {
        (&it.manager, wire::Right::Manage)
    } else {
        (&it.collector, wire::Right::Collect)
    };
    draft.actor(signer, actor, right)?;
    needs_officer(draft, signer)?;
    let id = RequestId::from_slice(&it.request_id).unwrap_or_default();
    let name = id.to_string();
    let grant: Option<Arc<wire::Grant>> = draft.get(&Place::grant(&id))?;
    let grant = grant.ok_or_else(|| Refusal::UnknownGrant(name.clone()))?;
    let stated = [
        (it.dataset == grant.dataset, "dataset"),
        (it.collector == grant.collector, "collector"),
        (it.using_department == grant.using_department, "using_department"),
        (it.manager == grant.manager, "manager"),
    ];
    if let Some((_, field)) = stated.into_iter().find(|(holds, _)| !holds) {
        return Err(Refusal::RequestContradiction { request: name, field }.into());
    }
    let state = grant.steps.last().map_or(GrantState::Unspecified, wire::GrantStep::state);
    if state == GrantState::Revoked {
        return Err(Refusal::GrantEnded(name).into());
    }
    let mut grant = (*grant).clone();
    grant.steps.push(step(draft, GrantState::Revoked));
    draft.put(Place::grant(&id), grant);
    Ok(Outcome::DONE)
}
