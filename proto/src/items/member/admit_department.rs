//! A managing department admits a member without a vote beneath it.

use crate::event::Outcome;
use crate::items::fields::{Checked, code, new_department};
use crate::items::kind::ItemKind;
use crate::items::member::{department, identity};
use crate::ledger::{Draft, Halt, Refusal, authority::needs_officer, words};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::wire::{self, Right};

impl ItemKind for wire::AdmitDepartment {
    fn check(&self) -> Checked {
        code("manager", &self.manager)?;
        new_department(self.department.as_ref())
    }

    fn trails(&self, header: &TxHeader, number: u32) -> Vec<Place> {
        let code = self.department.as_ref().map(|it| it.code.as_str()).unwrap_or_default();
        let [own, root] = identity::trails(code, header.identity_id(number).as_bytes());
        vec![own, root, Place::department_trail(&self.manager)]
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        number: u32,
    ) -> Result<Outcome, Halt> {
        draft.actor(signer, &self.manager, Right::Manage)?;
        needs_officer(draft, signer)?;
        let new = self.department.clone().unwrap_or_default();
        let beneath = !new.parent.is_empty()
            && (new.parent == self.manager
                || department::is_beneath(draft, &new.parent, &self.manager)?);
        if !beneath {
            let (department, above) = (new.code, self.manager.clone());
            return Err(Refusal::NotBeneath { department, above }.into());
        }
        // Who audits and who rules is for all to say.
        for right in [Right::Audit, Right::Regulate] {
            if new.rights.contains(&(right as i32)) {
                return Err(Refusal::RightByVote(words::right(right)).into());
            }
        }
        // Else whoever manages could make a third body of its own, and confirm what two others agreed on.
        if new.body != draft.department(&self.manager)?.body {
            let (body, manager) = (new.body, self.manager.clone());
            return Err(Refusal::BodyByVote { body, manager }.into());
        }
        department::admit(draft, &new, signer.identity_id(number))?;
        Ok(Outcome::DONE)
    }
}
