//! Departments, identities, keys.

use super::{By, Department, Id, Identity, Key, Life, Simple, Why};
use crate::items::cosign_message;
use crate::suite::sign::PublicKey;
use crate::types::IdentityId;
use crate::wire::{self, IdentityKind, Right, StandingChange, item::Kind};
use std::rc::Rc;

pub(super) fn founded(it: &wire::Department, root: Id) -> Department {
    Department {
        code: it.code.clone(),
        level: it.level,
        division: it.division.clone(),
        parent: it.parent.clone(),
        guide: it.guide.clone(),
        body: it.body.clone(),
        rights: it.rights.clone(),
        life: Life::founded(),
        root,
        pending: None,
        successor: String::new(),
        reconfirm_due: 0,
        overlap_until: None,
        stopped_by: String::new(),
        ended: false,
    }
}

pub(super) fn founded_identity(it: &wire::Identity) -> Identity {
    Identity {
        id: it.identity_id.clone(),
        department: it.department.clone(),
        code: it.code.clone(),
        kind: it.kind,
        duty: it.duty.clone(),
        holder: it.holder.clone(),
        life: Life::founded(),
        events: 0,
        operator: String::new(),
        threshold: u64::from(it.threshold.max(1)),
        ended: false,
    }
}

pub(super) fn founded_key(it: &wire::Key) -> Key {
    Key {
        id: it.key_id.clone(),
        identity: it.identity_id.clone(),
        department: it.department.clone(),
        public: it.public_key.clone(),
        life: Life::founded(),
        made: 0,
        signed: 0,
    }
}

fn key_id(key: &wire::NewKey) -> Id {
    PublicKey::from_slice(&key.public_key).unwrap().key_id().to_vec()
}

impl By<'_> {
    /// The id of the identity that this item makes, if it makes one.
    pub(super) fn new_identity(self) -> Id {
        IdentityId::of_event(&self.header.key, self.header.seq + u64::from(self.number)).to_vec()
    }
}

impl Simple {
    pub(super) fn turn(&self, on: bool) -> (u64, u64, bool) {
        (self.height + 1, self.now, on)
    }

    pub(super) fn name_taken(&self, department: &str, code: &str) -> bool {
        self.identities.iter().any(|it| it.department == department && it.code == code)
    }

    pub(super) fn keys_taken(&self, keys: &[wire::NewKey]) -> bool {
        keys.iter().any(|key| self.key(&key_id(key)).is_some())
    }

    pub(super) fn add_keys(
        &mut self,
        identity: &[u8],
        department: &str,
        keys: &[wire::NewKey],
        on: bool,
    ) {
        for key in keys {
            let life = if on { Life(vec![self.turn(true)]) } else { Life::default() };
            self.keys.push(Rc::new(Key {
                id: key_id(key),
                identity: identity.to_vec(),
                department: department.to_owned(),
                public: key.public_key.clone(),
                life,
                made: self.height,
                signed: 0,
            }));
        }
    }

    fn add_root(&mut self, of: &str, code: &str, id: &[u8], root: &wire::RootKeys, on: bool) {
        let life = if on { Life(vec![self.turn(true)]) } else { Life::default() };
        self.identities.push(Rc::new(Identity {
            id: id.to_vec(),
            department: of.to_owned(),
            code: code.to_owned(),
            kind: IdentityKind::Root as i32,
            duty: String::new(),
            holder: Vec::new(),
            life,
            events: 1,
            operator: String::new(),
            threshold: u64::from(root.threshold),
            ended: false,
        }));
        self.add_keys(id, of, &root.keys, on);
    }

    pub(super) fn admit(&mut self, new: &wire::NewDepartment, root_id: &[u8]) -> Why {
        let mut no = Vec::new();
        let root = new.root.clone().unwrap();
        if self.department(&new.code).is_some() {
            no.push("department.exists");
        }
        if !new.guide.is_empty() && self.department(&new.guide).is_none() {
            no.push("department.unknown");
        }
        if !new.parent.is_empty() {
            match self.department(&new.parent) {
                None => no.push("department.unknown"),
                Some(parent) => {
                    if new.level < parent.level {
                        no.push("department.level");
                    }
                    if !new.division.starts_with(&parent.division) {
                        no.push("department.division");
                    }
                    // What stands above it stops all beneath it.
                    if !parent.life.goes_on() {
                        no.push("standing.stopped_above");
                    }
                    // Whoever stood beneath it has moved to the one that took its place.
                    if !parent.successor.is_empty() {
                        no.push("succession.exists");
                    }
                }
            }
        }
        if self.keys_taken(&root.keys) {
            no.push("key.exists");
        }
        if !no.is_empty() {
            return no;
        }
        self.departments.push(Department {
            code: new.code.clone(),
            level: new.level,
            division: new.division.clone(),
            parent: new.parent.clone(),
            guide: new.guide.clone(),
            body: new.body.clone(),
            rights: new.rights.clone(),
            life: Life(vec![self.turn(true)]),
            root: root_id.to_vec(),
            pending: None,
            successor: String::new(),
            reconfirm_due: 0,
            overlap_until: None,
            stopped_by: String::new(),
            ended: false,
        });
        self.add_root(&new.code, "root", root_id, &root, true);
        no
    }

    pub(super) fn admit_beneath(&mut self, by: By<'_>, it: &wire::AdmitDepartment) -> Why {
        let mut no = Vec::new();
        self.acts_with(by, &it.manager, Right::Manage, &mut no);
        self.officer(by, &mut no);
        let new = it.department.clone().unwrap();
        if new.parent != it.manager && !self.is_beneath(&new.parent, &it.manager) {
            no.push("department.not_beneath");
            if self.department(&new.parent).is_none() {
                no.push("department.unknown");
            }
        }
        if new.rights.iter().any(|it| *it > Right::Manage as i32) {
            no.push("right.by_vote");
        }
        if new.body != self.body(&it.manager) {
            no.push("body.by_vote");
        }
        if no.is_empty() { self.admit(&new, &by.new_identity()) } else { no }
    }

    pub(in super::super) fn has_vote(&self, code: &str) -> bool {
        self.voters.iter().any(|it| it.department == code)
    }

    pub(super) fn change_beneath(&mut self, by: By<'_>, it: &wire::ChangeDepartment) -> Why {
        let mut no = Vec::new();
        self.acts_with(by, &it.manager, Right::Manage, &mut no);
        self.officer(by, &mut no);
        if self.department(&it.department).is_none() {
            no.push("department.unknown");
        } else if !self.is_beneath(&it.department, &it.manager) {
            no.push("department.not_beneath");
        }
        if self.has_vote(&it.department) {
            no.push("department.votes");
        }
        // Its root may object to the one that was asked for in its place.
        let pending = self.department(&it.department).is_some_and(|it| it.pending.is_some());
        if pending && it.change() != StandingChange::Reinstate {
            no.push("root.pending");
        }
        if no.is_empty() { self.change_standing(&it.department, it.change(), false) } else { no }
    }

    pub(super) fn in_office(&self, code: &str) -> bool {
        let it = &self.parameters;
        it.lead == code || it.managers.iter().any(|it| it.manager == code || it.deputy == code)
    }

    /// A department that stands, and all beneath that would stop with it.
    fn stops_with(&self, code: &str) -> Vec<String> {
        let mut all = vec![code.to_owned()];
        let beneath = self.departments.iter().filter(|it| it.parent == code && it.life.goes_on());
        for it in beneath {
            all.extend(self.stops_with(&it.code));
        }
        all
    }

    pub(super) fn change_standing(
        &mut self,
        code: &str,
        change: StandingChange,
        by_vote: bool,
    ) -> Why {
        let mut no = Vec::new();
        let Some(it) = self.department(code) else { return vec!["department.unknown"] };
        let on = it.life.goes_on();
        let start = change == StandingChange::Reinstate;
        if it.ended || (start && on) || (change == StandingChange::Suspend && !on) {
            no.push("standing.is");
        }
        let parent_on = self.department(&it.parent).is_none_or(|parent| parent.life.goes_on());
        if start && !parent_on {
            no.push("standing.stopped_above");
        }
        let stopping = if start { Vec::new() } else { self.stops_with(code) };
        if stopping.iter().any(|code| self.in_office(code)) {
            no.push("department.in_office");
        }
        // Nobody with a vote is stopped without one.
        if !by_vote && stopping.iter().any(|code| self.has_vote(code)) {
            no.push("department.votes");
        }
        let mut beneath = self.departments.iter().filter(|it| it.parent == code);
        if change == StandingChange::Revoke && beneath.any(|it| !it.ended) {
            no.push("department.has_beneath");
        }
        if !no.is_empty() {
            return no;
        }
        let before = self.clone();
        self.set_standing(code, start);
        let it = self.department_mut(code);
        it.ended = change == StandingChange::Revoke;
        if start {
            it.stopped_by.clear();
        }
        let refused = it.pending.take_if(|_| change == StandingChange::Revoke);
        if let Some((refused, _)) = refused {
            self.end_identity(&refused);
        }
        self.objection_anew(code, start);
        self.beneath_too(code, code, start);
        if change == StandingChange::Revoke {
            self.voters.retain(|it| it.department != code);
        }
        if self.voters.iter().all(|it| it.suspended) {
            *self = before;
            return vec!["vote.last"];
        }
        no
    }

    fn set_standing(&mut self, code: &str, on: bool) {
        let turn = self.turn(on);
        self.department_mut(code).life.0.push(turn);
        for voter in self.voters.iter_mut().filter(|it| it.department == code) {
            voter.suspended = !on;
        }
    }

    /// Whoever is started has the whole time again for its root to object.
    fn objection_anew(&mut self, code: &str, start: bool) {
        if start && self.department(code).is_some_and(|it| it.pending.is_some()) {
            let due = self.due_in(self.parameters.objection_days);
            if let Some((_, at)) = &mut self.department_mut(code).pending {
                *at = due;
            }
        }
    }

    /// All right beneath a department, and beneath those, stop with it, or start again if they
    /// stopped because of `top`.
    fn beneath_too(&mut self, code: &str, top: &str, start: bool) {
        let concerned = |it: &&Department| {
            it.parent == code
                && if start { it.stopped_by == top && !it.ended } else { it.life.goes_on() }
        };
        let codes: Vec<String> =
            self.departments.iter().filter(concerned).map(|it| it.code.clone()).collect();
        for code in codes {
            self.set_standing(&code, start);
            let because = if start { "" } else { top };
            because.clone_into(&mut self.department_mut(&code).stopped_by);
            self.objection_anew(&code, start);
            let change = if start { StandingChange::Reinstate } else { StandingChange::Suspend };
            self.tell(format!("department {code} {} because of {top}", change as i32));
            self.beneath_too(&code, top, start);
        }
    }

    pub(super) fn end_identity(&mut self, id: &[u8]) {
        let turn = self.turn(false);
        let it = self.identity_mut(id);
        it.life.0.push(turn);
        it.ended = true;
        it.events += 1;
    }

    pub(super) fn take_root(&mut self, code: &str, new: &[u8]) {
        let it = self.department_mut(code);
        let old = std::mem::replace(&mut it.root, new.to_vec());
        if let Some((pending, _)) = it.pending.take()
            && pending != new
        {
            self.end_identity(&pending);
        }
        if !old.is_empty() {
            self.end_identity(&old);
        }
        let turn = self.turn(true);
        let identity = self.identity_mut(new);
        identity.life.0.push(turn);
        identity.events += 1;
        for key in self.keys.iter_mut().filter(|it| it.identity == new) {
            Rc::make_mut(key).life.0.push(turn);
        }
        self.tell(format!("root of {code} replaced by {}", hex::encode(new)));
    }

    /// New root keys that are not in force yet.
    pub(super) fn prepare_root(&mut self, of: &str, id: &[u8], root: &wire::RootKeys) -> Why {
        let mut no = Vec::new();
        let code = format!("root-{}", self.height);
        if self.name_taken(of, &code) {
            no.push("identity.exists");
        }
        if self.keys_taken(&root.keys) {
            no.push("key.exists");
        }
        if no.is_empty() {
            self.add_root(of, &code, id, root, false);
        }
        no
    }

    pub(super) fn replace_root(&mut self, by: By<'_>, it: &wire::ReplaceRoot) -> Why {
        let mut no = Vec::new();
        self.acts(by, &it.parent, &mut no);
        self.officer(by, &mut no);
        match self.department(&it.department) {
            None => no.push("department.unknown"),
            Some(named) => {
                if named.parent != it.parent {
                    no.push("department.not_parent");
                }
                if named.pending.is_some() {
                    no.push("root.pending");
                }
                if !named.successor.is_empty() {
                    no.push("succession.exists");
                }
                if !named.life.goes_on() {
                    no.push("standing.is");
                }
            }
        }
        if no.is_empty() {
            let id = by.new_identity();
            no = self.prepare_root(&it.department, &id, it.root.as_ref().unwrap());
            if no.is_empty() {
                let due = self.due_in(self.parameters.objection_days);
                self.department_mut(&it.department).pending = Some((id, due));
            }
        }
        no
    }

    pub(super) fn object_to_root(&mut self, by: By<'_>, it: &wire::ObjectToRoot) -> Why {
        let mut no = Vec::new();
        self.acts(by, &it.department, &mut no);
        let named = self.department(&it.department);
        if named.is_none_or(|named| named.root != by.identity()) {
            no.push("root.needed");
        }
        if named.is_none_or(|named| named.pending.is_none()) {
            no.push("root.not_pending");
        }
        if no.is_empty() {
            let (pending, _) = self.department_mut(&it.department).pending.take().unwrap();
            self.end_identity(&pending);
        }
        no
    }

    /// The root of a department, or of whoever took its place, with as many keys as it needs.
    pub(super) fn root_signs(
        &self,
        by: By<'_>,
        of: &str,
        kind: &Kind,
        with: &[wire::Cosignature],
        no: &mut Why,
    ) {
        self.acts(by, of, no);
        if self.identity(by.identity()).is_none_or(|it| it.kind != IdentityKind::Root as i32) {
            no.push("root.needed");
        } else {
            self.enough_sign(by, kind, with, no);
        }
    }

    pub(super) fn enough_sign(
        &self,
        by: By<'_>,
        kind: &Kind,
        with: &[wire::Cosignature],
        no: &mut Why,
    ) {
        let message = cosign_message(&self.chain, kind).unwrap();
        let good = |one: &&wire::Cosignature| {
            let Some(key) = self.key(&one.key_id) else { return false };
            let signature = one.signature.as_slice().try_into().unwrap();
            key.identity == by.identity()
                && key.id != by.header.key.as_bytes()
                && key.life.at_height(self.height)
                && PublicKey::from_slice(&key.public).unwrap().verify(&message, &signature)
        };
        let agreed = 1 + with.iter().filter(good).count();
        if agreed <= with.len() {
            no.push("cosignature.bad");
        }
        if (agreed as u64) < self.identity(by.identity()).unwrap().threshold {
            no.push("root.threshold");
        }
    }
}
