//! The only wiring: from a home to a running node, and down again.

use crate::api::listener::{HTTP2_FIRST_BYTES, Listener};
use crate::api::places::Connections;
use crate::api::tls::{Tls, TlsFiles};
use crate::api::{self, ReceiptSigner, Shared, reads::Reads};
use crate::app::{Chain, OpenReport};
use crate::backup;
use crate::checkpoints::{Checkpoints, Cosignature, Cosigner};
use crate::clock;
use crate::config::Settings;
use crate::consensus::{AdapterParts, Conduct, End, Exchange, Why, Withheld};
use crate::engine::{Engine, Vote};
use crate::gossip::{self, Asked, Gossip, GossipConfig, Message, Received};
use crate::home::{Home, Keys};
use crate::mempool::Mempool;
use crate::misbehaviour;
use crate::neighbours::{Neighbours, answers::Answerer};
use crate::older::OlderBlocks;
use crate::registry::{self, Registry};
use crate::repair::{Repair, Repairs};
use crate::snapshots::Snapshots;
use crate::store::StoreError;
use crate::store::undecided::UndecidedBlocks;
use crate::store::votes::VoteRecord;
use crate::tiles;
use anyhow::Context as _;
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use liuhen_genesis::to_bytes;
use liuhen_proto::header::{block::PROTOCOL, founding::Founding};
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::tx::Tx;
use liuhen_proto::types::Height;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Runs a node until it is told to stop. Errors where it can't start, or must not go on.
pub async fn run(
    home: &Home,
    settings: &Settings,
    founding: Founding,
    keys: Keys,
    conduct: Arc<dyn Conduct>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let _lock = alone(home, settings)?;
    let tls = ClientTls::open(home, settings)?;
    let (data, own) = (home.data(), keys.keypair()?.public().to_peer_id());
    let chain = open_known(&data, settings, founding).await?;
    let registry = watch::Sender::new(known(&chain, settings, &keys, &own)?);
    let (committed, opened) = (watch::Sender::new(chain.header().height), watch::Sender::new(None));
    let (chain, work) = (Arc::new(RwLock::new(chain)), Arc::new(Notify::new()));
    // Stopped when the node ends, for whatever reason.
    let services = CancellationToken::new();
    let _guard = services.clone().drop_guard();
    let gossip = start_gossip(&chain, settings, &keys, registry.subscribe(), services.clone())?;
    let Gossip { transactions, messages, received, wakes, cosignatures, .. } = gossip;
    let mempool = start_mempool(&chain, &work, transactions, received, &services);
    start_watching(&mempool, &data, settings, &services);
    let from_others = (messages.clone(), cosignatures);
    let checkpoints =
        start_cosigning(&chain, settings, &keys, from_others, committed.subscribe(), &services)?;
    let (asks, connected) = (gossip.asks, gossip.connected.clone());
    let neighbours = Neighbours::new(Arc::clone(&chain), keys.node.clone(), asks, connected);
    let given = given(home, settings, &chain, &keys)?;
    let vote = start_asking(&chain, &keys, given, neighbours, gossip.asked, &services);
    let repairs = start_repairing(&chain, settings, &data, &vote.neighbours, &services);
    let shared = Shared {
        reads: start_reads(&chain, &mempool, &keys.node, &data, &services)?,
        chain: Arc::clone(&chain),
        mempool: mempool.clone(),
        key: keys.node.public().key_id(),
        checkpoints,
        cosigner: keys.cosigner.clone(),
        receipts: receipts(&chain, &keys),
        withheld: vote.withheld.subscribe(),
        opened: opened.subscribe(),
        committed: committed.subscribe(),
        own,
        connected: gossip.connected,
        neighbours: vote.neighbours.known(),
        last_backup: home.path().join(backup::LAST).into(),
        repairs,
        limits: Arc::default(),
        genesis: to_bytes(read(&chain).founding()).into(),
        names: Arc::default(),
    };
    let server = serve(home, settings, tls, shared, &services).await?;

    let parts = AdapterParts {
        misbehaviour: misbehaviour::start(&chain, &mempool, &keys.node, &services),
        chain: Arc::clone(&chain),
        mempool,
        undecided: UndecidedBlocks::open(&data.join("undecided"))?,
        neighbours: vote.neighbours.known(),
        exchange: vote.exchange.clone(),
        again: Arc::clone(&vote.again),
        key: keys.node.clone(),
        conduct,
        settings: settings.clone(),
        own,
        registry,
        committed,
        opened,
        joins_behind: Some(settings.snapshot_ahead).filter(|ahead| *ahead > 0),
        peers_wanted: settings.peers.len(),
        work,
        messages,
        wakes,
    };
    let end =
        Engine { chain: &chain, settings, keys: &keys, data: &data, vote, stop }.run(parts).await?;
    services.cancel();
    wait_for_clients(server).await;
    finish(&chain, end)
}

/// Starts asking others what they heard of this node's votes, and telling them what it heard of theirs.
fn start_asking(
    chain: &Arc<RwLock<Chain>>,
    keys: &Keys,
    (exchange, snapshots): (Exchange, Snapshots),
    neighbours: Neighbours,
    asked: mpsc::Receiver<Asked>,
    services: &CancellationToken,
) -> Vote {
    let not_yet = Withheld { until: None, why: Why::Asking, file: None };
    let (withheld, again) = (watch::Sender::new(Some(not_yet)), Arc::new(Notify::new()));
    let answerer = Answerer {
        chain: Arc::clone(chain),
        key: keys.node.clone(),
        exchange: exchange.clone(),
        withheld: withheld.subscribe(),
        snapshots: Some(snapshots),
    };
    tokio::spawn(answerer.run(asked, services.clone()));
    let (following, heard, notify) = (neighbours.clone(), exchange.clone(), Arc::clone(&again));
    tokio::spawn(following.follow(heard, withheld.subscribe(), notify, services.clone()));
    Vote { exchange, neighbours, again, withheld }
}

/// Starts reading everything once in a while, and mending it; and fetching the blocks before a snapshot.
fn start_repairing(
    chain: &Arc<RwLock<Chain>>,
    settings: &Settings,
    data: &Path,
    neighbours: &Neighbours,
    services: &CancellationToken,
) -> Repairs {
    let repairs = Repairs::default();
    let repair = Repair {
        chain: Arc::clone(chain),
        neighbours: neighbours.clone(),
        scrub: Duration::from_secs(u64::from(settings.scrub_hours).saturating_mul(3_600)),
        repairs: Arc::clone(&repairs),
    };
    tokio::spawn(repair.run(services.clone()));
    let (chain, neighbours) = (Arc::clone(chain), neighbours.clone());
    let older = OlderBlocks { chain, neighbours, data: data.to_owned() };
    tokio::spawn(older.run(services.clone()));
    repairs
}

/// Starts cosigning checkpoints.
fn start_cosigning(
    chain: &Arc<RwLock<Chain>>,
    settings: &Settings,
    keys: &Keys,
    gossip: (mpsc::Sender<Message>, mpsc::Receiver<Cosignature>),
    committed: watch::Receiver<Height>,
    services: &CancellationToken,
) -> anyhow::Result<Checkpoints> {
    let (messages, received) = gossip;
    let cosigner = Cosigner {
        chain: Arc::clone(chain),
        checkpoints: Checkpoints::new(settings.witnesses()?),
        node: keys.node.public().key_id(),
        key: keys.cosigner.clone(),
        messages,
        received,
        committed,
    };
    Ok(cosigner.start(services))
}

/// Who may connect and who votes; says where this node's keys are not those that the ledger has of it.
fn known(
    chain: &Chain,
    settings: &Settings,
    keys: &Keys,
    own: &libp2p::PeerId,
) -> Result<Registry, StoreError> {
    registry::compare_keys(chain, keys, own)?;
    Registry::read(chain, settings, own)
}

/// What this node gives others: what goes between its engine and theirs, by its record of votes; and snapshots.
fn given(
    home: &Home,
    settings: &Settings,
    chain: &Arc<RwLock<Chain>>,
    keys: &Keys,
) -> anyhow::Result<(Exchange, Snapshots)> {
    let snapshots = Snapshots::new(Arc::clone(chain), &home.data());
    let (chain, key) = (read(chain).founding().chain(), keys.node.public());
    let path = home.vote_record(settings)?;
    let lock = VoteRecord::lock(&path)?;
    let record = VoteRecord::open(&path, chain, key.key_id())?;
    Ok((Exchange::new(chain, key, record, lock), snapshots))
}

fn read(chain: &RwLock<Chain>) -> std::sync::RwLockReadGuard<'_, Chain> {
    chain.read().unwrap_or_else(PoisonError::into_inner)
}

/// Waits a little until no client is served any more.
async fn wait_for_clients(server: JoinHandle<anyhow::Result<()>>) {
    if tokio::time::timeout(Duration::from_secs(5), server).await.is_err() {
        tracing::warn!("some clients did not let go");
    }
}

/// TLS of the listeners for clients, where the settings have it.
struct ClientTls {
    grpc: Option<Arc<Tls>>,
    tiles: Option<Arc<Tls>>,
}

impl ClientTls {
    /// Errors also where clients could not be served: before anything else is begun.
    fn open(home: &Home, settings: &Settings) -> anyhow::Result<Self> {
        let files = settings.tls_files(home.path())?;
        settings.names(settings.grpc_listen)?;
        let Some(files) = files else { return Ok(Self { grpc: None, tiles: None }) };
        let open = |files: TlsFiles, protocol: &'static [u8]| {
            Tls::open(files, protocol, &settings.server_names).context("TLS").map(Arc::new)
        };
        let grpc = Some(open(files.clone(), b"h2")?);
        // The header log is for everybody: no certificate is asked for.
        let files = TlsFiles { client_ca: None, ..files };
        let tiles = settings.tiles_listen.map(|_| open(files, b"http/1.1")).transpose()?;
        Ok(Self { grpc, tiles })
    }
}

/// Serves clients, and the header log where the settings say so.
async fn serve(
    home: &Home,
    settings: &Settings,
    tls: ClientTls,
    mut shared: Shared,
    services: &CancellationToken,
) -> anyhow::Result<JoinHandle<anyhow::Result<()>>> {
    let listeners = 1 + usize::from(settings.tiles_listen.is_some());
    let of_an_address = settings.max_connections_per_address;
    let connections = Connections::of(settings.max_connections, of_an_address, listeners);
    for tls in [&tls.grpc, &tls.tiles].into_iter().flatten() {
        tokio::spawn(Arc::clone(tls).follow(services.clone()));
    }
    let bound =
        Listener::bind(settings.grpc_listen, connections, HTTP2_FIRST_BYTES, tls.grpc).await;
    let (listener, address) =
        bound.with_context(|| format!("grpc_listen {}", settings.grpc_listen))?;
    shared.names = settings.names(address)?.into();
    if let Some(listen) = settings.tiles_listen {
        let bound = Listener::bind(listen, connections, 1, tls.tiles).await;
        let (listener, address) = bound.context("tiles_listen")?;
        std::fs::write(home.tiles_address(), address.to_string())?;
        tracing::info!(%address, "the header log is served");
        tokio::spawn(tiles::serve(listener, shared.clone(), services.clone()));
    }
    std::fs::write(home.grpc_address(), address.to_string())?;
    let withheld = shared.withheld.borrow().as_ref().map(|it| it.why.code());
    tracing::info!(%address, names = ?shared.names, withheld, "clients are served");
    Ok(tokio::spawn(api::serve(listener, shared, services.clone())))
}

/// Follows what is outside: free space on disk, and a clock put ahead.
fn start_watching(
    mempool: &Mempool,
    data: &Path,
    settings: &Settings,
    services: &CancellationToken,
) {
    if let Some(file) = settings.dev_clock.clone() {
        tokio::spawn(clock::follow(file, services.clone()));
    }
    let (pool, data) = (mempool.clone(), data.to_owned());
    tokio::spawn(watch_disk(pool, data, settings.free_bytes, services.clone()));
}

/// Holds the home for this process, and sees that nobody else has its addresses.
fn alone(home: &Home, settings: &Settings) -> anyhow::Result<std::fs::File> {
    let lock = home.lock()?;
    ports_are_free(settings)?;
    Ok(lock)
}

/// Errors where another program listens already on an address for other nodes: the engine would only log that, and this node
/// would be heard by nobody.
fn ports_are_free(settings: &Settings) -> anyhow::Result<()> {
    let listens = [
        ("consensus_listen", &settings.consensus_listen),
        ("gossip_listen", &settings.gossip_listen),
    ];
    for (name, address) in listens {
        if let Some(at) = tcp_of(address).filter(|at| at.port() > 0) {
            std::net::TcpListener::bind(at)
                .with_context(|| format!("{name} {at}: another node or program listens there"))?;
        }
    }
    Ok(())
}

/// The address and port of a TCP multiaddress.
fn tcp_of(address: &Multiaddr) -> Option<SocketAddr> {
    let mut parts = address.iter();
    let ip: IpAddr = match parts.next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        _ => return None,
    };
    match parts.next()? {
        Protocol::Tcp(port) => Some(SocketAddr::new(ip, port)),
        _ => None,
    }
}

/// With what this node says that it notes a read.
fn receipts(chain: &RwLock<Chain>, keys: &Keys) -> Arc<ReceiptSigner> {
    let chain = read(chain).founding().chain();
    Arc::new(ReceiptSigner { key: keys.node.clone(), chain })
}

/// Starts recording what overseers are shown.
fn start_reads(
    chain: &Arc<RwLock<Chain>>,
    mempool: &Mempool,
    key: &PrivateKey,
    data: &Path,
    services: &CancellationToken,
) -> anyhow::Result<Reads> {
    let reads = Reads::open(&data.join("reads"))?;
    let (spool, pool) = (reads.clone(), mempool.clone());
    tokio::spawn(spool.run(Arc::clone(chain), pool, key.clone(), services.clone()));
    Ok(reads)
}

/// Starts the pool; transactions go to the other nodes from it, and come to it from them.
fn start_mempool(
    chain: &Arc<RwLock<Chain>>,
    work: &Arc<Notify>,
    transactions: mpsc::Sender<Arc<Tx>>,
    received: mpsc::Receiver<Received>,
    services: &CancellationToken,
) -> Mempool {
    let (chain, work) = (Arc::clone(chain), Arc::clone(work));
    let mempool = Mempool::start(chain, work, transactions, services.clone());
    tokio::spawn(pass_on(mempool.clone(), received));
    mempool
}

/// Hands transactions that came from other nodes to the pool.
async fn pass_on(mempool: Mempool, mut received: mpsc::Receiver<Received>) {
    while let Some(it) = received.recv().await {
        mempool.gossiped(&it.bytes).await;
    }
}

/// Opens the chain. Errors where it goes on under a protocol that this program does not know.
async fn open_known(data: &Path, settings: &Settings, founding: Founding) -> anyhow::Result<Chain> {
    if let Some(file) = &settings.dev_clock {
        anyhow::ensure!(founding.is_dev(), "dev_clock is for chains whose name begins with dev-");
        clock::read(file);
    }
    let chain = open(data, founding).await?;
    match chain.unknown_protocol()? {
        Some(protocol) => Err(outdated(protocol, chain.next_height())),
        None => Ok(chain),
    }
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
        End::EngineEnded => anyhow::bail!(
            "the consensus engine ended, or could not write its log of votes; see the log above"
        ),
        End::NotListening => anyhow::bail!(
            "consensus does not listen: is the port of consensus_listen taken, and the address this machine's?"
        ),
        End::JudgeAnew | End::FarBehind => {
            anyhow::bail!("the consensus engine was not started again")
        }
        End::Outdated { protocol, height } => Err(outdated(protocol, height)),
        End::Fatal(error) => Err(error.context("this node must not vote on")),
    }
}

async fn open(data: &Path, founding: Founding) -> anyhow::Result<Chain> {
    let data = data.to_owned();
    let opened = tokio::task::spawn_blocking(move || Chain::open(&data, founding)).await?;
    let (chain, report) = opened.context("open the ledger")?;
    let OpenReport { damage, cut, index_rebuilt, replayed, joins_anew } = report;
    if let Some(why) = joins_anew {
        tracing::error!(%why, "the snapshot by which this node joined can't be used, nor what came behind it: its files were put aside, and it joins anew");
    }
    for damage in damage {
        let (from, until) = (damage.heights.start(), damage.heights.end());
        tracing::error!(%from, %until, kept_at = %damage.kept_at.display(), "blocks of the log can't be read: they are fetched again from peers");
    }
    if let Some((height, why)) = cut {
        tracing::error!(%height, %why, "the block log was cut before this height, and goes on from there with what peers have");
    }
    if let Some(why) = index_rebuilt {
        tracing::warn!(%why, "the index was rebuilt from the block log");
    }
    let height = chain.header().height;
    let map_root = chain.header().map_root;
    tracing::info!(chain = %chain.founding().chain(), %height, %map_root, replayed, "the ledger is open");
    Ok(chain)
}

fn outdated(protocol: u32, height: Height) -> anyhow::Error {
    anyhow::anyhow!(
        "from height {height} on the chain follows protocol {protocol}, this program knows {PROTOCOL}: \
         install a newer liuhen-node and start it again; nothing is lost"
    )
}

fn start_gossip(
    chain: &RwLock<Chain>,
    settings: &Settings,
    keys: &Keys,
    registry: watch::Receiver<Registry>,
    stop: CancellationToken,
) -> anyhow::Result<Gossip> {
    let chain = read(chain);
    let config = GossipConfig {
        chain: chain.founding().chain(),
        keypair: keys.keypair()?,
        listen: settings.gossip_listen.clone(),
        registry,
    };
    gossip::start(config, stop)
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
