//! A using department asks for access to a dataset.

use super::{needs_officer, terms};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal, sensitivity};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::wire::{self, RequestState};

pub(super) fn apply(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    number: u32,
    it: &wire::RequestAccess,
) -> Result<Outcome, Halt> {
    let user = draft.actor(signer, &it.using_department, wire::Right::Use)?;
    needs_officer(draft, signer)?;
    let dataset = draft.dataset(&it.dataset)?;
    let registration = dataset.registration.clone().unwrap_or_default();
    if registration.collector != it.collector {
        let (dataset, collector) = (it.dataset.clone(), registration.collector);
        return Err(Refusal::DatasetOfOther { dataset, collector }.into());
    }
    let collector = draft.department(&it.collector)?;
    if collector.body == user.body {
        return Err(Refusal::SameBody { body: user.body.clone() }.into());
    }
    listed(draft, it)?;
    let asked = it.terms.clone().unwrap_or_default();
    terms::check(draft, &asked, &registration, &it.using_department)?;
    let (state, approved) = match sensitivity::category(&registration, &asked.fields) {
        // Shared without condition: no decision is needed, only the confirmation.
        wire::Category::Unconditional => (RequestState::Approved, Some(asked)),
        wire::Category::NotShared => return Err(Refusal::NotShared(it.dataset.clone()).into()),
        _ => (RequestState::Requested, None),
    };
    let id = signer.request_id(number);
    let request = wire::Request {
        request_id: id.to_vec(),
        asked: Some(it.clone()),
        state: state as i32,
        approved,
        changed_height: draft.context().height.get(),
        changed_time_ms: draft.context().time.get(),
    };
    draft.put(Place::request(&id), request);
    Ok(Outcome::DONE)
}

fn listed(draft: &Draft<'_>, it: &wire::RequestAccess) -> Result<(), Halt> {
    let parameters = draft.parameters()?;
    if !parameters.purposes.contains(&it.purpose) {
        return Err(Refusal::UnknownPurpose(it.purpose.clone()).into());
    }
    if !parameters.legal_bases.contains(&it.legal_basis) {
        return Err(Refusal::UnknownLegalBasis(it.legal_basis.clone()).into());
    }
    Ok(())
}
