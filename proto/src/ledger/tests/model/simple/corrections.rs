//! Records put down to somebody else than whose they were, judged again.

use super::{By, Id, Simple, Why};
use crate::types::IdKind;
use crate::wire::{self, CorrectionEnd, IdentityKind, Right};
use std::collections::BTreeSet;
use std::rc::Rc;

/// A correction.
#[derive(Debug, Clone)]
pub(in super::super) struct Correction {
    pub(in super::super) id: Id,
    pub(in super::super) it: Rc<wire::CorrectRecords>,
    pub(in super::super) end: CorrectionEnd,
}

impl Simple {
    pub(in super::super) fn correction(&self, id: &[u8]) -> Option<&Correction> {
        self.answers.corrections.iter().find(|it| it.id == id).map(Rc::as_ref)
    }

    fn end_correction(&mut self, id: &[u8], end: CorrectionEnd) {
        let mut all = self.answers.corrections.iter_mut();
        Rc::make_mut(all.find(|it| it.id == id).unwrap()).end = end;
    }

    pub(super) fn correct_records(&mut self, by: By<'_>, it: &wire::CorrectRecords) -> Why {
        use IdentityKind::{Officer, Root, System};
        let mut no = Vec::new();
        self.acts_with(by, &it.collector, Right::Collect, &mut no);
        self.kind_of(by, &[Officer, Root, System], &mut no);
        self.belongs(&it.gateway_id, &it.collector, &mut no);
        self.belongs(&it.to_identity_id, &it.to_department, &mut no);
        if !it.from_identity_id.is_empty() {
            self.belongs(&it.from_identity_id, &it.from_department, &mut no);
        }
        for record in &it.records {
            self.of_its_collector(record, &mut no);
            if !self.gateway(&it.gateway_id).is_some_and(|one| one.has(record.access_no)) {
                no.push("access_no.not_recorded");
            }
            let others = |one: &&wire::DatasetAccess| {
                self.grant(&one.request_id).is_some() && !self.is_own(record, one)
            };
            if record.accesses.iter().any(|one| others(&one)) {
                no.push("request.contradiction");
            }
        }
        if self.department(&it.to_department).is_none() {
            no.push("department.unknown");
        }
        // Where it burdens only itself, it agrees at once, which is for people to do.
        let own = it.to_department == it.collector;
        if own {
            self.officer(by, &mut no);
        }
        if no.is_empty() {
            let id = by.new_id(IdKind::Correction);
            self.answers.corrections.push(Rc::new(Correction {
                id: id.clone(),
                it: Rc::new(it.clone()),
                end: CorrectionEnd::Unspecified,
            }));
            if own {
                self.corrected(&id, CorrectionEnd::Agreed);
            }
        }
        no
    }

    pub(super) fn agree_correction(&mut self, by: By<'_>, it: &wire::AgreeCorrection) -> Why {
        let mut no = Vec::new();
        self.acts(by, &it.department, &mut no);
        self.officer(by, &mut no);
        let Some(known) = self.correction(&it.correction_id) else {
            no.push("correction.unknown");
            return no;
        };
        if known.it.to_department != it.department {
            no.push("actor.other");
        }
        if known.end != CorrectionEnd::Unspecified {
            no.push("correction.state");
        }
        if no.is_empty() && it.agree {
            self.corrected(&it.correction_id, CorrectionEnd::Agreed);
        } else if no.is_empty() {
            self.end_correction(&it.correction_id, CorrectionEnd::Declined);
        }
        no
    }

    pub(super) fn corrected(&mut self, id: &[u8], end: CorrectionEnd) {
        let it = Rc::clone(&self.correction(id).unwrap().it);
        let outcomes: Vec<u32> = it
            .records
            .iter()
            .map(|one| u32::from(self.judge(&it.gateway_id, one).0.to_bits()))
            .collect();
        self.end_correction(id, end);
        for (record, outcome) in it.records.iter().zip(&outcomes) {
            let grants: BTreeSet<&Id> = record
                .accesses
                .iter()
                .map(|one| &one.request_id)
                .filter(|id| !id.is_empty())
                .collect();
            let grants: Vec<_> = grants.into_iter().map(hex::encode).collect();
            let subjects: Vec<_> =
                record.subjects.iter().flat_map(|one| &one.tags).map(hex::encode).collect();
            self.tell(format!(
                "corrected by {}: {} of {} of {} is {outcome}, under {grants:?}, about {subjects:?}",
                hex::encode(id),
                record.access_no,
                hex::encode(&it.gateway_id),
                it.collector,
            ));
        }
        self.tell(format!("corrected {}: {outcomes:?}", hex::encode(id)));
    }
}
