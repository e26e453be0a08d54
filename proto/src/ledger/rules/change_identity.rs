//! A department's root suspends, reinstates or revokes an identity.

use super::{identity, words};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal, intervals};
use crate::tx::TxHeader;
use crate::wire::{self, IdentityKind, StandingChange, item::Kind};

pub(super) fn apply(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::ChangeIdentity,
) -> Result<Outcome, Halt> {
    let kind = Kind::ChangeIdentity(it.clone());
    identity::root_signs(draft, signer, &it.department, &kind, &it.cosignatures)?;
    let mut named = identity::named(draft, &it.department, &it.identity_id, it.after)?;
    if named.kind() == IdentityKind::Root {
        return Err(Refusal::RootNotByItself.into());
    }
    let context = *draft.context();
    let in_force = intervals::is_open(&named.standing);
    let is = |state| {
        let name = format!("{}/{}", it.department, named.code);
        Refusal::StandingIs { name, state }
    };
    match it.change() {
        StandingChange::Reinstate if in_force => return Err(is(words::IN_FORCE).into()),
        StandingChange::Reinstate => intervals::open(&mut named.standing, &context),
        StandingChange::Suspend if !in_force => return Err(is(words::SUSPENDED).into()),
        change => {
            intervals::close(&mut named.standing, &context);
            named.ended = change == StandingChange::Revoke;
        }
    }
    identity::put(draft, named);
    Ok(Outcome::DONE)
}
