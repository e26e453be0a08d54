//! In the place of the engine's actors: Malachite's `core-consensus`, its `wal` as it is, and what
//! `arc-malachitebft-engine` 0.8.2 does about them in `src/consensus.rs` and `src/wal/thread.rs`, in the same order. What waits there
//! is an event here.

mod effects;
mod log;
mod weakness;

use crate::disk::SimDisk;
use liuhen_node::consensus::End;
use liuhen_node::consensus::by_hand::Node;
use liuhen_node::consensus::signing::{Judge, Keeper};
use liuhen_node::consensus::types::{Address, Ctx, Height};
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::types::ChainId;
use log::Log;
use malachitebft_app_channel::AppMsg;
use malachitebft_app_channel::app::consensus::{
    Input, LivenessMsg, LocallyProposedValue, Params, ProposedValue, SignedConsensusMsg, State,
    ValuePayload, process,
};
use malachitebft_app_channel::app::engine::host::{HeightParams, Next};
use malachitebft_app_channel::app::engine::network::NetworkEvent;
use malachitebft_app_channel::app::metrics::Metrics;
use malachitebft_app_channel::app::types::core::{
    LinearTimeouts, Timeout, ValidatorSet as _, ValueOrigin, ValueResponse,
};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::oneshot;
pub use weakness::Weakness;

/// As the engine's configuration has them, and the node's settings for it.
const QUEUE: usize = 10;
const QUEUE_PER_HEIGHT: usize = 5_000;
/// What waits while a height does not run.
const BUFFER: usize = 1_024;

/// What the engine is told.
#[derive(Debug, Clone)]
pub enum Mail {
    /// A height begins.
    Start(Height, HeightParams<Ctx>),
    /// Something came from the network.
    Network(NetworkEvent<Ctx>),
    /// A timer of this number ran out.
    Elapsed(Timeout, u64),
    /// The application built a block.
    Propose(LocallyProposedValue<Ctx>),
    /// The application has a block of somebody's.
    Proposed(ProposedValue<Ctx>, ValueOrigin),
    /// A decided block came by sync.
    Synced(ValueResponse<Ctx>),
}

/// What an engine was told, and what it said.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) told: Vec<Mail>,
    pub(crate) published: Vec<String>,
    pub(crate) asked: Vec<String>,
}

/// A timer that does not run out in a run that is recorded.
const NEVER: Duration = Duration::from_secs(86_400);

/// What the engine does beside what it does at once.
#[derive(Debug)]
pub(crate) enum Deed {
    Publish(SignedConsensusMsg<Ctx>),
    Say(LivenessMsg<Ctx>),
    /// To be told this after a while.
    After(Duration, Mail),
    /// To be told this once the application has done something.
    Soon(Mail),
    /// A height begins.
    Started(Height),
    /// A synced value was of no use.
    SyncFailed,
}

/// Why the engine, and with it the process, ends.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The node says so.
    Node(End),
    /// The engine says so.
    Engine(String),
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Node(End::Fatal(error)) => write!(f, "{error:#}"),
            Self::Node(end) => write!(f, "{end:?}"),
            Self::Engine(why) => f.write_str(why),
        }
    }
}

pub(crate) struct Engine {
    consensus: Option<State<Ctx>>,
    metrics: Metrics,
    shell: Shell,
    buffer: VecDeque<Mail>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Ready,
    Running,
    Recovering,
}

/// What effects are done with.
struct Shell {
    address: Address,
    judge: Judge,
    keeper: Keeper,
    phase: Phase,
    votes: bool,
    is_validator: bool,
    timeouts: LinearTimeouts,
    /// Timers that run, by their number.
    timers: Vec<(Timeout, u64)>,
    timer: u64,
    log: Log,
    deeds: Vec<Deed>,
    /// What comes of the last decision.
    next: Option<oneshot::Receiver<Next<Ctx>>>,
    stop: Option<Stop>,
    disk: SimDisk,
    weakness: Option<Weakness>,
    /// What is recorded, where it is.
    heard: Option<Heard>,
}

impl Engine {
    /// Opens the engine's log, and tells the node that consensus is ready.
    pub(crate) fn start(
        node: &mut Node,
        disk: &SimDisk,
        chain: ChainId,
        key: &PrivateKey,
        (votes, weakness, is_recorded): (bool, Option<Weakness>, bool),
    ) -> Result<Self, Stop> {
        let log = Log::open(disk, votes).map_err(|e| Stop::Engine(format!("open the log: {e}")))?;
        let shell = Shell {
            address: Address(key.public().key_id()),
            judge: Judge { chain },
            keeper: Keeper { chain, key: key.clone() },
            phase: Phase::Ready,
            votes,
            is_validator: false,
            timeouts: LinearTimeouts::default(),
            timers: Vec::new(),
            timer: 0,
            log,
            deeds: Vec::new(),
            next: None,
            stop: None,
            disk: disk.clone(),
            weakness,
            heard: is_recorded.then(Heard::default),
        };
        let (metrics, buffer) = (Metrics::new(), VecDeque::new());
        let mut engine = Self { consensus: None, metrics, shell, buffer };
        let (reply, ready) = oneshot::channel();
        engine.shell.tell(node, AppMsg::ConsensusReady { reply });
        if let Some((height, params)) = taken(ready) {
            engine.take_in(node, Mail::Start(height, params));
        }
        engine.ended().map_or(Ok(engine), Err)
    }

    /// Why it ended, once.
    pub(crate) fn ended(&mut self) -> Option<Stop> {
        self.shell.stop.take()
    }

    /// What it did since it was asked last.
    pub(crate) fn deeds(&mut self) -> Vec<Deed> {
        std::mem::take(&mut self.shell.deeds)
    }

    /// What was recorded.
    pub(crate) fn heard(&mut self) -> Option<Heard> {
        self.shell.heard.take()
    }

    /// The height that it is at.
    pub(crate) fn height(&self) -> Option<Height> {
        self.consensus.as_ref().map(State::height)
    }

    /// Whether a height is being decided.
    pub(crate) fn is_running(&self) -> bool {
        self.shell.phase == Phase::Running && self.shell.next.is_none()
    }

    /// Whether the node has answered what comes of the last decision: then that is done.
    pub(crate) fn go_on(&mut self, node: &mut Node) {
        let Some(next) = &mut self.shell.next else { return };
        match next.try_recv() {
            Ok(Next::Start(height, params)) => {
                self.shell.next = None;
                self.take_in(node, Mail::Start(height, params));
            }
            Ok(Next::Restart(..)) => self.shell.fail("it is to restart a height"),
            Err(oneshot::error::TryRecvError::Empty) => {}
            Err(oneshot::error::TryRecvError::Closed) => self.shell.next = None,
        }
    }

    /// Handles what the engine is told.
    pub(crate) fn take_in(&mut self, node: &mut Node, mut mail: Mail) {
        if self.shell.stop.is_some() {
            return;
        }
        if let Some(heard) = &mut self.shell.heard {
            if let Mail::Start(_, params) = &mut mail {
                let it = &mut params.timeouts;
                (it.propose, it.prevote, it.precommit, it.rebroadcast) =
                    (NEVER, NEVER, NEVER, NEVER);
            }
            heard.told.push(mail.clone());
        }
        self.handle(node, mail);
    }

    fn handle(&mut self, node: &mut Node, mail: Mail) {
        match mail {
            Mail::Start(height, params) => self.start_height(node, height, params),
            mail if self.shell.phase != Phase::Running => {
                if self.buffer.len() < BUFFER {
                    self.buffer.push_back(mail);
                }
            }
            Mail::Network(event) => self.hear(node, event),
            Mail::Elapsed(timeout, number) => {
                if self.shell.timers.contains(&(timeout, number)) {
                    self.shell.cancel(timeout);
                    self.process(node, Input::TimeoutElapsed(timeout));
                }
            }
            Mail::Propose(value) => self.process(node, Input::Propose(value)),
            Mail::Proposed(value, origin) => {
                self.process(node, Input::ProposedValue(value, origin));
            }
            Mail::Synced(value) => self.process(node, Input::SyncValueResponse(value)),
        }
    }

    fn hear(&mut self, node: &mut Node, event: NetworkEvent<Ctx>) {
        match event {
            NetworkEvent::Vote(_, vote) => {
                node.heard(&SignedConsensusMsg::Vote(vote.clone()));
                self.process(node, Input::Vote(vote));
            }
            NetworkEvent::Proposal(_, proposal) => {
                node.heard(&SignedConsensusMsg::Proposal(proposal.clone()));
                self.process(node, Input::Proposal(proposal));
            }
            NetworkEvent::PolkaCertificate(_, it) => {
                self.process(node, Input::PolkaCertificate(it));
            }
            NetworkEvent::RoundCertificate(_, it) => {
                self.process(node, Input::RoundCertificate(it));
            }
            NetworkEvent::ProposalPart(from, published_by, part) => {
                let (reply, value) = oneshot::channel();
                let message = AppMsg::ReceivedProposalPart { from, published_by, part, reply };
                self.shell.tell(node, message);
                if let Some(value) = taken(value).flatten() {
                    let mail = Mail::Proposed(value, ValueOrigin::Consensus);
                    self.shell.deeds.push(Deed::Soon(mail));
                }
            }
            _ => {}
        }
    }

    fn start_height(&mut self, node: &mut Node, height: Height, params: HeightParams<Ctx>) {
        let set = params.validator_set.clone();
        let of_core = Params {
            address: self.shell.address,
            threshold_params: Default::default(),
            value_payload: ValuePayload::ProposalAndParts,
            enabled: self.shell.votes,
        };
        self.consensus.get_or_insert_with(|| {
            State::new(Ctx::default(), height, set.clone(), of_core, QUEUE, QUEUE_PER_HEIGHT)
        });
        let is_member = set.get_by_address(&self.shell.address).is_some();
        self.shell.is_validator = self.shell.votes && is_member;
        node.set_validators(set.clone());
        let entries = match self.shell.is_validator {
            true => self.shell.log.begin(height),
            false => self.shell.log.reset(height).map(|()| Vec::new()),
        };
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.shell.fail(format!("the log at {height}: {error}")),
        };
        self.shell.timeouts = params.timeouts;
        let (target, policy) = (params.target_time, params.vote_extension_policy);
        self.process(node, Input::StartHeight(height, set, false, target, policy));
        if !entries.is_empty() {
            self.shell.phase = Phase::Recovering;
            self.replay(node, entries);
        }
        self.shell.phase = Phase::Running;
        self.shell.deeds.push(Deed::Started(height));
        while let Some(mail) = self.buffer.pop_front() {
            self.handle(node, mail);
        }
    }

    /// Plays the log back. What can't be read there, or is not what follows, ends the engine.
    fn replay(&mut self, node: &mut Node, entries: Vec<std::io::Result<Input<Ctx>>>) {
        if let Some(state) = &mut self.consensus {
            let read = || entries.iter().filter_map(|it| it.as_ref().ok());
            state.record_recovered_own_precommit_extensions(read());
            state.index_wal_entries(read());
        }
        for entry in entries {
            match entry {
                Ok(entry) => self.process(node, entry),
                Err(error) => self.shell.fail(format!("an entry of the log: {error}")),
            }
            if self.shell.stop.is_some() {
                return;
            }
        }
        if let Some(state) = &mut self.consensus {
            state.reset_entries_index();
        }
    }

    fn process(&mut self, node: &mut Node, input: Input<Ctx>) {
        let Some(state) = &mut self.consensus else { return };
        let (shell, metrics) = (&mut self.shell, &self.metrics);
        let done: Result<(), malachitebft_app_channel::app::consensus::Error<Ctx>> = process!(
            input: input,
            state: state,
            metrics: metrics,
            with: effect => effects::handle(shell, node, effect)
        );
        if let Err(error) = done {
            self.shell.fail(error.to_string());
        }
    }
}

impl Shell {
    /// The engine ends; the first reason counts.
    fn fail(&mut self, why: impl Into<String>) {
        self.stop.get_or_insert(Stop::Engine(why.into()));
    }

    /// Tells the application something.
    fn tell(&mut self, node: &mut Node, message: AppMsg<Ctx>) {
        if let Some(heard) = &mut self.heard {
            heard.asked.extend(crate::said::asked(&message));
        }
        if let Some(end) = node.take_in(message) {
            self.stop.get_or_insert(Stop::Node(end));
        }
    }

    fn schedule(&mut self, timeout: Timeout, after: Duration) {
        self.cancel(timeout);
        self.timer += 1;
        self.timers.push((timeout, self.timer));
        self.deeds.push(Deed::After(after, Mail::Elapsed(timeout, self.timer)));
    }

    fn cancel(&mut self, timeout: Timeout) {
        self.timers.retain(|(it, _)| *it != timeout);
    }
}

/// What was answered, if something was.
fn taken<T>(mut answer: oneshot::Receiver<T>) -> Option<T> {
    answer.try_recv().ok()
}
