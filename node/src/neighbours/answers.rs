//! What this node answers its neighbours.

use super::{ENDED, FRESH_MS};
use crate::app::Chain;
use crate::clock;
use crate::codec;
use crate::consensus::{Exchange, Withheld};
use crate::gossip::{Answer, Asked, Asker, Question, SignedAsker, Standing, standing_bytes};
use crate::snapshots::Snapshots;
use liuhen_proto::suite::sign::{PrivateKey, PublicKey};
use liuhen_proto::types::Height;
use prost::Message as _;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// Processes with one key that are remembered.
const PROCESSES: usize = 4;

/// Blocks that are given at once, and bytes of them.
const BLOCKS: u32 = 256;
const BLOCKS_BYTES: usize = 4 * 1024 * 1024;
/// How often it is seen whether a snapshot is needed still.
const TIDY_EVERY: Duration = Duration::from_secs(60);

/// Processes that asked lately, by their key: when each began, when it asked, and what it signed.
pub(crate) type Processes = HashMap<[u8; 32], HashMap<u64, (Instant, SignedAsker)>>;

/// What it answers from.
pub(crate) struct Answerer {
    pub(crate) chain: Arc<RwLock<Chain>>,
    pub(crate) key: PrivateKey,
    pub(crate) exchange: Exchange,
    pub(crate) withheld: watch::Receiver<Option<Withheld>>,
    /// The snapshots that it gives, if it gives any.
    pub(crate) snapshots: Option<Snapshots>,
}

impl Answerer {
    /// Answers until told to stop.
    pub(crate) async fn run(self, mut asked: mpsc::Receiver<Asked>, stop: CancellationToken) {
        let mut processes = Processes::new();
        let mut tidy = tokio::time::interval(TIDY_EVERY);
        loop {
            let next = tokio::select! {
                () = stop.cancelled() => return,
                next = asked.recv() => next,
                _ = tidy.tick() => {
                    self.snapshots.iter().for_each(Snapshots::tidy);
                    continue;
                }
            };
            let Some(Asked { question, reply }) = next else { return };
            if let Some(answer) = self.answer(question, &mut processes) {
                // Whoever asked may have gone.
                let _ = reply.send(answer);
            }
        }
    }

    pub(crate) fn answer(&self, question: Question, processes: &mut Processes) -> Option<Answer> {
        match question {
            Question::Standing { asker, signature } => {
                let signed = SignedAsker { asker, signature };
                let asker = signed.read(&self.chain().founding().chain())?;
                let beside = beside(processes, &asker, signed);
                self.standing(&asker, beside)
            }
            Question::Missing { height, have, blocks } => {
                let height = Height::new(height);
                let (messages, blocks) = self.exchange.missing(height, &have, &blocks);
                Some(Answer::Missing { messages, blocks })
            }
            Question::Stream { height, block } => {
                Some(Answer::Stream(self.exchange.stream(Height::new(height), &block)))
            }
            Question::Block { height } => {
                let block = tokio::task::block_in_place(|| self.block(Height::new(height)));
                Some(Answer::Block(block))
            }
            Question::Snapshot => self.snapshots.as_ref().map(Snapshots::offer),
            Question::Piece { height, number } => {
                let snapshots = self.snapshots.as_ref()?;
                let piece = || snapshots.piece(Height::new(height), number);
                Some(Answer::Piece(tokio::task::block_in_place(piece)))
            }
            Question::Blocks { first, most } => {
                let blocks = || self.blocks(Height::new(first), most);
                Some(Answer::Blocks(tokio::task::block_in_place(blocks)))
            }
        }
    }

    fn block(&self, height: Height) -> Option<Vec<u8>> {
        let block = self.chain().log().read(height).ok().flatten();
        block.and_then(|it| codec::encode(&it).ok())
    }

    /// Blocks one behind the other, of so many bytes together.
    fn blocks(&self, first: Height, most: u32) -> Vec<Vec<u8>> {
        let (mut all, mut bytes) = (Vec::new(), 0);
        for number in (first.get()..).take(most.min(BLOCKS) as usize) {
            let Some(block) = self.block(Height::new(number)) else { break };
            bytes += block.len();
            if bytes > BLOCKS_BYTES && !all.is_empty() {
                break;
            }
            all.push(block);
        }
        all
    }

    /// How this node stands; `None` where it can't be said.
    fn standing(&self, of: &Asker, beside: Option<SignedAsker>) -> Option<Answer> {
        let newest = self.exchange.newest_of(&PublicKey::from_slice(&of.key).ok()?.key_id());
        let withheld = self.withheld.borrow().clone();
        let own = self.key.public();
        let chain = self.chain();
        let (id, header) = (chain.founding().chain(), chain.header());
        let is_validator = chain.validators().get(&own.key_id()).is_some();
        let certificate = chain.last_certificate().map(|it| it.encode_to_vec());
        let standing = Standing {
            number: of.number,
            height: header.height.get(),
            header: header.to_bytes().to_vec(),
            certificate: certificate.unwrap_or_default(),
            newest,
            beside,
            now_ms: clock::now().get(),
            votes: is_validator && withheld.is_none(),
            withheld: withheld.map(|it| (it.why.code().to_owned(), it.until.map(Height::get))),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        drop(chain);
        let standing = codec::encode(&standing).ok()?;
        let signature = self.key.sign(&standing_bytes(&id, b"says", &standing)).to_vec();
        let key = own.as_bytes().first_chunk().copied()?;
        Some(Answer::Standing { standing, key, signature })
    }

    fn chain(&self) -> RwLockReadGuard<'_, Chain> {
        self.chain.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes that a process asked; another one with its key that asked lately, the one that began first.
fn beside(processes: &mut Processes, asker: &Asker, signed: SignedAsker) -> Option<SignedAsker> {
    processes.retain(|_, all| {
        all.retain(|_, (asked, _)| clock::since(*asked) < ENDED);
        !all.is_empty()
    });
    let is_fresh = asker.at_ms.abs_diff(clock::now().get()) < FRESH_MS;
    let all = processes.entry(asker.key).or_default();
    if is_fresh && (all.len() < PROCESSES || all.contains_key(&asker.began_ms)) {
        all.insert(asker.began_ms, (clock::moment(), signed));
    }
    let others = all.iter().filter(|(began, _)| **began != asker.began_ms);
    others.min_by_key(|(began, _)| **began).map(|(_, (_, signed))| signed.clone())
}
