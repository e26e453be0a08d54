//! Observing (观察期): for a time a gateway serves what it would deny, and says so. All is recorded and judged alike; nobody is at fault
//! for it, and no user's half is owed.

use crate::event::{Outcome, Reason};
use crate::items::access::{coverage, gateways, numbers};
use crate::items::fields::{Checked, ascending, code, ensure, id};
use crate::items::kind::ItemKind;
use crate::items::oversight::watches::{self, Concern};
use crate::items::sharing::grant;
use crate::ledger::{Draft, Halt, Refusal, authority::needs_officer, calendar};
use crate::place::{Place, TrailKind};
use crate::tx::TxHeader;
use crate::types::{TimeMs, limits};
use crate::wire::{self, ObservedUntil, Right, WatchKind};

impl ItemKind for wire::SetObserving {
    fn check(&self) -> Checked {
        code("department", &self.department)?;
        code("collector", &self.collector)?;
        id("gateway_id", &self.gateway_id)?;
        ensure(!self.datasets.is_empty(), "datasets", "at least one dataset is needed")?;
        ascending("datasets", &self.datasets, limits::GATEWAY_DATASETS)?;
        for dataset in &self.datasets {
            code("datasets", dataset)?;
        }
        Ok(())
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        let datasets = self.datasets.iter().map(|code| Place::dataset_trail(code));
        datasets.chain([Place::trail(TrailKind::Gateway, &self.gateway_id)]).collect()
    }

    /// The collector begins it, or ends it earlier; a manager prolongs it.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        let is_manager = self.department != self.collector;
        let right = if is_manager { Right::Manage } else { Right::Collect };
        draft.actor(signer, &self.department, right)?;
        needs_officer(draft, signer)?;
        let mut known = gateways::set_up_for(draft, &self.collector, &self.gateway_id)?;
        if is_manager {
            grant::three_bodies(draft, "", &self.collector, &self.department)?;
        }
        let (now, until) = (draft.context().time, TimeMs::new(self.until_ms));
        if until.since(now) > limits::OBSERVING_MS {
            let days = limits::OBSERVING_MS / (24 * calendar::HOUR_MS);
            return Err(Refusal::ObservingTooLong(days).into());
        }
        for dataset in &self.datasets {
            if !known.datasets.contains(dataset) {
                let (gateway, dataset) = (hex::encode(&self.gateway_id), dataset.clone());
                return Err(Refusal::GatewayNotServing { gateway, dataset }.into());
            }
            set(&mut known.observing, dataset, is_manager, now, until)?;
        }
        draft.put(Place::gateway_setup(&self.gateway_id), known);
        Ok(Outcome::DONE)
    }
}

/// Says until when a dataset is observed. What is over begins anew, and only by a manager.
fn set(
    known: &mut Vec<ObservedUntil>,
    dataset: &str,
    is_manager: bool,
    now: TimeMs,
    until: TimeMs,
) -> Result<(), Refusal> {
    // It ends no earlier than now: what was observed was so.
    let until_ms = until.max(now).get();
    match known.binary_search_by(|it| it.dataset.as_str().cmp(dataset)) {
        Err(at) => {
            let (dataset, since_ms) = (dataset.to_owned(), now.get());
            known.insert(at, ObservedUntil { dataset, since_ms, until_ms });
        }
        Ok(at) => {
            let Some(it) = known.get_mut(at) else { return Ok(()) };
            if !is_manager && until_ms > it.until_ms {
                return Err(Refusal::ObservingBegun(dataset.to_owned()));
            }
            if it.until_ms < now.get() {
                it.since_ms = now.get();
            }
            it.until_ms = until_ms;
        }
    }
    Ok(())
}

/// Whether a gateway that was set up so only observes accesses to a dataset at a time.
#[must_use]
pub fn is_observing(setup: &wire::GatewaySetup, dataset: &str, time: TimeMs) -> bool {
    let when = setup.observing.iter().find(|it| it.dataset == dataset);
    when.is_some_and(|it| (it.since_ms..it.until_ms).contains(&time.get()))
}

/// Whether a record says that its gateway observed, and that was so, of all its datasets: by the block that it decided by, for of what
/// came later it could not know; else by the time of access.
pub(super) fn is_observed(
    draft: &Draft<'_>,
    gateway: &[u8],
    it: &wire::RecordAccess,
) -> Result<bool, Halt> {
    if it.observing.is_none() {
        return Ok(false);
    }
    let Some(setup) = numbers::setup(draft, gateway)? else { return Ok(false) };
    let decided = coverage::decided_time(draft, it)?;
    let time = decided.unwrap_or(TimeMs::new(it.access_time_ms)).min(draft.context().time);
    Ok(!it.accesses.is_empty()
        && it.accesses.iter().all(|one| is_observing(&setup, &one.dataset, time)))
}

/// A record that says so without its being so sheds the user's half: that is told, if nobody is at fault for it anyway.
pub(super) fn claimed(draft: &mut Draft<'_>, it: &wire::RecordAccess) -> Result<(), Halt> {
    let dataset = it.accesses.first().map_or("", |it| it.dataset.as_str());
    let (department, cause) = (it.collector.as_str(), "not_observing");
    let concern = Concern { department, dataset, cause, ..Concern::default() };
    watches::alert(draft, WatchKind::WouldBeDenied, concern)
}

/// What was served and would not have been is told to the collector, once a day and cause.
pub(super) fn alert(
    draft: &mut Draft<'_>,
    it: &wire::RecordAccess,
    access: Option<&wire::DatasetAccess>,
    reason: Reason,
) -> Result<(), Halt> {
    let denied = it.observing.as_ref().map_or("", |it| it.denied.as_str());
    let cause = if reason == Reason::DeniedByGateway { denied } else { reason.name() };
    let department = it.collector.as_str();
    let dataset = access.map_or("", |it| it.dataset.as_str());
    let concern = Concern { department, dataset, cause, ..Concern::default() };
    watches::alert(draft, WatchKind::WouldBeDenied, concern)
}
