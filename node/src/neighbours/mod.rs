//! The other nodes, as this one knows them: how far each is, whether it votes, how its clock goes, and what it holds of
//! this node's votes. Each is asked every second; who asks signs, and who answers.

pub(crate) mod answers;
mod survey;

use crate::app::Chain;
use crate::clock;
use crate::consensus::{Exchange, Withheld};
use crate::gossip::{Answer, Ask, Asker, Question, Standing, standing_bytes};
use libp2p::PeerId;
use liuhen_proto::suite::sign::{PrivateKey, PublicKey};
use liuhen_proto::types::{ChainId, Height, KeyId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

/// How often each is asked.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// A process that has not asked for so long has ended.
const ENDED: Duration = Duration::from_millis(2_500);
/// So old may be what it asked, by this node's clock.
const FRESH_MS: u64 = 5_000;
/// No neighbour is waited for longer.
const WITHIN: Duration = Duration::from_secs(2);
/// After so long an answer says nothing any more.
const STALE: Duration = Duration::from_secs(10);
/// Bytes of what one says of how it stands.
const STANDING_BYTES: usize = 16 * 1024;
/// A clock that is this far from this node's is said, in milliseconds.
const CLOCK_APART_MS: u64 = 2_000;

/// A neighbour as it was heard last.
#[derive(Debug, Clone)]
pub struct Neighbour {
    pub(crate) standing: Standing,
    /// By how many milliseconds its clock is ahead of this node's, half of the way there and back counted off.
    pub(crate) clock_ahead_ms: i64,
    /// Its height, where this node can tell that it is so.
    pub(crate) shown: Option<Height>,
    pub(crate) peer: PeerId,
    heard: Instant,
}

/// The other nodes.
#[derive(Clone)]
pub struct Neighbours(Arc<Inner>);

struct Inner {
    chain: Arc<RwLock<Chain>>,
    own: PrivateKey,
    began_ms: u64,
    asks: mpsc::Sender<Ask>,
    connected: watch::Receiver<BTreeSet<PeerId>>,
    known: Neighbourhood,
}

/// Those that were heard lately, for status.
#[derive(Debug, Clone, Default)]
pub struct Neighbourhood(Arc<Mutex<BTreeMap<KeyId, Neighbour>>>);

impl Neighbourhood {
    fn take_in(&self, all: &[(KeyId, Neighbour)]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, it| clock::since(it.heard) < STALE);
        known.extend(all.iter().cloned());
    }

    /// The highest height that one of them was shown to be at.
    pub(crate) fn highest(&self) -> Height {
        self.all().values().filter_map(|it| it.shown).max().unwrap_or_default()
    }

    /// By key.
    pub(crate) fn all(&self) -> BTreeMap<KeyId, Neighbour> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = known.iter().filter(|(_, it)| clock::since(it.heard) < STALE);
        fresh.map(|(key, it)| (*key, it.clone())).collect()
    }
}

impl Neighbours {
    /// The neighbours of a node with this key.
    pub(crate) fn new(
        chain: Arc<RwLock<Chain>>,
        own: PrivateKey,
        asks: mpsc::Sender<Ask>,
        connected: watch::Receiver<BTreeSet<PeerId>>,
    ) -> Self {
        let (known, began_ms) = (Neighbourhood::default(), clock::now().get());
        Self(Arc::new(Inner { chain, own, began_ms, asks, connected, known }))
    }

    fn chain(&self) -> RwLockReadGuard<'_, Chain> {
        self.0.chain.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that are connected.
    pub(crate) fn connected(&self) -> Vec<PeerId> {
        self.0.connected.borrow().iter().copied().collect()
    }

    /// Asks one neighbour. `None` where it does not answer in time.
    pub(crate) async fn ask(
        &self,
        to: PeerId,
        question: Question,
        within: Duration,
    ) -> Option<Answer> {
        let (reply, answer) = oneshot::channel();
        let asked = async {
            self.0.asks.send(Ask { to, question, reply }).await.ok()?;
            answer.await.ok()
        };
        tokio::time::timeout(within, asked).await.ok().flatten()
    }

    /// Asks how one stands.
    pub(crate) fn question(&self, number: u64, at_ms: u64) -> Option<Question> {
        let chain = self.chain().founding().chain();
        let key = self.0.own.public().as_bytes().first_chunk().copied()?;
        let asker = Asker { key, number, began_ms: self.0.began_ms, at_ms };
        let asker = crate::codec::encode(&asker).ok()?;
        let signature = self.0.own.sign(&standing_bytes(&chain, b"asks", &asker)).to_vec();
        Some(Question::Standing { asker, signature })
    }

    /// Asks one neighbour, and says in how many milliseconds half of the way there and back was gone.
    async fn ask_timed(&self, peer: PeerId, question: Question) -> (Option<Answer>, u64) {
        let began = Instant::now();
        let answer = self.ask(peer, question, WITHIN).await;
        (answer, u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX) / 2)
    }

    /// Whether one of them hears of a process with this node's key that began before this one.
    fn is_beside(&self, all: &[(KeyId, Neighbour)]) -> bool {
        let chain = self.chain().founding().chain();
        let (own, now) = (self.0.own.public(), clock::now().get());
        let shown = all.iter().filter_map(|(_, it)| it.standing.beside.as_ref()?.read(&chain));
        shown.into_iter().any(|it| {
            it.key == *own.as_bytes()
                && it.began_ms < self.0.began_ms
                && it.at_ms.abs_diff(now) < FRESH_MS
        })
    }

    /// Asks all how they stand, and keeps what they answer.
    async fn ask_how_all_stand(&self) -> Vec<(KeyId, Neighbour)> {
        let (number, sent) = (fresh_number(), clock::now().get());
        let Some(question) = self.question(number, sent) else { return Vec::new() };
        let peers = self.connected();
        let asked = peers.iter().map(|peer| self.ask_timed(*peer, question.clone()));
        let answers = futures::future::join_all(asked).await;
        let answers = peers.into_iter().zip(answers);
        let answers = answers.filter_map(|(peer, (answer, way))| Some((peer, answer?, way)));
        self.take_in(number, sent, answers)
    }

    /// Takes in what neighbours answered to the question of this number, each with how many milliseconds its way took. Whoever's
    /// signature does not hold has not answered.
    pub(crate) fn take_in(
        &self,
        number: u64,
        sent: u64,
        answers: impl IntoIterator<Item = (PeerId, Answer, u64)>,
    ) -> Vec<(KeyId, Neighbour)> {
        let chain = self.chain().founding().chain();
        let own = self.0.own.public().key_id();
        let mut all = BTreeMap::new();
        for (peer, answer, way) in answers {
            let Some((key, standing)) = read(&chain, number, answer).filter(|(key, _)| *key != own)
            else {
                continue;
            };
            let clock_ahead_ms = ahead(standing.now_ms, sent.saturating_add(way));
            let (shown, heard) = (self.shown(&standing), clock::moment());
            // Whose answer others pass on counts once.
            let it = Neighbour { standing, clock_ahead_ms, shown, peer, heard };
            all.entry(key).or_insert(it);
        }
        let all: Vec<(KeyId, Neighbour)> = all.into_iter().collect();
        self.0.known.take_in(&all);
        all
    }

    /// Those that were heard lately.
    pub fn known(&self) -> Neighbourhood {
        self.0.known.clone()
    }

    /// Follows them until told to stop. Where one heard of this node's key what its record does not know, `again` is
    /// notified: the vote is judged anew.
    pub(crate) async fn follow(
        self,
        exchange: Exchange,
        withheld: watch::Receiver<Option<Withheld>>,
        again: Arc<Notify>,
        stop: CancellationToken,
    ) {
        let mut every = tokio::time::interval(ASK_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut apart = BTreeSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = every.tick() => {}
            }
            let all = self.ask_how_all_stand().await;
            self.tell_clocks(&all, &mut apart);
            if !self.is_validator() || withheld.borrow().is_some() {
                continue;
            }
            if self.speak_against(&exchange, &all) {
                again.notify_one();
            }
        }
    }

    /// Whether one of them hears of a process beside this one, or of a message that its record does not know.
    pub(crate) fn speak_against(&self, exchange: &Exchange, all: &[(KeyId, Neighbour)]) -> bool {
        if self.is_beside(all) {
            tracing::error!("another node with this node's key began before it, and runs");
            return true;
        }
        let Some(heard) = self.newest(exchange, all).filter(|it| exchange.is_unknown(it)) else {
            return false;
        };
        let (height, round, step) = heard.place();
        tracing::error!(%height, round, ?step, "others heard a message of this node's key that it did not send: an older copy of its home is running, or another node has its key");
        true
    }

    fn is_validator(&self) -> bool {
        self.chain().validators().get(&self.0.own.public().key_id()).is_some()
    }

    /// Says once of each neighbour that its clock is not this node's.
    fn tell_clocks(&self, all: &[(KeyId, Neighbour)], apart: &mut BTreeSet<KeyId>) {
        apart.retain(|key| all.iter().any(|(it, _)| it == key));
        for (key, it) in all {
            let ahead_ms = it.clock_ahead_ms;
            let is_apart = ahead_ms.unsigned_abs() > CLOCK_APART_MS;
            if is_apart && apart.insert(*key) {
                tracing::warn!(node = %key, ahead_ms, "a neighbour's clock is not this node's: see that both follow a time server");
            } else if !is_apart && apart.remove(key) {
                tracing::info!(node = %key, ahead_ms, "a neighbour's clock is this node's again");
            }
        }
    }
}

/// What a neighbour answered, if it is one to this question and signed.
fn read(chain: &ChainId, number: u64, answer: Answer) -> Option<(KeyId, Standing)> {
    let Answer::Standing { standing: bytes, key, signature } = answer else { return None };
    let key = PublicKey::from_slice(&key).ok()?;
    let signature = signature.as_slice().try_into().ok()?;
    let is_short = bytes.len() <= STANDING_BYTES;
    if !is_short || !key.verify(&standing_bytes(chain, b"says", &bytes), &signature) {
        return None;
    }
    let standing: Standing = crate::codec::decode(&bytes).ok()?;
    (standing.number == number).then_some((key.key_id(), standing))
}

/// A number that nobody can have answered before.
fn fresh_number() -> u64 {
    let mut bytes = [0; 8];
    // Where the system has no random bytes the clock is as fresh, if not as hard to guess.
    match getrandom::fill(&mut bytes) {
        Ok(()) => u64::from_le_bytes(bytes),
        Err(_) => clock::now().get(),
    }
}

fn ahead(theirs: u64, ours: u64) -> i64 {
    let apart = i64::try_from(theirs.abs_diff(ours)).unwrap_or(i64::MAX);
    if theirs >= ours { apart } else { apart.saturating_neg() }
}
