//! The manager confirms an approved request, which makes the grant, or returns it.

use crate::event::Outcome;
use crate::items::fields::{Checked, code, id, id_if_given};
use crate::items::kind::ItemKind;
use crate::items::sharing::grant::{self, stated};
use crate::ledger::{Draft, Halt, authority::needs_officer};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::wire::{self, Deadline, RequestState};

impl ItemKind for wire::ConfirmGrant {
    fn check(&self) -> Checked {
        stated!(self).check()?;
        code("manager", &self.manager)?;
        if self.confirm {
            id_if_given("reason_digest", &self.reason_digest)
        } else {
            id("reason_digest", &self.reason_digest)
        }
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
        let (id, request) = grant::request(draft, &stated!(self), RequestState::Approved)?;
        let (user, collector) = (&self.using_department, &self.collector);
        grant::manages(draft, &self.manager, collector, user)?;
        let bodies = grant::three_bodies(draft, user, collector, &self.manager)?;
        let state = if self.confirm { RequestState::Granted } else { RequestState::Returned };
        if self.confirm {
            let approved = request.approved.clone().unwrap_or_default();
            grant::operators_apart(draft, &approved.identity_ids, &self.manager)?;
            grant::make(draft, &request, &self.manager, bodies);
        }
        grant::keep(draft, &id, request, state, Deadline::Unspecified)?;
        Ok(Outcome::DONE)
    }
}
