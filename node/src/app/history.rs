//! What a block of the log says by itself: its events, checked against its header. No rule is run again.

use super::Chain;
use crate::codec;
use crate::store::{BlockLog, StoreError, StoredBlock};
use liuhen_proto::canonical;
use liuhen_proto::event::ledger::LedgerEvent;
use liuhen_proto::event::{EventLeaf, Outcome};
use liuhen_proto::header::{
    block::Header, certificate, founding::Founding, validators::ValidatorSet,
};
use liuhen_proto::items;
use liuhen_proto::merkle::{Blake3Log, MemoryLog, Sha256Log, Tree, log};
use liuhen_proto::place::Place;
use liuhen_proto::tx::Tx;
use liuhen_proto::types::{BlockId, Hash, Height, TxId};
use liuhen_proto::wire;
use prost::Message as _;

/// What a block says.
pub(super) struct History {
    pub(super) header: Header,
    /// Its events, in order.
    pub(super) events: Vec<Told>,
    /// The ids of its transactions, in order.
    pub(super) ids: Vec<TxId>,
}

/// An event, and the trails that it is on.
#[derive(Debug, Clone)]
pub(super) struct Told {
    /// Its leaf.
    pub(super) leaf: EventLeaf,
    /// As its bytes say.
    pub(super) trails: Vec<Place>,
}

/// What a block says. Errors where its events are not those that its header commits to.
pub(super) fn history(stored: &StoredBlock) -> Result<History, StoreError> {
    let header = stored.block.header().map_err(|e| StoreError::Damaged(e.to_string()))?;
    let damaged = |why: &str| StoreError::Damaged(format!("block {}: {why}", header.height));
    let (mut items, mut ids) = (Vec::new(), Vec::new());
    for bytes in &stored.block.transactions {
        let tx = Tx::parse(bytes).map_err(|e| damaged(&e.to_string()))?;
        ids.push(tx.id());
        for (number, item) in (0u32..).zip(tx.items()) {
            let trails = items::trails(tx.header(), number, item);
            items.push((tx.id(), number, *item.digest(), trails));
        }
    }
    let mut items = items.into_iter();
    let mut ledger = (0u32..).zip(&stored.ledger_events);
    let mut events = Vec::with_capacity(stored.outcomes.len());
    for (index, bits) in (0u32..).zip(&stored.outcomes) {
        let outcome = Outcome::from_bits(*bits).ok_or_else(|| damaged("an outcome"))?;
        let (origin, item, digest, trails) = if stored.ledger_places.binary_search(&index).is_ok() {
            let (number, bytes) = ledger.next().ok_or_else(|| damaged("an event is missing"))?;
            let event = LedgerEvent::parse(bytes).map_err(|e| damaged(&e.to_string()))?;
            (TxId::ZERO, number, event.digest(), event.trails())
        } else {
            items.next().ok_or_else(|| damaged("an item is missing"))?
        };
        let (height, time) = (header.height, header.time);
        let leaf = EventLeaf { height, index, time, origin, item, digest, outcome };
        events.push(Told { leaf, trails });
    }
    let is_whole = items.next().is_none() && ledger.next().is_none();
    let root = log::root::<Blake3Log>(events.iter().map(|it| it.leaf.hash()));
    match is_whole
        && root == header.events_root
        && events.len() as u64 == u64::from(header.event_count)
    {
        true => Ok(History { header, events, ids }),
        false => Err(damaged("its events are not those of its header")),
    }
}

impl Chain {
    /// The block of a height, as somebody else's log has it, made one that this log may hold. Errors where it is not the one
    /// that this chain has there.
    pub fn readable(&self, height: Height, bytes: &[u8]) -> Result<StoredBlock, StoreError> {
        let damaged = |why: String| StoreError::Damaged(format!("block {height}: {why}"));
        let mut stored: StoredBlock = codec::decode(bytes).map_err(|e| damaged(e.to_string()))?;
        let header = history(&stored)?.header;
        let id = header.block_id();
        let known = self.headers.node(0, height.get());
        let is_known = known.is_ok_and(|it| it == Hash::new(*id.as_bytes()));
        if header.height != height || !is_known {
            return Err(damaged("of another chain".into()));
        }
        check_carried(&stored, &header)?;
        match header.next_validators_hash == header.validators_hash {
            true => stored.next_validators.clear(),
            false => drop(next_validators(&stored, &header)?),
        }
        stored.certificate = self.certificate_of(height, &id)?;
        Ok(stored)
    }

    /// The certificate of a block as the block behind it carries it, or as this node saw it last.
    fn certificate_of(&self, height: Height, id: &BlockId) -> Result<Vec<u8>, StoreError> {
        let damaged = || StoreError::Damaged(format!("block {height}: its certificate"));
        let carried = match self.log.read(height.next())? {
            Some(behind) => behind.block.last_certificate().map_err(|_| damaged())?,
            None => self.last_certificate.clone(),
        };
        let is_its =
            |it: &wire::Certificate| it.block_id == id.as_bytes() && it.height == height.get();
        Ok(carried.filter(is_its).ok_or_else(damaged)?.encode_to_vec())
    }

    /// Fills a hole of the log.
    pub fn fill(&mut self, height: Height, block: &StoredBlock) -> Result<(), StoreError> {
        self.log.fill(height, block)
    }

    /// Reads a block of the log once more. Whether it can't be read, and is a hole from now on.
    pub fn check_block(&mut self, height: Height) -> bool {
        self.log.check(height)
    }
}

/// What a block log holds, as far as it is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Its last block.
    pub height: Height,
    /// The id of that.
    pub block: BlockId,
    /// Its time, milliseconds.
    pub time_ms: u64,
    /// Events of all its blocks.
    pub events: u64,
    /// What is wrong, block by block.
    pub wrong: Vec<String>,
}

/// Goes through a block log: each block is there, follows on the one before, is certified by the validators of its height, and has
/// the events that its header commits to. No rule is run again.
pub fn check_log(log: &BlockLog, founding: &Founding) -> Checked {
    let mut headers = MemoryLog::<Sha256Log>::default();
    let mut signers = founding.validators().clone();
    let genesis = founding.header();
    let mut checked = Checked {
        height: log.height(),
        block: genesis.block_id(),
        time_ms: genesis.time.get(),
        events: 0,
        wrong: Vec::new(),
    };
    headers.push(Hash::new(*genesis.block_id().as_bytes()));
    for height in 1..=log.height().get() {
        let height = Height::new(height);
        match block(log, founding, height, headers.root(), &mut signers) {
            Ok((header, events)) => {
                let id = header.block_id();
                headers.push(Hash::new(*id.as_bytes()));
                (checked.block, checked.time_ms) = (id, header.time.get());
                checked.events = checked.events.saturating_add(events);
            }
            Err(why) => {
                checked.wrong.push(why.to_string());
                // What is behind can't be told to follow on it.
                if log.height() > height {
                    let rest =
                        format!("blocks {} to {} were not checked", height.next(), log.height());
                    checked.wrong.push(rest);
                }
                return checked;
            }
        }
    }
    checked
}

/// Checks one block; `signers` are those of the next afterwards.
fn block(
    log: &BlockLog,
    founding: &Founding,
    height: Height,
    log_root: Hash,
    signers: &mut ValidatorSet,
) -> Result<(Header, u64), StoreError> {
    let wrong = |why: String| StoreError::Damaged(format!("block {height}: {why}"));
    let stored = log.read(height)?.ok_or_else(|| wrong("is not there".into()))?;
    let History { header, events, .. } = history(&stored)?;
    check_carried(&stored, &header)?;
    let id = header.block_id();
    if header.chain != founding.chain() || header.height != height || header.log_root != log_root {
        return Err(wrong("does not follow on the block before".into()));
    }
    let carried = certificate::decode(&stored.certificate).map_err(|e| wrong(e.to_string()))?;
    certificate::verify(&carried, &founding.chain(), height, &id, signers)
        .map_err(|e| wrong(e.to_string()))?;
    if header.next_validators_hash != header.validators_hash {
        *signers = next_validators(&stored, &header)?;
    }
    Ok((header, events.len() as u64))
}

/// Checks that the certificate that a block carries is the one that its header commits to.
pub(super) fn check_carried(stored: &StoredBlock, header: &Header) -> Result<(), StoreError> {
    let damaged = |why: &str| StoreError::Damaged(format!("block {}: {why}", header.height));
    let carried = stored.block.last_certificate().map_err(|e| damaged(&e.to_string()))?;
    match certificate::commit_hash(carried.as_ref()) == header.last_commit {
        true => Ok(()),
        false => Err(damaged("another certificate of the block before")),
    }
}

/// The validators that a block names for the next. Errors where they are not those that its header commits to.
pub(super) fn next_validators(
    stored: &StoredBlock,
    header: &Header,
) -> Result<ValidatorSet, StoreError> {
    let height = header.height;
    let damaged = || StoreError::Damaged(format!("block {height}: its next validators"));
    let next = &stored.next_validators;
    let set: wire::ValidatorSet =
        canonical::decode("validators", next, next.len()).map_err(|_| damaged())?;
    let set = ValidatorSet::from_wire(&set.validators).map_err(|_| damaged())?;
    (set.hash() == header.next_validators_hash).then_some(set).ok_or_else(damaged)
}
