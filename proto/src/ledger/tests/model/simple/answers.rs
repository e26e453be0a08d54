//! Lists by which accesses are answered for, and what comes of them by itself.

use super::bulk::BulkSet;
use super::gateways::Gateway;
use super::halves::{Half, Hour};
use super::integrity::{Event, Settled};
use super::watching::{Alert, Look};
use super::{Id, Simple};
use crate::wire::TimerKind;
use std::rc::Rc;

#[derive(Debug, Clone, Default)]
pub(in super::super) struct Answers {
    pub(in super::super) gateways: Vec<Rc<Gateway>>,
    pub(in super::super) hours: Vec<Rc<Hour>>,
    pub(in super::super) halves: Vec<Rc<Half>>,
    pub(in super::super) bulk_sets: Vec<Rc<BulkSet>>,
    pub(in super::super) events: Vec<Rc<Event>>,
    pub(in super::super) settled: Vec<Rc<Settled>>,
    pub(in super::super) alerts: Vec<Rc<Alert>>,
    pub(in super::super) looks: Vec<Rc<Look>>,
    /// When to look at what: its time, the kind of timer, what it is about.
    pub(super) reminders: Vec<Rc<Reminder>>,
}

pub(super) type Reminder = (u64, u8, Id);

impl Simple {
    pub(super) fn remind(&mut self, at: u64, kind: TimerKind, about: &[u8]) {
        let it = Rc::new((at, kind as u8, about.to_vec()));
        if !self.answers.reminders.contains(&it) {
            self.answers.reminders.push(it);
        }
    }

    pub(super) fn forget(&mut self, at: u64, kind: TimerKind, about: &[u8]) {
        let it = (at, kind as u8, about.to_vec());
        self.answers.reminders.retain(|one| **one != it);
    }

    /// Takes the reminders whose time has come.
    pub(super) fn reminded(&mut self) -> Vec<Reminder> {
        let now = self.now;
        let (due, to_come) =
            self.answers.reminders.drain(..).partition(|it: &Rc<Reminder>| it.0 <= now);
        self.answers.reminders = to_come;
        let due: Vec<Rc<Reminder>> = due;
        due.iter().map(|it| (**it).clone()).collect()
    }

    pub(super) fn remind_of(&mut self, kind: u8, about: &[u8]) {
        match TimerKind::try_from(i32::from(kind)).unwrap() {
            TimerKind::NumbersDue => self.numbers_due(about),
            TimerKind::HalvesDue => self.halves_due(about),
            TimerKind::BulkDue => self.tags_due(about),
            TimerKind::IntegrityFinal => self.appeal_over(about),
            TimerKind::NoGateway => self.no_gateway(about),
            other => panic!("{other:?} is kept elsewhere"),
        }
    }
}
