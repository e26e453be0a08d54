//! The chain as this node has it: the log, the index, the map, and where the next block follows on.

use super::Candidate;
use crate::store::{Base, Block, BlockLog, Index, StoreError, StoredBlock};
use liuhen_proto::event::Outcome;
use liuhen_proto::header::{
    block::PROTOCOL, founding::Founding, turns::Turns, validators::ValidatorSet,
};
use liuhen_proto::ledger::seal::{self, Parent, seal};
use liuhen_proto::ledger::{
    Begun, BlockContext, Delta, Draft, Halt, Missing, NotApplied, Refusal, View,
};
use liuhen_proto::merkle::trie::Trie;
use liuhen_proto::merkle::{MemoryLog, Sha256Log};
use liuhen_proto::place::Place;
use liuhen_proto::suite::sign::PublicKey;
use liuhen_proto::tx::Tx;
use liuhen_proto::types::{Hash, Height, KeyId, TimeMs, TxId};
use liuhen_proto::wire;
use prost::Message;
use std::sync::{Arc, Mutex, PoisonError};

/// The chain up to the last committed block.
#[derive(Debug)]
pub struct Chain {
    pub(super) founding: Founding,
    pub(super) log: BlockLog,
    pub(super) index: Index,
    pub(super) trie: Trie,
    pub(super) parent: Parent,
    pub(super) headers: MemoryLog<Sha256Log>,
    /// Who signed the last committed block, and who signs the next.
    pub(super) signed_by: ValidatorSet,
    pub(super) validators: ValidatorSet,
    /// Heights whose headers name other validators for the next block than their own.
    pub(super) changes: Vec<Height>,
    pub(super) last_certificate: Option<wire::Certificate>,
    /// What is known of the blocks before the snapshot by which this node joined, until they are here.
    pub(super) base: Option<Base>,
    /// The next block's beginning, behind which transactions are tried.
    pub(super) begun: Mutex<Option<Begun>>,
}

/// For how long transactions are tried behind the same beginning, milliseconds.
const BEGUN_FOR_MS: u64 = 1_000;

/// A transaction that the rules refused, and why.
pub type RefusedTx = (Arc<Tx>, NotApplied);

/// A block that was built.
#[derive(Debug)]
pub struct Built {
    /// The block, with what it changes.
    pub candidate: Candidate,
    /// What the rules refused, and why.
    pub refused: Vec<RefusedTx>,
    /// A key that found no room, before others one that has nothing in the block: the next block begins with it.
    pub left_out: Option<KeyId>,
}

/// Keys of which a transaction found no room, after which a block is done: each try costs what applying costs.
const KEYS_WITHOUT_ROOM: usize = 16;

/// A committed block, as those who wait for its transactions are told of it.
#[derive(Debug, Clone)]
pub struct CommittedBlock {
    /// Its height.
    pub height: Height,
    /// Its time.
    pub time: TimeMs,
    /// Its transactions, in order.
    pub transactions: Vec<CommittedTx>,
}

/// A committed transaction.
#[derive(Debug, Clone)]
pub struct CommittedTx {
    /// Its id.
    pub id: TxId,
    /// The key that signed it.
    pub key: KeyId,
    /// The seq of the key's next transaction.
    pub next_seq: u64,
    /// Place of its first event in the block.
    pub first_event: u32,
    /// What the rules made of each item.
    pub outcomes: Vec<Outcome>,
}

impl Chain {
    /// The founding document.
    pub fn founding(&self) -> &Founding {
        &self.founding
    }

    /// The last committed header.
    pub fn header(&self) -> &liuhen_proto::header::block::Header {
        &self.parent.header
    }

    /// The certificate of the last committed block, as this node saw it.
    pub fn last_certificate(&self) -> Option<&wire::Certificate> {
        self.last_certificate.as_ref()
    }

    /// The height of the next block.
    pub fn next_height(&self) -> Height {
        self.parent.header.height.next()
    }

    /// Who signs the next block.
    pub fn validators(&self) -> &ValidatorSet {
        &self.validators
    }

    /// Whose turn it is to propose the next block, by round.
    pub fn turns(&self) -> Result<Turns, StoreError> {
        let missed: Option<Arc<wire::ProposerTurns>> = self.index.typed(&Place::proposer_turns())?;
        let missed = missed.as_ref().map_or(&[][..], |it| &it.next);
        Ok(Turns::new(&self.validators, missed, self.next_height()))
    }

    /// The validators that sign a height, as far as the ledger says now.
    pub(super) fn validators_at(&self, height: Height) -> Result<ValidatorSet, StoreError> {
        let place = Place::validator_schedule();
        validators_at(self.index.get(&place)?, height)
    }

    /// When the next timer goes off.
    pub fn next_timer(&self) -> Result<Option<TimeMs>, StoreError> {
        self.index.next_timer()
    }

    /// The nodes that may connect, as the ledger has them.
    pub fn peers(&self) -> Result<Vec<wire::Peer>, StoreError> {
        let peers: Option<Arc<wire::Peers>> = self.index.typed(&Place::peers())?;
        Ok(peers.map(|it| it.peers.clone()).unwrap_or_default())
    }

    /// The protocol version of the next block, where it is one that this program does not know.
    pub fn unknown_protocol(&self) -> Result<Option<u32>, StoreError> {
        let schedule: Option<Arc<wire::ProtocolSchedule>> =
            self.index.typed(&Place::protocol_schedule())?;
        let begun = schedule.filter(|it| it.height <= self.next_height().get());
        Ok(begun.map(|it| it.protocol).filter(|protocol| *protocol > PROTOCOL))
    }

    /// The index.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The block log.
    pub fn log(&self) -> &BlockLog {
        &self.log
    }

    /// The map.
    pub fn trie(&self) -> &Trie {
        &self.trie
    }

    /// The public key of a key id, if it is on the ledger.
    pub fn public_key(&self, key: &KeyId) -> Result<Option<PublicKey>, Missing> {
        let object = self.index.object(&Place::key(key))?;
        let object = object.and_then(|it| Arc::<wire::Key>::try_from(it).ok());
        Ok(object.and_then(|it| PublicKey::from_slice(&it.public_key).ok()))
    }

    /// The seq of a key's next transaction.
    pub fn next_seq(&self, key: &KeyId) -> Result<u64, Missing> {
        self.index.trail_size(&Place::key_trail(key))
    }

    /// Where a next block of this time would stand that carries this certificate of the one before.
    pub(super) fn context(
        &self,
        time: TimeMs,
        certificate: Option<&wire::Certificate>,
    ) -> BlockContext {
        BlockContext {
            height: self.next_height(),
            time,
            parent_id: self.parent.header.block_id(),
            parent_time: self.parent.header.time,
            carried_round: certificate.map(|it| it.round),
        }
    }

    /// What a transaction would do if it were alone in the next block, as that would begin now or began up to a second ago: a
    /// thousand timers need not go off for each.
    pub fn dry_run(&self, tx: &Tx, time: TimeMs) -> Result<(), NotApplied> {
        let context = self.context(self.not_before_parent(time), self.last_certificate.as_ref());
        let missing = |e: Missing| NotApplied { item: None, why: e.into() };
        let chain = self.founding.chain();
        let mut known = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |it: &Begun| {
            let (then, now) = (it.context(), &context);
            let same = (then.height, then.parent_id) == (now.height, now.parent_id);
            same && now.time >= then.time && now.time.since(then.time) < BEGUN_FOR_MS
        };
        if let Some(begun) = known.as_ref().filter(|it| fresh(it)).cloned() {
            let is_now = begun.context().time == context.time;
            drop(known);
            let tried = begun.draft(&self.index, chain).transaction(tx);
            if tried.is_ok() || is_now {
                return tried;
            }
            // What was refused a moment ago may be taken now.
            known = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        }
        let begun = Draft::new(&self.index, context, chain).map_err(missing)?.begun();
        *known = Some(begun.clone());
        drop(known);
        begun.draft(&self.index, chain).transaction(tx)
    }

    /// The earliest time from `time` on that a next block may have.
    pub fn not_before_parent(&self, time: TimeMs) -> TimeMs {
        time.max(self.parent.header.time.plus(1))
    }

    /// Builds the next block from transactions whose signatures are good, leaving out those that
    /// the rules refuse.
    pub fn propose(
        &self,
        proposer: KeyId,
        now: TimeMs,
        transactions: Vec<Arc<Tx>>,
    ) -> Result<Built, StoreError> {
        let full = Halt::Refused(Refusal::BlockFull);
        let certificate = self.last_certificate.as_ref();
        let context = self.context(self.not_before_parent(now), certificate);
        let mut draft = Draft::new(&self.index, context, self.founding.chain())
            .map_err(|e| StoreError::Damaged(e.to_string()))?;
        let (mut taken, mut refused) = (Vec::<Arc<Tx>>::new(), Vec::new());
        let mut without_room = Vec::new();
        for tx in transactions {
            let key = tx.header().key;
            if without_room.contains(&key) {
                continue;
            }
            match draft.transaction(&tx) {
                Ok(()) => taken.push(tx),
                // What finds no room behind others waits, and with it what its key has behind it: others may be smaller.
                Err(why) if why.why == full && !taken.is_empty() => {
                    without_room.push(key);
                    if without_room.len() == KEYS_WITHOUT_ROOM {
                        break;
                    }
                }
                Err(why) => refused.push((tx, why)),
            }
        }
        let has_some = |key: &&KeyId| taken.iter().any(|tx| tx.header().key == **key);
        let left_out = without_room.iter().find(|key| !has_some(key)).or(without_room.first());
        let left_out = left_out.copied();
        let delta = draft.finish();
        let candidate = self.sealed(proposer, context.time, certificate, taken, delta)?;
        Ok(Built { candidate, refused, left_out })
    }

    /// Seals a block from what its transactions change.
    pub(super) fn sealed(
        &self,
        proposer: KeyId,
        time: TimeMs,
        last_certificate: Option<&wire::Certificate>,
        transactions: Vec<Arc<Tx>>,
        delta: Delta,
    ) -> Result<Candidate, StoreError> {
        let sealed = seal(&delta, &self.index, &self.trie)?;
        let count = delta.events.len();
        let place = Place::validator_schedule();
        let schedule = match delta.objects.get(&place) {
            Some(object) => object.clone(),
            None => self.index.get(&place)?,
        };
        let next = validators_at(schedule, self.next_height().next())?;
        let hash = next.hash();
        let header =
            seal::header(&self.parent, time, proposer, last_certificate, count, &sealed, hash);
        let block = Block {
            header: header.to_bytes().to_vec(),
            last_certificate: last_certificate.map(Message::encode_to_vec).unwrap_or_default(),
            transactions: transactions.iter().map(|tx| tx.raw().to_vec()).collect(),
        };
        let id = header.block_id();
        Ok(Candidate { id, header, block, transactions, delta, sealed, next_validators: next })
    }

    /// Appends a decided block: on disk first, then in the index and the map. Committing the last
    /// block again does nothing.
    pub fn commit(
        &mut self,
        candidate: &Candidate,
        certificate: wire::Certificate,
    ) -> Result<Option<CommittedBlock>, StoreError> {
        if candidate.header.height != self.next_height() {
            return Ok(None);
        }
        let outcomes = candidate.delta.events.iter().map(|it| it.leaf.outcome.to_bits()).collect();
        let ledger_events = candidate.delta.events.iter().filter_map(|it| it.ledger.clone());
        let places = candidate.delta.events.iter().filter(|it| it.ledger.is_some());
        let header = &candidate.header;
        let next_validators = match header.next_validators_hash == header.validators_hash {
            true => Vec::new(),
            false => candidate.next_validators.to_wire().encode_to_vec(),
        };
        let stored = StoredBlock {
            block: candidate.block.clone(),
            certificate: certificate.encode_to_vec(),
            outcomes,
            ledger_events: ledger_events.collect(),
            ledger_places: places.map(|it| it.leaf.index).collect(),
            next_validators,
        };
        self.log.append(&stored)?;
        self.take_in(candidate)?;
        self.last_certificate = Some(certificate);
        Ok(Some(committed(candidate)))
    }

    /// Moves on to a block that is in the log.
    pub(super) fn take_in(&mut self, candidate: &Candidate) -> Result<(), StoreError> {
        let ids: Vec<TxId> = candidate.transactions.iter().map(|tx| tx.id()).collect();
        let height = candidate.header.height;
        self.index.add(height, candidate.delta.clone(), &candidate.sealed, &ids)?;
        self.trie = candidate.sealed.trie.clone();
        let next = candidate.next_validators.clone();
        self.signed_by = std::mem::replace(&mut self.validators, next);
        self.follow(candidate.header.clone());
        Ok(())
    }

    /// Lets the next block follow on a header.
    pub(super) fn follow(&mut self, header: liuhen_proto::header::block::Header) {
        if header.next_validators_hash != header.validators_hash {
            self.changes.push(header.height);
        }
        self.headers.push(Hash::new(*header.block_id().as_bytes()));
        self.parent = Parent { header, log_root: self.headers.root() };
    }

    /// Writes the index to disk, as before a stop.
    pub fn write_index(&mut self) -> Result<(), StoreError> {
        self.index.write()
    }
}

fn committed(candidate: &Candidate) -> CommittedBlock {
    // Between the items stand the events that the rules made.
    let items = candidate.delta.events.iter().filter(|event| event.ledger.is_none());
    let mut leaves = items.map(|event| &event.leaf);
    let mut transactions = Vec::with_capacity(candidate.transactions.len());
    for tx in &candidate.transactions {
        let own: Vec<_> = leaves.by_ref().take(tx.items().len()).collect();
        let first_event = own.first().map_or(0, |leaf| leaf.index);
        let outcomes: Vec<Outcome> = own.iter().map(|leaf| leaf.outcome).collect();
        let (id, key, next_seq) = (tx.id(), tx.header().key, tx.next_seq());
        transactions.push(CommittedTx { id, key, next_seq, first_event, outcomes });
    }
    CommittedBlock { height: candidate.header.height, time: candidate.header.time, transactions }
}

fn validators_at(
    schedule: Option<liuhen_proto::ledger::Object>,
    height: Height,
) -> Result<ValidatorSet, StoreError> {
    let damaged = || StoreError::Damaged(format!("validators of height {height}"));
    let schedule = schedule.and_then(|it| Arc::<wire::ValidatorSchedule>::try_from(it).ok());
    seal::validators_at(&*schedule.ok_or_else(damaged)?, height).ok_or_else(damaged)
}
