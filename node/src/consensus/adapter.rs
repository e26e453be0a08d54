//! The loop between the engine and the application.

mod given;

pub use given::AdapterParts;

use super::handle;
use super::parts::{Assembled, Streams, cut};
use super::signing::{is_signed, parts_message};
use super::types::{Address, Ctx, Height, ProposalPart, ValidatorSet};
use super::withheld::Withheld;
use crate::app::{Candidate, Chain, Clock, NotABlock};
use crate::clock;
use crate::gossip::Message;
use crate::registry::Registry;
use crate::store::undecided::Undecided;
use bytes::Bytes;
use liuhen_proto::suite::sign::Signature;
use liuhen_proto::types::{BlockId, ChainId};
use malachitebft_app_channel::app::consensus::SignedConsensusMsg;
use malachitebft_app_channel::app::engine::host::{HeightParams, Next};
use malachitebft_app_channel::app::engine::util::events::Event;
use malachitebft_app_channel::app::streaming::{StreamContent, StreamId, StreamMessage};
use malachitebft_app_channel::app::types::PeerId;
use malachitebft_app_channel::app::types::core::{Height as _, LinearTimeouts, Round};
use malachitebft_app_channel::{AppMsg, Channels, NetworkMsg, NetworkRequest, Reply};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A block at least this often, so that silence is told from death.
const HEARTBEAT_MS: u64 = 60_000;
/// How often an open height is called for.
const WAKE_EVERY: Duration = Duration::from_secs(1);
/// The engine says that it is ready as soon as it listens; it does not say if it can't.
const READY_WITHIN: Duration = Duration::from_secs(15);
/// Streams for later heights that are kept.
const MOST_EARLY: usize = 8;

/// Why the loop ended.
#[derive(Debug)]
pub enum End {
    /// It was asked to stop.
    Stopped,
    /// The engine ended.
    EngineEnded,
    /// The engine does not listen: its port is taken, or its address is none of this machine's.
    NotListening,
    /// The chain goes on under a protocol that this program does not know.
    Outdated {
        /// That protocol.
        protocol: u32,
        /// From this height on.
        height: liuhen_proto::types::Height,
    },
    /// It is to be judged anew whether this node may vote, and the engine to be started by that.
    JudgeAnew,
    /// Others are so far ahead that this node joins by a snapshot.
    FarBehind,
    /// A write failed, or something else after which this node must not vote.
    Fatal(anyhow::Error),
}

/// The adapter.
pub struct Adapter {
    pub(super) parts: AdapterParts,
    pub(super) chain_id: ChainId,
    pub(super) address: Address,
    pub(super) network: mpsc::Sender<NetworkMsg<Ctx>>,
    pub(super) net_requests: mpsc::Sender<NetworkRequest>,
    /// Peers whose parts are heard, as the engine names them.
    pub(super) peers: HashSet<PeerId>,
    pub(super) candidates: HashMap<BlockId, Arc<Candidate>>,
    pub(super) streams: Streams,
    pub(super) early: Vec<Assembled>,
    /// The decided height whose `Finalized` is not answered.
    pub(super) held: Option<(Height, Reply<Next<Ctx>>)>,
    /// The last height that came by sync: there is no holding there.
    pub(super) synced: Option<Height>,
    pub(super) round: Round,
    pub(super) stop: CancellationToken,
    /// When this height is committed the node may vote again.
    withheld_until: Option<Height>,
    /// Whether this node was a validator when the engine was started.
    was_validator: bool,
    emitted: u64,
}

impl Adapter {
    /// An adapter of these parts, to an engine that withholds its vote or does not.
    pub fn new(
        parts: AdapterParts,
        channels: &Channels<Ctx>,
        withheld: Option<&Withheld>,
        stop: CancellationToken,
    ) -> Self {
        let address = Address(parts.key.public().key_id());
        let (chain_id, next, was_validator) = {
            let chain = read(&parts.chain);
            let is_validator = chain.validators().get(&address.0).is_some();
            (chain.founding().chain(), chain.next_height(), is_validator)
        };
        let peers = engine_peers(&parts.registry.borrow());
        for block in parts.undecided.of(next) {
            keep_stream(&parts, block);
        }
        Self {
            chain_id,
            address,
            peers,
            network: channels.network.clone(),
            net_requests: channels.net_requests.clone(),
            parts,
            candidates: HashMap::new(),
            streams: Streams::default(),
            early: Vec::new(),
            held: None,
            synced: None,
            round: Round::Nil,
            stop,
            withheld_until: withheld.and_then(|it| it.until).map(|it| Height(it.get())),
            was_validator,
            // Never used before, also not before a restart.
            emitted: clock::now().get(),
        }
    }

    /// Runs until it is told to stop, the engine ends, or a write fails. Gives the parts back.
    pub async fn run(mut self, channels: Channels<Ctx>) -> (End, AdapterParts) {
        let end = self.run_until_end(channels).await;
        (end, self.parts)
    }

    /// Ends it; gives the parts back.
    pub(crate) fn into_parts(self) -> AdapterParts {
        self.parts
    }

    async fn run_until_end(&mut self, mut channels: Channels<Ctx>) -> End {
        let stop = self.stop.clone();
        let mut seen = channels.events.subscribe();
        let work = Arc::clone(&self.parts.work);
        let mut ready_by = Some(Instant::now() + READY_WITHIN);
        let (again, mut failed) = (Arc::clone(&self.parts.again), self.parts.exchange.failed());
        let mut wake = tokio::time::interval(WAKE_EVERY);
        wake.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return End::Stopped,
                message = channels.consensus.recv() => match message {
                    Some(message) => {
                        ready_by = None;
                        if let Some(end) = self.take_in(message).await {
                            return end;
                        }
                    }
                    None => return End::EngineEnded,
                },
                event = seen.recv() => if let Ok(Event::Received(message)) = event {
                    self.hear(&message);
                },
                Some(height) = self.parts.wakes.recv() => self.others_are_at(Height(height.get())),
                () = work.notified() => self.release_to_work(),
                () = again.notified() => return End::JudgeAnew,
                Ok(()) = failed.changed() => {
                    let why = failed.borrow_and_update().clone().unwrap_or_default();
                    return End::Fatal(anyhow::anyhow!("the record of votes: {why}"));
                }
                _ = wake.tick() => match ready_by {
                    Some(by) if Instant::now() > by => return End::NotListening,
                    _ if self.parts.is_far_behind() => return End::FarBehind,
                    _ => self.tick(),
                },
            }
        }
    }

    /// Handles what the engine says. Gives why the loop ends, where it does.
    pub(crate) async fn take_in(&mut self, message: AppMsg<Ctx>) -> Option<End> {
        let handled = self.handle(message).await;
        let followed = match handled {
            Ok(()) => self.after_commit().await,
            Err(error) => Err(error),
        };
        followed.unwrap_or_else(|error| Some(End::Fatal(error)))
    }

    /// The engine heard a vote or proposal, and tells of it before any check.
    pub(crate) fn hear(&mut self, message: &SignedConsensusMsg<Ctx>) {
        if self.held.is_some() && is_signed(&self.chain_id, self.chain().validators(), message) {
            self.others_are_at(message.height());
        }
    }

    async fn handle(&mut self, message: AppMsg<Ctx>) -> anyhow::Result<()> {
        match message {
            AppMsg::ConsensusReady { reply } => handle::ready::handle(self, reply).await,
            AppMsg::StartedRound { height, round, reply_value, .. } => {
                handle::started_round::handle(self, height, round, reply_value)
            }
            AppMsg::GetValue { height, round, reply, .. } => {
                handle::get_value::handle(self, height, round, reply).await
            }
            AppMsg::ReceivedProposalPart { from, published_by, part, reply } => {
                handle::received_part::handle(self, from, published_by, part, reply)
            }
            AppMsg::RestreamProposal { height, round, value_id, .. } => {
                handle::restream::handle(self, height, round, value_id).await
            }
            AppMsg::Decided { certificate, reply, .. } => {
                handle::decided::handle(self, &certificate, reply)
            }
            AppMsg::Finalized { certificate, evidence, reply, .. } => {
                handle::finalized::handle(self, &certificate, &evidence, reply);
                Ok(())
            }
            AppMsg::ProcessSyncedValue { height, proposer, value_bytes, reply, round } => {
                handle::synced::handle(self, height, round, proposer, &value_bytes, reply)
            }
            AppMsg::GetDecidedValues { range, reply } => {
                handle::decided_values::handle(self, range, reply)
            }
            AppMsg::GetHistoryMinHeight { reply } => {
                let _ = reply.send(Height(self.chain().first_readable().get()));
                Ok(())
            }
            AppMsg::ExtendVote { reply, .. } => {
                let _ = reply.send(None);
                Ok(())
            }
            AppMsg::VerifyVoteExtensions { extensions, reply, .. } => {
                let _ = reply.send(extensions.into_iter().map(|(who, ())| (who, Ok(()))).collect());
                Ok(())
            }
        }
    }

    /// Follows what a committed block changed for the node itself: who may connect, who votes, and
    /// whether this program still knows the protocol.
    async fn after_commit(&mut self) -> anyhow::Result<Option<End>> {
        let (height, registry, unknown) = {
            let chain = self.chain();
            let height = chain.header().height;
            if *self.parts.committed.borrow() == height {
                return Ok(None);
            }
            let registry = Registry::read(&chain, &self.parts.settings, &self.parts.own)?;
            (height, registry, chain.unknown_protocol()?)
        };
        self.parts.committed.send_replace(height);
        if let Some(protocol) = unknown {
            return Ok(Some(End::Outdated { protocol, height: height.next() }));
        }
        let before = self.parts.registry.borrow().clone();
        if before != registry {
            self.peers = engine_peers(&registry);
            for (id, peer) in &before.peers {
                let kept = registry.peers.get(id).and_then(|it| it.consensus.as_ref());
                if let Some(address) = peer.consensus.as_ref().filter(|it| Some(*it) != kept) {
                    let gone = address.to_string().parse()?;
                    let removed = NetworkRequest::remove_persistent_peer(&self.net_requests, gone);
                    tracing::info!(%address, removed = ?removed.await, "a node may no longer connect");
                }
            }
            for (id, peer) in &registry.peers {
                let known = before.peers.get(id).and_then(|it| it.consensus.as_ref());
                if let Some(address) = peer.consensus.as_ref().filter(|it| Some(*it) != known) {
                    let added = NetworkRequest::add_persistent_peer(
                        &self.net_requests,
                        address.to_string().parse()?,
                    );
                    tracing::info!(%address, added = ?added.await, "a node may connect");
                }
            }
            self.parts.registry.send_replace(registry);
        }
        let knows = self.withheld_until.is_some_and(|until| until.0 <= height.get());
        let is_new =
            !self.was_validator && self.chain().validators().get(&self.address.0).is_some();
        Ok((knows || is_new).then_some(End::JudgeAnew))
    }

    /// The chain as it stands.
    pub(super) fn chain(&self) -> RwLockReadGuard<'_, Chain> {
        read(&self.parts.chain)
    }

    /// The engine's parameters for the next height.
    pub(super) fn params(&self) -> anyhow::Result<HeightParams<Ctx>> {
        Ok(HeightParams::new(self.validators()?, timeouts(), None))
    }

    /// The validators of the next height, and their turns.
    fn validators(&self) -> anyhow::Result<ValidatorSet> {
        let chain = self.chain();
        let set = ValidatorSet::new(chain.validators(), chain.turns()?);
        set.ok_or_else(|| anyhow::anyhow!("the validators can't be used"))
    }

    /// Judges a block's bytes.
    pub(super) fn validate(&self, bytes: &[u8], clock: Clock) -> Result<Candidate, NotABlock> {
        let known = |id: &_, bytes: &[u8]| self.parts.mempool.known(id, bytes);
        tokio::task::block_in_place(|| self.chain().validate(bytes, &known, clock))
    }

    /// Whether the stream was signed by the validator whose turn it was.
    pub(super) fn is_signed(&self, stream: &Assembled) -> bool {
        let set = match self.validators() {
            Ok(set) => set,
            Err(error) => {
                tracing::error!(%error, "whose turn it is can't be told");
                return false;
            }
        };
        let turn = set.proposer(stream.height, stream.round);
        let (height, round) = (stream.height, stream.round);
        let message = parts_message(&self.chain_id, height, round, &stream.proposer, &stream.bytes);
        turn.address == stream.proposer && turn.key.verify(&message, &stream.signature)
    }

    /// Signs a block's stream.
    pub(super) fn sign_stream(&self, height: Height, round: Round, bytes: &[u8]) -> Signature {
        let message = parts_message(&self.chain_id, height, round, &self.address, bytes);
        self.parts.key.sign(&message)
    }

    /// Streams a block to the others, under a stream id never used before.
    pub(super) async fn publish(
        &mut self,
        height: Height,
        round: Round,
        proposer: Address,
        bytes: &Bytes,
        signature: Signature,
    ) -> anyhow::Result<()> {
        self.emitted = self.emitted.saturating_add(1);
        let id = [height.0.to_be_bytes(), self.emitted.to_be_bytes()].concat();
        let id = StreamId::new(id.into());
        let parts: Vec<ProposalPart> = cut(height, round, proposer, bytes, signature);
        for (sequence, part) in (0u64..).zip(parts) {
            let message = StreamMessage::new(id.clone(), sequence, StreamContent::Data(part));
            let sent = self.network.send(NetworkMsg::PublishProposalPart(message)).await;
            sent.map_err(|_| anyhow::anyhow!("the engine's network has stopped"))?;
        }
        Ok(())
    }

    /// Keeps a stream for one of the next heights, a bounded number of them.
    pub(super) fn keep_early(&mut self, stream: Assembled) {
        let next = self.chain().next_height().get();
        self.early.retain(|kept| kept.height.0 >= next);
        if stream.height.0 > next.saturating_add(2) {
            return;
        }
        if self.early.len() >= MOST_EARLY {
            self.early.remove(0);
        }
        self.early.push(stream);
    }

    /// Whether the next height should be opened.
    pub(super) fn has_work(&self) -> bool {
        let (next, last) = {
            let chain = self.chain();
            (chain.next_height(), chain.header().time)
        };
        let now = clock::now();
        let timer = self.chain().next_timer().unwrap_or_else(|error| {
            tracing::error!(%error, "timers can't be read");
            None
        });
        self.parts.mempool.has_ready()
            || now.since(last) >= HEARTBEAT_MS
            || timer.is_some_and(|due| due <= now)
            || self.early.iter().any(|stream| stream.height.0 == next.get())
    }

    /// Somebody speaks of `height`: a node that holds below it goes on.
    pub(crate) fn others_are_at(&mut self, height: Height) {
        if self.held.as_ref().is_some_and(|(held, _)| *held < height) {
            self.release();
        }
    }

    pub(crate) fn release_to_work(&mut self) {
        if self.held.is_some() && self.has_work() {
            self.release();
            self.call_others();
        }
    }

    /// Answers `Finalized`: the engine goes on to the next height.
    pub(super) fn release(&mut self) {
        if let Some((decided, reply)) = self.held.take() {
            match self.params() {
                Ok(params) => {
                    let _ = reply.send(Next::Start(decided.increment(), params));
                }
                Err(error) => tracing::error!(%error, "can't go on"),
            }
        }
    }

    /// Each second: an open height is called for, a due heartbeat opens one.
    pub(crate) fn tick(&mut self) {
        // Whoever is told of nothing sees that others went on.
        self.others_are_at(Height(self.parts.neighbours.highest().get()));
        // Whoever waits for a height to be over calls for it.
        let waits = self.withheld_until.is_some_and(|it| it.0 >= self.chain().next_height().get());
        if waits {
            self.call_others();
        } else if self.held.is_some() {
            self.release_to_work();
        } else if self.round != Round::Nil {
            self.call_others();
        }
    }

    fn call_others(&self) {
        let height = self.chain().next_height();
        let message = Message::wake(&self.chain_id, height, &self.parts.key);
        // A full queue means that enough was called.
        let _ = self.parts.messages.try_send(message);
    }
}

/// Keeps a block's stream for whom it did not reach. What came by sync has none.
pub(super) fn keep_stream(parts: &AdapterParts, block: &Arc<Undecided>) {
    if block.signature.is_some() && parts.conduct.gives_blocks() {
        parts.exchange.keep(Arc::clone(block));
    }
}

/// The peers of a registry, as the engine names them.
fn engine_peers(registry: &Registry) -> HashSet<PeerId> {
    registry.peers.keys().filter_map(|it| PeerId::from_bytes(&it.to_bytes()).ok()).collect()
}

fn read(chain: &RwLock<Chain>) -> RwLockReadGuard<'_, Chain> {
    chain.read().unwrap_or_else(PoisonError::into_inner)
}

/// One dead validator must not cost much at each of its turns.
fn timeouts() -> LinearTimeouts {
    LinearTimeouts {
        propose: Duration::from_millis(1000),
        propose_delta: Duration::from_millis(500),
        prevote: Duration::from_millis(500),
        prevote_delta: Duration::from_millis(300),
        precommit: Duration::from_millis(500),
        precommit_delta: Duration::from_millis(300),
        ..LinearTimeouts::default()
    }
}
