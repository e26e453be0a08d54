//! A managing department suspends, reinstates or removes a member without a vote beneath it.

use crate::event::Outcome;
use crate::items::fields::{Checked, code, id, standing_change};
use crate::items::kind::ItemKind;
use crate::items::member::department;
use crate::ledger::{Draft, Halt, Refusal, authority::needs_officer};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::wire::{self, Right, StandingChange};

impl ItemKind for wire::ChangeDepartment {
    fn check(&self) -> Checked {
        code("manager", &self.manager)?;
        code("department", &self.department)?;
        standing_change("change", self.change)?;
        id("reason_digest", &self.reason_digest)
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::department_trail(&self.department), Place::department_trail(&self.manager)]
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        draft.actor(signer, &self.manager, Right::Manage)?;
        needs_officer(draft, signer)?;
        if !department::is_beneath(draft, &self.department, &self.manager)? {
            let (department, above) = (self.department.clone(), self.manager.clone());
            return Err(Refusal::NotBeneath { department, above }.into());
        }
        if department::has_vote(draft, &self.department)? {
            return Err(Refusal::HasVote(self.department.clone()).into());
        }
        // Who asked for another root must hear its objection.
        let pending = draft.department(&self.department)?.pending_root.is_some();
        if pending && self.change() != StandingChange::Reinstate {
            return Err(Refusal::RootPending(self.department.clone()).into());
        }
        department::change(draft, &self.department, self.change(), false)?;
        Ok(Outcome::DONE)
    }
}
