//! Gateways (安全闸口): how they are set up, and what they say of their numbers and of themselves.

use crate::event::Outcome;
use crate::items::access::{numbers, seals};
use crate::items::fields::{Checked, ascending, code, ensure, ensure_of, id, id_if_given};
use crate::items::kind::ItemKind;
use crate::items::member::identity;
use crate::items::oversight::watches::{self, Concern};
use crate::ledger::{
    Draft, Halt, Refusal,
    authority::{needs_keeper, needs_officer},
    calendar, timers, words,
};
use crate::place::{Place, TrailKind};
use crate::suite::hash::{self, Domain};
use crate::tx::TxHeader;
use crate::types::{TimeMs, limits};
use crate::wire::{self, IdentityKind, IntegrityRule, Right, TimerKind, WatchKind};
use std::sync::Arc;

impl ItemKind for wire::SetGateway {
    fn check(&self) -> Checked {
        code("collector", &self.collector)?;
        id("gateway_id", &self.gateway_id)?;
        ascending("datasets", &self.datasets, limits::GATEWAY_DATASETS)?;
        for dataset in &self.datasets {
            code("datasets", dataset)?;
        }
        id_if_given("mapping_digest", &self.mapping_digest)
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        let datasets = self.datasets.iter().map(|code| Place::dataset_trail(code));
        datasets.chain([Place::trail(TrailKind::Gateway, &self.gateway_id)]).collect()
    }

    /// The collector sets a gateway up, changes what it serves, or closes it.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        draft.actor(signer, &self.collector, Right::Collect)?;
        needs_officer(draft, signer)?;
        of_collector(draft, &self.gateway_id, &self.collector)?;
        for dataset in &self.datasets {
            crate::items::sharing::grant::entry(draft, dataset, &self.collector)?;
        }
        let before =
            numbers::setup(draft, &self.gateway_id)?.map(|it| (*it).clone()).unwrap_or_default();
        for dataset in before.datasets.iter().filter(|one| !self.datasets.contains(one)) {
            serves(draft, dataset, false)?;
        }
        for dataset in self.datasets.iter().filter(|one| !before.datasets.contains(one)) {
            serves(draft, dataset, true)?;
        }
        let mut now = wire::GatewaySetup {
            collector: self.collector.clone(),
            datasets: self.datasets.clone(),
            ..before
        };
        if !self.mapping_digest.is_empty() {
            now.mapping_digest.clone_from(&self.mapping_digest);
        }
        seals::owes(draft, &self.gateway_id, &mut now)?;
        draft.put(Place::gateway_setup(&self.gateway_id), now);
        Ok(Outcome::DONE)
    }
}

fn of_collector(draft: &Draft<'_>, gateway: &[u8], collector: &str) -> Result<(), Halt> {
    let known = identity::get(draft, gateway)?;
    if known.department != collector {
        return Err(Refusal::IdentityOfOther(hex::encode(gateway)).into());
    }
    if known.kind() != IdentityKind::System {
        return Err(Refusal::IdentityKind(words::GATEWAY).into());
    }
    Ok(())
}

/// One gateway more or less serves a dataset; when none is left the time for an alert begins.
fn serves(draft: &mut Draft<'_>, dataset: &str, more: bool) -> Result<(), Halt> {
    let place = Place::dataset_gateways(dataset);
    let known: Option<Arc<wire::DatasetGateways>> = draft.get(&place)?;
    let count = known.map_or(0, |it| it.count);
    let count = if more { count.saturating_add(1) } else { count.saturating_sub(1) };
    draft.put(place, wire::DatasetGateways { count });
    if count == 0 { wants_gateway(draft, dataset) } else { Ok(()) }
}

/// A dataset that no gateway serves is alerted to after a window.
pub(crate) fn wants_gateway(draft: &mut Draft<'_>, dataset: &str) -> Result<(), Halt> {
    if let Some(watch) = watches::watch(draft, WatchKind::NoGateway)? {
        let due = draft.context().time.plus(watch.window_ms);
        timers::set(draft, due, TimerKind::NoGateway, dataset.as_bytes());
    }
    Ok(())
}

/// The window is over.
pub(crate) fn no_gateway(draft: &mut Draft<'_>, dataset: &str) -> Result<(), Halt> {
    let known: Option<Arc<wire::DatasetGateways>> = draft.get(&Place::dataset_gateways(dataset))?;
    let entry = draft.dataset(dataset)?;
    if known.is_some_and(|it| it.count > 0) || entry.retired_height.is_some() {
        return Ok(());
    }
    let collector = entry.registration.as_ref().map_or("", |it| it.collector.as_str());
    let concern = Concern { department: collector, dataset, ..Concern::default() };
    watches::alert(draft, WatchKind::NoGateway, concern)
}

impl ItemKind for wire::CommitMapping {
    fn check(&self) -> Checked {
        code("collector", &self.collector)?;
        id("gateway_id", &self.gateway_id)?;
        id("mapping_digest", &self.mapping_digest)
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::trail(TrailKind::Gateway, &self.gateway_id)]
    }

    /// The gateway itself, or an officer, commits to the mapping in use.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        let mut known = of_set_up(draft, signer, &self.collector, &self.gateway_id)?;
        known.mapping_digest.clone_from(&self.mapping_digest);
        draft.put(Place::gateway_setup(&self.gateway_id), known);
        Ok(Outcome::DONE)
    }
}

/// A gateway that was set up, for which the collector signs.
pub(crate) fn of_set_up(
    draft: &Draft<'_>,
    signer: &TxHeader,
    collector: &str,
    gateway: &[u8],
) -> Result<wire::GatewaySetup, Halt> {
    draft.actor(signer, collector, Right::Collect)?;
    needs_keeper(draft, signer)?;
    set_up_for(draft, collector, gateway)
}

/// How a collector set a gateway up, whoever signs.
pub(crate) fn set_up_for(
    draft: &Draft<'_>,
    collector: &str,
    gateway: &[u8],
) -> Result<wire::GatewaySetup, Halt> {
    let known = numbers::setup(draft, gateway)?;
    let known = known.ok_or_else(|| Refusal::GatewayNotSetUp(hex::encode(gateway)))?;
    if known.collector != collector {
        return Err(Refusal::IdentityOfOther(hex::encode(gateway)).into());
    }
    Ok((*known).clone())
}

impl ItemKind for wire::DeclareLoss {
    fn check(&self) -> Checked {
        code("collector", &self.collector)?;
        id("gateway_id", &self.gateway_id)?;
        ensure(self.first > 0, "first", "numbers begin at 1")?;
        ensure_of(self.first <= self.last && self.last < u64::MAX, "last", || {
            format!("a range ends behind its begin: {} to {}", self.first, self.last)
        })?;
        code("cause", &self.cause)
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::trail(TrailKind::Gateway, &self.gateway_id)]
    }

    /// Numbers whose records are gone are owned up to.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        draft.actor(signer, &self.collector, Right::Collect)?;
        needs_keeper(draft, signer)?;
        // An officer too, who handed data over: its numbers are the officer's own.
        identity::must_be_of(draft, &self.gateway_id, &self.collector)?;
        let mut known = numbers::numbers(draft, &self.gateway_id)?;
        numbers::occupy(
            draft,
            &self.gateway_id,
            &self.collector,
            &mut known,
            (self.first, self.last),
        )?;
        let count = self.last.saturating_sub(self.first).saturating_add(1);
        numbers::keep(draft, &self.gateway_id, known);
        let beyond = lost(draft, &self.collector, count)?;
        if beyond > 0 {
            let rule = IntegrityRule::LossesBeyond;
            numbers::at_fault(draft, rule, &self.collector, &self.gateway_id, beyond)?;
        }
        Ok(Outcome::DONE)
    }
}

/// Counts numbers that a collector declares lost, of whichever of its gateways; gives how many are beyond what may be.
fn lost(draft: &mut Draft<'_>, collector: &str, count: u64) -> Result<u64, Halt> {
    let place =
        Place::joined(&hash::hash(Domain::Repeat, &[b"l".as_slice(), collector.as_bytes()]));
    let known: Option<Arc<wire::Joined>> = draft.get(&place)?;
    let mut known = known.map(|it| wire::Declared { since_ms: it.since_ms, count: it.number });
    let limit = draft.parameters()?.lost_numbers;
    let beyond = declared(draft, &mut known, count, limit);
    if let Some(wire::Declared { since_ms, count }) = known {
        draft.put(place, wire::Joined { number: count, since_ms, until_ms: 0 });
    }
    Ok(beyond)
}

/// Counts what is declared on what was declared within 31 days; gives how much of it is beyond what may be.
fn declared(draft: &Draft<'_>, known: &mut Option<wire::Declared>, more: u64, limit: u64) -> u64 {
    let now = draft.context().time;
    let lasts = |it: &wire::Declared| now.since(TimeMs::new(it.since_ms)) < DECLARED_FOR_MS;
    let fresh = wire::Declared { since_ms: now.get(), count: 0 };
    let before = known.filter(lasts).unwrap_or(fresh);
    let count = before.count.saturating_add(more);
    *known = Some(wire::Declared { count, ..before });
    count.saturating_sub(limit).min(more)
}

/// For how long what is declared is counted together.
const DECLARED_FOR_MS: u64 = 31 * 24 * calendar::HOUR_MS;

impl ItemKind for wire::DeclareOutage {
    fn check(&self) -> Checked {
        code("collector", &self.collector)?;
        id("gateway_id", &self.gateway_id)?;
        code("cause", &self.cause)
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::trail(TrailKind::Gateway, &self.gateway_id)]
    }

    /// A gateway will be silent for a time.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        let mut known = of_set_up(draft, signer, &self.collector, &self.gateway_id)?;
        let (now, until) = (draft.context().time, TimeMs::new(self.until_ms));
        if until <= now || until.since(now) > limits::OUTAGE_MS {
            return Err(Refusal::OutageTooLong(limits::OUTAGE_MS / calendar::HOUR_MS).into());
        }
        // What was declared already counts once, and what is taken back of it no more.
        let before = TimeMs::new(known.outage_until_ms);
        let more = until.since(now.max(before));
        if let Some(declared) = known.outage.as_mut() {
            declared.count = declared.count.saturating_sub(before.since(now.max(until)));
        }
        let limit = draft.parameters()?.outage_31_days_ms;
        let beyond = declared(draft, &mut known.outage, more, limit);
        known.outage_until_ms = self.until_ms;
        draft.put(Place::gateway_setup(&self.gateway_id), known);
        if beyond > 0 {
            let hours = beyond.div_ceil(calendar::HOUR_MS);
            let rule = IntegrityRule::OutageBeyond;
            numbers::at_fault(draft, rule, &self.collector, &self.gateway_id, hours)?;
        }
        Ok(Outcome::DONE)
    }
}

impl ItemKind for wire::Unrecordable {
    fn check(&self) -> Checked {
        code("collector", &self.collector)?;
        ensure(self.access_no > 0, "access_no", "numbers begin at 1")?;
        id("digest", &self.digest)?;
        code("reason", &self.reason)
    }

    fn trails(&self, header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::gateway_trail(&header.identity)]
    }

    /// Something stands at a number that can't be a record.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        numbers::gateway(draft, signer, &self.collector)?;
        numbers::take_number(
            draft,
            signer.identity.as_bytes(),
            &self.collector,
            self.access_no,
            None,
        )?;
        Ok(Outcome::DONE)
    }
}
