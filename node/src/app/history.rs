//! What a block of the log says by itself: its events, checked against its header. No rule is run again.

use super::Chain;
use crate::codec;
use crate::store::{BlockLog, StoreError, StoredBlock};
use liuhen_proto::event::ledger::LedgerEvent;
use liuhen_proto::event::{EventLeaf, Outcome};
use liuhen_proto::header::{
    block::Header, certificate, founding::Founding, validators::ValidatorSet,
};
use liuhen_proto::items;
use liuhen_proto::merkle::{Blake3Log, log};
use liuhen_proto::place::Place;
use liuhen_proto::tx::Tx;
use liuhen_proto::types::{BlockId, Hash, Height, TxId};
use liuhen_proto::wire;
use liuhen_proto::{canonical, merkle};
use merkle::Tree;

/// An event, and the trails that it is on.
#[derive(Debug, Clone)]
pub struct Told {
    /// Its leaf.
    pub leaf: EventLeaf,
    /// As its bytes say.
    pub trails: Vec<Place>,
}

/// The events of a block. Errors where they are not those that its header commits to.
pub(super) fn events(stored: &StoredBlock) -> Result<(Header, Vec<Told>), StoreError> {
    let header = stored.block.header().map_err(|e| StoreError::Damaged(e.to_string()))?;
    let damaged = |why: &str| StoreError::Damaged(format!("block {}: {why}", header.height));
    let mut items = Vec::new();
    for bytes in &stored.block.transactions {
        let tx = Tx::parse(bytes).map_err(|e| damaged(&e.to_string()))?;
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
        true => Ok((header, events)),
        false => Err(damaged("its events are not those of its header")),
    }
}

impl Chain {
    /// The block of a height, as somebody else's log has it, made one that this log may hold. Errors where it is not the one
    /// that this chain has there.
    pub fn readable(&self, height: Height, bytes: &[u8]) -> Result<StoredBlock, StoreError> {
        let damaged = |why: String| StoreError::Damaged(format!("block {height}: {why}"));
        let mut stored: StoredBlock = codec::decode(bytes).map_err(|e| damaged(e.to_string()))?;
        let (header, _) = events(&stored)?;
        let id = header.block_id();
        let known = self.headers.node(0, height.get());
        let is_known = known.is_ok_and(|it| it == Hash::new(*id.as_bytes()));
        if header.height != height || !is_known {
            return Err(damaged("of another chain".into()));
        }
        let carried = stored.block.last_certificate().map_err(|e| damaged(e.to_string()))?;
        if certificate::commit_hash(carried.as_ref()) != header.last_commit {
            return Err(damaged("another certificate of the block before".into()));
        }
        match header.next_validators_hash == header.validators_hash {
            true => stored.next_validators.clear(),
            false => drop(next_validators(&stored, &header)?),
        }
        stored.certificate = self.certificate_of(height, &id)?;
        Ok(stored)
    }

    /// The certificate of a block as the block behind it carries it, or as this node saw it last.
    fn certificate_of(&self, height: Height, id: &BlockId) -> Result<Vec<u8>, StoreError> {
        use prost::Message as _;
        let damaged = || StoreError::Damaged(format!("block {height}: its certificate"));
        let carried = match self.log.read(height.next())? {
            Some(behind) => behind.block.last_certificate().map_err(|_| damaged())?,
            None => self.last_certificate.clone(),
        };
        let is_its =
            |it: &wire::Certificate| it.block_id == id.as_bytes() && it.height == height.get();
        Ok(carried.filter(is_its).ok_or_else(damaged)?.encode_to_vec())
    }

    /// Heights whose blocks can't be read here, the highest first: the block behind one is needed to fill it.
    pub fn holes(&self) -> Vec<Height> {
        self.log.holes().rev().collect()
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
    let mut headers = merkle::MemoryLog::<merkle::Sha256Log>::default();
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
    let (header, told) = events(&stored)?;
    let id = header.block_id();
    if header.chain != founding.chain() || header.height != height || header.log_root != log_root {
        return Err(wrong("does not follow on the block before".into()));
    }
    let carried = certificate::decode(&stored.certificate).map_err(|e| wrong(e.to_string()))?;
    certificate::verify(&carried, &founding.chain(), height, &id, signers)
        .map_err(|e| wrong(e.to_string()))?;
    if header.next_validators_hash != header.validators_hash {
        *signers = next_validators(&stored, &header).map_err(|e| wrong(e.to_string()))?;
    }
    Ok((header, told.len() as u64))
}

/// The validators that a block names for the next. Errors where they are not those that its header commits to.
fn next_validators(stored: &StoredBlock, header: &Header) -> Result<ValidatorSet, StoreError> {
    let damaged = |why: String| StoreError::Damaged(why);
    let next = &stored.next_validators;
    let set: wire::ValidatorSet =
        canonical::decode("validators", next, next.len()).map_err(|e| damaged(e.to_string()))?;
    let set = ValidatorSet::from_wire(&set.validators).map_err(|e| damaged(e.to_string()))?;
    match set.hash() == header.next_validators_hash {
        true => Ok(set),
        false => Err(damaged("other validators".into())),
    }
}
