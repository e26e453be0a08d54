//! Cases (校核纠错、争议): opened against what stands on the ledger, answered within a deadline, ruled on
//! by somebody who is no party.

use crate::event::Outcome;
use crate::items::access::{corrections, numbers};
use crate::items::fields::{Checked, code, code_if_given, ensure, id, id_if_given, wrong};
use crate::items::kind::ItemKind;
use crate::items::member::identity;
use crate::items::oversight::integrity::{self, Fault};
use crate::items::sharing::grant;
use crate::ledger::{
    Draft, Halt, Refusal,
    authority::{needs_kind, needs_officer},
    calendar, timers, words,
};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::{IdKind, RequestId, TimeMs};
use crate::wire::{
    self, CaseState, CorrectionEnd, IdentityKind, IntegrityEnd, IntegrityRule, Right, TimerKind,
    case_subject::About,
};
use std::collections::BTreeSet;
use std::sync::Arc;

impl ItemKind for wire::OpenCase {
    fn check(&self) -> Checked {
        code("department", &self.department)?;
        code("reference", &self.reference)?;
        code_if_given("respondent", &self.respondent)?;
        id("reason_digest", &self.reason_digest)?;
        let about = self.subject.as_ref().and_then(|it| it.about.as_ref());
        let about = about.ok_or_else(|| wrong("subject", "what is it about?"))?;
        let is_ledgers = matches!(about, About::Integrity(_));
        ensure(
            self.respondent.is_empty() == is_ledgers,
            "respondent",
            "but for integrity events, one",
        )?;
        ensure(self.respondent != self.department, "respondent", "nobody answers itself")?;
        match about {
            About::Version(it) => {
                code("subject.dataset", &it.dataset)?;
                ensure(it.version > 0, "subject.version", "versions are numbered from 1")
            }
            About::Record(it) => {
                code("subject.dataset", &it.dataset)?;
                id("subject.gateway_id", &it.gateway_id)?;
                ensure(it.access_no > 0, "subject.access_no", "numbers begin at 1")?;
                id_if_given("subject.request_id", &it.request_id)
            }
            About::Grant(it) => {
                code("subject.dataset", &it.dataset)?;
                id("subject.request_id", &it.request_id)
            }
            About::Integrity(it) => {
                code("subject.department", &it.department)?;
                ensure(it.number > 0, "subject.number", "numbers begin at 1")
            }
            About::Correction(it) => id("subject.correction_id", &it.correction_id),
        }
    }

    fn trails(&self, header: &TxHeader, number: u32) -> Vec<Place> {
        let id = header.made_id(IdKind::Case, number);
        let own = [Place::case_trail(id.as_bytes())];
        self.subject.iter().flat_map(about).chain(own).collect()
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        number: u32,
    ) -> Result<Outcome, Halt> {
        draft.acts_for(signer, &self.department)?;
        needs_officer(draft, signer)?;
        let id = signer.made_id(IdKind::Case, number);
        let mut parties = vec![self.department.clone()];
        let about = self.subject.as_ref().and_then(|it| it.about.as_ref());
        if let Some(about) = about {
            let concerned = concerned(draft, about, self, id.as_bytes())?;
            if !self.respondent.is_empty() && !concerned.contains(&self.respondent) {
                return Err(Refusal::NotConcerned(self.respondent.clone()).into());
            }
            parties.extend(concerned);
        }
        parties.sort();
        parties.dedup();
        let bodies = bodies_of(draft, &parties)?;
        let mut case = wire::Case {
            case_id: id.to_vec(),
            opened: Some(self.clone()),
            bodies,
            parties,
            changed_time_ms: draft.context().time.get(),
            ..wire::Case::default()
        };
        if self.respondent.is_empty() {
            case.state = CaseState::Answered as i32;
        } else {
            case.state = CaseState::Open as i32;
        }
        let parameters = draft.parameters()?;
        let days = match self.respondent.is_empty() {
            true => parameters.rule_appeal_days,
            false => parameters.answer_case_days,
        };
        let due = calendar::due(draft, days)?;
        case.due_ms = due.get();
        timers::set(draft, due, TimerKind::CaseDue, id.as_bytes());
        draft.put(Place::case(id.as_bytes()), case);
        Ok(Outcome::DONE)
    }
}

/// The bodies of departments, ascending, each once.
fn bodies_of(draft: &Draft<'_>, codes: &[String]) -> Result<Vec<String>, Halt> {
    let mut bodies = BTreeSet::new();
    for code in codes {
        bodies.insert(draft.department(code)?.body.clone());
    }
    Ok(bodies.into_iter().collect())
}

/// Checks that what a case is about is there; gives who is party to it.
fn concerned(
    draft: &mut Draft<'_>,
    about: &About,
    it: &wire::OpenCase,
    case: &[u8],
) -> Result<Vec<String>, Halt> {
    match about {
        About::Version(one) => {
            let dataset = draft.dataset(&one.dataset)?;
            let newest = dataset.version.as_ref().map_or(0, |it| it.version);
            if one.version > newest {
                let (expected, found) = (newest, one.version);
                return Err(Refusal::WrongVersion { expected, found }.into());
            }
            Ok(dataset.registration.iter().map(|it| it.collector.clone()).collect())
        }
        About::Record(one) => {
            if !numbers::is_numbered(draft, &one.gateway_id, one.access_no)? {
                return Err(Refusal::NotRecorded(one.access_no).into());
            }
            let dataset = draft.dataset(&one.dataset)?;
            let collector = dataset.registration.as_ref().map_or("", |it| it.collector.as_str());
            identity::must_be_of(draft, &one.gateway_id, collector)?;
            let mut parties: Vec<String> = vec![collector.to_owned()];
            if !one.request_id.is_empty() {
                parties.extend(of_request(draft, &one.request_id, &one.dataset)?);
            }
            Ok(parties)
        }
        About::Grant(one) => of_request(draft, &one.request_id, &one.dataset),
        About::Integrity(one) => appeal(draft, one, it, case),
        About::Correction(one) => {
            let correction = corrections::find_correction(draft, &one.correction_id)?;
            if correction.end() != CorrectionEnd::Declined {
                let (name, state) = (hex::encode(&one.correction_id), words::NOT_DECLINED);
                return Err(Refusal::CorrectionState { name, state }.into());
            }
            let corrected = correction.corrected.clone().unwrap_or_default();
            let mut parties = vec![corrected.collector, corrected.to_department];
            parties.extend(Some(corrected.from_department).filter(|code| !code.is_empty()));
            Ok(parties)
        }
    }
}

/// The parties of a request or grant.
fn of_request(draft: &Draft<'_>, id: &[u8], dataset: &str) -> Result<Vec<String>, Halt> {
    let id = RequestId::from_slice(id).unwrap_or_default();
    let request: Option<Arc<wire::Request>> = draft.get(&Place::request(&id))?;
    let request = request.ok_or_else(|| Refusal::UnknownRequest(id.to_string()))?;
    let asked = request.asked.clone().unwrap_or_default();
    if asked.dataset != dataset {
        let request = id.to_string();
        return Err(Refusal::RequestContradiction { request, field: "dataset" }.into());
    }
    let mut parties = vec![asked.collector, asked.using_department];
    let grant: Option<Arc<wire::Grant>> = draft.get(&Place::grant(&id))?;
    parties.extend(grant.map(|it| it.manager.clone()));
    parties.retain(|code| !code.is_empty());
    Ok(parties)
}

/// The department at fault appeals while its event is provisional; it stays so until the ruling.
fn appeal(
    draft: &mut Draft<'_>,
    name: &wire::IntegrityName,
    it: &wire::OpenCase,
    case: &[u8],
) -> Result<Vec<String>, Halt> {
    let place = Place::integrity_event(&name.department, name.number);
    let event: Option<Arc<wire::IntegrityEvent>> = draft.get(&place)?;
    let label = format!("{}/{}", name.department, name.number);
    let event = event.ok_or_else(|| Refusal::UnknownIntegrityEvent(label.clone()))?;
    let until = event.raised.as_ref().map_or(0, |it| it.provisional_until_ms);
    let settled = event.end() != IntegrityEnd::Unspecified || !event.case_id.is_empty();
    if settled || until <= draft.context().time.get() {
        return Err(Refusal::NotProvisional(label).into());
    }
    if name.department != it.department {
        let (stated, signer) = (name.department.clone(), it.department.clone());
        return Err(Refusal::NotTheActor { stated, signer }.into());
    }
    let case_id = case.to_vec();
    draft.put(place, wire::IntegrityEvent { case_id, ..(*event).clone() });
    let raised = event.raised.clone().unwrap_or_default();
    // Who ruled so does not rule on that.
    let mut parties: Vec<String> = [event.ruled_by.clone()].into();
    parties.retain(|code| !code.is_empty());
    if !raised.request_id.is_empty() {
        parties.extend(of_request(draft, &raised.request_id, &raised.dataset)?);
    }
    Ok(parties)
}

fn running(draft: &Draft<'_>, id: &[u8], states: &[CaseState]) -> Result<wire::Case, Halt> {
    let case: Option<Arc<wire::Case>> = draft.get(&Place::case(id))?;
    let name = hex::encode(id);
    let case = case.ok_or_else(|| Refusal::UnknownCase(name.clone()))?;
    if !states.contains(&case.state()) {
        return Err(Refusal::CaseState { name, state: words::case(case.state()) }.into());
    }
    Ok((*case).clone())
}

impl ItemKind for wire::AnswerCase {
    fn check(&self) -> Checked {
        id("case_id", &self.case_id)?;
        code("department", &self.department)?;
        id("answer_digest", &self.answer_digest)
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::case_trail(&self.case_id)]
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        draft.acts_for(signer, &self.department)?;
        needs_officer(draft, signer)?;
        let mut case = running(draft, &self.case_id, &[CaseState::Open])?;
        let respondent = case.opened.as_ref().map_or("", |it| it.respondent.as_str());
        if respondent != self.department {
            let (stated, signer) = (respondent.to_owned(), self.department.clone());
            return Err(Refusal::NotTheActor { stated, signer }.into());
        }
        // Its timer may be due, and wait for room in a block.
        due(draft, &self.case_id)?;
        timers::drop(draft, TimeMs::new(case.due_ms), TimerKind::CaseDue, &self.case_id);
        case.state = CaseState::Answered as i32;
        case.due_ms = 0;
        case.changed_time_ms = draft.context().time.get();
        draft.put(Place::case(&self.case_id), case);
        Ok(Outcome::DONE)
    }
}

/// The respondent did not answer in time: it is at fault, and the case goes on. Or nobody ruled on an appeal in time: the
/// event that it is about is final.
pub(crate) fn due(draft: &mut Draft<'_>, id: &[u8]) -> Result<(), Halt> {
    let case: Option<Arc<wire::Case>> = draft.get(&Place::case(id))?;
    let now = draft.context().time.get();
    let waits = |it: &Arc<wire::Case>| it.due_ms > 0 && it.due_ms <= now;
    let Some(case) = case.filter(waits) else { return Ok(()) };
    let mut after = wire::Case { due_ms: 0, ..(*case).clone() };
    match case.state() {
        CaseState::Open => {}
        CaseState::Answered => {
            after.state = CaseState::Lapsed as i32;
            after.changed_time_ms = now;
            draft.put(Place::case(id), after);
            return consequences(draft, &case, false);
        }
        CaseState::Unspecified | CaseState::Upheld | CaseState::Dismissed | CaseState::Lapsed => {
            return Ok(());
        }
    }
    draft.put(Place::case(id), after);
    let respondent = case.opened.as_ref().map_or("", |it| it.respondent.as_str());
    against(draft, IntegrityRule::DeadlineMissed, respondent, &case)
}

/// An integrity event that a case makes.
fn against(
    draft: &mut Draft<'_>,
    rule: IntegrityRule,
    department: &str,
    case: &wire::Case,
) -> Result<(), Halt> {
    let about = case.opened.as_ref().and_then(|it| it.subject.as_ref()?.about.as_ref());
    let none: &[u8] = &[];
    let (dataset, request_id) = match about {
        Some(About::Version(it)) => (it.dataset.as_str(), none),
        Some(About::Record(it)) => (it.dataset.as_str(), it.request_id.as_slice()),
        Some(About::Grant(it)) => (it.dataset.as_str(), it.request_id.as_slice()),
        Some(About::Integrity(_) | About::Correction(_)) | None => ("", none),
    };
    let fault = Fault { rule, department, identity: &[], dataset, request_id, count: 1 };
    let number = integrity::raise(draft, &fault)?;
    integrity::ruled(draft, department, number, &case.ruled_by)
}

impl ItemKind for wire::RuleCase {
    fn check(&self) -> Checked {
        id("case_id", &self.case_id)?;
        code("department", &self.department)?;
        id("reason_digest", &self.reason_digest)?;
        code_if_given("commend", &self.commend)
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::case_trail(&self.case_id)]
    }

    /// Who rules regulates or manages, and is of no body that is party to the case.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        crate::ledger::authority::either(
            draft,
            signer,
            &self.department,
            [Right::Regulate, Right::Manage],
        )?;
        use IdentityKind::{Officer, Regulator, Root};
        needs_kind(draft, signer, &[Officer, Regulator, Root], words::RULER)?;
        let case = running(draft, &self.case_id, &[CaseState::Open, CaseState::Answered])?;
        let body = draft.department(&self.department)?.body.clone();
        // After a succession a party may be of another body than it was.
        if case.bodies.contains(&body) || bodies_of(draft, &case.parties)?.contains(&body) {
            return Err(Refusal::SameBody(body).into());
        }
        if case.state() == CaseState::Open && case.due_ms > draft.context().time.get() {
            let (name, state) = (hex::encode(&self.case_id), words::case(CaseState::Open));
            return Err(Refusal::CaseState { name, state }.into());
        }
        // Its timer may be due, and wait for room in a block.
        due(draft, &self.case_id)?;
        let mut case = running(draft, &self.case_id, &[CaseState::Open, CaseState::Answered])?;
        if case.due_ms > 0 {
            timers::drop(draft, TimeMs::new(case.due_ms), TimerKind::CaseDue, &self.case_id);
        }
        let state = if self.uphold { CaseState::Upheld } else { CaseState::Dismissed };
        case.state = state as i32;
        case.due_ms = 0;
        case.changed_time_ms = draft.context().time.get();
        case.ruled_by.clone_from(&self.department);
        draft.put(Place::case(&self.case_id), case.clone());
        consequences(draft, &case, self.uphold)?;
        if !self.commend.is_empty() {
            // Nobody commends itself.
            if draft.department(&self.commend)?.body == body {
                return Err(Refusal::SameBody(body).into());
            }
            against(draft, IntegrityRule::Commended, &self.commend, &case)?;
        }
        Ok(Outcome::DONE)
    }
}

fn consequences(draft: &mut Draft<'_>, case: &wire::Case, uphold: bool) -> Result<(), Halt> {
    let opened = case.opened.clone().unwrap_or_default();
    match opened.subject.and_then(|it| it.about) {
        Some(About::Integrity(it)) => {
            let end = if uphold { IntegrityEnd::Dismissed } else { IntegrityEnd::Final };
            return integrity::settle(draft, &it.department, it.number, end);
        }
        Some(About::Correction(it)) if uphold => {
            corrections::ruled(draft, &it.correction_id)?;
        }
        Some(About::Correction(_) | About::Version(_) | About::Record(_) | About::Grant(_))
        | None => {}
    }
    match uphold {
        true => against(draft, IntegrityRule::CaseUpheld, &opened.respondent, case),
        false => against(draft, IntegrityRule::CaseDismissed, &opened.department, case),
    }
}

/// What a case is about has a part in its story.
fn about(subject: &wire::CaseSubject) -> Vec<Place> {
    match &subject.about {
        Some(About::Version(it)) => vec![Place::dataset_trail(&it.dataset)],
        Some(About::Record(it)) => {
            let own = [Place::dataset_trail(&it.dataset)];
            own.into_iter().chain(grant::trail(&it.request_id)).collect()
        }
        Some(About::Grant(it)) => grant::trails(&it.dataset, &it.request_id),
        Some(About::Integrity(it)) => vec![Place::integrity_trail(&it.department)],
        Some(About::Correction(_)) | None => Vec::new(),
    }
}
