//! Lists by which accesses are answered for, and what comes of them by itself.

use super::bulk::BulkSet;
use super::cases::Case;
use super::corrections::Correction;
use super::gateways::Gateway;
use super::halves::{Half, Hour};
use super::integrity::{Event, Settled};
use super::products::Product;
use super::sealing::{Order, Sealed};
use super::watching::{Alert, Look};
use super::{By, Id, Made, Simple, Why};
use crate::wire::{self, TimerKind, item::Kind};
use std::rc::Rc;

#[derive(Debug, Clone, Default)]
pub(in super::super) struct Answers {
    pub(in super::super) gateways: Vec<Rc<Gateway>>,
    /// What was recorded, and by which gateway.
    pub(in super::super) records: Vec<Rc<(Id, wire::RecordAccess)>>,
    pub(in super::super) hours: Vec<Rc<Hour>>,
    pub(in super::super) halves: Vec<Rc<Half>>,
    pub(in super::super) bulk_sets: Vec<Rc<BulkSet>>,
    pub(in super::super) events: Vec<Rc<Event>>,
    pub(in super::super) settled: Vec<Rc<Settled>>,
    pub(in super::super) alerts: Vec<Rc<Alert>>,
    pub(in super::super) looks: Vec<Rc<Look>>,
    pub(in super::super) orders: Vec<Rc<Order>>,
    pub(in super::super) sealed: Vec<Rc<Sealed>>,
    pub(in super::super) corrections: Vec<Rc<Correction>>,
    pub(in super::super) cases: Vec<Rc<Case>>,
    pub(in super::super) products: Vec<Rc<Product>>,
    /// Key, height, round, kind of vote.
    pub(in super::super) double_votes: Vec<Rc<(Id, u64, u32, u32)>>,
    /// When to look at what: its time, the kind of timer, what it is about.
    pub(in super::super) reminders: Vec<Rc<Reminder>>,
}

pub(in super::super) type Reminder = (u64, u8, Id);

impl Simple {
    /// Items by which accesses are answered for.
    pub(super) fn answering(&mut self, by: By<'_>, kind: &Kind) -> Result<Made, Why> {
        let why = match kind {
            Kind::ManualHandover(it) => return self.handover(by, it).map(Made::Judged),
            Kind::OpenSealed(it) => return self.open_sealed(by, it).map(Made::Judged),
            Kind::SetGateway(it) => self.set_gateway(by, it),
            Kind::SetObserving(it) => self.set_observing(by, it),
            Kind::CommitMapping(it) => self.commit_mapping(by, it),
            Kind::SealPeriod(it) => self.seal_period(by, it),
            Kind::DeclareLoss(it) => self.declare_loss(by, it),
            Kind::DeclareOutage(it) => self.declare_outage(by, it),
            Kind::Unrecordable(it) => self.unrecordable(by, it),
            Kind::AddBulkTags(it) => self.add_tags(by, it),
            Kind::Acknowledge(it) => self.acknowledge(by, it),
            Kind::AcknowledgeHour(it) => self.acknowledge_hour(by, it),
            Kind::AnswerAlert(it) => self.answer_alert(by, it),
            Kind::OrderSealing(it) => self.order_sealing(by, it),
            Kind::ExtendSealing(it) => self.extend_sealing(by, it),
            Kind::RecordSealed(it) => self.record_sealed(by, it),
            Kind::LeaseUse(it) => self.lease(by, it),
            Kind::StateList(it) => self.state_list(by, it),
            Kind::CorrectRecords(it) => self.correct_records(by, it),
            Kind::AgreeCorrection(it) => self.agree_correction(by, it),
            Kind::OpenCase(it) => self.open_case(by, it),
            Kind::AnswerCase(it) => self.answer_case(by, it),
            Kind::RuleCase(it) => self.rule_case(by, it),
            Kind::RegisterProduct(it) => self.register_product(by, it),
            Kind::ReviewProduct(it) => self.review_product(by, it),
            Kind::ReleaseProduct(it) => self.release_product(by, it),
            Kind::EvaluateProduct(it) => self.evaluate_product(by, it),
            Kind::RecallProduct(it) => self.recall_product(by, it),
            Kind::ReportDoubleVote(it) => self.report_double_vote(by, it),
            other => panic!("the model has no {other:?}"),
        };
        if why.is_empty() { Ok(Made::Done) } else { Err(why) }
    }

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
            TimerKind::SealDue => self.seal_due(about),
            TimerKind::HalvesDue => self.halves_due(about),
            TimerKind::BulkDue => self.tags_due(about),
            TimerKind::OpeningDue => self.opening_due(about),
            TimerKind::CaseDue => self.answer_due(about),
            TimerKind::IntegrityFinal => self.appeal_over(about),
            TimerKind::NoGateway => self.no_gateway(about),
            TimerKind::AuditEnds => self.audit_ends(about),
            TimerKind::ReadsDue => self.reads_overdue(about),
            other => panic!("{other:?} is kept elsewhere"),
        }
    }
}
