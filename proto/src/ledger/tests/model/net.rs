//! A ledger in memory, of any founding: what a node keeps, without a node.

use crate::header::{block::Header, founding::Founding};
use crate::ledger::seal::{self, Heads, Parent};
use crate::ledger::{BlockContext, Delta, Draft, Event, Missing, Object, View, apply};
use crate::merkle::log::sha256_leaf;
use crate::merkle::trie::Trie;
use crate::merkle::{Blake3Log, MemoryLog, Peaks, Sha256Log};
use crate::place::{ObjectKind, Place};
use crate::tx::Tx;
use crate::types::{Height, KeyId, TimeMs};
use std::collections::BTreeMap;
use std::convert::Infallible;

/// What the block log keeps of a block, and what came of it.
#[derive(Debug, Clone)]
pub(super) struct Logged {
    pub(super) header: Header,
    pub(super) transactions: Vec<Vec<u8>>,
}

#[derive(Debug, Clone)]
pub(super) struct Net {
    pub(super) founding: Founding,
    pub(super) objects: BTreeMap<Place, Object>,
    peaks: BTreeMap<Place, Peaks>,
    pub(super) trie: Trie,
    headers: MemoryLog<Sha256Log>,
    pub(super) tip: Header,
}

impl Net {
    pub(super) fn new(founding: Founding) -> Self {
        let tip = founding.header();
        let mut headers = MemoryLog::default();
        headers.push(sha256_leaf(&tip.to_bytes()));
        Self {
            objects: founding.objects().clone(),
            peaks: BTreeMap::new(),
            trie: founding.trie().clone(),
            headers,
            tip,
            founding,
        }
    }

    pub(super) fn context(&self, time: u64) -> BlockContext {
        BlockContext {
            height: self.tip.height.next(),
            time: TimeMs::new(time),
            parent_id: self.tip.block_id(),
            parent_time: self.tip.time,
            carried_round: None,
        }
    }

    pub(super) fn draft(&self, time: u64) -> Draft<'_> {
        Draft::new(self, self.context(time), self.founding.chain()).unwrap()
    }

    pub(super) fn object<T>(&self, place: &Place) -> Option<std::sync::Arc<T>>
    where
        std::sync::Arc<T>: TryFrom<Object>,
    {
        self.objects.get(place).cloned().and_then(|object| object.try_into().ok())
    }

    /// The next block is this one.
    pub(super) fn commit(&mut self, time: u64, delta: Delta) {
        let sealed = seal::seal(&delta, self, &self.trie).unwrap();
        let parent = Parent { header: self.tip.clone(), log_root: self.headers.root() };
        let schedule = self.object(&Place::validator_schedule()).unwrap();
        let after = parent.header.height.next().next();
        let next = seal::validators_at(&schedule, after).unwrap().hash();
        let (count, time) = (delta.events.len(), TimeMs::new(time));
        let header = seal::header(&parent, time, KeyId::ZERO, None, count, &sealed, next);
        self.headers.push(sha256_leaf(&header.to_bytes()));
        for (place, object) in delta.objects {
            match object {
                Some(object) => self.objects.insert(place, object),
                None => self.objects.remove(&place),
            };
        }
        self.peaks.extend(sealed.trails.into_iter().map(|(trail, grown)| (trail, grown.peaks)));
        self.trie = sealed.trie;
        self.tip = header;
    }

    /// Makes a block of the log again, from its bytes; gives its events.
    pub(super) fn replay(&mut self, block: &Logged) -> Vec<Event> {
        let transactions: Vec<Tx> =
            block.transactions.iter().map(|bytes| Tx::parse(bytes).unwrap()).collect();
        let time = block.header.time.get();
        let chain = self.founding.chain();
        let delta = apply(self, self.context(time), chain, &transactions).unwrap();
        let events = delta.events.clone();
        self.commit(time, delta);
        assert_eq!(self.tip, block.header);
        events
    }

    /// The same ledger read back from bytes, its map made anew of all that stands in it.
    pub(super) fn reloaded(&self) -> Self {
        let objects: BTreeMap<Place, Object> = self
            .objects
            .iter()
            .map(|(place, object)| {
                let place = Place::from_bytes(&place.to_bytes()).unwrap();
                let kind: ObjectKind = place.object_kind().unwrap();
                (place, Object::from_bytes(kind, &object.to_bytes()).unwrap())
            })
            .collect();
        let values = objects.iter().map(|(place, it)| (place.map_key(), Some(it.map_value())));
        let trails = self.peaks.iter().map(|(place, peaks)| {
            let value = seal::trail_value(peaks.size(), &peaks.root::<Blake3Log>());
            (place.map_key(), value)
        });
        let trie = Trie::default().with(values.chain(trails).collect());
        assert_eq!(trie.root(), self.trie.root(), "the map holds something else than the state");
        Self { objects, trie, ..self.clone() }
    }

    pub(super) fn height(&self) -> Height {
        self.tip.height
    }
}

impl View for Net {
    fn object(&self, place: &Place) -> Result<Option<Object>, Missing> {
        Ok(self.objects.get(place).cloned())
    }

    fn trail_size(&self, trail: &Place) -> Result<u64, Missing> {
        Ok(self.peaks.get(trail).map_or(0, Peaks::size))
    }

    fn timers_due(&self, until: TimeMs, limit: usize) -> Result<Vec<Place>, Missing> {
        let timers = self.objects.range(Place::object(ObjectKind::Timer, &[])..);
        let due = timers
            .map(|(place, _)| place)
            .take_while(|place| place.timer_due().is_some_and(|due| due <= until));
        Ok(due.take(limit).cloned().collect())
    }
}

impl Heads for Net {
    type Error = Infallible;

    fn peaks(&self, trail: &Place) -> Result<Peaks, Infallible> {
        Ok(self.peaks.get(trail).cloned().unwrap_or_default())
    }
}
