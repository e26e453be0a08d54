//! Cases: what they may be about, who is party to them, and what a ruling brings.

use super::{By, Id, Simple, Why};
use crate::types::IdKind;
use crate::wire::{
    self, CaseState, CorrectionEnd, IdentityKind, IntegrityEnd, IntegrityRule, Right, TimerKind,
    case_subject::About,
};
use std::rc::Rc;

/// A case.
#[derive(Debug, Clone)]
pub(in super::super) struct Case {
    pub(in super::super) id: Id,
    pub(in super::super) it: Rc<wire::OpenCase>,
    pub(in super::super) state: CaseState,
    /// When the answer is due; 0: none is.
    pub(in super::super) due: u64,
    /// As they were when it was opened.
    pub(in super::super) bodies: Vec<String>,
    pub(in super::super) parties: Vec<String>,
    pub(in super::super) ruled_by: String,
}

impl Case {
    pub(in super::super) fn about(&self) -> &About {
        self.it.subject.as_ref().unwrap().about.as_ref().unwrap()
    }
}

impl Simple {
    pub(in super::super) fn case(&self, id: &[u8]) -> Option<&Case> {
        self.answers.cases.iter().find(|it| it.id == id).map(Rc::as_ref)
    }

    fn case_mut(&mut self, id: &[u8]) -> &mut Case {
        Rc::make_mut(self.answers.cases.iter_mut().find(|it| it.id == id).unwrap())
    }

    pub(super) fn open_case(&mut self, by: By<'_>, it: &wire::OpenCase) -> Why {
        let mut no = Vec::new();
        self.acts(by, &it.department, &mut no);
        self.officer(by, &mut no);
        let about = it.subject.as_ref().unwrap().about.clone().unwrap();
        let mut parties = self.parties(&about, it, &mut no);
        if !it.respondent.is_empty() && !parties.contains(&it.respondent) {
            no.push("case.not_concerned");
        }
        parties.push(it.department.clone());
        parties.retain(|code| !code.is_empty());
        parties.sort();
        parties.dedup();
        if parties.iter().any(|code| self.department(code).is_none()) {
            no.push("department.unknown");
        }
        if !no.is_empty() {
            return no;
        }
        let id = by.new_id(IdKind::Case);
        let mut bodies: Vec<String> = parties.iter().map(|code| self.body(code)).collect();
        bodies.sort();
        bodies.dedup();
        if let About::Integrity(one) = &about {
            self.event_mut(&one.department, one.number).case.clone_from(&id);
        }
        // What the ledger itself said needs no answer.
        let (state, days) = match it.respondent.is_empty() {
            true => (CaseState::Answered, self.parameters.rule_appeal_days),
            false => (CaseState::Open, self.parameters.answer_case_days),
        };
        let due = self.due_in(days);
        self.remind(due, TimerKind::CaseDue, &id);
        self.answers.cases.push(Rc::new(Case {
            id,
            it: Rc::new(it.clone()),
            state,
            due,
            bodies,
            parties,
            ruled_by: String::new(),
        }));
        no
    }

    /// Who is party to what a case is about.
    fn parties(&self, about: &About, it: &wire::OpenCase, no: &mut Why) -> Vec<String> {
        let collector = |code: &str, no: &mut Why| {
            let known = self.dataset(code).map(|it| it.entry.collector.clone());
            if known.is_none() {
                no.push("dataset.unknown");
            }
            known.into_iter().collect::<Vec<_>>()
        };
        match about {
            About::Version(one) => {
                if self.dataset(&one.dataset).is_some_and(|known| one.version > known.version) {
                    no.push("version.wrong");
                }
                collector(&one.dataset, no)
            }
            About::Record(one) => {
                if !self.gateway(&one.gateway_id).is_some_and(|it| it.has(one.access_no)) {
                    no.push("access_no.not_recorded");
                }
                let mut parties = collector(&one.dataset, no);
                if let Some(collector) = parties.first() {
                    self.belongs(&one.gateway_id, collector, no);
                }
                if !one.request_id.is_empty() {
                    parties.extend(self.of_request(&one.request_id, &one.dataset, no));
                }
                parties
            }
            About::Grant(one) => self.of_request(&one.request_id, &one.dataset, no),
            About::Integrity(one) => self.appealed(one, it, no),
            About::Correction(one) => {
                let Some(known) = self.correction(&one.correction_id) else {
                    no.push("correction.unknown");
                    return Vec::new();
                };
                if known.end != CorrectionEnd::Declined {
                    no.push("correction.state");
                }
                let it = &known.it;
                [&it.collector, &it.to_department, &it.from_department].map(String::clone).to_vec()
            }
        }
    }

    /// The parties of a request, and who confirmed its grant.
    fn of_request(&self, id: &[u8], dataset: &str, no: &mut Why) -> Vec<String> {
        let Some(request) = self.request(id) else {
            no.push("request.unknown");
            return Vec::new();
        };
        if request.asked.dataset != dataset {
            no.push("request.contradiction");
        }
        let manager = self.grant(id).map(|it| it.manager.clone()).unwrap_or_default();
        vec![request.asked.collector.clone(), request.asked.using_department.clone(), manager]
    }

    /// Only who is said to be at fault appeals, and once, while there is time.
    fn appealed(
        &self,
        one: &wire::IntegrityName,
        it: &wire::OpenCase,
        no: &mut Why,
    ) -> Vec<String> {
        let Some(event) = self.event(&one.department, one.number) else {
            no.push("integrity.unknown");
            return Vec::new();
        };
        let open = event.end == IntegrityEnd::Unspecified && event.case.is_empty();
        if !open || event.until <= self.now {
            no.push("integrity.not_provisional");
        }
        if one.department != it.department {
            no.push("actor.other");
        }
        // Who ruled so is party to what is said against it.
        let mut parties = vec![event.ruled_by.clone()];
        if !event.request.is_empty() {
            parties.extend(self.of_request(&event.request, &event.dataset, no));
        }
        parties
    }

    pub(super) fn answer_case(&mut self, by: By<'_>, it: &wire::AnswerCase) -> Why {
        let mut no = Vec::new();
        self.acts(by, &it.department, &mut no);
        self.officer(by, &mut no);
        match self.case(&it.case_id) {
            None => no.push("case.unknown"),
            Some(case) => {
                if case.state != CaseState::Open {
                    no.push("case.state");
                }
                if case.it.respondent != it.department {
                    no.push("actor.other");
                }
            }
        }
        if no.is_empty() {
            let case = self.case_mut(&it.case_id);
            case.state = CaseState::Answered;
            let due = std::mem::take(&mut case.due);
            self.forget(due, TimerKind::CaseDue, &it.case_id);
        }
        no
    }

    /// Nobody answered in time; or nobody ruled on what the ledger said, which stays so.
    pub(super) fn answer_due(&mut self, id: &[u8]) {
        let case = self.case(id).unwrap().clone();
        if let About::Integrity(one) = case.about() {
            if case.state == CaseState::Answered && case.due <= self.now {
                let it = self.case_mut(id);
                (it.state, it.due) = (CaseState::Lapsed, 0);
                self.settle(&one.department, one.number, IntegrityEnd::Final);
            }
        } else if case.due > 0 && case.due <= self.now {
            self.case_mut(id).due = 0;
            self.case_against(IntegrityRule::DeadlineMissed, &case.it.respondent, &case, "");
        }
    }

    fn case_against(&mut self, rule: IntegrityRule, department: &str, case: &Case, ruler: &str) {
        let (dataset, request): (&str, &[u8]) = match case.about() {
            About::Version(it) => (&it.dataset, &[]),
            About::Record(it) => (&it.dataset, &it.request_id),
            About::Grant(it) => (&it.dataset, &it.request_id),
            About::Integrity(_) | About::Correction(_) => ("", &[]),
        };
        let number = self.raise(rule, department, &[], (dataset, request), 1);
        if !ruler.is_empty() {
            self.event_mut(department, number).ruled_by = ruler.to_owned();
        }
    }

    pub(super) fn rule_case(&mut self, by: By<'_>, it: &wire::RuleCase) -> Why {
        use IdentityKind::{Officer, Regulator, Root};
        let mut no = Vec::new();
        self.acts(by, &it.department, &mut no);
        let may = [Right::Regulate, Right::Manage];
        if !may.iter().any(|right| self.has_right(&it.department, *right)) {
            no.push("right.missing");
        }
        self.kind_of(by, &[Officer, Regulator, Root], &mut no);
        if !it.commend.is_empty() {
            match self.department(&it.commend) {
                None => no.push("department.unknown"),
                // Nobody commends itself.
                Some(_) if self.body(&it.commend) == self.body(&it.department) => {
                    no.push("body.same");
                }
                Some(_) => {}
            }
        }
        let Some(case) = self.case(&it.case_id).cloned() else {
            no.push("case.unknown");
            return no;
        };
        // Who is to answer has time for it.
        let waits = case.state == CaseState::Open && case.due > self.now;
        if waits || !matches!(case.state, CaseState::Open | CaseState::Answered) {
            no.push("case.state");
        }
        // No body that was or is party to it.
        let bodies = case.parties.iter().map(|code| self.body(code)).chain(case.bodies.clone());
        if bodies.into_iter().any(|body| body == self.body(&it.department)) {
            no.push("body.same");
        }
        if no.is_empty() {
            self.ruled(&case, it);
        }
        no
    }

    fn ruled(&mut self, case: &Case, it: &wire::RuleCase) {
        self.forget(case.due, TimerKind::CaseDue, &case.id);
        let now = self.case_mut(&case.id);
        now.state = if it.uphold { CaseState::Upheld } else { CaseState::Dismissed };
        now.due = 0;
        now.ruled_by.clone_from(&it.department);
        if let About::Integrity(one) = case.about() {
            let end = if it.uphold { IntegrityEnd::Dismissed } else { IntegrityEnd::Final };
            self.settle(&one.department, one.number, end);
        } else {
            if let About::Correction(one) = case.about()
                && it.uphold
                && self.correction(&one.correction_id).unwrap().end == CorrectionEnd::Declined
            {
                self.corrected(&one.correction_id, CorrectionEnd::Ruled);
            }
            let (rule, loses) = match it.uphold {
                true => (IntegrityRule::CaseUpheld, &case.it.respondent),
                false => (IntegrityRule::CaseDismissed, &case.it.department),
            };
            self.case_against(rule, loses, case, &it.department);
        }
        if !it.commend.is_empty() {
            self.case_against(IntegrityRule::Commended, &it.commend, case, &it.department);
        }
    }
}
