//! What machines send each other, and what comes of it there.

use super::{Beat, Event, MS, SECOND, World};
use crate::engine::Mail;
use liuhen_node::consensus::types::{Ctx, Height};
use malachitebft_app_channel::AppMsg;
use malachitebft_app_channel::app::consensus::{LivenessMsg, SignedConsensusMsg};
use malachitebft_app_channel::app::engine::network::NetworkEvent;
use malachitebft_app_channel::app::streaming::StreamMessage;
use malachitebft_app_channel::app::types::PeerId;
use malachitebft_app_channel::app::types::sync::RawDecidedValue;
use tokio::sync::oneshot;

type Part = StreamMessage<liuhen_node::consensus::types::ProposalPart>;

/// What is under way.
#[derive(Debug, Clone)]
pub(super) enum Wire {
    Consensus(SignedConsensusMsg<Ctx>),
    Liveness(LivenessMsg<Ctx>),
    Part(Part),
    /// Said to all, and passed on by whoever hears it first.
    Broadcast {
        id: u64,
        bytes: Vec<u8>,
    },
    Question {
        id: u64,
        bytes: Vec<u8>,
    },
    Answer {
        id: u64,
        bytes: Vec<u8>,
    },
    Status(u64),
    Request(u64, u64),
    Values(Vec<RawDecidedValue<Ctx>>),
}

impl World {
    pub(super) fn send(&mut self, from: usize, to: usize, wire: Wire) {
        if let Some(way) = self.network.way(from, to, &mut self.random) {
            self.after(way, Event::Deliver { from, to, wire });
        }
    }

    pub(super) fn send_to_all(&mut self, from: usize, wire: &Wire) {
        for to in self.connected(from) {
            self.send(from, to, wire.clone());
        }
    }

    fn peer_id(&self, machine: usize) -> Option<PeerId> {
        PeerId::from_bytes(&self.machines[machine].peer.to_bytes()).ok()
    }

    pub(super) fn deliver(&mut self, from: usize, to: usize, wire: Wire) {
        let Some(peer) = self.peer_id(from) else { return };
        let Some(process) = &mut self.machines[to].process else { return };
        match wire {
            Wire::Consensus(message) => {
                process.node.hear(&message);
                let event = match message {
                    SignedConsensusMsg::Vote(it) => NetworkEvent::Vote(peer, it),
                    SignedConsensusMsg::Proposal(it) => NetworkEvent::Proposal(peer, it),
                };
                self.mail(to, Mail::Network(event));
            }
            Wire::Liveness(message) => {
                let event = match message {
                    LivenessMsg::Vote(it) => {
                        process.node.hear(&SignedConsensusMsg::Vote(it.clone()));
                        NetworkEvent::Vote(peer, it)
                    }
                    LivenessMsg::PolkaCertificate(it) => NetworkEvent::PolkaCertificate(peer, it),
                    LivenessMsg::SkipRoundCertificate(it) => {
                        NetworkEvent::RoundCertificate(peer, it)
                    }
                };
                self.mail(to, Mail::Network(event));
            }
            Wire::Part(part) => {
                self.mail(to, Mail::Network(NetworkEvent::ProposalPart(peer, Some(peer), part)));
            }
            Wire::Broadcast { id, bytes } => {
                if process.seen.insert(id) {
                    process.node.told(&bytes);
                    self.send_to_all(to, &Wire::Broadcast { id, bytes });
                }
            }
            Wire::Question { id, bytes } => {
                if let Some(bytes) = process.node.answer(&bytes) {
                    self.send(to, from, Wire::Answer { id, bytes });
                }
            }
            Wire::Answer { id, bytes } => self.answer(from, to, id, bytes),
            Wire::Status(tip) => {
                process.sync.heard(from, tip);
                self.sync(to);
            }
            Wire::Request(first, last) => self.serve(from, to, first, last),
            Wire::Values(values) => {
                let values = values.into_iter().map(|it| it.to_core(peer)).collect();
                process.sync.answered(values);
                self.hand_on(to);
            }
        }
    }

    fn answer(&mut self, from: usize, to: usize, id: u64, bytes: Vec<u8>) {
        let peer = self.machines[from].peer;
        let Some(process) = &mut self.machines[to].process else { return };
        if process.asked.remove(&id).is_some() {
            return self.relayed(to, from, Some(&bytes));
        }
        if let Some(height) = process.filling.remove(&id) {
            process.node.fill(height, &bytes);
            return;
        }
        if let Some(survey) = process.survey.as_mut().filter(|it| it.number == id)
            && survey.waits_for.remove(&from)
        {
            survey.answers.push((peer, bytes));
            if survey.waits_for.is_empty() {
                self.surveyed(to);
            }
        }
    }

    /// Asks neighbours for what did not reach this node, where that is to be done now.
    pub(super) fn look(&mut self, to: usize) {
        let connected = self.connected(to);
        let peers = connected.iter().map(|it| self.machines[*it].peer).collect();
        let Some(process) = &mut self.machines[to].process else { return };
        for (peer, bytes) in process.node.look(peers) {
            let other = connected.iter().find(|it| self.machines[**it].peer == peer);
            if let Some(other) = other.copied() {
                self.ask_neighbour(to, other, bytes);
            }
        }
    }

    /// Asks a neighbour for each block that the log can't read any more.
    pub(super) fn fill(&mut self, to: usize) {
        let Some(process) = &mut self.machines[to].process else { return };
        // What was not answered within a second is asked for again.
        process.filling.clear();
        let holes = process.node.holes();
        let connected = self.connected(to);
        for height in holes {
            let other = self.random.index(connected.len().max(1));
            let id = self.random.next();
            let Some(process) = &mut self.machines[to].process else { return };
            if let (Some(other), Some(bytes)) =
                (connected.get(other), process.node.block_question(height))
            {
                process.filling.insert(id, height);
                self.send(to, *other, Wire::Question { id, bytes });
            }
        }
    }

    fn ask_neighbour(&mut self, from: usize, to: usize, bytes: Vec<u8>) {
        let id = self.random.next();
        if let Some(process) = &mut self.machines[from].process {
            process.asked.insert(id, to);
        }
        self.send(from, to, Wire::Question { id, bytes });
        self.beat_after(from, 2 * SECOND, Beat::Unanswered(id));
    }

    /// A neighbour answered to that, or did not.
    pub(super) fn relayed(&mut self, to: usize, from: usize, answer: Option<&[u8]>) {
        let peer = self.machines[from].peer;
        let Some(process) = &mut self.machines[to].process else { return };
        let (told, questions) = process.node.relayed(peer, answer);
        for event in told {
            self.mail(to, Mail::Network(event));
        }
        for bytes in questions {
            self.ask_neighbour(to, from, bytes);
        }
    }

    pub(super) fn say_status(&mut self, to: usize) {
        let Some(process) = &self.machines[to].process else { return };
        let tip = process.height.get();
        if process.engine.is_some() && tip > 0 {
            self.send_to_all(to, &Wire::Status(tip));
        }
        self.sync(to);
    }

    /// Asks for the next blocks, where others have them.
    fn sync(&mut self, to: usize) {
        let turn = self.random.next();
        let Some(process) = &mut self.machines[to].process else { return };
        if process.engine.is_none() {
            return;
        }
        let tip = process.height.get();
        if let Some((other, first, last)) = process.sync.request(tip, self.now, turn) {
            self.send(to, other, Wire::Request(first, last));
        }
    }

    fn serve(&mut self, from: usize, to: usize, first: u64, last: u64) {
        let Some(process) = &mut self.machines[to].process else { return };
        let (reply, mut values) = oneshot::channel();
        let range = Height(first)..=Height(last);
        process.node.take_in(AppMsg::GetDecidedValues { range, reply });
        if let Ok(values) = values.try_recv() {
            self.send(to, from, Wire::Values(values));
        }
    }

    /// Hands consensus the synced value of the height that it is at, if it is there.
    pub(super) fn hand_on(&mut self, to: usize) {
        let Some(process) = &mut self.machines[to].process else { return };
        let Some(engine) = process.engine.as_mut().filter(|it| it.is_running()) else { return };
        let value = engine.height().and_then(|height| process.sync.value(height));
        if let Some(value) = value {
            engine.take_in(&mut process.node, Mail::Synced(value));
        }
    }

    /// How long the application takes for something, microseconds.
    pub(super) fn soon(&mut self) -> u64 {
        self.random.between(50, 5 * MS)
    }
}
