//! One of those who granted stops a grant for a time; the same one lets it go on.

use crate::event::Outcome;
use crate::items::fields::{Checked, code_if_given, id};
use crate::items::kind::ItemKind;
use crate::items::sharing::{
    grant::{self, stated},
    grants,
};
use crate::ledger::{Draft, Halt, Refusal, authority::needs_officer, words};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::wire::{self, GrantState};

impl ItemKind for wire::SuspendGrant {
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
        grant::has_room(&grant)?;
        next(draft, grant, GrantState::Active, GrantState::Suspended, &by)
    }
}

impl ItemKind for wire::ResumeGrant {
    fn check(&self) -> Checked {
        stated!(self).check()?;
        code_if_given("manager", &self.manager)
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
        let (id, grant) = grant::grant(draft, &stated!(self))?;
        let by = grant::grantor(draft, signer, &grant, &self.manager)?;
        needs_officer(draft, signer)?;
        let suspended_by = grant.steps.last().map(|step| step.by.clone()).unwrap_or_default();
        if grants::state(&grant) == GrantState::Suspended && suspended_by != by {
            let grant = id.to_string();
            return Err(Refusal::SuspendedByOther { grant, by: suspended_by }.into());
        }
        next(draft, grant, GrantState::Suspended, GrantState::Active, &by)
    }
}

fn next(
    draft: &mut Draft<'_>,
    mut grant: wire::Grant,
    from: GrantState,
    to: GrantState,
    by: &str,
) -> Result<Outcome, Halt> {
    let found = grants::state(&grant);
    if found != from {
        let (grant, state) = (hex::encode(&grant.request_id), words::grant(found));
        return Err(Refusal::GrantState { grant, state }.into());
    }
    grant.steps.push(grant::step(draft, to, by));
    grant::put(draft, grant);
    Ok(Outcome::DONE)
}
