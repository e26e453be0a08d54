//! The driver in the engine's place is held to the engine: what a node's engine was told in a run is told to Malachite's own consensus and
//! log actors, and what both publish, ask the application, and write to the log is compared. The node's own timers do not run out in
//! such a run: it goes from round to round as the others do.

#![allow(clippy::unwrap_used, reason = "a run that can't be set up may end them")]

use async_trait::async_trait;
use liuhen_node::consensus::codec::WireCodec;
use liuhen_node::consensus::signing::{Judge, Keeper};
use liuhen_node::consensus::types::{Address, Ctx};
use liuhen_simulation::{Mail, Recording, record, said};
use malachitebft_app_channel::app::config::ConsensusConfig;
use malachitebft_app_channel::app::consensus::{Params, ValuePayload};
use malachitebft_app_channel::app::engine::consensus::{Consensus, ConsensusRef, Msg};
use malachitebft_app_channel::app::engine::host::HostMsg;
use malachitebft_app_channel::app::engine::network::Msg as NetworkMsg;
use malachitebft_app_channel::app::engine::node::NodeMsg;
use malachitebft_app_channel::app::engine::util::events::TxEvent;
use malachitebft_app_channel::app::engine::util::output_port::OutputPort;
use malachitebft_app_channel::app::engine::wal::Wal;
use malachitebft_app_channel::app::metrics::{Metrics, SharedRegistry};
use ractor::{Actor, ActorProcessingErr, ActorRef, call};
use std::sync::{Arc, Mutex};

/// What an actor was told, as lines.
type Lines = Arc<Mutex<Vec<String>>>;

struct Network;
struct Host;
struct Node;

#[async_trait]
impl Actor for Network {
    type Msg = NetworkMsg<Ctx>;
    type State = Lines;
    type Arguments = Lines;

    async fn pre_start(
        &self,
        _: ActorRef<Self::Msg>,
        lines: Lines,
    ) -> Result<Lines, ActorProcessingErr> {
        Ok(lines)
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        lines: &mut Lines,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            NetworkMsg::PublishConsensusMsg(it) => lines.lock().unwrap().push(said::sent(&it)),
            NetworkMsg::PublishLivenessMsg(it) => lines.lock().unwrap().push(said::liveness(&it)),
            NetworkMsg::DumpState(reply) => drop(reply.send(None)),
            _ => {}
        }
        Ok(())
    }
}

#[async_trait]
impl Actor for Host {
    type Msg = HostMsg<Ctx>;
    type State = Lines;
    type Arguments = Lines;

    async fn pre_start(
        &self,
        _: ActorRef<Self::Msg>,
        lines: Lines,
    ) -> Result<Lines, ActorProcessingErr> {
        Ok(lines)
    }

    /// What the application answers later is told to the engine as it was in the run.
    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        lines: &mut Lines,
    ) -> Result<(), ActorProcessingErr> {
        let line = match message {
            HostMsg::StartedRound { height, round, reply_to, .. } => {
                reply_to.send(Vec::new())?;
                said::round(height, round)
            }
            HostMsg::GetValue { height, round, .. } => said::value(height, round),
            HostMsg::RestreamValue { height, round, value_id, .. } => {
                said::restream(height, round, &value_id)
            }
            HostMsg::ReceivedProposalPart { part, .. } => said::part(part.sequence),
            HostMsg::Decided { certificate, .. } => said::decided(&certificate),
            HostMsg::Finalized { certificate, .. } => said::finalized(&certificate),
            HostMsg::ProcessSyncedValue { height, .. } => said::synced(height),
            HostMsg::GetHistoryMinHeight { reply_to } => {
                reply_to.send(liuhen_node::consensus::types::Height(1))?;
                return Ok(());
            }
            _ => return Ok(()),
        };
        lines.lock().unwrap().push(line);
        Ok(())
    }
}

#[async_trait]
impl Actor for Node {
    type Msg = NodeMsg;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<NodeMsg>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

struct Engine {
    consensus: ConsensusRef<Ctx>,
    network: ActorRef<NetworkMsg<Ctx>>,
    host: ActorRef<HostMsg<Ctx>>,
}

impl Engine {
    /// Until all that it was told is done.
    async fn settle(&self) {
        for _ in 0..3 {
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            let _ = call!(self.consensus, Msg::DumpState);
            let _ = call!(self.network, NetworkMsg::DumpState);
            let _ = call!(self.host, |reply_to| HostMsg::GetHistoryMinHeight { reply_to });
        }
    }

    fn tell(&self, mail: Mail) {
        let message = match mail {
            Mail::Start(height, params) => Msg::StartHeight(height, params),
            Mail::Network(event) => Msg::NetworkEvent(event),
            Mail::Propose(value) => Msg::ProposeValue(value),
            Mail::Proposed(value, origin) => Msg::ReceivedProposedValue(value, origin),
            Mail::Elapsed(..) | Mail::Synced(_) => panic!("no timer runs out, nothing is synced"),
        };
        self.consensus.cast(message).unwrap();
    }
}

/// What the engine's own actors make of what was recorded: what they publish, ask the application, and write to the log.
async fn replay(recording: &Recording) -> (Vec<String>, Vec<String>, Vec<u8>) {
    let (published, asked) = (Lines::default(), Lines::default());
    let (network, _) = Actor::spawn(None, Network, Arc::clone(&published)).await.unwrap();
    let (host, _) = Actor::spawn(None, Host, Arc::clone(&asked)).await.unwrap();
    let (node, _) = Actor::spawn(None, Node, ()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (path, span) = (folder.path().join("engine.wal"), tracing::Span::none());
    let registry = SharedRegistry::global().with_moniker("replay");
    let ctx = Ctx::default();
    let wal = Wal::spawn(&ctx, WireCodec, path.clone(), registry, span.clone(), node.clone());
    let wal = wal.await.unwrap();
    let params = Params {
        address: Address(recording.key.public().key_id()),
        threshold_params: Default::default(),
        value_payload: ValuePayload::ProposalAndParts,
        enabled: true,
    };
    let config = ConsensusConfig { queue_per_height_capacity: 5_000, ..Default::default() };
    let judge = Box::new(Judge { chain: recording.chain });
    let keeper = Keeper { chain: recording.chain, key: recording.key.clone() };
    let consensus = Consensus::spawn(
        Ctx::default(),
        params,
        config,
        judge,
        Some(Box::new(keeper)),
        network.clone(),
        host.clone(),
        wal,
        Arc::new(OutputPort::with_capacity(128)),
        Metrics::new(),
        TxEvent::new(),
        node,
        span,
    );
    let engine = Engine { consensus: consensus.await.unwrap(), network, host };
    for mail in &recording.told {
        engine.tell(mail.clone());
        engine.settle().await;
    }
    let log = std::fs::read(path).unwrap();
    let lines = |it: Lines| std::mem::take(&mut *it.lock().unwrap());
    (lines(published), lines(asked), log)
}

#[test]
fn the_driver_does_as_the_engine_does() {
    for seed in 0..4 {
        let recording = record(seed).unwrap();
        let rounds = recording.asked.iter().filter(|it| it.starts_with("round ")).count();
        let decided = recording.asked.iter().filter(|it| it.starts_with("decided ")).count();
        eprintln!("seed {seed}: told {}, rounds {rounds}, decided {decided}", recording.told.len());
        assert!(decided > 0 && rounds > decided, "{decided} heights in {rounds} rounds");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let (published, asked, log) = runtime.block_on(replay(&recording));
        assert_eq!(published, recording.published, "seed {seed}");
        assert_eq!(asked, recording.asked, "seed {seed}");
        assert_eq!(log, recording.log, "seed {seed}");
    }
}
