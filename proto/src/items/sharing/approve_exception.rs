//! The lead allows that what is not shared is shared on a statutory basis, or does not.

use crate::event::Outcome;
use crate::items::fields::{Checked, code, id, id_if_given};
use crate::items::kind::ItemKind;
use crate::items::sharing::grant::{self, stated};
use crate::ledger::{Draft, Halt, Refusal, authority::needs_lead};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::wire::{self, Deadline, RequestState};

impl ItemKind for wire::ApproveException {
    fn check(&self) -> Checked {
        stated!(self).check()?;
        code("lead", &self.lead)?;
        if self.approve {
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
        needs_lead(draft, signer, &self.lead)?;
        let (id, request) = grant::request(draft, &stated!(self), RequestState::Exception)?;
        let lead = draft.department(&self.lead)?;
        for party in [&self.using_department, &self.collector] {
            if draft.department(party)?.body == lead.body {
                return Err(Refusal::SameBody(lead.body.clone()).into());
            }
        }
        let (state, deadline) = match self.approve {
            true => (RequestState::Approved, Deadline::Confirm),
            false => (RequestState::Refused, Deadline::Unspecified),
        };
        grant::keep(draft, &id, request, state, deadline)?;
        Ok(Outcome::DONE)
    }
}
