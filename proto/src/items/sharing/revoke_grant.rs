//! One of those who granted ends a grant, and with it all that hangs from it.

use crate::event::Outcome;
use crate::items::fields::{Checked, code_if_given, id};
use crate::items::kind::ItemKind;
use crate::items::sharing::grant::{self, stated};
use crate::ledger::{Draft, Halt, authority::needs_officer};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::wire::{self, GrantState};

impl ItemKind for wire::RevokeGrant {
    fn check(&self) -> Checked {
        stated!(self).check()?;
        code_if_given("manager", &self.manager)?;
        id("reason_digest", &self.reason_digest)
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        stated!(self).trails()
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        let (_, grant) = grant::grant(draft, &stated!(self))?;
        let by = grant::grantor(draft, signer, &grant, &self.manager)?;
        needs_officer(draft, signer)?;
        grant::end(draft, grant, GrantState::Revoked, &by, None)?;
        Ok(Outcome::DONE)
    }
}
