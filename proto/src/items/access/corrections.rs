//! Records under a wrong mapping are judged again (校核纠错), with the consent of the department that
//! this burdens, or by a ruling. The originals stay.

use crate::event::Outcome;
use crate::items::access::{numbers, own_grant};
use crate::items::fields::{Checked, ascending, code, ensure, ensure_of, id, id_if_given};
use crate::items::kind::ItemKind;
use crate::items::member::identity;
use crate::ledger::{
    Draft, Halt, Refusal,
    authority::{needs_keeper, needs_officer},
    words,
};
use crate::place::{Place, TrailKind};
use crate::tx::TxHeader;
use crate::types::{IdKind, limits};
use crate::wire::{self, CorrectionEnd, Right, ledger_event::Kind};
use std::collections::BTreeSet;
use std::sync::Arc;

impl ItemKind for wire::CorrectRecords {
    fn check(&self) -> Checked {
        code("collector", &self.collector)?;
        id("gateway_id", &self.gateway_id)?;
        code("reason", &self.reason)?;
        id("mapping_digest", &self.mapping_digest)?;
        id_if_given("from_identity_id", &self.from_identity_id)?;
        id_if_given("from_unmapped_digest", &self.from_unmapped_digest)?;
        let one = self.from_identity_id.is_empty() != self.from_unmapped_digest.is_empty();
        ensure(
            one,
            "from_identity_id",
            "an identity, or the digest of an account: one of the two",
        )?;
        if self.from_identity_id.is_empty() {
            ensure(self.from_department.is_empty(), "from_department", "an account has none")?;
        } else {
            code("from_department", &self.from_department)?;
        }
        code("to_department", &self.to_department)?;
        id("to_identity_id", &self.to_identity_id)?;
        ensure(
            self.to_identity_id != self.from_identity_id,
            "to_identity_id",
            "another is needed",
        )?;
        ensure(!self.records.is_empty(), "records", "at least one record is needed")?;
        let numbers: Vec<u64> = self.records.iter().map(|one| one.access_no).collect();
        ascending("records", &numbers, limits::CORRECTED_RECORDS)?;
        for one in &self.records {
            ItemKind::check(one)?;
            ensure(
                one.collector == self.collector,
                "records.collector",
                "another collector's record",
            )?;
            let asker = one.asker.as_ref().map(|asker| (&asker.department, &asker.identity_id));
            let is_theirs = asker == Some((&self.to_department, &self.to_identity_id));
            ensure(is_theirs, "records.asker", "not of the identity that the item names")?;
        }
        let (count, digests) = (self.records.len(), self.recorded.len());
        ensure_of(count == digests, "recorded", || {
            format!("{digests} digests of {count} recorded items")
        })?;
        self.recorded.iter().try_for_each(|digest| id("recorded", digest))
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        // Not on those of users and subjects: nobody there is party to all of its records.
        let accesses = self.records.iter().flat_map(|record| &record.accesses);
        let datasets = accesses.map(|one| Place::dataset_trail(&one.dataset));
        datasets.chain([Place::trail(TrailKind::Gateway, &self.gateway_id)]).collect()
    }

    /// The collector proposes a correction; where it burdens its own department, it takes effect.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        number: u32,
    ) -> Result<Outcome, Halt> {
        draft.actor(signer, &self.collector, Right::Collect)?;
        needs_keeper(draft, signer)?;
        let mut pairs =
            vec![(&self.gateway_id, &self.collector), (&self.to_identity_id, &self.to_department)];
        if !self.from_identity_id.is_empty() {
            pairs.push((&self.from_identity_id, &self.from_department));
        }
        for (id, department) in pairs {
            identity::must_be_of(draft, id, department)?;
        }
        for record in &self.records {
            crate::items::access::record_access::datasets_known(draft, record)?;
            if !numbers::is_numbered(draft, &self.gateway_id, record.access_no)? {
                return Err(Refusal::NotRecorded(record.access_no).into());
            }
            // Whom it burdens is shown no grant of others.
            if let Some(request) = own_grant::of_others(draft, record)? {
                let field = "records.accesses.request_id";
                return Err(Refusal::RequestContradiction { request, field }.into());
            }
        }
        let id = signer.made_id(IdKind::Correction, number);
        let end = CorrectionEnd::Unspecified as i32;
        let correction = wire::Correction { corrected: Some(self.clone()), end };
        draft.put(Place::correction(id.as_bytes()), correction);
        if self.to_department == self.collector {
            needs_officer(draft, signer)?;
            take_effect(draft, id.as_bytes(), CorrectionEnd::Agreed)?;
        }
        Ok(Outcome::DONE)
    }
}

/// Whether a corrected record says more than another asker, and no grant of others: it is not what was recorded.
pub fn differs(recorded: &wire::RecordAccess, corrected: &wire::RecordAccess) -> bool {
    let but_for_the_asker = |it: &wire::RecordAccess| {
        let mut it = wire::RecordAccess { asker: None, ..it.clone() };
        it.accesses.iter_mut().for_each(|access| access.request_id.clear());
        it
    };
    but_for_the_asker(recorded) != but_for_the_asker(corrected)
}

/// A correction that waits, or that was declined.
pub(crate) fn find_correction(draft: &Draft<'_>, id: &[u8]) -> Result<Arc<wire::Correction>, Halt> {
    let correction: Option<Arc<wire::Correction>> = draft.get(&Place::correction(id))?;
    correction.ok_or_else(|| Refusal::UnknownCorrection(hex::encode(id)).into())
}

impl ItemKind for wire::AgreeCorrection {
    fn check(&self) -> Checked {
        id("correction_id", &self.correction_id)?;
        code("department", &self.department)?;
        id_if_given("reason_digest", &self.reason_digest)?;
        ensure(self.agree || !self.reason_digest.is_empty(), "reason_digest", "a reason is needed")
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        // It is filed where what it agrees to is.
        Vec::new()
    }

    /// The department burdened agrees, or not.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        draft.acts_for(signer, &self.department)?;
        needs_officer(draft, signer)?;
        let correction = find_correction(draft, &self.correction_id)?;
        let burdened = correction.corrected.as_ref().map_or("", |it| it.to_department.as_str());
        if burdened != self.department {
            let (stated, signer) = (burdened.to_owned(), self.department.clone());
            return Err(Refusal::NotTheActor { stated, signer }.into());
        }
        if correction.end() != CorrectionEnd::Unspecified {
            let (name, state) = (hex::encode(&self.correction_id), words::CLOSED);
            return Err(Refusal::CorrectionState { name, state }.into());
        }
        if self.agree {
            take_effect(draft, &self.correction_id, CorrectionEnd::Agreed)?;
        } else {
            let end = CorrectionEnd::Declined as i32;
            let place = Place::correction(&self.correction_id);
            draft.put(place, wire::Correction { end, ..(*correction).clone() });
        }
        Ok(Outcome::DONE)
    }
}

/// A ruling has it take effect; once, however many cases are about it.
pub(crate) fn ruled(draft: &mut Draft<'_>, id: &[u8]) -> Result<(), Halt> {
    match find_correction(draft, id)?.end() {
        CorrectionEnd::Declined => take_effect(draft, id, CorrectionEnd::Ruled),
        _ => Ok(()),
    }
}

/// The records are judged as they should have been.
fn take_effect(draft: &mut Draft<'_>, id: &[u8], end: CorrectionEnd) -> Result<(), Halt> {
    let correction = find_correction(draft, id)?;
    let it = correction.corrected.clone().unwrap_or_default();
    let mut outcomes = Vec::with_capacity(it.records.len());
    for record in &it.records {
        let (outcome, _) =
            crate::items::access::record_access::outcome(draft, &it.gateway_id, record)?;
        let outcome = u32::from(outcome.to_bits());
        outcomes.push(outcome);
        draft.emit(Kind::RecordCorrected(told_of_record(id, &it, record, outcome)));
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
fn told_of_record(
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
