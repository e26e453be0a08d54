//! A gateway records an access. What happened is never refused for being embarrassing; it is
//! judged, and counted.

use super::needs_kind;
use crate::event::{Outcome, Verdict};
use crate::ledger::{Draft, Halt, Refusal, Wanted, coverage};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::{RequestId, limits::USE_DAYS};
use crate::wire;
use std::collections::BTreeSet;
use std::sync::Arc;

pub(super) fn apply(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::RecordAccess,
) -> Result<Outcome, Halt> {
    draft.actor(signer, &it.collector, wire::Right::Collect)?;
    needs_kind(draft, signer, &[wire::IdentityKind::System], Wanted::Gateway)?;
    for access in &it.accesses {
        let dataset = draft.dataset(&access.dataset)?;
        let collector = dataset.registration.clone().unwrap_or_default().collector;
        if collector != it.collector {
            let dataset = access.dataset.clone();
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

/// Counts what was served under each grant named, covered or not.
fn count(draft: &mut Draft<'_>, it: &wire::RecordAccess) -> Result<(), Halt> {
    let grants: BTreeSet<RequestId> =
        it.accesses.iter().filter_map(|one| RequestId::from_slice(&one.request_id).ok()).collect();
    for id in grants {
        let known: Option<Arc<wire::Grant>> = draft.get(&Place::grant(&id))?;
        if known.is_none() {
            continue;
        }
        let place = Place::grant_use(&id);
        let used: Option<Arc<wire::GrantUse>> = draft.get(&place)?;
        let mut used = used.map(|it| (*it).clone()).unwrap_or_default();
        used.queries = used.queries.saturating_add(1);
        used.rows = used.rows.saturating_add(it.row_count);
        count_day(&mut used.days, coverage::day_of_use(draft, it), it.row_count);
        draft.put(place, used);
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
