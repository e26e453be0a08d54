//! The catalogue, and requests.

use super::super::consortium::{LEGAL_BASES, PURPOSES, STATUTORY};
use super::super::simple::{Dataset, Id, Request};
use super::{Move, Moves, Officer, System};
use crate::wire::{self, Category, Delegation, RequestState, Right, item::Kind};

pub(super) const HOUR: u64 = 3_600_000;
pub(super) const DAY: u64 = 24 * HOUR;

const FIELDS: [&str; 4] = ["birth", "name", "status", "street"];

impl Moves<'_> {
    fn entry(&mut self, dataset: &str, collector: &str) -> wire::RegisterDataset {
        use Category::{Conditional, NotShared, Unconditional};
        let categories = [Conditional, Conditional, Conditional, Unconditional, NotShared];
        let category = *self.dice.pick(&categories);
        let mut names = self.dice.some(&FIELDS, 75);
        if names.is_empty() {
            names.push("name");
        }
        let grade = |dice: &mut super::Dice| u32::try_from(dice.between(1, 4)).unwrap();
        let open = category == Unconditional && self.dice.percent(70);
        let fields = names
            .into_iter()
            .map(|name| wire::Field {
                name: name.into(),
                grade: if open { 1 } else { grade(&mut self.dice) },
                category: if self.dice.percent(6) { Conditional as i32 } else { 0 },
            })
            .collect();
        wire::RegisterDataset {
            dataset: dataset.into(),
            collector: collector.into(),
            title_zh: String::new(),
            title_en: "Data".into(),
            grade: if open { 1 } else { grade(&mut self.dice) },
            category: category as i32,
            fields,
            schema_digest: vec![3; 32],
        }
    }

    pub(super) fn register(&mut self) -> Option<Move> {
        let collector = self.with_right(Right::Collect)?;
        let dataset = format!("d{}", self.dice.below(200));
        let by = self.officer(&collector)?;
        Some((by, Kind::RegisterDataset(self.entry(&dataset, &collector))))
    }

    /// A dataset: mostly one in the catalogue.
    pub(super) fn dataset(&mut self) -> Option<Dataset> {
        let fits = |it: &&std::rc::Rc<Dataset>| it.retired.is_none();
        let live: Vec<_> = self.simple.datasets.iter().filter(fits).collect();
        match self.dice.percent(96) {
            true => self.dice.pick_if_any(&live).map(|it| (***it).clone()),
            false => self.dice.pick_if_any(&self.simple.datasets).map(|it| (**it).clone()),
        }
    }

    pub(super) fn mostly(&mut self, department: String) -> String {
        if self.dice.percent(97) { department } else { self.any_department() }
    }

    pub(super) fn update(&mut self) -> Option<Move> {
        let known = self.dataset()?.entry;
        let collector = self.mostly(known.collector);
        let by = self.officer(&collector)?;
        let it = self.entry(&known.dataset, &collector);
        let item = wire::UpdateDataset {
            dataset: it.dataset,
            collector: it.collector,
            title_zh: it.title_zh,
            title_en: it.title_en,
            grade: it.grade,
            category: it.category,
            fields: it.fields,
            schema_digest: it.schema_digest,
        };
        Some((by, Kind::UpdateDataset(item)))
    }

    pub(super) fn retire(&mut self) -> Option<Move> {
        if self.simple.datasets.iter().filter(|it| it.retired.is_none()).count() < 6 {
            return None;
        }
        let known = self.dataset()?.entry;
        let collector = self.mostly(known.collector);
        let (by, dataset) = (self.officer(&collector)?, known.dataset);
        let reason_digest = self.dice.digest();
        Some((by, Kind::RetireDataset(wire::RetireDataset { dataset, collector, reason_digest })))
    }

    pub(super) fn publish(&mut self) -> Option<Move> {
        let known = self.dataset()?;
        let collector = self.mostly(known.entry.collector);
        let by = self.of(&collector, &[Officer, System])?;
        let version = known.version + 1 + u64::from(self.dice.percent(5));
        let previous_digest = match (version, self.dice.percent(95) && !known.digest.is_empty()) {
            (1, _) => Vec::new(),
            (_, true) => known.digest,
            _ => self.dice.digest(),
        };
        let item = wire::PublishVersion {
            dataset: known.entry.dataset,
            collector,
            version,
            content_digest: self.dice.digest(),
            previous_digest,
            ..Default::default()
        };
        Some((by, Kind::PublishVersion(item)))
    }

    /// Identities of a department that could use data.
    pub(super) fn people(&mut self, of: &str) -> Vec<Id> {
        let own = self.simple.identities.iter().filter(|it| it.department == of);
        let all: Vec<Id> = own.map(|it| it.id.clone()).collect();
        let mut some = self.dice.some(&all, 75);
        if some.is_empty() {
            some.extend(all.first().cloned());
        }
        if some.is_empty() || self.dice.percent(2) {
            some.push(self.dice.pick(&self.simple.identities).id.clone());
        }
        some.sort();
        some.dedup();
        some
    }

    pub(super) fn quota(&mut self) -> wire::Quota {
        let mut limit = |of_hundred, most| match self.dice.percent(of_hundred) {
            true => self.dice.between(1, most),
            false => 0,
        };
        wire::Quota {
            queries_total: limit(25, 12),
            rows_total: limit(15, 300),
            queries_per_day: limit(15, 5),
            rows_per_day: limit(10, 90),
        }
    }

    pub(super) fn terms(&mut self, entry: &wire::RegisterDataset, user: &str) -> wire::Terms {
        let names: Vec<String> = entry.fields.iter().map(|it| it.name.clone()).collect();
        let mut fields = self.dice.some(&names, 60);
        if self.dice.percent(2) {
            fields = vec!["other".into()];
        }
        let mut operations = self.dice.some(&[1, 2, 4], 70);
        if operations.is_empty() {
            operations.push(1);
        }
        let delegation = *self.dice.pick(&[0, 1, 1, 2]);
        let depth = u32::try_from(self.dice.between(1, 4)).unwrap();
        let now = self.simple.now;
        let length = *self.dice.pick(&[6 * HOUR, 3 * DAY, 20 * DAY, 60 * DAY, 200 * DAY]);
        wire::Terms {
            fields,
            division: if self.dice.percent(80) { "52".into() } else { "5201".into() },
            operations,
            identity_ids: self.people(user),
            from_ms: if self.dice.percent(90) { now - HOUR } else { now + HOUR },
            until_ms: now + 2 * HOUR + self.dice.between(1, length),
            quota: Some(self.quota()),
            delegation,
            delegation_depth: if delegation == 0 { 0 } else { depth },
            schedule: self.schedule(),
        }
    }

    fn schedule(&mut self) -> Option<wire::Schedule> {
        let begins = self.dice.below(600);
        let lasts = self.dice.between(600, 1440);
        let weekdays = *self.dice.pick(&[0, 0, 31, 127, 96]);
        let (begins, ends) = (u32::try_from(begins), u32::try_from(begins + lasts));
        let (from_minute, until_minute) = (begins.unwrap(), ends.unwrap());
        self.dice.percent(20).then_some(wire::Schedule { from_minute, until_minute, weekdays })
    }

    /// Terms made narrower here and there; rarely wider.
    pub(super) fn narrowed(&mut self, terms: &wire::Terms) -> wire::Terms {
        let mut it = terms.clone();
        if it.fields.len() > 1 && self.dice.percent(20) {
            it.fields.remove(0);
        }
        if it.operations.len() > 1 && self.dice.percent(15) {
            it.operations.pop();
        }
        if it.identity_ids.len() > 1 && self.dice.percent(10) {
            it.identity_ids.remove(0);
        }
        if self.dice.percent(20) {
            it.until_ms = it.from_ms + 1 + (it.until_ms - it.from_ms - 1) / 2;
        }
        if self.dice.percent(10) {
            it.division = "5201".into();
        }
        let quota = it.quota.as_mut().unwrap();
        if quota.queries_total == 0 && self.dice.percent(20) {
            quota.queries_total = self.dice.between(2, 20);
        }
        if self.dice.percent(6) {
            (it.delegation, it.delegation_depth) = (0, 0);
        }
        if it.schedule.is_none() && self.dice.percent(8) {
            it.schedule = self.schedule();
        }
        self.widened(&mut it);
        it
    }

    fn widened(&mut self, it: &mut wire::Terms) {
        match self.dice.below(120) {
            0 => it.fields.clear(),
            1 => it.division = "5".into(),
            2 => it.operations = vec![1, 2, 3, 4, 5, 6],
            3 => it.until_ms += 1,
            4 => it.from_ms -= 1,
            5 => it.quota = Some(wire::Quota::default()),
            6 => (it.delegation, it.delegation_depth) = (Delegation::Notify as i32, 4),
            7 => it.schedule = None,
            _ => {}
        }
    }

    pub(super) fn ask(&mut self) -> Option<Move> {
        let entry = self.dataset()?.entry;
        let mut user = self.with_right(Right::Use)?;
        // Often one that can pass it on.
        let above = self.simple.departments.iter().map(|it| &it.parent);
        let above: Vec<_> = above.filter(|code| !code.is_empty()).collect();
        if self.dice.percent(40) {
            user.clone_from(self.dice.pick::<&String>(&above));
        }
        let mut terms = self.terms(&entry, &user);
        if terms.identity_ids.is_empty() {
            terms.identity_ids = vec![vec![1; 32]];
        }
        let by = self.officer(&user)?;
        let secret = entry.category == Category::NotShared as i32;
        let statutory = secret && self.dice.percent(80);
        let basis = if statutory { STATUTORY } else { *self.dice.pick(&LEGAL_BASES) };
        let known: Vec<Id> = self.simple.grants.iter().map(|it| it.id.clone()).collect();
        let renews = match self.dice.pick_if_any(&known) {
            Some(id) if self.dice.percent(4) => id.clone(),
            _ => Vec::new(),
        };
        let item = wire::RequestAccess {
            dataset: entry.dataset,
            collector: self.mostly(entry.collector),
            using_department: self.mostly(user),
            reference: "ref-1".into(),
            purpose: self.purpose(),
            purpose_digest: vec![4; 32],
            legal_basis: if self.dice.percent(98) { basis.into() } else { "none".into() },
            terms: Some(terms),
            renews,
        };
        Some((by, Kind::RequestAccess(item)))
    }

    pub(super) fn purpose(&mut self) -> String {
        match self.dice.percent(98) {
            true => (*self.dice.pick(&PURPOSES)).into(),
            false => "none".into(),
        }
    }

    /// A request in a state; sometimes any.
    fn request(&mut self, state: RequestState) -> Option<Request> {
        let fits = |it: &&std::rc::Rc<Request>| it.state == state;
        let found: Vec<_> = self.simple.requests.iter().filter(fits).collect();
        match self.dice.percent(96) {
            true => self.dice.pick_if_any(&found).map(|it| (***it).clone()),
            false => self.dice.pick_if_any(&self.simple.requests).map(|it| (**it).clone()),
        }
    }

    pub(super) fn id(&mut self, id: Id) -> Id {
        if self.dice.percent(99) { id } else { self.dice.digest() }
    }

    pub(super) fn want_supplement(&mut self) -> Option<Move> {
        let it = self.request(RequestState::Requested)?;
        let by = self.officer(&it.asked.collector)?;
        let item = wire::AskSupplement {
            request_id: self.id(it.id),
            dataset: it.asked.dataset,
            collector: self.mostly(it.asked.collector),
            using_department: it.asked.using_department,
            reason_digest: self.dice.digest(),
        };
        Some((by, Kind::AskSupplement(item)))
    }

    pub(super) fn supplement(&mut self) -> Option<Move> {
        let it = self.request(RequestState::Supplement)?;
        let by = self.officer(&it.asked.using_department)?;
        let item = wire::SupplementRequest {
            request_id: self.id(it.id),
            dataset: it.asked.dataset,
            collector: it.asked.collector,
            using_department: self.mostly(it.asked.using_department),
            supplement_digest: self.dice.digest(),
        };
        Some((by, Kind::SupplementRequest(item)))
    }

    pub(super) fn decide(&mut self) -> Option<Move> {
        let it = self.request(RequestState::Requested)?;
        let by = self.officer(&it.asked.collector)?;
        let approve = self.dice.percent(90);
        let mut terms = self.narrowed(it.asked.terms.as_ref().unwrap());
        if terms.identity_ids.is_empty() {
            terms.identity_ids = vec![vec![1; 32]];
        }
        let item = wire::DecideRequest {
            request_id: self.id(it.id),
            dataset: it.asked.dataset,
            collector: self.mostly(it.asked.collector),
            using_department: self.mostly(it.asked.using_department),
            approve,
            terms: approve.then_some(terms),
            reason_digest: self.dice.digest(),
        };
        Some((by, Kind::DecideRequest(item)))
    }

    pub(super) fn exception(&mut self) -> Option<Move> {
        let it = self.request(RequestState::Exception)?;
        let lead = self.simple.parameters.lead.clone();
        let by = self.officer(&lead)?;
        let item = wire::ApproveException {
            request_id: self.id(it.id),
            dataset: it.asked.dataset,
            collector: it.asked.collector,
            using_department: it.asked.using_department,
            lead: self.mostly(lead),
            approve: self.dice.percent(85),
            reason_digest: self.dice.digest(),
        };
        Some((by, Kind::ApproveException(item)))
    }

    /// Who the parameters name for a grant, or anybody who manages.
    pub(super) fn manager(&mut self, collector: &str, user: &str) -> Option<String> {
        let named = self.simple.manager_named(collector, user);
        match named {
            Some(named) if self.dice.percent(97) => Some(named),
            _ => self.with_right(Right::Manage),
        }
    }

    pub(super) fn confirm(&mut self) -> Option<Move> {
        let it = self.request(RequestState::Approved)?;
        let (collector, using_department) = (it.asked.collector, it.asked.using_department);
        let manager = self.manager(&collector, &using_department)?;
        let by = self.officer(&manager)?;
        let item = wire::ConfirmGrant {
            request_id: self.id(it.id),
            dataset: it.asked.dataset,
            collector: self.mostly(collector),
            using_department,
            manager,
            confirm: self.dice.percent(94),
            reason_digest: self.dice.digest(),
        };
        Some((by, Kind::ConfirmGrant(item)))
    }

    pub(super) fn offer(&mut self) -> Option<Move> {
        let open = |it: &&std::rc::Rc<Dataset>| it.entry.category == 1;
        let open: Vec<_> = self.simple.datasets.iter().filter(open).collect();
        let self_service = self.dice.percent(35);
        let entry = match self.dice.pick_if_any(&open) {
            Some(it) if !self_service && self.dice.percent(90) => it.entry.clone(),
            _ => self.dataset()?.entry,
        };
        let collector = self.mostly(entry.collector.clone());
        let by = self.officer(&collector)?;
        let mut terms = self.terms(&entry, &collector);
        terms.identity_ids.clear();
        let class = wire::DepartmentClass {
            levels: self.dice.some(&[1, 2, 3], 60),
            division: if self.dice.percent(70) { "52".into() } else { "5201".into() },
        };
        let item = wire::OfferStanding {
            dataset: entry.dataset,
            collector,
            reference: "ref-2".into(),
            class: Some(class),
            terms: Some(terms),
            self_service,
        };
        Some((by, Kind::OfferStanding(item)))
    }
}
