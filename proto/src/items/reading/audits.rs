//! Audits (审计): what is read for one is sealed until it closes, which it does by a date.

use crate::event::Outcome;
use crate::items::fields::{Checked, code, ensure};
use crate::items::kind::ItemKind;
use crate::items::oversight::integrity::{self, Fault};
use crate::items::reading::unopened;
use crate::ledger::{
    Draft, Halt, Refusal, authority::needs_kind, calendar, intervals, timers, words,
};
use crate::place::{ObjectKind, Place};
use crate::tx::TxHeader;
use crate::types::{TimeMs, limits};
use crate::wire::{self, IdentityKind, IntegrityRule, Right, TimerKind};
use std::sync::Arc;

/// An audit that there is.
pub(super) fn find(
    draft: &Draft<'_>,
    department: &str,
    code: &str,
) -> Result<Arc<wire::Audit>, Halt> {
    let audit: Option<Arc<wire::Audit>> = draft.get(&Place::audit(department, code))?;
    audit.ok_or_else(|| Refusal::UnknownAudit(name(department, code)).into())
}

/// An audit's name in words: `department/code`.
pub(super) fn name(department: &str, code: &str) -> String {
    format!("{department}/{code}")
}

/// Checks that somebody of a department that audits or regulates signs.
fn audits(draft: &Draft<'_>, signer: &TxHeader, department: &str) -> Result<(), Halt> {
    crate::ledger::authority::either(draft, signer, department, [Right::Regulate, Right::Audit])?;
    use IdentityKind::{Auditor, Officer, Regulator, Root};
    needs_kind(draft, signer, &[Auditor, Regulator, Officer, Root], words::AUDITOR)
}

impl ItemKind for wire::OpenAudit {
    fn check(&self) -> Checked {
        code("department", &self.department)?;
        code("audit", &self.audit)?;
        ensure(self.until_ms > 0, "until_ms", "a date is needed")
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::department_trail(&self.department)]
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        audits(draft, signer, &self.department)?;
        let place = Place::audit(&self.department, &self.audit);
        let known: Option<Arc<wire::Audit>> = draft.get(&place)?;
        if known.is_some() {
            return Err(Refusal::AuditExists(name(&self.department, &self.audit)).into());
        }
        let (now, until) = (draft.context().time, TimeMs::new(self.until_ms));
        if until <= now || until.since(now) > limits::AUDIT_MS {
            return Err(Refusal::AuditTooLong(limits::AUDIT_MS / calendar::HOUR_MS / 24).into());
        }
        timers::set(draft, until, TimerKind::AuditEnds, place.id());
        let (department, audit) = (self.department.clone(), self.audit.clone());
        let until_ms = self.until_ms;
        draft.put(place, wire::Audit { department, audit, until_ms, ..wire::Audit::default() });
        Ok(Outcome::DONE)
    }
}

impl ItemKind for wire::CloseAudit {
    fn check(&self) -> Checked {
        code("department", &self.department)?;
        code("audit", &self.audit)
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::department_trail(&self.department)]
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        audits(draft, signer, &self.department)?;
        let known = find(draft, &self.department, &self.audit)?;
        if known.closed {
            let name = name(&self.department, &self.audit);
            return Err(Refusal::AuditState { name, state: words::CLOSED }.into());
        }
        let place = Place::audit(&self.department, &self.audit);
        timers::drop(draft, TimeMs::new(known.until_ms), TimerKind::AuditEnds, place.id());
        close(draft, place, &known)?;
        Ok(Outcome::DONE)
    }
}

/// An audit closes: what was sealed for it is to be opened.
fn close(draft: &mut Draft<'_>, place: Place, known: &wire::Audit) -> Result<(), Halt> {
    let due = wants_opening(draft, &place)?;
    let mut audit = wire::Audit { closed: true, due_ms: due.get(), ..known.clone() };
    audit.unopened.iter_mut().for_each(|one| one.due_ms = due.get());
    draft.put(place, audit);
    Ok(())
}

/// From now on nodes have their time to open what they sealed: until when.
pub(super) fn wants_opening(draft: &mut Draft<'_>, audit: &Place) -> Result<TimeMs, Halt> {
    let days = draft.parameters()?.open_days;
    let due = calendar::due(draft, days)?;
    timers::set(draft, due, TimerKind::ReadsDue, audit.id());
    Ok(due)
}

fn at(draft: &Draft<'_>, about: &[u8]) -> Result<Option<(Place, Arc<wire::Audit>)>, Halt> {
    let place = Place::object(ObjectKind::Audit, about);
    let audit: Option<Arc<wire::Audit>> = draft.get(&place)?;
    Ok(audit.map(|audit| (place, audit)))
}

/// Nobody closed it: its date does.
pub(crate) fn ends(draft: &mut Draft<'_>, about: &[u8]) -> Result<(), Halt> {
    match at(draft, about)? {
        Some((place, audit)) if !audit.closed => close(draft, place, &audit),
        Some(_) | None => Ok(()),
    }
}

/// The time for opening what was sealed is over: whose nodes have not are at fault. A department that is suspended can't open
/// anything, and has its time anew.
pub(crate) fn reads_due(draft: &mut Draft<'_>, about: &[u8]) -> Result<(), Halt> {
    let Some((place, audit)) = at(draft, about)? else { return Ok(()) };
    let mut audit = (*audit).clone();
    let (height, now) = (draft.context().height, draft.context().time);
    let (mut at_fault, mut waits) = (Vec::new(), Vec::new());
    for mut one in std::mem::take(&mut audit.unopened) {
        let left = one.count.saturating_sub(one.blamed);
        if left == 0 || TimeMs::new(one.due_ms) > now {
            audit.unopened.push(one);
            continue;
        }
        let department = draft.department(&one.department)?;
        if !department.ended && !intervals::at_height(&department.standing, height) {
            waits.push(one);
            continue;
        }
        at_fault.push((one.department.clone(), left));
        one.blamed = one.count;
        audit.unopened.push(one);
    }
    if !waits.is_empty() {
        let due = wants_opening(draft, &place)?;
        for one in waits {
            let later = wire::UnopenedCount { due_ms: due.get(), ..one };
            unopened::add(&mut audit.unopened, later);
        }
    }
    draft.put(place, audit);
    for (department, count) in at_fault {
        let fault = Fault {
            rule: IntegrityRule::NotOpened,
            department: &department,
            identity: &[],
            dataset: "",
            request_id: &[],
            count,
        };
        integrity::raise(draft, &fault)?;
    }
    Ok(())
}
