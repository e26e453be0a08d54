//! The actor between the engine and its network, and the one that hears what comes from there.

use super::Exchange;
use crate::consensus::Network;
use crate::consensus::signing::{author, signed, signed_vote};
use crate::consensus::types::{Address, Ctx, Height, Vote};
use async_trait::async_trait;
use liuhen_proto::types::BlockId;
use malachitebft_app_channel::app::consensus::{LivenessMsg, SignedConsensusMsg};
use malachitebft_app_channel::app::engine::network::{Msg, NetworkEvent, NetworkRef};
use malachitebft_app_channel::app::engine::util::output_port::OutputPort;
use malachitebft_app_channel::app::types::core::{NilOrVal, Round, VoteType};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::sync::Arc;

/// What reached this node by way of a neighbour is told to the engine here.
pub(in crate::consensus) type Relayed = Arc<OutputPort<NetworkEvent<Ctx>>>;

/// Puts the exchange between an engine, with its adapter, and their network.
pub(in crate::consensus) async fn between(
    exchange: Exchange,
    (network, parts): Network,
) -> anyhow::Result<(Network, Relayed)> {
    let relayed = Relayed::new(OutputPort::with_capacity(1_024));
    let state = Between { exchange: exchange.clone(), network: network.clone(), relayed };
    let port = Arc::clone(&state.relayed);
    let (between, _) = Actor::spawn(None, Outgoing, state).await?;
    let (incoming, _) = Actor::spawn_linked(None, Incoming, exchange, between.get_cell()).await?;
    network.cast(Msg::Subscribe(Box::new(incoming)))?;
    // Parts of blocks go to the network as they are.
    Ok(((between, parts), port))
}

struct Outgoing;

struct Between {
    exchange: Exchange,
    network: NetworkRef<Ctx>,
    relayed: Relayed,
}

impl Exchange {
    /// Whether a message may be sent; what is this node's own is on record then.
    pub(crate) async fn may_send(&self, message: &SignedConsensusMsg<Ctx>) -> bool {
        let own = author(message) == self.0.own;
        let may = !own || self.note_own(message).await;
        if may {
            self.take_in(message);
        }
        may
    }

    async fn note_own(&self, message: &SignedConsensusMsg<Ctx>) -> bool {
        // The engine has written it to its log by now, or never does.
        let by = self.lacks(message).unwrap_or_else(|error| {
            tracing::warn!(error = %format!("{error:#}"), "the engine's log of votes can't be read");
            None
        });
        self.note(signed(&self.0.chain, message), by).await
    }

    /// The same for what holds votes of many.
    pub(crate) async fn may_say(&self, message: &LivenessMsg<Ctx>) -> bool {
        let own: Vec<Vote> = match message {
            LivenessMsg::Vote(vote) => {
                return self.may_send(&SignedConsensusMsg::Vote(vote.clone())).await;
            }
            LivenessMsg::PolkaCertificate(it) => {
                let own = it.polka_signatures.iter().filter(|it| self.is_own(&it.address));
                let value = NilOrVal::Val(it.value_id);
                own.map(|_| self.vote(VoteType::Prevote, it.height, it.round, value)).collect()
            }
            LivenessMsg::SkipRoundCertificate(it) => {
                let own = it.round_signatures.iter().filter(|it| self.is_own(&it.address));
                own.map(|own| self.vote(own.vote_type, it.height, it.round, own.value_id)).collect()
            }
        };
        for vote in own {
            let signed = signed_vote(&self.0.chain, &vote);
            // What the record does not know any more, of an earlier round, was sent long ago.
            let is_old = self.is_old(&signed);
            if !is_old && !self.note(signed, None).await {
                return false;
            }
        }
        true
    }

    fn is_own(&self, who: &Address) -> bool {
        *who == self.0.own
    }

    fn vote(&self, kind: VoteType, height: Height, round: Round, value: NilOrVal<BlockId>) -> Vote {
        Vote { kind, height, round, value, voter: self.0.own }
    }
}

#[async_trait]
impl Actor for Outgoing {
    type Msg = Msg<Ctx>;
    type State = Between;
    type Arguments = Between;

    async fn pre_start(
        &self,
        _: ActorRef<Msg<Ctx>>,
        state: Between,
    ) -> Result<Between, ActorProcessingErr> {
        Ok(state)
    }

    async fn handle(
        &self,
        _: ActorRef<Msg<Ctx>>,
        message: Msg<Ctx>,
        state: &mut Between,
    ) -> Result<(), ActorProcessingErr> {
        let may = match &message {
            Msg::PublishConsensusMsg(it) => state.exchange.may_send(it).await,
            Msg::PublishLivenessMsg(it) => state.exchange.may_say(it).await,
            Msg::Subscribe(subscriber) => {
                subscriber.subscribe_to_port(&state.relayed);
                true
            }
            Msg::UpdateValidatorSet(set) => {
                state.exchange.set_validators(set.clone());
                true
            }
            // These say nothing that this node signed.
            Msg::PublishProposalPart(_)
            | Msg::BroadcastStatus(_)
            | Msg::OutgoingRequest(..)
            | Msg::CancelRequest(_)
            | Msg::OutgoingResponse(..)
            | Msg::CancelInboundRequest(_)
            | Msg::DumpState(_)
            | Msg::UpdatePersistentPeers(..)
            | Msg::ValidatorProofVerified { .. }
            | Msg::NewEvent(_) => true,
        };
        if may {
            state.network.cast(message)?;
        }
        Ok(())
    }
}

struct Incoming;

/// What the network tells.
struct Told(NetworkEvent<Ctx>);

impl From<NetworkEvent<Ctx>> for Told {
    fn from(event: NetworkEvent<Ctx>) -> Self {
        Self(event)
    }
}

#[async_trait]
impl Actor for Incoming {
    type Msg = Told;
    type State = Exchange;
    type Arguments = Exchange;

    async fn pre_start(
        &self,
        _: ActorRef<Told>,
        exchange: Exchange,
    ) -> Result<Exchange, ActorProcessingErr> {
        Ok(exchange)
    }

    async fn handle(
        &self,
        _: ActorRef<Told>,
        Told(event): Told,
        exchange: &mut Exchange,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            NetworkEvent::Vote(_, it) => exchange.take_in(&SignedConsensusMsg::Vote(it)),
            NetworkEvent::Proposal(_, it) => exchange.take_in(&SignedConsensusMsg::Proposal(it)),
            _ => return Ok(()),
        };
        Ok(())
    }
}
