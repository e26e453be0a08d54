//! Alerts: what is watched for, and what answers them.

use super::clock::{day, minute_of_day, weekday};
use super::integrity::AN_HOUR;
use super::terms::in_hours;
use super::{By, Id, Simple, Why};
use crate::types::limits;
use crate::wire::{self, AlertState, IdentityKind, RecordAccess, Watch, WatchKind};
use std::rc::Rc;

/// An alert to a department.
#[derive(Debug, Clone)]
pub(in super::super) struct Alert {
    pub(in super::super) department: String,
    pub(in super::super) number: u64,
    pub(in super::super) watch: WatchKind,
    pub(in super::super) identity: Id,
    pub(in super::super) dataset: String,
    pub(in super::super) request: Id,
    pub(in super::super) time: u64,
    pub(in super::super) count: u64,
    pub(in super::super) state: AlertState,
}

/// That somebody looked at subjects.
#[derive(Debug)]
pub(in super::super) struct Look {
    identity: Id,
    time: u64,
    /// Those of an officer.
    tags: Vec<Id>,
}

impl Simple {
    pub(super) fn watch(&self, kind: WatchKind) -> Option<Watch> {
        self.parameters.watches.iter().find(|it| it.kind() == kind).copied()
    }

    /// An alert, or one more of the newest like it, if that is not an hour old and not closed.
    pub(super) fn alert(
        &mut self,
        watch: WatchKind,
        department: &str,
        identity: &[u8],
        (dataset, request): (&str, &[u8]),
    ) {
        if self.watch(watch).is_none() {
            return;
        }
        let now = self.now;
        let joined = if watch == WatchKind::WouldBeDenied { 24 * AN_HOUR } else { AN_HOUR };
        let like = |it: &&mut Rc<Alert>| {
            let about = (it.dataset.as_str(), it.request.as_slice());
            it.watch == watch
                && it.department == department
                && it.identity == identity
                && about == (dataset, request)
        };
        if let Some(newest) = self.answers.alerts.iter_mut().rfind(like)
            && now - newest.time < joined
            && newest.state != AlertState::Closed
        {
            Rc::make_mut(newest).count += 1;
            return;
        }
        let before = self.answers.alerts.iter().filter(|it| it.department == department).count();
        self.answers.alerts.push(Rc::new(Alert {
            department: department.to_owned(),
            number: before as u64 + 1,
            watch,
            identity: identity.to_vec(),
            dataset: dataset.to_owned(),
            request: request.to_vec(),
            time: now,
            count: 1,
            state: AlertState::Unspecified,
        }));
        self.tell(format!("alert {} to {department}", watch as i32));
    }

    pub(super) fn watch_record(&mut self, it: &RecordAccess, future: bool) {
        let first = it.accesses.first().cloned().unwrap_or_default();
        let (dataset, request) = (first.dataset.as_str(), first.request_id.as_slice());
        if future {
            self.alert(WatchKind::FutureTime, &it.collector, &[], (dataset, &[]));
        }
        // One of many citizens, each about himself.
        if it.self_service.is_some() {
            return;
        }
        let Some(person) = it.on_behalf_of.clone().or(it.asker.clone()) else { return };
        let (of, id) = (person.department, person.identity_id);
        // Somebody who is said to be of another department is nobody's there.
        let Some(known) = self.identity(&id).filter(|it| it.department == of) else { return };
        let officer = known.kind == IdentityKind::Officer as i32;
        let time = it.access_time_ms;
        let outside = self.watch(WatchKind::OutsideHours).is_some_and(|watch| {
            !in_hours(&watch.schedule.unwrap(), weekday(day(time)), minute_of_day(time))
        });
        if officer && outside {
            self.alert(WatchKind::OutsideHours, &of, &id, (dataset, request));
        }
        let tags: Vec<Id> = it.subjects.as_ref().map_or(Vec::new(), |it| it.tags.clone());
        let tags = if officer { tags } else { Vec::new() };
        let (burst, again) = (self.bursts(&id), self.looks_again(&id, &tags));
        self.answers.looks.push(Rc::new(Look { identity: id.clone(), time: self.now, tags }));
        if burst {
            self.alert(WatchKind::Burst, &of, &id, ("", &[]));
        }
        if again {
            self.alert(WatchKind::RepeatedSubject, &of, &id, ("", &[]));
        }
    }

    /// Whether one look more by somebody is too much. A bucket takes so many looks as the limit says,
    /// and each leaks out within its share of the window.
    fn bursts(&self, identity: &[u8]) -> bool {
        let Some(watch) = self.watch(WatchKind::Burst) else { return false };
        let looks = self.answers.looks.iter().filter(|it| it.identity == identity);
        let (mut level, mut before) = (0u64, 0u64);
        for time in looks.map(|it| it.time).chain([self.now]) {
            let leaked = (time - before) * watch.limit;
            level = level.saturating_sub(leaked) + watch.window_ms;
            before = time;
        }
        level > watch.window_ms * watch.limit
    }

    /// Whether an officer's looks at one of these subjects are too many within the window, among as
    /// many of the latest as are remembered.
    fn looks_again(&self, identity: &[u8], tags: &[Id]) -> bool {
        let Some(watch) = self.watch(WatchKind::RepeatedSubject) else { return false };
        let looks = self.answers.looks.iter().filter(|it| it.identity == identity);
        let all: Vec<(&Id, u64)> =
            looks.flat_map(|it| it.tags.iter().map(|tag| (tag, it.time))).collect();
        let latest = &all[all.len().saturating_sub(limits::WATCHED_SUBJECTS)..];
        tags.iter().any(|tag| {
            let before = latest
                .iter()
                .filter(|(one, time)| *one == tag && time + watch.window_ms > self.now)
                .count();
            before as u64 + 1 > watch.limit
        })
    }

    pub(super) fn answer_alert(&mut self, by: By<'_>, it: &wire::AnswerAlert) -> Why {
        let mut no = Vec::new();
        self.acts(by, &it.department, &mut no);
        self.officer(by, &mut no);
        let is_it =
            |one: &&mut Rc<Alert>| one.number == it.number && one.department == it.department;
        let Some(alert) = self.answers.alerts.iter_mut().find(is_it) else {
            no.push("alert.unknown");
            return no;
        };
        let state = if it.close { AlertState::Closed } else { AlertState::Acknowledged };
        if alert.state == state || alert.state == AlertState::Closed {
            no.push("alert.state");
        }
        if no.is_empty() {
            Rc::make_mut(alert).state = state;
        }
        no
    }
}
