//! All that stands on the ledger of a data subject: who looked, under what grant; in which bulk sets it
//! is; how many records do not say whom they are about, and how many are sealed.

use super::super::events::{Checker, ProvedEvent, hashes};
use super::super::{NotVerified, Trust, invalid};
use super::completeness::{self, Completeness};
use super::state;
use crate::event::Body;
use crate::items::Item;
use crate::ledger::calendar::{sealed_month, sealed_told_before};
use crate::place::{Place, TrailKind};
use crate::subject::{BulkProof, is_in_bulk};
use crate::tx::TxHeader;
use crate::types::Hash;
use crate::wire::{self, item::Kind};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A subject's data, as its tags tell.
#[derive(Debug, Clone)]
pub struct Subject {
    /// What each collector's records say.
    pub tags: Vec<Tag>,
    /// Records sealed everywhere, by month of 30 days since the Unix epoch; what is not sealed long
    /// enough ago is not told.
    pub sealed: BTreeMap<u32, u64>,
    /// The first month of which that is told.
    pub sealed_from: u32,
    /// The objects that the claim reads.
    pub(super) reads: BTreeSet<Place>,
}

/// What one collector's records say of a tag.
#[derive(Debug, Clone)]
pub struct Tag {
    /// The collector's code.
    pub collector: String,
    /// The tag.
    pub tag: Hash,
    /// The records that list it.
    pub listed: Completeness,
    /// The records of bulk sets and whole versions.
    pub unlisted: Completeness,
    /// Of each of those: whether it is about this subject. `None` where the set's tags are not all on
    /// the ledger.
    pub concerned: Vec<Option<bool>>,
    /// What the collector's records leave unknown, since genesis.
    pub unknown: wire::UnknownCount,
}

impl Tag {
    /// How many of the events that list it are records: who was shown the trail stands on it too.
    pub fn records(&self) -> usize {
        let is_record = |event: &&ProvedEvent| match &event.body {
            Body::Signed { header, item } => record(header, item).is_some(),
            Body::Ledger(_) => false,
        };
        self.listed.events.iter().filter(is_record).count()
    }
}

/// Verifies that nothing is left out.
pub(super) fn verify(
    claim: &wire::SubjectClaim,
    trust: &Trust<'_>,
    checker: &Checker<'_>,
) -> Result<Subject, NotVerified> {
    // Who knows genesis is told of every month; who trusts a checkpoint, since when.
    if let Trust::Genesis(founding) = trust
        && claim.sealed_from != sealed_month(founding.header().time)
    {
        return Err(invalid("subject.sealed", "not every month since genesis"));
    }
    let of = |it: &wire::SubjectTrails| (it.collector.clone(), it.tag.clone());
    let ascending = claim.subjects.iter().zip(claim.subjects.iter().skip(1));
    if claim.subjects.is_empty() || !ascending.clone().all(|(a, b)| of(a) < of(b)) {
        return Err(invalid("subject.tags", "no tags, or not in order"));
    }
    let mut reads = BTreeSet::new();
    let all = claim.subjects.iter().map(|it| subject_tag(it, checker, &mut reads));
    let tags = all.collect::<Result<Vec<_>, _>>()?;
    let range = tags.first().map(|it| it.listed.range);
    if tags.iter().any(|it| Some(it.listed.range) != range) {
        return Err(invalid("subject.range", "not one range of all trails"));
    }
    let sealed = sealed(claim, checker, &mut reads)?;
    Ok(Subject { tags, sealed, sealed_from: claim.sealed_from, reads })
}

fn subject_tag(
    given: &wire::SubjectTrails,
    checker: &Checker<'_>,
    reads: &mut BTreeSet<Place>,
) -> Result<Tag, NotVerified> {
    let tag = Hash::from_slice(&given.tag).map_err(|e| invalid("subject.tags", e))?;
    let nothing = || invalid("claim.none", "two trails of each tag are needed");
    let listed = completeness::verify(given.listed.as_ref().ok_or_else(nothing)?, checker)?;
    let unlisted = completeness::verify(given.unlisted.as_ref().ok_or_else(nothing)?, checker)?;
    let collector = given.collector.as_str();
    let own = Place::subject_trail(collector, tag.as_bytes());
    if (listed.kind, &listed.trail) != (TrailKind::Subject, &own)
        || unlisted.trail != Place::unlisted_trail(collector)
    {
        return Err(invalid("subject.trail", "not the trails of this tag and its collector"));
    }
    if listed.range != unlisted.range {
        return Err(invalid("subject.range", "not one range of both trails"));
    }
    let mut memberships = given.bulk.iter();
    let mut concerned = Vec::with_capacity(unlisted.events.len());
    for event in &unlisted.events {
        concerned.push(concerns(event, &tag, checker, &mut memberships, reads)?);
    }
    if memberships.next().is_some() {
        return Err(invalid("file.unused", "a bulk set that no record has"));
    }
    let place = Place::unknown_count(collector);
    let unknown: Option<Arc<wire::UnknownCount>> = checker.objects.get(&place);
    let unknown = match unknown {
        Some(_) if given.no_unknown.is_some() => {
            return Err(invalid(
                "file.unused",
                "a count of what is unknown, and that there is none",
            ));
        }
        Some(it) => {
            reads.insert(place);
            *it
        }
        None => {
            absent(&place, given.no_unknown.as_ref(), checker)?;
            wire::UnknownCount::default()
        }
    };
    Ok(Tag { collector: collector.to_owned(), tag, listed, unlisted, concerned, unknown })
}

/// Of a record of a served bulk set: the gateway that numbered it, and its number.
pub fn bulk_record(header: &TxHeader, item: &Item) -> Option<(Vec<u8>, u64)> {
    let (it, gateway) = record(header, item)?;
    let served = it.decision() != wire::Decision::Denied;
    let bulk = it.subjects.as_ref().is_some_and(|it| it.bulk.is_some());
    (served && bulk).then_some((gateway, it.access_no))
}

/// The record of an item, and the gateway that numbered it.
fn record<'a>(header: &TxHeader, item: &'a Item) -> Option<(&'a wire::RecordAccess, Vec<u8>)> {
    match item.kind() {
        Kind::RecordAccess(it) => Some((it, header.identity.to_vec())),
        Kind::ManualHandover(it) => Some((it.record.as_ref()?, header.identity.to_vec())),
        Kind::OpenSealed(it) => Some((it.record.as_ref()?, it.gateway_id.clone())),
        _ => None,
    }
}

/// Whether a record of a bulk set or a whole version is about a tag.
fn concerns<'a>(
    event: &ProvedEvent,
    tag: &Hash,
    checker: &Checker<'_>,
    memberships: &mut impl Iterator<Item = &'a wire::BulkMembership>,
    reads: &mut BTreeSet<Place>,
) -> Result<Option<bool>, NotVerified> {
    // Who was shown the trail stands on it too: that is no access to the data.
    let Body::Signed { header, item } = &event.body else { return Ok(Some(false)) };
    let Some((it, _)) = record(header, item) else { return Ok(Some(false)) };
    let subjects = it.subjects.as_ref();
    let bulk = subjects.and_then(|it| it.bulk.as_ref());
    let (Some((gateway, access_no)), Some(bulk)) = (bulk_record(header, item), bulk) else {
        let served = it.decision() != wire::Decision::Denied;
        return Ok(Some(served && subjects.is_some_and(|it| it.whole)));
    };
    let place = Place::bulk_set(&gateway, access_no);
    let set: Option<Arc<wire::BulkSet>> = checker.objects.get(&place);
    let set = set.ok_or_else(|| NotVerified::Undecidable(format!("{place}")))?;
    reads.insert(place);
    if (set.count, &set.root) != (bulk.count, &bulk.root) {
        return Err(invalid("subject.bulk", "the set is not the record's"));
    }
    if !set.complete {
        return Ok(None);
    }
    let shown = memberships.next();
    let shown = shown.ok_or_else(|| invalid("subject.bulk", "a bulk set without a proof"))?;
    let root = Hash::from_slice(&set.root).map_err(|e| invalid("subject.bulk", e))?;
    let proof =
        BulkProof { first: shown.first, tags: shown.tags.clone(), hashes: hashes(&shown.hashes)? };
    let found = is_in_bulk(set.count, &root, tag.as_bytes(), &proof);
    let neither = || invalid("subject.bulk", "neither in the set nor shown to be absent");
    found.map(Some).ok_or_else(neither)
}

/// Checks that there is no object where the file has none.
fn absent(
    place: &Place,
    path: Option<&wire::MapProof>,
    checker: &Checker<'_>,
) -> Result<(), NotVerified> {
    let missing = || NotVerified::Undecidable(format!("{place}, or that there is none"));
    state::shown_absent(place, path.ok_or_else(missing)?, checker)
}

fn sealed(
    claim: &wire::SubjectClaim,
    checker: &Checker<'_>,
    reads: &mut BTreeSet<Place>,
) -> Result<BTreeMap<u32, u64>, NotVerified> {
    let mut sealed = BTreeMap::new();
    let mut unsealed = claim.unsealed.iter().peekable();
    // A month is in the file one way or the other: so their count is no larger than the file.
    for month in claim.sealed_from..sealed_told_before(checker.anchor.time) {
        let place = Place::sealed_count(month);
        let count: Option<Arc<wire::SealedCount>> = checker.objects.get(&place);
        if let Some(count) = count {
            sealed.insert(month, count.sealed);
            reads.insert(place);
            continue;
        }
        let path = unsealed.next_if(|it| it.month == month).and_then(|it| it.path.as_ref());
        absent(&place, path, checker)?;
    }
    match unsealed.next() {
        None => Ok(sealed),
        Some(_) => Err(invalid("file.unused", "a month that is not told")),
    }
}
