//! Proposals, votes, and what a proposal that passed changes.

use super::{By, Id, Proposal, Simple, Why};
use crate::ledger::Object;
use crate::types::ProposalId;
use crate::wire::{self, Fraction, IdentityKind, ProposalEnd, Right, propose::Change};
use std::rc::Rc;

impl By<'_> {
    fn new_proposal(self) -> Id {
        ProposalId::of_event(&self.header.key, self.header.seq + u64::from(self.number)).to_vec()
    }
}

impl Simple {
    pub(super) fn proposal(&self, id: &[u8]) -> Option<&Proposal> {
        self.proposals.iter().find(|it| it.id == id).map(Rc::as_ref)
    }

    fn proposal_mut(&mut self, id: &[u8]) -> &mut Proposal {
        Rc::make_mut(self.proposals.iter_mut().find(|it| it.id == id).unwrap())
    }

    pub(super) fn propose(&mut self, by: By<'_>, it: &wire::Propose) -> Why {
        let mut no = Vec::new();
        self.acts(by, &it.department, &mut no);
        self.officer(by, &mut no);
        if !self.has_vote(&it.department) {
            no.push("vote.none");
        }
        let change = it.change.clone().unwrap();
        // It must be able to hold as things stand.
        no.extend(self.clone().enact(&change, &by.new_identity()));
        if !no.is_empty() {
            return no;
        }
        let expires = self.due_in(self.parameters.proposal_days);
        self.proposals.push(Rc::new(Proposal {
            id: by.new_proposal(),
            change,
            votes: Vec::new(),
            expires,
            end: ProposalEnd::Unspecified,
        }));
        no
    }

    pub(super) fn vote(&mut self, by: By<'_>, it: &wire::Vote) -> Why {
        let mut no = Vec::new();
        self.acts(by, &it.department, &mut no);
        self.officer(by, &mut no);
        if !self.voters.iter().any(|one| one.department == it.department && !one.suspended) {
            no.push("vote.none");
        }
        match self.proposal(&it.proposal_id) {
            None => no.push("proposal.unknown"),
            Some(one) if one.end != ProposalEnd::Unspecified => no.push("proposal.closed"),
            Some(_) => {}
        }
        if !no.is_empty() {
            return no;
        }
        let proposal = self.proposal_mut(&it.proposal_id);
        proposal.votes.retain(|(department, _)| *department != it.department);
        proposal.votes.push((it.department.clone(), it.approve));
        let (change, votes) = (proposal.change.clone(), proposal.votes.clone());
        if it.approve && self.passes(&change, &votes) {
            let before = self.clone();
            let why = self.enact(&change, &by.new_identity());
            if why.is_empty() {
                self.close_proposal(&it.proposal_id, ProposalEnd::Enacted, "");
            } else {
                *self = before;
                // Which of the reasons the ledger met first is its own.
                self.close_proposal(&it.proposal_id, ProposalEnd::Failed, "?");
            }
        }
        no
    }

    pub(super) fn close_proposal(&mut self, id: &[u8], end: ProposalEnd, why: &str) {
        self.proposal_mut(id).end = end;
        self.tell(format!("proposal {end:?}{why}: {}", hex::encode(id)));
    }

    fn passes(&self, change: &Change, votes: &[(String, bool)]) -> bool {
        let approves =
            |code: &str| votes.iter().any(|(department, approve)| department == code && *approve);
        let (mut all, mut yes) = (0u64, 0u64);
        for voter in self.voters.iter().filter(|it| !it.suspended) {
            all += voter.weight;
            yes += if approves(&voter.department) { voter.weight } else { 0 };
        }
        let parameters = &self.parameters;
        let share = |it: &Option<Fraction>| {
            let it = it.unwrap();
            (yes * u64::from(it.denominator), all * u64::from(it.numerator))
        };
        let about_voter = |code: &str| self.has_vote(code);
        let (constitutional, needs_lead) = match change {
            Change::AdmitVoter(it) if it.department.is_some() && it.weight == 0 => (false, true),
            Change::AdmitVoter(_)
            | Change::SetValidator(_)
            | Change::SetProtocol(_)
            | Change::RemovePeer(_) => (true, true),
            Change::ChangeMember(it) => (about_voter(&it.department), true),
            Change::SetRoot(it) => (about_voter(&it.department), true),
            Change::Succeed(it) => (about_voter(&it.from) || about_voter(&it.to), true),
            Change::SetRights(_) | Change::SetCalendar(_) | Change::VoidIntegrity(_) => {
                (false, false)
            }
            Change::SetParameters(it) => {
                let new = it.parameters.as_ref().unwrap();
                let other_lead = new.lead != parameters.lead;
                let quorum = (new.ordinary, new.constitutional)
                    != (parameters.ordinary, parameters.constitutional);
                (quorum || other_lead, !other_lead)
            }
        };
        if constitutional {
            let (yes, needed) = share(&parameters.constitutional);
            yes >= needed && (approves(&parameters.lead) || !needs_lead)
        } else {
            let (yes, needed) = share(&parameters.ordinary);
            yes > needed
        }
    }

    /// What speaks against a change; done where there is nothing.
    fn enact(&mut self, change: &Change, new_identity: &[u8]) -> Why {
        match change {
            Change::AdmitVoter(it) => self.admit_voter(it, new_identity),
            Change::ChangeMember(it) => {
                let why = self.change_standing(&it.department, it.change(), true);
                if why.is_empty() {
                    let code = &it.department;
                    self.tell(format!("department {code} {} because of {code}", it.change));
                }
                why
            }
            Change::SetRights(it) => {
                if self.department(&it.department).is_none() {
                    return vec!["department.unknown"];
                }
                let manages = |one: &wire::Manager| {
                    one.manager == it.department || one.deputy == it.department
                };
                let keeps = it.rights.contains(&(Right::Manage as i32));
                if !keeps && self.parameters.managers.iter().any(manages) {
                    return vec!["department.in_office"];
                }
                self.department_mut(&it.department).rights.clone_from(&it.rights);
                self.tell(format!("member {} changed", it.department));
                Vec::new()
            }
            Change::SetValidator(it) => self.set_validator(it.validator.as_ref().unwrap()),
            Change::SetParameters(it) => self.set_parameters(it),
            Change::SetCalendar(it) => {
                self.calendars.retain(|one| one.year != it.year);
                self.calendars.push(it.clone());
                Vec::new()
            }
            Change::SetProtocol(it) => {
                let (known, from) = self.protocol;
                let next = if from <= self.height { known + 1 } else { known };
                let wanted = (it.protocol, it.height);
                // What is planned can be called off.
                if from > self.height && wanted == (known - 1, from) {
                    self.protocol = (known - 1, self.height);
                    return Vec::new();
                }
                if it.protocol != next || it.height < self.height + 2 || wanted == self.protocol {
                    return vec!["protocol.height"];
                }
                self.protocol = wanted;
                Vec::new()
            }
            // Nobody's node is reached in the model.
            Change::RemovePeer(_) => vec!["peer.unknown"],
            Change::SetRoot(it) => {
                let Some(named) = self.department(&it.department) else {
                    return vec!["department.unknown"];
                };
                if named.ended || !named.successor.is_empty() {
                    return vec!["standing.is", "succession.exists"];
                }
                let root = it.root.as_ref().unwrap();
                let why = self.prepare_root(&it.department, new_identity, root);
                if why.is_empty() {
                    self.take_root(&it.department, new_identity);
                }
                why
            }
            Change::Succeed(it) => self.succeed(it),
            Change::VoidIntegrity(it) => self.void(it),
        }
    }

    fn admit_voter(&mut self, it: &wire::AdmitVoter, new_identity: &[u8]) -> Why {
        let code = match &it.department {
            Some(new) => {
                let why = self.admit(new, new_identity);
                if !why.is_empty() {
                    return why;
                }
                if it.weight == 0 {
                    self.tell(format!("member {} changed", new.code));
                    return Vec::new();
                }
                new.code.clone()
            }
            None => it.member.clone(),
        };
        let Some(department) = self.department(&code) else { return vec!["department.unknown"] };
        let suspended = !department.life.goes_on();
        if it.department.is_none() && it.weight > 0 {
            // A vote is for who is there to cast it.
            if suspended {
                return vec!["standing.is"];
            }
            if !department.successor.is_empty() {
                return vec!["succession.exists"];
            }
        }
        if it.weight == 0 && self.parameters.lead == code {
            return vec!["department.in_office"];
        }
        if it.weight == 0 && !self.has_vote(&code) {
            return vec!["vote.none"];
        }
        self.voters.retain(|it| it.department != code);
        if it.weight > 0 {
            let department = code.clone();
            self.voters.push(wire::Voter { department, weight: it.weight, suspended });
        }
        if self.voters.iter().all(|it| it.suspended) {
            return vec!["vote.last"];
        }
        self.tell(format!("member {code} changed"));
        Vec::new()
    }

    /// A validator is a node on the ledger, in force; one at least remains.
    fn set_validator(&mut self, new: &wire::Validator) -> Why {
        let known = self.validators.iter().any(|it| it.key_id == new.key_id);
        let mut set = self.validators.clone();
        set.retain(|it| it.key_id != new.key_id);
        if new.power == 0 {
            if !known || set.is_empty() {
                return vec!["validator.bad"];
            }
        } else {
            let Some(key) = self.key(&new.key_id).filter(|it| it.life.goes_on()) else {
                return vec!["key.unknown"];
            };
            let identity = self.identity(&key.identity).unwrap();
            if identity.kind != IdentityKind::Node as i32 || key.public != new.public_key {
                return vec!["validator.bad"];
            }
            set.push(new.clone());
        }
        if set.iter().map(|it| u128::from(it.power)).sum::<u128>() > 1 << 60 {
            return vec!["validator.bad"];
        }
        // They sign two blocks later.
        self.signers.retain(|(from, _)| *from != self.height + 2);
        self.signers.push((self.height + 2, set.iter().map(|it| it.key_id.clone()).collect()));
        self.validators = set;
        Vec::new()
    }

    fn set_parameters(&mut self, it: &wire::SetParameters) -> Why {
        let mut no = Vec::new();
        let new = it.parameters.clone().unwrap();
        // Records that come late have their halves.
        let halves = new.half_grace_ms >= new.late_age_ms;
        let citable = (300_000..=86_400_000).contains(&new.recent_block_age_ms);
        if !new.purposes.is_sorted() || new.confirm_days == 0 || !halves || !citable {
            no.push("parameters.bad");
        }
        let now = Object::from((*self.parameters).clone()).map_value();
        if now.as_bytes().as_slice() != it.basis {
            no.push("parameters.basis");
        }
        let managers = new.managers.iter().flat_map(|it| [&it.manager, &it.deputy]);
        let managers: Vec<_> = managers.filter(|code| !code.is_empty()).collect();
        let stands = |code: &String| self.department(code).is_some_and(|it| it.life.goes_on());
        if !stands(&new.lead) || !managers.iter().all(|code| stands(code)) {
            no.push("standing.is");
        }
        let followed =
            |code: &String| self.department(code).is_some_and(|it| !it.successor.is_empty());
        if followed(&new.lead) || managers.iter().any(|code| followed(code)) {
            no.push("succession.exists");
        }
        for code in managers {
            if self.department(code).is_none() {
                no.push("department.unknown");
            } else if !self.has_right(code, Right::Manage) {
                no.push("right.missing");
            }
        }
        if self.department(&new.lead).is_none() {
            no.push("department.unknown");
        }
        // As at the founding, the lead has a vote.
        if !self.has_vote(&new.lead) {
            no.push("vote.none");
        }
        if no.is_empty() {
            let since_height = self.height;
            self.parameters = Rc::new(wire::Parameters { since_height, ..new });
        }
        no
    }
}
