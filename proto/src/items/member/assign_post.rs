//! A department's root gives a post to another holder.

use crate::event::Outcome;
use crate::items::fields::{Checked, code, id, id_if_given};
use crate::items::kind::ItemKind;
use crate::items::member::identity;
use crate::ledger::{Draft, Halt, Refusal};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::wire::{self, IdentityKind, item::Kind};

impl ItemKind for wire::AssignPost {
    fn check(&self) -> Checked {
        code("department", &self.department)?;
        id("identity_id", &self.identity_id)?;
        id_if_given("holder", &self.holder)?;
        identity::cosignatures(&self.cosignatures)
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        identity::trails(&self.department, &self.identity_id).to_vec()
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        let kind = Kind::AssignPost(self.clone());
        identity::root_signs(draft, signer, &self.department, &kind, &self.cosignatures)?;
        let mut named = identity::named(draft, &self.department, &self.identity_id, self.after)?;
        use IdentityKind::{Auditor, Officer, Regulator};
        if !matches!(named.kind(), Officer | Auditor | Regulator) {
            return Err(Refusal::NotAPost(hex::encode(&self.identity_id)).into());
        }
        named.holder.clone_from(&self.holder);
        identity::put(draft, named);
        Ok(Outcome::DONE)
    }
}
