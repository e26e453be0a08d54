//! A height is over. The next begins when there is work; until then the answer is held, so that an
//! idle chain makes no blocks.

use crate::consensus::adapter::Adapter;
use crate::consensus::types::Ctx;
use crate::misbehaviour::Seen;
use liuhen_proto::header::certificate::PROPOSAL;
use liuhen_proto::wire::SignedVote;
use malachitebft_app_channel::Reply;
use malachitebft_app_channel::app::consensus::MisbehaviorEvidence;
use malachitebft_app_channel::app::engine::host::Next;
use malachitebft_app_channel::app::types::core::{
    CommitCertificate, Context, NilOrVal, Round, SignedMessage, VoteType,
};

pub(in crate::consensus) fn handle(
    adapter: &mut Adapter,
    certificate: &CommitCertificate<Ctx>,
    evidence: &MisbehaviorEvidence<Ctx>,
    reply: Reply<Next<Ctx>>,
) {
    if !evidence.is_empty() {
        let (votes, proposals) = (evidence.votes.len(), evidence.proposals.len());
        let height = certificate.height;
        tracing::error!(%height, votes, proposals, "evidence of double voting");
        for (first, second) in evidence.votes.iter().flat_map(|(_, pairs)| pairs) {
            let seen = Seen::new(first.message.voter.0, signed(first), signed(second));
            report(adapter, seen);
        }
        for (first, second) in evidence.proposals.iter().flat_map(|(_, pairs)| pairs) {
            let seen = Seen::new(first.message.proposer.0, proposed(first), proposed(second));
            report(adapter, seen);
        }
    }
    adapter.round = Round::Nil;
    adapter.held = Some((certificate.height, reply));
    if adapter.synced == Some(certificate.height) || adapter.has_work() {
        adapter.release();
    }
}

/// Hands over what convicts a validator. Where too much waits it is said that it is lost.
fn report(adapter: &Adapter, seen: Seen) {
    if adapter.parts.misbehaviour.try_send(seen).is_err() {
        tracing::error!("evidence against a validator is lost: too much of it waits");
    }
}

/// A proposal as items have it.
fn proposed(proposal: &SignedMessage<Ctx, <Ctx as Context>::Proposal>) -> SignedVote {
    let it = &proposal.message;
    SignedVote {
        vote_type: PROPOSAL,
        height: it.height.0,
        round: it.round.as_u32().unwrap_or(u32::MAX),
        block_id: it.value.0.to_vec(),
        signature: proposal.signature.to_vec(),
        pol_round: it.pol_round.as_u32(),
    }
}

/// A vote as items have it.
fn signed(vote: &SignedMessage<Ctx, <Ctx as Context>::Vote>) -> SignedVote {
    let it = &vote.message;
    SignedVote {
        vote_type: match it.kind {
            VoteType::Prevote => 1,
            VoteType::Precommit => 2,
        },
        height: it.height.0,
        round: it.round.as_u32().unwrap_or(u32::MAX),
        block_id: match &it.value {
            NilOrVal::Nil => Vec::new(),
            NilOrVal::Val(id) => id.to_vec(),
        },
        signature: vote.signature.to_vec(),
        pol_round: None,
    }
}
