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
    /// By when what was sealed before it closed is to be opened.
    due: Option<u64>,
    /// What was sealed for it.
    pub(in super::super) batches: Vec<Batch>,
    /// What is to be opened.
    owed: Vec<Owed>,
}

/// Reads that nodes of a department are to open.
#[derive(Debug, Clone)]
struct Owed {
    by: String,
    /// By when; not known before the audit closes.
    due: Option<u64>,
    left: u64,
    /// For so many of them it was blamed.
    blamed: u64,
}

/// Reads sealed together.
#[derive(Debug, Clone)]
pub(in super::super) struct Batch {
    pub(in super::super) root: Id,
    pub(in super::super) by: String,
    pub(in super::super) count: u32,
    /// By when it is to be opened, where it was sealed after its audit closed.
    due: Option<u64>,
    /// Indices of those that are opened.
    pub(in super::super) opened: Vec<u32>,
}

impl Audit {
    fn about(&self) -> Id {
        format!("{}/{}", self.department, self.code).into_bytes()
    }

    fn owe(&mut self, by: &str, due: Option<u64>, left: u64, blamed: u64) {
        match self.owed.iter_mut().find(|it| it.by == by && it.due == due) {
            Some(one) => {
                one.left += left;
                one.blamed += blamed;
            }
            None => self.owed.push(Owed { by: by.to_owned(), due, left, blamed }),
        }
    }

    /// Whose reads are to be opened, by when (0: not known yet), how many, and for how many of them it was blamed.
    pub(in super::super) fn owed(&self) -> Vec<(String, u64, u64, u64)> {
        let waits = self.owed.iter().filter(|it| it.left > 0);
        let row = |it: &Owed| (it.by.clone(), it.due.unwrap_or(0), it.left, it.blamed);
        let mut owed: Vec<_> = waits.map(row).collect();
        owed.sort();
        owed
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
    fn asked_for(&self, read: &wire::TrailRead, audit: &str, by: &str, no: &mut Why) {
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
        said.extend(&it.node);
        said.extend((it.audit.len() as u32).to_be_bytes());
        said.extend(it.audit.as_bytes());
        let public = PublicKey::from_slice(&key.public).unwrap();
        let signed = public.verify(&said, &Signature::from_slice(&it.signature).unwrap());
        let theirs = (&key.department, &key.identity) == (&read.department, &read.identity_id);
        let when = it.time_ms <= read.time_ms + 60_000
            && read.time_ms <= it.time_ms + A_DAY
            && read.time_ms <= self.now + self.parameters.future_drift_ms;
        let a_minute = 60_000;
        let about = [it.time_ms, it.time_ms + a_minute, it.time_ms.saturating_sub(a_minute)];
        let in_force = about.iter().any(|time| key.life.at_time(*time));
        let of_by = self.key(&it.node).is_some_and(|node| node.department == by);
        if !signed || !theirs || !when || !in_force || it.audit != audit || !of_by {
            no.push("read.bad");
        }
    }

    pub(super) fn record_reads(&mut self, by: By<'_>, it: &wire::RecordReads) -> Why {
        let mut no = Vec::new();
        self.node(by, &it.department, &mut no);
        for read in &it.reads {
            self.asked_for(read, "", &it.department, &mut no);
            let overseers = [Right::Audit, Right::Regulate];
            if !overseers.iter().any(|right| self.has_right(&read.department, *right)) {
                no.push("read.bad");
            }
        }
        for sealed in &it.sealed {
            match self.audit(&sealed.department, &sealed.audit) {
                None => no.push("audit.unknown"),
                Some(audit) => {
                    let same = |one: &Batch| one.root == sealed.root && one.by == it.department;
                    let left = |one: &Batch| one.opened.len() < one.count as usize;
                    if audit.batches.iter().any(|one| same(one) && left(one)) {
                        no.push("read.sealed");
                    }
                }
            }
        }
        if !no.is_empty() {
            return no;
        }
        for sealed in &it.sealed {
            let audit = self.audit(&sealed.department, &sealed.audit).unwrap();
            let (closed, about) = (audit.closed, audit.about());
            let due = closed.then(|| self.wants_opening(&about));
            let audit = self.audit(&sealed.department, &sealed.audit).unwrap();
            audit.owe(&it.department, due, u64::from(sealed.count), 0);
            audit.batches.push(Batch {
                root: sealed.root.clone(),
                by: it.department.clone(),
                count: sealed.count,
                due,
                opened: Vec::new(),
            });
        }
        no
    }

    fn wants_opening(&mut self, about: &[u8]) -> u64 {
        let due = self.due_in(self.parameters.open_days);
        self.remind(due, TimerKind::ReadsDue, about);
        due
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
            let audit = Audit {
                department,
                code,
                closed: false,
                until,
                due: None,
                batches: Vec::new(),
                owed: Vec::new(),
            };
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
        let due = self.wants_opening(about);
        let audit = self.audits.iter_mut().find(|it| it.about() == about).unwrap();
        audit.due = Some(due);
        audit.owed.iter_mut().for_each(|it| it.due = Some(due));
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
            self.asked_for(read, &it.audit, &it.sealed_by, &mut no);
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
            let (by, due) = (batch.by.clone(), batch.due.or(audit.due));
            for _ in &it.reads {
                let owed = audit.owed.iter_mut().filter(|it| it.by == by && it.left > 0);
                let first = owed.min_by_key(|it| (it.due != due, it.left == it.blamed, it.due));
                let first = first.unwrap();
                first.left -= 1;
                first.blamed = first.blamed.min(first.left);
            }
        }
        no
    }

    /// Whose nodes have not opened in time what they sealed are at fault, for each read once.
    pub(super) fn reads_overdue(&mut self, about: &[u8]) {
        let at = self.audits.iter().position(|it| it.about() == about).unwrap();
        let mut owed = std::mem::take(&mut self.audits[at].owed);
        owed.sort_by(|a, b| (&a.by, a.due).cmp(&(&b.by, b.due)));
        for one in &mut owed {
            let fresh = one.left - one.blamed;
            if fresh == 0 || one.due.is_none_or(|due| due > self.now) {
                continue;
            }
            let department = self.department(&one.by).unwrap();
            if !department.ended && !department.life.at_height(self.height) {
                let due = self.wants_opening(about);
                self.audits[at].owe(&one.by, Some(due), one.left, one.blamed);
                one.left = 0;
            } else {
                one.blamed = one.left;
                self.raise(IntegrityRule::NotOpened, &one.by, &[], ("", &[]), fresh);
            }
        }
        for one in owed.into_iter().filter(|it| it.left > 0) {
            self.audits[at].owed.push(one);
        }
    }
}
