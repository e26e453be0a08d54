//! What an exchange platform states (平台自述): an officer puts a list of it on record, as the platform's word.

use crate::event::Outcome;
use crate::items::fields::{Checked, code, ensure, id, wrong};
use crate::items::kind::ItemKind;
use crate::ledger::{Draft, Halt, authority::needs_officer};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::wire;

impl ItemKind for wire::StateList {
    fn check(&self) -> Checked {
        code("department", &self.department)?;
        code("platform", &self.platform)?;
        let kind =
            wire::StatedKind::try_from(self.kind).map_err(|_| wrong("kind", "unknown kind"))?;
        ensure(kind != wire::StatedKind::Unspecified, "kind", "a kind is needed")?;
        ensure(self.count > 0, "count", "a list has one row at least")?;
        id("root", &self.root)?;
        ensure(self.until_ms > 0, "until_ms", "a time is needed")?;
        ensure(self.from_ms <= self.until_ms, "from_ms", "a time ends after it begins")
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::department_trail(&self.department)]
    }

    /// It changes nothing that the rules read.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        draft.acts_for(signer, &self.department)?;
        needs_officer(draft, signer)?;
        Ok(Outcome::DONE)
    }
}
