//! A department's root registers an identity.

use crate::event::Outcome;
use crate::items::fields::{
    Checked, code, code_if_given, ensure, ensure_of, id_if_given, new_keys,
};
use crate::items::kind::ItemKind;
use crate::items::member::identity;
use crate::ledger::{Draft, Halt, Refusal, words};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::limits;
use crate::wire::{self, IdentityKind, Right, item::Kind};
use std::sync::Arc;

impl ItemKind for wire::RegisterIdentity {
    fn check(&self) -> Checked {
        code("department", &self.department)?;
        code("code", &self.code)?;
        ensure_of((1..=6).contains(&self.kind), "kind", || {
            format!("unknown kind of identity {}", self.kind)
        })?;
        ensure(!self.keys.is_empty(), "keys", "at least one key is needed")?;
        new_keys("keys", &self.keys)?;
        code_if_given("duty", &self.duty)?;
        id_if_given("holder", &self.holder)?;
        let post = self.kind == wire::IdentityKind::Officer as i32
            || self.kind == wire::IdentityKind::Auditor as i32
            || self.kind == wire::IdentityKind::Regulator as i32;
        ensure(post || self.holder.is_empty(), "holder", "only a post has a holder")?;
        code_if_given("operated_by", &self.operated_by)?;
        let system = self.kind == wire::IdentityKind::System as i32;
        ensure(
            system || self.operated_by.is_empty(),
            "operated_by",
            "only a system is operated by another department",
        )?;
        identity::cosignatures(&self.cosignatures)
    }

    fn trails(&self, header: &TxHeader, number: u32) -> Vec<Place> {
        identity::trails(&self.department, header.identity_id(number).as_bytes()).to_vec()
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        number: u32,
    ) -> Result<Outcome, Halt> {
        let kind = Kind::RegisterIdentity(self.clone());
        identity::root_signs(draft, signer, &self.department, &kind, &self.cosignatures)?;
        let wanted = match self.kind() {
            IdentityKind::Root => return Err(Refusal::RootNotByItself.into()),
            // These names are for roots that are to come.
            _ if self.code == "root" || self.code.starts_with("root-") => {
                return Err(Refusal::RootNotByItself.into());
            }
            IdentityKind::Auditor => Some(Right::Audit),
            IdentityKind::Regulator => Some(Right::Regulate),
            _ => None,
        };
        let department = draft.department(&self.department)?;
        if let Some(right) = wanted.filter(|right| !department.rights.contains(&(*right as i32))) {
            let (department, right) = (self.department.clone(), words::right(right));
            return Err(Refusal::RightMissing { department, right }.into());
        }
        if !self.operated_by.is_empty() {
            draft.department(&self.operated_by)?;
        }
        let new = wire::Identity {
            identity_id: signer.identity_id(number).to_vec(),
            department: self.department.clone(),
            code: self.code.clone(),
            kind: self.kind,
            duty: self.duty.clone(),
            holder: self.holder.clone(),
            threshold: 1,
            operated_by: self.operated_by.clone(),
            ..wire::Identity::default()
        };
        // A root that is replaced must find room: the limit is for what a root registers.
        let roster: Option<Arc<wire::Roster>> = draft.get(&Place::roster(&self.department))?;
        if roster.is_some_and(|it| it.identity_ids.len() >= limits::ROSTER) {
            let (of, limit) = (self.department.clone(), limits::ROSTER);
            return Err(Refusal::TooManyOf { what: words::IDENTITIES, of, limit }.into());
        }
        identity::create(draft, new, &self.keys, true)?;
        Ok(Outcome::DONE)
    }
}
