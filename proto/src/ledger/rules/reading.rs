//! Auditors and regulators leave a trace too: nodes record what they showed them. What is read for
//! an audit is sealed from the audited until the audit closes.

use super::{needs_kind, words};
use crate::event::Outcome;
use crate::hash::{Domain, hash};
use crate::ledger::{Draft, Halt, Refusal};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::wire::{self, IdentityKind, Right};
use prost::Message;
use std::sync::Arc;

pub(super) fn record(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::RecordReads,
) -> Result<Outcome, Halt> {
    draft.acts_for(signer, &it.department)?;
    needs_kind(draft, signer, &[IdentityKind::Node], words::NODE)?;
    for sealed in &it.sealed {
        let mut audit = (*audit(draft, &sealed.department, &sealed.audit)?).clone();
        audit.sealed = audit.sealed.saturating_add(1);
        draft.put(Place::audit(&sealed.department, &sealed.audit), audit);
        let place = Place::unopened_read(&sealed.department, &sealed.audit, &sealed.commitment);
        let (department, audit) = (sealed.department.clone(), sealed.audit.clone());
        draft.put(place, wire::UnopenedRead { department, audit });
    }
    Ok(Outcome::DONE)
}

fn audit(draft: &Draft<'_>, department: &str, code: &str) -> Result<Arc<wire::Audit>, Halt> {
    let audit: Option<Arc<wire::Audit>> = draft.get(&Place::audit(department, code))?;
    audit.ok_or_else(|| Refusal::UnknownAudit(format!("{department}/{code}")).into())
}

/// Checks that somebody of a department that audits or regulates signs.
fn audits(draft: &Draft<'_>, signer: &TxHeader, department: &str) -> Result<(), Halt> {
    super::either(draft, signer, department, [Right::Regulate, Right::Audit])?;
    use IdentityKind::{Auditor, Officer, Regulator, Root};
    needs_kind(draft, signer, &[Auditor, Regulator, Officer, Root], words::AUDITOR)
}

pub(super) fn open_audit(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::OpenAudit,
) -> Result<Outcome, Halt> {
    audits(draft, signer, &it.department)?;
    let place = Place::audit(&it.department, &it.audit);
    let known: Option<Arc<wire::Audit>> = draft.get(&place)?;
    if known.is_some() {
        return Err(Refusal::AuditExists(format!("{}/{}", it.department, it.audit)).into());
    }
    let (department, audit) = (it.department.clone(), it.audit.clone());
    draft.put(place, wire::Audit { department, audit, ..wire::Audit::default() });
    Ok(Outcome::DONE)
}

pub(super) fn close_audit(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::CloseAudit,
) -> Result<Outcome, Halt> {
    audits(draft, signer, &it.department)?;
    let known = audit(draft, &it.department, &it.audit)?;
    if known.closed {
        let name = format!("{}/{}", it.department, it.audit);
        return Err(Refusal::AuditState { name, state: words::CLOSED }.into());
    }
    let place = Place::audit(&it.department, &it.audit);
    draft.put(place, wire::Audit { closed: true, ..(*known).clone() });
    Ok(Outcome::DONE)
}

/// A node opens what it sealed: each read must be one that was committed to and not opened yet.
pub(super) fn open(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::OpenReads,
) -> Result<Outcome, Halt> {
    draft.acts_for(signer, &it.department)?;
    needs_kind(draft, signer, &[IdentityKind::Node], words::NODE)?;
    let name = format!("{}/{}", it.audit_department, it.audit);
    let mut audit = (*audit(draft, &it.audit_department, &it.audit)?).clone();
    if !audit.closed {
        return Err(Refusal::AuditState { name, state: words::OPEN }.into());
    }
    for read in &it.reads {
        let commitment = commitment(read);
        let place = Place::unopened_read(&audit.department, &audit.audit, commitment.as_bytes());
        let sealed: Option<Arc<wire::UnopenedRead>> = draft.get(&place)?;
        if sealed.is_none() {
            return Err(Refusal::UnknownRead(name).into());
        }
        draft.remove(place);
        audit.opened = audit.opened.saturating_add(1);
    }
    draft.put(Place::audit(&it.audit_department, &it.audit), audit);
    Ok(Outcome::DONE)
}

/// What a sealed read commits to: `H_digest` of the read with its salt.
pub fn commitment(read: &wire::TrailRead) -> crate::types::Hash {
    hash(Domain::Digest, &[&read.encode_to_vec()])
}
