//! A block's loop: first what is due, then its transactions, each whole or not at all.

use super::delta::{Delta, Event};
use super::overlay::{Layer, Touched};
use super::{
    BlockContext, Draft, Missing, NotApplied, Refusal, View, authority, proposers, recent_blocks,
};
use crate::event::{EventLeaf, Outcome};
use crate::items::{self, due, table};
use crate::tx::Tx;
use crate::types::{ChainId, TxId, limits};
use crate::wire;

/// What the beginning of a block changed, so that several transactions can be tried behind it one by one, and timers go off
/// once for all of them.
#[derive(Debug, Clone)]
pub struct Begun {
    context: BlockContext,
    block: Layer,
    touched: Touched,
}

impl Begun {
    /// Where the block stands.
    pub fn context(&self) -> &BlockContext {
        &self.context
    }

    /// The same block, as it stood before any transaction.
    pub fn draft<'v>(&self, view: &'v dyn View, chain: ChainId) -> Draft<'v> {
        let mut draft = Draft::over(view, self.context, chain);
        (draft.block, draft.touched) = (self.block.clone(), self.touched.clone());
        draft
    }
}

impl<'v> Draft<'v> {
    /// What has changed so far, where no transaction has been applied.
    pub fn begun(&self) -> Begun {
        let (block, touched) = (self.block.clone(), self.touched.clone());
        Begun { context: self.context, block, touched }
    }

    /// Begins a block over the state before it: the block before becomes one that transactions
    /// may cite, and those too old leave; turns missed are counted; then timers that are due go off.
    pub fn new(view: &'v dyn View, context: BlockContext, chain: ChainId) -> Result<Self, Missing> {
        let mut draft = Self::over(view, context, chain);
        recent_blocks::begin(&mut draft)?;
        proposers::begin(&mut draft)?;
        draft.keep();
        for place in view.timers_due(context.time, limits::TIMERS)? {
            if draft.events.len() >= limits::TIMER_EVENTS {
                break;
            }
            due::go_off(&mut draft, &place)?;
            let mut events = Vec::new();
            draft.take_caused(&mut events);
            draft.events.append(&mut events);
            draft.keep();
        }
        Ok(draft)
    }

    /// Applies a transaction whole, or leaves everything as it was.
    pub fn transaction(&mut self, tx: &Tx) -> Result<(), NotApplied> {
        let before = self.ledger_events;
        self.cost.begin();
        let applied = self.all_items(tx).and_then(|events| {
            self.cost.take().map_err(|why| NotApplied { item: None, why: why.into() })?;
            Ok(events)
        });
        match applied {
            Ok(events) => {
                self.keep();
                self.seqs.insert(tx.header().key, tx.next_seq());
                self.events.extend(events);
                Ok(())
            }
            Err(refused) => {
                self.pending = Layer::default();
                self.caused.clear();
                self.ledger_events = before;
                Err(refused)
            }
        }
    }

    fn all_items(&mut self, tx: &Tx) -> Result<Vec<Event>, NotApplied> {
        let whole = |why| NotApplied { item: None, why };
        let room = limits::BLOCK_EVENTS.saturating_sub(self.events.len());
        if tx.items().len() > room {
            return Err(whole(Refusal::BlockFull.into()));
        }
        authority::check(self, tx.header()).map_err(whole)?;
        let mut events = Vec::with_capacity(tx.items().len());
        for (number, item) in (0u32..).zip(tx.items()) {
            let key_id = tx.header().key.to_vec();
            self.cause = wire::Cause { key_id, number: tx.header().number(number) };
            let outcome = table::apply(self, tx.header(), number, item.kind())
                .map_err(|why| NotApplied { item: Some(number), why })?;
            let index = self.events.len().saturating_add(events.len());
            let leaf = EventLeaf {
                height: self.context.height,
                index: u32::try_from(index).unwrap_or(u32::MAX),
                time: self.context.time,
                origin: tx.id(),
                item: number,
                digest: *item.digest(),
                outcome,
            };
            let trails = items::trails(tx.header(), number, item);
            events.push(Event { leaf, trails, ledger: None });
            self.take_caused(&mut events);
            self.cost.bearable().map_err(|why| whole(why.into()))?;
            // What an item causes takes room as well.
            if events.len() > room {
                return Err(whole(Refusal::BlockFull.into()));
            }
        }
        Ok(events)
    }

    /// Puts what the item or timer at hand has caused right behind it.
    fn take_caused(&mut self, events: &mut Vec<Event>) {
        for event in std::mem::take(&mut self.caused) {
            let index = self.events.len().saturating_add(events.len());
            let leaf = EventLeaf {
                height: self.context.height,
                index: u32::try_from(index).unwrap_or(u32::MAX),
                time: self.context.time,
                origin: TxId::ZERO,
                item: self.ledger_events,
                digest: event.digest(),
                outcome: Outcome::DONE,
            };
            self.ledger_events = self.ledger_events.saturating_add(1);
            let trails = event.trails();
            events.push(Event { leaf, trails, ledger: Some(event.bytes().to_vec()) });
        }
    }

    /// What the block changes.
    pub fn finish(self) -> Delta {
        Delta { objects: self.block.objects, events: self.events }
    }

    /// How many events the block has so far.
    pub fn event_count(&self) -> usize {
        self.events.len()
    }
}
