//! What auditors were shown.

use super::super::simple::Audit;
use super::{IdentityKind, Move, Moves, Officer};
use crate::items::reading::reads::commitment;
use crate::place::TrailKind;
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

    /// A read whose salt, and so its commitment, follows from a number.
    fn read(&mut self, number: u64, salted: bool) -> wire::TrailRead {
        let reader = self.simple.identities[0].clone();
        wire::TrailRead {
            department: reader.department.clone(),
            identity_id: reader.id.clone(),
            trail_kind: TrailKind::Department as u32,
            trail_id: b"p.bdb".to_vec(),
            first: number,
            count: 1,
            time_ms: 1,
            salt: if salted { vec![7; 32] } else { Vec::new() },
        }
    }

    fn audit(&mut self) -> Option<Audit> {
        self.dice.pick_if_any(&self.simple.audits).cloned()
    }

    pub(super) fn record_reads(&mut self) -> Option<Move> {
        let (department, by) = self.node()?;
        let read = self.read(0, false);
        let mut sealed = Vec::new();
        if let Some(audit) = self.audit() {
            let number = self.dice.below(1 << 40);
            let unknown = self.dice.percent(5);
            sealed.push(wire::SealedRead {
                department: audit.department,
                audit: if unknown { "none".into() } else { audit.code },
                commitment: commitment(&self.read(number % 40, true)).to_vec(),
            });
        }
        // A commitment is made once: its salt is random.
        let known = |it: &wire::SealedRead| {
            self.simple.audits.iter().any(|audit| audit.sealed.contains(&it.commitment))
        };
        if sealed.iter().any(known) {
            return None;
        }
        let item = wire::RecordReads { department, reads: vec![read], sealed };
        Some((by, Kind::RecordReads(item)))
    }

    pub(super) fn audit_life(&mut self) -> Option<Move> {
        let department = self.with_right(Right::Audit)?;
        let by = self.of(&department, &[Officer, IdentityKind::Auditor])?;
        let audit = format!("audit-{}", self.dice.below(12));
        Some(match self.dice.percent(50) {
            true => (by, Kind::OpenAudit(wire::OpenAudit { department, audit })),
            false => (by, Kind::CloseAudit(wire::CloseAudit { department, audit })),
        })
    }

    pub(super) fn open_reads(&mut self) -> Option<Move> {
        let audit = self.audit()?;
        let reads = (0..40).map(|number| self.read(number, true)).collect::<Vec<_>>();
        let own = |it: &&wire::TrailRead| audit.sealed.contains(&commitment(it).to_vec());
        let mut reads: Vec<_> = reads.iter().filter(own).cloned().collect();
        if reads.is_empty() || self.dice.percent(5) {
            reads = vec![self.read(41, true)];
        }
        let (department, by) = self.node()?;
        let item = wire::OpenReads {
            department,
            audit_department: audit.department,
            audit: audit.code,
            reads,
        };
        Some((by, Kind::OpenReads(item)))
    }
}
