//! Seals (封签): each period a gateway says what it numbered, none included. A period that nobody
//! sealed, and a seal that its own records contradict, are integrity events.

use crate::event::Outcome;
use crate::items::access::numbers;
use crate::items::fields::{Checked, ascending, code, ensure, ensure_of, id, id_if_given};
use crate::items::kind::ItemKind;
use crate::items::oversight::{
    integrity,
    watches::{self, Concern},
};
use crate::ledger::{Draft, Halt, Refusal, intervals, timers};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::{IdentityId, TimeMs, limits};
use crate::wire::{self, IntegrityRule, PeriodNumbers, TimerKind, WatchKind};
use std::sync::Arc;

/// A gateway that serves something owes a seal for the period at hand, and for those to come.
pub(crate) fn owes(
    draft: &mut Draft<'_>,
    gateway: &[u8],
    setup: &mut wire::GatewaySetup,
) -> Result<(), Halt> {
    if setup.datasets.is_empty() {
        return closes(draft, gateway, setup);
    }
    if setup.seal_due_ms == 0 {
        let parameters = draft.parameters()?;
        let from = numbers::begin_of(draft.context().time.get(), parameters.seal_period_ms);
        let mut known = numbers::numbers(draft, gateway)?;
        if known.sealed_until_ms < from {
            known.sealed_from_ms = from;
            known.sealed_until_ms = from;
            known.sealed_last = known.last_access_no;
            numbers::keep(draft, gateway, known);
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
    numbers::at_fault(draft, IntegrityRule::SealMissing, &setup.collector, gateway, count)
        .map(|_| ())
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

impl ItemKind for wire::SealPeriod {
    fn check(&self) -> Checked {
        code("collector", &self.collector)?;
        ensure_of(self.from_ms < self.until_ms, "until_ms", || {
            format!(
                "a period ends after it begins: {} is not after {}",
                self.until_ms, self.from_ms
            )
        })?;
        ensure(self.first > 0, "first", "numbers begin at 1")?;
        ensure(self.first.checked_add(self.count).is_some(), "count", "beyond all numbers")?;
        id("spool_root", &self.spool_root)?;
        let order: Vec<&str> = self.observed.iter().map(|one| one.dataset.as_str()).collect();
        ascending("observed", &order, limits::GATEWAY_DATASETS)?;
        for one in &self.observed {
            code("observed.dataset", &one.dataset)?;
            id_if_given("observed.content_digest", &one.content_digest)?;
        }
        Ok(())
    }

    fn trails(&self, header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::gateway_trail(&header.identity)]
    }

    /// A gateway seals whole periods.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        numbers::gateway(draft, signer, &self.collector)?;
        let gateway = signer.identity.as_bytes();
        let setup = numbers::setup(draft, gateway)?;
        let setup = setup.ok_or_else(|| Refusal::GatewayNotSetUp(signer.identity.to_string()))?;
        let mut known = numbers::numbers(draft, gateway)?;
        in_sequence(draft, self, &known)?;
        let last = self.first.saturating_add(self.count).saturating_sub(1);
        if last > known.last_access_no {
            // Numbers that it gave, and whose records are to come.
            let first = known.last_access_no.saturating_add(1);
            known.last_access_no = last;
            numbers::missing(draft, gateway, &self.collector, &mut known, (first, last))?;
        }
        known.sealed_until_ms = self.until_ms;
        known.sealed_last = last;
        // What was recorded of these periods must not be numbered beyond the seal.
        let sealed = |one: &PeriodNumbers| one.until_ms <= self.until_ms;
        let false_seal = known.periods.iter().any(|one| sealed(one) && one.last > last);
        known.periods.retain(|one| !sealed(one));
        numbers::keep(draft, gateway, known);
        if false_seal {
            numbers::at_fault(draft, IntegrityRule::SealFalse, &self.collector, gateway, 1)?;
        }
        let (mut setup, parameters) = ((*setup).clone(), draft.parameters()?);
        setup.silence = 0;
        let next = parameters.seal_period_ms.saturating_add(parameters.seal_grace_ms);
        // One that makes up for what it missed has the time that it had.
        if setup.seal_due_ms > 0 && self.until_ms.saturating_add(next) > setup.seal_due_ms {
            drop_due(draft, gateway, &setup);
            next_due(draft, gateway, &mut setup, self.until_ms)?;
        }
        draft.put(Place::gateway_setup(gateway), setup);
        observed(draft, self)?;
        Ok(Outcome::DONE)
    }
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
    let whole = numbers::begin_of(it.until_ms, period) == it.until_ms;
    let length = it.until_ms.saturating_sub(it.from_ms);
    let few = length <= period.saturating_mul(limits::SEAL_PERIODS);
    let now = draft.context().time.get().saturating_add(parameters.future_drift_ms);
    if whole && few && it.until_ms <= now {
        return Ok(());
    }
    Err(Refusal::SealPeriod(period).into())
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
            watches::alert(draft, WatchKind::UnpublishedChange, concern)?;
        }
    }
    Ok(())
}

/// No seal came in time. A gateway that stays silent is one event, which counts on.
pub(crate) fn due(draft: &mut Draft<'_>, gateway: &[u8]) -> Result<(), Halt> {
    let Some(setup) = numbers::setup(draft, gateway)? else { return Ok(()) };
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
        watches::alert(draft, WatchKind::SilentGateway, concern)?;
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
    if silence > 0 && integrity::count_again(draft, collector, silence, 1)? {
        return Ok(silence);
    }
    numbers::at_fault(draft, IntegrityRule::SealMissing, collector, gateway, 1)
}
