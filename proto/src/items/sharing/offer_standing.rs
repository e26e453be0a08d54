//! A collector offers open data to a class of departments, or of any data what is about himself to whoever asks through them (本人查询);
//! the manager confirms, and no department of the class needs to ask.

use crate::event::Outcome;
use crate::items::fields::{Checked, ascending, code, division, wrong};
use crate::items::kind::ItemKind;
use crate::items::sharing::{grant, sensitivity, terms};
use crate::ledger::{Draft, Halt, Refusal, authority::needs_officer};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::wire::{self, Category, Deadline, GrantKind, RequestState, Right};

impl ItemKind for wire::OfferStanding {
    fn check(&self) -> Checked {
        code("dataset", &self.dataset)?;
        code("collector", &self.collector)?;
        code("reference", &self.reference)?;
        let class = self.class.as_ref().ok_or_else(|| wrong("class", "a class is needed"))?;
        ascending("class.levels", &class.levels, 5)?;
        if let Some(level) = class.levels.iter().find(|level| !(1..=5).contains(*level)) {
            return Err(wrong("class.levels", format!("1 (province) to 5 (village), not {level}")));
        }
        division("class.division", &class.division)?;
        terms::well_formed(self.terms.as_ref(), false)
    }

    fn trails(&self, header: &TxHeader, number: u32) -> Vec<Place> {
        grant::begins(header, number, &self.dataset)
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        number: u32,
    ) -> Result<Outcome, Halt> {
        draft.actor(signer, &self.collector, Right::Collect)?;
        needs_officer(draft, signer)?;
        let entry = grant::entry(draft, &self.dataset, &self.collector)?;
        let offered = self.terms.clone().unwrap_or_default();
        terms::fields_known(&offered, &entry)?;
        let category = sensitivity::category(&entry, &offered.fields);
        let is_open =
            category == Category::Unconditional && sensitivity::grade(&entry, &offered.fields) == 1;
        // What is not shared is not shared with those whom it is about either, but on a request.
        let is_shared = category != Category::NotShared;
        if !(is_open || self.self_service && is_shared) {
            return Err(Refusal::NotOpen(self.dataset.clone()).into());
        }
        let asked = wire::RequestAccess {
            dataset: self.dataset.clone(),
            collector: self.collector.clone(),
            reference: self.reference.clone(),
            terms: Some(offered.clone()),
            ..wire::RequestAccess::default()
        };
        let id = signer.request_id(number);
        let mut request = grant::begun(id, asked, GrantKind::Standing);
        request.approved = Some(offered);
        request.class.clone_from(&self.class);
        request.self_service = self.self_service;
        grant::keep(draft, &id, request, RequestState::Approved, Deadline::Confirm)?;
        Ok(Outcome::DONE)
    }
}
