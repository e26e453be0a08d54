//! A block being made: what its transactions have changed so far, over the state before it.

use super::{BlockContext, Halt, Missing, NotApplied, Object, Refusal, View, rules};
use crate::event::EventLeaf;
use crate::place::Place;
use crate::tx::{self, Tx, TxHeader};
use crate::types::{ChainId, Height, KeyId, limits};
use crate::wire;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a block changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Delta {
    /// Objects as they stand after the block; `None`: gone.
    pub objects: BTreeMap<Place, Option<Object>>,
    /// The block's events, in order.
    pub events: Vec<Event>,
}

/// One event of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What it commits to.
    pub leaf: EventLeaf,
    /// The trails that it is appended to, each once.
    pub trails: Vec<Place>,
}

/// Objects changed by a block or a transaction, and the sizes of key trails.
#[derive(Debug, Default)]
struct Layer {
    objects: BTreeMap<Place, Option<Object>>,
}

/// A block being made.
pub struct Draft<'v> {
    view: &'v dyn View,
    context: BlockContext,
    chain: ChainId,
    block: Layer,
    pending: Layer,
    seqs: BTreeMap<KeyId, u64>,
    events: Vec<Event>,
}

impl<'v> Draft<'v> {
    /// Begins a block over the state before it: the block before becomes one that transactions
    /// may cite, and those too old leave.
    pub fn new(view: &'v dyn View, context: BlockContext, chain: ChainId) -> Result<Self, Missing> {
        let mut draft = Self {
            view,
            context,
            chain,
            block: Layer::default(),
            pending: Layer::default(),
            seqs: BTreeMap::new(),
            events: Vec::new(),
        };
        rules::recent_blocks::begin(&mut draft)?;
        draft.keep();
        Ok(draft)
    }

    /// Applies a transaction whole, or leaves everything as it was.
    pub fn transaction(&mut self, tx: &Tx) -> Result<(), NotApplied> {
        let result = self.all_items(tx);
        match result {
            Ok(events) => {
                self.keep();
                self.seqs.insert(tx.header().key, tx.next_seq());
                self.events.extend(events);
                Ok(())
            }
            Err(refused) => {
                self.pending = Layer::default();
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
        rules::signer::check(self, tx.header()).map_err(whole)?;
        let mut events = Vec::with_capacity(tx.items().len());
        for (number, item) in (0u32..).zip(tx.items()) {
            let outcome = rules::item(self, tx.header(), number, item)
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
            events.push(Event { leaf, trails: tx::trails(tx.header(), number, item) });
        }
        Ok(events)
    }

    /// What the block changes.
    pub fn finish(self) -> Delta {
        Delta { objects: self.block.objects, events: self.events }
    }

    /// How many events the block has so far.
    pub fn event_count(&self) -> usize {
        self.events.len()
    }

    fn keep(&mut self) {
        self.block.objects.append(&mut self.pending.objects);
    }

    pub(super) fn context(&self) -> &BlockContext {
        &self.context
    }

    pub(super) fn chain(&self) -> &ChainId {
        &self.chain
    }

    pub(super) fn put(&mut self, place: Place, object: impl Into<Object>) {
        self.pending.objects.insert(place, Some(object.into()));
    }

    pub(super) fn remove(&mut self, place: Place) {
        self.pending.objects.insert(place, None);
    }

    /// An object as it stands now, this block's changes included.
    pub(super) fn get<T>(&self, place: &Place) -> Result<Option<Arc<T>>, Missing>
    where
        Arc<T>: TryFrom<Object>,
    {
        let changed = self.pending.objects.get(place).or_else(|| self.block.objects.get(place));
        let object = match changed {
            Some(object) => object.clone(),
            None => self.view.object(place)?,
        };
        Ok(object.and_then(|object| Arc::<T>::try_from(object).ok()))
    }

    /// An object as it stood after the block before: signers are judged by that.
    pub(super) fn before<T>(&self, place: &Place) -> Result<Option<Arc<T>>, Missing>
    where
        Arc<T>: TryFrom<Object>,
    {
        Ok(self.view.object(place)?.and_then(|object| Arc::<T>::try_from(object).ok()))
    }

    /// The seq of a key's next transaction: the size of its trail.
    pub fn next_seq(&self, key: &KeyId) -> Result<u64, Missing> {
        match self.seqs.get(key) {
            Some(seq) => Ok(*seq),
            None => self.view.trail_size(&Place::key_trail(key)),
        }
    }

    pub(super) fn parameters(&self) -> Result<Arc<wire::Parameters>, Halt> {
        let place = Place::parameters();
        Ok(self.get(&place)?.ok_or(Missing(place))?)
    }

    pub(super) fn department(&self, code: &str) -> Result<Arc<wire::Department>, Halt> {
        self.get(&Place::department(code))?
            .ok_or_else(|| Refusal::UnknownDepartment(code.to_owned()).into())
    }

    pub(super) fn dataset(&self, code: &str) -> Result<Arc<wire::Dataset>, Halt> {
        self.get(&Place::dataset(code))?
            .ok_or_else(|| Refusal::UnknownDataset(code.to_owned()).into())
    }

    /// The time of a recent block; `None` if it is none.
    pub(super) fn recent_block(
        &self,
        height: Height,
    ) -> Result<Option<Arc<wire::RecentBlock>>, Missing> {
        self.get(&Place::recent_block(height))
    }

    /// Checks that the signer's department is `stated`, and has the right.
    pub(super) fn actor(
        &self,
        signer: &TxHeader,
        stated: &str,
        right: wire::Right,
    ) -> Result<Arc<wire::Department>, Halt> {
        if signer.department != stated {
            let (stated, signer) = (stated.to_owned(), signer.department.clone());
            return Err(Refusal::NotTheActor { stated, signer }.into());
        }
        let department = self.department(stated)?;
        if !department.rights.contains(&(right as i32)) {
            let right = rules::right_name(right);
            return Err(Refusal::RightMissing { department: stated.to_owned(), right }.into());
        }
        Ok(department)
    }
}
