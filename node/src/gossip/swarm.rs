//! Running the swarm.

use super::ask::{self, Answer, Ask, Asked};
use super::{MESSAGE_BYTES, Message, heard_wake};
use crate::checkpoints::Cosignature;
use crate::registry::Registry;
use anyhow::Context as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::gossipsub::{self, IdentTopic, MessageAuthenticity, ValidationMode};
use libp2p::request_response::{self, OutboundRequestId, ResponseChannel};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent, dial_opts::DialOpts};
use libp2p::{Multiaddr, PeerId, Swarm, allow_block_list, identity::Keypair, noise, tcp, yamux};
use liuhen_proto::header::note::Line;
use liuhen_proto::tx::Tx;
use liuhen_proto::types::{ChainId, Hash, Height};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

/// How often peers that are away are dialled.
const DIAL_EVERY: Duration = Duration::from_secs(2);
/// Connections that have not said yet who they are.
const PENDING: u32 = 64;
/// Connections that others made; twice what the largest consortium needs.
const ESTABLISHED: u32 = 128;
/// Connections of one peer: both may have dialled at once.
const PER_PEER: u32 = 4;
/// Bytes of transactions that came and were not looked at yet.
const RECEIVED_BYTES: usize = 32 << 20;
/// Answers that one peer waits for at once.
const AT_ONCE: usize = 4;
/// Bytes of transactions sent together.
const TOGETHER_BYTES: usize = 256 * 1024;

/// How the swarm is set up.
pub struct GossipConfig {
    /// The chain.
    pub chain: ChainId,
    /// This node's network key.
    pub keypair: Keypair,
    /// Where to listen.
    pub listen: Multiaddr,
    /// Who may connect, and whose calls are heard; it may change.
    pub registry: watch::Receiver<Registry>,
}

/// A transaction that came from another node.
#[derive(Debug)]
pub struct Received {
    /// Its bytes.
    pub bytes: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

/// What the swarm does for the node.
pub struct Gossip {
    /// Transactions to pass on.
    pub transactions: mpsc::Sender<Arc<Tx>>,
    /// Messages to send as they are.
    pub(crate) messages: mpsc::Sender<Message>,
    /// Transactions that came.
    pub received: mpsc::Receiver<Received>,
    /// Heights that validators called for.
    pub wakes: mpsc::Receiver<Height>,
    /// Cosignatures of checkpoints that came.
    pub cosignatures: mpsc::Receiver<Cosignature>,
    /// Peers connected.
    pub connected: watch::Receiver<BTreeSet<PeerId>>,
    /// Questions to neighbours.
    pub(crate) asks: mpsc::Sender<Ask>,
    /// Questions of neighbours.
    pub(crate) asked: mpsc::Receiver<Asked>,
}

#[derive(NetworkBehaviour)]
struct Behaviour {
    gossipsub: gossipsub::Behaviour,
    ask: ask::Behaviour,
    allowed: allow_block_list::Behaviour<allow_block_list::AllowedPeers>,
    limits: connection_limits::Behaviour,
}

struct Running {
    swarm: Swarm<Behaviour>,
    topic: IdentTopic,
    chain: ChainId,
    registry: watch::Receiver<Registry>,
    known: Registry,
    received: mpsc::Sender<Received>,
    /// Bytes of what came and was not looked at yet.
    room: Arc<Semaphore>,
    wakes: mpsc::Sender<Height>,
    cosignatures: mpsc::Sender<Cosignature>,
    connected: watch::Sender<BTreeSet<PeerId>>,
    asked: mpsc::Sender<Asked>,
    /// Who waits for an answer.
    waiting: HashMap<OutboundRequestId, oneshot::Sender<Answer>>,
    /// How many more answers each peer may wait for.
    answering: HashMap<PeerId, Arc<Semaphore>>,
    /// Answers that are being made.
    answers: FuturesUnordered<BoxFuture<'static, (ResponseChannel<Answer>, Option<Answer>)>>,
}

/// Starts the swarm. Errors if it can't listen.
pub fn start(config: GossipConfig, stop: CancellationToken) -> anyhow::Result<Gossip> {
    let topic = IdentTopic::new(format!("/liuhen/{}/transactions/1", config.chain));
    let known = config.registry.borrow().clone();
    let mut swarm = build(&config, &known, &topic)?;
    swarm.listen_on(config.listen.clone()).context("gossip can't listen")?;
    let (transactions, to_send) = mpsc::channel(4096);
    let (messages, other) = mpsc::channel(64);
    let (received_from, received) = mpsc::channel(4096);
    let (wakes_from, wakes) = mpsc::channel(64);
    let (cosignatures_from, cosignatures) = mpsc::channel(256);
    let (connected_from, connected) = watch::channel(BTreeSet::new());
    let (asks, to_ask) = mpsc::channel(64);
    let (asked_from, asked) = mpsc::channel(AT_ONCE * ESTABLISHED as usize);
    let running = Running {
        swarm,
        topic,
        chain: config.chain,
        registry: config.registry,
        known,
        received: received_from,
        room: Arc::new(Semaphore::new(RECEIVED_BYTES)),
        wakes: wakes_from,
        cosignatures: cosignatures_from,
        connected: connected_from,
        asked: asked_from,
        waiting: HashMap::new(),
        answering: HashMap::new(),
        answers: FuturesUnordered::new(),
    };
    tokio::spawn(running.run(to_send, other, to_ask, stop));
    Ok(Gossip { transactions, messages, received, wakes, cosignatures, connected, asks, asked })
}

fn build(
    config: &GossipConfig,
    known: &Registry,
    topic: &IdentTopic,
) -> anyhow::Result<Swarm<Behaviour>> {
    let settings = gossipsub::ConfigBuilder::default()
        .max_transmit_size(MESSAGE_BYTES + 4096)
        .validation_mode(ValidationMode::Strict)
        .heartbeat_interval(Duration::from_millis(700))
        .build()?;
    let authenticity = MessageAuthenticity::Signed(config.keypair.clone());
    let mut gossipsub = gossipsub::Behaviour::new(authenticity, settings)
        .map_err(|e| anyhow::anyhow!("gossip: {e}"))?;
    gossipsub.subscribe(topic)?;
    let mut allowed = allow_block_list::Behaviour::default();
    for peer in known.peers.keys() {
        allowed.allow_peer(*peer);
    }
    // Strangers are let out only when they have said who they are: until then each holds a file.
    let limits = ConnectionLimits::default()
        .with_max_pending_incoming(Some(PENDING))
        .with_max_established_incoming(Some(ESTABLISHED))
        .with_max_established_per_peer(Some(PER_PEER));
    let limits = connection_limits::Behaviour::new(limits);
    let tcp = tcp::Config::default().nodelay(true);
    let ask = ask::behaviour(&config.chain)?;
    Ok(libp2p::SwarmBuilder::with_existing_identity(config.keypair.clone())
        .with_tokio()
        .with_tcp(tcp, noise::Config::new, yamux::Config::default)?
        .with_behaviour(|_| Behaviour { gossipsub, ask, allowed, limits })?
        .with_swarm_config(|it| it.with_idle_connection_timeout(Duration::from_secs(3600)))
        .build())
}

impl Running {
    async fn run(
        mut self,
        mut transactions: mpsc::Receiver<Arc<Tx>>,
        mut messages: mpsc::Receiver<Message>,
        mut asks: mpsc::Receiver<Ask>,
        stop: CancellationToken,
    ) {
        let mut dial = tokio::time::interval(DIAL_EVERY);
        let mut together: Vec<Arc<Tx>> = Vec::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = dial.tick() => self.dial_those_away(),
                Ok(()) = self.registry.changed() => self.follow_registry(),
                event = self.swarm.select_next_some() => self.event(event),
                Some(message) = messages.recv() => self.publish(&message),
                Some(ask) = asks.recv() => self.ask(ask),
                Some((channel, answer)) = self.answers.next() => if let Some(answer) = answer {
                    // Whoever asked may have gone.
                    let _ = self.swarm.behaviour_mut().ask.send_response(channel, answer);
                },
                count = transactions.recv_many(&mut together, 1024) => {
                    if count == 0 {
                        return;
                    }
                    self.pass_on(std::mem::take(&mut together));
                }
            }
        }
    }

    /// Lets new nodes in, and those out that may no longer connect.
    fn follow_registry(&mut self) {
        let now = self.registry.borrow_and_update().clone();
        let before = std::mem::replace(&mut self.known, now);
        let allowed = &mut self.swarm.behaviour_mut().allowed;
        for peer in self.known.peers.keys() {
            allowed.allow_peer(*peer);
        }
        for peer in before.peers.keys().filter(|peer| !self.known.peers.contains_key(peer)) {
            allowed.disallow_peer(*peer);
        }
    }

    fn dial_those_away(&mut self) {
        let away: Vec<(PeerId, Multiaddr)> = self
            .known
            .peers
            .iter()
            .filter(|(peer, _)| !self.swarm.is_connected(peer))
            .filter_map(|(peer, it)| Some((*peer, it.gossip.clone()?)))
            .collect();
        for (peer, address) in away {
            // A dial that fails now is tried again.
            let _ = self.swarm.dial(DialOpts::peer_id(peer).addresses(vec![address]).build());
        }
    }

    fn pass_on(&mut self, transactions: Vec<Arc<Tx>>) {
        let mut open: Vec<Vec<u8>> = Vec::new();
        let mut size = 0;
        for tx in transactions {
            if size + tx.raw().len() > TOGETHER_BYTES && !open.is_empty() {
                self.publish(&Message::Transactions(std::mem::take(&mut open)));
                size = 0;
            }
            size += tx.raw().len();
            open.push(tx.raw().to_vec());
            tracing::debug!(id = %tx.id(), "a transaction is passed on");
        }
        self.publish(&Message::Transactions(open));
    }

    fn publish(&mut self, message: &Message) {
        let Ok(bytes) = message.to_bytes() else {
            return;
        };
        // Without peers there is nobody to tell; a transaction stays in this node's pool.
        if let Err(error) = self.swarm.behaviour_mut().gossipsub.publish(self.topic.clone(), bytes)
        {
            tracing::debug!(%error, "gossip not sent");
        }
    }

    fn event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Gossipsub(gossipsub::Event::Message {
                message,
                ..
            })) => self.message(&message.data),
            SwarmEvent::Behaviour(BehaviourEvent::Ask(event)) => self.asked(event),
            SwarmEvent::ConnectionEstablished { .. } | SwarmEvent::ConnectionClosed { .. } => {
                let now: BTreeSet<PeerId> = self.swarm.connected_peers().copied().collect();
                let before = self.connected.send_replace(now.clone());
                for peer in now.difference(&before) {
                    tracing::info!(%peer, connected = now.len(), "a node is connected");
                }
                for peer in before.difference(&now) {
                    tracing::info!(%peer, connected = now.len(), "a node is no longer connected");
                }
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                tracing::info!(%address, "gossip listens");
            }
            _ => {}
        }
    }

    /// Sends a question; nobody is dialled for it.
    fn ask(&mut self, Ask { to, question, reply }: Ask) {
        self.waiting.retain(|_, reply| !reply.is_closed());
        if self.swarm.is_connected(&to) {
            let id = self.swarm.behaviour_mut().ask.send_request(&to, question);
            self.waiting.insert(id, reply);
        }
    }

    fn asked(&mut self, event: request_response::Event<ask::Question, Answer>) {
        use request_response::{Event, Message as Of};
        match event {
            Event::Message { peer, message: Of::Request { request, channel, .. }, .. } => {
                let (reply, answer) = oneshot::channel();
                // Who asks too much at once gets no answer, and leaves room for others.
                let room =
                    self.answering.entry(peer).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE)));
                let Ok(room) = Arc::clone(room).try_acquire_owned() else { return };
                if self.asked.try_send(Asked { question: request, reply }).is_ok() {
                    let answered = answer.map(move |it| {
                        drop(room);
                        (channel, it.ok())
                    });
                    self.answers.push(answered.boxed());
                }
            }
            Event::Message { message: Of::Response { request_id, response }, .. } => {
                if let Some(reply) = self.waiting.remove(&request_id) {
                    let _ = reply.send(response);
                }
            }
            Event::OutboundFailure { request_id, peer, error, .. } => {
                tracing::debug!(%peer, %error, "a question was not answered");
                self.waiting.remove(&request_id);
            }
            Event::InboundFailure { peer, error, .. } => {
                tracing::debug!(%peer, %error, "a question was not taken");
            }
            Event::ResponseSent { .. } => {}
        }
    }

    fn message(&self, bytes: &[u8]) {
        match Message::from_bytes(bytes) {
            Ok(Message::Transactions(all)) => {
                for bytes in all {
                    // Where there is no room it is dropped: its own node proposes it in the end.
                    let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                    if let Ok(room) = Arc::clone(&self.room).try_acquire_many_owned(size) {
                        let _ = self.received.try_send(Received { bytes, _room: room });
                    }
                }
            }
            Ok(Message::Wake { height, key, signature }) => {
                let (chain, validators) = (&self.chain, &self.known.validators);
                if let Some(height) = heard_wake(chain, height, &key, &signature, validators) {
                    let _ = self.wakes.try_send(height);
                }
            }
            Ok(Message::Cosignature { size, root, name, key_hash, signature }) => {
                let line = Line { name, key_hash, signature };
                let given = Cosignature { size, root: Hash::new(root), line };
                // A full queue drops it: it is told again.
                let _ = self.cosignatures.try_send(given);
            }
            Err(error) => tracing::debug!(%error, "gossip not understood"),
        }
    }
}
