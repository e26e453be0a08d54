//! A block being made: what its transactions have changed so far, over the state before it.

use super::{BlockContext, Halt, Missing, NotApplied, Object, Refusal, View, rules};
use crate::event::{EventLeaf, Outcome};
use crate::ledger_event::LedgerEvent;
use crate::place::{ObjectKind, Place};
use crate::tx::{self, Tx, TxHeader};
use crate::types::{ChainId, Height, KeyId, TxId, limits};
use crate::wire;
use std::cell::RefCell;
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
    /// The bytes of an event that the ledger made; `None` for an item.
    pub ledger: Option<Vec<u8>>,
}

/// Objects changed by a block or a transaction, and the sizes of key trails.
#[derive(Debug, Default)]
struct Layer {
    objects: BTreeMap<Place, Option<Object>>,
}

/// Kinds of objects that the block has changed, or has tried to: of all others the state before it
/// still stands.
#[derive(Debug, Default)]
struct Touched(u128);

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

/// A block being made.
pub struct Draft<'v> {
    view: &'v dyn View,
    context: BlockContext,
    chain: ChainId,
    block: Layer,
    pending: Layer,
    touched: Touched,
    /// What was read of the state before the block, of kinds that are read again and again.
    read: RefCell<BTreeMap<Place, Option<Object>>>,
    seqs: BTreeMap<KeyId, u64>,
    events: Vec<Event>,
    /// What the item or timer at hand has caused, and what it is itself.
    caused: Vec<LedgerEvent>,
    cause: wire::Cause,
    /// Ledger events of the block so far.
    ledger_events: u32,
}

impl<'v> Draft<'v> {
    /// Begins a block over the state before it: the block before becomes one that transactions
    /// may cite, and those too old leave; then timers that are due go off.
    pub fn new(view: &'v dyn View, context: BlockContext, chain: ChainId) -> Result<Self, Missing> {
        let mut draft = Self::over(view, context, chain);
        rules::recent_blocks::begin(&mut draft)?;
        draft.keep();
        for place in view.timers_due(context.time, limits::TIMER_EVENTS)? {
            if draft.events.len() >= limits::TIMER_EVENTS {
                break;
            }
            rules::timers::go_off(&mut draft, &place)?;
            let mut events = Vec::new();
            draft.take_caused(&mut events);
            draft.events.append(&mut events);
            draft.keep();
        }
        Ok(draft)
    }

    /// Nothing but what the view says: no block begins.
    pub(super) fn over(view: &'v dyn View, context: BlockContext, chain: ChainId) -> Self {
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
        }
    }

    /// Applies a transaction whole, or leaves everything as it was.
    pub fn transaction(&mut self, tx: &Tx) -> Result<(), NotApplied> {
        let before = self.ledger_events;
        match self.all_items(tx) {
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
        rules::signer::check(self, tx.header()).map_err(whole)?;
        let mut events = Vec::with_capacity(tx.items().len());
        for (number, item) in (0u32..).zip(tx.items()) {
            let key_id = tx.header().key.to_vec();
            self.cause = wire::Cause { key_id, number: tx.header().number(number) };
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
            let trails = tx::trails(tx.header(), number, item);
            events.push(Event { leaf, trails, ledger: None });
            self.take_caused(&mut events);
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

    fn keep(&mut self) {
        // One by one: `append` would build the whole block's tree anew for each transaction.
        self.block.objects.extend(std::mem::take(&mut self.pending.objects));
    }

    /// Makes an event of the ledger's own, which follows from the item or timer at hand.
    pub(super) fn emit(&mut self, kind: wire::ledger_event::Kind) {
        self.caused.push(LedgerEvent::new(self.cause.clone(), kind));
    }

    /// The event that the item at hand is, or that set the timer at hand.
    pub(super) fn cause(&self) -> &wire::Cause {
        &self.cause
    }

    /// What happens from here on follows from this event.
    pub(super) fn set_cause(&mut self, cause: wire::Cause) {
        self.cause = cause;
    }

    /// Tries something. What it changed is undone if it fails, or if `only` it was to be tried.
    pub(super) fn trial(
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

    pub(super) fn context(&self) -> &BlockContext {
        &self.context
    }

    pub(super) fn chain(&self) -> &ChainId {
        &self.chain
    }

    pub(super) fn put(&mut self, place: Place, object: impl Into<Object>) {
        self.touched.add(&place);
        self.pending.objects.insert(place, Some(object.into()));
    }

    pub(super) fn remove(&mut self, place: Place) {
        self.touched.add(&place);
        self.pending.objects.insert(place, None);
    }

    /// An object as it stands now, this block's changes included.
    pub(super) fn get<T>(&self, place: &Place) -> Result<Option<Arc<T>>, Missing>
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
            return self.view.object(place);
        }
        if let Some(object) = self.read.borrow().get(place) {
            return Ok(object.clone());
        }
        let object = self.view.object(place)?;
        self.read.borrow_mut().insert(place.clone(), object.clone());
        Ok(object)
    }

    /// An object as it stood after the block before: signers are judged by that.
    pub(super) fn before<T>(&self, place: &Place) -> Result<Option<Arc<T>>, Missing>
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

    /// Checks that the signer's department is `stated`, or took its place, and that `stated` has the
    /// right.
    pub(super) fn actor(
        &self,
        signer: &TxHeader,
        stated: &str,
        right: wire::Right,
    ) -> Result<Arc<wire::Department>, Halt> {
        let department = self.acts_for(signer, stated)?;
        if !department.rights.contains(&(right as i32)) {
            let right = rules::words::right(right);
            return Err(Refusal::RightMissing { department: stated.to_owned(), right }.into());
        }
        Ok(department)
    }

    /// Checks that the signer's department is `stated`, or took its place; gives the one stated.
    pub(super) fn acts_for(
        &self,
        signer: &TxHeader,
        stated: &str,
    ) -> Result<Arc<wire::Department>, Halt> {
        let other = || Refusal::NotTheActor {
            stated: stated.to_owned(),
            signer: signer.department.clone(),
        };
        if signer.department == stated {
            return self.department(stated);
        }
        let place = Place::department(stated);
        let named: Arc<wire::Department> = self.get(&place)?.ok_or_else(other)?;
        let mut successor = named.successor.clone();
        for _ in 0..limits::SUPERIORS {
            if successor.is_empty() {
                break;
            }
            if successor == signer.department {
                return Ok(named);
            }
            successor.clone_from(&self.department(&successor)?.successor);
        }
        Err(other().into())
    }
}
