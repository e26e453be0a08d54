//! Corrections and cases.

use super::super::simple::{Case, Id};
use super::{Move, Moves, Officer, System};
use crate::wire::{
    self, CaseState, CorrectionEnd, IntegrityEnd, Right, case_subject::About, item::Kind,
};
use std::rc::Rc;

impl Moves<'_> {
    /// A record that is on the ledger, and its gateway: mostly a recent one.
    fn past_record(&mut self) -> Option<(Id, wire::RecordAccess)> {
        let all = &self.simple.answers().records;
        let few = if self.dice.percent(80) { 30 } else { all.len() };
        let recent: Vec<_> = all.iter().rev().take(few).collect();
        self.dice.pick_if_any(&recent).map(|it| (it.0.clone(), it.1.clone()))
    }

    /// The number of a record; rarely one that has none.
    fn mostly_recorded(&mut self, gateway: &[u8], number: u64) -> u64 {
        let gaps = self.simple.gateway(gateway).map(|it| it.numbers.gaps.clone());
        match self.dice.below(30) {
            0 => number + 100,
            1 | 2 => self.dice.pick_if_any(&gaps.unwrap_or_default()).map_or(number, |it| it.first),
            _ => number,
        }
    }

    pub(super) fn correct_records(&mut self) -> Option<Move> {
        let (gateway_id, first) = self.past_record()?;
        let request = first.accesses.first().map(|it| it.request_id.clone()).unwrap_or_default();
        let grant = self.simple.grant(&request).cloned();
        let named = grant.map(|it| it.last().terms.identity_ids.clone()).unwrap_or_default();
        let own: Vec<Id> = self
            .simple
            .identities
            .iter()
            .filter(|it| it.department == first.collector)
            .map(|it| it.id.clone())
            .collect();
        let to = match self.dice.below(10) {
            0..6 => self.dice.pick_if_any(&named)?.clone(),
            6..9 => self.dice.pick_if_any(&own)?.clone(),
            _ => self.dice.pick(&self.simple.identities).id.clone(),
        };
        let to_department = self.simple.identity(&to)?.department.clone();
        let from = first.asker.clone()?;
        if from.identity_id == to {
            return None;
        }
        let all = self.simple.answers().records.iter().rev().take(60);
        let fits = |one: &&Rc<(Id, wire::RecordAccess)>| {
            one.0 == gateway_id && one.1.collector == first.collector
        };
        let more: Vec<_> = all.filter(fits).map(|one| one.1.clone()).collect();
        let mut records = self.dice.some(&more, 10);
        records.push(first.clone());
        records[0].access_no = self.mostly_recorded(&gateway_id, records[0].access_no);
        records.sort_by_key(|one| one.access_no);
        records.dedup_by_key(|one| one.access_no);
        for one in &mut records {
            one.asker = Some(wire::Party {
                department: to_department.clone(),
                identity_id: to.clone(),
                ..from.clone()
            });
            one.asker.as_mut()?.unmapped_digest.clear();
            // Mostly without grants of others, as it must be.
            if self.dice.percent(95) {
                let (simple, record) = (&self.simple, one.clone());
                let others = |it: &&mut wire::DatasetAccess| !simple.is_own(&record, it);
                one.accesses.iter_mut().filter(others).for_each(|it| it.request_id.clear());
            }
        }
        let by = self.of(&first.collector, &[Officer, System])?;
        let whose = from.department;
        let from_department = if whose.is_empty() { whose } else { self.mostly(whose) };
        let item = wire::CorrectRecords {
            collector: first.collector,
            gateway_id,
            reason: "mapping".to_owned(),
            mapping_digest: self.dice.digest(),
            from_department,
            from_identity_id: from.identity_id,
            from_unmapped_digest: from.unmapped_digest,
            to_department,
            to_identity_id: to,
            recorded: vec![vec![7; 32]; records.len()],
            records,
        };
        Some((by, Kind::CorrectRecords(item)))
    }

    pub(super) fn agree_correction(&mut self) -> Option<Move> {
        let all = &self.simple.answers().corrections;
        let open: Vec<_> = all.iter().filter(|it| it.end == CorrectionEnd::Unspecified).collect();
        let it = match self.dice.percent(94) {
            true => *self.dice.pick_if_any(&open)?,
            false => self.dice.pick_if_any(all)?,
        };
        let (id, department) = (it.id.clone(), it.it.to_department.clone());
        let by = self.officer(&department)?;
        let item = wire::AgreeCorrection {
            correction_id: self.id(id),
            department: self.mostly(department),
            agree: self.dice.percent(50),
            reason_digest: self.dice.digest(),
        };
        Some((by, Kind::AgreeCorrection(item)))
    }

    /// What a case may be about, who opens it, and who is to answer.
    fn subject(&mut self) -> Option<(About, String, String)> {
        let anybody = self.any_department();
        Some(match self.dice.below(12) {
            0 => {
                let known = self.dataset()?;
                let version = known.version.max(1) + u64::from(self.dice.percent(6));
                let (dataset, collector) = (known.entry.dataset, known.entry.collector);
                (About::Version(wire::DatasetVersion { dataset, version }), anybody, collector)
            }
            1 | 2 => {
                let (gateway_id, it) = self.past_record()?;
                let access_no = self.mostly_recorded(&gateway_id, it.access_no);
                let first = it.accesses.first().cloned().unwrap_or_default();
                // Of what can't be told where it was, whoever opens it says so.
                let dataset = match self.dice.percent(95) && !it.accesses.is_empty() {
                    true => first.dataset,
                    false => self.dataset()?.entry.dataset,
                };
                let about = wire::RecordName {
                    dataset,
                    gateway_id,
                    access_no,
                    request_id: first.request_id,
                };
                (About::Record(about), anybody, it.collector)
            }
            3 | 4 => {
                let it = (**self.dice.pick_if_any(&self.simple.requests)?).clone();
                let dataset = match self.dice.percent(95) {
                    true => it.asked.dataset,
                    false => self.dataset()?.entry.dataset,
                };
                let about = wire::GrantName { dataset, request_id: self.id(it.id) };
                let opener =
                    if self.dice.percent(50) { it.asked.using_department } else { anybody };
                (About::Grant(about), opener, it.asked.collector)
            }
            5 | 6 => {
                let all = self.simple.answers().corrections.iter();
                let declined = all.filter(|it| it.end == CorrectionEnd::Declined);
                let declined: Vec<_> = declined.cloned().collect();
                let it = Rc::clone(self.dice.pick_if_any(&declined)?);
                let about = wire::CorrectionName { correction_id: self.id(it.id.clone()) };
                (About::Correction(about), it.it.collector.clone(), it.it.to_department.clone())
            }
            _ => {
                let all = self.simple.answers().events.iter();
                let open = |it: &&Rc<_>| is_open(it, self.simple.now) || self.dice.percent(1);
                let open: Vec<_> = all.filter(open).cloned().collect();
                let it = Rc::clone(self.dice.pick_if_any(&open)?);
                let (department, number) = (it.department.clone(), it.number);
                let about = wire::IntegrityName { department: department.clone(), number };
                (About::Integrity(about), department, String::new())
            }
        })
    }

    pub(super) fn open_case(&mut self) -> Option<Move> {
        let (about, department, respondent) = self.subject()?;
        let by = self.officer(&department)?;
        let department = self.mostly(department);
        // Rarely against somebody who may have no part in it.
        let respondent = if respondent.is_empty() { respondent } else { self.mostly(respondent) };
        if department == respondent || department.is_empty() {
            return None;
        }
        let item = wire::OpenCase {
            department,
            reference: "case-1".to_owned(),
            respondent,
            subject: Some(wire::CaseSubject { about: Some(about) }),
            reason_digest: self.dice.digest(),
        };
        Some((by, Kind::OpenCase(item)))
    }

    fn case(&mut self, fits: impl Fn(&Case) -> bool) -> Option<Case> {
        let all = &self.simple.answers().cases;
        let found: Vec<_> = all.iter().filter(|it| fits(it)).collect();
        match self.dice.percent(95) {
            true => self.dice.pick_if_any(&found).map(|it| (***it).clone()),
            false => self.dice.pick_if_any(all).map(|it| (**it).clone()),
        }
    }

    pub(super) fn answer_case(&mut self) -> Option<Move> {
        let case = self.case(|it| it.state == CaseState::Open)?;
        let respondent = match case.it.respondent.as_str() {
            "" => self.any_department(),
            respondent => respondent.to_owned(),
        };
        let by = self.officer(&respondent)?;
        let item = wire::AnswerCase {
            case_id: self.id(case.id),
            department: self.mostly(respondent),
            answer_digest: self.dice.digest(),
        };
        Some((by, Kind::AnswerCase(item)))
    }

    pub(super) fn rule_case(&mut self) -> Option<Move> {
        let runs = |it: &Case| matches!(it.state, CaseState::Open | CaseState::Answered);
        let ready = |it: &Case| runs(it) && (it.due == 0 || it.state == CaseState::Answered);
        let all = self.dice.percent(5);
        let case = self.case(|it| if all { runs(it) } else { ready(it) })?;
        let right = if self.dice.percent(40) { Right::Regulate } else { Right::Manage };
        let mut department = self.with_right(right)?;
        // Mostly of a body that is no party.
        for _ in 0..4 {
            if case.bodies.contains(&self.simple.body(&department)) {
                department = self.with_right(right)?;
            }
        }
        let by = self.of(&department, &[Officer, super::IdentityKind::Regulator])?;
        let item = wire::RuleCase {
            case_id: self.id(case.id),
            department,
            uphold: self.dice.percent(50),
            reason_digest: self.dice.digest(),
            commend: if self.dice.percent(25) { self.any_department() } else { String::new() },
        };
        Some((by, Kind::RuleCase(item)))
    }
}

fn is_open(it: &super::super::simple::Event, now: u64) -> bool {
    it.end == IntegrityEnd::Unspecified && it.case.is_empty() && it.until > now
}
