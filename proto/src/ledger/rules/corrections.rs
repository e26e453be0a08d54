//! Records under a wrong mapping are judged again (校核纠错), with the consent of the department that
//! this burdens, or by a ruling. The originals stay.

use super::{gateways, identity, needs_keeper, needs_officer, words};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::IdKind;
use crate::wire::{self, CorrectionEnd, Right, ledger_event::Kind};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The collector proposes a correction; where it burdens its own department, it takes effect.
pub(super) fn propose(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    number: u32,
    it: &wire::CorrectRecords,
) -> Result<Outcome, Halt> {
    draft.actor(signer, &it.collector, Right::Collect)?;
    needs_keeper(draft, signer)?;
    let mut pairs = vec![(&it.gateway_id, &it.collector), (&it.to_identity_id, &it.to_department)];
    if !it.from_identity_id.is_empty() {
        pairs.push((&it.from_identity_id, &it.from_department));
    }
    for (id, department) in pairs {
        identity::must_be_of(draft, id, department)?;
    }
    for record in &it.records {
        super::record_access::datasets_known(draft, record)?;
        if !gateways::is_numbered(draft, &it.gateway_id, record.access_no)? {
            return Err(Refusal::NotRecorded(record.access_no).into());
        }
    }
    let id = signer.made_id(IdKind::Correction, number);
    let end = CorrectionEnd::Unspecified as i32;
    let correction = wire::Correction { corrected: Some(it.clone()), end };
    draft.put(Place::correction(id.as_bytes()), correction);
    if it.to_department == it.collector {
        needs_officer(draft, signer)?;
        take_effect(draft, id.as_bytes(), CorrectionEnd::Agreed)?;
    }
    Ok(Outcome::DONE)
}

/// A correction that waits, or that was declined.
pub(super) fn of(draft: &Draft<'_>, id: &[u8]) -> Result<Arc<wire::Correction>, Halt> {
    let correction: Option<Arc<wire::Correction>> = draft.get(&Place::correction(id))?;
    correction.ok_or_else(|| Refusal::UnknownCorrection(hex::encode(id)).into())
}

/// The department burdened agrees, or not.
pub(super) fn agree(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::AgreeCorrection,
) -> Result<Outcome, Halt> {
    draft.acts_for(signer, &it.department)?;
    needs_officer(draft, signer)?;
    let correction = of(draft, &it.correction_id)?;
    let burdened = correction.corrected.as_ref().map_or("", |it| it.to_department.as_str());
    if burdened != it.department {
        let (stated, signer) = (burdened.to_owned(), it.department.clone());
        return Err(Refusal::NotTheActor { stated, signer }.into());
    }
    if correction.end() != CorrectionEnd::Unspecified {
        let (name, state) = (hex::encode(&it.correction_id), words::CLOSED);
        return Err(Refusal::CorrectionState { name, state }.into());
    }
    if it.agree {
        take_effect(draft, &it.correction_id, CorrectionEnd::Agreed)?;
    } else {
        let end = CorrectionEnd::Declined as i32;
        let place = Place::correction(&it.correction_id);
        draft.put(place, wire::Correction { end, ..(*correction).clone() });
    }
    Ok(Outcome::DONE)
}

/// A ruling has it take effect; once, however many cases are about it.
pub(super) fn ruled(draft: &mut Draft<'_>, id: &[u8]) -> Result<(), Halt> {
    match of(draft, id)?.end() {
        CorrectionEnd::Declined => take_effect(draft, id, CorrectionEnd::Ruled),
        _ => Ok(()),
    }
}

/// The records are judged as they should have been.
fn take_effect(draft: &mut Draft<'_>, id: &[u8], end: CorrectionEnd) -> Result<(), Halt> {
    let correction = of(draft, id)?;
    let it = correction.corrected.clone().unwrap_or_default();
    let mut outcomes = Vec::with_capacity(it.records.len());
    for record in &it.records {
        let (outcome, _) = super::record_access::outcome(draft, record)?;
        let outcome = u32::from(outcome.to_bits());
        outcomes.push(outcome);
        draft.emit(Kind::RecordCorrected(one(id, &it, record, outcome)));
    }
    let end = end as i32;
    draft.put(Place::correction(id), wire::Correction { end, ..(*correction).clone() });
    draft.emit(Kind::RecordsCorrected(wire::RecordsCorrected {
        correction_id: id.to_vec(),
        collector: it.collector,
        from_department: it.from_department,
        from_identity_id: it.from_identity_id,
        to_department: it.to_department,
        to_identity_id: it.to_identity_id,
        outcomes,
    }));
    Ok(())
}

/// What is told on the trails of one record's grants and subjects.
fn one(
    id: &[u8],
    it: &wire::CorrectRecords,
    record: &wire::RecordAccess,
    outcome: u32,
) -> wire::RecordCorrected {
    let requests = record.accesses.iter().map(|access| access.request_id.clone());
    let request_ids: BTreeSet<Vec<u8>> = requests.filter(|id| !id.is_empty()).collect();
    wire::RecordCorrected {
        correction_id: id.to_vec(),
        collector: it.collector.clone(),
        gateway_id: it.gateway_id.clone(),
        access_no: record.access_no,
        outcome,
        request_ids: request_ids.into_iter().collect(),
        tags: record.subjects.iter().flat_map(|subjects| subjects.tags.clone()).collect(),
    }
}
