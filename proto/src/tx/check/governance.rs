//! Items by which the consortium decides.

use super::{
    Checked, code, ensure, id, id_if_given, member, new_department, rights, root_keys,
    standing_change, wrong,
};
use crate::wire::{self, propose::Change};

/// Bytes of a multiaddress or a peer id.
const ADDRESS_LENGTH: usize = 256;

pub(super) fn propose(it: &wire::Propose) -> Checked {
    code("department", &it.department)?;
    code("reference", &it.reference)?;
    id("reason_digest", &it.reason_digest)?;
    let change = it.change.as_ref().ok_or_else(|| wrong("change", "a change is needed"))?;
    match change {
        Change::AdmitVoter(it) if it.member.is_empty() => {
            ensure(it.weight > 0, "admit_voter.weight", "a new member gets a weight")?;
            new_department(it.department.as_ref())
        }
        Change::AdmitVoter(it) => {
            let one = it.department.is_none();
            ensure(one, "admit_voter.member", "a new department or a member: one of the two")?;
            code("admit_voter.member", &it.member)
        }
        Change::ChangeMember(it) => {
            code("change_member.department", &it.department)?;
            standing_change("change_member.change", it.change)
        }
        Change::SetRights(it) => {
            code("set_rights.department", &it.department)?;
            rights("set_rights.rights", &it.rights)
        }
        Change::SetValidator(it) => set_validator(it),
        Change::SetParameters(it) => {
            ensure(it.parameters.is_some(), "set_parameters.parameters", "parameters are needed")?;
            id("set_parameters.basis", &it.basis)
        }
        Change::SetCalendar(_) => Ok(()),
        Change::SetProtocol(it) => {
            ensure(it.protocol > 0 && it.height > 0, "set_protocol", "a version and a height")
        }
        Change::SetRoot(it) => {
            code("set_root.department", &it.department)?;
            root_keys(it.root.as_ref())
        }
        Change::Succeed(it) => member::succession(Some(it)),
    }
}

fn set_validator(it: &wire::SetValidator) -> Checked {
    let field = "set_validator.validator";
    let validator = it.validator.as_ref().ok_or_else(|| wrong(field, "a validator is needed"))?;
    id("set_validator.validator.key_id", &validator.key_id)?;
    id_if_given("set_validator.validator.cosigner_key", &validator.cosigner_key)?;
    let Some(peer) = &it.peer else { return Ok(()) };
    code("set_validator.peer.department", &peer.department)?;
    let texts = [&peer.peer_id, &peer.consensus_address, &peer.gossip_address];
    let fits = texts
        .iter()
        .all(|text| text.len() <= ADDRESS_LENGTH && text.bytes().all(|b| b.is_ascii_graphic()));
    ensure(fits && !peer.peer_id.is_empty(), "set_validator.peer", "a peer id and addresses")
}

pub(super) fn vote(it: &wire::Vote) -> Checked {
    code("department", &it.department)?;
    id("proposal_id", &it.proposal_id)
}
