//! Proposals and votes. A proposal that would not hold is refused at once; one that has its votes is
//! enacted in the same block.

use super::{department, enact, needs_officer, timers};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal, calendar};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::wire::{self, Fraction, ProposalEnd, TimerKind, ledger_event::Kind, propose::Change};
use std::sync::Arc;

pub(super) fn propose(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    number: u32,
    it: &wire::Propose,
) -> Result<Outcome, Halt> {
    draft.acts_for(signer, &it.department)?;
    needs_officer(draft, signer)?;
    if !department::has_vote(draft, &it.department)? {
        return Err(Refusal::NoVote(it.department.clone()).into());
    }
    if let Some(change) = &it.change {
        draft.trial(true, |draft| enact::enact(draft, change))?;
    }
    let days = draft.parameters()?.proposal_days;
    let expires = calendar::due(draft, days)?;
    let id = signer.proposal_id(number);
    let proposal = wire::Proposal {
        proposal_id: id.to_vec(),
        proposed: Some(it.clone()),
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

pub(super) fn vote(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::Vote,
) -> Result<Outcome, Halt> {
    draft.acts_for(signer, &it.department)?;
    needs_officer(draft, signer)?;
    let voters = department::voters(draft)?;
    let counted = |voter: &&wire::Voter| voter.department == it.department && !voter.suspended;
    if voters.voters.iter().find(counted).is_none() {
        return Err(Refusal::NoVote(it.department.clone()).into());
    }
    let id = hex::encode(&it.proposal_id);
    let place = Place::proposal(&it.proposal_id);
    let proposal: Option<Arc<wire::Proposal>> = draft.get(&place)?;
    let proposal = proposal.ok_or_else(|| Refusal::UnknownProposal(id.clone()))?;
    // The timer that closes it may be due, and wait for room in a block.
    let expired = proposal.expires_ms <= draft.context().time.get();
    if expired || proposal.end() != ProposalEnd::Unspecified {
        return Err(Refusal::ProposalClosed(id).into());
    }
    let mut proposal = (*proposal).clone();
    let cast = wire::CastVote { department: it.department.clone(), approve: it.approve };
    match proposal.votes.binary_search_by(|one| one.department.cmp(&it.department)) {
        Ok(at) => {
            if let Some(one) = proposal.votes.get_mut(at) {
                *one = cast;
            }
        }
        Err(at) => proposal.votes.insert(at, cast),
    }
    let change = proposal.proposed.as_ref().and_then(|it| it.change.clone());
    draft.put(place, proposal.clone());
    if let Some(change) = change.filter(|_| it.approve)
        && has_passed(draft, &change, &proposal, &voters)?
    {
        carry_out(draft, proposal, &change)?;
    }
    Ok(Outcome::DONE)
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
        Change::AdmitVoter(_) | Change::SetValidator(_) | Change::SetProtocol(_) => (true, true),
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
        Change::SetRights(_) | Change::SetCalendar(_) => (false, false),
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
pub(super) fn expires(draft: &mut Draft<'_>, about: &[u8]) -> Result<(), Halt> {
    let proposal: Option<Arc<wire::Proposal>> = draft.get(&Place::proposal(about))?;
    let open = |it: &Arc<wire::Proposal>| it.end() == ProposalEnd::Unspecified;
    if let Some(proposal) = proposal.filter(open) {
        close(draft, &mut (*proposal).clone(), ProposalEnd::Expired, String::new());
    }
    Ok(())
}
