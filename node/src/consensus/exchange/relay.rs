//! Asking neighbours for what did not reach this node itself.

use super::heard::decode;
use super::outgoing::Relayed;
use super::{Exchange, Held};
use crate::consensus::parts::cut;
use crate::consensus::types::{Address, Height};
use crate::gossip::{Answer, Question, Stream};
use crate::neighbours::Neighbours;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use liuhen_proto::suite::sign::Signature;
use liuhen_proto::types::KeyId;
use malachitebft_app_channel::app::consensus::SignedConsensusMsg;
use malachitebft_app_channel::app::engine::network::NetworkEvent;
use malachitebft_app_channel::app::streaming::{StreamContent, StreamId, StreamMessage};
use malachitebft_app_channel::app::types::PeerId;
use malachitebft_app_channel::app::types::core::Round;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often it is seen whether something lacks.
const LOOK_EVERY: Duration = Duration::from_millis(30);
/// Without news for so long, neighbours are asked: longer than a height takes where all links are up.
const QUIET: Duration = Duration::from_millis(150);
/// For so long after it helped, they are asked at each look.
const AFTER_HELP: Duration = Duration::from_secs(10);
/// No neighbour is waited for longer.
const WITHIN: Duration = Duration::from_secs(2);

/// Asks, until told to stop. A neighbour that does not answer holds nobody else up.
pub(in crate::consensus) async fn run(
    exchange: Exchange,
    neighbours: Neighbours,
    relayed: Relayed,
    stop: CancellationToken,
) {
    let relay = Relay { exchange, neighbours, relayed };
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut helped: Option<Instant> = None;
    // Streams that the engine is judging yet.
    let mut told: HashMap<[u8; 32], Instant> = HashMap::new();
    // Whom it is asked now, and since when others were.
    let mut asked: HashMap<libp2p::PeerId, Instant> = HashMap::new();
    let mut answers = FuturesUnordered::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = look.tick() => {}
            Some((peer, answer)) = answers.next() => {
                asked.insert(peer, Instant::now());
                if let Some(answer) = answer
                    && relay.take_in(peer, answer, &mut told).await
                {
                    helped = Some(Instant::now());
                }
            }
        }
        let Some(held) = relay.exchange.held() else { continue };
        let helped_lately = helped.is_some_and(|it| it.elapsed() < AFTER_HELP);
        let pause = if helped_lately { LOOK_EVERY } else { QUIET };
        if held.since.elapsed() < pause {
            continue;
        }
        told.retain(|_, since| since.elapsed() < WITHIN);
        asked.retain(|_, since| since.elapsed() < 2 * WITHIN);
        for peer in relay.neighbours.connected() {
            if asked.get(&peer).is_none_or(|since| since.elapsed() >= pause) {
                // As if it were asked later: until it answers it is not asked again.
                asked.insert(peer, Instant::now() + WITHIN);
                answers.push(relay.ask(peer, &held));
            }
        }
    }
}

struct Relay {
    exchange: Exchange,
    neighbours: Neighbours,
    relayed: Relayed,
}

impl Relay {
    /// Asks a neighbour what it holds beside this.
    fn ask(
        &self,
        peer: libp2p::PeerId,
        held: &Held,
    ) -> impl Future<Output = (libp2p::PeerId, Option<Answer>)> + Send + use<> {
        let question = Question::Missing {
            height: held.height.get(),
            have: held.messages.clone(),
            blocks: held.blocks.clone(),
        };
        let neighbours = self.neighbours.clone();
        async move { (peer, neighbours.ask(peer, question, WITHIN).await) }
    }

    /// Takes in what a neighbour holds, and asks for its blocks. Whether something was new.
    async fn take_in(
        &self,
        peer: libp2p::PeerId,
        answer: Answer,
        told: &mut HashMap<[u8; 32], Instant>,
    ) -> bool {
        let Answer::Missing { messages, blocks } = answer else { return false };
        let Ok(from) = PeerId::from_bytes(&peer.to_bytes()) else { return false };
        let mut is_new = false;
        for message in messages.iter().filter_map(|it| decode(it)) {
            if self.exchange.take_in(&message) {
                is_new = true;
                self.relayed.send(match message {
                    SignedConsensusMsg::Vote(it) => NetworkEvent::Vote(from, it),
                    SignedConsensusMsg::Proposal(it) => NetworkEvent::Proposal(from, it),
                });
            }
        }
        let Some(held) = self.exchange.held() else { return is_new };
        let lacking = blocks.into_iter().filter(|it| !held.blocks.contains(it));
        for block in lacking.filter(|it| !told.contains_key(it)).take(2).collect::<Vec<_>>() {
            let question = Question::Stream { height: held.height.get(), block };
            let answer = self.neighbours.ask(peer, question, WITHIN).await;
            if let Some(Answer::Stream(Some(stream))) = answer {
                told.insert(block, Instant::now());
                is_new |= tell(&self.relayed, from, stream);
            }
        }
        is_new
    }
}

/// Tells the engine the parts of a stream, as if they had come from the neighbour; it is judged as any other.
fn tell(relayed: &Relayed, from: PeerId, stream: Stream) -> bool {
    let Ok(signature) = Signature::from_slice(&stream.signature) else { return false };
    let (height, round) = (Height(stream.height), Round::new(stream.round));
    let proposer = Address(KeyId::new(stream.proposer));
    let id = StreamId::new([&b"relayed "[..], signature.as_bytes()].concat().into());
    let parts = cut(height, round, proposer, &stream.block.into(), signature);
    for (number, part) in (0..).zip(parts) {
        let message = StreamMessage::new(id.clone(), number, StreamContent::Data(part));
        relayed.send(NetworkEvent::ProposalPart(from, Some(from), message));
    }
    true
}
