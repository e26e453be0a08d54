//! A department lost its root: its parent asks for new keys, which hold after a time for objection.

use crate::event::Outcome;
use crate::items::fields::{Checked, code, id, root_keys};
use crate::items::kind::ItemKind;
use crate::items::member::{department, identity};
use crate::ledger::{Draft, Halt, Refusal, authority::needs_officer, calendar, intervals, timers};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::TimeMs;
use crate::wire::{self, TimerKind};

impl ItemKind for wire::ReplaceRoot {
    fn check(&self) -> Checked {
        code("parent", &self.parent)?;
        code("department", &self.department)?;
        root_keys(self.root.as_ref())?;
        id("reason_digest", &self.reason_digest)
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::department_trail(&self.department), Place::department_trail(&self.parent)]
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        number: u32,
    ) -> Result<Outcome, Halt> {
        draft.acts_for(signer, &self.parent)?;
        needs_officer(draft, signer)?;
        let named = draft.department(&self.department)?;
        if named.parent != self.parent {
            let (department, parent) = (self.department.clone(), self.parent.clone());
            return Err(Refusal::NotParent { department, parent }.into());
        }
        if named.pending_root.is_some() {
            return Err(Refusal::RootPending(self.department.clone()).into());
        }
        if !named.successor.is_empty() {
            return Err(Refusal::AlreadySucceeded(self.department.clone()).into());
        }
        if !intervals::is_open(&named.standing) {
            let state = crate::ledger::words::SUSPENDED;
            return Err(Refusal::StandingIs { name: self.department.clone(), state }.into());
        }
        let id = signer.identity_id(number);
        department::next_root(draft, &self.department, id, self.root.as_ref())?;
        let days = draft.parameters()?.objection_days;
        let due = calendar::due(draft, days)?;
        let mut named = (*named).clone();
        named.pending_root = Some(wire::PendingRoot { root_id: id.to_vec(), due_ms: due.get() });
        draft.put(Place::department(&self.department), named);
        timers::set(draft, due, TimerKind::RootDue, self.department.as_bytes());
        Ok(Outcome::DONE)
    }
}

impl ItemKind for wire::ObjectToRoot {
    fn check(&self) -> Checked {
        code("department", &self.department)
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::department_trail(&self.department)]
    }

    /// The root is not lost: one of its keys objects, and it stays.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        let mut named = (*draft.acts_for(signer, &self.department)?).clone();
        if named.root_id != signer.identity.as_bytes() {
            return Err(Refusal::RootNeeded(self.department.clone()).into());
        }
        let pending = named.pending_root.take();
        let pending = pending.ok_or_else(|| Refusal::RootNotPending(self.department.clone()))?;
        draft.put(Place::department(&self.department), named);
        identity::end(draft, &pending.root_id)?;
        let due = TimeMs::new(pending.due_ms);
        timers::drop(draft, due, TimerKind::RootDue, self.department.as_bytes());
        Ok(Outcome::DONE)
    }
}

/// Nobody objected in time.
pub(crate) fn due(draft: &mut Draft<'_>, code: &str) -> Result<(), Halt> {
    let named = draft.department(code)?;
    match &named.pending_root {
        Some(pending) if pending.due_ms <= draft.context().time.get() => {
            department::take_root(draft, code, &pending.root_id.clone())
        }
        _ => Ok(()),
    }
}
