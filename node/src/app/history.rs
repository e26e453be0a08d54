//! What a block of the log says by itself: its events, checked against its header. No rule is run again.

use super::Chain;
use crate::codec;
use crate::store::{StoreError, StoredBlock};
use liuhen_proto::event::ledger::LedgerEvent;
use liuhen_proto::event::{EventLeaf, Outcome};
use liuhen_proto::header::{block::Header, certificate, validators::ValidatorSet};
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
        let changes = header.next_validators_hash != header.validators_hash;
        let next = &stored.next_validators;
        if changes {
            let set: wire::ValidatorSet = canonical::decode("validators", next, next.len())
                .map_err(|e| damaged(e.to_string()))?;
            let set = ValidatorSet::from_wire(&set.validators);
            let set = set.map_err(|e| damaged(e.to_string()))?;
            if set.hash() != header.next_validators_hash {
                return Err(damaged("other validators".into()));
            }
        } else {
            stored.next_validators.clear();
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
