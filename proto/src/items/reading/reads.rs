//! Auditors and regulators leave a trace too: nodes record what they showed them. What is read for
//! an audit is sealed from the audited until the audit closes.

use crate::event::Outcome;
use crate::items::fields::{Checked, code, ensure, id, wrong};
use crate::items::kind::ItemKind;
use crate::ledger::{Draft, Halt, Refusal, authority::needs_kind, words};
use crate::place::{Place, TrailKind};
use crate::suite::hash::{Domain, hash};
use crate::tx::TxHeader;
use crate::types::limits;
use crate::wire::{self, IdentityKind, Right};
use prost::Message;
use std::sync::Arc;

impl ItemKind for wire::RecordReads {
    fn check(&self) -> Checked {
        code("department", &self.department)?;
        let count = self.reads.len().saturating_add(self.sealed.len());
        ensure(
            (1..=limits::READS).contains(&count),
            "reads",
            "1 to 128 reads are recorded together",
        )?;
        for read in &self.reads {
            trail_read(read)?;
            ensure(read.salt.is_empty(), "reads.salt", "an open read has no salt")?;
        }
        for sealed in &self.sealed {
            code("sealed.department", &sealed.department)?;
            code("sealed.audit", &sealed.audit)?;
            id("sealed.commitment", &sealed.commitment)?;
        }
        Ok(())
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        let sealed = self.sealed.iter().map(|it| Place::department_trail(&it.department));
        read(&self.reads).chain(sealed).collect()
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        draft.acts_for(signer, &self.department)?;
        needs_kind(draft, signer, &[IdentityKind::Node], words::NODE)?;
        for sealed in &self.sealed {
            let mut audit = (*audit(draft, &sealed.department, &sealed.audit)?).clone();
            audit.sealed = audit.sealed.saturating_add(1);
            draft.put(Place::audit(&sealed.department, &sealed.audit), audit);
            let place = Place::unopened_read(&sealed.department, &sealed.audit, &sealed.commitment);
            let (department, audit) = (sealed.department.clone(), sealed.audit.clone());
            draft.put(place, wire::UnopenedRead { department, audit });
        }
        Ok(Outcome::DONE)
    }
}

fn audit(draft: &Draft<'_>, department: &str, code: &str) -> Result<Arc<wire::Audit>, Halt> {
    let audit: Option<Arc<wire::Audit>> = draft.get(&Place::audit(department, code))?;
    audit.ok_or_else(|| Refusal::UnknownAudit(format!("{department}/{code}")).into())
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
        let place = Place::audit(&self.department, &self.audit);
        let known: Option<Arc<wire::Audit>> = draft.get(&place)?;
        if known.is_some() {
            return Err(Refusal::AuditExists(format!("{}/{}", self.department, self.audit)).into());
        }
        let (department, audit) = (self.department.clone(), self.audit.clone());
        draft.put(place, wire::Audit { department, audit, ..wire::Audit::default() });
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
        let known = audit(draft, &self.department, &self.audit)?;
        if known.closed {
            let name = format!("{}/{}", self.department, self.audit);
            return Err(Refusal::AuditState { name, state: words::CLOSED }.into());
        }
        let place = Place::audit(&self.department, &self.audit);
        draft.put(place, wire::Audit { closed: true, ..(*known).clone() });
        Ok(Outcome::DONE)
    }
}

impl ItemKind for wire::OpenReads {
    fn check(&self) -> Checked {
        code("department", &self.department)?;
        code("audit_department", &self.audit_department)?;
        code("audit", &self.audit)?;
        let count = self.reads.len();
        ensure(
            (1..=limits::READS).contains(&count),
            "reads",
            "1 to 128 reads are opened together",
        )?;
        for read in &self.reads {
            trail_read(read)?;
            id("reads.salt", &read.salt)?;
        }
        Ok(())
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        read(&self.reads).collect()
    }

    /// A node opens what it sealed: each read must be one that was committed to and not opened yet.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        draft.acts_for(signer, &self.department)?;
        needs_kind(draft, signer, &[IdentityKind::Node], words::NODE)?;
        let name = format!("{}/{}", self.audit_department, self.audit);
        let mut audit = (*audit(draft, &self.audit_department, &self.audit)?).clone();
        if !audit.closed {
            return Err(Refusal::AuditState { name, state: words::OPEN }.into());
        }
        for read in &self.reads {
            let commitment = commitment(read);
            let place =
                Place::unopened_read(&audit.department, &audit.audit, commitment.as_bytes());
            let sealed: Option<Arc<wire::UnopenedRead>> = draft.get(&place)?;
            if sealed.is_none() {
                return Err(Refusal::UnknownRead(name).into());
            }
            draft.remove(place);
            audit.opened = audit.opened.saturating_add(1);
        }
        draft.put(Place::audit(&self.audit_department, &self.audit), audit);
        Ok(Outcome::DONE)
    }
}

/// What a sealed read commits to: `H_digest` of the read with its salt.
pub fn commitment(read: &wire::TrailRead) -> crate::types::Hash {
    hash(Domain::Digest, &[&read.encode_to_vec()])
}

pub(crate) fn trail_read(it: &wire::TrailRead) -> Checked {
    code("reads.department", &it.department)?;
    id("reads.identity_id", &it.identity_id)?;
    let kind = u8::try_from(it.trail_kind).ok().and_then(TrailKind::from_byte);
    let kind = kind.ok_or_else(|| wrong("reads.trail_kind", "unknown kind of trail"))?;
    ensure(kind.takes_id(&it.trail_id), "reads.trail_id", "no trail of this kind has such an id")
}

/// A read stands on its reader's trail, and on the trail that was read: who looks at a trail is
/// part of its story. Not on those whose numbers count something.
fn read(reads: &[wire::TrailRead]) -> impl Iterator<Item = Place> + '_ {
    let was_read = reads.iter().filter_map(|it| {
        let kind = u8::try_from(it.trail_kind).ok().and_then(TrailKind::from_byte)?;
        let own = matches!(kind, TrailKind::Key | TrailKind::Use | TrailKind::Gateway);
        (!own).then(|| Place::trail(kind, &it.trail_id))
    });
    reads.iter().map(|it| Place::identity_trail(&it.identity_id)).chain(was_read)
}
