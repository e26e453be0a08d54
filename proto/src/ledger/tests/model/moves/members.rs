//! Departments and identities.

use super::super::consortium::DUTY;
use super::super::simple::{Department, Id};
use super::{IdentityKind, Move, Moves, Officer, Root, System};
use crate::items::cosign_message;
use crate::wire::{self, Right, StandingChange, item::Kind};

impl Moves<'_> {
    pub(super) fn new_department(&mut self, parent: &str) -> wire::NewDepartment {
        let number = self.dice.below(1000);
        let above = self.simple.department(parent).cloned();
        let (level, division, body) = above.map_or((1, "52".into(), "bdb".into()), |it| {
            let deeper = if it.division.len() < 12 { "01" } else { "" };
            (it.level + 1, it.division + deeper, it.body)
        });
        let code = format!("new{number}");
        let code = if self.dice.percent(5) { self.any_department() } else { code };
        let rights: &[&[Right]] =
            &[&[Right::Use], &[Right::Use], &[Right::Collect, Right::Use], &[Right::Manage]];
        let mut rights: Vec<i32> = self.dice.pick(rights).iter().map(|it| *it as i32).collect();
        if self.dice.percent(8) {
            rights.push(Right::Audit as i32);
        }
        wire::NewDepartment {
            name_en: code.clone(),
            level: if self.dice.percent(5) { 1 } else { level.min(5) },
            division: if self.dice.percent(5) { "99".into() } else { division },
            parent: parent.into(),
            guide: if self.dice.percent(40) { self.any_department() } else { String::new() },
            body: if self.dice.percent(80) { code.clone() } else { body },
            rights,
            root: Some(self.root_keys()),
            code,
            ..Default::default()
        }
    }

    pub(super) fn root_keys(&mut self) -> wire::RootKeys {
        let (count, threshold) = *self.dice.pick(&[(1, 1), (1, 1), (3, 2)]);
        let mut keys = self.keyring.fresh_list(count);
        if count == 1 && self.dice.percent(4) {
            let public_key = self.dice.pick(&self.simple.keys).public.clone();
            keys[0].public_key = public_key;
        }
        wire::RootKeys { keys, threshold }
    }

    /// A department beneath one that manages.
    fn beneath(&mut self, manager: &str) -> Option<String> {
        let parent = |it: &Department| self.simple.department(&it.parent).cloned();
        let fits = |it: &&Department| {
            it.parent == manager || parent(it).is_some_and(|it| it.parent == manager)
        };
        let found: Vec<_> = self.simple.departments.iter().filter(fits).collect();
        if self.dice.percent(10) {
            return Some(self.any_department());
        }
        self.dice.pick_if_any(&found).map(|it| it.code.clone())
    }

    pub(super) fn admit(&mut self) -> Option<Move> {
        let manager = self.with_right(Right::Manage)?;
        let parent = match self.dice.percent(50) {
            true => manager.clone(),
            false => self.beneath(&manager)?,
        };
        // Rarely one that is stopped.
        let stopped = |it: &&Department| {
            !it.life.goes_on() && !it.ended && self.simple.is_beneath(&it.code, &manager)
        };
        let stopped: Vec<_> = self.simple.departments.iter().filter(stopped).collect();
        let stopped = self.dice.pick_if_any(&stopped).map(|it| it.code.clone());
        let parent = stopped.filter(|_| self.dice.percent(30)).unwrap_or(parent);
        let mut department = self.new_department(&parent);
        if self.dice.percent(85) {
            department.body = self.simple.department(&manager)?.body.clone();
        }
        let department = Some(department);
        let by = self.officer(&manager)?;
        Some((by, Kind::AdmitDepartment(wire::AdmitDepartment { manager, department })))
    }

    pub(super) fn standing(&mut self) -> StandingChange {
        use StandingChange::{Reinstate, Revoke, Suspend};
        *self.dice.pick(&[Suspend, Suspend, Suspend, Reinstate, Reinstate, Reinstate, Revoke])
    }

    pub(super) fn change_department(&mut self) -> Option<Move> {
        let manager = self.with_right(Right::Manage)?;
        // Whoever is suspended should not stay so for ever.
        let stopped: Vec<&Department> =
            self.simple.departments.iter().filter(|it| !it.life.goes_on() && !it.ended).collect();
        let (department, change) = match self.dice.pick_if_any(&stopped) {
            Some(it) if self.dice.percent(70) => (it.code.clone(), StandingChange::Reinstate),
            _ => (self.beneath(&manager)?, self.standing()),
        };
        let above = self.simple.department(&department)?.parent.clone();
        let manager = if self.dice.percent(60) && !above.is_empty() { above } else { manager };
        let by = self.officer(&manager)?;
        let item = wire::ChangeDepartment {
            manager,
            department,
            change: change as i32,
            reason_digest: self.dice.digest(),
        };
        Some((by, Kind::ChangeDepartment(item)))
    }

    pub(super) fn succession(&mut self) -> Option<wire::Succession> {
        let (mut from, mut to) = (self.any_department(), self.any_department());
        // Often such that two parties of a grant become one body.
        let live: Vec<_> = self.simple.grants.iter().filter(|it| !it.ended()).collect();
        if let Some(it) = self.dice.pick_if_any(&live)
            && self.dice.percent(70)
        {
            from.clone_from(self.dice.pick::<&String>(&[&it.user, &it.collector]));
            let other = if self.dice.percent(70) { &it.manager } else { &it.collector };
            let body = self.simple.body(other);
            let fits = |it: &&Department| it.body == body && !self.simple.has_vote(&it.code);
            let all: Vec<_> = self.simple.departments.iter().filter(fits).collect();
            to = self.dice.pick_if_any(&all).map_or(other.clone(), |it| it.code.clone());
        }
        // Or such that one stands beneath the other.
        if self.dice.percent(15) {
            from = self.simple.department(&to)?.parent.clone();
        }
        let hours = self.dice.between(1, 200) * 3_600_000;
        let past = self.dice.percent(5);
        let overlap_until_ms = if past { self.simple.now } else { self.simple.now + hours };
        let order_digest = self.dice.digest();
        let two = from != to && !from.is_empty() && !to.is_empty();
        two.then_some(wire::Succession { from, to, order_digest, overlap_until_ms })
    }

    pub(super) fn succeed(&mut self) -> Option<Move> {
        let succession = Some(self.succession()?);
        let mut lead = self.simple.parameters.lead.clone();
        if self.dice.percent(5) {
            lead = self.any_department();
        }
        let by = self.officer(&lead)?;
        Some((by, Kind::SucceedDepartment(wire::SucceedDepartment { lead, succession })))
    }

    /// Keys of the root that agree beside the one that signs: mostly as many as it needs.
    fn cosign(&mut self, root: &[u8], kind: &Kind) -> Vec<wire::Cosignature> {
        let identity = self.simple.identity(root).unwrap();
        if identity.threshold < 2 && self.dice.percent(97) {
            return Vec::new();
        }
        let message = cosign_message(&self.simple.chain, kind).unwrap();
        let keys = self.simple.keys.iter().filter(|key| key.identity == root);
        let mut keys: Vec<Id> = keys.map(|key| key.id.clone()).collect();
        if self.dice.percent(5) {
            keys.push(self.dice.pick(&self.simple.keys).id.clone());
        }
        keys.sort();
        keys.dedup();
        let from = self.dice.below(keys.len() as u64);
        let count = if self.dice.percent(85) { 1 } else { self.dice.below(3) };
        let chosen = keys.into_iter().skip(usize::try_from(from).unwrap());
        chosen
            .take(usize::try_from(count).unwrap())
            .map(|key_id| {
                let signature = self.keyring.get(&key_id).sign(&message).to_vec();
                wire::Cosignature { key_id, signature }
            })
            .collect()
    }

    /// A department whose root can act, and that root.
    fn rooted(&mut self) -> Option<(String, Id)> {
        let department = self.any_department();
        let by = self.of(&department, &[Root])?;
        Some((department, by))
    }

    pub(super) fn register_identity(&mut self) -> Option<Move> {
        let (department, by) = self.rooted()?;
        let number = self.dice.below(200);
        use IdentityKind::{Auditor, Node, Regulator};
        let kinds = [Officer, Officer, Officer, System, System, Node, Auditor, Regulator, Root];
        let kind = *self.dice.pick(&kinds);
        let duty = if self.dice.percent(50) { DUTY } else { "" };
        let keys = self.dice.between(1, 2);
        let mut item = wire::RegisterIdentity {
            department,
            code: if number > 2 { format!("id{number}") } else { format!("root-{number}") },
            kind: kind as i32,
            keys: self.keyring.fresh_list(keys),
            duty: duty.into(),
            holder: Vec::new(),
            cosignatures: Vec::new(),
            operated_by: String::new(),
        };
        if kind == System && self.dice.percent(25) {
            item.operated_by = match self.dice.percent(96) {
                true => self.with_right(Right::Manage)?,
                false => "nobody".into(),
            };
        }
        item.cosignatures = self.cosign(&by, &Kind::RegisterIdentity(item.clone()));
        Some((by, Kind::RegisterIdentity(item)))
    }

    /// An identity of a department, and how many events its life has had: mostly.
    fn life_of(&mut self, department: &str) -> Option<(Id, u64)> {
        let all = self.simple.identities.iter();
        let own: Vec<_> = all.filter(|it| it.department == department).collect();
        let it = self.dice.pick_if_any(&own)?;
        let after = it.events + u64::from(self.dice.percent(4));
        if self.dice.percent(4) {
            return Some((self.dice.pick(&self.simple.identities).id.clone(), after));
        }
        Some((it.id.clone(), after))
    }

    pub(super) fn rotate(&mut self) -> Option<Move> {
        let (department, root) = self.rooted()?;
        let (identity_id, after) = self.life_of(&department)?;
        let by = if self.dice.percent(50) { identity_id.clone() } else { root };
        let own = self.simple.keys.iter().filter(|key| key.identity == identity_id);
        let own: Vec<Id> = own.map(|key| key.id.clone()).collect();
        let added = self.dice.between(0, 2);
        let mut item = wire::RotateKeys {
            department,
            identity_id,
            after,
            add: self.keyring.fresh_list(added),
            end: self.dice.some(&own, 30),
            cosignatures: Vec::new(),
        };
        item.end.sort();
        if item.add.is_empty() && item.end.is_empty() {
            return None;
        }
        item.cosignatures = self.cosign(&by, &Kind::RotateKeys(item.clone()));
        Some((by, Kind::RotateKeys(item)))
    }

    pub(super) fn change_identity(&mut self) -> Option<Move> {
        let (department, by) = self.rooted()?;
        let (mut identity_id, mut after) = self.life_of(&department)?;
        let own = self.simple.identities.iter().filter(|it| it.department == department);
        let stopped: Vec<_> = own.filter(|it| !it.ended && !it.life.goes_on()).collect();
        let mut change = self.standing();
        if let Some(it) = self.dice.pick_if_any(&stopped) {
            (identity_id, after) = (it.id.clone(), it.events);
            change = StandingChange::Reinstate;
        }
        let mut item = wire::ChangeIdentity {
            department,
            identity_id,
            after,
            change: change as i32,
            reason_digest: self.dice.digest(),
            cosignatures: Vec::new(),
        };
        item.cosignatures = self.cosign(&by, &Kind::ChangeIdentity(item.clone()));
        Some((by, Kind::ChangeIdentity(item)))
    }

    pub(super) fn assign(&mut self) -> Option<Move> {
        let (department, by) = self.rooted()?;
        let (identity_id, after) = self.life_of(&department)?;
        let holder = self.dice.digest();
        let cosignatures = Vec::new();
        let mut item = wire::AssignPost { department, identity_id, after, holder, cosignatures };
        item.cosignatures = self.cosign(&by, &Kind::AssignPost(item.clone()));
        Some((by, Kind::AssignPost(item)))
    }

    pub(super) fn replace_root(&mut self) -> Option<Move> {
        let department = self.any_department();
        let mut parent = self.simple.department(&department)?.parent.clone();
        if parent.is_empty() || self.dice.percent(5) {
            parent = self.any_department();
        }
        let by = self.officer(&parent)?;
        let (root, reason_digest) = (Some(self.root_keys()), self.dice.digest());
        Some((by, Kind::ReplaceRoot(wire::ReplaceRoot { parent, department, root, reason_digest })))
    }

    pub(super) fn object(&mut self) -> Option<Move> {
        let pending: Vec<&Department> =
            self.simple.departments.iter().filter(|it| it.pending.is_some()).collect();
        let department = match self.dice.pick_if_any(&pending) {
            Some(it) => it.code.clone(),
            None => self.any_department(),
        };
        let by = self.of(&department, &[Root])?;
        Some((by, Kind::ObjectToRoot(wire::ObjectToRoot { department })))
    }
}
