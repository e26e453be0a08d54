//! Asking neighbours for what did not reach this node itself.

use super::heard::{TOGETHER, decode};
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

/// Blocks of one neighbour that are asked for at once, and of all.
const BLOCKS: usize = 2;
const TOLD: usize = 16;
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
            Some((peer, answer)) = answers.next() => match answer {
                Some(Answer::Missing { messages, blocks }) => {
                    asked.insert(peer, Instant::now());
                    if relay.take_in(peer, &messages) {
                        helped = Some(Instant::now());
                    }
                    for question in relay.lacking(blocks, &mut told) {
                        answers.push(relay.ask(peer, question));
                    }
                }
                Some(Answer::Stream(Some(stream))) => if tell(&relay.relayed, peer, stream) {
                    helped = Some(Instant::now());
                },
                Some(
                    Answer::Stream(None)
                    | Answer::Standing { .. }
                    | Answer::Block(_)
                    | Answer::Snapshot { .. }
                    | Answer::Piece(_)
                    | Answer::Blocks(_),
                )
                | None => {
                    asked.insert(peer, Instant::now());
                }
            },
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
                answers.push(relay.ask(peer, missing(&held)));
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
    /// Asks a neighbour.
    fn ask(
        &self,
        peer: libp2p::PeerId,
        question: Question,
    ) -> impl Future<Output = (libp2p::PeerId, Option<Answer>)> + Send + use<> {
        let neighbours = self.neighbours.clone();
        async move { (peer, neighbours.ask(peer, question, WITHIN).await) }
    }

    /// Takes in the messages that a neighbour holds, so many as one gives. Whether something was new.
    fn take_in(&self, peer: libp2p::PeerId, messages: &[Vec<u8>]) -> bool {
        let Ok(from) = PeerId::from_bytes(&peer.to_bytes()) else { return false };
        let mut is_new = false;
        for message in messages.iter().take(TOGETHER).filter_map(|it| decode(it)) {
            if self.exchange.take_in(&message) {
                is_new = true;
                self.relayed.send(match message {
                    SignedConsensusMsg::Vote(it) => NetworkEvent::Vote(from, it),
                    SignedConsensusMsg::Proposal(it) => NetworkEvent::Proposal(from, it),
                });
            }
        }
        is_new
    }

    /// The blocks of these that this node lacks and has not asked for just now, a few at a time.
    fn lacking(
        &self,
        blocks: Vec<[u8; 32]>,
        told: &mut HashMap<[u8; 32], Instant>,
    ) -> Vec<Question> {
        let Some(held) = self.exchange.held() else { return Vec::new() };
        let lacking = blocks.into_iter().filter(|it| !held.blocks.contains(it));
        let mut questions = Vec::new();
        for block in lacking {
            if questions.len() < BLOCKS && !told.contains_key(&block) && told.len() < TOLD {
                told.insert(block, Instant::now());
                questions.push(Question::Stream { height: held.height.get(), block });
            }
        }
        questions
    }
}

/// What is asked of the open height.
fn missing(held: &Held) -> Question {
    let (have, blocks) = (held.messages.clone(), held.blocks.clone());
    Question::Missing { height: held.height.get(), have, blocks }
}

/// Tells the engine the parts of a stream, as if they had come from the neighbour; it is judged as any other.
fn tell(relayed: &Relayed, peer: libp2p::PeerId, stream: Stream) -> bool {
    let Ok(from) = PeerId::from_bytes(&peer.to_bytes()) else { return false };
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
