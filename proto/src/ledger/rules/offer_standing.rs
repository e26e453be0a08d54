//! A collector offers open data to a class of departments; the manager confirms, and no department
//! of the class needs to ask.

use super::{needs_officer, sharing, terms};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal, sensitivity};
use crate::tx::TxHeader;
use crate::wire::{self, Category, Deadline, GrantKind, RequestState, Right};

pub(super) fn apply(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    number: u32,
    it: &wire::OfferStanding,
) -> Result<Outcome, Halt> {
    draft.actor(signer, &it.collector, Right::Collect)?;
    needs_officer(draft, signer)?;
    let entry = sharing::entry(draft, &it.dataset, &it.collector)?;
    let offered = it.terms.clone().unwrap_or_default();
    terms::fields_known(&offered, &entry)?;
    let unconditional = sensitivity::category(&entry, &offered.fields) == Category::Unconditional;
    if !unconditional || sensitivity::grade(&entry, &offered.fields) != 1 {
        return Err(Refusal::NotOpen(it.dataset.clone()).into());
    }
    let asked = wire::RequestAccess {
        dataset: it.dataset.clone(),
        collector: it.collector.clone(),
        reference: it.reference.clone(),
        terms: Some(offered.clone()),
        ..wire::RequestAccess::default()
    };
    let id = signer.request_id(number);
    let mut request = sharing::begun(id, asked, GrantKind::Standing);
    request.approved = Some(offered);
    request.class.clone_from(&it.class);
    sharing::keep(draft, &id, request, RequestState::Approved, Deadline::Confirm)?;
    Ok(Outcome::DONE)
}
