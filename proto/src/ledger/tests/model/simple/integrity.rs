//! The integrity chain: events as a list, and scores computed from it anew.

use super::clock::day;
use super::{Id, Simple};
use crate::wire::{self, IntegrityEnd, IntegrityRule, Score, TimerKind};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Repeats within this time are one.
pub(super) const AN_HOUR: u64 = 3_600_000;

/// An event of a department's chain.
#[derive(Debug, Clone)]
pub(in super::super) struct Event {
    pub(in super::super) department: String,
    pub(in super::super) number: u64,
    pub(in super::super) rule: IntegrityRule,
    pub(in super::super) identity: Id,
    pub(in super::super) dataset: String,
    pub(in super::super) request: Id,
    pub(in super::super) time: u64,
    pub(in super::super) count: u64,
    /// Until when it can be appealed.
    pub(in super::super) until: u64,
    pub(in super::super) end: IntegrityEnd,
    pub(in super::super) case: Id,
    pub(in super::super) ruled_by: String,
    pub(in super::super) height: u64,
    /// Once final: its points, and since which day they count.
    pub(in super::super) points: u64,
    pub(in super::super) final_day: u64,
}

/// An event that counts.
#[derive(Debug)]
pub(in super::super) struct Settled {
    whose: [Id; 2],
    merit: bool,
    points: u64,
    /// Whether a vote takes them away again.
    voids: bool,
    day: u64,
    /// What is left of points after a day, as decided then.
    decay: u64,
}

/// What the score of an identity stands under.
fn of_identity(id: &[u8]) -> Id {
    [&[0xff], id].concat()
}

impl Simple {
    pub(in super::super) fn event(&self, department: &str, number: u64) -> Option<&Event> {
        let mut all = self.answers.events.iter().map(Rc::as_ref);
        all.find(|it| it.number == number && it.department == department)
    }

    pub(super) fn event_mut(&mut self, department: &str, number: u64) -> &mut Event {
        let mut all = self.answers.events.iter_mut();
        let is_it = |it: &&mut Rc<Event>| it.number == number && it.department == department;
        Rc::make_mut(all.find(is_it).unwrap())
    }

    /// An event of the chain, or one more of the newest like it, if that is not an hour old and not
    /// settled. Gives its number.
    pub(super) fn raise(
        &mut self,
        rule: IntegrityRule,
        department: &str,
        identity: &[u8],
        (dataset, request): (&str, &[u8]),
        count: u64,
    ) -> u64 {
        // With a grant, by the grant alone.
        let same_matter = |it: &Event| match request {
            [] => it.request.is_empty() && it.dataset == dataset,
            _ => it.request == request,
        };
        let like = |it: &&mut Rc<Event>| {
            it.rule == rule
                && it.department == department
                && it.identity == identity
                && same_matter(it)
        };
        let now = self.now;
        if let Some(newest) = self.answers.events.iter_mut().rfind(like)
            && now - newest.time < AN_HOUR
            && newest.end == IntegrityEnd::Unspecified
        {
            let newest = Rc::make_mut(newest);
            newest.count += count;
            return newest.number;
        }
        let until = self.due_in(self.parameters.appeal_days);
        let before = self.answers.events.iter().filter(|it| it.department == department).count();
        let number = before as u64 + 1;
        let about = [&number.to_be_bytes(), department.as_bytes()].concat();
        self.remind(until, TimerKind::IntegrityFinal, &about);
        self.tell(format!("integrity {} of {department}: {count}", rule as i32));
        self.answers.events.push(Rc::new(Event {
            department: department.to_owned(),
            number,
            rule,
            identity: identity.to_vec(),
            dataset: dataset.to_owned(),
            request: request.to_vec(),
            time: now,
            count,
            until,
            end: IntegrityEnd::Unspecified,
            case: Id::new(),
            ruled_by: String::new(),
            height: self.height,
            points: 0,
            final_day: 0,
        }));
        number
    }

    /// Nobody appealed in time.
    pub(super) fn appeal_over(&mut self, about: &[u8]) {
        let (number, department) = about.split_first_chunk::<8>().unwrap();
        let department = std::str::from_utf8(department).unwrap();
        let number = u64::from_be_bytes(*number);
        if self.event(department, number).unwrap().case.is_empty() {
            self.settle(department, number, IntegrityEnd::Final);
        }
    }

    pub(super) fn settle(&mut self, department: &str, number: u64, end: IntegrityEnd) {
        let it = self.event(department, number).unwrap().clone();
        if it.end != IntegrityEnd::Unspecified {
            return;
        }
        self.event_mut(department, number).end = end;
        let weights = &self.parameters.integrity_weights;
        let weight = weights.iter().find(|one| one.rule() == it.rule).map_or(0, |it| it.points);
        // Twice as often weighs one weight more.
        let mut times = 0;
        while it.count >> times > 0 {
            times += 1;
        }
        let points = match end {
            IntegrityEnd::Final => u64::from(weight) * 1000 * times,
            _ => 0,
        };
        if end == IntegrityEnd::Final {
            let today = day(self.now);
            let event = self.event_mut(department, number);
            (event.points, event.final_day) = (points, today);
            self.answers.settled.push(Rc::new(Settled {
                whose: [it.department.clone().into_bytes(), of_identity(&it.identity)],
                merit: it.rule == IntegrityRule::Commended,
                points,
                voids: false,
                day: day(self.now),
                decay: u64::from(self.parameters.integrity_decay),
            }));
        }
        let (rule, end) = (it.rule as i32, end as i32);
        self.tell(format!(
            "integrity {rule} of {department} settled {end}: {} times, {points} points",
            it.count
        ));
    }

    /// What a vote voids.
    pub(super) fn void(&mut self, it: &wire::VoidIntegrity) -> Vec<&'static str> {
        if self.department(&it.department).is_none() {
            return vec!["department.unknown"];
        }
        let heights = it.from_height..=it.until_height;
        let meant = |one: &&Rc<Event>| {
            one.department == it.department
                && heights.contains(&one.height)
                && (it.rules.is_empty() || it.rules.contains(&(one.rule as i32)))
                && matches!(one.end, IntegrityEnd::Unspecified | IntegrityEnd::Final)
        };
        let all: Vec<Event> =
            self.answers.events.iter().filter(meant).map(|it| (**it).clone()).collect();
        if all.is_empty() {
            return vec!["void.none"];
        }
        if all.len() > 128 {
            return vec!["void.too_many"];
        }
        for one in all {
            if one.end == IntegrityEnd::Unspecified {
                self.settle(&it.department, one.number, IntegrityEnd::Voided);
                continue;
            }
            let (today, decay) = (day(self.now), u64::from(self.parameters.integrity_decay));
            let mut left = one.points;
            for _ in one.final_day..today {
                left = left * decay / 10_000;
            }
            self.event_mut(&it.department, one.number).end = IntegrityEnd::Voided;
            if left > 0 {
                self.answers.settled.push(Rc::new(Settled {
                    whose: [one.department.clone().into_bytes(), of_identity(&one.identity)],
                    merit: one.rule == IntegrityRule::Commended,
                    points: left,
                    voids: true,
                    day: today,
                    decay,
                }));
            }
            let (rule, end) = (one.rule as i32, IntegrityEnd::Voided as i32);
            self.tell(format!(
                "integrity {rule} of {} settled {end}: {} times, {left} points",
                it.department, one.count
            ));
        }
        Vec::new()
    }

    /// All scores, computed from the chain.
    pub(in super::super) fn scores(&self) -> BTreeMap<Id, Score> {
        let mut scores: BTreeMap<Id, Score> = BTreeMap::new();
        for it in &self.answers.events {
            let whose = [it.department.clone().into_bytes(), of_identity(&it.identity)];
            for id in whose.into_iter().filter(|id| *id != [0xff]) {
                let score = scores.entry(id).or_default();
                score.events += 1;
                score.provisional += u64::from(it.end == IntegrityEnd::Unspecified);
            }
        }
        for it in &self.answers.settled {
            for id in it.whose.iter().filter(|id| **id != [0xff]) {
                let score = scores.get_mut(id).unwrap();
                let since = if score.day > 0 { score.day } else { it.day };
                for _ in since..it.day {
                    score.demerit = score.demerit * it.decay / 10_000;
                    score.merit = score.merit * it.decay / 10_000;
                }
                score.day = it.day;
                let place = if it.merit { &mut score.merit } else { &mut score.demerit };
                *place =
                    if it.voids { place.saturating_sub(it.points) } else { *place + it.points };
            }
        }
        scores
    }
}
