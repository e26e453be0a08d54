//! Watching (监测告警): what the parameters name raises alerts, for the department concerned to answer.

use crate::event::Outcome;
use crate::items::access::checks;
use crate::items::fields::{Checked, code, ensure, id_if_given};
use crate::items::kind::ItemKind;
use crate::items::oversight::integrity::JOIN_MS;
use crate::ledger::{Draft, Halt, Refusal, words};
use crate::place::Place;
use crate::suite::hash::{self, Domain};
use crate::tx::TxHeader;
use crate::types::{IdentityId, TimeMs, limits};
use crate::wire::{self, AlertState, IdentityKind, WatchKind, ledger_event::Kind};
use std::sync::Arc;

/// Whom an alert concerns, and what it is about.
#[derive(Clone, Copy, Default)]
pub(crate) struct Concern<'a> {
    pub(crate) department: &'a str,
    pub(crate) identity: &'a [u8],
    pub(crate) dataset: &'a str,
    pub(crate) request_id: &'a [u8],
    pub(crate) cause: &'a str,
}

/// For how long alerts of one concern are counted together.
fn joined_for(kind: WatchKind) -> u64 {
    if kind == WatchKind::WouldBeDenied { 24 * JOIN_MS } else { JOIN_MS }
}

/// What the parameters say of a watch; `None`: it is not watched for.
pub(crate) fn watch(draft: &Draft<'_>, kind: WatchKind) -> Result<Option<wire::Watch>, Halt> {
    let parameters = draft.parameters()?;
    Ok(parameters.watches.iter().find(|it| it.kind() == kind).copied())
}

/// Raises an alert if that is watched for, or counts on one that is not an hour old, of would-be denials a day.
pub(crate) fn alert(
    draft: &mut Draft<'_>,
    kind: WatchKind,
    concern: Concern<'_>,
) -> Result<(), Halt> {
    if watch(draft, kind)?.is_none() {
        return Ok(());
    }
    let place = joins(kind, concern);
    let now = draft.context().time;
    let before: Option<Arc<wire::Joined>> = draft.get(&place)?;
    if let Some(before) = before
        && now.since(TimeMs::new(before.since_ms)) < joined_for(kind)
        && count_again(draft, concern.department, before.number)?
    {
        return Ok(());
    }
    let book = Place::alert_book(concern.department);
    let known: Option<Arc<wire::AlertBook>> = draft.get(&book)?;
    let known = known.map(|it| *it).unwrap_or_default();
    let (number, open) = (known.alerts.saturating_add(1), known.open.saturating_add(1));
    draft.put(book, wire::AlertBook { alerts: number, open });
    let raised = wire::AlertRaised {
        department: concern.department.to_owned(),
        number,
        watch: kind as i32,
        identity_id: concern.identity.to_vec(),
        dataset: concern.dataset.to_owned(),
        request_id: concern.request_id.to_vec(),
        cause: concern.cause.to_owned(),
    };
    let state = AlertState::Unspecified as i32;
    let alert = wire::Alert { raised: Some(raised.clone()), time_ms: now.get(), count: 1, state };
    draft.put(Place::alert(concern.department, number), alert);
    draft.put(place, wire::Joined { number, since_ms: now.get(), until_ms: 0 });
    draft.emit(Kind::AlertRaised(raised));
    Ok(())
}

fn joins(kind: WatchKind, it: Concern<'_>) -> Place {
    let kind = (kind as i32).to_be_bytes();
    let (department, dataset) = (it.department.as_bytes(), it.dataset.as_bytes());
    let cause = it.cause.as_bytes();
    let parts = [
        b"a".as_slice(),
        &kind,
        department,
        b"/",
        dataset,
        b"/",
        it.identity,
        it.request_id,
        b"/",
        cause,
    ];
    Place::joined(&hash::hash(Domain::Repeat, &parts))
}

/// Counts on an alert; not on one that is closed.
fn count_again(draft: &mut Draft<'_>, department: &str, number: u64) -> Result<bool, Halt> {
    let place = Place::alert(department, number);
    let alert: Option<Arc<wire::Alert>> = draft.get(&place)?;
    let Some(alert) = alert.filter(|it| it.state() != AlertState::Closed) else {
        return Ok(false);
    };
    let count = alert.count.saturating_add(1);
    draft.put(place, wire::Alert { count, ..(*alert).clone() });
    Ok(true)
}

impl ItemKind for wire::AnswerAlert {
    fn check(&self) -> Checked {
        code("department", &self.department)?;
        ensure(self.number > 0, "number", "alerts are numbered from 1")?;
        id_if_given("reason_digest", &self.reason_digest)?;
        ensure(
            !self.close || !self.reason_digest.is_empty(),
            "reason_digest",
            "closing wants a reason",
        )
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::alert_trail(&self.department)]
    }

    /// The department concerned acknowledges an alert, or closes it.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        draft.acts_for(signer, &self.department)?;
        crate::ledger::authority::needs_officer(draft, signer)?;
        let place = Place::alert(&self.department, self.number);
        let name = format!("{}/{}", self.department, self.number);
        let alert: Option<Arc<wire::Alert>> = draft.get(&place)?;
        let alert = alert.ok_or_else(|| Refusal::UnknownAlert(name.clone()))?;
        let state = if self.close { AlertState::Closed } else { AlertState::Acknowledged };
        if alert.state() == AlertState::Closed || alert.state() == state {
            return Err(Refusal::AlertState { name, state: words::alert(alert.state()) }.into());
        }
        draft.put(place, wire::Alert { state: state as i32, ..(*alert).clone() });
        if self.close {
            let book = Place::alert_book(&self.department);
            let known: Option<Arc<wire::AlertBook>> = draft.get(&book)?;
            let known = known.map(|it| *it).unwrap_or_default();
            let open = known.open.saturating_sub(1);
            draft.put(book, wire::AlertBook { open, ..known });
        }
        Ok(Outcome::DONE)
    }
}

/// Looks at who asked in a record: how often, for whom, and at what hour.
pub(crate) fn record(
    draft: &mut Draft<'_>,
    it: &wire::RecordAccess,
    future: bool,
) -> Result<(), Halt> {
    let first = it.accesses.first();
    let (dataset, request_id) =
        first.map_or(("", [].as_slice()), |one| (&one.dataset, &one.request_id));
    if future {
        let department = it.collector.as_str();
        alert(draft, WatchKind::FutureTime, Concern { department, dataset, ..Concern::default() })?;
    }
    // Who asks about himself looks up nobody else, and a portal does so for many.
    if it.self_service.is_some() {
        return Ok(());
    }
    // The person behind the system, where one is named.
    let person = it.on_behalf_of.as_ref().or(it.asker.as_ref());
    let Some(person) = person.filter(|it| !it.identity_id.is_empty()) else { return Ok(()) };
    let (department, identity) = (person.department.as_str(), person.identity_id.as_slice());
    let id = IdentityId::from_slice(identity).unwrap_or_default();
    let known: Option<Arc<wire::Identity>> = draft.get(&Place::identity(&id))?;
    // Whom the gateway takes for somebody else's nobody there can answer for.
    let Some(known) = known.filter(|it| it.department == department) else { return Ok(()) };
    let concern = Concern { department, identity, ..Concern::default() };
    let is_officer = known.kind() == IdentityKind::Officer;
    if is_officer && outside_hours(draft, it)? {
        alert(draft, WatchKind::OutsideHours, Concern { dataset, request_id, ..concern })?;
    }
    counts(draft, it, concern, is_officer)
}

fn outside_hours(draft: &Draft<'_>, it: &wire::RecordAccess) -> Result<bool, Halt> {
    let schedule = watch(draft, WatchKind::OutsideHours)?.and_then(|it| it.schedule);
    let time = TimeMs::new(it.access_time_ms);
    Ok(schedule.is_some_and(|it| !checks::in_schedule(&it, time)))
}

fn counts(
    draft: &mut Draft<'_>,
    it: &wire::RecordAccess,
    concern: Concern<'_>,
    is_officer: bool,
) -> Result<(), Halt> {
    let burst = watch(draft, WatchKind::Burst)?;
    let repeated = watch(draft, WatchKind::RepeatedSubject)?.filter(|_| is_officer);
    if burst.is_none() && repeated.is_none() {
        return Ok(());
    }
    let place = Place::identity_watch(concern.identity);
    let known: Option<Arc<wire::IdentityWatch>> = draft.get(&place)?;
    let mut known = known.map(|it| (*it).clone()).unwrap_or_default();
    let now = draft.context().time;
    let too_many = burst.is_some_and(|burst| fill(&mut known, &burst, now));
    let again = repeated.is_some_and(|watch| looked_up(&mut known, &watch, it, now));
    draft.put(place, known);
    if too_many {
        alert(draft, WatchKind::Burst, concern)?;
    }
    if again {
        alert(draft, WatchKind::RepeatedSubject, concern)?;
    }
    Ok(())
}

/// A leaking bucket: each access adds a window, and in a window so many windows leak as the limit
/// says. Above the limit there were too many.
fn fill(known: &mut wire::IdentityWatch, burst: &wire::Watch, now: TimeMs) -> bool {
    let leaked = now.since(TimeMs::new(known.time_ms)).saturating_mul(burst.limit);
    let level = known.level.saturating_sub(leaked).saturating_add(burst.window_ms);
    let full = burst.window_ms.saturating_mul(burst.limit);
    (known.level, known.time_ms) = (level, now.get());
    level > full
}

/// Whether one of the subjects was looked up too often, by the latest ones remembered.
fn looked_up(
    known: &mut wire::IdentityWatch,
    watch: &wire::Watch,
    it: &wire::RecordAccess,
    now: TimeMs,
) -> bool {
    let since = now.get().saturating_sub(watch.window_ms);
    let when = |entry: &[u8]| entry.last_chunk::<8>().map_or(0, |time| u64::from_be_bytes(*time));
    known.subjects.retain(|entry| when(entry) > since);
    let tags = it.subjects.iter().flat_map(|subjects| &subjects.tags);
    let mut again = false;
    for tag in tags {
        let Some(tag) = tag.first_chunk::<8>() else { continue };
        known.subjects.push([*tag, now.get().to_be_bytes()].concat());
        let times = known.subjects.iter().filter(|entry| entry.first_chunk() == Some(tag)).count();
        again |= u64::try_from(times).unwrap_or(u64::MAX) > watch.limit;
    }
    let over = known.subjects.len().saturating_sub(limits::WATCHED_SUBJECTS);
    known.subjects.drain(..over);
    again
}

/// Whether a count has just passed the share of a quota that is watched for.
pub(crate) fn nearly_used(
    draft: &Draft<'_>,
    before: u64,
    after: u64,
    quota: u64,
) -> Result<bool, Halt> {
    let Some(watch) = watch(draft, WatchKind::QuotaNearlyUsed)? else { return Ok(false) };
    let share = |used: u64| {
        u128::from(used).saturating_mul(100) >= u128::from(quota).saturating_mul(watch.limit.into())
    };
    Ok(quota > 0 && !share(before) && share(after))
}
