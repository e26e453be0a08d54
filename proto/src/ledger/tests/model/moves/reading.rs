//! What auditors were shown.

use super::super::simple::{Audit, Identity, Key};
use super::sharing::{DAY, HOUR};
use super::{IdentityKind, Move, Moves, Officer};
use crate::items::reading::{
    read::commitment,
    request::{self, Asked},
    sealed::{Batch, path},
};
use crate::place::TrailKind;
use crate::types::{KeyId, TimeMs};
use crate::wire::{self, Right, item::Kind};

impl Moves<'_> {
    fn node(&mut self) -> Option<(String, super::Id)> {
        let height = self.simple.height;
        let nodes: Vec<_> = self
            .simple
            .identities
            .iter()
            .filter(|it| it.kind == IdentityKind::Node as i32 && it.life.at_height(height))
            .collect();
        let node = self.dice.pick_if_any(&nodes)?;
        let (mut by, department) = (node.id.clone(), node.department.clone());
        if self.dice.percent(4) {
            by = self.officer(&department)?;
        }
        Some((department, by))
    }

    /// A read, as its reader asked for it; rarely something is not as the reader said.
    fn read(&mut self, node: &str, audit: Option<&Audit>) -> Option<wire::TrailRead> {
        let of_node = |it: &&std::rc::Rc<Key>| it.department == node;
        let node = self.simple.keys.iter().find(of_node)?.id.clone();
        let node =
            if self.dice.percent(98) { node } else { self.dice.pick(&self.simple.keys).id.clone() };
        let node = KeyId::from_slice(&node).ok()?;
        let rarely_any = self.dice.pick(&self.simple.departments).code.clone();
        let overseer = match self.dice.percent(95) {
            true => self.with_right(Right::Audit)?,
            false => rarely_any,
        };
        // Those of one audit are of whoever comes first, which is rarely the audit's department.
        let colleague = |it: &&std::rc::Rc<Identity>| match audit {
            Some(audit) => it.department == audit.department || audit.code == "audit-1",
            None => it.department == overseer,
        };
        let reader = self.simple.identities.iter().find(colleague)?.clone();
        let audit = audit.map(|it| it.code.as_str());
        let own = |it: &&std::rc::Rc<Key>| it.identity == reader.id;
        let keys: Vec<_> = self.simple.keys.iter().filter(own).cloned().collect();
        let key = self.dice.pick_if_any(&keys)?.id.clone();
        let other = self.dice.pick(&self.simple.keys).id.clone();
        let key = self.keyring.get(if self.dice.percent(98) { &key } else { &other }).clone();
        let time = self.simple.now.saturating_sub(self.dice.below(2 * DAY)).max(1);
        let signed = time.saturating_sub(self.dice.below(25 * HOUR)).max(1);
        let asked = Asked {
            call: request::call_digest("/liuhen.v1.TrailService/GetTrail", &[1]),
            time: TimeMs::new(signed),
            nonce: [3; 16],
            node,
            audit: if self.dice.percent(99) { audit.unwrap_or_default() } else { "audit-0" },
        };
        let mut asked = request::sign(&key, &self.simple.chain, &asked);
        if audit.is_none() {
            asked.audit.clear();
        }
        let list = self.dice.percent(20);
        Some(wire::TrailRead {
            department: reader.department.clone(),
            identity_id: reader.id.clone(),
            trail_kind: if list { 0 } else { TrailKind::Department as u32 },
            trail_id: if list { Vec::new() } else { b"p.bdb".to_vec() },
            first: 0,
            count: 1,
            time_ms: time,
            salt: if audit.is_some() { self.dice.digest() } else { Vec::new() },
            request: Some(asked),
            list: if list { "requests".into() } else { String::new() },
        })
    }

    fn audit(&mut self) -> Option<Audit> {
        self.dice.pick_if_any(&self.simple.audits).cloned()
    }

    pub(super) fn record_reads(&mut self) -> Option<Move> {
        let (department, by) = self.node()?;
        let reads = vec![self.read(&department, None)?];
        let mut sealed = Vec::new();
        if let Some(audit) = self.audit() {
            let count = self.dice.between(1, 3);
            let batch: Option<Vec<_>> =
                (0..count).map(|_| self.read(&department, Some(&audit))).collect();
            let batch = batch?;
            let root = batch.iter().map(commitment).collect::<Batch>().root().to_vec();
            let count = u32::try_from(batch.len()).unwrap();
            self.keyring.batches.insert(root.clone(), batch);
            let unknown = self.dice.percent(5);
            let code = if unknown { "none".into() } else { audit.code };
            sealed.push(wire::SealedReads {
                department: audit.department,
                audit: code,
                root,
                count,
            });
        }
        let item = wire::RecordReads { department, reads, sealed };
        Some((by, Kind::RecordReads(item)))
    }

    pub(super) fn audit_life(&mut self) -> Option<Move> {
        let department = self.with_right(Right::Audit)?;
        let by = self.of(&department, &[Officer, IdentityKind::Auditor])?;
        let mut audit = format!("audit-{}", self.dice.below(12));
        let days = if self.dice.percent(95) { self.dice.between(1, 40) } else { 367 };
        let until_ms = self.simple.now + days * DAY;
        let opens = self.dice.percent(60);
        // Mostly one that is open: of twelve codes few are.
        if !opens && self.dice.percent(80) {
            let own = |it: &&Audit| it.department == department && !it.closed;
            let open: Vec<_> = self.simple.audits.iter().filter(own).collect();
            audit.clone_from(&self.dice.pick_if_any(&open)?.code);
        }
        Some(match opens {
            true => (by, Kind::OpenAudit(wire::OpenAudit { department, audit, until_ms })),
            false => (by, Kind::CloseAudit(wire::CloseAudit { department, audit })),
        })
    }

    pub(super) fn open_reads(&mut self) -> Option<Move> {
        let audit = self.audit()?;
        let batch = self.dice.pick_if_any(&audit.batches)?.clone();
        let reads = self.keyring.batches.get(&batch.root)?.clone();
        let log: Batch = reads.iter().map(commitment).collect();
        let (again, wrong) = (self.dice.percent(5), self.dice.percent(5));
        let mut opened = Vec::new();
        for (index, read) in (0..).zip(&reads) {
            if !again && batch.opened.contains(&index) || self.dice.percent(30) {
                continue;
            }
            let mut read = read.clone();
            read.count += u64::from(wrong);
            let path = path(&log, index).unwrap().iter().map(|hash| hash.to_vec()).collect();
            opened.push(wire::OpenedRead { read: Some(read), index, path });
        }
        if opened.is_empty() {
            return None;
        }
        let (department, by) = self.node()?;
        let item = wire::OpenReads {
            department,
            audit_department: audit.department,
            audit: audit.code,
            root: batch.root,
            reads: opened,
            sealed_by: batch.by,
        };
        Some((by, Kind::OpenReads(item)))
    }
}
