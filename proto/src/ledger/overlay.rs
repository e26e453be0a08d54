//! A block being made: what has changed so far, over the state before it.

use crate::event::ledger::LedgerEvent;
use crate::ledger::cost::Cost;
use crate::ledger::delta::Event;
use crate::ledger::{BlockContext, Halt, Missing, Object, Refusal, View};
use crate::place::{ObjectKind, Place};
use crate::types::{ChainId, Height, KeyId};
use crate::wire;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Objects changed by a block or a transaction, and the sizes of key trails.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layer {
    pub(super) objects: BTreeMap<Place, Option<Object>>,
}

/// Kinds of objects that the block has changed, or has tried to: of all others the state before it
/// still stands.
#[derive(Debug, Clone, Default)]
pub(super) struct Touched(u128);

impl Touched {
    fn bit(place: &Place) -> u128 {
        1u128.checked_shl(u32::from(place.kind() & 127)).unwrap_or(0)
    }

    fn add(&mut self, place: &Place) {
        self.0 |= Self::bit(place);
    }

    fn has(&self, place: &Place) -> bool {
        self.0 & Self::bit(place) != 0
    }
}

/// Whether most transactions of a block read the same few objects of this kind.
fn is_read_again(place: &Place) -> bool {
    use ObjectKind::{Dataset, Department, Identity, Key, Parameters, RecentBlock};
    let kinds = [Dataset, Department, Identity, Key, Parameters, RecentBlock];
    kinds.iter().any(|kind| *kind as u8 == place.kind())
}

/// Whether each transaction of a block reads the same object of this kind.
fn is_read_by_all(place: &Place) -> bool {
    [ObjectKind::Parameters, ObjectKind::RecentBlock].iter().any(|kind| *kind as u8 == place.kind())
}

/// An object that was read, and its bytes.
#[derive(Debug, Clone)]
pub(super) struct Known {
    object: Option<Object>,
    bytes: usize,
}

/// A block being made.
pub struct Draft<'v> {
    pub(super) view: &'v dyn View,
    pub(super) context: BlockContext,
    pub(super) chain: ChainId,
    pub(super) block: Layer,
    pub(super) pending: Layer,
    pub(super) touched: Touched,
    /// What was read of the state before the block, of kinds that are read again and again.
    pub(super) read: RefCell<BTreeMap<Place, Known>>,
    pub(super) seqs: BTreeMap<KeyId, u64>,
    pub(super) events: Vec<Event>,
    /// What the item or timer at hand has caused, and what it is itself.
    pub(super) caused: Vec<LedgerEvent>,
    pub(super) cause: wire::Cause,
    /// Ledger events of the block so far.
    pub(super) ledger_events: u32,
    pub(super) cost: Cost,
}

impl<'v> Draft<'v> {
    /// Nothing but what the view says: no block begins.
    pub(crate) fn over(view: &'v dyn View, context: BlockContext, chain: ChainId) -> Self {
        Self {
            view,
            context,
            chain,
            block: Layer::default(),
            pending: Layer::default(),
            touched: Touched::default(),
            read: RefCell::default(),
            seqs: BTreeMap::new(),
            events: Vec::new(),
            caused: Vec::new(),
            cause: wire::Cause::default(),
            ledger_events: 0,
            cost: Cost::default(),
        }
    }

    /// What the item or timer at hand changed stays.
    pub(crate) fn keep(&mut self) {
        // One by one: `append` would build the whole block's tree anew for each transaction.
        self.block.objects.extend(std::mem::take(&mut self.pending.objects));
    }

    /// Makes an event of the ledger's own, which follows from the item or timer at hand.
    pub(crate) fn emit(&mut self, kind: wire::ledger_event::Kind) {
        self.caused.push(LedgerEvent::new(self.cause.clone(), kind));
    }

    /// The event that the item at hand is, or that set the timer at hand.
    pub(crate) fn cause(&self) -> &wire::Cause {
        &self.cause
    }

    /// What happens from here on follows from this event.
    pub(crate) fn set_cause(&mut self, cause: wire::Cause) {
        self.cause = cause;
    }

    /// Tries something. What it changed is undone if it fails, or if `only` it was to be tried.
    pub(crate) fn trial(
        &mut self,
        only: bool,
        what: impl FnOnce(&mut Self) -> Result<(), Halt>,
    ) -> Result<(), Halt> {
        let (objects, caused) = (self.pending.objects.clone(), self.caused.clone());
        let result = what(self);
        if only || result.is_err() {
            self.pending.objects = objects;
            self.caused = caused;
        }
        result
    }

    pub(crate) fn context(&self) -> &BlockContext {
        &self.context
    }

    pub(crate) fn chain(&self) -> &ChainId {
        &self.chain
    }

    pub(crate) fn put(&mut self, place: Place, object: impl Into<Object>) {
        self.touched.add(&place);
        let object = object.into();
        self.cost.writes(&place, &object);
        self.pending.objects.insert(place, Some(object));
    }

    pub(crate) fn remove(&mut self, place: Place) {
        self.touched.add(&place);
        self.pending.objects.insert(place, None);
    }

    /// An object as it stands now, this block's changes included.
    pub(crate) fn get<T>(&self, place: &Place) -> Result<Option<Arc<T>>, Missing>
    where
        Arc<T>: TryFrom<Object>,
    {
        let changed = || self.pending.objects.get(place).or_else(|| self.block.objects.get(place));
        let changed = if self.touched.has(place) { changed() } else { None };
        let object = match changed {
            Some(object) => object.clone(),
            None => self.stood(place)?,
        };
        Ok(object.and_then(|object| Arc::<T>::try_from(object).ok()))
    }

    /// What stood at a place after the block before.
    fn stood(&self, place: &Place) -> Result<Option<Object>, Missing> {
        if !is_read_again(place) {
            let object = self.view.object(place)?;
            if let Some(object) = &object {
                self.cost.reads(place, object.len());
            }
            return Ok(object);
        }
        let known = self.read.borrow().get(place).cloned();
        let known = match known {
            Some(known) => known,
            None => {
                let object = self.view.object(place)?;
                let bytes = object.as_ref().map_or(0, Object::len);
                let known = Known { object, bytes };
                self.read.borrow_mut().insert(place.clone(), known.clone());
                known
            }
        };
        // It costs each transaction the same, whether another of the block has read it or not; what all of them read, nothing.
        if !is_read_by_all(place) {
            self.cost.reads(place, known.bytes);
        }
        Ok(known.object)
    }

    /// An object as it stood after the block before: signers are judged by that.
    pub(crate) fn before<T>(&self, place: &Place) -> Result<Option<Arc<T>>, Missing>
    where
        Arc<T>: TryFrom<Object>,
    {
        Ok(self.stood(place)?.and_then(|object| Arc::<T>::try_from(object).ok()))
    }

    /// The seq of a key's next transaction: the size of its trail.
    pub fn next_seq(&self, key: &KeyId) -> Result<u64, Missing> {
        match self.seqs.get(key) {
            Some(seq) => Ok(*seq),
            None => self.view.trail_size(&Place::key_trail(key)),
        }
    }

    pub(crate) fn parameters(&self) -> Result<Arc<wire::Parameters>, Halt> {
        let place = Place::parameters();
        Ok(self.get(&place)?.ok_or(Missing(place))?)
    }

    pub(crate) fn department(&self, code: &str) -> Result<Arc<wire::Department>, Halt> {
        self.get(&Place::department(code))?
            .ok_or_else(|| Refusal::UnknownDepartment(code.to_owned()).into())
    }

    pub(crate) fn dataset(&self, code: &str) -> Result<Arc<wire::Dataset>, Halt> {
        self.get(&Place::dataset(code))?
            .ok_or_else(|| Refusal::UnknownDataset(code.to_owned()).into())
    }

    /// Bytes that the block's transactions have cost so far.
    #[cfg(test)]
    pub(crate) fn spent(&self) -> u64 {
        self.cost.bytes()
    }

    /// The time of a recent block; `None` if it is none.
    pub(crate) fn recent_block(
        &self,
        height: Height,
    ) -> Result<Option<Arc<wire::RecentBlock>>, Missing> {
        self.get(&Place::recent_block(height))
    }
}
