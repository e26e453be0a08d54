//! Emergency access: who opens it, and what comes of its ratification.

use super::sharing::Said;
use super::{By, Simple, Why};
use crate::wire::{self, Deadline, GrantKind, GrantState, RequestState, Right};
use std::rc::Rc;

impl Simple {
    pub(in super::super) fn refused_emergencies(
        &self,
    ) -> impl Iterator<Item = &(String, String, u64)> {
        self.refused_emergencies.iter()
    }

    pub(super) fn emergency(&mut self, by: By<'_>, it: &wire::OpenEmergency) -> Why {
        let mut no = Vec::new();
        let terms = it.terms.clone().unwrap();
        self.acts_with(by, &it.using_department, Right::Use, &mut no);
        self.officer(by, &mut no);
        let duty = self.identity(by.identity()).map(|it| it.duty.clone()).unwrap_or_default();
        if !self.parameters.emergency_duties.contains(&duty) {
            no.push("duty.missing");
        }
        if !self.parameters.emergency_codes.contains(&it.emergency_code) {
            no.push("emergency_code.unknown");
        }
        let again = |(department, dataset, until): &&(String, String, u64)| {
            (department, dataset) == (&it.using_department, &it.dataset) && self.now < *until
        };
        if self.refused_emergencies.iter().any(|one| again(&one)) {
            no.push("emergency.refused");
        }
        self.in_catalogue(&it.dataset, &it.collector, &mut no);
        self.listed(&it.purpose, Some(&it.legal_basis), &mut no);
        self.sound(&terms, &it.dataset, &it.using_department, &mut no);
        let ends = terms.until_ms;
        // At once, but for a clock that is a little ahead.
        let at_once = terms.from_ms <= self.now + self.parameters.future_drift_ms;
        if !at_once || ends <= self.now || ends > self.now + self.parameters.emergency_ms {
            no.push("emergency.too_long");
        }
        self.is_manager(&it.manager, &it.collector, &it.using_department, &mut no);
        if self.department(&it.manager).is_none() {
            no.push("department.unknown");
        }
        self.three_bodies(&it.using_department, &it.collector, &it.manager, &mut no);
        self.not_operated_by(&terms.identity_ids, &it.manager, &mut no);
        if !no.is_empty() {
            return no;
        }
        let asked = wire::RequestAccess {
            dataset: it.dataset.clone(),
            collector: it.collector.clone(),
            using_department: it.using_department.clone(),
            purpose: it.purpose.clone(),
            legal_basis: it.legal_basis.clone(),
            terms: Some(terms.clone()),
            ..Default::default()
        };
        let id = by.new_request();
        self.new_request(id.clone(), asked, GrantKind::Emergency);
        self.approved(&id, Some(&terms));
        self.make_grant(&id, &it.manager);
        self.move_on(&id, RequestState::Granted, Deadline::Unspecified);
        let due = self.due_in(self.parameters.ratify_days);
        self.grant_mut(&id).ratify_due = Some(due);
        self.tell(format!("collector {} told of {}", it.collector, hex::encode(&id)));
        no
    }

    pub(super) fn ratify(&mut self, by: By<'_>, it: &wire::RatifyEmergency) -> Why {
        let mut no = Vec::new();
        let said: Said<'_> = [&it.dataset, &it.collector, &it.using_department];
        let who = self.on_grant(by, &it.request_id, said, &it.manager, &mut no);
        let Some(grant) = self.grant(&it.request_id) else { return no };
        if grant.kind != GrantKind::Emergency {
            no.push("grant.not_emergency");
        }
        let as_manager = usize::from(who.as_ref() == Some(&grant.manager));
        let refused = grant.last().state == GrantState::NotRatified;
        if grant.ratified[as_manager] || refused {
            no.push("emergency.ratified");
        }
        if !no.is_empty() {
            return no;
        }
        if it.ratify {
            self.grant_mut(&it.request_id).ratified[as_manager] = true;
            return no;
        }
        let (user, over) = (grant.user.clone(), grant.ended());
        let terms = Rc::clone(&grant.last().terms);
        self.not_ratified(&it.request_id, &user);
        let until = self.due_in(self.parameters.emergency_pause_days);
        self.refused_emergencies.push((user, it.dataset.clone(), until));
        if over {
            let step = self.step(GrantState::NotRatified, &terms, &who.unwrap());
            self.grant_mut(&it.request_id).steps.push(step);
            self.mark_products(&it.request_id);
        } else {
            self.end_grant(&it.request_id, GrantState::NotRatified, &who.unwrap(), true);
        }
        no
    }
}
