//! Messages without number. Each is well formed, and signed where it must be.

use crate::Lie;
use crate::outgoing::{Outgoing, Tongue, between};
use async_trait::async_trait;
use bytes::Bytes;
use liuhen_node::consensus::signing::Keeper;
use liuhen_node::consensus::types::{Address, Height, Proposal, ProposalPart, Value, Vote};
use liuhen_node::consensus::{Conduct, EngineSettings, Network};
use liuhen_proto::types::BlockId;
use malachitebft_app_channel::Signer;
use malachitebft_app_channel::app::consensus::{LivenessMsg, SignedConsensusMsg};
use malachitebft_app_channel::app::engine::network::Status;
use malachitebft_app_channel::app::streaming::{StreamContent, StreamId, StreamMessage};
use malachitebft_app_channel::app::types::core::{NilOrVal, Round, VoteType};

/// Heights ahead, and rounds ahead, for which it sends.
const AHEAD: u64 = 8;
/// Votes and proposals for each of them.
const EACH: u8 = 8;
/// Bytes of a part, and open streams that it begins each time.
const PART_BYTES: usize = 64 * 1024;
const STREAMS: u64 = 8;

/// See [`Lie::Floods`].
pub struct Floods;

#[async_trait]
impl Conduct for Floods {
    async fn network(&self, own: &EngineSettings, network: Network) -> anyhow::Result<Network> {
        let keeper = Keeper { chain: own.chain, key: own.key.clone() };
        let voter = Address(own.key.public().key_id());
        between(Flood { keeper, voter, streams: 0 }, network).await
    }
}

struct Flood {
    keeper: Keeper,
    voter: Address,
    streams: u64,
}

#[async_trait]
impl Tongue for Flood {
    async fn say(&mut self, message: Outgoing) -> Vec<Outgoing> {
        let Outgoing::PublishConsensusMsg(SignedConsensusMsg::Vote(vote)) = &message else {
            return vec![message];
        };
        let (height, round) = (vote.message.height, vote.message.round);
        let mut all = Vec::new();
        for ahead in 1..=AHEAD {
            let later = Height(height.0.saturating_add(ahead));
            let last = Round::new(round.as_u32().unwrap_or(0).saturating_add(ahead as u32));
            for number in 0..EACH {
                all.extend(self.votes(later, Round::new(0), number).await);
                all.extend(self.votes(height, last, number).await);
                all.extend(self.proposal(later, Round::new(0), number).await);
            }
        }
        all.extend((0..STREAMS).map(|_| self.begun_stream()));
        all.extend((0..AHEAD).map(|ahead| {
            let tip = Height(height.0.saturating_add(ahead));
            Outgoing::BroadcastStatus(Status::new(tip, Height(1)))
        }));
        Lie::Floods.told(format_args!("{} messages at height {height}", all.len()));
        // Its own vote last: it is not on its account that others wait.
        all.push(message);
        all
    }
}

impl Flood {
    /// A vote of each type, on both channels.
    async fn votes(&self, height: Height, round: Round, number: u8) -> Vec<Outgoing> {
        let mut all = Vec::new();
        for kind in [VoteType::Prevote, VoteType::Precommit] {
            let value = NilOrVal::Val(BlockId::new([number; 32]));
            let vote = Vote { kind, height, round, value, voter: self.voter };
            if let Ok(signed) = self.keeper.sign_vote(vote).await {
                all.push(Outgoing::PublishLivenessMsg(LivenessMsg::Vote(signed.clone())));
                all.push(Outgoing::PublishConsensusMsg(SignedConsensusMsg::Vote(signed)));
            }
        }
        all
    }

    async fn proposal(&self, height: Height, round: Round, number: u8) -> Option<Outgoing> {
        let (value, proposer) = (Value(BlockId::new([number; 32])), self.voter);
        let proposal = Proposal { height, round, value, pol_round: Round::Nil, proposer };
        let signed = self.keeper.sign_proposal(proposal).await.ok()?;
        Some(Outgoing::PublishConsensusMsg(SignedConsensusMsg::Proposal(signed)))
    }

    /// The second part of a block of which nothing else comes.
    fn begun_stream(&mut self) -> Outgoing {
        self.streams = self.streams.saturating_add(1);
        let id = StreamId::new(self.streams.to_be_bytes().to_vec().into());
        let part = ProposalPart::Data(Bytes::from(vec![0; PART_BYTES]));
        Outgoing::PublishProposalPart(StreamMessage::new(id, 1, StreamContent::Data(part)))
    }
}
