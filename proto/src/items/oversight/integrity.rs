//! The integrity chain (诚信链): events that rules and rulings make, provisional at first.

use crate::items::oversight::score;
use crate::ledger::{Draft, Halt, calendar, timers};
use crate::place::Place;
use crate::suite::hash::{self, Domain};
use crate::types::TimeMs;
use crate::wire::{self, IntegrityEnd, IntegrityRule, TimerKind, ledger_event::Kind};
use std::sync::Arc;

/// For how long repeats join the event before.
pub(crate) const JOIN_MS: u64 = calendar::HOUR_MS;

/// Who is at fault, or commended, and what for.
pub(crate) struct Fault<'a> {
    pub(crate) rule: IntegrityRule,
    pub(crate) department: &'a str,
    /// Empty: nobody in particular.
    pub(crate) identity: &'a [u8],
    pub(crate) dataset: &'a str,
    pub(crate) request_id: &'a [u8],
    /// How many times at once.
    pub(crate) count: u64,
}

/// Makes an integrity event, or counts on the one that is not an hour old, by rule and grant.
pub(crate) fn raise(draft: &mut Draft<'_>, fault: &Fault<'_>) -> Result<u64, Halt> {
    let place = joins(fault);
    let now = draft.context().time;
    let before: Option<Arc<wire::Joined>> = draft.get(&place)?;
    if let Some(before) = before
        && now.since(TimeMs::new(before.since_ms)) < JOIN_MS
        && count_again(draft, fault.department, before.number, fault.count)?
    {
        return Ok(before.number);
    }
    let number = begin(draft, fault)?;
    draft.put(place, wire::Joined { number, since_ms: now.get(), until_ms: 0 });
    Ok(number)
}

/// Keeps who ruled that there is an event.
pub(crate) fn ruled(
    draft: &mut Draft<'_>,
    department: &str,
    number: u64,
    by: &str,
) -> Result<(), Halt> {
    let place = Place::integrity_event(department, number);
    let event: Option<Arc<wire::IntegrityEvent>> = draft.get(&place)?;
    if let Some(event) = event.filter(|_| !by.is_empty()) {
        draft.put(place, wire::IntegrityEvent { ruled_by: by.to_owned(), ..(*event).clone() });
    }
    Ok(())
}

/// What repeats have in common.
fn joins(fault: &Fault<'_>) -> Place {
    let about =
        if fault.request_id.is_empty() { fault.dataset.as_bytes() } else { fault.request_id };
    let rule = (fault.rule as i32).to_be_bytes();
    let parts = [b"i".as_slice(), &rule, fault.department.as_bytes(), b"/", fault.identity, about];
    Place::joined(&hash::hash(Domain::Repeat, &parts))
}

/// Counts on an event; not on one that is provisional no more.
pub(crate) fn count_again(
    draft: &mut Draft<'_>,
    department: &str,
    number: u64,
    count: u64,
) -> Result<bool, Halt> {
    let place = Place::integrity_event(department, number);
    let event: Option<Arc<wire::IntegrityEvent>> = draft.get(&place)?;
    let Some(event) = event.filter(|it| it.end() == IntegrityEnd::Unspecified) else {
        return Ok(false);
    };
    let count = event.count.saturating_add(count);
    draft.put(place, wire::IntegrityEvent { count, ..(*event).clone() });
    Ok(true)
}

fn begin(draft: &mut Draft<'_>, fault: &Fault<'_>) -> Result<u64, Halt> {
    let days = draft.parameters()?.appeal_days;
    let due = calendar::due(draft, days)?;
    let number = more(draft, Place::score(fault.department))?;
    if !fault.identity.is_empty() {
        more(draft, Place::identity_score(fault.identity))?;
    }
    let raised = wire::IntegrityRaised {
        department: fault.department.to_owned(),
        number,
        rule: fault.rule as i32,
        identity_id: fault.identity.to_vec(),
        dataset: fault.dataset.to_owned(),
        request_id: fault.request_id.to_vec(),
        count: fault.count,
        provisional_until_ms: due.get(),
    };
    let event = wire::IntegrityEvent {
        raised: Some(raised.clone()),
        time_ms: draft.context().time.get(),
        count: fault.count,
        cause: Some(draft.cause().clone()),
        ..wire::IntegrityEvent::default()
    };
    let place = Place::integrity_event(fault.department, number);
    timers::set(draft, due, TimerKind::IntegrityFinal, place.id());
    draft.put(place, event);
    draft.emit(Kind::IntegrityRaised(raised));
    Ok(number)
}

fn more(draft: &mut Draft<'_>, place: Place) -> Result<u64, Halt> {
    let score: Option<Arc<wire::Score>> = draft.get(&place)?;
    let mut score = score.map(|it| *it).unwrap_or_default();
    score.events = score.events.saturating_add(1);
    score.provisional = score.provisional.saturating_add(1);
    draft.put(place, score);
    Ok(score.events)
}

/// The time for an appeal is over. An appealed event waits for its ruling.
pub(crate) fn is_final(draft: &mut Draft<'_>, about: &[u8]) -> Result<(), Halt> {
    let Some((number, department)) = about.split_first_chunk::<8>() else { return Ok(()) };
    let (number, department) = (u64::from_be_bytes(*number), std::str::from_utf8(department));
    let Ok(department) = department else { return Ok(()) };
    let event: Option<Arc<wire::IntegrityEvent>> =
        draft.get(&Place::integrity_event(department, number))?;
    match event {
        Some(event) if event.case_id.is_empty() => {
            settle(draft, department, number, IntegrityEnd::Final)
        }
        _ => Ok(()),
    }
}

/// An event is provisional no more: it counts, or a ruling took it back.
pub(crate) fn settle(
    draft: &mut Draft<'_>,
    department: &str,
    number: u64,
    end: IntegrityEnd,
) -> Result<(), Halt> {
    let place = Place::integrity_event(department, number);
    let event: Option<Arc<wire::IntegrityEvent>> = draft.get(&place)?;
    let Some(event) = event.filter(|it| it.end() == IntegrityEnd::Unspecified) else {
        return Ok(());
    };
    let raised = event.raised.clone().unwrap_or_default();
    let parameters = draft.parameters()?;
    let points = match end {
        IntegrityEnd::Final => score::points(&parameters, raised.rule(), event.count),
        IntegrityEnd::Dismissed | IntegrityEnd::Unspecified => 0,
    };
    let settled = wire::IntegritySettled {
        department: department.to_owned(),
        number,
        rule: raised.rule,
        identity_id: raised.identity_id.clone(),
        end: end as i32,
        count: event.count,
        points,
        decay: parameters.integrity_decay,
    };
    draft.put(place, wire::IntegrityEvent { end: end as i32, ..(*event).clone() });
    count(draft, Place::score(department), &settled)?;
    if !raised.identity_id.is_empty() {
        count(draft, Place::identity_score(&raised.identity_id), &settled)?;
    }
    draft.emit(Kind::IntegritySettled(settled));
    Ok(())
}

fn count(
    draft: &mut Draft<'_>,
    place: Place,
    settled: &wire::IntegritySettled,
) -> Result<(), Halt> {
    let known: Option<Arc<wire::Score>> = draft.get(&place)?;
    let mut it = known.map(|it| *it).unwrap_or_default();
    it.provisional = it.provisional.saturating_sub(1);
    score::add(&mut it, settled, calendar::day_of(draft.context().time));
    draft.put(place, it);
    Ok(())
}
