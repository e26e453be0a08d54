//! Items on departments and identities.

use super::{
    Checked, ascending, code, code_if_given, ensure, id, id_if_given, new_department, new_keys,
    root_keys, standing_change, wrong,
};
use crate::types::limits;
use crate::wire;

pub(super) fn admit_department(it: &wire::AdmitDepartment) -> Checked {
    code("manager", &it.manager)?;
    new_department(it.department.as_ref())
}

pub(super) fn change_department(it: &wire::ChangeDepartment) -> Checked {
    code("manager", &it.manager)?;
    code("department", &it.department)?;
    standing_change("change", it.change)?;
    id("reason_digest", &it.reason_digest)
}

pub(super) fn succeed_department(it: &wire::SucceedDepartment) -> Checked {
    code("lead", &it.lead)?;
    succession(it.succession.as_ref())
}

pub(super) fn succession(given: Option<&wire::Succession>) -> Checked {
    let it = given.ok_or_else(|| wrong("succession", "a succession is needed"))?;
    code("succession.from", &it.from)?;
    code("succession.to", &it.to)?;
    ensure(it.from != it.to, "succession.to", "a department does not follow on itself")?;
    id("succession.order_digest", &it.order_digest)
}

pub(super) fn register_identity(it: &wire::RegisterIdentity) -> Checked {
    code("department", &it.department)?;
    code("code", &it.code)?;
    ensure((1..=6).contains(&it.kind), "kind", "unknown kind of identity")?;
    ensure(!it.keys.is_empty(), "keys", "at least one key is needed")?;
    new_keys("keys", &it.keys)?;
    code_if_given("duty", &it.duty)?;
    id_if_given("holder", &it.holder)?;
    let post = it.kind == wire::IdentityKind::Officer as i32
        || it.kind == wire::IdentityKind::Auditor as i32
        || it.kind == wire::IdentityKind::Regulator as i32;
    ensure(post || it.holder.is_empty(), "holder", "only a post has a holder")?;
    cosignatures(&it.cosignatures)
}

pub(super) fn rotate_keys(it: &wire::RotateKeys) -> Checked {
    code("department", &it.department)?;
    id("identity_id", &it.identity_id)?;
    new_keys("add", &it.add)?;
    ascending("end", &it.end, limits::IDENTITY_KEYS)?;
    for key in &it.end {
        id("end", key)?;
    }
    let does = !it.add.is_empty() || !it.end.is_empty();
    ensure(does, "add", "a key to take up or to lay down is needed")?;
    cosignatures(&it.cosignatures)
}

pub(super) fn change_identity(it: &wire::ChangeIdentity) -> Checked {
    code("department", &it.department)?;
    id("identity_id", &it.identity_id)?;
    standing_change("change", it.change)?;
    id("reason_digest", &it.reason_digest)?;
    cosignatures(&it.cosignatures)
}

pub(super) fn assign_post(it: &wire::AssignPost) -> Checked {
    code("department", &it.department)?;
    id("identity_id", &it.identity_id)?;
    id_if_given("holder", &it.holder)?;
    cosignatures(&it.cosignatures)
}

pub(super) fn replace_root(it: &wire::ReplaceRoot) -> Checked {
    code("parent", &it.parent)?;
    code("department", &it.department)?;
    root_keys(it.root.as_ref())?;
    id("reason_digest", &it.reason_digest)
}

pub(super) fn object_to_root(it: &wire::ObjectToRoot) -> Checked {
    code("department", &it.department)
}

fn cosignatures(list: &[wire::Cosignature]) -> Checked {
    let order: Vec<&[u8]> = list.iter().map(|it| it.key_id.as_slice()).collect();
    ascending("cosignatures", &order, limits::IDENTITY_KEYS)?;
    for it in list {
        id("cosignatures.key_id", &it.key_id)?;
        ensure(it.signature.len() == 64, "cosignatures.signature", "64 bytes are needed")?;
    }
    Ok(())
}
