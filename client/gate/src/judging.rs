//! How a request is decided: under the one grant that fits, by the ledger's own rules over state that was proved.

use crate::asked::Asked;
use crate::candidates::{named, under};
use crate::gate::{Found, Gate, key_of};
use crate::group::Group;
use liuhen_client::clock::now;
use liuhen_proto::event::{Outcome, Reason};
use liuhen_proto::items::access::halves;
use liuhen_proto::ledger::{Halt, Object};
use liuhen_proto::place::Place;
use liuhen_proto::types::{RequestId, TimeMs};
use liuhen_proto::verify::allows;
use liuhen_proto::wire::{DatasetAccess, RecordAccess, Subjects};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// A denial is tried once more by a newer state where its own is older than this.
const DENIED_BY: Duration = Duration::from_secs(1);

/// Of what is left of the quota this gateway has set nothing aside.
const NO_LEASE: &str = "gate.no_lease";

/// What a record states of how it was decided.
#[derive(Clone, Copy, PartialEq, Eq)]
enum States {
    /// The height by which it was.
    Height,
    /// Nothing: it is judged by its time.
    Nothing,
}

impl Gate {
    /// The record under the grant that fits, and whether it is served; where nothing is set aside yet, once that is asked for. Errors with why
    /// that can't be told.
    pub(crate) async fn judged(&self, door: &str, record: &RecordAccess) -> Result<Found, String> {
        let mut asked = self.leases.as_ref().map(|it| (it, it.listen()));
        let begun = Instant::now();
        let mut found = self.judged_once(door, record).await?;
        let key = key_of(record);
        while let Some((leases, asked)) = asked.as_mut()
            && found.reason == NO_LEASE
            && !found.serve
            && let Some(id) = named(&found.record)
            && leases.may_wait(&id, asked, begun).await
        {
            // Where that can't be told now, it stays as it was found.
            let Ok(group) = self.state.group(&key, record, Some(Duration::ZERO)).await else {
                break;
            };
            let Ok(again) = self.judged_by(door, &group, record) else { break };
            found = again;
        }
        Ok(found)
    }

    async fn judged_once(&self, door: &str, record: &RecordAccess) -> Result<Found, String> {
        let key = key_of(record);
        let group = self.state.group(&key, record, None).await.map_err(|e| e.to_string())?;
        let first = self.judged_by(door, &group, record);
        let no_older = match &first {
            Ok(found) if found.is_allowed() => return first,
            Ok(_) if group.proved.elapsed() <= DENIED_BY => return first,
            Ok(_) => DENIED_BY,
            // It was proved for another route, of which less is read.
            Err(_) => Duration::ZERO,
        };
        match self.state.group(&key, record, Some(no_older)).await {
            Ok(group) => self.judged_by(door, &group, record),
            // No node proves a newer state: what this one says counts, unless it is too old.
            Err(error) => first.map_err(|why| format!("{why}; {error}")),
        }
    }

    fn judged_by(&self, door: &str, group: &Group, record: &RecordAccess) -> Result<Found, String> {
        // No two use what is left of one quota.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = |states| self.fitting(group, record, states).map_err(|why| why.to_string());
        let (mut record, mut outcome) = fitting(States::Height)?;
        let too_old = || Err("the state by which it would be decided is too old".to_owned());
        if let Some(state_ms) = self.state_ms {
            // What comes in as files is older than the grade allows: the record claims no height, and is judged by its time.
            if now().since(group.known.header.time) > state_ms {
                return too_old();
            }
            if outcome.reason == Reason::DecisionTooOld {
                (record, outcome) = fitting(States::Nothing)?;
            }
        }
        if outcome.reason == Reason::DecisionTooOld {
            return too_old();
        }
        // By the same block as it is decided.
        let time = match record.decided_height {
            Some(_) => group.known.header.time,
            None => TimeMs::new(record.access_time_ms),
        };
        let observes = |it: &DatasetAccess| self.state.observes_by(group, &it.dataset, time);
        let of = self.found_by(door, &record, &observes);
        let may = may(outcome);
        let has_lease = !may
            || self.leases.as_ref().is_none_or(|it| it.holds(&self.state, group, &record, now()));
        let reason = if has_lease { outcome.reason.name() } else { NO_LEASE };
        let mut found = of(record, may && has_lease, reason);
        found.singly = singly(group, &found.record);
        found.ticket = found.serve.then(|| self.state.hold(found.record.clone()));
        Ok(found)
    }

    /// Why what is being served under a number may not go on; `None` where it may, or where that can't be told. It is judged under the grant that it was served
    /// under: a quota that is used up, by this perhaps, counts for what is decided next.
    pub async fn denies(&self, door: &str, asked: &Asked, number: u64) -> Option<String> {
        let grant = self.spool.book().get(number)?.used.grants.first().copied()?;
        let ruled = self.ruled(door, asked)?;
        if self.observing.contains(door) && self.state.observes(&ruled.route.dataset, now()) {
            return None;
        }
        let mut record = self.record(ruled, asked, &[0; 16]);
        record.subjects = Some(Subjects { uncounted: true, ..Subjects::default() });
        let key = key_of(&record);
        self.ends(&*self.state.there(&key)?, &record, &grant)?;
        // Only by a state that is new.
        let group = self.state.group(&key, &record, Some(DENIED_BY)).await.ok()?;
        self.ends(&group, &record, &grant)
    }

    /// Why a further access like this would be denied under a grant, unless it is for a quota or the state's age.
    fn ends(&self, group: &Group, record: &RecordAccess, grant: &RequestId) -> Option<String> {
        let now = now().max(group.known.header.time);
        let decided_height = Some(group.known.header.height.get());
        let record = RecordAccess { decided_height, access_time_ms: now.get(), ..record.clone() };
        let mut record = under(&record, Some(grant));
        record.accesses.iter_mut().for_each(|it| it.grant_by_rule = true);
        let outcome = self.state.judge(group, &with_a_row(&record), now).ok()?;
        let is_of_quota = matches!(outcome.reason, Reason::QuotaExceeded | Reason::DecisionTooOld);
        (!may(outcome) && !is_of_quota).then(|| outcome.reason.name().to_owned())
    }

    /// The record under the one grant that allows it, with what the ledger would make of it. Where none does, or several of which
    /// nobody said which it is: under the first of its own, or none.
    fn fitting(
        &self,
        group: &Group,
        record: &RecordAccess,
        states: States,
    ) -> Result<(RecordAccess, Outcome), Halt> {
        let header = &group.known.header;
        let decided_height = (states == States::Height).then(|| header.height.get());
        // What was seen to be committed was so before, whatever this machine's clock says.
        let now = now().max(header.time);
        let record = RecordAccess { decided_height, access_time_ms: now.get(), ..record.clone() };
        let (mut fit, mut others) = (Vec::new(), Vec::new());
        for id in &group.candidates {
            let mut record = under(&record, Some(id));
            record.accesses.iter_mut().for_each(|it| it.grant_by_rule = true);
            let outcome = self.state.judge(group, &with_a_row(&record), now)?;
            match (may(outcome), outcome.names_others) {
                (true, _) => fit.push((record, outcome)),
                (false, false) => others.push((record, outcome)),
                (false, true) => {}
            }
        }
        let chosen = if fit.is_empty() { others } else { fit };
        match <[_; 1]>::try_from(chosen) {
            Ok([one]) => Ok(one),
            Err(_) => {
                let outcome = self.state.judge(group, &with_a_row(&record), now)?;
                Ok((record, outcome))
            }
        }
    }
}

/// Rows are known once it is served; one at least has to be left.
fn with_a_row(record: &RecordAccess) -> RecordAccess {
    RecordAccess { row_count: Some(1), ..record.clone() }
}

/// Whether what the ledger would make of it allows it.
fn may(outcome: Outcome) -> bool {
    allows(outcome.verdict) && !outcome.names_others
}

/// Whether a record's user owes its half by itself, as its group has dataset and grant; `None` where it has neither.
fn singly(group: &Group, record: &RecordAccess) -> Option<bool> {
    let access = record.accesses.first()?;
    let id = RequestId::from_slice(&access.request_id).ok()?;
    let object = |place: &Place| group.known.objects.get(place).cloned().flatten();
    let Some(Object::Grant(grant)) = object(&Place::grant(&id)) else { return None };
    let Some(Object::Dataset(entry)) = object(&Place::dataset(&access.dataset)) else {
        return None;
    };
    Some(halves::is_owed_singly(entry.registration.as_ref(), &grant, record, access))
}
