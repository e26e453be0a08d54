//! What auditors were shown: audits, and reads sealed for them until they close.

use super::{By, Id, Simple, Why};
use crate::items::reading::reads::commitment;
use crate::wire::{self, IdentityKind, Right};

/// An audit: its department and code, and whether it has closed.
#[derive(Debug, Clone)]
pub(in super::super) struct Audit {
    pub(in super::super) department: String,
    pub(in super::super) code: String,
    pub(in super::super) closed: bool,
    /// What was sealed for it and is not opened yet.
    pub(in super::super) sealed: Vec<Id>,
}

impl Simple {
    fn audit(&mut self, department: &str, code: &str) -> Option<&mut Audit> {
        self.audits.iter_mut().find(|it| it.department == department && it.code == code)
    }

    fn node(&self, by: By<'_>, stated: &str, no: &mut Why) {
        self.acts(by, stated, no);
        self.kind_of(by, &[IdentityKind::Node], no);
    }

    fn auditor(&self, by: By<'_>, stated: &str, no: &mut Why) {
        use IdentityKind::{Auditor, Officer, Regulator, Root};
        self.acts(by, stated, no);
        if !self.has_right(stated, Right::Audit) && !self.has_right(stated, Right::Regulate) {
            no.push("right.missing");
        }
        self.kind_of(by, &[Auditor, Regulator, Officer, Root], no);
    }

    pub(super) fn record_reads(&mut self, by: By<'_>, it: &wire::RecordReads) -> Why {
        let mut no = Vec::new();
        self.node(by, &it.department, &mut no);
        for sealed in &it.sealed {
            if self.audit(&sealed.department, &sealed.audit).is_none() {
                no.push("audit.unknown");
            }
        }
        if no.is_empty() {
            for sealed in &it.sealed {
                let audit = self.audit(&sealed.department, &sealed.audit).unwrap();
                audit.sealed.push(sealed.commitment.clone());
            }
        }
        no
    }

    pub(super) fn open_audit(&mut self, by: By<'_>, it: &wire::OpenAudit) -> Why {
        let mut no = Vec::new();
        self.auditor(by, &it.department, &mut no);
        if self.audit(&it.department, &it.audit).is_some() {
            no.push("audit.exists");
        }
        if no.is_empty() {
            let (department, code) = (it.department.clone(), it.audit.clone());
            self.audits.push(Audit { department, code, closed: false, sealed: Vec::new() });
        }
        no
    }

    pub(super) fn close_audit(&mut self, by: By<'_>, it: &wire::CloseAudit) -> Why {
        let mut no = Vec::new();
        self.auditor(by, &it.department, &mut no);
        match self.audit(&it.department, &it.audit) {
            None => no.push("audit.unknown"),
            Some(audit) if audit.closed => no.push("audit.state"),
            Some(audit) if no.is_empty() => audit.closed = true,
            Some(_) => {}
        }
        no
    }

    /// Each read must be one that was sealed for this audit, and is opened once.
    pub(super) fn open_reads(&mut self, by: By<'_>, it: &wire::OpenReads) -> Why {
        let mut no = Vec::new();
        self.node(by, &it.department, &mut no);
        let Some(audit) = self.audit(&it.audit_department, &it.audit) else {
            no.push("audit.unknown");
            return no;
        };
        if !audit.closed {
            no.push("audit.state");
        }
        let mut left = audit.sealed.clone();
        for read in &it.reads {
            let commitment = commitment(read).to_vec();
            match left.iter().position(|it| *it == commitment) {
                Some(at) => {
                    left.remove(at);
                }
                None => no.push("read.unknown"),
            }
        }
        if no.is_empty() {
            audit.sealed = left;
        }
        no
    }
}
