//! What an engine says, in lines: to the network, and to the application.

use liuhen_node::consensus::types::{Ctx, Height};
use liuhen_proto::types::BlockId;
use malachitebft_app_channel::AppMsg;
use malachitebft_app_channel::app::consensus::{LivenessMsg, SignedConsensusMsg};
use malachitebft_app_channel::app::types::core::{CommitCertificate, NilOrVal, Round, VoteType};

/// A vote or proposal that is sent.
pub fn sent(message: &SignedConsensusMsg<Ctx>) -> String {
    match message {
        SignedConsensusMsg::Proposal(it) => {
            let it = &it.message;
            format!("proposal {}/{} {}", it.height, it.round, short(&it.value.0))
        }
        SignedConsensusMsg::Vote(it) => {
            let it = &it.message;
            let kind = if it.kind == VoteType::Prevote { "prevote" } else { "precommit" };
            let value = match &it.value {
                NilOrVal::Nil => "nil".to_owned(),
                NilOrVal::Val(id) => short(id),
            };
            format!("{kind} {}/{} {value}", it.height, it.round)
        }
    }
}

/// What is said for others to go on.
pub fn liveness(message: &LivenessMsg<Ctx>) -> String {
    match message {
        LivenessMsg::Vote(it) => format!("again {}", sent(&SignedConsensusMsg::Vote(it.clone()))),
        LivenessMsg::PolkaCertificate(it) => {
            format!("polka {}/{} {}", it.height, it.round, short(&it.value_id))
        }
        LivenessMsg::SkipRoundCertificate(it) => format!("round {}/{}", it.height, it.round),
    }
}

/// A round begins.
pub fn round(height: Height, round: Round) -> String {
    format!("round {height}/{round}")
}

/// A block is asked for.
pub fn value(height: Height, round: Round) -> String {
    format!("value {height}/{round}")
}

/// A block is to be streamed again.
pub fn restream(height: Height, round: Round, id: &BlockId) -> String {
    format!("restream {height}/{round} {}", short(id))
}

/// A part of a block came.
pub fn part(sequence: u64) -> String {
    format!("part {sequence}")
}

/// A block is decided.
pub fn decided(certificate: &CommitCertificate<Ctx>) -> String {
    let signatures = certificate.commit_signatures.len();
    format!("decided {} {} by {signatures}", certificate.height, short(&certificate.value_id))
}

/// A height is over.
pub fn finalized(certificate: &CommitCertificate<Ctx>) -> String {
    format!("finalized {} {}", certificate.height, short(&certificate.value_id))
}

/// A block came by sync.
pub fn synced(height: Height) -> String {
    format!("synced {height}")
}

/// What the application is told or asked; `None` for what is not compared.
pub(crate) fn asked(message: &AppMsg<Ctx>) -> Option<String> {
    match message {
        AppMsg::StartedRound { height, round: at, .. } => Some(round(*height, *at)),
        AppMsg::GetValue { height, round, .. } => Some(value(*height, *round)),
        AppMsg::RestreamProposal { height, round, value_id, .. } => {
            Some(restream(*height, *round, value_id))
        }
        AppMsg::ReceivedProposalPart { part: it, .. } => Some(part(it.sequence)),
        AppMsg::Decided { certificate, .. } => Some(decided(certificate)),
        AppMsg::Finalized { certificate, .. } => Some(finalized(certificate)),
        AppMsg::ProcessSyncedValue { height, .. } => Some(synced(*height)),
        AppMsg::ConsensusReady { .. }
        | AppMsg::GetDecidedValues { .. }
        | AppMsg::GetHistoryMinHeight { .. }
        | AppMsg::ExtendVote { .. }
        | AppMsg::VerifyVoteExtensions { .. } => None,
    }
}

/// The beginning of an id.
pub(crate) fn short(id: &BlockId) -> String {
    hex::encode(id.as_bytes().first_chunk::<4>().unwrap_or(&[0; 4]))
}
