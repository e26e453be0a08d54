//! One of those who granted makes a grant's terms narrower. Wider is a new request.

use crate::event::Outcome;
use crate::items::fields::{Checked, code_if_given, id};
use crate::items::kind::ItemKind;
use crate::items::sharing::{
    grant::{self, stated},
    grants, terms,
};
use crate::ledger::{Draft, Halt, Refusal, authority::needs_officer, timers};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::TimeMs;
use crate::wire::{self, TimerKind};

impl ItemKind for wire::AmendGrant {
    fn check(&self) -> Checked {
        stated!(self).check()?;
        code_if_given("manager", &self.manager)?;
        id("reason_digest", &self.reason_digest)?;
        // A grant for a class names no identities.
        let named = self.terms.as_ref().is_some_and(|terms| !terms.identity_ids.is_empty());
        terms::well_formed(self.terms.as_ref(), named)
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        stated!(self).trails()
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        let (id, mut grant) = grant::grant(draft, &stated!(self))?;
        let by = grant::grantor(draft, signer, &grant, &self.manager)?;
        needs_officer(draft, signer)?;
        let amended = self.terms.clone().unwrap_or_default();
        let before = grants::terms(&grant).cloned().unwrap_or_default();
        terms::no_wider(&amended, &before)?;
        if amended == before {
            return Err(Refusal::NothingChanges(id.to_string()).into());
        }
        grant::has_room(&grant)?;
        if amended.until_ms != before.until_ms {
            let until = TimeMs::new(amended.until_ms);
            timers::set(draft, until, TimerKind::GrantExpires, id.as_bytes());
        }
        let mut step = grant::step(draft, grants::state(&grant), &by);
        // Whoever suspended it is still the one who may resume it.
        if let Some(last) =
            grant.steps.last().filter(|_| step.state() == wire::GrantState::Suspended)
        {
            step.by.clone_from(&last.by);
        }
        step.terms = Some(amended);
        grant.steps.push(step);
        grant::put(draft, grant);
        Ok(Outcome::DONE)
    }
}
