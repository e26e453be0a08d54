//! A department's root suspends, reinstates or revokes an identity.

use crate::event::Outcome;
use crate::items::fields::{Checked, code, id, standing_change};
use crate::items::kind::ItemKind;
use crate::items::member::identity;
use crate::ledger::{Draft, Halt, Refusal, intervals, words};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::wire::{self, IdentityKind, StandingChange, item::Kind};

impl ItemKind for wire::ChangeIdentity {
    fn check(&self) -> Checked {
        code("department", &self.department)?;
        id("identity_id", &self.identity_id)?;
        standing_change("change", self.change)?;
        id("reason_digest", &self.reason_digest)?;
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
        let kind = Kind::ChangeIdentity(self.clone());
        identity::root_signs(draft, signer, &self.department, &kind, &self.cosignatures)?;
        let mut named = identity::named(draft, &self.department, &self.identity_id, self.after)?;
        if named.kind() == IdentityKind::Root {
            return Err(Refusal::RootNotByItself.into());
        }
        let context = *draft.context();
        let in_force = intervals::is_open(&named.standing);
        let is = |state| {
            let name = format!("{}/{}", self.department, named.code);
            Refusal::StandingIs { name, state }
        };
        match self.change() {
            StandingChange::Reinstate if in_force => return Err(is(words::IN_FORCE).into()),
            StandingChange::Reinstate => intervals::open(&mut named.standing, &context),
            StandingChange::Suspend if !in_force => return Err(is(words::SUSPENDED).into()),
            change => {
                if change == StandingChange::Suspend {
                    intervals::may_pause(&named.standing, &named.code)?;
                }
                intervals::close(&mut named.standing, &context);
                named.ended = change == StandingChange::Revoke;
            }
        }
        identity::put(draft, named);
        Ok(Outcome::DONE)
    }
}
