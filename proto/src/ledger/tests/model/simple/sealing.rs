//! Records kept secret for a time: decisions, commitments, and what is opened.

use super::clock::day;
use super::{By, Id, Simple, Why};
use crate::event::Outcome;
use crate::items::access::sealing::commitment;
use crate::types::{IdKind, numbered_id};
use crate::wire::{self, IdentityKind, IntegrityRule, Right, TimerKind};
use std::rc::Rc;

const A_YEAR: u64 = 366 * 86_400_000;

/// A decision that records may be sealed.
#[derive(Debug, Clone)]
pub(in super::super) struct Order {
    pub(in super::super) id: Id,
    pub(in super::super) authority: String,
    pub(in super::super) collector: String,
    pub(in super::super) open_by: u64,
    pub(in super::super) missed: bool,
    /// When all must be opened, once the date has come.
    pub(in super::super) due: u64,
}

/// A commitment in place of a record.
#[derive(Debug, Clone)]
pub(in super::super) struct Sealed {
    pub(in super::super) order: Id,
    pub(in super::super) gateway: Id,
    pub(in super::super) number: u64,
    pub(in super::super) commitment: Id,
    pub(in super::super) time: u64,
    pub(in super::super) opened: bool,
}

impl By<'_> {
    /// The id of what this item makes, if it makes such a thing.
    pub(super) fn new_id(self, kind: IdKind) -> Id {
        let number = self.header.seq + u64::from(self.number);
        numbered_id(kind, &self.header.key, number).to_vec()
    }
}

impl Simple {
    pub(in super::super) fn order(&self, id: &[u8]) -> Option<&Order> {
        self.answers.orders.iter().find(|it| it.id == id).map(Rc::as_ref)
    }

    fn order_mut(&mut self, id: &[u8]) -> &mut Order {
        Rc::make_mut(self.answers.orders.iter_mut().find(|it| it.id == id).unwrap())
    }

    fn decides(&self, by: By<'_>, authority: &str, no: &mut Why) {
        self.acts(by, authority, no);
        self.officer(by, no);
        if !self.parameters.sealing_authorities.iter().any(|it| it == authority) {
            no.push("sealing.authority");
        }
    }

    fn order_of(&self, id: &[u8], authority: &str, no: &mut Why) -> Option<Order> {
        let it = self.order(id).filter(|it| it.authority == authority).cloned();
        if it.is_none() {
            no.push("sealing.unknown");
        }
        it
    }

    /// Whoever wants it longer decides anew.
    fn not_too_long(&self, open_by: u64, no: &mut Why) {
        if open_by > self.now + A_YEAR {
            no.push("sealing.too_long");
        }
    }

    pub(super) fn order_sealing(&mut self, by: By<'_>, it: &wire::OrderSealing) -> Why {
        let mut no = Vec::new();
        self.decides(by, &it.authority, &mut no);
        if self.department(&it.collector).is_none() {
            no.push("department.unknown");
        }
        if self.body(&it.authority) == self.body(&it.collector) {
            no.push("body.same");
        }
        if it.open_by_ms <= self.now {
            no.push("sealing.past");
        }
        self.not_too_long(it.open_by_ms, &mut no);
        if no.is_empty() {
            let id = by.new_id(IdKind::SealingOrder);
            self.remind(it.open_by_ms, TimerKind::OpeningDue, &id);
            self.answers.orders.push(Rc::new(Order {
                id,
                authority: it.authority.clone(),
                collector: it.collector.clone(),
                open_by: it.open_by_ms,
                missed: false,
                due: 0,
            }));
        }
        no
    }

    pub(super) fn extend_sealing(&mut self, by: By<'_>, it: &wire::ExtendSealing) -> Why {
        let mut no = Vec::new();
        self.decides(by, &it.authority, &mut no);
        let order = self.order_of(&it.order_id, &it.authority, &mut no);
        // Before the date, and to a later one.
        if order.is_some_and(|one| one.open_by <= self.now || it.open_by_ms <= one.open_by) {
            no.push("sealing.past");
        }
        self.not_too_long(it.open_by_ms, &mut no);
        if no.is_empty() {
            self.order_mut(&it.order_id).open_by = it.open_by_ms;
            self.remind(it.open_by_ms, TimerKind::OpeningDue, &it.order_id);
        }
        no
    }

    pub(super) fn record_sealed(&mut self, by: By<'_>, it: &wire::RecordSealed) -> Why {
        let mut no = Vec::new();
        self.gateway_signs(by, &it.collector, &mut no);
        if let Some(order) = self.order_of(&it.order_id, &it.authority, &mut no) {
            if order.collector != it.collector {
                no.push("sealing.unknown");
            }
            if order.open_by <= self.now {
                no.push("sealing.past");
            }
        }
        if !self.are_free(by.identity(), it.access_no, it.access_no) {
            no.push("access_no.taken");
        }
        if no.is_empty() {
            self.take_number(by.identity(), &it.collector, it.access_no, None);
            self.answers.sealed.push(Rc::new(Sealed {
                order: it.order_id.clone(),
                gateway: by.identity().to_vec(),
                number: it.access_no,
                commitment: it.commitment.clone(),
                time: self.now,
                opened: false,
            }));
        }
        no
    }

    pub(super) fn open_sealed(
        &mut self,
        by: By<'_>,
        it: &wire::OpenSealed,
    ) -> Result<Outcome, Why> {
        use IdentityKind::{Officer, Root, System};
        let mut no = Vec::new();
        let record = it.record.clone().unwrap();
        self.acts_with(by, &record.collector, Right::Collect, &mut no);
        self.kind_of(by, &[Officer, Root, System], &mut no);
        self.order_of(&it.order_id, &it.authority, &mut no);
        let shown = commitment(&it.salt, &record);
        let position = self.answers.sealed.iter().position(|one| {
            !one.opened
                && (&one.gateway, one.number) == (&it.gateway_id, record.access_no)
                && (&one.order, one.commitment.as_slice()) == (&it.order_id, shown.as_bytes())
        });
        if position.is_none() {
            no.push("sealing.not_sealed");
        }
        self.of_its_collector(&record, &mut no);
        let Some(at) = position.filter(|_| no.is_empty()) else { return Err(no) };
        Rc::make_mut(&mut self.answers.sealed[at]).opened = true;
        Ok(self.recorded(&it.gateway_id, &record, false))
    }

    /// The date has come, or the days for opening are over.
    pub(super) fn opening_due(&mut self, id: &[u8]) {
        let order = self.order(id).unwrap().clone();
        if order.open_by > self.now || order.missed {
            return;
        }
        if order.due == 0 {
            let due = self.due_in(self.parameters.open_days);
            self.order_mut(id).due = due;
            self.remind(due, TimerKind::OpeningDue, id);
        } else if order.due <= self.now {
            let all = self.answers.sealed.iter().filter(|it| it.order == id);
            let left = all.filter(|it| !it.opened).count() as u64;
            if left > 0 {
                self.order_mut(id).missed = true;
                self.raise(IntegrityRule::NotOpened, &order.collector, &[], ("", &[]), left);
            }
        }
    }

    /// How many records were sealed by month of thirty days.
    pub(in super::super) fn sealed_by_month(&self) -> std::collections::BTreeMap<u64, u64> {
        let mut months = std::collections::BTreeMap::new();
        for it in &self.answers.sealed {
            *months.entry(day(it.time) / 30).or_default() += 1;
        }
        months
    }
}
