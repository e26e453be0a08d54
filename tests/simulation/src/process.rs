//! A node's process on a machine: the node, its engine, and what goes on between them and others.

use crate::disk::SimDisk;
use crate::engine::{Engine, Stop, Weakness};
use crate::sync::Sync;
use liuhen_node::consensus::by_hand::{Node, Setup};
use liuhen_node::mempool::Answer;
use liuhen_proto::header::founding::Founding;
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::types::Height;
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::oneshot;

/// Others are asked how they stand.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) number: u64,
    pub(crate) waits_for: BTreeSet<usize>,
    pub(crate) answers: Vec<(libp2p::PeerId, Vec<u8>)>,
}

/// A client's transaction that waits here: whose, its number, and the answer to come.
pub(crate) type Waiting = (usize, u64, oneshot::Receiver<Answer>);

pub(crate) struct Process {
    pub(crate) node: Node,
    pub(crate) engine: Option<Engine>,
    pub(crate) survey: Option<Survey>,
    /// Since when it is judged whether the node votes, microseconds.
    pub(crate) judging: Option<u64>,
    pub(crate) sync: Sync,
    /// Questions to neighbours for what does not reach this node: whom.
    pub(crate) asked: BTreeMap<u64, usize>,
    /// Questions to neighbours for blocks that the log can't read any more: of which height.
    pub(crate) filling: BTreeMap<u64, Height>,
    /// Broadcasts that were heard.
    pub(crate) seen: BTreeSet<u64>,
    pub(crate) waiting: Vec<Waiting>,
    pub(crate) height: Height,
}

/// What is known of a machine apart from its process.
pub(crate) struct Machine {
    pub(crate) disk: SimDisk,
    pub(crate) key: PrivateKey,
    pub(crate) peer: libp2p::PeerId,
    /// By how many milliseconds its clock is ahead, and how many of a million it gains.
    pub(crate) ahead_ms: i64,
    pub(crate) gains: i64,
    pub(crate) process: Option<Process>,
    /// The number of the process.
    pub(crate) incarnation: u64,
    /// Starts that failed one after the other, and why the last did.
    pub(crate) failed: u32,
    pub(crate) why: String,
    pub(crate) weakness: Option<Weakness>,
    /// What its engine is told and says is recorded.
    pub(crate) is_recorded: bool,
}

/// The engine's log of votes.
pub(crate) const LOG: &str = "/node/data/consensus/engine.wal";

impl Machine {
    /// Starts a process.
    pub(crate) fn start(&mut self, founding: Founding, now: u64) -> anyhow::Result<Process> {
        self.disk.begin();
        if self.weakness == Some(Weakness::VotesForgotten) {
            self.disk.lose(std::path::Path::new("/node/vote-record"));
            liuhen_node::consensus::by_hand::begin_record(&self.disk.home(), &self.key)?;
        }
        let (key, own) = (self.key.clone(), self.peer);
        let setup = Setup { home: self.disk.home(), founding, key, own };
        let (node, _) = Node::open(setup)?;
        let mut process = Process {
            height: node.height(),
            node,
            engine: None,
            survey: None,
            judging: None,
            sync: Sync::default(),
            asked: BTreeMap::new(),
            filling: BTreeMap::new(),
            seen: BTreeSet::new(),
            waiting: Vec::new(),
        };
        self.look_over(&mut process, now)?;
        Ok(process)
    }

    /// Looks over what the engine remembers; then it is judged whether the node votes.
    pub(crate) fn look_over(&self, process: &mut Process, now: u64) -> anyhow::Result<()> {
        let log = std::path::Path::new(LOG);
        let before = self.disk.bytes(log);
        process.node.look_over()?;
        let is_left =
            matches!(self.weakness, Some(Weakness::LogTailLeft | Weakness::DecidedForgotten));
        if let Some(bytes) = before.filter(|_| is_left) {
            self.disk.put(log, &bytes);
        }
        (process.engine, process.survey, process.judging) = (None, None, Some(now));
        Ok(())
    }

    /// Starts the engine, with a vote or without.
    pub(crate) fn start_engine(&self, process: &mut Process, votes: bool) -> Result<(), Stop> {
        let chain = process.node.chain().founding().chain();
        let how = (votes, self.weakness, self.is_recorded);
        let engine = Engine::start(&mut process.node, &self.disk, chain, &self.key, how)?;
        (process.engine, process.judging) = (Some(engine), None);
        Ok(())
    }

    /// Whether its node votes.
    pub(crate) fn votes(&self) -> bool {
        let process = self.process.as_ref();
        process.is_some_and(|it| it.engine.is_some() && it.node.withheld().is_none())
    }

    /// What its clock shows.
    pub(crate) fn now_ms(&self, begun_ms: u64, now_us: u64) -> u64 {
        let gained = i64::try_from(now_us / 1_000).unwrap_or(i64::MAX) / 1_000_000 * self.gains;
        begun_ms.saturating_add(now_us / 1_000).saturating_add_signed(self.ahead_ms + gained)
    }
}
