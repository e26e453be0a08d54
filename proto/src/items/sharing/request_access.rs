//! A using department asks for access to a dataset.

use crate::event::Outcome;
use crate::items::fields::{Checked, code, id, id_if_given};
use crate::items::kind::ItemKind;
use crate::items::sharing::{grant, grants, sensitivity, terms};
use crate::ledger::{Draft, Halt, Refusal, authority::needs_officer};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::RequestId;
use crate::wire::{self, Category, Deadline, GrantKind, GrantState, RequestState};

impl ItemKind for wire::RequestAccess {
    fn check(&self) -> Checked {
        code("dataset", &self.dataset)?;
        code("collector", &self.collector)?;
        code("using_department", &self.using_department)?;
        code("reference", &self.reference)?;
        code("purpose", &self.purpose)?;
        id("purpose_digest", &self.purpose_digest)?;
        code("legal_basis", &self.legal_basis)?;
        id_if_given("renews", &self.renews)?;
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
        let user = draft.actor(signer, &self.using_department, wire::Right::Use)?;
        needs_officer(draft, signer)?;
        let entry = grant::entry(draft, &self.dataset, &self.collector)?;
        let collector = draft.department(&self.collector)?;
        if collector.body == user.body {
            return Err(Refusal::SameBody(user.body.clone()).into());
        }
        grant::listed(draft, &self.purpose, &self.legal_basis)?;
        let asked = self.terms.clone().unwrap_or_default();
        terms::check(draft, &asked, &entry, &self.using_department)?;
        renewal(draft, self)?;
        let id = signer.request_id(number);
        let mut request = grant::begun(id, self.clone(), GrantKind::Unspecified);
        let (state, deadline) = match sensitivity::category(&entry, &asked.fields) {
            // Shared without condition: no decision is needed, only the confirmation.
            Category::Unconditional => {
                request.approved = Some(asked);
                (RequestState::Approved, Deadline::Confirm)
            }
            Category::NotShared if !statutory(draft, &self.legal_basis)? => {
                return Err(Refusal::NotShared(self.dataset.clone()).into());
            }
            Category::NotShared | Category::Conditional | Category::Unspecified => {
                (RequestState::Requested, Deadline::Decide)
            }
        };
        grant::keep(draft, &id, request, state, deadline)?;
        Ok(Outcome::DONE)
    }
}

fn statutory(draft: &Draft<'_>, basis: &str) -> Result<bool, Halt> {
    Ok(draft.parameters()?.statutory_bases.iter().any(|it| it == basis))
}

/// A renewal follows on a grant of the same parties and dataset that was not revoked.
fn renewal(draft: &Draft<'_>, it: &wire::RequestAccess) -> Result<(), Halt> {
    if it.renews.is_empty() {
        return Ok(());
    }
    let id = RequestId::from_slice(&it.renews).unwrap_or_default();
    let before = grant::grant_of(draft, &id)?;
    let same = before.dataset == it.dataset
        && before.collector == it.collector
        && before.using_department == it.using_department
        && grants::state(&before) != GrantState::Revoked;
    if same { Ok(()) } else { Err(Refusal::RenewalOther(id.to_string()).into()) }
}
