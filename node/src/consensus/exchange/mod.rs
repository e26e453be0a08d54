//! What goes between this node's engine and those of others, and what is remembered of it.
//!
//! **Outgoing** ([`outgoing`]): whatever the node's key signed is on record, synced, before it is sent; the same message
//! goes out again byte for byte, what contradicts the record is dropped here, and the engine never hears of it. The engine
//! has flushed its own log by then, but for what it signs while it plays that log back: that the record keeps for the log.
//!
//! **Heard** ([`heard`]): what others signed at the heights about the open one, by digest, verified once for all who ask.
//!
//! **Relaying** ([`relay`]): the engine's network reaches direct neighbours alone. While an open height makes no progress,
//! each neighbour is asked for what this node lacks, so that what reached one connected node reaches all as long as the
//! graph of links is connected. Where every link is up and quick, nothing is asked.

pub(super) mod heard;
pub(super) mod outgoing;
pub(super) mod relay;

use super::signing::{author, signed};
use super::types::{Address, Ctx, ValidatorSet};
use super::withheld::{Played, is_unknown};
use crate::gossip::Stream;
use crate::store::StoreError;
use crate::store::undecided::Undecided;
use crate::store::votes::{Noted, PlayedBack, Signed, VoteRecord};
use heard::Heard;
use liuhen_proto::suite::sign::PublicKey;
use liuhen_proto::types::{ChainId, Height, KeyId};
use malachitebft_app_channel::app::consensus::SignedConsensusMsg;
use malachitebft_app_channel::app::types::core::Round;
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::{oneshot, watch};

/// Shared between what goes out, what comes in, and who asks for it.
#[derive(Clone)]
pub struct Exchange(Arc<Inner>);

struct Inner {
    chain: ChainId,
    own: Address,
    key: PublicKey,
    record: Arc<Mutex<VoteRecord>>,
    /// To the thread that writes the record, so that syncing holds up nobody else; without one it is written at once.
    notes: Option<std::sync::mpsc::Sender<Note>>,
    heard: Mutex<Heard>,
    /// The log that the engine played back when it began.
    played: Mutex<Option<Played>>,
    /// Why nothing may be sent any more.
    failed: watch::Sender<Option<String>>,
    /// Holds the record for this process.
    _lock: Option<File>,
}

/// A message for the record, and who waits for what comes of it.
type Note = (Signed, Option<PlayedBack>, oneshot::Sender<Result<Noted, StoreError>>);

impl Exchange {
    /// Of a node with this key, whose record this is.
    pub fn new(chain: ChainId, key: PublicKey, record: VoteRecord, lock_of_record: File) -> Self {
        let record = Arc::new(Mutex::new(record));
        let (notes, to_note) = std::sync::mpsc::channel::<Note>();
        let of_thread = Arc::clone(&record);
        std::thread::spawn(move || {
            while let Ok((signed, by, reply)) = to_note.recv() {
                let noted = note_in(&mut lock(&of_thread), signed, by);
                let _ = reply.send(noted);
            }
        });
        Self::of(chain, key, record, Some(notes), Some(lock_of_record))
    }

    /// The same for who holds the record already, and writes it on the thread that sends.
    pub(crate) fn on_one_thread(chain: ChainId, key: PublicKey, record: VoteRecord) -> Self {
        Self::of(chain, key, Arc::new(Mutex::new(record)), None, None)
    }

    fn of(
        chain: ChainId,
        key: PublicKey,
        record: Arc<Mutex<VoteRecord>>,
        notes: Option<std::sync::mpsc::Sender<Note>>,
        lock_of_record: Option<File>,
    ) -> Self {
        Self(Arc::new(Inner {
            chain,
            own: Address(key.key_id()),
            key,
            record,
            notes,
            heard: Mutex::new(Heard::default()),
            played: Mutex::new(None),
            failed: watch::Sender::new(None),
            _lock: lock_of_record,
        }))
    }

    /// The record of votes.
    pub fn record(&self) -> MutexGuard<'_, VoteRecord> {
        lock(&self.0.record)
    }

    /// Whether nothing may be sent any more.
    pub(crate) fn has_failed(&self) -> bool {
        self.0.failed.borrow().is_some()
    }

    /// Tells why nothing may be sent any more, once that is so.
    pub(super) fn failed(&self) -> watch::Receiver<Option<String>> {
        self.0.failed.subscribe()
    }

    /// The last message of a key that was heard or sent, as the engine's codec has it.
    pub fn newest_of(&self, key: &KeyId) -> Option<Vec<u8>> {
        lock(&self.0.heard).newest_of(&Address(*key))
    }

    /// The last message that others hold of this node's key, as one of them gave it; `None` where it is none.
    pub fn own_message(&self, bytes: &[u8]) -> Option<Signed> {
        let message = heard::decode(bytes)?;
        let said = signed(&self.0.chain, &message);
        let own = author(&message) == self.0.own;
        (own && self.0.key.verify(&said.bytes, message.signature())).then_some(said)
    }

    /// Whether others heard something of this node's key that its record does not know.
    pub fn is_unknown(&self, heard: &Signed) -> bool {
        is_unknown(&self.record(), heard)
    }

    /// Whether the record has nothing of where this was signed, and something of later.
    fn is_old(&self, said: &Signed) -> bool {
        let record = self.record();
        record.judge(said) == Noted::Contradicts
            && !record.signed().any(|it| it.place() == said.place())
    }

    /// What the log lacks that the engine played back, where it signed this meanwhile.
    fn lacks(&self, message: &SignedConsensusMsg<Ctx>) -> anyhow::Result<Option<PlayedBack>> {
        let played = lock(&self.0.played).clone();
        played.map_or(Ok(None), |it| it.lacks(message))
    }

    /// Notes a message of this node's key that is to be sent. Whether it may be.
    async fn note(&self, signed: Signed, by: Option<PlayedBack>) -> bool {
        if self.0.failed.borrow().is_some() {
            return false;
        }
        let place = signed.place();
        let noted = match &self.0.notes {
            Some(notes) => note_by(notes, signed, by).await,
            None => note_in(&mut self.record(), signed, by),
        };
        match noted {
            Ok(Noted::New | Noted::Same) => true,
            Ok(Noted::Contradicts) => {
                let (height, round, step) = place;
                tracing::error!(%height, round, ?step, "a message that contradicts the record of votes was not sent");
                false
            }
            Err(error) => {
                tracing::error!(%error, "the record of votes can't be written");
                self.0.failed.send_replace(Some(error.to_string()));
                false
            }
        }
    }

    /// Takes in what somebody signed. Whether it is new, and was signed by the validator that it names.
    pub(crate) fn take_in(&self, message: &SignedConsensusMsg<Ctx>) -> bool {
        lock(&self.0.heard).take_in(&self.0.chain, message)
    }

    /// An engine is to be started: it has heard nothing yet but these.
    pub(super) fn begin(
        &self,
        next: Height,
        validators: Option<ValidatorSet>,
        messages: &[SignedConsensusMsg<Ctx>],
        played: Option<Played>,
    ) {
        *lock(&self.0.played) = played;
        let mut heard = lock(&self.0.heard);
        heard.begin(next, validators);
        for message in messages {
            heard.take_in(&self.0.chain, message);
        }
    }

    /// A height begins, or a round of it.
    pub(super) fn open(&self, height: Height, round: Round) {
        lock(&self.0.heard).open(height, round.as_u32().unwrap_or(0));
    }

    /// Keeps the stream of an undecided block, for whom it did not reach.
    pub(super) fn keep(&self, block: Arc<Undecided>) {
        lock(&self.0.heard).keep(block);
    }

    /// What this node holds of a height, for who holds this of it.
    pub fn missing(
        &self,
        height: Height,
        have: &[u64],
        blocks: &[[u8; 32]],
    ) -> (Vec<Vec<u8>>, Vec<[u8; 32]>) {
        lock(&self.0.heard).missing(height, have, blocks)
    }

    /// The stream of an undecided block.
    pub(crate) fn stream(&self, height: Height, block: &[u8; 32]) -> Option<Stream> {
        lock(&self.0.heard).stream(height, block)
    }

    pub(crate) fn set_validators(&self, set: ValidatorSet) {
        lock(&self.0.heard).set_validators(set);
    }

    /// The open height, since when nothing new came, and what this node holds of it; `None` where none is open.
    fn held(&self) -> Option<Held> {
        lock(&self.0.heard).held()
    }

    /// The height is decided, or the engine stands.
    pub(super) fn close(&self) {
        lock(&self.0.heard).close();
    }
}

fn note_in(
    record: &mut VoteRecord,
    signed: Signed,
    by: Option<PlayedBack>,
) -> Result<Noted, StoreError> {
    match by {
        Some(by) => record.note_played_back(signed, by),
        None => record.note(signed),
    }
}

/// Has the thread of the record note a message.
async fn note_by(
    notes: &std::sync::mpsc::Sender<Note>,
    signed: Signed,
    by: Option<PlayedBack>,
) -> Result<Noted, StoreError> {
    let stopped = || StoreError::Damaged("record of votes: its thread has stopped".into());
    let (reply, noted) = oneshot::channel();
    notes.send((signed, by, reply)).map_err(|_| stopped())?;
    noted.await.unwrap_or_else(|_| Err(stopped()))
}

/// What a node holds of its open height.
struct Held {
    height: Height,
    since: Instant,
    messages: Vec<u64>,
    blocks: Vec<[u8; 32]>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
