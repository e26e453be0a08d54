//! Setting the engine up, and stopping it.

use super::codec::WireCodec;
use super::conduct::{Conduct, Network};
use super::exchange::{Exchange, outgoing, relay};
use super::settings::EngineSettings;
use super::signing::{Judge, Keeper};
use super::types::{Address, Ctx, LiuhenContext, ValidatorSet};
use super::withheld::{self, Alone};
use crate::neighbours::Neighbours;
use crate::store::disk::DiskPath;
use crate::store::undecided::UndecidedBlocks;
use liuhen_proto::types::{ChainId, Height, KeyId};
use malachitebft_app_channel::app::config::{
    ConsensusConfig, NodeConfig, P2pConfig, ProtocolNames, PubSubProtocol, ValuePayload,
    ValueSyncConfig,
};
use malachitebft_app_channel::app::engine::network::NetworkRef;
use malachitebft_app_channel::app::metrics::SharedRegistry;
use malachitebft_app_channel::app::types::Keypair;
use malachitebft_app_channel::app::types::codec::Codec;
use malachitebft_app_channel::app::types::core::ValidatorProof;
use malachitebft_app_channel::spawn::spawn_network_actor;
use malachitebft_app_channel::{
    Channels, ConsensusContext, EngineBuilder, EngineHandle, NetworkIdentity, RequestContext,
    Signer, SyncContext, WalContext,
};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A running engine.
pub struct Started {
    /// Its channels.
    pub channels: Channels<Ctx>,
    handle: Engine,
}

/// The engine itself; with it ends what asks for it.
pub struct Engine {
    handle: EngineHandle,
    network: NetworkRef<Ctx>,
    _relaying: DropGuard,
}

/// Where the engine keeps its log, below the data.
const FOLDER: &str = "consensus";
/// The engine's log of votes, and the one that an engine without a vote has.
const VOTES: &str = "engine.wal";
const FOLLOWING: &str = "following.wal";

#[derive(Clone, Debug)]
struct EngineConfig {
    moniker: String,
    consensus: ConsensusConfig,
    value_sync: ValueSyncConfig,
}

impl NodeConfig for EngineConfig {
    fn moniker(&self) -> &str {
        &self.moniker
    }
    fn consensus(&self) -> &ConsensusConfig {
        &self.consensus
    }
    fn consensus_mut(&mut self) -> &mut ConsensusConfig {
        &mut self.consensus
    }
    fn value_sync(&self) -> &ValueSyncConfig {
        &self.value_sync
    }
    fn value_sync_mut(&mut self) -> &mut ValueSyncConfig {
        &mut self.value_sync
    }
}

/// Looks over what the engine remembers, once no engine has it open: what this node knows by itself of its votes.
pub async fn look_over(
    settings: &EngineSettings,
    undecided: &UndecidedBlocks,
    exchange: &Exchange,
) -> anyhow::Result<Alone> {
    unlocked(&folder(&settings.data).join(VOTES)).await?;
    let own = (&settings.chain, &settings.key.public().key_id());
    let validators = ValidatorSet::new(&settings.validators, settings.turns.clone());
    let data = DiskPath::from(&settings.data);
    look_over_unlocked((&data, undecided), own, settings.next_height, validators, exchange)
}

/// The same where no engine has it open, with the data folder on whatever disk.
pub(crate) fn look_over_unlocked(
    (data, undecided): (&DiskPath, &UndecidedBlocks),
    own: (&ChainId, &KeyId),
    next: Height,
    validators: Option<ValidatorSet>,
    exchange: &Exchange,
) -> anyhow::Result<Alone> {
    let folder = data.join(FOLDER);
    folder.make_folder()?;
    // Nothing in it is ever read; torn in its first bytes, the engine could not open it.
    let following = folder.join(FOLLOWING);
    if following.exists() {
        following.remove()?;
    }
    let found = withheld::look_over(&folder, &exchange.record(), own, next, undecided)?;
    // The engine plays these back; others may ask for what was heard.
    exchange.begin(next, validators, &found.messages, found.played);
    Ok(found.alone)
}

/// Starts the engine; without a vote it follows.
pub async fn start(
    settings: EngineSettings,
    conduct: &dyn Conduct,
    exchange: Exchange,
    neighbours: Neighbours,
    votes: bool,
) -> anyhow::Result<Started> {
    let mut config = engine_config(&settings)?;
    config.consensus.enabled = votes;
    let wal = settings.data.join(log_of(votes));
    unlocked(&wal).await?;
    let keypair = Keypair::ed25519_from_bytes(settings.network_seed)?;
    let address = Address(settings.key.public().key_id());
    let judge = Judge { chain: settings.chain };
    let keeper = Keeper { chain: settings.chain, key: settings.key.clone() };
    // Also where the key is no validator's yet: it may become one while the node runs.
    let public = settings.key.public().as_bytes().to_vec();
    let peer = keypair.public().to_peer_id().to_bytes();
    let proof = keeper.sign_validator_proof(public, peer).await;
    let proof = proof.map_err(|error| anyhow::anyhow!("{error}"))?;
    let proof = Codec::<ValidatorProof<Ctx>>::encode(&WireCodec, &proof)?;
    let moniker = settings.moniker.clone();
    let identity = NetworkIdentity::new_validator(moniker, keypair, address.to_string(), proof);
    let context = ConsensusContext::new_validator(address, Box::new(judge), Box::new(keeper));
    let network = network(identity, &config).await?;
    let own_network = network.0.clone();
    let network = conduct.network(&settings, network).await?;
    let ((network, parts), relayed) = outgoing::between(exchange.clone(), network).await?;
    let relaying = CancellationToken::new();
    tokio::spawn(relay::run(exchange, neighbours, relayed, relaying.clone()));
    let (channels, handle) = EngineBuilder::new(LiuhenContext, config)
        .with_default_wal(WalContext::new(wal, WireCodec))
        .with_custom_network(network, parts)
        .with_default_sync(SyncContext::new(WireCodec))
        .with_default_consensus(context)
        .with_default_request(RequestContext::new(100))
        .build()
        .await
        .map_err(|report| {
            anyhow::anyhow!("the consensus engine can't start: {}", cause_of(report.as_ref()))
        })?;
    Ok(Started {
        channels,
        handle: Engine { handle, network: own_network, _relaying: relaying.drop_guard() },
    })
}

/// Starts the engine's own network.
async fn network(identity: NetworkIdentity, config: &EngineConfig) -> anyhow::Result<Network> {
    let registry = SharedRegistry::global().with_moniker(config.moniker());
    let (consensus, sync) = (config.consensus(), config.value_sync());
    spawn_network_actor(identity, consensus, sync, &registry, WireCodec).await.map_err(|report| {
        anyhow::anyhow!("the consensus network can't start: {}", cause_of(report.as_ref()))
    })
}

/// Why an actor did not start, in its own words: to whoever spawns it any error of its start is a panic.
fn cause_of(error: &(dyn std::error::Error + 'static)) -> String {
    let all = std::iter::successors(Some(error), |it| it.source());
    let said = all.map(|it| match it.downcast_ref() {
        Some(ractor::SpawnErr::StartupFailed(cause)) => cause.to_string(),
        Some(_) | None => it.to_string(),
    });
    said.collect::<Vec<_>>().join(": ")
}

/// Waits until no engine has its log of votes open: one that was stopped lets go of it a little later.
async fn unlocked(wal: &Path) -> anyhow::Result<()> {
    const WITHIN: Duration = Duration::from_secs(10);
    let began = std::time::Instant::now();
    loop {
        let file = match std::fs::File::open(wal) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        if file.try_lock().is_ok() {
            return Ok(());
        }
        anyhow::ensure!(began.elapsed() < WITHIN, "{} is in use", wal.display());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The log, below the data, of an engine that votes or does not: one that only follows empties it.
pub(crate) fn log_of(votes: bool) -> PathBuf {
    Path::new(FOLDER).join(if votes { VOTES } else { FOLLOWING })
}

fn folder(data: &Path) -> PathBuf {
    data.join(FOLDER)
}

/// Stops an engine; afterwards its port is free. Its network first: stopped from above, that would
/// keep the port for a while.
pub async fn stop(engine: Engine) {
    let handle = engine.handle;
    let within = Some(Duration::from_secs(5));
    let _ = engine.network.stop_and_wait(Some("shutdown".into()), within).await;
    handle.actor.stop(Some("shutdown".into()));
    let _ = tokio::time::timeout(Duration::from_secs(5), handle.handle).await;
}

impl Started {
    /// The channels, and what stops the engine.
    pub fn split(self) -> (Channels<Ctx>, Engine) {
        (self.channels, self.handle)
    }
}

fn engine_config(settings: &EngineSettings) -> anyhow::Result<EngineConfig> {
    let tag: String = settings.chain.to_string().chars().take(16).collect();
    let mut p2p = P2pConfig {
        listen_addr: settings.listen.clone(),
        persistent_peers: settings.peers.clone(),
        persistent_peers_only: true,
        protocol: PubSubProtocol::Broadcast,
        protocol_names: ProtocolNames {
            consensus: format!("/liuhen/{tag}/consensus/1"),
            sync: format!("/liuhen/{tag}/sync/1"),
            validator_proof: format!("/liuhen/{tag}/validator/1"),
            ..ProtocolNames::default()
        },
        ..P2pConfig::default()
    };
    let size = |text: &str| text.parse().map_err(|e| anyhow::anyhow!("{text}: {e}"));
    p2p.rpc_max_size = size("16 MiB")?;
    p2p.discovery.enabled = false;
    // Several nodes of one address: a laptop, or one gateway for a whole building.
    p2p.discovery.max_connections_per_ip = 128;
    p2p.discovery.ip_throttle_duration = Duration::ZERO;
    let consensus = ConsensusConfig {
        p2p,
        value_payload: ValuePayload::ProposalAndParts,
        // A node that holds below a busy height must not lose votes.
        queue_per_height_capacity: 5_000,
        ..ConsensusConfig::default()
    };
    let value_sync = ValueSyncConfig {
        status_update_interval: Duration::from_secs(2),
        max_response_size: size("15 MiB")?,
        ..ValueSyncConfig::default()
    };
    Ok(EngineConfig { moniker: settings.moniker.clone(), consensus, value_sync })
}
