//! Departments, identities and their keys.

use super::standing;
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::wire::{Department, Identity, IdentityKind, Key, Right};

/// Somebody: department, code, what it is, and the byte that id and key are made of.
#[derive(Clone, Copy)]
pub struct Who(pub &'static str, pub &'static str, pub IdentityKind, pub u8);

pub const MANAGER: Who = Who("gz.bdb", "officer", IdentityKind::Officer, 0x10);
pub const PORTAL: Who = Who("gz.bdb", "portal", IdentityKind::System, 0x20);
pub const GATEWAY: Who = Who("gz.psb", "gateway", IdentityKind::System, 0x30);
pub const OFFICER: Who = Who("gz.psb", "officer", IdentityKind::Officer, 0x40);
pub const AUDITOR: Who = Who("gz.bdb", "auditor", IdentityKind::Auditor, 0x50);
pub const NODE: Who = Who("gz.bdb", "node", IdentityKind::Node, 0x60);

const ALL: [Who; 6] = [MANAGER, PORTAL, GATEWAY, OFFICER, AUDITOR, NODE];

impl Who {
    pub fn id(self) -> Vec<u8> {
        vec![self.3; 32]
    }

    pub fn key(self) -> PrivateKey {
        PrivateKey::from_seed(&[self.3; 32])
    }

    pub fn of_key(key_id: &[u8]) -> Option<Self> {
        ALL.into_iter().find(|it| it.key().public().key_id().as_bytes().as_slice() == key_id)
    }

    pub fn of_id(id: &[u8]) -> Option<Self> {
        ALL.into_iter().find(|it| it.id() == id)
    }

    pub fn identity(self) -> Identity {
        Identity {
            identity_id: self.id(),
            department: self.0.into(),
            code: self.1.into(),
            kind: self.2 as i32,
            standing: standing(),
            events: 3,
            key_ids: vec![self.key().public().key_id().to_vec()],
            ..Identity::default()
        }
    }

    pub fn on_ledger(self) -> Key {
        let public = self.key().public();
        Key {
            key_id: public.key_id().to_vec(),
            algorithm: public.algorithm(),
            public_key: public.as_bytes().to_vec(),
            identity_id: self.id(),
            department: self.0.into(),
            standing: standing(),
        }
    }
}

pub fn identities(department: &str) -> Vec<Identity> {
    let fits = |it: &Who| department.is_empty() || it.0 == department;
    ALL.into_iter().filter(fits).map(Who::identity).collect()
}

pub fn departments() -> Vec<Department> {
    let one = |code: &str, zh: &str, en: &str, rights: &[Right]| Department {
        code: code.into(),
        name_zh: zh.into(),
        name_en: en.into(),
        level: 1,
        division: "52".into(),
        body: code.into(),
        rights: rights.iter().map(|it| *it as i32).collect(),
        standing: standing(),
        root_id: vec![1; 32],
        ..Department::default()
    };
    vec![
        one(
            "gz.bdb",
            "大数据管理局",
            "Big Data Bureau",
            &[Right::Use, Right::Manage, Right::Audit],
        ),
        one("gz.psb", "公安厅", "Public Security", &[Right::Collect]),
    ]
}
