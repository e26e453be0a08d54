//! Bulk sets: a record names the count and root of its subjects' tags; the tags follow in order, by a
//! deadline.

use super::gateways::at_fault;
use super::{needs_keeper, timers};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal};
use crate::merkle::{Blake3Log, Peaks};
use crate::place::Place;
use crate::subject;
use crate::tx::TxHeader;
use crate::types::Hash;
use crate::wire::{self, IntegrityRule, Right, TimerKind};
use std::sync::Arc;

/// A record has a bulk set, whose tags are to come.
pub(super) fn expected(
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

/// A record does not say whose data it was: a subject's proof says how many there are.
pub(super) fn unknown(draft: &mut Draft<'_>, it: &wire::RecordAccess) -> Result<(), Halt> {
    let more = it.subjects.as_ref().map_or(0, |it| it.unknown_count);
    if more == 0 {
        return Ok(());
    }
    let place = Place::unknown_count(&it.collector);
    let known: Option<Arc<wire::UnknownCount>> = draft.get(&place)?;
    let mut count = known.map(|it| *it).unwrap_or_default();
    count.records = count.records.saturating_add(1);
    count.subjects = count.subjects.saturating_add(more);
    draft.put(place, count);
    Ok(())
}

/// More tags of a set, behind those before. With the last they must make the root.
pub(super) fn add(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::AddBulkTags,
) -> Result<Outcome, Halt> {
    // An officer too: of data handed over on a disk the numbers are the officer's own.
    draft.actor(signer, &it.collector, Right::Collect)?;
    needs_keeper(draft, signer)?;
    let place = Place::bulk_set(signer.identity.as_bytes(), it.access_no);
    let set: Option<Arc<wire::BulkSet>> = draft.get(&place)?;
    let set = set.filter(|set| set.collector == it.collector && !set.complete);
    let set = set.ok_or(Refusal::NoBulkSet(it.access_no))?;
    let mut set = (*set).clone();
    let order = Refusal::BulkOrder { received: set.received, count: set.count };
    let mut peaks = peaks(&set).ok_or_else(|| order.clone())?;
    let more = u64::try_from(it.tags.len()).unwrap_or(u64::MAX);
    let first = it.tags.first().map(Vec::as_slice).unwrap_or_default();
    let behind = set.received == 0 || set.last_tag.as_slice() < first;
    if !behind || set.received.saturating_add(more) > set.count {
        return Err(order.into());
    }
    for tag in &it.tags {
        peaks.push::<Blake3Log>(subject::bulk_leaf(tag));
    }
    set.received = peaks.size();
    set.last_tag = it.tags.last().cloned().unwrap_or_default();
    set.peaks = peaks.hashes().iter().map(|hash| hash.to_vec()).collect();
    if set.received == set.count {
        if peaks.root::<Blake3Log>().as_bytes().as_slice() != set.root {
            return Err(Refusal::BulkRoot(it.access_no).into());
        }
        set.complete = true;
        set.peaks.clear();
    }
    draft.put(place, set);
    Ok(Outcome::DONE)
}

fn peaks(set: &wire::BulkSet) -> Option<Peaks> {
    let hashes = set.peaks.iter().map(|hash| Hash::from_slice(hash)).collect::<Result<_, _>>();
    Peaks::new(set.received, hashes.ok()?)
}

/// The time for the tags is over.
pub(super) fn due(draft: &mut Draft<'_>, about: &[u8]) -> Result<(), Halt> {
    let place = Place::object(crate::place::ObjectKind::BulkSet, about);
    let set: Option<Arc<wire::BulkSet>> = draft.get(&place)?;
    let Some(set) = set.filter(|set| !set.complete && !set.missed) else { return Ok(()) };
    draft.put(place, wire::BulkSet { missed: true, ..(*set).clone() });
    let gateway = about.first_chunk::<32>().map(<[u8; 32]>::as_slice).unwrap_or_default();
    let missing = set.count.saturating_sub(set.received);
    at_fault(draft, IntegrityRule::TagsMissing, &set.collector, gateway, missing).map(|_| ())
}
