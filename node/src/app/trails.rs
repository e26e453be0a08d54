//! Reading events: from a number on a trail to the signed bytes in the block log.

use super::Chain;
use crate::store::{StoreError, StoredBlock};
use liuhen_proto::event::ledger::LedgerEvent;
use liuhen_proto::event::{EventLeaf, Verdict};
use liuhen_proto::items::{self, Item};
use liuhen_proto::place::Place;
use liuhen_proto::tx::Tx;
use liuhen_proto::types::{Height, TimeMs, TxId};
use liuhen_proto::wire::{self, item::Kind};
use std::collections::HashMap;
use std::sync::Arc;

/// Which events of a trail are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// With one of these verdicts; empty: any.
    pub verdicts: Vec<Verdict>,
    /// Block time from.
    pub from: Option<TimeMs>,
    /// Block time before.
    pub until: Option<TimeMs>,
}

impl EventFilter {
    pub(crate) fn takes(&self, leaf: &EventLeaf) -> bool {
        let verdict = self.verdicts.is_empty() || self.verdicts.contains(&leaf.outcome.verdict);
        let from = self.from.is_none_or(|from| leaf.time >= from);
        verdict && from && self.until.is_none_or(|until| leaf.time < until)
    }
}

/// An event with its bytes.
#[derive(Debug, Clone)]
pub struct ReadEvent {
    /// Its number on the trail.
    pub number: u64,
    /// Its leaf.
    pub leaf: EventLeaf,
    /// Its bytes.
    pub source: Source,
}

/// Where an event's bytes are.
#[derive(Debug, Clone)]
pub enum Source {
    /// In the transaction that holds it.
    Item(Arc<Tx>),
    /// An event that the rules made: here.
    Ledger(Vec<u8>),
}

impl ReadEvent {
    /// What the item says that made it; `None` for an event of the ledger's own.
    pub fn item(&self) -> Option<&Kind> {
        match &self.source {
            Source::Item(tx) => tx.items().get(self.leaf.item as usize).map(Item::kind),
            Source::Ledger(_) => None,
        }
    }

    /// The trails that it is on, as its bytes say.
    pub fn trails(&self) -> Vec<Place> {
        match &self.source {
            Source::Item(tx) => {
                let item = tx.items().get(self.leaf.item as usize);
                let trails = item.map(|item| items::trails(tx.header(), self.leaf.item, item));
                trails.unwrap_or_default()
            }
            Source::Ledger(bytes) => {
                LedgerEvent::parse(bytes).map(|it| it.trails()).unwrap_or_default()
            }
        }
    }

    /// As a node sends it.
    pub fn to_wire(&self) -> wire::TrailEvent {
        let mut event = wire::TrailEvent {
            number: self.number,
            leaf: self.leaf.to_bytes().to_vec(),
            ..wire::TrailEvent::default()
        };
        match &self.source {
            Source::Item(tx) => {
                event.header = tx.header_bytes().to_vec();
                let item = tx.items().get(self.leaf.item as usize);
                event.item = item.map(|item| item.bytes().to_vec()).unwrap_or_default();
            }
            Source::Ledger(bytes) => event.ledger_event.clone_from(bytes),
        }
        event
    }
}

/// Events looked at for one page at most, so that a filter that takes none costs little.
const LOOKED_AT: usize = 20_000;

/// Bytes of items in one page at most, so that it fits into a message.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// What a block holds, parsed.
#[derive(Debug)]
struct Contents {
    transactions: HashMap<TxId, Arc<Tx>>,
    ledger_events: Vec<Vec<u8>>,
}

/// Parsed blocks that a reader has met; the last few.
#[derive(Debug, Default)]
pub struct Blocks(HashMap<Height, Contents>);

impl Blocks {
    /// The bytes that a leaf stands for.
    pub fn source(&mut self, chain: &Chain, leaf: &EventLeaf) -> Result<Source, StoreError> {
        let damaged = || StoreError::Damaged(format!("block {}", leaf.height));
        if !self.0.contains_key(&leaf.height) {
            let stored = chain.log.read(leaf.height)?.ok_or_else(damaged)?;
            if self.0.len() >= 16 {
                self.0.clear();
            }
            self.0.insert(leaf.height, parse(stored).ok_or_else(damaged)?);
        }
        let block = self.0.get(&leaf.height).ok_or_else(damaged)?;
        if leaf.origin == TxId::ZERO {
            let bytes = block.ledger_events.get(leaf.item as usize).cloned();
            return bytes.map(Source::Ledger).ok_or_else(damaged);
        }
        block.transactions.get(&leaf.origin).cloned().map(Source::Item).ok_or_else(damaged)
    }
}

fn parse(stored: StoredBlock) -> Option<Contents> {
    let all = stored.block.transactions.iter().map(|bytes| Tx::parse(bytes).ok());
    let transactions = all.map(|tx| tx.map(|tx| (tx.id(), Arc::new(tx)))).collect::<Option<_>>()?;
    Some(Contents { transactions, ledger_events: stored.ledger_events })
}

impl Chain {
    /// Events of a trail from number `from` on (downwards if `newest_first`), at most `limit` that
    /// the filter takes. Gives also the number to go on from, if there may be more.
    pub fn read_trail(
        &self,
        trail: &Place,
        size: u64,
        from: u64,
        newest_first: bool,
        filter: &EventFilter,
        limit: usize,
    ) -> Result<(Vec<ReadEvent>, Option<u64>), StoreError> {
        let numbers: Box<dyn Iterator<Item = u64>> = if newest_first {
            Box::new((0..size.min(from.saturating_add(1))).rev())
        } else {
            Box::new(from..size)
        };
        let mut blocks = Blocks::default();
        let mut events = Vec::new();
        let mut bytes = 0usize;
        for (looked_at, number) in numbers.enumerate() {
            if events.len() >= limit || looked_at >= LOOKED_AT || bytes >= PAGE_BYTES {
                return Ok((events, Some(number)));
            }
            let leaf = self.leaf_of_trail(trail, number)?;
            if filter.takes(&leaf) {
                let source = blocks.source(self, &leaf)?;
                bytes = bytes.saturating_add(match &source {
                    Source::Item(tx) => {
                        let item = tx.items().get(leaf.item as usize);
                        item.map_or(0, |it| it.bytes().len()) + tx.header_bytes().len()
                    }
                    Source::Ledger(event) => event.len(),
                });
                events.push(ReadEvent { number, leaf, source });
            }
        }
        Ok((events, None))
    }

    /// The leaf of event `number` of a trail.
    pub fn leaf_of_trail(&self, trail: &Place, number: u64) -> Result<EventLeaf, StoreError> {
        let event = self.index.event_of_trail(trail, number)?;
        let damaged = || StoreError::Damaged(format!("index: {trail}, number {number}"));
        self.index.leaf(event.ok_or_else(damaged)?)
    }
}
