//! The index: heads of trails, objects, positions. It lags on disk behind a layer in memory, and
//! is brought up by replaying the block log; its height stands in the same transaction as its
//! values.

mod anew;

pub(crate) use anew::{Export, Held};

use super::disk::DiskPath;
use super::memory::Memory;
use super::tables::{PAGE, Part, Standing, Tables};
use super::{StoreError, missing};
use liuhen_proto::event::EventLeaf;
use liuhen_proto::header::founding::Founding;
use liuhen_proto::ledger::seal::{Heads, Sealed, TILE_LEVELS, trail_value};
use liuhen_proto::ledger::{Delta, Missing, Object, View};
use liuhen_proto::merkle::trie::{Change, Trie};
use liuhen_proto::merkle::{Blake3Log, Peaks};
use liuhen_proto::place::{ObjectKind, Place};
use liuhen_proto::types::{Hash, Height, TimeMs, TxId};
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, Weak};

/// Objects and heads kept decoded; beyond this many the cache starts anew.
const CACHED: usize = 50_000;

/// What is known of the ledger after the last block taken in.
#[derive(Debug)]
pub struct Index {
    tables: Tables,
    memory: Memory,
    height: Height,
    written: Height,
    objects: Mutex<HashMap<Place, Option<Object>>>,
    /// Places at which nothing stands on disk. Apart, so that who asks for what there is not pushes nothing out that is.
    absent: Mutex<HashSet<Place>>,
    heads: Mutex<HashMap<Place, Peaks>>,
    /// Whether it says which events there are, and on which trails; else only what stands.
    has_history: bool,
    /// What is on disk stays as it is while somebody holds this.
    held: Weak<()>,
}

impl Index {
    /// Opens the index in a folder; an empty one is filled with the founding objects. A panic of
    /// the engine below is caught and given as damage.
    pub fn open(folder: impl Into<DiskPath>, founding: &Founding) -> Result<Self, StoreError> {
        let folder = folder.into();
        let opened = catch_unwind(AssertUnwindSafe(|| Self::try_open(&folder, founding)));
        opened.unwrap_or_else(|_| Err(StoreError::Damaged("index: it panicked".into())))
    }

    fn try_open(folder: &DiskPath, founding: &Founding) -> Result<Self, StoreError> {
        let tables = Tables::open(folder)?;
        let standing = match tables.standing()? {
            Some(standing) => standing,
            None => {
                let mut memory = Memory::over(0, true);
                let objects = founding.objects().iter();
                memory.objects = objects.map(|(p, o)| (p.clone(), Some(o.clone()))).collect();
                tables.write(&memory, Standing::default())?;
                Standing::default()
            }
        };
        let height = Height::new(standing.height);
        let has_history = standing.has_history;
        let memory = Memory::over(standing.events, has_history);
        let (objects, absent, heads, held) = Default::default();
        let written = height;
        Ok(Self { tables, memory, height, written, objects, absent, heads, has_history, held })
    }

    /// The height of the last block taken in.
    pub fn height(&self) -> Height {
        self.height
    }

    /// The height up to which the index is on disk.
    pub fn written(&self) -> Height {
        self.written
    }

    /// Events on the whole ledger.
    pub fn event_count(&self) -> u64 {
        self.memory.next_event()
    }

    /// The map, rebuilt from heads and objects on disk: comparing its root with a header's is a
    /// check of the whole index. To be called right after opening.
    pub fn rebuild_trie(&self) -> Result<Trie, StoreError> {
        let rebuilt = catch_unwind(AssertUnwindSafe(|| {
            let mut changes: Vec<Change> = Vec::new();
            for entry in self.tables.objects() {
                let (place, object) = entry?;
                changes.push((place.map_key(), Some(object.map_value())));
            }
            for entry in self.tables.heads() {
                let (place, peaks) = entry?;
                let value = trail_value(peaks.size(), &peaks.root::<Blake3Log>());
                changes.push((place.map_key(), value));
            }
            Ok(Trie::default().with(changes))
        }));
        rebuilt.unwrap_or_else(|_| Err(StoreError::Damaged("index: it panicked".into())))
    }

    /// Takes in a block, and writes to disk when enough has come together.
    pub fn add(
        &mut self,
        height: Height,
        delta: Delta,
        sealed: &Sealed,
        ids: &[TxId],
    ) -> Result<(), StoreError> {
        self.memory.add(height, delta, sealed, ids);
        self.height = height;
        if !self.memory.is_full() || self.held.strong_count() > 0 {
            return Ok(());
        }
        match self.write() {
            // What is damaged on disk is mended from the log; until then memory holds what is new.
            Err(StoreError::Damaged(why)) => {
                tracing::error!(why, "the index can't be written until it is mended");
                Ok(())
            }
            written => written,
        }
    }

    /// Writes the layer in memory to disk.
    pub fn write(&mut self) -> Result<(), StoreError> {
        let (events, has_history) = (self.memory.next_event(), self.has_history);
        // History that is collected for the time when that before it is there is not written.
        let memory = &mut self.memory;
        memory.has_history = has_history;
        let standing = Standing { height: self.height.get(), events, has_history };
        self.tables.write(memory, standing)?;
        self.fill_caches();
        self.memory = Memory::over(events, has_history);
        self.written = self.height;
        Ok(())
    }

    /// Whether it says which events there are, and on which trails; else only what stands.
    pub fn has_history(&self) -> bool {
        self.has_history
    }

    fn history(&self) -> Result<(), StoreError> {
        if self.has_history { Ok(()) } else { Err(StoreError::NotYet) }
    }

    /// What was current in memory stays at hand.
    fn fill_caches(&mut self) {
        let memory = std::mem::take(&mut self.memory);
        let mut objects = lock(&self.objects);
        if objects.len() > CACHED {
            objects.clear();
        }
        objects.extend(memory.objects);
        drop(objects);
        lock(&self.absent).clear();
        let mut heads = lock(&self.heads);
        if heads.len() > CACHED {
            heads.clear();
        }
        heads.extend(memory.trails.into_iter().map(|(trail, grown)| (trail, grown.peaks)));
    }

    /// An object.
    pub fn get(&self, place: &Place) -> Result<Option<Object>, StoreError> {
        if let Some(object) = self.memory.objects.get(place) {
            return Ok(object.clone());
        }
        if let Some(object) = lock(&self.objects).get(place) {
            return Ok(object.clone());
        }
        if lock(&self.absent).contains(place) {
            return Ok(None);
        }
        let object = self.tables.object(place)?;
        if object.is_none() {
            let mut absent = lock(&self.absent);
            if absent.len() > CACHED {
                absent.clear();
            }
            absent.insert(place.clone());
            return Ok(None);
        }
        let mut cache = lock(&self.objects);
        if cache.len() > CACHED {
            cache.clear();
        }
        cache.insert(place.clone(), object.clone());
        Ok(object)
    }

    /// The object at a place, as what it is there.
    pub fn typed<T>(&self, place: &Place) -> Result<Option<Arc<T>>, StoreError>
    where
        Arc<T>: TryFrom<Object>,
    {
        Ok(self.get(place)?.and_then(|object| Arc::<T>::try_from(object).ok()))
    }

    /// All objects of a kind, by id.
    pub fn list(&self, kind: ObjectKind) -> Result<Vec<(Place, Object)>, StoreError> {
        self.list_from(kind, &[]).collect()
    }

    /// The objects of a kind whose ids are not before `first`, by id, each read when it is asked for.
    pub fn list_from(
        &self,
        kind: ObjectKind,
        first: &[u8],
    ) -> impl Iterator<Item = Result<(Place, Object), StoreError>> + '_ {
        let first = Place::object(kind, first);
        let is_of_kind = move |place: &Place| place.kind() == kind as u8;
        let written = self
            .tables
            .objects_from(&first)
            .take_while(move |entry| entry.as_ref().map_or(true, |(place, _)| is_of_kind(place)));
        let changed = self.memory.objects.range(first..);
        merged(written, changed.take_while(move |(place, _)| is_of_kind(place)))
    }

    /// The first timers that are due at a time, in order; at most `limit`.
    fn timers(&self, until: TimeMs, limit: usize) -> Result<Vec<Place>, StoreError> {
        let is_due = |place: &Place| place.timer_due().is_some_and(|due| due <= until);
        let first = Place::object(ObjectKind::Timer, &[]);
        let changed = self.memory.objects.range(first.clone()..);
        let changed = changed.take_while(|(place, _)| is_due(place));
        let set = changed.filter(|(_, object)| object.is_some()).take(limit);
        let mut due: Vec<Place> = set.map(|(place, _)| place.clone()).collect();
        let mut from_disk = 0;
        for place in self.tables.places_from(&first) {
            let place = place?;
            if !is_due(&place) || from_disk >= limit {
                break;
            }
            // What stands in memory is newer than what is on disk.
            if !self.memory.objects.contains_key(&place) {
                due.push(place);
                from_disk = from_disk.saturating_add(1);
            }
        }
        due.sort();
        due.truncate(limit);
        Ok(due)
    }

    /// When the next timer goes off.
    pub fn next_timer(&self) -> Result<Option<TimeMs>, StoreError> {
        let next = self.timers(TimeMs::new(u64::MAX), 1)?;
        Ok(next.first().and_then(Place::timer_due))
    }

    /// Writes parts of the history on disk once more. They are synced afterwards, by [`Index::sync`].
    pub(crate) fn mend(&self, parts: &[Part]) -> Result<(), StoreError> {
        self.tables.mend(parts)
    }

    /// Syncs what was mended.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        self.tables.sync()
    }

    /// The trails on disk behind one, in the order of their places; at most `limit`.
    pub(crate) fn written_trails(
        &self,
        behind: Option<&Place>,
        limit: usize,
    ) -> Result<Vec<Place>, StoreError> {
        self.tables.heads_behind(behind).take(limit).map(|it| Ok(it?.0)).collect()
    }

    /// A trail's size and peaks on disk.
    pub(crate) fn written_head(&self, trail: &Place) -> Result<Peaks, StoreError> {
        self.tables.head(trail)
    }

    /// Looks at so many trails on disk behind one: those of which a page or a tile is missing or damaged, and the last that was
    /// looked at; `None` behind the last there is.
    pub fn check_trails(
        &self,
        behind: Option<&Place>,
        count: usize,
    ) -> Result<(Vec<Place>, Option<Place>), StoreError> {
        let (mut damaged, mut looked_at) = (Vec::new(), 0);
        for entry in self.tables.heads_behind(behind) {
            let (trail, peaks) = entry?;
            looked_at += peaks.size() / PAGE + 1;
            if !self.is_whole(&trail, peaks.size()) {
                damaged.push(trail.clone());
            }
            if looked_at >= count as u64 {
                return Ok((damaged, Some(trail)));
            }
        }
        Ok((damaged, None))
    }

    fn is_whole(&self, trail: &Place, size: u64) -> bool {
        // It may have grown since its head was read.
        let has = |page: u64| {
            let wanted = size.saturating_sub(page.saturating_mul(PAGE)).min(PAGE);
            self.tables.page(trail, page).is_ok_and(|it| it.len() as u64 >= wanted)
        };
        let pages = (0..size.div_ceil(PAGE)).all(has);
        let levels = (1u32..).map(|n| n * TILE_LEVELS).take_while(|level| size >> level > 0);
        let tile =
            |level, index| self.tables.tile(trail, level, index).is_ok_and(|it| it.is_some());
        pages && levels.into_iter().all(|level| (0..size >> level).all(|index| tile(level, index)))
    }

    /// A trail's size and peaks.
    pub fn head(&self, trail: &Place) -> Result<Peaks, StoreError> {
        if let Some(grown) = self.memory.trails.get(trail) {
            return Ok(grown.peaks.clone());
        }
        if let Some(peaks) = lock(&self.heads).get(trail) {
            return Ok(peaks.clone());
        }
        self.tables.head(trail)
    }

    /// The number on the ledger of event `number` of a trail.
    pub fn event_of_trail(&self, trail: &Place, number: u64) -> Result<Option<u64>, StoreError> {
        self.history()?;
        if let Some(grown) = self.memory.trails.get(trail)
            && let Some(behind) = number.checked_sub(grown.base)
        {
            let event = usize::try_from(behind).ok().and_then(|n| grown.tail.get(n));
            return Ok(event.copied());
        }
        Ok(self.page(trail, number / PAGE)?.get((number % PAGE) as usize).copied())
    }

    /// The event numbers of a page of a trail that are on disk.
    pub(super) fn page(&self, trail: &Place, page: u64) -> Result<Vec<u64>, StoreError> {
        self.tables.page(trail, page)
    }

    /// The root of a complete tile of a trail.
    pub(super) fn tile(
        &self,
        trail: &Place,
        level: u32,
        index: u64,
    ) -> Result<Option<Hash>, StoreError> {
        self.history()?;
        if let Some(grown) = self.memory.trails.get(trail) {
            let found = grown.tiles.iter().find(|(l, i, _)| (*l, *i) == (level, index));
            if let Some((_, _, hash)) = found {
                return Ok(Some(*hash));
            }
        }
        self.tables.tile(trail, level, index)
    }

    /// The leaf of an event, by its number on the ledger.
    pub fn leaf(&self, event: u64) -> Result<EventLeaf, StoreError> {
        self.history()?;
        let damaged = || StoreError::Damaged(format!("index: event {event}"));
        if let Some(behind) = event.checked_sub(self.memory.first_event) {
            let leaf = usize::try_from(behind).ok().and_then(|n| self.memory.leaves.get(n));
            return leaf.copied().ok_or_else(damaged);
        }
        let bytes = self.tables.leaf(event)?.ok_or_else(damaged)?;
        EventLeaf::from_bytes(&bytes).ok_or_else(damaged)
    }

    /// The number of a block's first event.
    pub fn first_event(&self, height: Height) -> Result<Option<u64>, StoreError> {
        self.history()?;
        match self.memory.blocks.get(&height) {
            Some(first) => Ok(Some(*first)),
            None => self.tables.first_event(height),
        }
    }

    /// The height of a transaction's block, and its place among the block's transactions.
    pub fn transaction(&self, id: &TxId) -> Result<Option<(Height, u32)>, StoreError> {
        self.history()?;
        match self.memory.transactions.get(id) {
            Some(position) => Ok(Some(*position)),
            None => self.tables.transaction(id),
        }
    }
}

impl View for Index {
    fn object(&self, place: &Place) -> Result<Option<Object>, Missing> {
        self.get(place).map_err(|e| missing(place, &e))
    }

    fn timers_due(&self, until: TimeMs, limit: usize) -> Result<Vec<Place>, Missing> {
        let first = Place::object(ObjectKind::Timer, &[]);
        self.timers(until, limit).map_err(|e| missing(&first, &e))
    }

    fn trail_size(&self, trail: &Place) -> Result<u64, Missing> {
        self.head(trail).map(|peaks| peaks.size()).map_err(|e| missing(trail, &e))
    }
}

impl Heads for Index {
    type Error = StoreError;

    fn peaks(&self, trail: &Place) -> Result<Peaks, StoreError> {
        self.head(trail)
    }
}

/// A lock whose holder panicked still guards a cache that is whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What is written and what has changed since, both in the order of places: what has changed is newer, and `None` is gone.
fn merged<'a, T: Clone + 'a, E>(
    written: impl Iterator<Item = Result<(Place, T), E>>,
    changed: impl Iterator<Item = (&'a Place, &'a Option<T>)>,
) -> impl Iterator<Item = Result<(Place, T), E>> {
    let (mut written, mut changed) = (written.peekable(), changed.peekable());
    std::iter::from_fn(move || {
        loop {
            let is_changed = match (written.peek(), changed.peek()) {
                (None, None) => return None,
                (Some(_), None) | (Some(Err(_)), Some(_)) => false,
                (None, Some(_)) => true,
                (Some(Ok((on_disk, _))), Some((in_memory, _))) => *in_memory <= on_disk,
            };
            if !is_changed {
                return written.next();
            }
            let (place, object) = changed.next()?;
            let _ = written.next_if(|it| it.as_ref().is_ok_and(|(old, _)| old == place));
            if let Some(object) = object {
                return Some(Ok((place.clone(), object.clone())));
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn what_has_changed_since_it_was_written_is_newer() {
        let place = |id: u8| Place::object(ObjectKind::Request, &[id]);
        for (written, changed, expected) in [
            (vec![], vec![], vec![]),
            (vec![1, 3], vec![], vec![(1, 'w'), (3, 'w')]),
            (vec![], vec![(2, true)], vec![(2, 'c')]),
            (vec![1, 3], vec![(2, true)], vec![(1, 'w'), (2, 'c'), (3, 'w')]),
            (vec![1, 3], vec![(1, true), (4, true)], vec![(1, 'c'), (3, 'w'), (4, 'c')]),
            // Gone: of what was written, and of what never was.
            (vec![1, 3], vec![(0, false), (3, false), (4, false)], vec![(1, 'w')]),
            (vec![1, 2], vec![(1, false), (2, false)], vec![]),
        ] {
            let on_disk = written.iter().map(|id| Ok::<_, ()>((place(*id), 'w')));
            let in_memory: BTreeMap<Place, Option<char>> =
                changed.iter().map(|(id, is)| (place(*id), is.then_some('c'))).collect();
            let found: Vec<_> = merged(on_disk, in_memory.iter()).map(Result::unwrap).collect();
            let expected: Vec<_> = expected.into_iter().map(|(id, of)| (place(id), of)).collect();
            assert_eq!(found, expected, "{written:?} {changed:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_where_it_stands() {
        let place = |id: u8| Place::object(ObjectKind::Request, &[id]);
        let on_disk = [Ok((place(1), 'w')), Err("damaged")];
        let in_memory = BTreeMap::from([(place(9), Some('c'))]);
        let found: Vec<_> = merged(on_disk.into_iter(), in_memory.iter()).collect();
        assert_eq!(found, [Ok((place(1), 'w')), Err("damaged"), Ok((place(9), 'c'))]);
    }
}
