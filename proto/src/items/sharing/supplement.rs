//! The collector wants a supplement before it answers, and its clock stops; with the supplement it
//! runs anew.

use crate::event::Outcome;
use crate::items::fields::{Checked, id};
use crate::items::kind::ItemKind;
use crate::items::sharing::grant::{self, stated};
use crate::ledger::{Draft, Halt, authority::needs_officer};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::wire::{self, Deadline, RequestState, Right};

impl ItemKind for wire::AskSupplement {
    fn check(&self) -> Checked {
        stated!(self).check()?;
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
        draft.actor(signer, &self.collector, Right::Collect)?;
        needs_officer(draft, signer)?;
        let (id, request) = grant::request(draft, &stated!(self), RequestState::Requested)?;
        grant::keep(draft, &id, request, RequestState::Supplement, Deadline::Unspecified)?;
        Ok(Outcome::DONE)
    }
}

impl ItemKind for wire::SupplementRequest {
    fn check(&self) -> Checked {
        stated!(self).check()?;
        id("supplement_digest", &self.supplement_digest)
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
        draft.actor(signer, &self.using_department, Right::Use)?;
        needs_officer(draft, signer)?;
        let (id, request) = grant::request(draft, &stated!(self), RequestState::Supplement)?;
        grant::keep(draft, &id, request, RequestState::Requested, Deadline::Answer)?;
        Ok(Outcome::DONE)
    }
}
