//! A department's root gives a post to another holder.

use super::identity;
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal};
use crate::tx::TxHeader;
use crate::wire::{self, IdentityKind, item::Kind};

pub(super) fn apply(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::AssignPost,
) -> Result<Outcome, Halt> {
    let kind = Kind::AssignPost(it.clone());
    identity::root_signs(draft, signer, &it.department, &kind, &it.cosignatures)?;
    let mut named = identity::named(draft, &it.department, &it.identity_id, it.after)?;
    use IdentityKind::{Auditor, Officer, Regulator};
    if !matches!(named.kind(), Officer | Auditor | Regulator) {
        return Err(Refusal::NotAPost(hex::encode(&it.identity_id)).into());
    }
    named.holder.clone_from(&it.holder);
    identity::put(draft, named);
    Ok(Outcome::DONE)
}
