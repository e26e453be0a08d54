//! A gateway records an access. What happened is never refused for being embarrassing; it is
//! judged, and counted.

use super::{needs_kind, sharing, words};
use crate::event::{Outcome, Verdict};
use crate::ledger::{Draft, Halt, Refusal, coverage, grants};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::{RequestId, limits::USE_DAYS};
use crate::wire::{self, GrantEnd, GrantState};
use std::collections::BTreeSet;
use std::sync::Arc;

pub(super) fn apply(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::RecordAccess,
) -> Result<Outcome, Halt> {
    draft.actor(signer, &it.collector, wire::Right::Collect)?;
    needs_kind(draft, signer, &[wire::IdentityKind::System], words::GATEWAY)?;
    for access in &it.accesses {
        let dataset = draft.dataset(&access.dataset)?;
        let collector = dataset.registration.as_ref().map_or("", |it| it.collector.as_str());
        if collector != it.collector {
            let (dataset, collector) = (access.dataset.clone(), collector.to_owned());
            return Err(Refusal::DatasetOfOther { dataset, collector }.into());
        }
    }
    number(draft, signer, it.access_no)?;
    let outcome = coverage::judge(draft, it)?;
    if outcome.verdict != Verdict::Denied {
        count(draft, it)?;
    }
    Ok(outcome)
}

/// Each gateway's numbers ascend, so nothing is recorded twice.
fn number(draft: &mut Draft<'_>, signer: &TxHeader, found: u64) -> Result<(), Halt> {
    let place = Place::gateway(&signer.identity);
    let gateway: Option<Arc<wire::Gateway>> = draft.get(&place)?;
    let gateway = gateway.map(|it| *it).unwrap_or_default();
    let last = gateway.last_access_no;
    if found <= last {
        return Err(Refusal::AccessNoNotAscending { last, found }.into());
    }
    let records = gateway.records.saturating_add(1);
    draft.put(place, wire::Gateway { last_access_no: found, records });
    Ok(())
}

/// Counts what was served under each grant named, covered or not, and under all that it hangs from.
fn count(draft: &mut Draft<'_>, it: &wire::RecordAccess) -> Result<(), Halt> {
    let mut counted: BTreeSet<RequestId> = BTreeSet::new();
    for access in &it.accesses {
        let mut id = RequestId::from_slice(&access.request_id).ok();
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
    used.queries = used.queries.saturating_add(1);
    used.rows = used.rows.saturating_add(it.row_count);
    count_day(&mut used.days, coverage::day_of_use(draft, it), it.row_count);
    let quota = grants::terms(grant).and_then(|terms| terms.quota).unwrap_or_default();
    let reached = |used: u64, limit: u64| limit > 0 && used >= limit;
    let exhausted =
        reached(used.queries, quota.queries_total) || reached(used.rows, quota.rows_total);
    draft.put(place, used);
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
