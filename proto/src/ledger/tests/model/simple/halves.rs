//! The two halves of an access: which wait for the other, and who is at fault when none comes.

use super::judge::fits;
use super::sharing::grade;
use super::{By, Grant, Id, Simple, Why};
use crate::suite::sign::{PublicKey, Signature};
use crate::wire::{
    self, Channel, GrantKind, IdentityKind, IntegrityRule, RecordAccess, TimerKind, WatchKind,
};
use std::rc::Rc;

const HOUR_MS: u64 = 3_600_000;

/// An hour's accesses by one department under one grant.
#[derive(Debug, Clone)]
pub(in super::super) struct Hour {
    pub(in super::super) request: Id,
    pub(in super::super) hour: u64,
    pub(in super::super) department: String,
    pub(in super::super) halves: wire::Halves,
}

/// A half of one access that waits for the other.
#[derive(Debug, Clone)]
pub(in super::super) struct Half {
    pub(in super::super) request: Id,
    pub(in super::super) gateway: Id,
    pub(in super::super) number: u64,
    /// Whose half it is, or should be.
    pub(in super::super) department: String,
    pub(in super::super) half: wire::Half,
}

/// Whether the gateway was there when it happened.
pub(super) fn was_there(it: &RecordAccess) -> bool {
    matches!(it.channel(), Channel::Door | Channel::Api)
}

/// Whether whoever asked could learn the number that its gateway gave, and is expected to.
pub(super) fn knows_its_number(it: &RecordAccess) -> bool {
    was_there(it) && it.observing.is_none()
}

impl Simple {
    /// The halves of an hour. `None` when their time is over.
    fn hour(
        &mut self,
        request: &[u8],
        hour: u64,
        department: &str,
        (dataset, collector): (&str, &str),
    ) -> Option<&mut wire::Halves> {
        let is_it =
            |it: &Rc<Hour>| it.request == request && it.hour == hour && it.department == department;
        let at = match self.answers.hours.iter().position(is_it) {
            Some(at) => at,
            None => {
                let due = (hour + 1) * HOUR_MS + self.parameters.half_grace_ms;
                if due <= self.now {
                    return None;
                }
                let about = [request, &hour.to_be_bytes(), department.as_bytes()].concat();
                self.remind(due, TimerKind::HalvesDue, &about);
                let (dataset, collector) = (dataset.to_owned(), collector.to_owned());
                self.answers.hours.push(Rc::new(Hour {
                    request: request.to_vec(),
                    hour,
                    department: department.to_owned(),
                    halves: wire::Halves { dataset, collector, ..wire::Halves::default() },
                }));
                self.answers.hours.len() - 1
            }
        };
        Some(&mut Rc::make_mut(&mut self.answers.hours[at]).halves)
    }

    /// Opens an hour whose time is over.
    fn hour_again(
        &mut self,
        request: &[u8],
        hour: u64,
        department: &str,
        (dataset, collector): (&str, &str),
    ) {
        let due = (self.now / HOUR_MS + 1) * HOUR_MS + self.parameters.half_grace_ms;
        let about = [request, &hour.to_be_bytes(), department.as_bytes()].concat();
        self.remind(due, TimerKind::HalvesDue, &about);
        let (dataset, collector) = (dataset.to_owned(), collector.to_owned());
        let halves = wire::Halves { dataset, collector, late: true, ..wire::Halves::default() };
        let (request, department) = (request.to_vec(), department.to_owned());
        self.answers.hours.push(Rc::new(Hour { request, hour, department, halves }));
    }

    /// Whether a department acknowledges what it asked for under a grant: to a class all of its
    /// departments do, to a user nobody else.
    fn is_theirs(&self, grant: &Grant, code: &str) -> bool {
        let theirs = match &grant.class {
            Some(class) => self.department(code).is_some_and(|one| fits(one, class)),
            None => grant.user == code,
        };
        theirs && grant.kind != GrantKind::Internal
    }

    /// Where a department's half of an access waits.
    fn half_at(&self, request: &[u8], gateway: &[u8], number: u64, of: &str) -> Option<usize> {
        self.answers.halves.iter().position(|it| {
            let access = (it.number, it.gateway.as_slice(), it.request.as_slice());
            access == (number, gateway, request) && it.department == of
        })
    }

    /// The user's half of a record is wanted, under each grant that is the asker's own.
    pub(super) fn wants_half(&mut self, gateway: &[u8], it: &RecordAccess) {
        let asker = it.asker.clone().unwrap();
        // None is wanted from a department whose identity that is not.
        if self.identity(&asker.identity_id).is_none_or(|it| it.department != asker.department) {
            return;
        }
        let mut wanted: Vec<&Id> = Vec::new();
        for access in &it.accesses {
            let Some(grant) = self.grant(&access.request_id).cloned() else { continue };
            let own = self.is_own(it, access) && self.is_theirs(&grant, &asker.department);
            if wanted.contains(&&access.request_id) || !own {
                continue;
            }
            wanted.push(&access.request_id);
            let entry = &self.dataset(&access.dataset).unwrap().entry;
            let granted = &grant.last().terms.fields;
            let fields = if access.fields.is_empty() { granted } else { &access.fields };
            let (id, of) = (&access.request_id, asker.department.as_str());
            let whose = (grant.dataset.as_str(), it.collector.as_str());
            let one_by_one = grade(entry, fields) >= 3;
            // One acknowledged by itself waits no longer.
            let there = self.comes_to_users_half(gateway, it, id, of, whose.0);
            let owed = knows_its_number(it);
            // All but what is acknowledged by itself are summed, as long as their hour is.
            let by_itself = owed && one_by_one;
            let begun = grant.steps.first().map_or(0, |step| step.time) / HOUR_MS;
            let hour = (it.access_time_ms.min(self.now) / HOUR_MS).max(begun);
            if !by_itself {
                let is_over = self.hour(id, hour, of, whose).is_none();
                if is_over && owed && !there {
                    self.hour_again(id, hour, of, whose);
                }
                if let Some(halves) = self.hour(id, hour, of, whose) {
                    *(if owed { &mut halves.recorded } else { &mut halves.followed }) += 1;
                    halves.gateway_id = gateway.to_vec();
                }
            }
            if by_itself && !there {
                self.wants_one(gateway, it, id, of, whose);
            }
        }
    }

    fn wants_one(
        &mut self,
        gateway: &[u8],
        it: &RecordAccess,
        request: &[u8],
        of: &str,
        whose: (&str, &str),
    ) {
        let hour = self.now / HOUR_MS;
        let halves = self.hour(request, hour, of, whose).unwrap();
        halves.user_missing += 1;
        halves.gateway_id = gateway.to_vec();
        let row_count = it.row_count;
        let half = wire::Half { is_users: false, hour, row_count, has_receipt: false };
        self.waits(request, gateway, (it.access_no, of), half);
    }

    /// Whether the user's half is there already.
    fn comes_to_users_half(
        &mut self,
        gateway: &[u8],
        it: &RecordAccess,
        request: &[u8],
        of: &str,
        dataset: &str,
    ) -> bool {
        let at = self.half_at(request, gateway, it.access_no, of);
        let Some(at) = at.filter(|at| self.answers.halves[*at].half.is_users) else { return false };
        self.both_there(at, it.row_count, of, dataset);
        true
    }

    fn waits(
        &mut self,
        request: &[u8],
        gateway: &[u8],
        (number, of): (u64, &str),
        half: wire::Half,
    ) {
        let (request, gateway, department) = (request.to_vec(), gateway.to_vec(), of.to_owned());
        self.answers.halves.push(Rc::new(Half { request, gateway, number, department, half }));
    }

    /// The other half of one that waited is there.
    fn both_there(&mut self, at: usize, rows: Option<u64>, of: &str, dataset: &str) {
        let first = self.answers.halves.remove(at);
        let is_it = |it: &&mut Rc<Hour>| {
            it.request == first.request && it.hour == first.half.hour && it.department == of
        };
        if let Some(hour) = self.answers.hours.iter_mut().find(is_it) {
            let halves = &mut Rc::make_mut(hour).halves;
            let missing = match first.half.is_users {
                true if first.half.has_receipt => &mut halves.gateway_missing,
                true => &mut halves.unsupported,
                false => &mut halves.user_missing,
            };
            *missing = missing.saturating_sub(1);
        }
        // Who does not know says nothing against the other.
        if let (Some(one), Some(other)) = (first.half.row_count, rows)
            && one != other
        {
            self.alert(WatchKind::HalvesDiffer, of, &[], (dataset, &first.request));
        }
    }

    /// The time for an hour's halves is over: whoever lacks some is at fault.
    pub(super) fn halves_due(&mut self, about: &[u8]) {
        let (request, rest) = about.split_first_chunk::<32>().unwrap();
        let (hour, of) = rest.split_first_chunk::<8>().unwrap();
        let hour = u64::from_be_bytes(*hour);
        let is_it = |it: &Rc<Hour>| {
            it.request == request && it.hour == hour && it.department.as_bytes() == of
        };
        let at = self.answers.hours.iter().position(is_it).unwrap();
        let it = self.answers.hours.remove(at);
        let halves = &it.halves;
        let about = (halves.dataset.as_str(), it.request.as_slice());
        let users = halves.user_missing + halves.recorded.saturating_sub(halves.summed);
        let gateways = halves.gateway_missing;
        let rule = IntegrityRule::HalfMissing;
        if users > 0 {
            self.raise(rule, &it.department, &[], about, users);
        }
        if gateways > 0 {
            self.raise(rule, &halves.collector, &halves.gateway_id, about, gateways);
        }
        // Who says that there was more and shows nothing for it makes nobody guilty: both are to look.
        let more = halves.summed > halves.recorded + halves.followed && !halves.late;
        if halves.unsupported > 0 || more {
            for of in [&it.department, &halves.collector] {
                self.alert(WatchKind::HalvesDiffer, of, &[], about);
            }
        }
    }

    /// The user of a grant signs, and says whose data it was.
    fn user_signs(
        &self,
        by: By<'_>,
        request: &[u8],
        [dataset, collector, user]: [&str; 3],
        no: &mut Why,
    ) {
        use IdentityKind::{Officer, Root, System};
        self.acts(by, user, no);
        self.kind_of(by, &[Officer, Root, System], no);
        let Some(grant) = self.grant(request) else {
            no.push("grant.unknown");
            return;
        };
        let as_said = grant.dataset == dataset && grant.collector == collector;
        if !self.is_theirs(grant, user) || !as_said {
            no.push("request.contradiction");
        }
    }

    pub(super) fn acknowledge(&mut self, by: By<'_>, it: &wire::Acknowledge) -> Why {
        let mut no = Vec::new();
        let said = [it.dataset.as_str(), &it.collector, &it.using_department];
        self.user_signs(by, &it.request_id, said, &mut no);
        self.belongs(&it.gateway_id, &it.collector, &mut no);
        if let Some(receipt) = &it.receipt {
            self.receipt(receipt, it, &mut no);
        }
        if !no.is_empty() {
            return no;
        }
        let has_receipt = it.receipt.is_some();
        match self.half_at(&it.request_id, &it.gateway_id, it.access_no, &it.using_department) {
            Some(at) if !self.answers.halves[at].half.is_users => {
                self.both_there(at, it.row_count, &it.using_department, &it.dataset);
            }
            Some(at)
                if has_receipt
                    && !self.answers.halves[at].half.has_receipt
                    && !self.gateway(&it.gateway_id).is_some_and(|one| one.has(it.access_no)) =>
            {
                let half = &mut Rc::make_mut(&mut self.answers.halves[at]).half;
                let (of, before) = (it.using_department.clone(), half.hour);
                (half.has_receipt, half.hour) = (true, self.now / HOUR_MS);
                let same = |one: &&mut Rc<Hour>| {
                    (&one.request, one.hour, &one.department) == (&it.request_id, before, &of)
                };
                if let Some(hour) = self.answers.hours.iter_mut().find(same) {
                    Rc::make_mut(hour).halves.unsupported -= 1;
                }
                let (id, whose) = (&it.request_id, (it.dataset.as_str(), it.collector.as_str()));
                let hour = self.now / HOUR_MS;
                let halves = self.hour(id, hour, &it.using_department, whose).unwrap();
                halves.gateway_missing += 1;
                halves.gateway_id.clone_from(&it.gateway_id);
            }
            Some(_) => {}
            // What stands at the number already wants no half.
            None if self.gateway(&it.gateway_id).is_some_and(|one| one.has(it.access_no)) => {}
            None => {
                let hour = self.now / HOUR_MS;
                let (id, whose) = (&it.request_id, (it.dataset.as_str(), it.collector.as_str()));
                let halves = self.hour(id, hour, &it.using_department, whose).unwrap();
                match has_receipt {
                    true => halves.gateway_missing += 1,
                    false => halves.unsupported += 1,
                }
                halves.gateway_id.clone_from(&it.gateway_id);
                let row_count = it.row_count;
                let half = wire::Half { is_users: true, hour, row_count, has_receipt };
                self.waits(id, &it.gateway_id, (it.access_no, &it.using_department), half);
            }
        }
        no
    }

    /// What a gateway says to its user that it served.
    fn receipt(&self, it: &wire::Receipt, of: &wire::Acknowledge, no: &mut Why) {
        let mut said = b"liuhen/receipt/v1\n".to_vec();
        said.extend(self.chain.as_bytes());
        said.extend(&of.gateway_id);
        said.extend(of.access_no.to_be_bytes());
        said.extend(&of.request_id);
        said.extend(it.time_ms.to_be_bytes());
        let signed = self.key(&it.key_id).is_some_and(|key| {
            let public = PublicKey::from_slice(&key.public).unwrap();
            key.identity == of.gateway_id
                && key.life.at_time(it.time_ms)
                && public.verify(&said, &Signature::from_slice(&it.signature).unwrap())
        });
        let recent = it.time_ms <= self.now + self.parameters.future_drift_ms
            && self.now <= it.time_ms + self.parameters.half_grace_ms;
        if !signed || !recent {
            no.push("receipt.bad");
        }
    }

    pub(super) fn acknowledge_hour(&mut self, by: By<'_>, it: &wire::AcknowledgeHour) -> Why {
        let mut no = Vec::new();
        let said = [it.dataset.as_str(), &it.collector, &it.using_department];
        self.user_signs(by, &it.request_id, said, &mut no);
        if it.hour >= self.now / HOUR_MS {
            no.push("hour.running");
        }
        // Nothing was served before there was a grant.
        if self.grant(&it.request_id).is_some_and(|one| one.steps[0].time / HOUR_MS > it.hour) {
            no.push("request.contradiction");
        }
        if no.is_empty() {
            let whose = (it.dataset.as_str(), it.collector.as_str());
            let halves = self.hour(&it.request_id, it.hour, &it.using_department, whose);
            if let Some(halves) = halves {
                halves.summed = it.count;
            }
        }
        no
    }
}
