//! A department lost its root: its parent asks for new keys, which hold after a time for objection.

use super::{department, identity, needs_officer, timers};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal, calendar, intervals};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::TimeMs;
use crate::wire::{self, TimerKind};

pub(super) fn apply(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    number: u32,
    it: &wire::ReplaceRoot,
) -> Result<Outcome, Halt> {
    draft.acts_for(signer, &it.parent)?;
    needs_officer(draft, signer)?;
    let named = draft.department(&it.department)?;
    if named.parent != it.parent {
        let (department, parent) = (it.department.clone(), it.parent.clone());
        return Err(Refusal::NotParent { department, parent }.into());
    }
    if named.pending_root.is_some() {
        return Err(Refusal::RootPending(it.department.clone()).into());
    }
    if !named.successor.is_empty() {
        return Err(Refusal::AlreadySucceeded(it.department.clone()).into());
    }
    if !intervals::is_open(&named.standing) {
        let state = super::words::SUSPENDED;
        return Err(Refusal::StandingIs { name: it.department.clone(), state }.into());
    }
    let id = signer.identity_id(number);
    department::next_root(draft, &it.department, id, it.root.as_ref())?;
    let days = draft.parameters()?.objection_days;
    let due = calendar::due(draft, days)?;
    let mut named = (*named).clone();
    named.pending_root = Some(wire::PendingRoot { root_id: id.to_vec(), due_ms: due.get() });
    draft.put(Place::department(&it.department), named);
    timers::set(draft, due, TimerKind::RootDue, it.department.as_bytes());
    Ok(Outcome::DONE)
}

/// The root is not lost: one of its keys objects, and it stays.
pub(super) fn object(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::ObjectToRoot,
) -> Result<Outcome, Halt> {
    let mut named = (*draft.acts_for(signer, &it.department)?).clone();
    if named.root_id != signer.identity.as_bytes() {
        return Err(Refusal::RootNeeded(it.department.clone()).into());
    }
    let pending = named.pending_root.take();
    let pending = pending.ok_or_else(|| Refusal::RootNotPending(it.department.clone()))?;
    draft.put(Place::department(&it.department), named);
    identity::end(draft, &pending.root_id)?;
    let due = TimeMs::new(pending.due_ms);
    timers::drop(draft, due, TimerKind::RootDue, it.department.as_bytes());
    Ok(Outcome::DONE)
}

/// Nobody objected in time.
pub(super) fn due(draft: &mut Draft<'_>, code: &str) -> Result<(), Halt> {
    let named = draft.department(code)?;
    match &named.pending_root {
        Some(pending) if pending.due_ms <= draft.context().time.get() => {
            department::take_root(draft, code, &pending.root_id.clone())
        }
        _ => Ok(()),
    }
}
