//! A department's root registers an identity.

use super::{identity, words};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal};
use crate::tx::TxHeader;
use crate::wire::{self, IdentityKind, Right, item::Kind};

pub(super) fn apply(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    number: u32,
    it: &wire::RegisterIdentity,
) -> Result<Outcome, Halt> {
    let kind = Kind::RegisterIdentity(it.clone());
    identity::root_signs(draft, signer, &it.department, &kind, &it.cosignatures)?;
    let wanted = match it.kind() {
        IdentityKind::Root => return Err(Refusal::RootNotByItself.into()),
        // These names are for roots that are to come.
        _ if it.code == "root" || it.code.starts_with("root-") => {
            return Err(Refusal::RootNotByItself.into());
        }
        IdentityKind::Auditor => Some(Right::Audit),
        IdentityKind::Regulator => Some(Right::Regulate),
        _ => None,
    };
    let department = draft.department(&it.department)?;
    if let Some(right) = wanted.filter(|right| !department.rights.contains(&(*right as i32))) {
        let (department, right) = (it.department.clone(), words::right(right));
        return Err(Refusal::RightMissing { department, right }.into());
    }
    let new = wire::Identity {
        identity_id: signer.identity_id(number).to_vec(),
        department: it.department.clone(),
        code: it.code.clone(),
        kind: it.kind,
        duty: it.duty.clone(),
        holder: it.holder.clone(),
        threshold: 1,
        ..wire::Identity::default()
    };
    identity::create(draft, new, &it.keys, true)?;
    Ok(Outcome::DONE)
}
