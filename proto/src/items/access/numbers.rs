//! A gateway's numbers, which have no gaps that nobody owned up to, by number and by the period that a seal covers.

use crate::items::oversight::integrity::{self, Fault};
use crate::ledger::{Draft, Halt, Refusal, authority::needs_kind, timers, words};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::{IdentityId, TimeMs, limits};
use crate::wire::{self, Gap, IdentityKind, IntegrityRule, PeriodNumbers, Right, TimerKind};
use std::sync::Arc;

/// What the ledger knows of a gateway's numbers.
pub(crate) fn numbers(draft: &Draft<'_>, gateway: &[u8]) -> Result<wire::Gateway, Halt> {
    let id = IdentityId::from_slice(gateway).unwrap_or_default();
    let known: Option<Arc<wire::Gateway>> = draft.get(&Place::gateway(&id))?;
    Ok(known.map(|it| (*it).clone()).unwrap_or_default())
}

/// Keeps what is known of a gateway's numbers.
pub(crate) fn keep(draft: &mut Draft<'_>, gateway: &[u8], known: wire::Gateway) {
    let id = IdentityId::from_slice(gateway).unwrap_or_default();
    draft.put(Place::gateway(&id), known);
}

/// How a gateway was set up; `None`: it never was.
pub(crate) fn setup(
    draft: &Draft<'_>,
    gateway: &[u8],
) -> Result<Option<Arc<wire::GatewaySetup>>, Halt> {
    Ok(draft.get(&Place::gateway_setup(gateway))?)
}

/// Checks that a gateway of the collector signs.
pub(crate) fn gateway(draft: &Draft<'_>, signer: &TxHeader, collector: &str) -> Result<(), Halt> {
    draft.actor(signer, collector, Right::Collect)?;
    needs_kind(draft, signer, &[IdentityKind::System], words::GATEWAY)
}

/// Whether something stands at a gateway's number: a record, or what took its place.
pub(crate) fn is_numbered(draft: &Draft<'_>, gateway: &[u8], number: u64) -> Result<bool, Halt> {
    let known = numbers(draft, gateway)?;
    let missing = known.gaps.iter().any(|gap| (gap.first..=gap.last).contains(&number));
    Ok(number <= known.last_access_no && !missing)
}

/// Takes a number: the next, one that leaves a gap behind it, or one that was missing. No number is
/// taken twice, so nothing is recorded twice.
pub(crate) fn take_number(
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
        note(draft, &mut known, number, TimeMs::new(time))?;
    }
    let false_seal = access_time_ms.is_some_and(|time| contradicts(&known, number, time));
    keep(draft, gateway, known);
    if false_seal {
        let rule = IntegrityRule::SealFalse;
        at_fault(draft, rule, collector, gateway, 1)?;
    }
    Ok(())
}

/// Takes the numbers of a range, of which none may be taken.
pub(crate) fn occupy(
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
pub(crate) fn bounded(
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
pub(crate) fn missing(
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

pub(crate) fn unaccounted(
    draft: &mut Draft<'_>,
    collector: &str,
    gateway: &[u8],
    gap: &Gap,
) -> Result<(), Halt> {
    let count = gap.last.saturating_sub(gap.first).saturating_add(1);
    at_fault(draft, IntegrityRule::NumbersMissing, collector, gateway, count).map(|_| ())
}

/// The collector is at fault for its gateway; gives the event's number.
pub(crate) fn at_fault(
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
pub(crate) fn numbers_due(draft: &mut Draft<'_>, about: &[u8]) -> Result<(), Halt> {
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

/// Where the period of a time begins.
pub(crate) fn begin_of(time: u64, period: u64) -> u64 {
    time.checked_rem(period).map_or(time, |into| time.saturating_sub(into))
}

/// Whether a record contradicts a seal: it is numbered beyond it, at a time that the seal covers.
pub(crate) fn contradicts(known: &wire::Gateway, number: u64, access_time_ms: u64) -> bool {
    let sealed = known.sealed_from_ms..known.sealed_until_ms;
    number > known.sealed_last && sealed.contains(&access_time_ms)
}

/// Keeps the highest number recorded of a period that is to be sealed yet. A time in the future is
/// taken for now.
pub(crate) fn note(
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
