//! A node above its engine, a step at a time: on whatever disk, by whatever clock, with no thread, network or engine of its own. For
//! the simulation; what is done at each step is what [`crate::run`] does on threads.

use crate::app::{Chain, OpenReport};
use crate::clock;
use crate::codec;
use crate::config::Settings;
use crate::consensus::types::{Ctx, ValidatorSet};
use crate::consensus::{
    Adapter, AdapterParts, Alone, Asking, End, Exchange, Honest, Judged, Withheld, judge,
    look_over_unlocked,
};
use crate::gossip::{Answer as Answered, Message, Question, heard_wake};
use crate::limits::Client;
use crate::mempool::{Answer, Mempool};
use crate::neighbours::answers::{Answerer, Processes};
use crate::neighbours::{Neighbour, Neighbours};
use crate::registry::Registry;
use crate::store::disk::DiskPath;
use crate::store::undecided::UndecidedBlocks;
use crate::store::votes::VoteRecord;
use futures::FutureExt as _;
use libp2p::PeerId;
use liuhen_proto::header::founding::Founding;
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::types::{Height, KeyId, TimeMs};
use malachitebft_app_channel::app::consensus::{LivenessMsg, SignedConsensusMsg};
use malachitebft_app_channel::app::engine::network::NetworkEvent;
use malachitebft_app_channel::app::engine::util::events::TxEvent;
use malachitebft_app_channel::{AppMsg, Channels, NetworkMsg, NetworkRequest};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

/// Messages that wait between two steps.
const WAITING: usize = 1 << 16;

/// Puts a time of day, and what went by since some moment, in the place of this machine's clock, for this thread.
pub fn put_clock(now: TimeMs, went_by: Duration) {
    clock::put(now, went_by);
}

/// Makes the record of votes of a new key, as with its home.
pub fn begin_record(home: &DiskPath, key: &PrivateKey) -> anyhow::Result<()> {
    Ok(VoteRecord::begin(home.join(Settings::default().vote_record), &key.public().key_id())?)
}

/// Where the engine has its log of votes, in a home.
pub fn engine_log(votes: bool) -> PathBuf {
    PathBuf::from("data").join(crate::consensus::log_of(votes))
}

/// What a node is made of.
pub struct Setup {
    /// Its home.
    pub home: DiskPath,
    /// The founding document.
    pub founding: Founding,
    /// The key that it votes with.
    pub key: PrivateKey,
    /// Its id on the networks.
    pub own: PeerId,
}

/// A node.
pub struct Node {
    chain: Arc<RwLock<Chain>>,
    home: DiskPath,
    key: PrivateKey,
    mempool: Mempool,
    exchange: Exchange,
    neighbours: Neighbours,
    answerer: Answerer,
    processes: Processes,
    asking: Asking,
    withheld: watch::Sender<Option<Withheld>>,
    alone: Option<Alone>,
    at: At,
    messages: mpsc::Receiver<Message>,
}

/// Whether there is an engine.
enum At {
    /// It is to be judged whether it votes.
    Waiting(Box<AdapterParts>),
    /// There is one.
    Running(Box<Adapter>, FromAdapter),
    /// It is over.
    Ended,
}

/// What the adapter says to the engine's network.
struct FromAdapter {
    parts: mpsc::Receiver<NetworkMsg<Ctx>>,
    requests: mpsc::Receiver<NetworkRequest>,
}

impl Node {
    /// Opens what the node keeps. Errors where it would not start.
    pub fn open(setup: Setup) -> anyhow::Result<(Self, OpenReport)> {
        let Setup { home, founding, key, own } = setup;
        let settings = Settings::default();
        let (data, id) = (home.join("data"), founding.chain());
        let (chain, report) = Chain::open(data.clone(), founding)?;
        let record = home.join(&settings.vote_record);
        let record = VoteRecord::open(record, id, key.public().key_id())?;
        let undecided = UndecidedBlocks::open(data.join("undecided"))?;
        let registry = watch::Sender::new(Registry::read(&chain, &settings, &own)?);
        let committed = watch::Sender::new(chain.header().height);
        let (chain, work) = (Arc::new(RwLock::new(chain)), Arc::new(Notify::new()));
        let mempool = Mempool::new(Arc::clone(&chain), Arc::clone(&work));
        let exchange = Exchange::on_one_thread(id, key.public(), record);
        let (asks, connected) = (mpsc::channel(1).0, watch::Sender::default().subscribe());
        let neighbours = Neighbours::new(Arc::clone(&chain), key.clone(), asks, connected);
        let withheld = watch::Sender::new(None);
        let (to_others, messages) = mpsc::channel(WAITING);
        let answerer = Answerer {
            chain: Arc::clone(&chain),
            key: key.clone(),
            exchange: exchange.clone(),
            withheld: withheld.subscribe(),
            snapshots: None,
        };
        let parts = AdapterParts {
            chain: Arc::clone(&chain),
            mempool: mempool.clone(),
            undecided,
            neighbours: neighbours.known(),
            exchange: exchange.clone(),
            again: Arc::default(),
            key: key.clone(),
            conduct: Arc::new(Honest),
            settings,
            own,
            registry,
            committed,
            opened: watch::Sender::new(None),
            joins_behind: None,
            peers_wanted: 0,
            work,
            messages: to_others,
            misbehaviour: mpsc::channel(WAITING).0,
            wakes: mpsc::channel(1).1,
        };
        let at = At::Waiting(Box::new(parts));
        let (processes, asking, alone) = Default::default();
        #[rustfmt::skip]
        let node = Self {
            chain, home, key, mempool, exchange, neighbours, answerer, processes, asking, withheld, alone, at, messages,
        };
        Ok((node, report))
    }

    /// The chain as it stands.
    pub fn chain(&self) -> RwLockReadGuard<'_, Chain> {
        self.chain.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the vote is withheld, if it is.
    pub fn withheld(&self) -> Option<Withheld> {
        self.withheld.borrow().clone()
    }

    /// Looks over what the engine remembers, before there is one.
    pub fn look_over(&mut self) -> anyhow::Result<()> {
        let (next, validators) = {
            let chain = self.chain();
            (chain.next_height(), ValidatorSet::new(chain.validators(), chain.turns()?))
        };
        let (chain, key) = (self.chain().founding().chain(), self.key.public().key_id());
        let At::Waiting(parts) = &self.at else { anyhow::bail!("there is an engine") };
        let (data, own) = (self.home.join("data"), (&chain, &key));
        let data = (&data, &parts.undecided);
        self.alone = Some(look_over_unlocked(data, own, next, validators, &self.exchange)?);
        Ok(())
    }

    /// Judges whether the node votes, by what others answered last.
    pub fn judge(&self, all: &[(KeyId, Neighbour)]) -> Option<Judged> {
        let others = self.neighbours.others(&self.exchange, all);
        let next = self.chain().next_height();
        Some(judge(self.alone.as_ref()?, &self.exchange.record(), &others, next))
    }

    /// The engine is started by this judgement: notes what is to be noted.
    pub fn begin(&mut self, judged: Judged) -> anyhow::Result<()> {
        if let Some(above) = judged.nothing_above {
            self.exchange.record().nothing_above(above)?;
        }
        let withheld = judged.withheld;
        self.withheld.send_replace(withheld.clone());
        let At::Waiting(parts) = std::mem::replace(&mut self.at, At::Ended) else {
            anyhow::bail!("there is an engine")
        };
        let (network, from_adapter) = mpsc::channel(WAITING);
        let (net_requests, requests) = mpsc::channel(WAITING);
        let channels = Channels {
            consensus: mpsc::channel(1).1,
            network,
            events: TxEvent::new(),
            requests: mpsc::channel(1).0,
            net_requests,
        };
        let stop = CancellationToken::new();
        let adapter = Adapter::new(*parts, &channels, withheld.as_ref(), stop);
        let from_adapter = FromAdapter { parts: from_adapter, requests };
        self.at = At::Running(Box::new(adapter), from_adapter);
        Ok(())
    }

    /// The engine was stopped, for it is to be judged anew whether the node votes.
    pub fn stop_engine(&mut self) {
        self.at = match std::mem::replace(&mut self.at, At::Ended) {
            At::Running(adapter, _) => At::Waiting(Box::new(adapter.into_parts())),
            at => at,
        };
    }

    /// The validators of the height that the engine begins.
    pub fn set_validators(&self, set: ValidatorSet) {
        self.exchange.set_validators(set);
    }

    /// Handles what the engine says. Gives why the node ends or judges anew, where it does.
    pub fn take_in(&mut self, message: AppMsg<Ctx>) -> Option<End> {
        let At::Running(adapter, from_adapter) = &mut self.at else { return None };
        let mut handled = Box::pin(adapter.take_in(message));
        for _ in 0..WAITING {
            if let Some(end) = handled.as_mut().now_or_never() {
                return end;
            }
            // It waits for an answer of the network: peers come and go elsewhere.
            while let Ok(request) = from_adapter.requests.try_recv() {
                match request {
                    NetworkRequest::DumpState(reply) => drop(reply.send(None)),
                    NetworkRequest::UpdatePersistentPeers(_, reply) => drop(reply.send(Ok(()))),
                }
            }
        }
        Some(End::Fatal(anyhow::anyhow!("the adapter waits for something that does not come")))
    }

    /// What the adapter gives to the engine's network.
    pub fn streamed(&mut self) -> Vec<NetworkMsg<Ctx>> {
        let At::Running(_, from_adapter) = &mut self.at else { return Vec::new() };
        std::iter::from_fn(|| from_adapter.parts.try_recv().ok()).collect()
    }

    /// Whether a vote or proposal may be sent; what is this node's own is on record then.
    pub fn may_send(&self, message: &SignedConsensusMsg<Ctx>) -> bool {
        self.exchange.may_send(message).now_or_never().unwrap_or_default()
    }

    /// The same for what holds votes of many.
    pub fn may_say(&self, message: &LivenessMsg<Ctx>) -> bool {
        self.exchange.may_say(message).now_or_never().unwrap_or_default()
    }

    /// Whether the record of votes can't be written any more.
    pub fn has_failed(&self) -> bool {
        self.exchange.has_failed()
    }

    /// A vote or proposal came from the network; the engine is told of it apart.
    pub fn hear(&self, message: &SignedConsensusMsg<Ctx>) {
        self.exchange.take_in(message);
    }

    /// The engine tells of a vote or proposal that it is about to look at.
    pub fn heard(&mut self, message: &SignedConsensusMsg<Ctx>) {
        if let At::Running(adapter, _) = &mut self.at {
            adapter.hear(message);
        }
    }

    /// What is done each second.
    pub fn tick(&mut self) {
        if let At::Running(adapter, _) = &mut self.at {
            adapter.tick();
        }
    }

    /// What is asked of neighbours now, to be relayed what does not reach this node: to whom, and what.
    pub fn look(&mut self, connected: Vec<PeerId>) -> Vec<(PeerId, Vec<u8>)> {
        let At::Running(..) = &self.at else { return Vec::new() };
        let questions = self.asking.look(&self.exchange, connected);
        let encoded = questions.into_iter().map(|(to, it)| Some((to, codec::encode(&it).ok()?)));
        encoded.flatten().collect()
    }

    /// Takes in an answer to that; `None`: none came in time. Gives what the engine is told, and what is asked next.
    pub fn relayed(
        &mut self,
        from: PeerId,
        answer: Option<&[u8]>,
    ) -> (Vec<NetworkEvent<Ctx>>, Vec<Vec<u8>>) {
        let At::Running(..) = &self.at else { return Default::default() };
        let answer = answer.and_then(|bytes| codec::decode(bytes).ok());
        let (told, questions) = self.asking.take_in(&self.exchange, from, answer);
        (told, questions.iter().filter_map(|it| codec::encode(it).ok()).collect())
    }

    /// What neighbours are asked to know how they stand.
    pub fn question(&self, number: u64) -> Option<Vec<u8>> {
        codec::encode(&self.neighbours.question(number, clock::now().get())?).ok()
    }

    /// Takes in what they answered to that.
    pub fn answered(&self, number: u64, answers: &[(PeerId, Vec<u8>)]) -> Vec<(KeyId, Neighbour)> {
        let read = |(peer, bytes): &(PeerId, Vec<u8>)| Some((*peer, codec::decode(bytes).ok()?, 0));
        self.neighbours.take_in(number, clock::now().get(), answers.iter().filter_map(read))
    }

    /// The blocks that the log can't read any more, the highest first: the one behind is needed to fill one.
    pub fn holes(&self) -> Vec<Height> {
        self.chain().log().holes().rev().collect()
    }

    /// What a neighbour is asked to fill one.
    pub fn block_question(&self, height: Height) -> Option<Vec<u8>> {
        codec::encode(&Question::Block { height: height.get() }).ok()
    }

    /// Fills a hole by a neighbour's answer. Whether it is filled.
    pub fn fill(&mut self, height: Height, answer: &[u8]) -> bool {
        let Ok(Answered::Block(Some(bytes))) = codec::decode(answer) else { return false };
        let mut chain = self.chain.write().unwrap_or_else(PoisonError::into_inner);
        let block = chain.readable(height, &bytes);
        block.is_ok_and(|block| chain.fill(height, &block).is_ok())
    }

    /// Whether they say something for which it is to be judged anew whether this node votes.
    pub fn speak_against(&self, all: &[(KeyId, Neighbour)]) -> bool {
        self.withheld.borrow().is_none() && self.neighbours.speak_against(&self.exchange, all)
    }

    /// Answers a neighbour's question.
    pub fn answer(&mut self, question: &[u8]) -> Option<Vec<u8>> {
        let question = codec::decode(question).ok()?;
        codec::encode(&self.answerer.answer(question, &mut self.processes)?).ok()
    }

    /// Takes a client's transaction; the answer comes when it is committed or refused.
    pub fn submit(&self, bytes: &[u8]) -> Option<oneshot::Receiver<Answer>> {
        self.mempool.submit(Client::Own, bytes).now_or_never()
    }

    /// Judges the transactions that wait for it; those that are this node's own are passed on.
    pub fn judge_transactions(&mut self) -> Option<Vec<u8>> {
        let new = self.mempool.judge_now();
        if let (true, At::Running(adapter, _)) = (self.mempool.has_ready(), &mut self.at) {
            adapter.release_to_work();
        }
        let raw: Vec<_> = new.iter().map(|tx| tx.raw().to_vec()).collect();
        (!raw.is_empty()).then(|| Message::Transactions(raw).to_bytes().ok()).flatten()
    }

    /// Writes the index, as before a stop. Whether that went well.
    pub fn write_index(&self) -> bool {
        let mut chain = self.chain.write().unwrap_or_else(PoisonError::into_inner);
        chain.write_index().is_ok()
    }

    /// Lets go of transactions that waited in vain since the last time.
    pub fn sweep(&self) {
        self.mempool.sweep();
    }

    /// What the node says to all others.
    pub fn said(&mut self) -> Vec<Vec<u8>> {
        let all = std::iter::from_fn(|| self.messages.try_recv().ok());
        all.filter_map(|it| it.to_bytes().ok()).collect()
    }

    /// Hears what another said to all.
    pub fn told(&mut self, bytes: &[u8]) {
        match Message::from_bytes(bytes) {
            Ok(Message::Transactions(all)) => {
                for bytes in all {
                    let _ = self.mempool.gossiped(&bytes).now_or_never();
                }
            }
            Ok(Message::Wake { height, key, signature }) => {
                let (chain, validators) = {
                    let chain = self.chain();
                    let validators = chain.validators().all().iter().map(|it| it.key);
                    (chain.founding().chain(), validators.collect::<Vec<_>>())
                };
                let height = heard_wake(&chain, height, &key, &signature, &validators);
                if let (Some(height), At::Running(adapter, _)) = (height, &mut self.at) {
                    adapter.others_are_at(crate::consensus::types::Height(height.get()));
                }
            }
            Ok(Message::Cosignature { .. }) | Err(_) => {}
        }
    }

    /// The height of the last block.
    pub fn height(&self) -> Height {
        self.chain().header().height
    }
}
