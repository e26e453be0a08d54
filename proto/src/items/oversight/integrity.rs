//! The integrity chain (诚信链): events that rules and rulings make, provisional at first.

use crate::items::oversight::score;
use crate::ledger::{Draft, Halt, Refusal, calendar, timers};
use crate::place::Place;
use crate::suite::hash::{self, Domain};
use crate::types::{TimeMs, limits};
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
        height: draft.context().height.get(),
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
        IntegrityEnd::Dismissed | IntegrityEnd::Voided | IntegrityEnd::Unspecified => 0,
    };
    let final_day = match end {
        IntegrityEnd::Final => calendar::day_of(draft.context().time),
        IntegrityEnd::Dismissed | IntegrityEnd::Voided | IntegrityEnd::Unspecified => 0,
    };
    let kept = wire::IntegrityEvent { end: end as i32, points, final_day, ..(*event).clone() };
    draft.put(place, kept);
    tell(draft, &event, end, points, 1)
}

/// Counts what became of an event on the scores that it is of, and tells of it. `provisional`: how many it no longer is.
fn tell(
    draft: &mut Draft<'_>,
    event: &wire::IntegrityEvent,
    end: IntegrityEnd,
    points: u64,
    provisional: u64,
) -> Result<(), Halt> {
    let raised = event.raised.clone().unwrap_or_default();
    let settled = wire::IntegritySettled {
        department: raised.department,
        number: raised.number,
        rule: raised.rule,
        identity_id: raised.identity_id,
        end: end as i32,
        count: event.count,
        points,
        decay: draft.parameters()?.integrity_decay,
    };
    count(draft, Place::score(&settled.department), &settled, provisional)?;
    if !settled.identity_id.is_empty() {
        count(draft, Place::identity_score(&settled.identity_id), &settled, provisional)?;
    }
    draft.emit(Kind::IntegritySettled(settled));
    Ok(())
}

/// What a vote voids: provisional or final, not what a ruling took back. Refused where there is nothing, or too much at once.
pub(crate) fn void(draft: &mut Draft<'_>, it: &wire::VoidIntegrity) -> Result<(), Halt> {
    draft.department(&it.department)?;
    let score: Option<Arc<wire::Score>> = draft.get(&Place::score(&it.department))?;
    let last = score.map_or(0, |it| it.events);
    let mut voided = 0usize;
    for number in first_from(draft, &it.department, last, it.from_height)?..=last {
        let place = Place::integrity_event(&it.department, number);
        let event: Option<Arc<wire::IntegrityEvent>> = draft.get(&place)?;
        let Some(event) = event.filter(|event| event.height <= it.until_height) else { break };
        let rule = event.raised.as_ref().map_or(0, |it| it.rule);
        if !it.rules.is_empty() && !it.rules.contains(&rule) {
            continue;
        }
        match event.end() {
            IntegrityEnd::Dismissed | IntegrityEnd::Voided => continue,
            IntegrityEnd::Unspecified => {
                settle(draft, &it.department, number, IntegrityEnd::Voided)?;
            }
            IntegrityEnd::Final => take_back(draft, place, &event)?,
        }
        voided = voided.saturating_add(1);
        if voided > limits::VOIDED {
            return Err(Refusal::TooManyToVoid(limits::VOIDED).into());
        }
    }
    match voided {
        0 => Err(Refusal::NothingToVoid(it.department.clone()).into()),
        _ => Ok(()),
    }
}

/// Takes away what is left of a final event's points.
fn take_back(
    draft: &mut Draft<'_>,
    place: Place,
    event: &wire::IntegrityEvent,
) -> Result<(), Halt> {
    let decay = draft.parameters()?.integrity_decay;
    let days = calendar::day_of(draft.context().time).saturating_sub(event.final_day);
    let left = score::decayed(event.points, days, decay);
    let end = IntegrityEnd::Voided;
    draft.put(place, wire::IntegrityEvent { end: end as i32, ..event.clone() });
    tell(draft, event, end, left, 0)
}

/// The first of a department's events that a block from a height on made; one behind the last where none did.
fn first_from(draft: &Draft<'_>, department: &str, last: u64, height: u64) -> Result<u64, Halt> {
    let (mut low, mut high) = (1, last.saturating_add(1));
    while low < high {
        let middle = low.midpoint(high);
        let place = Place::integrity_event(department, middle);
        let event: Option<Arc<wire::IntegrityEvent>> = draft.get(&place)?;
        if event.is_some_and(|it| it.height < height) {
            low = middle.saturating_add(1);
        } else {
            high = middle;
        }
    }
    Ok(low)
}

fn count(
    draft: &mut Draft<'_>,
    place: Place,
    settled: &wire::IntegritySettled,
    provisional: u64,
) -> Result<(), Halt> {
    let known: Option<Arc<wire::Score>> = draft.get(&place)?;
    let mut it = known.map(|it| *it).unwrap_or_default();
    it.provisional = it.provisional.saturating_sub(provisional);
    score::add(&mut it, settled, calendar::day_of(draft.context().time));
    draft.put(place, it);
    Ok(())
}
