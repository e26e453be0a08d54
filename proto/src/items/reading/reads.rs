//! Auditors and regulators leave a trace too: nodes record what they showed them, with what its reader signed. What is read for
//! an audit is sealed from the audited until the audit closes.

use crate::event::Outcome;
use crate::items::fields::{Checked, code, ensure, id};
use crate::items::kind::ItemKind;
use crate::items::reading::{audits, read, sealed};
use crate::ledger::{Draft, Halt, Refusal, authority::needs_kind, words};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::limits;
use crate::wire::{self, IdentityKind};

impl ItemKind for wire::RecordReads {
    fn check(&self) -> Checked {
        code("department", &self.department)?;
        let count = self.reads.len().saturating_add(self.sealed.len());
        ensure(
            (1..=limits::READS).contains(&count),
            "reads",
            "1 to 128 reads, or sealed batches, are recorded together",
        )?;
        for one in &self.reads {
            read::check(one)?;
            ensure(one.salt.is_empty(), "reads.salt", "an open read has no salt")?;
            let audit = one.request.as_ref().map_or("", |it| it.audit.as_str());
            ensure(audit.is_empty(), "reads.request.audit", "what is read for an audit is sealed")?;
        }
        self.sealed.iter().try_for_each(sealed::check)
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        let sealed = self.sealed.iter().map(|it| Place::department_trail(&it.department));
        self.reads.iter().flat_map(read::filed).chain(sealed).collect()
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        draft.acts_for(signer, &self.department)?;
        needs_kind(draft, signer, &[IdentityKind::Node], words::NODE)?;
        for one in &self.reads {
            read::asked_for(draft, one, "", &self.department)?;
            read::by_oversight(draft, one)?;
        }
        for batch in &self.sealed {
            sealed::add(draft, batch, &self.department)?;
        }
        Ok(Outcome::DONE)
    }
}

impl ItemKind for wire::OpenReads {
    fn check(&self) -> Checked {
        code("department", &self.department)?;
        code("audit_department", &self.audit_department)?;
        code("audit", &self.audit)?;
        id("root", &self.root)?;
        code("sealed_by", &self.sealed_by)?;
        let count = self.reads.len();
        ensure(
            (1..=limits::READS).contains(&count),
            "reads",
            "1 to 128 reads are opened together",
        )?;
        let order: Vec<u32> = self.reads.iter().map(|one| one.index).collect();
        let ascends = order.iter().zip(order.iter().skip(1)).all(|(a, b)| a < b);
        ensure(ascends, "reads.index", "indices must be strictly ascending, each once")?;
        self.reads.iter().try_for_each(sealed::check_opened)
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        self.reads.iter().filter_map(|one| one.read.as_ref()).flat_map(read::filed).collect()
    }

    /// A node opens what it sealed: each read must be one that was committed to, was asked for by its reader, and is not opened
    /// yet.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        draft.acts_for(signer, &self.department)?;
        needs_kind(draft, signer, &[IdentityKind::Node], words::NODE)?;
        let name = audits::name(&self.audit_department, &self.audit);
        let audit = audits::find(draft, &self.audit_department, &self.audit)?;
        if !audit.closed {
            return Err(Refusal::AuditState { name, state: words::OPEN }.into());
        }
        sealed::open(draft, self, &name)?;
        for one in self.reads.iter().filter_map(|one| one.read.as_ref()) {
            if one.department != self.audit_department {
                return Err(Refusal::BadRead(words::word(
                    "the audit is another department's",
                    "审计属于其他部门",
                ))
                .into());
            }
            read::asked_for(draft, one, &self.audit, &self.sealed_by)?;
        }
        Ok(Outcome::DONE)
    }
}
