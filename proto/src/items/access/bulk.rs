//! Bulk sets: a record names the count and root of its subjects' tags; the tags follow in order, by a
//! deadline.

use crate::event::Outcome;
use crate::items::access::numbers::at_fault;
use crate::items::fields::{Checked, ascending, code, ensure, id};
use crate::items::kind::ItemKind;
use crate::ledger::{Draft, Halt, Refusal, authority::needs_keeper, timers};
use crate::merkle::{Blake3Log, Peaks};
use crate::place::Place;
use crate::subject;
use crate::tx::TxHeader;
use crate::types::{Hash, limits};
use crate::wire::{self, IntegrityRule, Right, TimerKind};
use std::sync::Arc;

/// A record has a bulk set, whose tags are to come.
pub(crate) fn expected(
    draft: &mut Draft<'_>,
    gateway: &[u8],
    it: &wire::RecordAccess,
) -> Result<(), Halt> {
    let Some(bulk) = it.subjects.as_ref().and_then(|it| it.bulk.as_ref()) else {
        return Ok(());
    };
    let place = Place::bulk_set(gateway, it.access_no);
    let due = draft.context().time.plus(draft.parameters()?.bulk_grace_ms);
    timers::set(draft, due, TimerKind::BulkDue, place.id());
    let set = wire::BulkSet {
        collector: it.collector.clone(),
        count: bulk.count,
        root: bulk.root.clone(),
        dataset: it.accesses.first().map(|one| one.dataset.clone()).unwrap_or_default(),
        ..wire::BulkSet::default()
    };
    draft.put(place, set);
    Ok(())
}

/// A record does not say whose data it was, or of which datasets: a subject's proof says how many there are.
pub(crate) fn unknown(draft: &mut Draft<'_>, it: &wire::RecordAccess) -> Result<(), Halt> {
    let more = it.subjects.as_ref().map_or(0, |it| it.unknown_count);
    let uncounted = it.subjects.as_ref().is_some_and(|it| it.uncounted);
    let untold = it.accesses.is_empty();
    if more == 0 && !uncounted && !untold {
        return Ok(());
    }
    let place = Place::unknown_count(&it.collector);
    let known: Option<Arc<wire::UnknownCount>> = draft.get(&place)?;
    let mut count = known.map(|it| *it).unwrap_or_default();
    count.records = count.records.saturating_add(u64::from(more > 0));
    count.subjects = count.subjects.saturating_add(more);
    count.uncounted = count.uncounted.saturating_add(u64::from(uncounted));
    count.untold = count.untold.saturating_add(u64::from(untold));
    draft.put(place, count);
    Ok(())
}

impl ItemKind for wire::AddBulkTags {
    fn check(&self) -> Checked {
        code("collector", &self.collector)?;
        ensure(self.access_no > 0, "access_no", "numbers begin at 1")?;
        ensure(!self.tags.is_empty(), "tags", "at least one tag is needed")?;
        ascending("tags", &self.tags, limits::BULK_TAGS)?;
        for tag in &self.tags {
            id("tags", tag)?;
        }
        Ok(())
    }

    fn trails(&self, header: &TxHeader, _number: u32) -> Vec<Place> {
        let own = Place::gateway_trail(&header.identity);
        vec![own, Place::bulk_tags_trail(header.identity.as_bytes(), self.access_no)]
    }

    /// More tags of a set, behind those before. With the last they must make the root.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        // An officer too: of data handed over on a disk the numbers are the officer's own.
        draft.actor(signer, &self.collector, Right::Collect)?;
        needs_keeper(draft, signer)?;
        let place = Place::bulk_set(signer.identity.as_bytes(), self.access_no);
        let set: Option<Arc<wire::BulkSet>> = draft.get(&place)?;
        let set = set.filter(|set| set.collector == self.collector && !set.complete);
        let set = set.ok_or(Refusal::NoBulkSet(self.access_no))?;
        let mut set = (*set).clone();
        let order = Refusal::BulkOrder { received: set.received, count: set.count };
        let mut peaks = peaks(&set).ok_or_else(|| order.clone())?;
        let more = u64::try_from(self.tags.len()).unwrap_or(u64::MAX);
        let first = self.tags.first().map(Vec::as_slice).unwrap_or_default();
        let behind = set.received == 0 || set.last_tag.as_slice() < first;
        if !behind || set.received.saturating_add(more) > set.count {
            return Err(order.into());
        }
        for tag in &self.tags {
            peaks.push::<Blake3Log>(subject::bulk_leaf(tag));
        }
        set.received = peaks.size();
        set.last_tag = self.tags.last().cloned().unwrap_or_default();
        set.peaks = peaks.hashes().iter().map(|hash| hash.to_vec()).collect();
        if set.received == set.count {
            if peaks.root::<Blake3Log>().as_bytes().as_slice() != set.root {
                return Err(Refusal::BulkRoot(self.access_no).into());
            }
            set.complete = true;
            set.peaks.clear();
        }
        draft.put(place, set);
        Ok(Outcome::DONE)
    }
}

fn peaks(set: &wire::BulkSet) -> Option<Peaks> {
    let hashes = set.peaks.iter().map(|hash| Hash::from_slice(hash)).collect::<Result<_, _>>();
    Peaks::new(set.received, hashes.ok()?)
}

/// The time for the tags is over.
pub(crate) fn due(draft: &mut Draft<'_>, about: &[u8]) -> Result<(), Halt> {
    let place = Place::object(crate::place::ObjectKind::BulkSet, about);
    let set: Option<Arc<wire::BulkSet>> = draft.get(&place)?;
    let Some(set) = set.filter(|set| !set.complete && !set.missed) else { return Ok(()) };
    draft.put(place, wire::BulkSet { missed: true, ..(*set).clone() });
    let gateway = about.first_chunk::<32>().map(<[u8; 32]>::as_slice).unwrap_or_default();
    let missing = set.count.saturating_sub(set.received);
    at_fault(draft, IntegrityRule::TagsMissing, &set.collector, gateway, missing).map(|_| ())
}
