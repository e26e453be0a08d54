//! A succession made two of a grant's three parties one body: a manager of a third body takes the
//! grant on. Where user and collector are one, nobody can: what they do is then internal.

use crate::event::Outcome;
use crate::items::fields::{Checked, code};
use crate::items::kind::ItemKind;
use crate::items::sharing::{
    grant::{self, stated},
    grants,
};
use crate::ledger::unless_refused;
use crate::ledger::{Draft, Halt, Refusal, authority::needs_officer, former};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::wire::{self, GrantState};

impl ItemKind for wire::ReconfirmGrant {
    fn check(&self) -> Checked {
        stated!(self).check()?;
        code("manager", &self.manager)
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
        draft.actor(signer, &self.manager, wire::Right::Manage)?;
        needs_officer(draft, signer)?;
        let (id, mut grant) = grant::grant(draft, &stated!(self))?;
        let (user, collector) = (&self.using_department, &self.collector);
        let bodies = grant::three_bodies(draft, user, collector, &grant.manager);
        if unless_refused(bodies)?.is_some() {
            return Err(Refusal::PartiesDiffer(id.to_string()).into());
        }
        grant::manages(draft, &self.manager, collector, user)?;
        let bodies = grant::three_bodies(draft, user, collector, &self.manager)?;
        let named = grants::terms(&grant).map(|it| it.identity_ids.clone()).unwrap_or_default();
        grant::operators_apart(draft, &named, &self.manager)?;
        [grant.using_body, grant.collector_body, grant.manager_body] = bodies;
        let before = std::mem::replace(&mut grant.manager, self.manager.clone());
        let mut step = grant::step(draft, grants::state(&grant), &self.manager);
        // Whoever suspended it may still resume it; for the manager before, the new one.
        let suspended = step.state() == GrantState::Suspended;
        if let Some(last) = grant.steps.last().filter(|last| suspended && last.by != before) {
            step.by.clone_from(&last.by);
        }
        grant.steps.push(step);
        former::keep_grant(draft, &mut grant)?;
        grant::put(draft, grant);
        Ok(Outcome::DONE)
    }
}
