//! Proposals and votes. A proposal that would not hold is refused at once; one that has its votes is
//! enacted in the same block.

use crate::event::Outcome;
use crate::items::fields::{
    Checked, code, ensure, id, id_if_given, new_department, rights, root_keys, standing_change,
    wrong,
};
use crate::items::governance::enact;
use crate::items::kind::ItemKind;
use crate::items::member::department;
use crate::items::member::succeed_department;
use crate::ledger::{Draft, Halt, Refusal, authority::needs_officer, calendar, timers};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::wire::{
    self, Fraction, IntegrityRule, ProposalEnd, TimerKind, ledger_event::Kind, propose::Change,
};
use std::sync::Arc;

impl ItemKind for wire::Propose {
    fn check(&self) -> Checked {
        code("department", &self.department)?;
        code("reference", &self.reference)?;
        id("reason_digest", &self.reason_digest)?;
        let change = self.change.as_ref().ok_or_else(|| wrong("change", "a change is needed"))?;
        match change {
            Change::AdmitVoter(it) if it.member.is_empty() => {
                new_department(it.department.as_ref())
            }
            Change::AdmitVoter(it) => {
                let one = it.department.is_none();
                ensure(one, "admit_voter.member", "a new department or a member: one of the two")?;
                code("admit_voter.member", &it.member)
            }
            Change::ChangeMember(it) => {
                code("change_member.department", &it.department)?;
                standing_change("change_member.change", it.change)
            }
            Change::SetRights(it) => {
                code("set_rights.department", &it.department)?;
                rights("set_rights.rights", &it.rights)
            }
            Change::SetValidator(it) => set_validator(it),
            Change::SetParameters(it) => {
                ensure(
                    it.parameters.is_some(),
                    "set_parameters.parameters",
                    "parameters are needed",
                )?;
                id("set_parameters.basis", &it.basis)
            }
            Change::SetCalendar(_) => Ok(()),
            Change::SetProtocol(it) => {
                ensure(it.protocol > 0 && it.height > 0, "set_protocol", "a version and a height")
            }
            Change::SetRoot(it) => {
                code("set_root.department", &it.department)?;
                root_keys(it.root.as_ref())
            }
            Change::Succeed(it) => succeed_department::succession(Some(it)),
            Change::RemovePeer(it) => {
                let fits = !it.peer_id.is_empty() && is_address(&it.peer_id);
                ensure(fits, "remove_peer.peer_id", "a peer id is needed")
            }
            Change::VoidIntegrity(it) => void_integrity(it),
        }
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        let about = self.change.as_ref().map_or_else(Vec::new, members_concerned);
        let about = about.into_iter().map(Place::department_trail);
        [Place::governance_trail()].into_iter().chain(about).collect()
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        number: u32,
    ) -> Result<Outcome, Halt> {
        draft.acts_for(signer, &self.department)?;
        needs_officer(draft, signer)?;
        if !department::has_vote(draft, &self.department)? {
            return Err(Refusal::NoVote(self.department.clone()).into());
        }
        if let Some(change) = &self.change {
            draft.trial(true, |draft| enact::enact(draft, change))?;
        }
        let days = draft.parameters()?.proposal_days;
        let expires = calendar::due(draft, days)?;
        let id = signer.proposal_id(number);
        let proposal = wire::Proposal {
            proposal_id: id.to_vec(),
            proposed: Some(self.clone()),
            expires_ms: expires.get(),
            changed_height: draft.context().height.get(),
            changed_time_ms: draft.context().time.get(),
            cause: Some(draft.cause().clone()),
            ..wire::Proposal::default()
        };
        draft.put(Place::proposal(id.as_bytes()), proposal);
        timers::set(draft, expires, TimerKind::ProposalExpires, id.as_bytes());
        Ok(Outcome::DONE)
    }
}

impl ItemKind for wire::Vote {
    fn check(&self) -> Checked {
        code("department", &self.department)?;
        id("proposal_id", &self.proposal_id)
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::governance_trail()]
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        draft.acts_for(signer, &self.department)?;
        needs_officer(draft, signer)?;
        let voters = department::voters(draft)?;
        let counted =
            |voter: &&wire::Voter| voter.department == self.department && !voter.suspended;
        if voters.voters.iter().find(counted).is_none() {
            return Err(Refusal::NoVote(self.department.clone()).into());
        }
        let id = hex::encode(&self.proposal_id);
        let place = Place::proposal(&self.proposal_id);
        let proposal: Option<Arc<wire::Proposal>> = draft.get(&place)?;
        let proposal = proposal.ok_or_else(|| Refusal::UnknownProposal(id.clone()))?;
        // The timer that closes it may be due, and wait for room in a block.
        let expired = proposal.expires_ms <= draft.context().time.get();
        if expired || proposal.end() != ProposalEnd::Unspecified {
            return Err(Refusal::ProposalClosed(id).into());
        }
        let mut proposal = (*proposal).clone();
        let cast = wire::CastVote { department: self.department.clone(), approve: self.approve };
        match proposal.votes.binary_search_by(|one| one.department.cmp(&self.department)) {
            Ok(at) => {
                if let Some(one) = proposal.votes.get_mut(at) {
                    *one = cast;
                }
            }
            Err(at) => proposal.votes.insert(at, cast),
        }
        let change = proposal.proposed.as_ref().and_then(|it| it.change.clone());
        draft.put(place, proposal.clone());
        if let Some(change) = change.filter(|_| self.approve)
            && has_passed(draft, &change, &proposal, &voters)?
        {
            carry_out(draft, proposal, &change)?;
        }
        Ok(Outcome::DONE)
    }
}

/// Whether a proposal has its votes: ordinary, more than one fraction of the weight; constitutional,
/// at least another, and the lead's own, but for a change of the lead itself.
fn has_passed(
    draft: &Draft<'_>,
    change: &Change,
    proposal: &wire::Proposal,
    voters: &wire::Voters,
) -> Result<bool, Halt> {
    let counted = || voters.voters.iter().filter(|voter| !voter.suspended);
    let approves = |voter: &&wire::Voter| {
        proposal.votes.iter().any(|it| it.approve && it.department == voter.department)
    };
    let weight = |sum: u128, voter: &wire::Voter| sum.saturating_add(u128::from(voter.weight));
    let total = counted().fold(0, weight);
    let approving = counted().filter(approves).fold(0, weight);
    let parameters = draft.parameters()?;
    let share = |it: &Option<Fraction>| {
        let it = it.unwrap_or(Fraction { numerator: 1, denominator: 1 });
        let approving = approving.saturating_mul(u128::from(it.denominator));
        (approving, total.saturating_mul(u128::from(it.numerator)))
    };
    let (constitutional, lead_decides) = weighs(draft, change, &parameters)?;
    if !constitutional {
        let (approving, needed) = share(&parameters.ordinary);
        return Ok(approving > needed);
    }
    let (approving, needed) = share(&parameters.constitutional);
    let lead = proposal.votes.iter().any(|it| it.approve && it.department == parameters.lead);
    Ok(approving >= needed && (lead || !lead_decides))
}

/// Whether a change is constitutional, and whether it needs the lead.
fn weighs(
    draft: &Draft<'_>,
    change: &Change,
    parameters: &wire::Parameters,
) -> Result<(bool, bool), Halt> {
    Ok(match change {
        // A new member without a vote changes nobody's.
        Change::AdmitVoter(it) => {
            let votes = it.department.is_none() || it.weight > 0;
            (votes, true)
        }
        Change::SetValidator(_) | Change::SetProtocol(_) | Change::RemovePeer(_) => (true, true),
        Change::ChangeMember(it) => (department::has_vote(draft, &it.department)?, true),
        Change::SetRoot(it) => (department::has_vote(draft, &it.department)?, true),
        Change::Succeed(it) => {
            let from = department::has_vote(draft, &it.from)?;
            (from || department::has_vote(draft, &it.to)?, true)
        }
        Change::SetParameters(it) => {
            let new = it.parameters.clone().unwrap_or_default();
            let quorum = new.ordinary != parameters.ordinary
                || new.constitutional != parameters.constitutional;
            let lead = new.lead != parameters.lead;
            (quorum || lead, !lead)
        }
        Change::SetRights(_) | Change::SetCalendar(_) | Change::VoidIntegrity(_) => (false, false),
    })
}

/// Enacts a proposal that passed, or says why what it rests on no longer holds.
fn carry_out(
    draft: &mut Draft<'_>,
    mut proposal: wire::Proposal,
    change: &Change,
) -> Result<(), Halt> {
    let (end, refusal) = match draft.trial(false, |draft| enact::enact(draft, change)) {
        Ok(()) => (ProposalEnd::Enacted, String::new()),
        Err(Halt::Refused(why)) => (ProposalEnd::Failed, why.code().to_owned()),
        Err(missing) => return Err(missing),
    };
    close(draft, &mut proposal, end, refusal);
    Ok(())
}

fn close(draft: &mut Draft<'_>, proposal: &mut wire::Proposal, end: ProposalEnd, refusal: String) {
    proposal.end = end as i32;
    proposal.changed_height = draft.context().height.get();
    proposal.changed_time_ms = draft.context().time.get();
    let proposal_id = proposal.proposal_id.clone();
    draft.put(Place::proposal(&proposal_id), proposal.clone());
    let event = wire::ProposalEnded { end: end as i32, proposal_id, refusal };
    draft.emit(Kind::ProposalEnded(event));
}

/// A proposal's time is over.
pub(crate) fn expires(draft: &mut Draft<'_>, about: &[u8]) -> Result<(), Halt> {
    let proposal: Option<Arc<wire::Proposal>> = draft.get(&Place::proposal(about))?;
    let open = |it: &Arc<wire::Proposal>| it.end() == ProposalEnd::Unspecified;
    if let Some(proposal) = proposal.filter(open) {
        close(draft, &mut (*proposal).clone(), ProposalEnd::Expired, String::new());
    }
    Ok(())
}

pub(crate) fn set_validator(it: &wire::SetValidator) -> Checked {
    let field = "set_validator.validator";
    let validator = it.validator.as_ref().ok_or_else(|| wrong(field, "a validator is needed"))?;
    id("set_validator.validator.key_id", &validator.key_id)?;
    id_if_given("set_validator.validator.cosigner_key", &validator.cosigner_key)?;
    let Some(peer) = &it.peer else { return Ok(()) };
    code("set_validator.peer.department", &peer.department)?;
    let texts = [&peer.peer_id, &peer.consensus_address, &peer.gossip_address];
    let fits = texts.iter().all(|text| is_address(text));
    ensure(fits && !peer.peer_id.is_empty(), "set_validator.peer", "a peer id and addresses")
}

fn void_integrity(it: &wire::VoidIntegrity) -> Checked {
    code("void_integrity.department", &it.department)?;
    let heights = it.from_height > 0 && it.from_height <= it.until_height;
    ensure(heights, "void_integrity.from_height", "heights from one on to the same or another")?;
    let known = |rule: &i32| {
        IntegrityRule::try_from(*rule).is_ok_and(|it| it != IntegrityRule::Unspecified)
    };
    let ascending = it.rules.is_sorted_by(|a, b| a < b);
    ensure(ascending && it.rules.iter().all(known), "void_integrity.rules", "rules, ascending")
}

/// The members that a change is about.
fn members_concerned(change: &Change) -> Vec<&str> {
    match change {
        Change::AdmitVoter(it) if it.member.is_empty() => {
            it.department.iter().map(|it| it.code.as_str()).collect()
        }
        Change::AdmitVoter(it) => vec![&it.member],
        Change::ChangeMember(it) => vec![&it.department],
        Change::SetRights(it) => vec![&it.department],
        Change::SetRoot(it) => vec![&it.department],
        Change::VoidIntegrity(it) => vec![&it.department],
        Change::Succeed(it) => vec![&it.from, &it.to],
        Change::SetValidator(_)
        | Change::SetParameters(_)
        | Change::SetCalendar(_)
        | Change::SetProtocol(_)
        | Change::RemovePeer(_) => Vec::new(),
    }
}

/// Whether a text could be a peer id or a multiaddress.
fn is_address(text: &str) -> bool {
    text.len() <= ADDRESS_LENGTH && text.bytes().all(|b| b.is_ascii_graphic())
}

/// Bytes of a multiaddress or a peer id.
const ADDRESS_LENGTH: usize = 256;
