//! The pool at work: parsing, signatures in batches, waiting for commits, telling why not.

use super::answers::{
    Answer, Submitted, give, of_parsing, of_pool, of_refusal, of_rules, refused, wrong_seq,
};
use super::pool::{Pool, PoolError, PoolLimits, hash_of};
use super::queue::QueueLimits;
use super::waiting::{Unjudged, Waiting};
use crate::app::{Chain, CommittedBlock};
use crate::limits::Client;
use liuhen_proto::ledger::{NotApplied, Refusal};
use liuhen_proto::suite::sign::PublicKey;
use liuhen_proto::tx::{self, Tx};
use liuhen_proto::types::{KeyId, TimeMs, TxId};
use liuhen_proto::wire::Refused;
use liuhen_rpc::reason::Reason;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// What may wait whose signatures are not judged yet, in all and of one sender.
const SENT: QueueLimits = QueueLimits { total: 64 << 20, lane: 12 << 20 };
/// What may wait of which the rules were not asked yet, in all and of one key: some thirty batches of a thousand records.
const SIGNED: QueueLimits = QueueLimits { total: 160 << 20, lane: 40 << 20 };
/// A transaction waits for one before it at most twice as long.
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// Lanes up to which the first of each is tried after every block.
const LANES_TRIED: usize = 64;

#[derive(Default)]
struct Inner {
    pool: Pool,
    waiters: HashMap<TxId, Vec<oneshot::Sender<Answer>>>,
}

/// The mempool of a node.
#[derive(Clone)]
pub struct Mempool {
    inner: Arc<Mutex<Inner>>,
    chain: Arc<RwLock<Chain>>,
    /// What came, by who sent it: its signatures are to be judged.
    sent: Arc<Waiting<Client>>,
    /// What is of good signature, by key: what the rules say of it is to be judged.
    signed: Arc<Waiting<KeyId>>,
    /// Notified when a transaction is ready for a block.
    work: Arc<Notify>,
    /// Whether the disk has room for more.
    room: Arc<AtomicBool>,
}

impl Mempool {
    /// Starts the mempool. Transactions taken from this node's own clients go to `gossip`.
    pub fn start(
        chain: Arc<RwLock<Chain>>,
        work: Arc<Notify>,
        gossip: mpsc::Sender<Arc<Tx>>,
        stop: CancellationToken,
    ) -> Self {
        let mempool = Self::new(chain, work);
        tokio::spawn(mempool.clone().run(gossip, stop));
        mempool
    }

    /// A mempool that judges nothing by itself.
    pub(crate) fn new(chain: Arc<RwLock<Chain>>, work: Arc<Notify>) -> Self {
        let inner = Inner { pool: Pool::new(PoolLimits::default()), ..Inner::default() };
        Self {
            inner: Arc::new(Mutex::new(inner)),
            chain,
            sent: Waiting::new(SENT),
            signed: Waiting::new(SIGNED),
            work,
            room: Arc::new(AtomicBool::new(true)),
        }
    }

    /// Judges what comes, until the node stops.
    async fn run(self, gossip: mpsc::Sender<Arc<Tx>>, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.judge_signatures() => {}
            () = self.judge_by_rules(gossip) => {}
            () = self.sweep_at_times() => {}
        }
        self.sent.close();
        self.signed.close();
    }

    /// Says whether the disk has room for more; while it has none, clients' transactions are
    /// refused.
    pub fn set_room(&self, room: bool) {
        if self.room.swap(room, Ordering::Relaxed) != room {
            tracing::warn!(room, "room on the disk");
        }
    }

    /// Takes a transaction from a client. The answer comes when it is committed or refused.
    pub async fn submit(&self, from: Client, bytes: &[u8]) -> oneshot::Receiver<Answer> {
        let (answer, receiver) = oneshot::channel();
        if !self.room.load(Ordering::Relaxed) {
            give(
                Some(answer),
                Err(refused(Reason::NodeDiskFull, "the node's disk is nearly full")),
            );
            return receiver;
        }
        match self.parsed(bytes) {
            Ok((tx, key)) => {
                self.sent.push(from, Unjudged { tx, key, answer: Some(answer) }).await;
            }
            Err(why) => give(Some(answer), Err(why)),
        }
        receiver
    }

    /// Takes a transaction that another node passed on; what is wrong with it is its submitter's
    /// business, at that node.
    pub async fn gossiped(&self, bytes: &[u8]) {
        if self.lock().pool.has_bytes(&hash_of(bytes)) {
            return;
        }
        if let Ok((tx, key)) = self.parsed(bytes) {
            // Where there is no room it is dropped: its own node proposes it in the end.
            let _ = self.sent.try_push(Client::Nodes, Unjudged { tx, key, answer: None });
        }
    }

    /// A waiting transaction whose bytes are exactly these: its signature was found good.
    pub fn known(&self, id: &TxId, bytes: &[u8]) -> Option<Arc<Tx>> {
        self.lock().pool.get(id).filter(|tx| tx.raw() == bytes).cloned()
    }

    /// Transactions for the next block.
    pub fn ready(&self, most_bytes: usize, most_items: usize) -> Vec<Arc<Tx>> {
        self.lock().pool.ready(most_bytes, most_items)
    }

    /// The next block begins with this key, which found no room in the last.
    pub fn begin_with(&self, key: KeyId) {
        self.lock().pool.begin_with(key);
    }

    /// Whether a block could be made of something.
    pub fn has_ready(&self) -> bool {
        self.lock().pool.has_ready()
    }

    /// How many transactions wait.
    pub fn len(&self) -> usize {
        self.lock().pool.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rules refused a transaction: its submitter is told, and those behind it in its lane are
    /// told which number is expected.
    pub fn refuse(&self, tx: &Tx, why: &NotApplied) {
        let mut inner = self.lock();
        let gone = inner.pool.refuse(tx);
        for (place, gone) in gone.iter().enumerate() {
            let refused = if place == 0 { of_rules(why) } else { wrong_seq(tx.header().seq, gone) };
            inner.tell(&gone.id(), &Err(refused));
        }
    }

    /// A block was committed: its transactions' submitters are told, and lanes move on. The first
    /// transaction of each lane (of many lanes: where someone here waits) is tried against the new
    /// state, so that a refusal does not wait for this node's turn to propose.
    pub fn committed(&self, block: &CommittedBlock, now: TimeMs) {
        let mut inner = self.lock();
        for it in &block.transactions {
            let (height, time) = (block.height, block.time);
            let (first_event, outcomes) = (it.first_event, it.outcomes.clone());
            let submitted = Submitted { id: it.id, height, time, first_event, outcomes };
            inner.tell(&it.id, &Ok(submitted));
            for gone in inner.pool.advance(&it.key, it.next_seq) {
                inner.tell(&gone.id(), &Err(wrong_seq(it.next_seq, &gone)));
            }
        }
        let heads = inner.pool.heads();
        let few = heads.len() <= LANES_TRIED;
        let tried: Vec<Arc<Tx>> =
            heads.into_iter().filter(|tx| few || inner.waiters.contains_key(&tx.id())).collect();
        drop(inner);
        for tx in tried {
            self.try_head(&tx, now);
        }
    }

    fn try_head(&self, tx: &Tx, now: TimeMs) {
        let tried = read(&self.chain).dry_run(tx, now);
        if let Err(why) = tried {
            self.refuse(tx, &why);
        }
    }

    fn parsed(&self, bytes: &[u8]) -> Result<(Arc<Tx>, PublicKey), Refused> {
        let tx = Tx::parse(bytes).map_err(|e| of_parsing(&e))?;
        let chain = read(&self.chain);
        if tx.header().chain != chain.founding().chain() {
            return Err(of_refusal(&Refusal::OtherChain));
        }
        let key = chain.public_key(&tx.header().key);
        let key = key.map_err(|e| refused(Reason::NodeStore, &e.to_string()))?;
        let unknown = || of_refusal(&Refusal::UnknownKey(tx.header().key.to_string()));
        let key = key.ok_or_else(unknown)?;
        drop(chain);
        Ok((Arc::new(tx), key))
    }

    /// Lets go of transactions that wait in vain for one before them, until the node ends.
    async fn sweep_at_times(&self) {
        let mut at_times = tokio::time::interval(SWEEP_EVERY);
        loop {
            at_times.tick().await;
            self.sweep();
        }
    }

    /// Lets go of transactions that waited in vain since the last time.
    pub(crate) fn sweep(&self) {
        let mut inner = self.lock();
        for (expected, gone) in inner.pool.sweep() {
            inner.tell(&gone.id(), &Err(wrong_seq(expected, &gone)));
        }
    }

    /// Judges signatures, as many at once as have come, away from the runtime's threads.
    async fn judge_signatures(&self) {
        loop {
            let batch = self.sent.next().await;
            let Ok(judged) = tokio::task::spawn_blocking(move || judged(batch)).await else {
                tracing::error!("signatures could not be judged");
                continue;
            };
            self.keep_good(judged);
        }
    }

    fn keep_good(&self, judged: Vec<(Unjudged, bool)>) {
        for (it, good) in judged {
            if !good {
                give(it.answer, Err(of_refusal(&Refusal::BadSignature)));
            } else if let Err((_, back)) = self.signed.try_push(it.tx.header().key, it) {
                give(back.answer, Err(of_pool(&PoolError::Full)));
            }
        }
    }

    /// Judges what waits for it now; gives what is new and this node's own.
    pub(crate) fn judge_now(&self) -> Vec<Arc<Tx>> {
        while let Some(batch) = self.sent.next_now() {
            self.keep_good(judged(batch));
        }
        let mut new = Vec::new();
        while let Some(batch) = self.signed.next_now() {
            new.extend(self.take_all(batch));
        }
        new
    }

    /// Asks the rules, keys in turn, away from the runtime's threads; what is new goes to gossip.
    async fn judge_by_rules(&self, gossip: mpsc::Sender<Arc<Tx>>) {
        loop {
            let batch = self.signed.next().await;
            let this = self.clone();
            let Ok(new) = tokio::task::spawn_blocking(move || this.take_all(batch)).await else {
                tracing::error!("transactions could not be judged");
                continue;
            };
            for tx in new {
                if gossip.send(tx).await.is_err() {
                    return;
                }
            }
            if self.has_ready() {
                self.work.notify_one();
            }
        }
    }

    /// Lets those wait that the rules take; gives what is new and this node's own. What other nodes passed on is taken as well, and
    /// not passed on again.
    fn take_all(&self, batch: Vec<Unjudged>) -> Vec<Arc<Tx>> {
        let taken = batch.into_iter().filter_map(|it| {
            let (tx, own) = (Arc::clone(&it.tx), it.answer.is_some());
            (self.take(it) && own).then_some(tx)
        });
        taken.collect()
    }

    /// Lets a transaction of good signature wait; false if it does not, or did before.
    fn take(&self, it: Unjudged) -> bool {
        let Unjudged { tx, answer, .. } = it;
        let next = match read(&self.chain).next_seq(&tx.header().key) {
            Ok(next) => next,
            Err(e) => {
                give(answer, Err(refused(Reason::NodeStore, &e.to_string())));
                return false;
            }
        };
        if let Some(done) = self.done_before(&tx, next) {
            give(answer, Ok(done));
            return false;
        }
        if tx.header().seq == next
            && answer.is_some()
            && let Err(why) = self.try_alone(&tx)
        {
            // It may have been committed meanwhile: then it is refused for having been.
            let now = read(&self.chain).next_seq(&tx.header().key).unwrap_or(next);
            if let Some(done) = self.done_before(&tx, now) {
                give(answer, Ok(done));
                return false;
            }
            give(answer, Err(of_rules(&why)));
            let mut inner = self.lock();
            for gone in inner.pool.drop_behind(&tx.header().key, tx.next_seq()) {
                inner.tell(&gone.id(), &Err(wrong_seq(next, &gone)));
            }
            return false;
        }
        let mut inner = self.lock();
        match inner.pool.insert(Arc::clone(&tx), next) {
            Ok(new) => {
                if let Some(answer) = answer {
                    let waiters = inner.waiters.entry(tx.id()).or_default();
                    waiters.retain(|waiter| !waiter.is_closed());
                    waiters.push(answer);
                }
                drop(inner);
                self.catch_up(&tx);
                new
            }
            Err(why) => {
                drop(inner);
                give(answer, Err(of_pool(&why)));
                false
            }
        }
    }

    /// A block may have been committed between reading the key's number and inserting.
    fn catch_up(&self, tx: &Tx) {
        let key = tx.header().key;
        let Ok(next) = read(&self.chain).next_seq(&key) else { return };
        let gone = self.lock().pool.advance(&key, next);
        for gone in gone {
            let answer = self.done_before(&gone, next).ok_or_else(|| wrong_seq(next, &gone));
            self.lock().tell(&gone.id(), &answer);
        }
    }

    fn try_alone(&self, tx: &Tx) -> Result<(), NotApplied> {
        let chain = read(&self.chain);
        chain.dry_run(tx, crate::clock::now())
    }

    /// A transaction that was committed before is answered as it was then.
    fn done_before(&self, tx: &Tx, next: u64) -> Option<Submitted> {
        if tx.header().seq >= next {
            return None;
        }
        let chain = read(&self.chain);
        let (height, _) = chain.index().transaction(&tx.id()).ok()??;
        let first = chain.index().first_event(height).ok()??;
        let mut outcomes = Vec::new();
        let mut first_event = None;
        let mut time = TimeMs::default();
        for event in first.. {
            let Ok(leaf) = chain.index().leaf(event) else {
                break;
            };
            if leaf.height != height {
                break;
            }
            if leaf.origin == tx.id() {
                first_event.get_or_insert(leaf.index);
                time = leaf.time;
                outcomes.push(leaf.outcome);
            }
        }
        Some(Submitted { id: tx.id(), height, time, first_event: first_event?, outcomes })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn tell(&mut self, id: &TxId, answer: &Answer) {
        for waiter in self.waiters.remove(id).unwrap_or_default() {
            let _ = waiter.send(answer.clone());
        }
    }
}

/// Each with whether its signature is good.
fn judged(batch: Vec<Unjudged>) -> Vec<(Unjudged, bool)> {
    let all: Vec<(&Tx, PublicKey)> = batch.iter().map(|it| (it.tx.as_ref(), it.key)).collect();
    let good = tx::verify_many(&all);
    batch.into_iter().zip(good).collect()
}

fn read(chain: &RwLock<Chain>) -> std::sync::RwLockReadGuard<'_, Chain> {
    chain.read().unwrap_or_else(PoisonError::into_inner)
}
