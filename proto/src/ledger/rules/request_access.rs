//! A using department asks for access to a dataset.

use super::{needs_officer, sharing, terms};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal, grants, sensitivity};
use crate::tx::TxHeader;
use crate::types::RequestId;
use crate::wire::{self, Category, Deadline, GrantKind, GrantState, RequestState};

pub(super) fn apply(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    number: u32,
    it: &wire::RequestAccess,
) -> Result<Outcome, Halt> {
    let user = draft.actor(signer, &it.using_department, wire::Right::Use)?;
    needs_officer(draft, signer)?;
    let entry = sharing::entry(draft, &it.dataset, &it.collector)?;
    let collector = draft.department(&it.collector)?;
    if collector.body == user.body {
        return Err(Refusal::SameBody(user.body.clone()).into());
    }
    sharing::listed(draft, &it.purpose, &it.legal_basis)?;
    let asked = it.terms.clone().unwrap_or_default();
    terms::check(draft, &asked, &entry, &it.using_department)?;
    renewal(draft, it)?;
    let id = signer.request_id(number);
    let mut request = sharing::begun(id, it.clone(), GrantKind::Unspecified);
    let (state, deadline) = match sensitivity::category(&entry, &asked.fields) {
        // Shared without condition: no decision is needed, only the confirmation.
        Category::Unconditional => {
            request.approved = Some(asked);
            (RequestState::Approved, Deadline::Confirm)
        }
        Category::NotShared if !statutory(draft, &it.legal_basis)? => {
            return Err(Refusal::NotShared(it.dataset.clone()).into());
        }
        _ => (RequestState::Requested, Deadline::Decide),
    };
    sharing::keep(draft, &id, request, state, deadline)?;
    Ok(Outcome::DONE)
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
    let before = sharing::grant_of(draft, &id)?;
    let same = before.dataset == it.dataset
        && before.collector == it.collector
        && before.using_department == it.using_department
        && grants::state(&before) != GrantState::Revoked;
    if same { Ok(()) } else { Err(Refusal::RenewalOther(id.to_string()).into()) }
}
