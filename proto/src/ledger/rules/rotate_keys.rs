//! An identity, or its department's root for it, takes keys up and lays keys down.

use super::identity;
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal, intervals};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::KeyId;
use crate::wire::{self, IdentityKind, item::Kind};
use std::sync::Arc;

pub(super) fn apply(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::RotateKeys,
) -> Result<Outcome, Halt> {
    let mut named = identity::named(draft, &it.department, &it.identity_id, it.after)?;
    let kind = Kind::RotateKeys(it.clone());
    if signer.identity.as_bytes().as_slice() == it.identity_id {
        draft.acts_for(signer, &it.department)?;
        identity::enough_keys(draft, signer, &named, &kind, &it.cosignatures)?;
    } else if named.kind() == IdentityKind::Root {
        return Err(Refusal::RootNotByItself.into());
    } else {
        identity::root_signs(draft, signer, &it.department, &kind, &it.cosignatures)?;
    }
    identity::room_for(&named, it.add.len())?;
    for key in &it.add {
        let id = identity::create_key(draft, &named, key, true)?;
        named.key_ids.push(id);
    }
    for id in &it.end {
        end_key(draft, &named, id)?;
    }
    let needed = u64::from(named.threshold.max(1));
    if identity::keys_left(draft, &named)? < needed {
        return Err(Refusal::TooFewKeys(needed).into());
    }
    identity::put(draft, named);
    Ok(Outcome::DONE)
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
