//! Gateways (安全闸口): how they are set up, and their numbers, which have no gaps that nobody owned up
//! to.

use super::integrity::{self, Fault};
use super::watching::{self, Concern};
use super::{identity, needs_keeper, needs_kind, needs_officer, seals, timers, words};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal, calendar};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::{IdentityId, TimeMs, limits};
use crate::wire::{self, Gap, IdentityKind, IntegrityRule, Right, TimerKind, WatchKind};
use std::sync::Arc;

/// What the ledger knows of a gateway's numbers.
pub(super) fn numbers(draft: &Draft<'_>, gateway: &[u8]) -> Result<wire::Gateway, Halt> {
    let id = IdentityId::from_slice(gateway).unwrap_or_default();
    let known: Option<Arc<wire::Gateway>> = draft.get(&Place::gateway(&id))?;
    Ok(known.map(|it| (*it).clone()).unwrap_or_default())
}

/// Keeps what is known of a gateway's numbers.
pub(super) fn keep(draft: &mut Draft<'_>, gateway: &[u8], known: wire::Gateway) {
    let id = IdentityId::from_slice(gateway).unwrap_or_default();
    draft.put(Place::gateway(&id), known);
}

/// How a gateway was set up; `None`: it never was.
pub(super) fn setup(
    draft: &Draft<'_>,
    gateway: &[u8],
) -> Result<Option<Arc<wire::GatewaySetup>>, Halt> {
    Ok(draft.get(&Place::gateway_setup(gateway))?)
}

/// Whether something stands at a gateway's number: a record, or what took its place.
pub(super) fn is_numbered(draft: &Draft<'_>, gateway: &[u8], number: u64) -> Result<bool, Halt> {
    let known = numbers(draft, gateway)?;
    let missing = known.gaps.iter().any(|gap| (gap.first..=gap.last).contains(&number));
    Ok(number <= known.last_access_no && !missing)
}

/// Takes a number: the next, one that leaves a gap behind it, or one that was missing. No number is
/// taken twice, so nothing is recorded twice.
pub(super) fn take(
    draft: &mut Draft<'_>,
    gateway: &[u8],
    collector: &str,
    number: u64,
    access_time_ms: Option<u64>,
) -> Result<(), Halt> {
    let mut known = numbers(draft, gateway)?;
    occupy(draft, gateway, collector, &mut known, (number, number))?;
    known.records = known.records.saturating_add(1);
    if let Some(time) = access_time_ms {
        seals::note(draft, &mut known, number, TimeMs::new(time))?;
    }
    let false_seal = access_time_ms.is_some_and(|time| seals::contradicts(&known, number, time));
    keep(draft, gateway, known);
    if false_seal {
        let rule = IntegrityRule::SealFalse;
        at_fault(draft, rule, collector, gateway, 1)?;
    }
    Ok(())
}

/// Takes the numbers of a range, of which none may be taken.
fn occupy(
    draft: &mut Draft<'_>,
    gateway: &[u8],
    collector: &str,
    known: &mut wire::Gateway,
    (first, last): (u64, u64),
) -> Result<(), Halt> {
    let taken = known.last_access_no;
    if first > taken {
        known.last_access_no = last;
        let before = taken.saturating_add(1);
        if first > before {
            missing(draft, gateway, collector, known, (before, first.saturating_sub(1)))?;
        }
        return Ok(());
    }
    let refused = || Refusal::AccessNoTaken { last: taken, found: first };
    let holds = |gap: &Gap| gap.first <= first && last <= gap.last;
    let at = known.gaps.iter().position(holds).ok_or_else(refused)?;
    let gap = known.gaps.remove(at);
    if last < gap.last {
        known.gaps.insert(at, Gap { first: last.saturating_add(1), ..gap });
    }
    if gap.first < first {
        known.gaps.insert(at, Gap { last: first.saturating_sub(1), ..gap });
    }
    bounded(draft, gateway, collector, known)
}

/// Of too many gaps the oldest is given up: what it lacked can't come any more.
fn bounded(
    draft: &mut Draft<'_>,
    gateway: &[u8],
    collector: &str,
    known: &mut wire::Gateway,
) -> Result<(), Halt> {
    if known.gaps.len() > limits::GAPS {
        let gap = known.gaps.remove(0);
        if gap.due_ms > 0 {
            unaccounted(draft, collector, gateway, &gap)?;
        }
    }
    Ok(())
}

/// Numbers that were passed over: for a time they may still come.
pub(super) fn missing(
    draft: &mut Draft<'_>,
    gateway: &[u8],
    collector: &str,
    known: &mut wire::Gateway,
    (first, last): (u64, u64),
) -> Result<(), Halt> {
    let due = draft.context().time.plus(draft.parameters()?.number_grace_ms);
    known.gaps.push(Gap { first, last, due_ms: due.get() });
    timers::set(draft, due, TimerKind::NumbersDue, gateway);
    bounded(draft, gateway, collector, known)
}

fn unaccounted(
    draft: &mut Draft<'_>,
    collector: &str,
    gateway: &[u8],
    gap: &Gap,
) -> Result<(), Halt> {
    let count = gap.last.saturating_sub(gap.first).saturating_add(1);
    at_fault(draft, IntegrityRule::NumbersMissing, collector, gateway, count).map(|_| ())
}

/// The collector is at fault for its gateway; gives the event's number.
pub(super) fn at_fault(
    draft: &mut Draft<'_>,
    rule: IntegrityRule,
    collector: &str,
    gateway: &[u8],
    count: u64,
) -> Result<u64, Halt> {
    let fault = Fault {
        rule,
        department: collector,
        identity: gateway,
        dataset: "",
        request_id: &[],
        count,
    };
    integrity::raise(draft, &fault)
}

/// Numbers that did not come, and that nobody declared lost.
pub(super) fn numbers_due(draft: &mut Draft<'_>, about: &[u8]) -> Result<(), Halt> {
    let mut known = numbers(draft, about)?;
    let now = draft.context().time.get();
    let due = |gap: &Gap| gap.due_ms > 0 && gap.due_ms <= now;
    let late: Vec<Gap> = known.gaps.iter().copied().filter(due).collect();
    if late.is_empty() {
        return Ok(());
    }
    let id = IdentityId::from_slice(about).unwrap_or_default();
    let gateway: Option<Arc<wire::Identity>> = draft.get(&Place::identity(&id))?;
    let collector = gateway.map(|it| it.department.clone()).unwrap_or_default();
    for gap in known.gaps.iter_mut().filter(|gap| due(gap)) {
        gap.due_ms = 0;
    }
    keep(draft, about, known);
    for gap in late {
        unaccounted(draft, &collector, about, &gap)?;
    }
    Ok(())
}

/// The collector sets a gateway up, changes what it serves, or closes it.
pub(super) fn set(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::SetGateway,
) -> Result<Outcome, Halt> {
    draft.actor(signer, &it.collector, Right::Collect)?;
    needs_officer(draft, signer)?;
    of_collector(draft, &it.gateway_id, &it.collector)?;
    for dataset in &it.datasets {
        super::sharing::entry(draft, dataset, &it.collector)?;
    }
    let before = setup(draft, &it.gateway_id)?.map(|it| (*it).clone()).unwrap_or_default();
    for dataset in before.datasets.iter().filter(|one| !it.datasets.contains(one)) {
        serves(draft, dataset, false)?;
    }
    for dataset in it.datasets.iter().filter(|one| !before.datasets.contains(one)) {
        serves(draft, dataset, true)?;
    }
    let mut now = wire::GatewaySetup {
        collector: it.collector.clone(),
        datasets: it.datasets.clone(),
        ..before
    };
    if !it.mapping_digest.is_empty() {
        now.mapping_digest.clone_from(&it.mapping_digest);
    }
    seals::owes(draft, &it.gateway_id, &mut now)?;
    draft.put(Place::gateway_setup(&it.gateway_id), now);
    Ok(Outcome::DONE)
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
pub(super) fn wants_gateway(draft: &mut Draft<'_>, dataset: &str) -> Result<(), Halt> {
    if let Some(watch) = watching::watch(draft, WatchKind::NoGateway)? {
        let due = draft.context().time.plus(watch.window_ms);
        timers::set(draft, due, TimerKind::NoGateway, dataset.as_bytes());
    }
    Ok(())
}

/// The window is over.
pub(super) fn no_gateway(draft: &mut Draft<'_>, dataset: &str) -> Result<(), Halt> {
    let known: Option<Arc<wire::DatasetGateways>> = draft.get(&Place::dataset_gateways(dataset))?;
    let entry = draft.dataset(dataset)?;
    if known.is_some_and(|it| it.count > 0) || entry.retired_height.is_some() {
        return Ok(());
    }
    let collector = entry.registration.as_ref().map_or("", |it| it.collector.as_str());
    let concern = Concern { department: collector, dataset, ..Concern::default() };
    watching::alert(draft, WatchKind::NoGateway, concern)
}

/// The gateway itself, or an officer, commits to the mapping in use.
pub(super) fn commit_mapping(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::CommitMapping,
) -> Result<Outcome, Halt> {
    let mut known = of_set_up(draft, signer, &it.collector, &it.gateway_id)?;
    known.mapping_digest.clone_from(&it.mapping_digest);
    draft.put(Place::gateway_setup(&it.gateway_id), known);
    Ok(Outcome::DONE)
}

/// A gateway that was set up, for which the collector signs.
pub(super) fn of_set_up(
    draft: &Draft<'_>,
    signer: &TxHeader,
    collector: &str,
    gateway: &[u8],
) -> Result<wire::GatewaySetup, Halt> {
    draft.actor(signer, collector, Right::Collect)?;
    needs_keeper(draft, signer)?;
    let known = setup(draft, gateway)?;
    let known = known.ok_or_else(|| Refusal::GatewayNotSetUp(hex::encode(gateway)))?;
    if known.collector != collector {
        return Err(Refusal::IdentityOfOther(hex::encode(gateway)).into());
    }
    Ok((*known).clone())
}

/// Numbers whose records are gone are owned up to.
pub(super) fn declare_loss(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::DeclareLoss,
) -> Result<Outcome, Halt> {
    draft.actor(signer, &it.collector, Right::Collect)?;
    needs_keeper(draft, signer)?;
    // An officer too, who handed data over: its numbers are the officer's own.
    identity::must_be_of(draft, &it.gateway_id, &it.collector)?;
    let mut known = numbers(draft, &it.gateway_id)?;
    occupy(draft, &it.gateway_id, &it.collector, &mut known, (it.first, it.last))?;
    keep(draft, &it.gateway_id, known);
    Ok(Outcome::DONE)
}

/// A gateway will be silent for a time.
pub(super) fn declare_outage(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::DeclareOutage,
) -> Result<Outcome, Halt> {
    let mut known = of_set_up(draft, signer, &it.collector, &it.gateway_id)?;
    let (now, until) = (draft.context().time, TimeMs::new(it.until_ms));
    if until <= now || until.since(now) > limits::OUTAGE_MS {
        return Err(Refusal::OutageTooLong(limits::OUTAGE_MS / calendar::HOUR_MS).into());
    }
    known.outage_until_ms = it.until_ms;
    draft.put(Place::gateway_setup(&it.gateway_id), known);
    Ok(Outcome::DONE)
}

/// Something stands at a number that can't be a record.
pub(super) fn unrecordable(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::Unrecordable,
) -> Result<Outcome, Halt> {
    gateway(draft, signer, &it.collector)?;
    take(draft, signer.identity.as_bytes(), &it.collector, it.access_no, None)?;
    Ok(Outcome::DONE)
}

/// Checks that a gateway of the collector signs.
pub(super) fn gateway(draft: &Draft<'_>, signer: &TxHeader, collector: &str) -> Result<(), Halt> {
    draft.actor(signer, collector, Right::Collect)?;
    needs_kind(draft, signer, &[IdentityKind::System], words::GATEWAY)
}
