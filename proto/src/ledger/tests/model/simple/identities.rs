//! The life of identities.

use super::{By, Identity, Life, Simple, Why};
use crate::wire::{self, IdentityKind, Right, StandingChange, item::Kind};
use std::rc::Rc;

impl Simple {
    pub(super) fn register_identity(&mut self, by: By<'_>, it: &wire::RegisterIdentity) -> Why {
        let mut no = Vec::new();
        let kind = Kind::RegisterIdentity(it.clone());
        self.root_signs(by, &it.department, &kind, &it.cosignatures, &mut no);
        let right = match it.kind() {
            IdentityKind::Auditor => Some(Right::Audit),
            IdentityKind::Regulator => Some(Right::Regulate),
            _ => None,
        };
        // The names of roots are kept for them.
        let named_so = it.code == "root" || it.code.starts_with("root-");
        if it.kind() == IdentityKind::Root || named_so {
            no.push("root.not_by_itself");
        }
        if right.is_some_and(|right| !self.has_right(&it.department, right)) {
            no.push("right.missing");
        }
        if self.name_taken(&it.department, &it.code) {
            no.push("identity.exists");
        }
        if self.keys_taken(&it.keys) {
            no.push("key.exists");
        }
        if !it.operated_by.is_empty() && self.department(&it.operated_by).is_none() {
            no.push("department.unknown");
        }
        if !no.is_empty() {
            return no;
        }
        let id = by.new_identity();
        self.identities.push(Rc::new(Identity {
            id: id.clone(),
            department: it.department.clone(),
            code: it.code.clone(),
            kind: it.kind,
            duty: it.duty.clone(),
            holder: it.holder.clone(),
            life: Life(vec![self.turn(true)]),
            events: 1,
            threshold: 1,
            ended: false,
            operator: it.operated_by.clone(),
        }));
        self.add_keys(&id, &it.department, &it.keys, true);
        no
    }

    /// What an item says of an identity's life before it.
    fn named(&self, department: &str, id: &[u8], after: u64, no: &mut Why) {
        match self.identity(id) {
            None => no.push("identity.unknown"),
            Some(it) => {
                if it.department != department {
                    no.push("identity.other_department");
                }
                if it.ended {
                    no.push("standing.is");
                }
                if it.events != after {
                    no.push("identity.after");
                }
            }
        }
    }

    pub(super) fn rotate(&mut self, by: By<'_>, it: &wire::RotateKeys) -> Why {
        let mut no = Vec::new();
        let kind = Kind::RotateKeys(it.clone());
        self.named(&it.department, &it.identity_id, it.after, &mut no);
        let Some(named) = self.identity(&it.identity_id).cloned() else { return no };
        if by.identity() == it.identity_id {
            self.acts(by, &it.department, &mut no);
            self.enough_sign(by, &kind, &it.cosignatures, &mut no);
        } else if named.kind == IdentityKind::Root as i32 {
            no.push("root.not_by_itself");
        } else {
            self.root_signs(by, &it.department, &kind, &it.cosignatures, &mut no);
        }
        if self.keys_taken(&it.add) {
            no.push("key.exists");
        }
        let held = self.keys.iter().filter(|key| key.identity == it.identity_id).count();
        if held + it.add.len() > 64 {
            no.push("key.too_many");
        }
        if !no.is_empty() {
            return no;
        }
        let before = self.clone();
        self.add_keys(&it.identity_id, &it.department, &it.add, true);
        let turn = self.turn(false);
        for id in &it.end {
            let own = self
                .key(id)
                .is_some_and(|key| key.identity == it.identity_id && key.life.goes_on());
            if own {
                self.key_mut(id).life.0.push(turn);
            } else {
                no.push("key.other_identity");
            }
        }
        let own = |key: &&Rc<super::Key>| key.identity == it.identity_id && key.life.goes_on();
        if (self.keys.iter().filter(own).count() as u64) < named.threshold {
            no.push("key.too_few");
        }
        if no.is_empty() {
            self.identity_mut(&it.identity_id).events += 1;
        } else {
            *self = before;
        }
        no
    }

    pub(super) fn change_identity(&mut self, by: By<'_>, it: &wire::ChangeIdentity) -> Why {
        let mut no = Vec::new();
        let kind = Kind::ChangeIdentity(it.clone());
        self.root_signs(by, &it.department, &kind, &it.cosignatures, &mut no);
        self.named(&it.department, &it.identity_id, it.after, &mut no);
        let Some(named) = self.identity(&it.identity_id) else { return no };
        if named.kind == IdentityKind::Root as i32 {
            no.push("root.not_by_itself");
        }
        let on = named.life.goes_on();
        match it.change() {
            StandingChange::Reinstate if on => no.push("standing.is"),
            StandingChange::Suspend if !on => no.push("standing.is"),
            _ => {}
        }
        if no.is_empty() {
            let turn = self.turn(it.change() == StandingChange::Reinstate);
            let named = self.identity_mut(&it.identity_id);
            named.life.0.push(turn);
            named.ended = it.change() == StandingChange::Revoke;
            named.events += 1;
        }
        no
    }

    pub(super) fn assign(&mut self, by: By<'_>, it: &wire::AssignPost) -> Why {
        let mut no = Vec::new();
        let kind = Kind::AssignPost(it.clone());
        self.root_signs(by, &it.department, &kind, &it.cosignatures, &mut no);
        self.named(&it.department, &it.identity_id, it.after, &mut no);
        let Some(named) = self.identity(&it.identity_id) else { return no };
        use IdentityKind::{Auditor, Officer, Regulator};
        if ![Officer, Auditor, Regulator].iter().any(|kind| *kind as i32 == named.kind) {
            no.push("identity.not_a_post");
        }
        if no.is_empty() {
            let named = self.identity_mut(&it.identity_id);
            named.holder.clone_from(&it.holder);
            named.events += 1;
        }
        no
    }
}
