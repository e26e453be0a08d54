//! A collector permits access within its own body, alone.

use crate::event::Outcome;
use crate::items::fields::{Checked, code};
use crate::items::kind::ItemKind;
use crate::items::sharing::{grant, terms};
use crate::ledger::{Draft, Halt, Refusal, authority::needs_officer};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::wire::{self, Deadline, GrantKind, RequestState, Right};

impl ItemKind for wire::GivePermit {
    fn check(&self) -> Checked {
        code("dataset", &self.dataset)?;
        code("collector", &self.collector)?;
        code("reference", &self.reference)?;
        code("duty", &self.duty)?;
        code("purpose", &self.purpose)?;
        terms::well_formed(self.terms.as_ref(), true)
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
        let collector = draft.actor(signer, &self.collector, Right::Collect)?;
        needs_officer(draft, signer)?;
        let entry = grant::entry(draft, &self.dataset, &self.collector)?;
        grant::listed_purpose(draft, &self.purpose)?;
        let permitted = self.terms.clone().unwrap_or_default();
        terms::fields_known(&permitted, &entry)?;
        for id in &permitted.identity_ids {
            let identity = crate::items::member::identity::get(draft, id)?;
            if draft.department(&identity.department)?.body != collector.body {
                return Err(Refusal::PermitOutside(hex::encode(id)).into());
            }
        }
        let asked = wire::RequestAccess {
            dataset: self.dataset.clone(),
            collector: self.collector.clone(),
            using_department: self.collector.clone(),
            reference: self.reference.clone(),
            purpose: self.purpose.clone(),
            terms: Some(permitted.clone()),
            ..wire::RequestAccess::default()
        };
        let id = signer.request_id(number);
        let mut request = grant::begun(id, asked, GrantKind::Internal);
        request.approved = Some(permitted);
        let body = collector.body.clone();
        grant::make(draft, &request, "", [body.clone(), body, String::new()]);
        grant::keep(draft, &id, request, RequestState::Granted, Deadline::Unspecified)?;
        Ok(Outcome::DONE)
    }
}
