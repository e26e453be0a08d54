//! Asking neighbours for what did not reach this node itself.

use super::heard::{TOGETHER, decode};
use super::outgoing::Relayed;
use super::{Exchange, Held};
use crate::clock;
use crate::consensus::parts::cut;
use crate::consensus::types::{Address, Ctx, Height};
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
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut asking = Asking::default();
    let mut answers = FuturesUnordered::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = look.tick() => {}
            Some((peer, answer)) = answers.next() => {
                let (told, questions) = asking.take_in(&exchange, peer, answer);
                told.into_iter().for_each(|event| relayed.send(event));
                for question in questions {
                    answers.push(ask(&neighbours, peer, question));
                }
            }
        }
        for (peer, question) in asking.look(&exchange, neighbours.connected()) {
            answers.push(ask(&neighbours, peer, question));
        }
    }
}

/// Asks a neighbour.
fn ask(
    neighbours: &Neighbours,
    peer: libp2p::PeerId,
    question: Question,
) -> impl Future<Output = (libp2p::PeerId, Option<Answer>)> + Send + use<> {
    let neighbours = neighbours.clone();
    async move { (peer, neighbours.ask(peer, question, WITHIN).await) }
}

/// Who is asked for what, and when. Knows no network.
#[derive(Debug, Default)]
pub(crate) struct Asking {
    helped: Option<Instant>,
    /// Streams that the engine is judging yet.
    told: HashMap<[u8; 32], Instant>,
    /// Whom it is asked now, and since when others were.
    asked: HashMap<libp2p::PeerId, Instant>,
}

impl Asking {
    /// Takes in an answer; `None`: none came in time. Gives what the engine is told, and what that neighbour is asked next.
    pub(crate) fn take_in(
        &mut self,
        exchange: &Exchange,
        peer: libp2p::PeerId,
        answer: Option<Answer>,
    ) -> (Vec<NetworkEvent<Ctx>>, Vec<Question>) {
        let (told, questions) = match answer {
            Some(Answer::Missing { messages, blocks }) => {
                self.asked.insert(peer, clock::moment());
                (new_of(exchange, peer, &messages), self.lacking(exchange, blocks))
            }
            Some(Answer::Stream(Some(stream))) => (parts_of(peer, stream), Vec::new()),
            Some(
                Answer::Stream(None)
                | Answer::Standing { .. }
                | Answer::Block(_)
                | Answer::Snapshot { .. }
                | Answer::Piece(_)
                | Answer::Blocks(_),
            )
            | None => {
                self.asked.insert(peer, clock::moment());
                Default::default()
            }
        };
        if !told.is_empty() {
            self.helped = Some(clock::moment());
        }
        (told, questions)
    }

    /// Whom to ask now for what.
    pub(crate) fn look(
        &mut self,
        exchange: &Exchange,
        connected: Vec<libp2p::PeerId>,
    ) -> Vec<(libp2p::PeerId, Question)> {
        let Some(held) = exchange.held() else { return Vec::new() };
        let helped_lately = self.helped.is_some_and(|it| clock::since(it) < AFTER_HELP);
        let pause = if helped_lately { LOOK_EVERY } else { QUIET };
        if clock::since(held.since) < pause {
            return Vec::new();
        }
        self.told.retain(|_, since| clock::since(*since) < WITHIN);
        self.asked.retain(|_, since| clock::since(*since) < 2 * WITHIN);
        let mut questions = Vec::new();
        for peer in connected {
            if self.asked.get(&peer).is_none_or(|since| clock::since(*since) >= pause) {
                // As if it were asked later: until it answers it is not asked again.
                self.asked.insert(peer, clock::moment() + WITHIN);
                questions.push((peer, missing(&held)));
            }
        }
        questions
    }

    /// The blocks of these that this node lacks and has not asked for just now, a few at a time.
    fn lacking(&mut self, exchange: &Exchange, blocks: Vec<[u8; 32]>) -> Vec<Question> {
        let Some(held) = exchange.held() else { return Vec::new() };
        let lacking = blocks.into_iter().filter(|it| !held.blocks.contains(it));
        let mut questions = Vec::new();
        for block in lacking {
            if questions.len() < BLOCKS && !self.told.contains_key(&block) && self.told.len() < TOLD
            {
                self.told.insert(block, clock::moment());
                questions.push(Question::Stream { height: held.height.get(), block });
            }
        }
        questions
    }
}

/// What is new of the messages that a neighbour holds, so many as one gives.
fn new_of(
    exchange: &Exchange,
    peer: libp2p::PeerId,
    messages: &[Vec<u8>],
) -> Vec<NetworkEvent<Ctx>> {
    let Ok(from) = PeerId::from_bytes(&peer.to_bytes()) else { return Vec::new() };
    let messages = messages.iter().take(TOGETHER).filter_map(|it| decode(it));
    let new = messages.filter(|message| exchange.take_in(message));
    new.map(|message| match message {
        SignedConsensusMsg::Vote(it) => NetworkEvent::Vote(from, it),
        SignedConsensusMsg::Proposal(it) => NetworkEvent::Proposal(from, it),
    })
    .collect()
}

/// What is asked of the open height.
fn missing(held: &Held) -> Question {
    let (have, blocks) = (held.messages.clone(), held.blocks.clone());
    Question::Missing { height: held.height.get(), have, blocks }
}

/// The parts of a stream, as if they had come from the neighbour; they are judged as any others.
fn parts_of(peer: libp2p::PeerId, stream: Stream) -> Vec<NetworkEvent<Ctx>> {
    let Ok(from) = PeerId::from_bytes(&peer.to_bytes()) else { return Vec::new() };
    let Ok(signature) = Signature::from_slice(&stream.signature) else { return Vec::new() };
    let (height, round) = (Height(stream.height), Round::new(stream.round));
    let proposer = Address(KeyId::new(stream.proposer));
    let id = StreamId::new([&b"relayed "[..], signature.as_bytes()].concat().into());
    let parts = (0..).zip(cut(height, round, proposer, &stream.block.into(), signature));
    let message = |(n, part)| StreamMessage::new(id.clone(), n, StreamContent::Data(part));
    parts.map(|part| NetworkEvent::ProposalPart(from, Some(from), message(part))).collect()
}
