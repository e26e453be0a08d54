//! What becomes of grants, and what hangs from them.

use super::super::consortium::{DUTY, EMERGENCY, LEGAL_BASES};
use super::super::simple::{Grant, Id, Simple};
use super::sharing::{DAY, HOUR};
use super::{Move, Moves};
use crate::wire::{self, Delegation, GrantKind, GrantState, Right, item::Kind};
use std::rc::Rc;

impl Moves<'_> {
    /// A grant that fits; sometimes any.
    fn grant(&mut self, fits: impl Fn(&Grant) -> bool) -> Option<Grant> {
        let found: Vec<_> = self.simple.grants.iter().filter(|it| fits(it)).collect();
        match self.dice.percent(97) {
            true => self.dice.pick_if_any(&found).map(|it| (***it).clone()),
            false => self.dice.pick_if_any(&self.simple.grants).map(|it| (**it).clone()),
        }
    }

    /// One of those who granted.
    fn grantor(&mut self, it: &Grant) -> Option<Id> {
        let mut codes = vec![it.collector.clone()];
        if !it.manager.is_empty() {
            codes.push(it.manager.clone());
        }
        if let Some(parent) = &it.parent {
            codes.push(self.simple.grant(parent)?.user.clone());
        }
        let mut code = self.dice.pick(&codes).clone();
        let suspended = it.last().state == GrantState::Suspended && !it.last().by.is_empty();
        if suspended && self.dice.percent(80) {
            code.clone_from(&it.last().by);
        }
        self.officer(&code)
    }

    fn manager_said(&mut self, it: &Grant) -> String {
        if self.dice.percent(97) { it.manager.clone() } else { self.any_department() }
    }

    pub(super) fn amend(&mut self) -> Option<Move> {
        let it = self.grant(|it| !it.ended())?;
        self.amend_this(&it)
    }

    /// Of a grant from which others hang, so that these are wider than it from then on.
    pub(super) fn amend_above(&mut self) -> Option<Move> {
        let simple = self.simple;
        let above =
            |it: &Grant| simple.grants.iter().any(|one| one.parent.as_ref() == Some(&it.id));
        let it = self.grant(|it| !it.ended() && above(it))?;
        self.amend_this(&it)
    }

    fn amend_this(&mut self, it: &Grant) -> Option<Move> {
        let by = self.grantor(it)?;
        let item = wire::AmendGrant {
            request_id: it.id.clone(),
            dataset: it.dataset.clone(),
            collector: it.collector.clone(),
            using_department: it.user.clone(),
            manager: self.manager_said(it),
            terms: Some(self.narrowed(&it.last().terms)),
            reason_digest: self.dice.digest(),
        };
        Some((by, Kind::AmendGrant(item)))
    }

    /// Whether the manager of a grant is of one body with another party.
    fn has_one_body(simple: &Simple, it: &Grant) -> bool {
        let manager = simple.body(&it.manager);
        simple.body(&it.user) == manager || simple.body(&it.collector) == manager
    }

    pub(super) fn suspend(&mut self) -> Option<Move> {
        let simple = self.simple;
        let narrow = self.dice.percent(40);
        let active = |it: &Grant| it.last().state == GrantState::Active;
        let it = self
            .grant(|it| narrow && active(it) && Self::has_one_body(simple, it))
            .or_else(|| self.grant(active))?;
        let by = self.grantor(&it)?;
        let item = wire::SuspendGrant {
            request_id: it.id.clone(),
            dataset: it.dataset.clone(),
            collector: it.collector.clone(),
            using_department: it.user.clone(),
            manager: self.manager_said(&it),
            reason_digest: self.dice.digest(),
        };
        Some((by, Kind::SuspendGrant(item)))
    }

    pub(super) fn resume(&mut self) -> Option<Move> {
        let it = self.grant(|it| it.last().state == GrantState::Suspended)?;
        let by = self.grantor(&it)?;
        let item = wire::ResumeGrant {
            request_id: it.id.clone(),
            dataset: it.dataset.clone(),
            collector: it.collector.clone(),
            using_department: it.user.clone(),
            manager: self.manager_said(&it),
        };
        Some((by, Kind::ResumeGrant(item)))
    }

    pub(super) fn revoke(&mut self) -> Option<Move> {
        let it = self.grant(|it| !it.ended())?;
        let by = self.grantor(&it)?;
        let item = wire::RevokeGrant {
            request_id: it.id.clone(),
            dataset: it.dataset.clone(),
            collector: it.collector.clone(),
            using_department: it.user.clone(),
            manager: self.manager_said(&it),
            reason_digest: self.dice.digest(),
        };
        Some((by, Kind::RevokeGrant(item)))
    }

    pub(super) fn reconfirm(&mut self) -> Option<Move> {
        let simple = self.simple;
        let fits =
            |it: &Grant| !it.ended() && !it.manager.is_empty() && Self::has_one_body(simple, it);
        let suspended = self.dice.percent(50);
        let it = self
            .grant(|it| suspended && it.last().state == GrantState::Suspended && fits(it))
            .or_else(|| self.grant(fits))?;
        let manager = self.manager(&it.collector, &it.user)?;
        let by = self.officer(&manager)?;
        let item = wire::ReconfirmGrant {
            request_id: it.id,
            dataset: it.dataset,
            collector: it.collector,
            using_department: it.user,
            manager,
        };
        Some((by, Kind::ReconfirmGrant(item)))
    }

    pub(super) fn delegate(&mut self) -> Option<Move> {
        let simple = self.simple;
        let passes = |it: &Grant| {
            it.last().state == GrantState::Active
                && matches!(it.kind, GrantKind::Unspecified | GrantKind::Delegated)
                && simple
                    .departments
                    .iter()
                    .any(|one| one.parent == it.user || one.guide == it.user)
                && it.last().terms.delegation() != Delegation::Unspecified
        };
        // One passed on already, where there is one: depth is rare enough.
        let deeper = self.dice.percent(50);
        let deep = self.grant(|it| deeper && it.parent.is_some() && passes(it));
        let it = deep.or_else(|| self.grant(passes))?;
        let below = |one: &&super::super::simple::Department| {
            let rights = one.rights.contains(&(Right::Use as i32)) && one.life.goes_on();
            rights && (one.parent == it.user || one.guide == it.user)
        };
        let below: Vec<_> = self.simple.departments.iter().filter(below).collect();
        let delegate = match self.dice.pick_if_any(&below) {
            Some(one) if self.dice.percent(93) => one.code.clone(),
            _ if self.dice.percent(30) => self.any_department(),
            _ => return None,
        };
        let wide = Rc::clone(&it.last().terms);
        let mut terms = self.narrowed(&wide);
        terms.identity_ids = self.people(&delegate);
        if terms.delegation != 0 {
            let less = wide.delegation_depth.saturating_sub(u32::from(self.dice.percent(95)));
            terms.delegation_depth = less;
            if less == 0 {
                terms.delegation = 0;
            }
        }
        let by = self.officer(&it.user)?;
        let item = wire::DelegateGrant {
            request_id: it.id,
            dataset: it.dataset,
            collector: it.collector,
            using_department: it.user,
            delegate,
            reference: "ref-3".into(),
            terms: Some(terms),
        };
        (!item.using_department.is_empty()).then_some((by, Kind::DelegateGrant(item)))
    }

    pub(super) fn emergency(&mut self) -> Option<Move> {
        let entry = self.dataset()?.entry;
        let height = self.simple.height;
        let rescuers: Vec<_> = self
            .simple
            .identities
            .iter()
            .filter(|it| it.duty == DUTY && it.life.at_height(height))
            .collect();
        let officer = self.dice.pick_if_any(&rescuers)?;
        let (mut by, user) = (officer.id.clone(), officer.department.clone());
        if self.dice.percent(10) {
            by = self.officer(&user)?;
        }
        // Often what was refused to the department is tried again.
        let refused = self.simple.refused_emergencies().filter(|it| it.0 == user);
        let again = refused.last().map(|it| it.1.clone()).filter(|_| self.dice.percent(75));
        let entry = match again.and_then(|code| self.simple.dataset(&code)) {
            Some(known) => known.entry.clone(),
            None => entry,
        };
        let manager = self.manager(&entry.collector, &user)?;
        let mut terms = self.terms(&entry, &user);
        let now = self.simple.now;
        terms.from_ms = if self.dice.percent(94) { now - HOUR } else { now + HOUR / 4 };
        terms.until_ms = now + self.dice.between(HOUR, 3 * DAY + HOUR);
        let item = wire::OpenEmergency {
            dataset: entry.dataset,
            collector: entry.collector,
            using_department: user,
            manager,
            reference: "ref-4".into(),
            emergency_code: if self.dice.percent(97) { EMERGENCY.into() } else { "none".into() },
            purpose: self.purpose(),
            purpose_digest: vec![4; 32],
            legal_basis: (*self.dice.pick(&LEGAL_BASES)).into(),
            terms: Some(terms),
        };
        Some((by, Kind::OpenEmergency(item)))
    }

    pub(super) fn ratify(&mut self) -> Option<Move> {
        let it = self.grant(|it| it.kind == GrantKind::Emergency && it.ratify_due.is_some())?;
        if it.manager.is_empty() {
            return None;
        }
        let by = self.grantor(&it)?;
        let item = wire::RatifyEmergency {
            request_id: it.id.clone(),
            dataset: it.dataset.clone(),
            collector: it.collector.clone(),
            using_department: it.user.clone(),
            manager: self.manager_said(&it),
            ratify: self.dice.percent(80),
            reason_digest: self.dice.digest(),
        };
        Some((by, Kind::RatifyEmergency(item)))
    }

    pub(super) fn permit(&mut self) -> Option<Move> {
        let entry = self.dataset()?.entry;
        let by = self.officer(&entry.collector)?;
        let terms = self.terms(&entry, &entry.collector);
        let item = wire::GivePermit {
            dataset: entry.dataset,
            collector: entry.collector,
            reference: "ref-5".into(),
            duty: "nightly-job".into(),
            purpose: self.purpose(),
            terms: Some(terms),
        };
        Some((by, Kind::GivePermit(item)))
    }
}
