//! The trails of items on members, proposals and reads, and of those that begin a grant's story.

use super::{all_kinds, identity, signer, transaction};
use crate::items::{kind_name, trails};
use crate::ledger::tests::items::{
    item, new_department, open_reads, propose, read, record_reads, seal_reads, sealed_read,
    succession,
};
use crate::place::{Place, TrailKind};
use crate::types::{IdentityId, RequestId};
use crate::wire::{
    AdmitVoter, Calendar, ChangeMember, SetProtocol, SetRights, SetRoot, SetValidator,
    VoidIntegrity, item::Kind, propose::Change,
};

fn department(code: &str) -> Place {
    Place::department_trail(code)
}

/// What stands behind the key's trail for an item that is the fourth of the transaction.
pub(super) fn filed(kind: impl Into<Kind>) -> Vec<Place> {
    let tx = transaction();
    let found = trails(tx.header(), 3, &item(kind).unwrap());
    assert_eq!(found[0], Place::key_trail(&signer().key.public().key_id()));
    found[1..].to_vec()
}

pub(super) fn sorted(mut places: Vec<Place>) -> Vec<Place> {
    places.sort();
    places
}

/// Where each kind is filed on members, proposals and reads, or that begins or goes on with a story.
fn expected(name: &str) -> Vec<Place> {
    let key = signer().key.public().key_id();
    let dataset = Place::dataset_trail("civil.resident");
    let stated = Place::grant_trail(&RequestId::new([1; 32]));
    let begun = Place::grant_trail(&RequestId::of_event(&key, 9 + 3));
    let made = Place::identity_trail(IdentityId::of_event(&key, 9 + 3).as_bytes());
    let named = Place::identity_trail(identity().as_bytes());
    match name {
        "AdmitDepartment" => vec![department("gy.tax"), department("gz.bdb"), made],
        "ChangeDepartment" => vec![department("gy.tax"), department("gz.bdb")],
        "SucceedDepartment" | "ReplaceRoot" => vec![department("gy.gov"), department("gy.tax")],
        "RegisterIdentity" => vec![department("gz.psb"), made],
        "RotateKeys" | "ChangeIdentity" | "AssignPost" => vec![department("gz.psb"), named],
        "ObjectToRoot" => vec![department("gy.tax")],
        "UpdateDataset" | "RetireDataset" | "PublishVersion" => vec![dataset],
        "OfferStanding" | "OpenEmergency" | "GivePermit" => vec![dataset, begun],
        "DelegateGrant" => sorted(vec![dataset, stated, begun]),
        "Propose" | "Vote" => vec![Place::governance_trail()],
        "RecordReads" | "OpenReads" => vec![named, dataset],
        "OpenAudit" | "CloseAudit" => vec![department("gz.aud")],
        _ => vec![dataset, stated],
    }
}

#[test]
fn each_new_kind_is_filed_where_it_belongs() {
    for kind in all_kinds().into_iter().skip(6).take(30) {
        let name = kind_name(&kind);
        assert_eq!(filed(kind), expected(name), "{name}");
    }
}

/// Nothing is filed twice under one trail, and only the key's own first.
#[test]
fn each_trail_once() {
    let tx = transaction();
    for kind in all_kinds() {
        let name = kind_name(&kind);
        let found = trails(tx.header(), 0, &item(kind).unwrap());
        let mut once = found.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), found.len(), "{name}");
        let keys = found.iter().filter(|it| it.kind() == TrailKind::Key as u8).count();
        assert_eq!(keys, 1, "{name}");
    }
}

/// A proposal about a member stands on that member's trail too.
#[test]
fn proposals_about_members() {
    let code = || "gz.tax".to_owned();
    let new = Some(new_department("gz.new", ""));
    let about_tax: [Change; 5] = [
        Change::AdmitVoter(AdmitVoter { department: None, member: code(), weight: 1 }),
        Change::ChangeMember(ChangeMember { department: code(), change: 1 }),
        Change::SetRights(SetRights { department: code(), rights: Vec::new() }),
        Change::SetRoot(SetRoot {
            department: code(),
            root: crate::ledger::tests::items::root_keys(&["new"], 1),
        }),
        Change::VoidIntegrity(VoidIntegrity {
            department: code(),
            from_height: 1,
            until_height: 2,
            rules: Vec::new(),
        }),
    ];
    for change in about_tax {
        let expected = [department("gz.tax"), Place::governance_trail()];
        assert_eq!(filed(propose("gz.bdb", change)), expected);
    }
    let admission = AdmitVoter { department: new, member: String::new(), weight: 1 };
    let expected = [department("gz.new"), Place::governance_trail()];
    assert_eq!(filed(propose("gz.bdb", Change::AdmitVoter(admission))), expected);
    let validator = crate::wire::Validator { key_id: vec![1; 32], ..Default::default() };
    // A succession is about both.
    for (from, to) in [("gz.tax", "gz.hrss"), ("gz.hrss", "gz.tax")] {
        let change = Change::Succeed(succession(from, to, 1));
        let expected = [department("gz.hrss"), department("gz.tax"), Place::governance_trail()];
        assert_eq!(filed(propose("gz.bdb", change)), expected);
    }
    let about_nobody: [Change; 4] = [
        Change::RemovePeer(crate::wire::RemovePeer { peer_id: "12D3".into() }),
        Change::SetCalendar(Calendar::default()),
        Change::SetProtocol(SetProtocol { protocol: 2, height: 9 }),
        Change::SetValidator(SetValidator { validator: Some(validator), peer: None }),
    ];
    for change in about_nobody {
        assert_eq!(filed(propose("gz.bdb", change)), [Place::governance_trail()]);
    }
}

/// A read stands on the trail that was read, but not where numbers count something.
#[test]
fn reads_of_trails_of_each_kind() {
    let reader = Place::identity_trail(identity().as_bytes());
    let ids: [(TrailKind, Vec<u8>); 10] = [
        (TrailKind::Key, vec![3; 32]),
        (TrailKind::Department, b"gz.tax".to_vec()),
        (TrailKind::Identity, vec![3; 32]),
        (TrailKind::Dataset, b"civil.core".to_vec()),
        (TrailKind::Grant, vec![3; 32]),
        (TrailKind::Use, vec![3; 32]),
        (TrailKind::Subject, [b"gz.psb".as_slice(), &[3; 32]].concat()),
        (TrailKind::Integrity, b"gz.tax".to_vec()),
        (TrailKind::Governance, Vec::new()),
        (TrailKind::Gateway, vec![3; 32]),
    ];
    for (kind, id) in ids {
        let mut it = read("gz.aud", &identity());
        (it.trail_kind, it.trail_id) = (kind as u32, id.clone());
        let counted = matches!(kind, TrailKind::Key | TrailKind::Use | TrailKind::Gateway);
        let was_read = (!counted).then(|| Place::trail(kind, &id));
        let expected = sorted([reader.clone()].into_iter().chain(was_read).collect());
        assert_eq!(filed(record_reads("gz.bdb", vec![it])), expected, "{kind:?}");
    }
}

/// What is sealed stands on the auditing department's trail alone; opened, where it was read.
#[test]
fn sealed_reads() {
    let it = sealed_read("gz.aud", &identity(), 1);
    let sealing = seal_reads("gz.bdb", "2026-01", std::slice::from_ref(&it));
    assert_eq!(filed(sealing), [department("gz.aud")]);
    let opened = filed(open_reads("gz.bdb", ("gz.aud", "2026-01"), &[it.clone(), it], &[0, 1]));
    let reader = Place::identity_trail(identity().as_bytes());
    assert_eq!(opened, [reader, Place::dataset_trail("civil.resident")]);
}
