//! Judging a record again, much later, by the rules that judged it then.
//!
//! What the rules read is taken back to the record's block: objects of the map as they stand at a
//! later block, with what came after left out. That is possible because grants, intervals and former
//! states are kept with their heights. What can't be taken back is missing: then nothing is said.
//! The node that makes a proof and the verifier that checks it both go through here.

use crate::event::{EventLeaf, Outcome, Reason};
use crate::items::access::{record_access, set_aside};
use crate::ledger::{BlockContext, Draft, Halt, Missing, Object, View};
use crate::place::{ObjectKind, Place};
use crate::tx::TxHeader;
use crate::types::{BlockId, Height, TimeMs};
use crate::wire::{self, Interval};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a replay is made from, as of a block at or above the record's.
pub trait Source {
    /// The object at a place; `None` if there is none.
    fn object(&self, place: &Place) -> Result<Option<Object>, Missing>;

    /// What the object at a place was at a height, if it has changed since: what was kept of it until
    /// the first block above.
    fn former(&self, of: &Place, at: Height) -> Result<Option<(Height, wire::Former)>, Missing>;

    /// Id and time of a block; `None` if it can't be said.
    fn block(&self, height: Height) -> Result<Option<(BlockId, TimeMs)>, Missing>;

    /// The first block at this time or later; `None` if it can't be said.
    fn first_block_from(&self, time: TimeMs) -> Result<Option<Height>, Missing>;
}

/// A record in its block.
#[derive(Debug, Clone, Copy)]
pub struct Recorded<'a> {
    /// Where it stands.
    pub leaf: &'a EventLeaf,
    /// Who signed it.
    pub signer: &'a TxHeader,
    /// What was recorded.
    pub record: &'a wire::RecordAccess,
}

/// What a replay read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reads {
    /// Objects.
    pub places: BTreeSet<Place>,
    /// Heights of blocks.
    pub heights: BTreeSet<Height>,
}

/// The state before a record, told from what stands later.
struct Before<'a> {
    source: &'a dyn Source,
    it: Recorded<'a>,
    reads: RefCell<Reads>,
}

/// What the ledger's rules make of a record. Errors where they refuse it, or where something can't be
/// said of that time.
///
/// Counters are known as they stand later: so much was used at most. A quota that they exceed was not
/// necessarily exceeded then, and is missing.
pub fn judge(source: &dyn Source, it: Recorded<'_>) -> Result<(Outcome, Reads), Halt> {
    let context = BlockContext {
        height: it.leaf.height,
        time: it.leaf.time,
        // None is read: no block begins.
        parent_id: BlockId::ZERO,
        parent_time: it.leaf.time,
        carried_round: None,
    };
    let view = Before { source, it, reads: RefCell::default() };
    let draft = Draft::over(&view, context, it.signer.chain);
    let (outcome, at) = record_access::judge(&draft, it.signer, it.record)?;
    drop(draft);
    match outcome.reason {
        Reason::QuotaExceeded | Reason::QuotaDayUnknown => {
            let access = it.record.accesses.get(at);
            let id = access.map_or(&[] as &[u8], |it| &it.request_id);
            Err(Missing(Place::object(ObjectKind::GrantUse, id)).into())
        }
        _ => Ok((outcome, view.reads.into_inner())),
    }
}

impl View for Before<'_> {
    fn object(&self, place: &Place) -> Result<Option<Object>, Missing> {
        use ObjectKind::{Dataset, Department, Grant, GrantUse, Identity, Key, Parameters};
        use ObjectKind::{RecentBlock, RecentWindow};
        let missing = || Missing(place.clone());
        match place.object_kind() {
            Some(RecentBlock) => self.recent_block(place),
            Some(RecentWindow) => self.recent_window(place).map(Some),
            Some(Key) => self.read(place),
            Some(Department | Dataset | Parameters | Identity | Grant | GrantUse) => {
                let Some(now) = self.read(place)? else { return Ok(None) };
                match now {
                    Object::Department(it) => {
                        let it = self.stood(place, it, |it| it.since_height)?;
                        let standing = self.standing(place, &it.standing)?;
                        Ok(Some(wire::Department { standing, ..(*it).clone() }.into()))
                    }
                    Object::Dataset(it) => self.dataset(place, it),
                    Object::Parameters(it) => self
                        .stood(place, it, |it| it.since_height)
                        .map(|it| Some((*it).clone().into())),
                    Object::Identity(it) => {
                        let standing = self.standing(place, &it.standing)?;
                        Ok(Some(wire::Identity { standing, ..(*it).clone() }.into()))
                    }
                    Object::Grant(it) => self.grant(place, it),
                    Object::GrantUse(it) => Ok(Some(self.used(&it).into())),
                    _ => Err(missing()),
                }
            }
            _ => Err(missing()),
        }
    }

    fn trail_size(&self, trail: &Place) -> Result<u64, Missing> {
        Err(Missing(trail.clone()))
    }

    fn timers_due(&self, _: TimeMs, _: usize) -> Result<Vec<Place>, Missing> {
        Ok(Vec::new())
    }
}

impl Before<'_> {
    fn read(&self, place: &Place) -> Result<Option<Object>, Missing> {
        self.reads.borrow_mut().places.insert(place.clone());
        self.source.object(place)
    }

    fn block(&self, height: Height) -> Result<Option<(BlockId, TimeMs)>, Missing> {
        self.reads.borrow_mut().heights.insert(height);
        self.source.block(height)
    }

    fn height(&self) -> u64 {
        self.it.leaf.height.get()
    }

    /// Whether something of a block was there before the record. What the record's own block did may
    /// have come before it or behind.
    fn was(&self, place: &Place, height: u64) -> Result<bool, Missing> {
        match height.cmp(&self.height()) {
            std::cmp::Ordering::Less => Ok(true),
            // Genesis has no records.
            std::cmp::Ordering::Equal => Err(Missing(place.clone())),
            std::cmp::Ordering::Greater => Ok(false),
        }
    }

    /// The object as it stood, of which former states are kept.
    fn stood<T>(
        &self,
        place: &Place,
        now: Arc<T>,
        since: impl Fn(&T) -> u64,
    ) -> Result<Arc<T>, Missing>
    where
        Arc<T>: TryFrom<Object>,
    {
        if self.was(place, since(&now))? {
            return Ok(now);
        }
        let missing = || Missing(place.clone());
        let found = self.source.former(place, self.it.leaf.height)?;
        let (until, former) = found.ok_or_else(missing)?;
        self.reads.borrow_mut().places.insert(Place::former(place, until));
        if !self.was(place, former.since_height)? {
            return Err(missing());
        }
        let kind = place.object_kind().ok_or_else(missing)?;
        let object = Object::from_bytes(kind, &former.object).map_err(|_| missing())?;
        Arc::<T>::try_from(object).map_err(|_| missing())
    }

    /// The intervals that had begun, with ends that had come. A change counts from the height behind
    /// the one that made it.
    fn standing(&self, place: &Place, all: &[Interval]) -> Result<Vec<Interval>, Missing> {
        let mut standing = Vec::with_capacity(all.len());
        for it in all {
            let founded = it.from_height == 0;
            if !founded && !self.was(place, it.from_height.saturating_sub(1))? {
                break;
            }
            let mut it = *it;
            if let Some(until) = it.until_height
                && !self.was(place, until.saturating_sub(1))?
            {
                (it.until_height, it.until_time_ms) = (None, None);
            }
            standing.push(it);
        }
        // It may have been there, not in force yet, or not at all.
        if standing.is_empty() { Err(Missing(place.clone())) } else { Ok(standing) }
    }

    fn dataset(&self, place: &Place, now: Arc<wire::Dataset>) -> Result<Option<Object>, Missing> {
        if !self.was(place, now.registered_height)? {
            return Ok(None);
        }
        let stood = self.stood(place, Arc::clone(&now), |it| it.since_height)?;
        let mut stood = (*stood).clone();
        (stood.retired_height, stood.retired_time_ms) = match now.retired_height {
            Some(height) if self.was(place, height)? => (Some(height), now.retired_time_ms),
            _ => (None, None),
        };
        Ok(Some(stood.into()))
    }

    fn grant(&self, place: &Place, now: Arc<wire::Grant>) -> Result<Option<Object>, Missing> {
        if !self.was(place, now.steps.first().map_or(0, |step| step.height))? {
            return Ok(None);
        }
        let now = self.stood(place, now, |it| it.since_height)?;
        let mut steps = Vec::with_capacity(now.steps.len());
        for step in &now.steps {
            if !self.was(place, step.height)? {
                break;
            }
            steps.push(step.clone());
        }
        Ok(Some(wire::Grant { steps, ..(*now).clone() }.into()))
    }

    /// At most so much was used, and set aside by others, before the record, which is counted in what was used later.
    fn used(&self, now: &wire::GrantUse) -> wire::GrantUse {
        let record = self.it.record;
        let day = crate::items::access::coverage::day_of(record, self.it.leaf.time).day;
        let mut used = set_aside::at_most(now.clone());
        if !record.statement_digest.is_empty() {
            // Whether it was the first of its statement, and added anything, is not known. What stands later has it counted
            // either way: so nothing is taken away, and it adds nothing.
            used.statements = vec![record.statement_digest.clone()];
            return used;
        }
        let rows = record.row_count.unwrap_or(0);
        used.queries = used.queries.saturating_sub(1);
        used.rows = used.rows.saturating_sub(rows);
        if let Some(it) = used.days.iter_mut().find(|it| it.day == day) {
            it.queries = it.queries.saturating_sub(1);
            it.rows = it.rows.saturating_sub(rows);
        }
        used
    }

    /// The parameters, which must not have changed since a block: by others it may have left the
    /// window of recent ones earlier.
    fn recent_age(&self, from: Height) -> Result<u64, Missing> {
        let place = Place::parameters();
        match self.object(&place)? {
            Some(Object::Parameters(it)) if it.since_height <= from.get() => {
                Ok(it.recent_block_age_ms)
            }
            _ => Err(Missing(place)),
        }
    }

    fn recent_block(&self, place: &Place) -> Result<Option<Object>, Missing> {
        let missing = || Missing(place.clone());
        let height = place.id().try_into().map(u64::from_be_bytes).map_err(|_| missing())?;
        let height = Height::new(height);
        let (id, time) = self.block(height)?.ok_or_else(missing)?;
        // The block before stays, however old it is.
        let is_parent = height.next() == self.it.leaf.height;
        if !is_parent && self.it.leaf.time.since(time) > self.recent_age(height)? {
            return Ok(None);
        }
        Ok(Some(wire::RecentBlock { block_id: id.to_vec(), time_ms: time.get() }.into()))
    }

    /// The window as it is where no more blocks had to leave it at once than may.
    fn recent_window(&self, place: &Place) -> Result<Object, Missing> {
        let missing = || Missing(place.clone());
        let age = self.recent_age(self.it.leaf.height)?;
        let from = TimeMs::new(self.it.leaf.time.get().saturating_sub(age));
        let parent = self.it.leaf.height.previous();
        let (_, parent_time) = self.block(parent)?.ok_or_else(missing)?;
        let next_height = self.height();
        if parent_time < from {
            // The block before stays, however old it is.
            let window = wire::RecentWindow { oldest_height: parent.get(), next_height };
            return Ok(window.into());
        }
        let oldest = self.source.first_block_from(from)?.ok_or_else(missing)?;
        if oldest > Height::GENESIS {
            self.reads.borrow_mut().heights.insert(oldest.previous());
        }
        self.reads.borrow_mut().heights.insert(oldest);
        self.recent_age(oldest)?;
        Ok(wire::RecentWindow { oldest_height: oldest.get(), next_height }.into())
    }
}
