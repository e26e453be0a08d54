//! Running the consensus engine: first it is judged whether this node may vote, then the engine is started by that, and
//! again when it may have changed. Clients are served all the while.

use crate::app::Chain;
use crate::config::Settings;
use crate::consensus::{
    self, Adapter, AdapterParts, Alone, End, EngineSettings, Exchange, Judged, Why, Withheld, judge,
};
use crate::home::Keys;
use crate::neighbours::Neighbours;
use crate::registry::Registry;
use crate::snapshots::Joiner;
use futures::FutureExt as _;
use liuhen_proto::types::Height;
use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// So long others are waited for before the engine is started without a vote.
const ASK_FOR: Duration = Duration::from_secs(5);
/// How often they are asked meanwhile, and afterwards.
const ASK_EVERY: Duration = Duration::from_millis(200);
const ASK_ON_EVERY: Duration = Duration::from_secs(1);

/// What the engine is started from, the first time and again.
pub(crate) struct Engine<'a> {
    pub(crate) chain: &'a RwLock<Chain>,
    pub(crate) settings: &'a Settings,
    pub(crate) keys: &'a Keys,
    pub(crate) data: &'a Path,
    pub(crate) vote: Vote,
    pub(crate) stop: CancellationToken,
}

/// What tells whether this node votes.
pub(crate) struct Vote {
    pub(crate) exchange: Exchange,
    pub(crate) neighbours: Neighbours,
    /// Notified when the vote is to be judged anew.
    pub(crate) again: Arc<Notify>,
    pub(crate) withheld: watch::Sender<Option<Withheld>>,
}

impl Engine<'_> {
    /// Runs the engine until the node ends.
    pub(crate) async fn run(&self, mut parts: AdapterParts) -> anyhow::Result<End> {
        loop {
            let settings = self.engine_settings(&parts)?;
            let alone =
                consensus::look_over(&settings, &parts.undecided, &self.vote.exchange).await?;
            let withheld = self.judge(&alone).await?;
            // Whoever lost its blocks knows by itself that it does not vote: how far the others are it hears from them.
            let lost = withheld.as_ref().is_some_and(|it| it.why == Why::Behind);
            if lost && parts.joins_behind.is_some() {
                self.wait_for_answers().await;
            }
            if parts.is_far_behind() {
                self.join(&mut parts).await?;
                continue;
            }
            // What asked for it has been answered.
            let _ = self.vote.again.notified().now_or_never();
            let votes = withheld.is_none() && self.is_validator();
            // Whoever becomes a validator while it runs does not vote before it was judged.
            let not_yet = Withheld { until: None, why: Why::Asking, file: None };
            let said = if self.is_validator() { withheld.clone() } else { Some(not_yet) };
            self.vote.withheld.send_replace(said);
            let (exchange, neighbours) = (self.vote.exchange.clone(), self.vote.neighbours.clone());
            let conduct = Arc::clone(&parts.conduct);
            let started =
                consensus::start(settings, &*conduct, exchange, neighbours, votes).await?;
            let (channels, engine) = started.split();
            let adapter = Adapter::new(parts, &channels, withheld.as_ref(), self.stop.clone());
            let asking = withheld.is_some_and(|it| it.until.is_none());
            let (end, back) = tokio::select! {
                ended = adapter.run(channels) => ended,
                never = self.ask_on(&alone), if asking => match never {},
            };
            if let End::Outdated { height, .. } = &end {
                self.wait_for_others(height.previous()).await;
            }
            consensus::stop(engine).await;
            match end {
                End::JudgeAnew => parts = back,
                End::FarBehind => {
                    parts = back;
                    self.join(&mut parts).await?;
                }
                _ => return Ok(end),
            }
        }
    }

    /// Joins by a snapshot, where one is to be had. It is tried once.
    async fn join(&self, parts: &mut AdapterParts) -> anyhow::Result<()> {
        let Some(ahead) = parts.joins_behind.take() else { return Ok(()) };
        let joiner = Joiner {
            chain: self.chain,
            neighbours: &self.vote.neighbours,
            data: self.data,
            free_bytes: self.settings.free_bytes,
        };
        let joined = tokio::select! {
            joined = joiner.join(ahead) => joined?,
            () = self.stop.cancelled() => false,
        };
        if joined {
            let (height, registry) = {
                let chain = self.chain();
                (chain.header().height, Registry::read(&chain, self.settings, &parts.own)?)
            };
            parts.registry.send_replace(registry);
            parts.committed.send_replace(height);
        }
        Ok(())
    }

    /// Waits a while until one of the others has said how far it is.
    async fn wait_for_answers(&self) {
        let began = Instant::now();
        while began.elapsed() < ASK_FOR && !self.stop.is_cancelled() {
            if !self.vote.neighbours.heights().await.is_empty() {
                return;
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// Waits a while until the others have this height as well: they may lack this node's vote for it, and what it heard.
    async fn wait_for_others(&self, height: Height) {
        let began = Instant::now();
        while began.elapsed() < ASK_FOR && !self.stop.is_cancelled() {
            let heights = self.vote.neighbours.heights().await;
            if heights.iter().all(|it| *it >= height) {
                return;
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// Judges whether this node votes; waits a while for the others to answer.
    async fn judge(&self, alone: &Alone) -> anyhow::Result<Option<Withheld>> {
        // It follows without a vote; where it becomes a validator it is judged anew.
        if !self.is_validator() {
            return Ok(None);
        }
        let began = Instant::now();
        let judged = loop {
            let judged = self.judged(alone).await;
            let is_open = judged.withheld.as_ref().is_some_and(|it| it.until.is_none());
            if !is_open || began.elapsed() > ASK_FOR || self.stop.is_cancelled() {
                break judged;
            }
            tokio::time::sleep(ASK_EVERY).await;
        };
        if let Some(above) = judged.nothing_above {
            let record = self.vote.exchange.record().path().display().to_string();
            tracing::warn!(height = %above, record, "what this node's key signed up to this height is not known here: it signs nothing up to it");
            tokio::task::block_in_place(|| self.vote.exchange.record().nothing_above(above))?;
        }
        self.tell(judged.withheld.as_ref());
        Ok(judged.withheld)
    }

    fn tell(&self, withheld: Option<&Withheld>) {
        let next_height = self.next_height();
        let Some(Withheld { until, why, file }) = withheld else {
            match self.vote.exchange.record().word() {
                Some((from, at)) => {
                    tracing::warn!(%next_height, %from, at_ms = at.get(), "this node votes by a person's word, whatever its key signed there before")
                }
                None => tracing::info!(%next_height, "this node votes"),
            }
            return;
        };
        let (why, file) = (why.code(), file.as_ref().map(|it| it.display().to_string()));
        match until {
            Some(until) => {
                tracing::error!(%until, %next_height, why, file, "this node's key may have signed what it does not know any more: it follows without a vote until that height is committed")
            }
            None => {
                tracing::warn!(%next_height, why, file, "this node follows without a vote until others who make a quorum have said what they heard of its key")
            }
        }
    }

    async fn judged(&self, alone: &Alone) -> Judged {
        let others = self.vote.neighbours.survey(&self.vote.exchange).await;
        judge(alone, &self.vote.exchange.record(), &others, self.next_height())
    }

    /// Asks until something else follows; then the vote is judged anew.
    async fn ask_on(&self, alone: &Alone) -> Infallible {
        loop {
            tokio::time::sleep(ASK_ON_EVERY).await;
            let withheld = self.judged(alone).await.withheld;
            if withheld.is_none_or(|it| it.until.is_some()) {
                self.vote.again.notify_one();
            }
        }
    }

    fn engine_settings(&self, parts: &AdapterParts) -> anyhow::Result<EngineSettings> {
        let chain = self.chain();
        let key_id = self.keys.node.public().key_id();
        let known = parts.registry.borrow();
        Ok(EngineSettings {
            moniker: key_id.to_string().chars().take(8).collect(),
            chain: chain.founding().chain(),
            listen: self.settings.consensus_listen.clone(),
            peers: known.peers.values().filter_map(|peer| peer.consensus.clone()).collect(),
            network_seed: self.keys.network.to_seed(),
            key: self.keys.node.clone(),
            data: self.data.to_owned(),
            validators: chain.validators().clone(),
            turns: chain.turns()?,
            next_height: chain.next_height(),
        })
    }

    fn is_validator(&self) -> bool {
        self.chain().validators().get(&self.keys.node.public().key_id()).is_some()
    }

    fn next_height(&self) -> Height {
        self.chain().next_height()
    }

    fn chain(&self) -> RwLockReadGuard<'_, Chain> {
        self.chain.read().unwrap_or_else(PoisonError::into_inner)
    }
}
