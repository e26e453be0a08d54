//! The collector approves a request, perhaps narrower, or refuses it.

use crate::event::Outcome;
use crate::items::fields::{Checked, ensure, id, id_if_given};
use crate::items::kind::ItemKind;
use crate::items::sharing::{
    grant::{self, stated},
    sensitivity, terms,
};
use crate::ledger::{Draft, Halt, authority::needs_officer};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::wire::{self, Category, Deadline, GrantKind, RequestState};

impl ItemKind for wire::DecideRequest {
    fn check(&self) -> Checked {
        stated!(self).check()?;
        id_if_given("reason_digest", &self.reason_digest)?;
        if self.approve {
            return terms::well_formed(self.terms.as_ref(), true);
        }
        ensure(self.terms.is_none(), "terms", "a refusal has no terms")?;
        id("reason_digest", &self.reason_digest)
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
        draft.actor(signer, &self.collector, wire::Right::Collect)?;
        needs_officer(draft, signer)?;
        let (id, mut request) = grant::request(draft, &stated!(self), RequestState::Requested)?;
        if !self.approve {
            grant::keep(draft, &id, request, RequestState::Refused, Deadline::Unspecified)?;
            return Ok(Outcome::DONE);
        }
        let asked = request.asked.clone().unwrap_or_default();
        let approved = self.terms.clone().unwrap_or_default();
        terms::no_wider(&approved, &asked.terms.unwrap_or_default())?;
        let entry = grant::entry(draft, &self.dataset, &self.collector)?;
        terms::check(draft, &approved, &entry, &self.using_department)?;
        let category = sensitivity::category(&entry, &approved.fields);
        request.approved = Some(approved);
        let (state, deadline) = match (request.kind(), category) {
            // What is passed on was confirmed when it was granted.
            (GrantKind::Delegated, _) => {
                crate::items::sharing::delegate_grant::make(draft, &request)?;
                (RequestState::Granted, Deadline::Unspecified)
            }
            (_, Category::NotShared) => (RequestState::Exception, Deadline::Exception),
            (_, Category::Unspecified | Category::Unconditional | Category::Conditional) => {
                (RequestState::Approved, Deadline::Confirm)
            }
        };
        grant::keep(draft, &id, request, state, deadline)?;
        Ok(Outcome::DONE)
    }
}
