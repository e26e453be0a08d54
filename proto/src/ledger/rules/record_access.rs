//! A gateway records an access. What happened is never refused for being embarrassing; it is
//! judged, counted, watched, and answered for.

use super::integrity::{self, Fault};
use super::own_grant::{self, Named};
use super::watching::{self, Concern};
use super::{bulk, gateways, halves, needs_officer, sharing};
use crate::event::{Outcome, Reason, Timeliness, Verdict};
use crate::ledger::{Draft, Halt, Refusal, coverage, grants};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::{RequestId, limits::USE_DAYS};
use crate::wire::{self, GrantEnd, GrantState, IntegrityRule, Right, WatchKind};
use std::collections::BTreeSet;
use std::sync::Arc;

pub(super) fn apply(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::RecordAccess,
) -> Result<Outcome, Halt> {
    gateways::gateway(draft, signer, &it.collector)?;
    numbered(draft, signer, it)
}

/// Data handed over on a disk: an officer of the collector stands in for a gateway.
pub(super) fn handover(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::ManualHandover,
) -> Result<Outcome, Halt> {
    let record = it.record.clone().unwrap_or_default();
    draft.actor(signer, &record.collector, Right::Collect)?;
    needs_officer(draft, signer)?;
    numbered(draft, signer, &record)
}

fn numbered(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::RecordAccess,
) -> Result<Outcome, Halt> {
    datasets_known(draft, it)?;
    let gateway = signer.identity.as_bytes();
    let time = Some(it.access_time_ms);
    gateways::take(draft, gateway, &it.collector, it.access_no, time)?;
    judged(draft, gateway, it, true)
}

/// What the rules make of a record, and nothing of what follows from it: who signs is a gateway of
/// the collector, the datasets are the collector's, and coverage. Gives which access decided.
pub(in crate::ledger) fn judge(
    draft: &Draft<'_>,
    signer: &TxHeader,
    it: &wire::RecordAccess,
) -> Result<(Outcome, usize), Halt> {
    gateways::gateway(draft, signer, &it.collector)?;
    datasets_known(draft, it)?;
    coverage::judge(draft, it)
}

/// Checks that the datasets of a record are its collector's.
pub(super) fn datasets_known(draft: &Draft<'_>, it: &wire::RecordAccess) -> Result<(), Halt> {
    for access in &it.accesses {
        let dataset = draft.dataset(&access.dataset)?;
        let collector = dataset.registration.as_ref().map_or("", |it| it.collector.as_str());
        if collector != it.collector {
            let (dataset, collector) = (access.dataset.clone(), collector.to_owned());
            return Err(Refusal::DatasetOfOther { dataset, collector }.into());
        }
    }
    Ok(())
}

/// The outcome of a record on the ledger: coverage, and whether it names a grant that is another's. Gives which
/// access decided.
pub(super) fn outcome(
    draft: &Draft<'_>,
    it: &wire::RecordAccess,
) -> Result<(Outcome, usize), Halt> {
    let (outcome, at) = coverage::judge(draft, it)?;
    let names_others = own_grant::names_others(draft, it)?;
    Ok((Outcome { names_others, ..outcome }, at))
}

/// Judges a record, and all that follows from it. `halves`: whether its user's half is wanted.
pub(super) fn judged(
    draft: &mut Draft<'_>,
    gateway: &[u8],
    it: &wire::RecordAccess,
    halves: bool,
) -> Result<Outcome, Halt> {
    let (outcome, at) = outcome(draft, it)?;
    if outcome.verdict != Verdict::Denied {
        count(draft, it)?;
        // What comes so late is visible as such; nobody can be expected to remember it.
        if halves && outcome.timeliness != Timeliness::Backfill {
            halves::recorded(draft, gateway, it)?;
        }
        bulk::expected(draft, gateway, it)?;
        bulk::unknown(draft, it)?;
    }
    if outcome.verdict == Verdict::Uncovered
        && let Some(access) = it.accesses.get(at)
    {
        uncovered(draft, gateway, it, access, outcome.reason)?;
    }
    watching::record(draft, it, outcome.future)?;
    Ok(outcome)
}

/// The collector is at fault, whose gateway served what was not covered; where its user asked for
/// more than was granted, the user.
fn uncovered(
    draft: &mut Draft<'_>,
    gateway: &[u8],
    it: &wire::RecordAccess,
    access: &wire::DatasetAccess,
    reason: Reason,
) -> Result<(), Halt> {
    let id = RequestId::from_slice(&access.request_id).ok();
    let grant: Option<Arc<wire::Grant>> = match id {
        Some(id) => draft.get(&Place::grant(&id))?,
        None => None,
    };
    let asker = it.asker.as_ref().filter(|it| !it.identity_id.is_empty());
    let (rule, department, identity) = match (reason, asker) {
        // What hangs from a grant that others used up its user can't see.
        (Reason::QuotaExceeded, Some(asker)) if is_over(draft, it, grant.as_deref())? => {
            (IntegrityRule::QuotaExceeded, asker.department.as_str(), asker.identity_id.as_slice())
        }
        _ => (IntegrityRule::Uncovered, it.collector.as_str(), gateway),
    };
    // What names no grant of its own is filed with the dataset alone.
    let request_id = match own_grant::named(draft, it, access)? {
        Named::Own(_) => access.request_id.as_slice(),
        Named::None | Named::Others => &[],
    };
    let dataset = access.dataset.as_str();
    let fault = Fault { rule, department, identity, dataset, request_id, count: 1 };
    integrity::raise(draft, &fault).map(|_| ())
}

/// Whether a grant's own quota is exceeded, with this record counted.
fn is_over(
    draft: &Draft<'_>,
    it: &wire::RecordAccess,
    grant: Option<&wire::Grant>,
) -> Result<bool, Halt> {
    let Some(grant) = grant else { return Ok(false) };
    let id = RequestId::from_slice(&grant.request_id).unwrap_or_default();
    let used: Option<Arc<wire::GrantUse>> = draft.get(&Place::grant_use(&id))?;
    let Some(used) = used else { return Ok(false) };
    let quota = grants::terms(grant).and_then(|terms| terms.quota).unwrap_or_default();
    let day = coverage::day_of_use(draft, it);
    let today = used.days.iter().find(|one| one.day == day).copied().unwrap_or_default();
    let over = |used: u64, limit: u64| limit > 0 && used > limit;
    Ok(over(used.queries, quota.queries_total)
        || over(used.rows, quota.rows_total)
        || over(today.queries, quota.queries_per_day)
        || over(today.rows, quota.rows_per_day))
}

/// Counts what was served under each grant named that is the record's own, covered or not, and under
/// all that it hangs from.
fn count(draft: &mut Draft<'_>, it: &wire::RecordAccess) -> Result<(), Halt> {
    let mut counted: BTreeSet<RequestId> = BTreeSet::new();
    for access in &it.accesses {
        let Named::Own(own) = own_grant::named(draft, it, access)? else { continue };
        let mut id = RequestId::from_slice(&own.request_id).ok();
        while let Some(this) = id.filter(|id| counted.insert(*id)) {
            let grant: Option<Arc<wire::Grant>> = draft.get(&Place::grant(&this))?;
            let Some(grant) = grant else { break };
            count_one(draft, it, &this, &grant)?;
            id = RequestId::from_slice(&grant.parent_id).ok();
        }
    }
    Ok(())
}

fn count_one(
    draft: &mut Draft<'_>,
    it: &wire::RecordAccess,
    id: &RequestId,
    grant: &wire::Grant,
) -> Result<(), Halt> {
    let place = Place::grant_use(id);
    let used: Option<Arc<wire::GrantUse>> = draft.get(&place)?;
    let mut used = used.map(|it| (*it).clone()).unwrap_or_default();
    let before = (used.queries, used.rows);
    used.queries = used.queries.saturating_add(1);
    used.rows = used.rows.saturating_add(it.row_count);
    let after = (used.queries, used.rows);
    count_day(&mut used.days, coverage::day_of_use(draft, it), it.row_count);
    let quota = grants::terms(grant).and_then(|terms| terms.quota).unwrap_or_default();
    let reached = |used: u64, limit: u64| limit > 0 && used >= limit;
    let exhausted =
        reached(used.queries, quota.queries_total) || reached(used.rows, quota.rows_total);
    draft.put(place, used);
    if watching::nearly_used(draft, before.0, after.0, quota.queries_total)?
        || watching::nearly_used(draft, before.1, after.1, quota.rows_total)?
    {
        let department = grant.using_department.as_str();
        let department = if department.is_empty() { &grant.collector } else { department };
        let request_id = id.as_bytes().as_slice();
        let concern = Concern { department, identity: &[], dataset: &grant.dataset, request_id };
        watching::alert(draft, WatchKind::QuotaNearlyUsed, concern)?;
    }
    if exhausted && !grants::has_ended(grants::state(grant)) {
        let told = Some(GrantEnd::Exhausted);
        sharing::end(draft, grant.clone(), GrantState::Exhausted, "", told)?;
    }
    Ok(())
}

fn count_day(days: &mut Vec<wire::DayUse>, day: u64, rows: u64) {
    match days.binary_search_by_key(&day, |it| it.day) {
        Ok(at) => {
            if let Some(it) = days.get_mut(at) {
                it.queries = it.queries.saturating_add(1);
                it.rows = it.rows.saturating_add(rows);
            }
        }
        // Older than all the days kept: its quota is judged as unknown.
        Err(0) if days.len() >= USE_DAYS => {}
        Err(at) => {
            days.insert(at, wire::DayUse { day, queries: 1, rows });
            if days.len() > USE_DAYS {
                days.remove(0);
            }
        }
    }
}
