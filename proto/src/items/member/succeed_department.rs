//! The lead carries out a succession between members without a vote.

use crate::event::Outcome;
use crate::items::fields::{Checked, code, ensure, id, wrong};
use crate::items::kind::ItemKind;
use crate::items::member::department;
use crate::ledger::{Draft, Halt, Refusal, authority::needs_lead};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::wire;

impl ItemKind for wire::SucceedDepartment {
    fn check(&self) -> Checked {
        code("lead", &self.lead)?;
        succession(self.succession.as_ref())
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        let both = self.succession.iter().flat_map(|it| [&it.from, &it.to]);
        both.map(|code| Place::department_trail(code)).collect()
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        needs_lead(draft, signer, &self.lead)?;
        let succession = self.succession.clone().unwrap_or_default();
        for code in [&succession.from, &succession.to] {
            if department::has_vote(draft, code)? {
                return Err(Refusal::HasVote(code.clone()).into());
            }
        }
        department::succeed(draft, &succession)?;
        Ok(Outcome::DONE)
    }
}

pub(crate) fn succession(given: Option<&wire::Succession>) -> Checked {
    let it = given.ok_or_else(|| wrong("succession", "a succession is needed"))?;
    code("succession.from", &it.from)?;
    code("succession.to", &it.to)?;
    ensure(it.from != it.to, "succession.to", "a department does not follow on itself")?;
    id("succession.order_digest", &it.order_digest)
}
