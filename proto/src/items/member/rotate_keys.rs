//! An identity, or its department's root for it, takes keys up and lays keys down.

use crate::event::Outcome;
use crate::items::fields::{Checked, ascending, code, ensure, id, new_keys};
use crate::items::kind::ItemKind;
use crate::items::member::identity;
use crate::ledger::{Draft, Halt, Refusal, intervals};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::{KeyId, limits};
use crate::wire::{self, IdentityKind, item::Kind};
use std::sync::Arc;

impl ItemKind for wire::RotateKeys {
    fn check(&self) -> Checked {
        code("department", &self.department)?;
        id("identity_id", &self.identity_id)?;
        new_keys("add", &self.add)?;
        ascending("end", &self.end, limits::IDENTITY_KEYS)?;
        for key in &self.end {
            id("end", key)?;
        }
        let does = !self.add.is_empty() || !self.end.is_empty();
        ensure(does, "add", "a key to take up or to lay down is needed")?;
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
        let mut named = identity::named(draft, &self.department, &self.identity_id, self.after)?;
        let kind = Kind::RotateKeys(self.clone());
        if signer.identity.as_bytes().as_slice() == self.identity_id {
            draft.acts_for(signer, &self.department)?;
            identity::enough_keys(draft, signer, &named, &kind, &self.cosignatures)?;
        } else if named.kind() == IdentityKind::Root {
            return Err(Refusal::RootNotByItself.into());
        } else {
            identity::root_signs(draft, signer, &self.department, &kind, &self.cosignatures)?;
        }
        identity::room_for(&named, self.add.len())?;
        for key in &self.add {
            let id = identity::create_key(draft, &named, key, true)?;
            named.key_ids.push(id);
        }
        for id in &self.end {
            end_key(draft, &named, id)?;
        }
        let needed = u64::from(named.threshold.max(1));
        if identity::keys_left(draft, &named)? < needed {
            return Err(Refusal::TooFewKeys(needed).into());
        }
        identity::put(draft, named);
        Ok(Outcome::DONE)
    }
}

fn end_key(draft: &mut Draft<'_>, of: &wire::Identity, id: &[u8]) -> Result<(), Halt> {
    let id = KeyId::from_slice(id).unwrap_or_default();
    let key: Option<Arc<wire::Key>> = draft.get(&Place::key(&id))?;
    let key =
        key.filter(|key| key.identity_id == of.identity_id && intervals::is_open(&key.standing));
    let mut key = (*key.ok_or_else(|| Refusal::KeyOfOther(id.to_string()))?).clone();
    intervals::close(&mut key.standing, draft.context());
    draft.put(Place::key(&id), key);
    Ok(())
}
