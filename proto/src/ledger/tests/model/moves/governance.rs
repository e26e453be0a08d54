//! Proposals and votes.

use super::super::simple::Proposal;
use super::{IdentityKind, Move, Moves};
use crate::ledger::Object;
use crate::wire::{self, Fraction, IntegrityRule, ProposalEnd, Right, item::Kind, propose::Change};

impl Moves<'_> {
    fn voter(&mut self) -> String {
        match self.dice.percent(92) {
            true => self.dice.pick(&self.simple.voters).department.clone(),
            false => self.any_department(),
        }
    }

    pub(super) fn propose(&mut self) -> Option<Move> {
        let change = match self.dice.below(17) {
            0 => Change::AdmitVoter(self.admit_voter()),
            1 | 2 => Change::ChangeMember(wire::ChangeMember {
                department: self.any_department(),
                change: self.standing() as i32,
            }),
            3 | 4 => Change::SetRights(wire::SetRights {
                department: self.any_department(),
                rights: self.rights(),
            }),
            5 | 6 => Change::SetValidator(self.validator()?),
            7 | 8 => Change::SetParameters(self.parameters()),
            9 => Change::SetCalendar(wire::Calendar {
                year: u32::try_from(self.dice.between(2026, 2028)).unwrap(),
                ..Default::default()
            }),
            10 | 14 => Change::SetProtocol(wire::SetProtocol {
                protocol: u32::try_from(self.dice.between(1, 5)).unwrap(),
                height: self.simple.height + self.dice.between(0, 20),
            }),
            11 => {
                let (department, root) = (self.any_department(), Some(self.root_keys()));
                Change::SetRoot(wire::SetRoot { department, root })
            }
            15 | 16 => Change::VoidIntegrity(self.voided()),
            _ => Change::Succeed(self.succession()?),
        };
        let department = self.voter();
        let by = self.officer(&department)?;
        let item = wire::Propose {
            department,
            reference: "ref-1".into(),
            reason_digest: self.dice.digest(),
            change: Some(change),
        };
        Some((by, Kind::Propose(item)))
    }

    fn admit_voter(&mut self) -> wire::AdmitVoter {
        if self.dice.percent(50) {
            let parent = if self.dice.percent(50) { self.any_department() } else { String::new() };
            let department = Some(self.new_department(&parent));
            return wire::AdmitVoter {
                department,
                member: String::new(),
                weight: self.dice.below(3),
            };
        }
        let member = self.any_department();
        wire::AdmitVoter { department: None, member, weight: self.dice.below(3) }
    }

    fn voided(&mut self) -> wire::VoidIntegrity {
        let from_height = self.dice.between(1, self.simple.height.max(2));
        let rules: &[&[IntegrityRule]] = &[
            &[],
            &[IntegrityRule::Uncovered],
            &[IntegrityRule::DeadlineMissed, IntegrityRule::Uncovered],
        ];
        wire::VoidIntegrity {
            department: self.any_department(),
            from_height,
            until_height: from_height + self.dice.between(0, 40),
            rules: self.dice.pick(rules).iter().map(|it| *it as i32).collect(),
        }
    }

    fn rights(&mut self) -> Vec<i32> {
        use Right::{Collect, Manage, Use};
        let sets: &[&[Right]] = &[&[Use], &[Collect, Use], &[Manage], &[Collect, Use, Manage]];
        self.dice.pick(sets).iter().map(|it| *it as i32).collect()
    }

    fn validator(&mut self) -> Option<wire::SetValidator> {
        let node = |key: &&std::rc::Rc<super::super::simple::Key>| {
            let identity = self.simple.identity(&key.identity).unwrap();
            identity.kind == IdentityKind::Node as i32
        };
        let nodes: Vec<_> = self.simple.keys.iter().filter(node).collect();
        let key = match self.dice.percent(90) {
            true => self.dice.pick_if_any(&nodes)?,
            false => self.dice.pick(&self.simple.keys),
        };
        let validator = wire::Validator {
            key_id: key.id.clone(),
            algorithm: wire::Algorithm::Ed25519 as i32,
            public_key: key.public.clone(),
            cosigner_key: key.public.clone(),
            power: if self.dice.percent(5) { 1 << 63 } else { self.dice.below(3) },
        };
        Some(wire::SetValidator { validator: Some(validator), peer: None })
    }

    fn parameters(&mut self) -> wire::SetParameters {
        let mut new = (*self.simple.parameters).clone();
        let mut basis = Object::from(new.clone()).map_value().as_bytes().to_vec();
        let days = u32::try_from(self.dice.between(1, 6)).unwrap();
        match self.dice.below(10) {
            8 => new.recent_block_age_ms = self.dice.below(600_000),
            0 => new.lead = self.any_department(),
            1 => new.ordinary = Some(Fraction { numerator: 2, denominator: 3 }),
            2 => new.confirm_days = days,
            3 => new.decide_days = days,
            4 => new.late_age_ms += 1000,
            5 => new.managers.clear(),
            6 | 7 => {
                let manager = self.with_right(Right::Manage).unwrap_or("p.bdb".into());
                let deputy = self.with_right(Right::Manage).unwrap_or("p.bdb".into());
                new.managers = vec![wire::Manager { division: "52".into(), manager, deputy }];
            }
            _ if self.dice.percent(50) => new.confirm_days = 0,
            _ => basis = vec![1; 32],
        }
        wire::SetParameters { parameters: Some(new), basis }
    }

    pub(super) fn vote(&mut self) -> Option<Move> {
        let open = |it: &&std::rc::Rc<Proposal>| it.end == ProposalEnd::Unspecified;
        let open: Vec<_> = self.simple.proposals.iter().filter(open).collect();
        let proposal = match self.dice.percent(95) {
            true => *self.dice.pick_if_any(&open)?,
            false => self.dice.pick_if_any(&self.simple.proposals)?,
        };
        let proposal_id = match self.dice.percent(98) {
            true => proposal.id.clone(),
            false => self.dice.digest(),
        };
        let department = self.voter();
        let by = self.officer(&department)?;
        let approve = self.dice.percent(90);
        Some((by, Kind::Vote(wire::Vote { department, proposal_id, approve })))
    }
}
