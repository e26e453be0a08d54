//! What auditors were shown: audits, and reads sealed for them until they close.

use super::{By, Id, Simple, Why};
use crate::items::reading::read::commitment;
use crate::suite::hash::{Domain, hash};
use crate::suite::sign::{PublicKey, Signature};
use crate::types::Hash;
use crate::wire::{self, IdentityKind, IntegrityRule, Right, TimerKind};

const A_DAY: u64 = 86_400_000;

/// An audit: its department and code, and whether it has closed.
#[derive(Debug, Clone)]
pub(in super::super) struct Audit {
    pub(in super::super) department: String,
    pub(in super::super) code: String,
    pub(in super::super) closed: bool,
    pub(in super::super) until: u64,
    /// What was sealed for it.
    pub(in super::super) batches: Vec<Batch>,
}

/// Reads sealed together.
#[derive(Debug, Clone)]
pub(in super::super) struct Batch {
    pub(in super::super) root: Id,
    pub(in super::super) by: String,
    pub(in super::super) count: u32,
    /// Indices of those that are opened.
    pub(in super::super) opened: Vec<u32>,
}

impl Audit {
    fn about(&self) -> Id {
        format!("{}/{}", self.department, self.code).into_bytes()
    }

    /// How many of one department's wait to be opened.
    pub(in super::super) fn unopened(&self, by: &str) -> u64 {
        let own = self.batches.iter().filter(|it| it.by == by);
        own.map(|it| u64::from(it.count) - it.opened.len() as u64).sum()
    }
}

/// Where a leaf and the hashes beside its way lead, in a log of so many.
fn leads_to(index: u32, size: u32, leaf: Hash, path: &[Vec<u8>]) -> Option<Hash> {
    let Some((last, path)) = path.split_last() else { return (size == 1).then_some(leaf) };
    if index >= size || size < 2 {
        return None;
    }
    let left = (0..32).map(|bit| 1 << bit).filter(|width| *width < size).max().unwrap();
    let pair = |a: &[u8], b: &[u8]| hash(Domain::Node, &[a, b]);
    Some(if index < left {
        pair(leads_to(index, left, leaf, path)?.as_bytes(), last)
    } else {
        pair(last, leads_to(index - left, size - left, leaf, path)?.as_bytes())
    })
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

    /// A node says of nobody that it read what it did not ask for.
    fn asked_for(&self, read: &wire::TrailRead, audit: &str, no: &mut Why) {
        let it = read.request.as_ref().unwrap();
        let Some(key) = self.key(&it.key_id) else {
            no.push("key.unknown");
            return;
        };
        let mut said = b"liuhen/read/v1\n".to_vec();
        said.extend(self.chain.as_bytes());
        said.extend(&it.key_id);
        said.extend(&it.call_digest);
        said.extend(it.time_ms.to_be_bytes());
        said.extend(&it.nonce);
        for text in [&it.server, &it.audit] {
            said.extend((text.len() as u32).to_be_bytes());
            said.extend(text.as_bytes());
        }
        let public = PublicKey::from_slice(&key.public).unwrap();
        let signed = public.verify(&said, &Signature::from_slice(&it.signature).unwrap());
        let theirs = (&key.department, &key.identity) == (&read.department, &read.identity_id);
        let when = it.time_ms <= read.time_ms + 60_000
            && read.time_ms <= it.time_ms + A_DAY
            && read.time_ms <= self.now + self.parameters.future_drift_ms;
        let a_minute = 60_000;
        let about = [it.time_ms, it.time_ms + a_minute, it.time_ms.saturating_sub(a_minute)];
        let in_force = about.iter().any(|time| key.life.at_time(*time));
        if !signed || !theirs || !when || !in_force || it.audit != audit {
            no.push("read.bad");
        }
    }

    pub(super) fn record_reads(&mut self, by: By<'_>, it: &wire::RecordReads) -> Why {
        let mut no = Vec::new();
        self.node(by, &it.department, &mut no);
        for read in &it.reads {
            self.asked_for(read, "", &mut no);
        }
        for sealed in &it.sealed {
            match self.audit(&sealed.department, &sealed.audit) {
                None => no.push("audit.unknown"),
                Some(audit) => {
                    let same = |one: &Batch| one.root == sealed.root && one.by == it.department;
                    let left = |one: &Batch| one.opened.len() < one.count as usize;
                    if audit.batches.iter().any(|one| same(one) && left(one)) {
                        no.push("read.unknown");
                    }
                }
            }
        }
        if !no.is_empty() {
            return no;
        }
        for sealed in &it.sealed {
            let audit = self.audit(&sealed.department, &sealed.audit).unwrap();
            audit.batches.push(Batch {
                root: sealed.root.clone(),
                by: it.department.clone(),
                count: sealed.count,
                opened: Vec::new(),
            });
            let (closed, about) = (audit.closed, audit.about());
            if closed {
                self.wants_opening(&about);
            }
        }
        no
    }

    fn wants_opening(&mut self, about: &[u8]) {
        let due = self.due_in(self.parameters.open_days);
        self.remind(due, TimerKind::ReadsDue, about);
    }

    pub(super) fn open_audit(&mut self, by: By<'_>, it: &wire::OpenAudit) -> Why {
        let mut no = Vec::new();
        self.auditor(by, &it.department, &mut no);
        if self.audit(&it.department, &it.audit).is_some() {
            no.push("audit.exists");
        }
        if it.until_ms <= self.now || it.until_ms > self.now + 366 * A_DAY {
            no.push("audit.too_long");
        }
        if no.is_empty() {
            let (department, code, until) = (it.department.clone(), it.audit.clone(), it.until_ms);
            let audit = Audit { department, code, closed: false, until, batches: Vec::new() };
            self.remind(until, TimerKind::AuditEnds, &audit.about());
            self.audits.push(audit);
        }
        no
    }

    pub(super) fn close_audit(&mut self, by: By<'_>, it: &wire::CloseAudit) -> Why {
        let mut no = Vec::new();
        self.auditor(by, &it.department, &mut no);
        match self.audit(&it.department, &it.audit) {
            None => no.push("audit.unknown"),
            Some(audit) if audit.closed => no.push("audit.state"),
            Some(audit) if no.is_empty() => {
                let (until, about) = (audit.until, audit.about());
                self.forget(until, TimerKind::AuditEnds, &about);
                self.audit_ends(&about);
            }
            Some(_) => {}
        }
        no
    }

    /// It closes, by its date if by nobody.
    pub(super) fn audit_ends(&mut self, about: &[u8]) {
        let audit = self.audits.iter_mut().find(|it| it.about() == about).unwrap();
        audit.closed = true;
        self.wants_opening(about);
    }

    /// Each read must be one that was sealed for this audit, and is opened once.
    pub(super) fn open_reads(&mut self, by: By<'_>, it: &wire::OpenReads) -> Why {
        let mut no = Vec::new();
        self.node(by, &it.department, &mut no);
        for one in &it.reads {
            let read = one.read.as_ref().unwrap();
            if read.department != it.audit_department {
                no.push("read.bad");
            }
            self.asked_for(read, &it.audit, &mut no);
        }
        let Some(audit) = self.audit(&it.audit_department, &it.audit) else {
            no.push("audit.unknown");
            return no;
        };
        if !audit.closed {
            no.push("audit.state");
        }
        let named = |one: &&mut Batch| {
            one.root == it.root && one.by == it.sealed_by && one.opened.len() < one.count as usize
        };
        let Some(batch) = audit.batches.iter_mut().find(named) else {
            no.push("read.unknown");
            return no;
        };
        for one in &it.reads {
            let leaf = commitment(one.read.as_ref().unwrap());
            let root = leads_to(one.index, batch.count, leaf, &one.path);
            let committed = root.is_some_and(|root| root.as_bytes() == batch.root.as_slice());
            if !committed || batch.opened.contains(&one.index) {
                no.push("read.unknown");
            }
        }
        if no.is_empty() {
            batch.opened.extend(it.reads.iter().map(|one| one.index));
            let (by, about) = (batch.by.clone(), audit.about());
            let left = audit.unopened(&by);
            let blamed = self.blamed_readers.iter_mut();
            for one in blamed.filter(|one| one.0 == about && one.1 == by) {
                one.2 = one.2.min(left);
            }
        }
        no
    }

    /// Whose nodes have not opened in time what they sealed are at fault, for each read once.
    pub(super) fn reads_overdue(&mut self, about: &[u8]) {
        let audit = self.audits.iter().find(|it| it.about() == about).unwrap().clone();
        let mut all: Vec<&str> = audit.batches.iter().map(|it| it.by.as_str()).collect();
        all.sort_unstable();
        all.dedup();
        for by in all {
            let left = audit.unopened(by);
            let known = self.blamed_readers.iter().find(|one| one.0 == about && one.1 == by);
            let blamed = known.map_or(0, |one| one.2);
            if left > blamed {
                self.blamed_readers.retain(|one| one.0 != about || one.1 != by);
                self.blamed_readers.push((about.to_vec(), by.to_owned(), left));
                self.raise(IntegrityRule::NotOpened, by, &[], ("", &[]), left - blamed);
            }
        }
    }
}
