//! The only wiring: from a home to a running node, and down again.

use crate::api::{self, Shared};
use crate::app::{Chain, OpenReport};
use crate::config::Settings;
use crate::consensus::{self, Adapter, AdapterParts, End, EngineSettings};
use crate::gossip::{self, Gossip, GossipConfig};
use crate::home::{Home, Keys};
use crate::mempool::Mempool;
use crate::store::undecided::UndecidedBlocks;
use anyhow::Context as _;
use libp2p::PeerId;
use liuhen_proto::founding::Founding;
use liuhen_proto::types::Height;
use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

/// Reads and checks the founding document of a home.
pub fn founding(home: &Home, settings: &Settings) -> anyhow::Result<Founding> {
    let path = home.path().join(&settings.genesis);
    let bytes = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
    Founding::from_bytes(&bytes).with_context(|| format!("{}", path.display()))
}

/// Runs a node until it is told to stop. Errors where it can't start, or must not go on.
pub async fn run(
    home: &Home,
    settings: &Settings,
    founding: Founding,
    keys: Keys,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let _lock = home.lock()?;
    let data = home.data();
    let allowed = allowed_peers(&founding)?;
    let chain = open(&data, founding).await?;
    let chain = Arc::new(RwLock::new(chain));
    let work = Arc::new(Notify::new());
    // Stopped when the node ends, for whatever reason.
    let services = CancellationToken::new();
    let _guard = services.clone().drop_guard();
    let gossip = start_gossip(&chain, settings, &keys, allowed.clone(), services.clone())?;
    let Gossip { transactions, messages, mut received, wakes, connected } = gossip;
    let mempool = Mempool::start(Arc::clone(&chain), Arc::clone(&work), transactions);
    let passed_on = mempool.clone();
    tokio::spawn(async move {
        while let Some(bytes) = received.recv().await {
            passed_on.gossiped(&bytes).await;
        }
    });
    tokio::spawn(watch_disk(mempool.clone(), data.clone(), settings.free_bytes, services.clone()));

    let started = start_engine(&chain, settings, &keys, &data).await?;
    let voting = started.voting;
    let shared = Shared {
        chain: Arc::clone(&chain),
        mempool: mempool.clone(),
        key: keys.node.public().key_id(),
        voting,
        peers: connected,
        readers: Arc::new(Semaphore::new(api::READERS)),
    };
    let (listener, address) = api::bind(settings.grpc_listen).await?;
    std::fs::write(home.grpc_address(), address.to_string())?;
    tracing::info!(%address, voting, "clients are served");
    let server = tokio::spawn(api::serve(listener, shared, services.clone()));

    let parts = AdapterParts {
        chain: Arc::clone(&chain),
        mempool,
        undecided: UndecidedBlocks::open(&data.join("undecided"))?,
        key: keys.node,
        peers: allowed,
        peers_wanted: settings.peers.len(),
        work,
        messages,
        wakes,
    };
    let (channels, engine) = started.split();
    let adapter = Adapter::new(parts, &channels, stop);
    let end = adapter.run(channels).await;
    if matches!(end, End::EngineEnded) {
        consensus::note_safety_halt(&engine, &data).await?;
    }

    services.cancel();
    consensus::stop(engine).await;
    if tokio::time::timeout(Duration::from_secs(5), server).await.is_err() {
        tracing::warn!("some clients did not let go");
    }
    finish(&chain, end)
}

fn finish(chain: &RwLock<Chain>, end: End) -> anyhow::Result<()> {
    let written = {
        let mut chain = chain.write().unwrap_or_else(PoisonError::into_inner);
        chain.write_index().map(|()| chain.header().height)
    };
    match end {
        End::Stopped => {
            let height = written.context("write the index")?;
            tracing::info!(%height, "stopped");
            Ok(())
        }
        End::EngineEnded => anyhow::bail!("the consensus engine ended; see the log above"),
        End::NotListening => anyhow::bail!(
            "consensus does not listen: is the port of consensus_listen taken, and the address this machine's?"
        ),
        End::Fatal(error) => Err(error.context("this node must not vote on")),
    }
}

async fn open(data: &Path, founding: Founding) -> anyhow::Result<Chain> {
    let data = data.to_owned();
    let opened = tokio::task::spawn_blocking(move || Chain::open(&data, founding)).await?;
    let (chain, report) = opened.context("open the ledger")?;
    let OpenReport { damage, index_rebuilt, replayed } = report;
    if let Some(damage) = damage {
        let (height, kept_at) = (damage.height, damage.kept_at.display());
        tracing::error!(%height, %kept_at, "the block log is damaged from this height on; its blocks are fetched again from peers");
    }
    if let Some(why) = index_rebuilt {
        tracing::warn!(%why, "the index was rebuilt from the block log");
    }
    let height = chain.header().height;
    let map_root = chain.header().map_root;
    tracing::info!(chain = %chain.founding().chain(), %height, %map_root, replayed, "the ledger is open");
    Ok(chain)
}

fn allowed_peers(founding: &Founding) -> anyhow::Result<HashSet<PeerId>> {
    let peers = founding.document().peers.iter();
    peers.map(|it| it.peer_id.parse().with_context(|| format!("peer id {}", it.peer_id))).collect()
}

fn start_gossip(
    chain: &RwLock<Chain>,
    settings: &Settings,
    keys: &Keys,
    allowed: HashSet<PeerId>,
    stop: CancellationToken,
) -> anyhow::Result<Gossip> {
    let chain = chain.read().unwrap_or_else(PoisonError::into_inner);
    let config = GossipConfig {
        chain: chain.founding().chain(),
        keypair: keys.keypair()?,
        listen: settings.gossip_listen.clone(),
        peers: settings.peers.iter().map(|it| (it.id, it.gossip.clone())).collect(),
        allowed: allowed.into_iter().collect(),
        validators: chain.validators().all().iter().map(|it| it.key).collect(),
    };
    gossip::start(config, stop)
}

async fn start_engine(
    chain: &RwLock<Chain>,
    settings: &Settings,
    keys: &Keys,
    data: &Path,
) -> anyhow::Result<consensus::Started> {
    let engine = {
        let chain = chain.read().unwrap_or_else(PoisonError::into_inner);
        let key_id = keys.node.public().key_id();
        let next_height: Height = chain.next_height();
        EngineSettings {
            moniker: key_id.to_string().chars().take(8).collect(),
            chain: chain.founding().chain(),
            listen: settings.consensus_listen.clone(),
            peers: settings
                .peers
                .iter()
                .map(crate::config::PeerSettings::consensus_address)
                .collect(),
            network_seed: keys.network.to_seed(),
            key: keys.node.clone(),
            is_validator: chain.validators().get(&key_id).is_some(),
            data: data.to_owned(),
            next_height,
        }
    };
    consensus::start(engine).await
}

/// Stops taking transactions before the disk is full.
async fn watch_disk(
    mempool: Mempool,
    data: std::path::PathBuf,
    free_bytes: u64,
    stop: CancellationToken,
) {
    let mut look = tokio::time::interval(Duration::from_secs(5));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = look.tick() => {}
        }
        if let Ok(free) = fs4::available_space(&data) {
            mempool.set_room(free >= free_bytes);
        }
    }
}
