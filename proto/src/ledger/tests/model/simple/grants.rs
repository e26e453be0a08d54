//! Grants: how they are made, what becomes of them, and what hangs from them.

use super::sharing::Said;
use super::terms::wider_in;
use super::{By, Grant, Id, Simple, Step, Why};
use crate::wire::{self, Deadline, Delegation, GrantKind, GrantState, RequestState, Right};
use std::rc::Rc;

impl Simple {
    /// Who the parameters say confirms grants of a collector to a user: the manager of the longest
    /// division that fits, or where that one is a party its deputy, if it has one.
    pub(in super::super) fn manager_named(&self, collector: &str, user: &str) -> Option<String> {
        let division = &self.department(collector)?.division;
        let mut best: Option<&wire::Manager> = None;
        for it in &self.parameters.managers {
            let longer = best.is_none_or(|best| it.division.len() > best.division.len());
            if division.starts_with(&it.division) && longer {
                best = Some(it);
            }
        }
        let best = best?;
        let body = self.body(&best.manager);
        let is_party = body == self.body(collector) || body == self.body(user);
        let acts = if is_party && !best.deputy.is_empty() { &best.deputy } else { &best.manager };
        Some(acts.clone())
    }

    pub(super) fn is_manager(&self, manager: &str, collector: &str, user: &str, no: &mut Why) {
        if self.manager_named(collector, user).is_some_and(|named| named != manager) {
            no.push("manager.other");
        }
    }

    pub(super) fn three_bodies(&self, user: &str, collector: &str, manager: &str, no: &mut Why) {
        let bodies = [self.body(user), self.body(collector), self.body(manager)];
        if bodies[0] == bodies[1] || bodies[1] == bodies[2] || bodies[0] == bodies[2] {
            no.push("body.same");
        }
    }

    /// Whom somebody operates he confirms nothing.
    pub(super) fn not_operated_by(&self, identities: &[Id], manager: &str, no: &mut Why) {
        let operators = identities.iter().filter_map(|id| self.identity(id)).map(|it| &it.operator);
        let mut bodies = operators.filter(|it| !it.is_empty()).map(|it| self.body(it));
        if bodies.any(|body| body == self.body(manager)) {
            no.push("operator.manages");
        }
    }

    pub(super) fn step(&self, state: GrantState, terms: &Rc<wire::Terms>, by: &str) -> Step {
        let terms = Rc::clone(terms);
        Step { height: self.height, time: self.now, state, terms, by: by.to_owned() }
    }

    /// Whatever hangs from a grant, at any depth.
    pub(super) fn hanging_from(&self, id: &[u8]) -> Vec<Id> {
        let mut found: Vec<Id> = vec![id.to_vec()];
        let mut at = 0;
        while let Some(above) = found.get(at).cloned() {
            let children = self.grants.iter().filter(|it| it.parent.as_ref() == Some(&above));
            found.extend(children.map(|it| it.id.clone()));
            at += 1;
        }
        found.remove(0);
        found
    }

    /// A grant, what it hangs from, and so on to the first.
    pub(in super::super) fn ancestry(&self, id: &[u8]) -> Vec<&Grant> {
        let mut line: Vec<&Grant> = self.grant(id).into_iter().collect();
        while let Some(above) = line.last().and_then(|it| it.parent.as_ref()) {
            line.push(self.grant(above).unwrap());
        }
        line
    }

    /// The grant of a request whose terms are approved. One passed on has the manager of the first.
    pub(super) fn make_grant(&mut self, id: &[u8], manager: &str) {
        let request = self.request(id).unwrap().clone();
        let manager = match &request.parent {
            Some(above) => self.grant(above).unwrap().manager.clone(),
            None => manager.to_owned(),
        };
        let asked = request.asked;
        let bodies =
            [&asked.using_department, &asked.collector, &manager].map(|code| self.body(code));
        let terms = Rc::new(request.approved.unwrap());
        let steps = vec![self.step(GrantState::Active, &terms, "")];
        self.grants.push(Rc::new(Grant {
            id: id.to_vec(),
            kind: request.kind,
            class: request.class,
            dataset: asked.dataset,
            user: asked.using_department,
            collector: asked.collector,
            manager,
            bodies,
            purpose: asked.purpose,
            basis: asked.legal_basis,
            parent: request.parent,
            steps,
            ratify_due: None,
            ratified: [false; 2],
            about_oneself: request.about_oneself,
        }));
    }

    /// Ends a grant and all that hangs from it.
    pub(super) fn end_grant(&mut self, id: &[u8], state: GrantState, by: &str, told: bool) {
        let terms = Rc::clone(&self.grant(id).unwrap().last().terms);
        let step = self.step(state, &terms, by);
        self.grant_mut(id).steps.push(step);
        if told {
            self.tell(format!("grant ended {state:?}: {}", hex::encode(id)));
        }
        // It was not to be used, nor was what hung from it; where its time was over it was.
        let marks = state == GrantState::Revoked || state == GrantState::NotRatified;
        if marks {
            self.mark_products(id);
        }
        for id in self.hanging_from(id) {
            if !self.grant(&id).unwrap().ended() {
                let terms = Rc::clone(&self.grant(&id).unwrap().last().terms);
                let step = self.step(GrantState::AncestorEnded, &terms, "");
                self.grant_mut(&id).steps.push(step);
                self.tell(format!("grant ended AncestorEnded: {}", hex::encode(&id)));
                if marks {
                    self.mark_products(&id);
                }
            }
        }
    }

    /// What speaks against an item on a grant that lives; who of those that granted signs.
    pub(super) fn on_grant(
        &self,
        by: By<'_>,
        id: &[u8],
        said: Said<'_>,
        manager: &str,
        no: &mut Why,
    ) -> Option<String> {
        self.officer(by, no);
        let Some(it) = self.grant(id) else {
            no.push("grant.unknown");
            return None;
        };
        self.as_said(it, said, no);
        if it.manager != manager {
            no.push("request.contradiction");
        }
        let above = it.parent.as_ref().map(|id| self.grant(id).unwrap().user.clone());
        let grantors = [
            (Some(it.manager.clone()).filter(|it| !it.is_empty()), Right::Manage),
            (above, Right::Use),
            (Some(it.collector.clone()), Right::Collect),
        ];
        for (code, right) in grantors {
            if let Some(code) = code.filter(|code| self.speaks_for(by, code)) {
                if !self.has_right(&code, right) {
                    no.push("right.missing");
                }
                return Some(code);
            }
        }
        no.push("actor.other");
        None
    }

    pub(super) fn as_said(&self, it: &Grant, said: Said<'_>, no: &mut Why) {
        if said != [&it.dataset, &it.collector, &it.user] {
            no.push("request.contradiction");
        }
    }

    fn lives(&self, id: &[u8], no: &mut Why) {
        if self.grant(id).is_some_and(Grant::ended) {
            no.push("grant.ended");
        }
    }

    pub(super) fn amend(&mut self, by: By<'_>, it: &wire::AmendGrant) -> Why {
        let mut no = Vec::new();
        let said: Said<'_> = [&it.dataset, &it.collector, &it.using_department];
        let who = self.on_grant(by, &it.request_id, said, &it.manager, &mut no);
        self.lives(&it.request_id, &mut no);
        let Some(grant) = self.grant(&it.request_id) else { return no };
        let terms = Rc::new(it.terms.clone().unwrap());
        if wider_in(&terms, &grant.last().terms, false) {
            no.push("terms.widen");
        }
        if terms == grant.last().terms {
            no.push("change.none");
        }
        if no.is_empty() {
            let state = grant.last().state;
            // Whoever suspended it lets it go on.
            let who = match state {
                GrantState::Suspended => grant.last().by.clone(),
                _ => who.unwrap(),
            };
            let step = self.step(state, &terms, &who);
            self.grant_mut(&it.request_id).steps.push(step);
        }
        no
    }

    fn turn_grant(
        &mut self,
        id: &[u8],
        who: &str,
        from: GrantState,
        to: GrantState,
        mut no: Why,
    ) -> Why {
        let Some(grant) = self.grant(id) else { return no };
        if grant.last().state != from {
            no.push("grant.state");
        }
        if no.is_empty() {
            let terms = Rc::clone(&grant.last().terms);
            let step = self.step(to, &terms, who);
            self.grant_mut(id).steps.push(step);
        }
        no
    }

    pub(super) fn suspend(&mut self, by: By<'_>, it: &wire::SuspendGrant) -> Why {
        let mut no = Vec::new();
        let said: Said<'_> = [&it.dataset, &it.collector, &it.using_department];
        let who = self.on_grant(by, &it.request_id, said, &it.manager, &mut no);
        self.lives(&it.request_id, &mut no);
        let (id, who) = (&it.request_id, who.unwrap_or_default());
        self.turn_grant(id, &who, GrantState::Active, GrantState::Suspended, no)
    }

    pub(super) fn resume(&mut self, by: By<'_>, it: &wire::ResumeGrant) -> Why {
        let mut no = Vec::new();
        let said: Said<'_> = [&it.dataset, &it.collector, &it.using_department];
        let who = self.on_grant(by, &it.request_id, said, &it.manager, &mut no);
        self.lives(&it.request_id, &mut no);
        let (id, who) = (&it.request_id, who.unwrap_or_default());
        if self.grant(id).is_some_and(|it| it.last().by != who) {
            no.push("grant.suspended_by");
            if self.grant(id).is_some_and(|it| it.last().state != GrantState::Suspended) {
                no.push("grant.state");
            }
        }
        self.turn_grant(id, &who, GrantState::Suspended, GrantState::Active, no)
    }

    pub(super) fn revoke(&mut self, by: By<'_>, it: &wire::RevokeGrant) -> Why {
        let mut no = Vec::new();
        let said: Said<'_> = [&it.dataset, &it.collector, &it.using_department];
        let who = self.on_grant(by, &it.request_id, said, &it.manager, &mut no);
        self.lives(&it.request_id, &mut no);
        if no.is_empty() {
            self.end_grant(&it.request_id, GrantState::Revoked, &who.unwrap(), false);
        }
        no
    }

    /// Of a grant whose parties are no longer three bodies, a manager of a third takes it on.
    pub(super) fn reconfirm(&mut self, by: By<'_>, it: &wire::ReconfirmGrant) -> Why {
        let mut no = Vec::new();
        self.acts_with(by, &it.manager, Right::Manage, &mut no);
        self.officer(by, &mut no);
        self.lives(&it.request_id, &mut no);
        let Some(grant) = self.grant(&it.request_id) else {
            no.push("grant.unknown");
            return no;
        };
        self.as_said(grant, [&it.dataset, &it.collector, &it.using_department], &mut no);
        let mut now = Vec::new();
        self.three_bodies(&grant.user, &grant.collector, &grant.manager, &mut now);
        if now.is_empty() {
            no.push("grant.parties_differ");
        }
        self.is_manager(&it.manager, &it.collector, &it.using_department, &mut no);
        self.three_bodies(&it.using_department, &it.collector, &it.manager, &mut no);
        self.not_operated_by(&grant.last().terms.identity_ids, &it.manager, &mut no);
        if !no.is_empty() {
            return no;
        }
        let last = grant.last().clone();
        // Whoever suspended it lets it go on; the new manager in place of the one before.
        let keeps = last.state == GrantState::Suspended && last.by != grant.manager;
        let who = if keeps { last.by } else { it.manager.clone() };
        let step = self.step(last.state, &last.terms, &who);
        let bodies = [&it.using_department, &it.collector, &it.manager].map(|code| self.body(code));
        let grant = self.grant_mut(&it.request_id);
        grant.manager.clone_from(&it.manager);
        grant.bodies = bodies;
        grant.steps.push(step);
        no
    }

    /// Beneath in government, or in its line.
    fn is_below(&self, code: &str, above: &str) -> bool {
        let in_line = self.chain_above(code, |it| &it.guide);
        self.is_beneath(code, above) || in_line.iter().any(|it| it == above)
    }

    /// What speaks against making a grant that hangs from another: all above must be active, allow
    /// all that it allows, and to be passed on so many times.
    pub(super) fn may_hang(&self, above: &[u8], user: &str, terms: &wire::Terms, no: &mut Why) {
        for (steps, it) in (1..).zip(self.ancestry(above)) {
            if terms.delegation_depth + steps > it.last().terms.delegation_depth {
                no.push("delegation.too_deep");
            }
            if it.last().state != GrantState::Active {
                no.push("grant.state");
            }
            if wider_in(terms, &it.last().terms, true) {
                no.push("terms.widen");
            }
        }
        let parent = self.grant(above).unwrap();
        self.three_bodies(user, &parent.collector, &parent.manager, no);
        self.not_operated_by(&terms.identity_ids, &parent.manager, no);
    }

    pub(super) fn delegate(&mut self, by: By<'_>, it: &wire::DelegateGrant) -> Why {
        let mut no = Vec::new();
        self.acts_with(by, &it.using_department, Right::Use, &mut no);
        self.officer(by, &mut no);
        self.lives(&it.request_id, &mut no);
        let Some(parent) = self.grant(&it.request_id) else {
            no.push("grant.unknown");
            return no;
        };
        self.as_said(parent, [&it.dataset, &it.collector, &it.using_department], &mut no);
        if self.department(&it.delegate).is_none() {
            no.push("department.unknown");
        } else if !self.is_below(&it.delegate, &it.using_department) {
            no.push("department.not_beneath");
        }
        if !self.has_right(&it.delegate, Right::Use) {
            no.push("right.missing");
        }
        if parent.last().state != GrantState::Active {
            no.push("grant.state");
        }
        let wide = Rc::clone(&parent.last().terms);
        let ordinary = matches!(parent.kind, GrantKind::Unspecified | GrantKind::Delegated);
        let terms = it.terms.clone().unwrap();
        if !ordinary || wide.delegation() == Delegation::Unspecified {
            no.push("delegation.none");
        }
        if wider_in(&terms, &wide, true) {
            no.push("terms.widen");
        }
        if terms.delegation_depth >= wide.delegation_depth {
            no.push("delegation.too_deep");
        }
        self.in_catalogue(&it.dataset, &it.collector, &mut no);
        self.sound(&terms, &it.dataset, &it.delegate, &mut no);
        self.three_bodies(&it.delegate, &it.collector, &parent.manager, &mut no);
        let at_once = wide.delegation() == Delegation::Notify;
        if at_once {
            self.may_hang(&it.request_id, &it.delegate, &terms, &mut no);
        }
        if no.is_empty() {
            self.pass_on(by, it, terms, at_once);
        }
        no
    }

    fn pass_on(&mut self, by: By<'_>, it: &wire::DelegateGrant, terms: wire::Terms, at_once: bool) {
        let parent = self.grant(&it.request_id).unwrap();
        let asked = wire::RequestAccess {
            dataset: it.dataset.clone(),
            collector: it.collector.clone(),
            using_department: it.delegate.clone(),
            purpose: parent.purpose.clone(),
            legal_basis: parent.basis.clone(),
            terms: Some(terms.clone()),
            ..Default::default()
        };
        let id = by.new_request();
        self.new_request(id.clone(), asked, GrantKind::Delegated);
        self.request_mut(&id).parent = Some(it.request_id.clone());
        if at_once {
            self.approved(&id, Some(&terms));
            self.make_grant(&id, "");
            self.move_on(&id, RequestState::Granted, Deadline::Unspecified);
            self.tell(format!("collector {} told of {}", it.collector, hex::encode(&id)));
        } else {
            self.move_on(&id, RequestState::Requested, Deadline::Decide);
        }
    }

    pub(super) fn permit(&mut self, by: By<'_>, it: &wire::GivePermit) -> Why {
        let mut no = Vec::new();
        let terms = it.terms.clone().unwrap();
        self.acts_with(by, &it.collector, Right::Collect, &mut no);
        self.officer(by, &mut no);
        self.in_catalogue(&it.dataset, &it.collector, &mut no);
        self.listed(&it.purpose, None, &mut no);
        self.fields_known(&terms, &it.dataset, &mut no);
        for id in &terms.identity_ids {
            match self.identity(id) {
                None => no.push("identity.unknown"),
                Some(one) if self.body(&one.department) != self.body(&it.collector) => {
                    no.push("permit.other_body");
                }
                Some(_) => {}
            }
        }
        if !no.is_empty() {
            return no;
        }
        let asked = wire::RequestAccess {
            dataset: it.dataset.clone(),
            collector: it.collector.clone(),
            using_department: it.collector.clone(),
            purpose: it.purpose.clone(),
            terms: Some(terms.clone()),
            ..Default::default()
        };
        let id = by.new_request();
        self.new_request(id.clone(), asked, GrantKind::Internal);
        self.approved(&id, Some(&terms));
        self.make_grant(&id, "");
        self.move_on(&id, RequestState::Granted, Deadline::Unspecified);
        no
    }
}
