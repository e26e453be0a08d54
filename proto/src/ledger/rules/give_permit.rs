//! A collector permits access within its own body, alone.

use super::{needs_officer, sharing, terms};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal};
use crate::tx::TxHeader;
use crate::wire::{self, Deadline, GrantKind, RequestState, Right};

pub(super) fn apply(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    number: u32,
    it: &wire::GivePermit,
) -> Result<Outcome, Halt> {
    let collector = draft.actor(signer, &it.collector, Right::Collect)?;
    needs_officer(draft, signer)?;
    let entry = sharing::entry(draft, &it.dataset, &it.collector)?;
    sharing::listed_purpose(draft, &it.purpose)?;
    let permitted = it.terms.clone().unwrap_or_default();
    terms::fields_known(&permitted, &entry)?;
    for id in &permitted.identity_ids {
        let identity = super::identity::get(draft, id)?;
        if draft.department(&identity.department)?.body != collector.body {
            return Err(Refusal::PermitOutside(hex::encode(id)).into());
        }
    }
    let asked = wire::RequestAccess {
        dataset: it.dataset.clone(),
        collector: it.collector.clone(),
        using_department: it.collector.clone(),
        reference: it.reference.clone(),
        purpose: it.purpose.clone(),
        terms: Some(permitted.clone()),
        ..wire::RequestAccess::default()
    };
    let id = signer.request_id(number);
    let mut request = sharing::begun(id, asked, GrantKind::Internal);
    request.approved = Some(permitted);
    let body = collector.body.clone();
    sharing::make(draft, &request, "", [body.clone(), body, String::new()]);
    sharing::keep(draft, &id, request, RequestState::Granted, Deadline::Unspecified)?;
    Ok(Outcome::DONE)
}
