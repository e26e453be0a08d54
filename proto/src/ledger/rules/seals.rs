//! Seals (封签): each period a gateway says what it numbered, none included. A period that nobody
//! sealed, and a seal that its own records contradict, are integrity events.

use super::gateways::{self, at_fault};
use super::watching::{self, Concern};
use super::{integrity, timers};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal, intervals};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::{IdentityId, TimeMs, limits};
use crate::wire::{self, IntegrityRule, PeriodNumbers, TimerKind, WatchKind};
use std::sync::Arc;

/// Where the period of a time begins.
fn begin_of(time: u64, period: u64) -> u64 {
    time.checked_rem(period).map_or(time, |into| time.saturating_sub(into))
}

/// A gateway that serves something owes a seal for the period at hand, and for those to come.
pub(super) fn owes(
    draft: &mut Draft<'_>,
    gateway: &[u8],
    setup: &mut wire::GatewaySetup,
) -> Result<(), Halt> {
    if setup.datasets.is_empty() {
        return closes(draft, gateway, setup);
    }
    if setup.seal_due_ms == 0 {
        let parameters = draft.parameters()?;
        let from = begin_of(draft.context().time.get(), parameters.seal_period_ms);
        let mut known = gateways::numbers(draft, gateway)?;
        if known.sealed_until_ms < from {
            known.sealed_from_ms = from;
            known.sealed_until_ms = from;
            known.sealed_last = known.last_access_no;
            gateways::keep(draft, gateway, known);
        }
        next_due(draft, gateway, setup, from)?;
    }
    Ok(())
}

/// A gateway that is closed owes no more; but for the periods that are over it did.
fn closes(
    draft: &mut Draft<'_>,
    gateway: &[u8],
    setup: &mut wire::GatewaySetup,
) -> Result<(), Halt> {
    if setup.seal_due_ms == 0 {
        return Ok(());
    }
    drop_due(draft, gateway, setup);
    let parameters = draft.parameters()?;
    let over = setup.seal_due_ms.saturating_sub(parameters.seal_grace_ms);
    (setup.seal_due_ms, setup.silence) = (0, 0);
    let now = draft.context().time.get();
    if over > now || setup.outage_until_ms >= over {
        return Ok(());
    }
    let more = now.saturating_sub(over).checked_div(parameters.seal_period_ms).unwrap_or(0);
    let count = more.saturating_add(1);
    at_fault(draft, IntegrityRule::SealMissing, &setup.collector, gateway, count).map(|_| ())
}

fn drop_due(draft: &mut Draft<'_>, gateway: &[u8], setup: &wire::GatewaySetup) {
    if setup.seal_due_ms > 0 {
        timers::drop(draft, TimeMs::new(setup.seal_due_ms), TimerKind::SealDue, gateway);
    }
}

/// The seal of the period that begins at `from` is due when the period and the grace are over.
fn next_due(
    draft: &mut Draft<'_>,
    gateway: &[u8],
    setup: &mut wire::GatewaySetup,
    from: u64,
) -> Result<(), Halt> {
    let parameters = draft.parameters()?;
    let end = from.saturating_add(parameters.seal_period_ms);
    let due = end.saturating_add(parameters.seal_grace_ms);
    setup.seal_due_ms = due;
    timers::set(draft, TimeMs::new(due), TimerKind::SealDue, gateway);
    Ok(())
}

/// A gateway seals whole periods.
pub(super) fn seal(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::SealPeriod,
) -> Result<Outcome, Halt> {
    gateways::gateway(draft, signer, &it.collector)?;
    let gateway = signer.identity.as_bytes();
    let setup = gateways::setup(draft, gateway)?;
    let setup = setup.ok_or_else(|| Refusal::GatewayNotSetUp(signer.identity.to_string()))?;
    let mut known = gateways::numbers(draft, gateway)?;
    in_sequence(draft, it, &known)?;
    let last = it.first.saturating_add(it.count).saturating_sub(1);
    if last > known.last_access_no {
        // Numbers that it gave, and whose records are to come.
        let first = known.last_access_no.saturating_add(1);
        known.last_access_no = last;
        gateways::missing(draft, gateway, &it.collector, &mut known, (first, last))?;
    }
    known.sealed_until_ms = it.until_ms;
    known.sealed_last = last;
    // What was recorded of these periods must not be numbered beyond the seal.
    let sealed = |one: &PeriodNumbers| one.until_ms <= it.until_ms;
    let false_seal = known.periods.iter().any(|one| sealed(one) && one.last > last);
    known.periods.retain(|one| !sealed(one));
    gateways::keep(draft, gateway, known);
    if false_seal {
        at_fault(draft, IntegrityRule::SealFalse, &it.collector, gateway, 1)?;
    }
    let (mut setup, parameters) = ((*setup).clone(), draft.parameters()?);
    setup.silence = 0;
    let next = parameters.seal_period_ms.saturating_add(parameters.seal_grace_ms);
    // One that makes up for what it missed has the time that it had.
    if setup.seal_due_ms > 0 && it.until_ms.saturating_add(next) > setup.seal_due_ms {
        drop_due(draft, gateway, &setup);
        next_due(draft, gateway, &mut setup, it.until_ms)?;
    }
    draft.put(Place::gateway_setup(gateway), setup);
    observed(draft, it)?;
    Ok(Outcome::DONE)
}

/// A seal goes on where the one before ended, in time and in numbers, and is not ahead of its time.
fn in_sequence(
    draft: &Draft<'_>,
    it: &wire::SealPeriod,
    known: &wire::Gateway,
) -> Result<(), Halt> {
    let parameters = draft.parameters()?;
    let period = parameters.seal_period_ms;
    let expected = (known.sealed_until_ms, known.sealed_last.saturating_add(1));
    if (it.from_ms, it.first) != expected {
        let (from_ms, first) = expected;
        return Err(Refusal::SealSequence { from_ms, first }.into());
    }
    let whole = begin_of(it.until_ms, period) == it.until_ms;
    let length = it.until_ms.saturating_sub(it.from_ms);
    let few = length <= period.saturating_mul(limits::SEAL_PERIODS);
    let now = draft.context().time.get().saturating_add(parameters.future_drift_ms);
    if whole && few && it.until_ms <= now {
        return Ok(());
    }
    Err(Refusal::SealPeriod(period).into())
}

/// Whether a record contradicts a seal: it is numbered beyond it, at a time that the seal covers.
pub(super) fn contradicts(known: &wire::Gateway, number: u64, access_time_ms: u64) -> bool {
    let sealed = known.sealed_from_ms..known.sealed_until_ms;
    number > known.sealed_last && sealed.contains(&access_time_ms)
}

/// Keeps the highest number recorded of a period that is to be sealed yet. A time in the future is
/// taken for now.
pub(super) fn note(
    draft: &Draft<'_>,
    known: &mut wire::Gateway,
    number: u64,
    access_time: TimeMs,
) -> Result<(), Halt> {
    let time = access_time.min(draft.context().time).get();
    if known.sealed_from_ms == 0 || time < known.sealed_until_ms {
        return Ok(());
    }
    let period = draft.parameters()?.seal_period_ms;
    let until_ms = begin_of(time, period).saturating_add(period);
    match known.periods.binary_search_by_key(&until_ms, |one| one.until_ms) {
        Ok(at) => {
            if let Some(one) = known.periods.get_mut(at) {
                one.last = one.last.max(number);
            }
        }
        Err(at) => known.periods.insert(at, PeriodNumbers { until_ms, last: number }),
    }
    if known.periods.len() > limits::GATEWAY_PERIODS {
        known.periods.remove(0);
    }
    Ok(())
}

/// Data that is not as its collector published it.
fn observed(draft: &mut Draft<'_>, it: &wire::SealPeriod) -> Result<(), Halt> {
    for one in it.observed.iter().filter(|one| !one.content_digest.is_empty()) {
        let dataset: Option<Arc<wire::Dataset>> = draft.get(&Place::dataset(&one.dataset))?;
        let Some(dataset) = dataset else { continue };
        let collector = dataset.registration.as_ref().map_or("", |it| it.collector.as_str());
        let published = dataset.version.clone().unwrap_or_default();
        let same = published.version == one.version
            && published.content_digest == one.content_digest
            && published.row_count == one.row_count;
        // A version that has been followed by another since can't be compared; nor what nobody said
        // anything of.
        let comparable = one.version >= published.version && one.version > 0;
        if collector == it.collector && comparable && !same {
            let dataset = one.dataset.as_str();
            let concern = Concern { department: collector, dataset, ..Concern::default() };
            watching::alert(draft, WatchKind::UnpublishedChange, concern)?;
        }
    }
    Ok(())
}

/// No seal came in time. A gateway that stays silent is one event, which counts on.
pub(super) fn due(draft: &mut Draft<'_>, gateway: &[u8]) -> Result<(), Halt> {
    let Some(setup) = gateways::setup(draft, gateway)? else { return Ok(()) };
    let now = draft.context().time.get();
    if setup.seal_due_ms == 0 || setup.seal_due_ms > now {
        return Ok(());
    }
    let mut setup = (*setup).clone();
    let over = setup.seal_due_ms.saturating_sub(draft.parameters()?.seal_grace_ms);
    next_due(draft, gateway, &mut setup, over)?;
    let collector = setup.collector.clone();
    if setup.outage_until_ms < over && in_force(draft, gateway, &collector)? {
        let concern = Concern { department: &collector, identity: gateway, ..Concern::default() };
        watching::alert(draft, WatchKind::SilentGateway, concern)?;
        setup.silence = silent(draft, &collector, gateway, setup.silence)?;
    }
    draft.put(Place::gateway_setup(gateway), setup);
    Ok(())
}

/// Whether a gateway and its collector are in force: else nobody can sign a seal.
fn in_force(draft: &Draft<'_>, gateway: &[u8], collector: &str) -> Result<bool, Halt> {
    let id = IdentityId::from_slice(gateway).unwrap_or_default();
    let identity: Option<Arc<wire::Identity>> = draft.get(&Place::identity(&id))?;
    let department = draft.department(collector)?;
    let both = identity.is_some_and(|it| intervals::is_open(&it.standing));
    Ok(both && intervals::is_open(&department.standing))
}

fn silent(
    draft: &mut Draft<'_>,
    collector: &str,
    gateway: &[u8],
    silence: u64,
) -> Result<u64, Halt> {
    if silence > 0 && integrity::again(draft, collector, silence, 1)? {
        return Ok(silence);
    }
    at_fault(draft, IntegrityRule::SealMissing, collector, gateway, 1)
}
