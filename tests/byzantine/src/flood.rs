//! Messages without end. Each is well formed, and signed where it must be.

use crate::Lie;
use crate::outgoing::{Outgoing, Tongue, between};
use async_trait::async_trait;
use bytes::Bytes;
use liuhen_node::consensus::signing::Keeper;
use liuhen_node::consensus::types::{
    Address, Height, LiuhenContext, Proposal, ProposalPart, Value, Vote,
};
use liuhen_node::consensus::{Conduct, EngineSettings, Network};
use liuhen_proto::types::BlockId;
use malachitebft_app_channel::Signer;
use malachitebft_app_channel::app::consensus::{LivenessMsg, SignedConsensusMsg};
use malachitebft_app_channel::app::engine::network::{NetworkRef, Status};
use malachitebft_app_channel::app::streaming::{StreamContent, StreamId, StreamMessage};
use malachitebft_app_channel::app::types::core::{NilOrVal, Round, VoteType};
use std::time::Duration;
use tokio::sync::watch;

/// How often a wave goes out.
const EVERY: Duration = Duration::from_millis(25);
/// Heights ahead, and rounds ahead, for which a wave has messages.
const AHEAD: u64 = 4;
/// Bytes of a part.
const PART_BYTES: usize = 16 * 1024;
/// Waves that are told of once.
const WAVES: u64 = 40;

/// See [`Lie::Floods`].
pub struct Floods;

#[async_trait]
impl Conduct for Floods {
    async fn network(&self, own: &EngineSettings, network: Network) -> anyhow::Result<Network> {
        let keeper = Keeper { chain: own.chain, key: own.key.clone() };
        let (height, seen) = watch::channel(Height(own.next_height.get()));
        let voter = Address(own.key.public().key_id());
        let flood = Flood { keeper, voter, height: seen, sent: 0 };
        tokio::spawn(flood.run(network.0.clone()));
        between(Gauge(height), network).await
    }
}

/// Sees at which height the liar votes.
struct Gauge(watch::Sender<Height>);

#[async_trait]
impl Tongue for Gauge {
    async fn say(&mut self, message: Outgoing) -> Vec<Outgoing> {
        if let Outgoing::PublishConsensusMsg(SignedConsensusMsg::Vote(vote)) = &message {
            self.0.send_replace(vote.message.height);
        }
        vec![message]
    }
}

struct Flood {
    keeper: Keeper,
    voter: Address,
    height: watch::Receiver<Height>,
    sent: u64,
}

impl Flood {
    /// Sends until the network ends.
    async fn run(mut self, network: NetworkRef<LiuhenContext>) {
        let mut every = tokio::time::interval(EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        for wave in 1u64.. {
            every.tick().await;
            let height = *self.height.borrow();
            for message in self.wave(height).await {
                if network.cast(message).is_err() {
                    return;
                }
                self.sent = self.sent.wrapping_add(1);
            }
            if wave.is_multiple_of(WAVES) {
                Lie::Floods.told(format_args!("{} messages, at height {height}", self.sent));
            }
        }
    }

    async fn wave(&self, height: Height) -> Vec<Outgoing> {
        let mut all = vec![self.begun_stream()];
        for ahead in 0..AHEAD {
            let later = Height(height.0.saturating_add(ahead));
            let round = Round::new(u32::try_from(ahead).unwrap_or(0));
            all.extend(self.votes(later, Round::new(0)).await);
            all.extend(self.votes(height, round).await);
            all.extend(self.proposal(later, Round::new(0)).await);
            all.push(Outgoing::BroadcastStatus(Status::new(later, Height(1))));
        }
        all
    }

    /// The id of a block that there is not, another one in each wave.
    fn block(&self) -> BlockId {
        let mut id = [0xff; 32];
        id[..8].copy_from_slice(&self.sent.to_be_bytes());
        BlockId::new(id)
    }

    /// A vote of each type, on both channels.
    async fn votes(&self, height: Height, round: Round) -> Vec<Outgoing> {
        let mut all = Vec::new();
        for kind in [VoteType::Prevote, VoteType::Precommit] {
            let value = NilOrVal::Val(self.block());
            let vote = Vote { kind, height, round, value, voter: self.voter };
            if let Ok(signed) = self.keeper.sign_vote(vote).await {
                all.push(Outgoing::PublishLivenessMsg(LivenessMsg::Vote(signed.clone())));
                all.push(Outgoing::PublishConsensusMsg(SignedConsensusMsg::Vote(signed)));
            }
        }
        all
    }

    async fn proposal(&self, height: Height, round: Round) -> Option<Outgoing> {
        let (value, proposer) = (Value(self.block()), self.voter);
        let proposal = Proposal { height, round, value, pol_round: Round::Nil, proposer };
        let signed = self.keeper.sign_proposal(proposal).await.ok()?;
        Some(Outgoing::PublishConsensusMsg(SignedConsensusMsg::Proposal(signed)))
    }

    /// The second part of a stream of which nothing else comes.
    fn begun_stream(&self) -> Outgoing {
        let id = StreamId::new(self.sent.to_be_bytes().to_vec().into());
        let part = ProposalPart::Data(Bytes::from(vec![0; PART_BYTES]));
        Outgoing::PublishProposalPart(StreamMessage::new(id, 1, StreamContent::Data(part)))
    }
}
