//! Items on departments and identities that can't be: each field of each kind, bent.

use crate::ledger::tests::items::new_keys;
use crate::wire::{
    AdmitDepartment, Cosignature, NewDepartment, RegisterIdentity, Right, RootKeys,
    SucceedDepartment, Succession,
};

fn n(it: &mut AdmitDepartment) -> &mut NewDepartment {
    it.department.as_mut().unwrap()
}

fn root(it: &mut AdmitDepartment) -> &mut RootKeys {
    n(it).root.as_mut().unwrap()
}

/// Distinct keys, so many.
fn keys(count: usize) -> Vec<crate::wire::NewKey> {
    let names: Vec<String> = (0..count).map(|number| format!("key-{number}")).collect();
    new_keys(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn new_departments() {
    right!(
        AdmitDepartment,
        |it| n(it).name_zh.clear(),
        |it| n(it).name_en.clear(),
        |it| n(it).name_en = "x".repeat(256),
        |it| n(it).parent.clear(),
        |it| n(it).guide = "gz.tax".into(),
        |it| n(it).division.clear(),
        |it| n(it).rights.clear(),
        |it| n(it).rights = (1..=5).collect(),
        |it| (n(it).level, n(it).division) = (5, "5".repeat(12)),
        |it| *root(it) = RootKeys { keys: keys(64), threshold: 64 },
    );
    wrong!(AdmitDepartment,
        "manager": |it| it.manager.clear(),
        "department": |it| it.department = None,
        "department.code": |it| n(it).code = "市公安局".into(),
        "department.code": |it| n(it).code = "a".repeat(65),
        "department.name_zh": |it| n(it).name_zh = "局".repeat(86),
        "department.name_zh": |it| n(it).name_zh = "a\nb".into(),
        "department.name_zh": |it| { n(it).name_zh.clear(); n(it).name_en.clear(); },
        "department.name_en": |it| n(it).name_en = "x".repeat(257),
        "department.level": |it| n(it).level = 0,
        "department.level": |it| n(it).level = 6,
        "department.division": |it| n(it).division = "5".repeat(13),
        "department.division": |it| n(it).division = "52-01".into(),
        "department.parent": |it| n(it).parent = "-".into(),
        "department.guide": |it| n(it).guide = "-".into(),
        "department.body": |it| n(it).body.clear(),
        "department.rights": |it| n(it).rights = vec![2, 1],
        "department.rights": |it| n(it).rights = vec![1, 1],
        "department.rights": |it| n(it).rights = vec![0],
        "department.rights": |it| n(it).rights = vec![Right::Regulate as i32 + 1],
    );
}

#[test]
fn root_keys() {
    wrong!(AdmitDepartment,
        "root": |it| n(it).root = None,
        "root.keys": |it| *root(it) = RootKeys { keys: keys(65), threshold: 1 },
        "root.keys": |it| root(it).keys[0].algorithm = 0,
        "root.keys": |it| root(it).keys[0].algorithm = 2,
        "root.keys": |it| root(it).keys[0].public_key.truncate(31),
        "root.keys": |it| root(it).keys[0].public_key = vec![0; 32],
        "root.keys": |it| { let twice = root(it).keys[0].clone(); root(it).keys.push(twice); },
        "root.keys": |it| {
            *root(it) = RootKeys { keys: keys(2), threshold: 1 };
            root(it).keys.swap(0, 1);
        },
        "root.threshold": |it| root(it).threshold = 0,
        "root.threshold": |it| root(it).threshold = 2,
        "root.threshold": |it| { root(it).keys.clear(); root(it).threshold = 0; },
    );
    wrong!(ReplaceRoot,
        "parent": |it| it.parent.clear(),
        "department": |it| it.department.clear(),
        "root": |it| it.root = None,
        "root.threshold": |it| it.root.as_mut().unwrap().threshold = 9,
        "reason_digest": |it| it.reason_digest.clear(),
    );
    wrong!(ObjectToRoot, "department": |it| it.department = "A".into());
}

fn s(it: &mut SucceedDepartment) -> &mut Succession {
    it.succession.as_mut().unwrap()
}

#[test]
fn departments() {
    right!(ChangeDepartment, |it| it.change = 1, |it| it.change = 2, |it| it.change = 3);
    wrong!(ChangeDepartment,
        "manager": |it| it.manager.clear(),
        "department": |it| it.department.clear(),
        "change": |it| it.change = 0,
        "change": |it| it.change = 4,
        "change": |it| it.change = -1,
        "reason_digest": |it| it.reason_digest.truncate(31),
    );
    right!(SucceedDepartment, |it| s(it).overlap_until_ms = 0);
    wrong!(SucceedDepartment,
        "lead": |it| it.lead.clear(),
        "succession": |it| it.succession = None,
        "succession.from": |it| s(it).from.clear(),
        "succession.to": |it| s(it).to.clear(),
        "succession.to": |it| s(it).to = s(it).from.clone(),
        "succession.order_digest": |it| s(it).order_digest.push(0),
    );
}

fn cosigned(it: &mut RegisterIdentity, ids: &[u8]) {
    let one = |id: &u8| Cosignature { key_id: vec![*id; 32], signature: vec![1; 64] };
    it.cosignatures = ids.iter().map(one).collect();
}

#[test]
fn registrations() {
    right!(
        RegisterIdentity,
        |it| it.duty = "d".into(),
        |it| it.holder = vec![1; 32],
        |it| (it.kind, it.holder) = (5, vec![1; 32]),
        |it| (it.kind, it.holder) = (6, vec![1; 32]),
        |it| it.kind = 1,
        |it| it.kind = 4,
        |it| (it.kind, it.operated_by) = (3, "gz.bdb".into()),
        |it| it.keys = keys(64),
        |it| cosigned(it, &(0..64).collect::<Vec<u8>>()),
    );
    wrong!(RegisterIdentity,
        "department": |it| it.department.clear(),
        "code": |it| it.code = "张三".into(),
        "kind": |it| it.kind = 0,
        "kind": |it| it.kind = 7,
        "operated_by": |it| it.operated_by = "gz.bdb".into(),
        "operated_by": |it| (it.kind, it.operated_by) = (3, "大数据局".into()),
        "keys": |it| it.keys.clear(),
        "keys": |it| it.keys = keys(65),
        "keys": |it| it.keys[0].public_key.clear(),
        "duty": |it| it.duty = "-".into(),
        "holder": |it| it.holder = vec![1; 31],
        "holder": |it| (it.kind, it.holder) = (3, vec![1; 32]),
        "holder": |it| (it.kind, it.holder) = (4, vec![1; 32]),
        "cosignatures": |it| cosigned(it, &[2, 1]),
        "cosignatures": |it| cosigned(it, &[1, 1]),
        "cosignatures": |it| cosigned(it, &(0..65).collect::<Vec<u8>>()),
        "cosignatures.key_id": |it| { cosigned(it, &[1]); it.cosignatures[0].key_id.pop(); },
        "cosignatures.signature": |it| { cosigned(it, &[1]); it.cosignatures[0].signature.pop(); },
    );
}

#[test]
fn lives_of_identities() {
    right!(RotateKeys, |it| it.add.clear(), |it| it.end.clear(), |it| it.after = 0);
    wrong!(RotateKeys,
        "department": |it| it.department.clear(),
        "identity_id": |it| it.identity_id.truncate(31),
        "add": |it| it.add[0].algorithm = 7,
        "add": |it| { it.add.clear(); it.end.clear(); },
        "end": |it| it.end[0].pop().map_or((), drop),
        "end": |it| it.end = vec![vec![2; 32], vec![1; 32]],
        "end": |it| it.end = (0..65).map(|n| vec![n; 32]).collect(),
        "cosignatures.signature": |it| {
            it.cosignatures = vec![Cosignature { key_id: vec![1; 32], signature: vec![] }];
        },
    );
    wrong!(ChangeIdentity,
        "department": |it| it.department.clear(),
        "identity_id": |it| it.identity_id.clear(),
        "change": |it| it.change = 0,
        "reason_digest": |it| it.reason_digest.clear(),
        "cosignatures.key_id": |it| it.cosignatures = vec![Cosignature::default()],
    );
    right!(AssignPost, |it| it.holder.clear());
    wrong!(AssignPost,
        "department": |it| it.department.clear(),
        "identity_id": |it| it.identity_id.clear(),
        "holder": |it| it.holder = b"Zhang San".to_vec(),
        "cosignatures.key_id": |it| it.cosignatures = vec![Cosignature::default()],
    );
}
