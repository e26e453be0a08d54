//! Items on departments and identities.

use super::DAY;
use crate::items::cosign_message;
use crate::ledger::tests::founders::seeded;
use crate::types::{ChainId, IdentityId};
use crate::wire::{self, IdentityKind, Right, StandingChange, item::Kind};

/// Keys made of names, in order.
pub(crate) fn new_keys(names: &[&str]) -> Vec<wire::NewKey> {
    let mut keys: Vec<_> = names
        .iter()
        .map(|name| wire::NewKey {
            algorithm: wire::Algorithm::Ed25519 as i32,
            public_key: seeded(name).public().as_bytes().to_vec(),
        })
        .collect();
    keys.sort_by(|a, b| a.public_key.cmp(&b.public_key));
    keys
}

pub(crate) fn root_keys(names: &[&str], threshold: u32) -> Option<wire::RootKeys> {
    Some(wire::RootKeys { keys: new_keys(names), threshold })
}

/// A member of the county's level beneath one of the city's, with the right to use.
pub(crate) fn new_department(code: &str, parent: &str) -> wire::NewDepartment {
    wire::NewDepartment {
        code: code.into(),
        name_zh: "某区某局".into(),
        name_en: "Some bureau".into(),
        level: 3,
        division: "520103".into(),
        parent: parent.into(),
        guide: String::new(),
        body: code.into(),
        rights: vec![Right::Use as i32],
        root: root_keys(&[&format!("{code}/root")], 1),
    }
}

pub(crate) fn admit(manager: &str, new: wire::NewDepartment) -> wire::AdmitDepartment {
    wire::AdmitDepartment { manager: manager.into(), department: Some(new) }
}

pub(crate) fn change_department(
    manager: &str,
    department: &str,
    change: StandingChange,
) -> wire::ChangeDepartment {
    wire::ChangeDepartment {
        manager: manager.into(),
        department: department.into(),
        change: change as i32,
        reason_digest: vec![11; 32],
    }
}

/// The lead lets one department follow on another, with an overlap of 30 days.
pub(crate) fn succeed(from: &str, to: &str, now: u64) -> wire::SucceedDepartment {
    wire::SucceedDepartment { lead: "gz.bdb".into(), succession: Some(succession(from, to, now)) }
}

pub(crate) fn succession(from: &str, to: &str, now: u64) -> wire::Succession {
    wire::Succession {
        from: from.into(),
        to: to.into(),
        order_digest: vec![12; 32],
        overlap_until_ms: now + 30 * DAY,
    }
}

/// Registers an identity with one key, made of its name.
pub(crate) fn register_identity(
    department: &str,
    code: &str,
    kind: IdentityKind,
) -> wire::RegisterIdentity {
    wire::RegisterIdentity {
        department: department.into(),
        code: code.into(),
        kind: kind as i32,
        keys: new_keys(&[&format!("{department}/{code}")]),
        duty: String::new(),
        holder: Vec::new(),
        cosignatures: Vec::new(),
        operated_by: String::new(),
    }
}

/// Takes keys up, made of names, and lays keys down.
pub(crate) fn rotate(
    department: &str,
    identity: &IdentityId,
    after: u64,
    (add, end): (&[&str], &[&str]),
) -> wire::RotateKeys {
    let mut end: Vec<_> = end.iter().map(|name| seeded(name).public().key_id().to_vec()).collect();
    end.sort();
    wire::RotateKeys {
        department: department.into(),
        identity_id: identity.to_vec(),
        after,
        add: new_keys(add),
        end,
        cosignatures: Vec::new(),
    }
}

pub(crate) fn change_identity(
    department: &str,
    identity: &IdentityId,
    after: u64,
    change: StandingChange,
) -> wire::ChangeIdentity {
    wire::ChangeIdentity {
        department: department.into(),
        identity_id: identity.to_vec(),
        after,
        change: change as i32,
        reason_digest: vec![13; 32],
        cosignatures: Vec::new(),
    }
}

pub(crate) fn assign(department: &str, identity: &IdentityId, after: u64) -> wire::AssignPost {
    wire::AssignPost {
        department: department.into(),
        identity_id: identity.to_vec(),
        after,
        holder: vec![14; 32],
        cosignatures: Vec::new(),
    }
}

pub(crate) fn replace_root(parent: &str, department: &str, keys: &[&str]) -> wire::ReplaceRoot {
    wire::ReplaceRoot {
        parent: parent.into(),
        department: department.into(),
        root: root_keys(keys, 1),
        reason_digest: vec![15; 32],
    }
}

pub(crate) fn object_to_root(department: &str) -> wire::ObjectToRoot {
    wire::ObjectToRoot { department: department.into() }
}

/// What further keys of a root, made of names, sign to agree to an item.
pub(crate) fn cosignatures(
    chain: &ChainId,
    kind: impl Into<Kind>,
    names: &[&str],
) -> Vec<wire::Cosignature> {
    let message = cosign_message(chain, &kind.into()).unwrap();
    let mut all: Vec<_> = names
        .iter()
        .map(|name| wire::Cosignature {
            key_id: seeded(name).public().key_id().to_vec(),
            signature: seeded(name).sign(&message).to_vec(),
        })
        .collect();
    all.sort_by(|a, b| a.key_id.cmp(&b.key_id));
    all
}
