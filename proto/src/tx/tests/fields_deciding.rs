//! Proposals, votes and reads that can't be: each field, bent.

use super::bend::at_fault;
use super::identity;
use crate::ledger::tests::items::{
    new_department, propose, read, root_keys, seal_reads, sealed_read, succession,
};
use crate::wire::{
    AdmitVoter, ChangeMember, Parameters, Peer, ReadRequest, RecordReads, RemovePeer,
    SetParameters, SetProtocol, SetRights, SetRoot, SetValidator, TrailRead, Validator,
    VoidIntegrity, propose::Change,
};

#[test]
fn proposals_and_votes() {
    wrong!(Propose,
        "department": |it| it.department.clear(),
        "reference": |it| it.reference = "关于…的提案".into(),
        "reason_digest": |it| it.reason_digest.clear(),
        "change": |it| it.change = None,
    );
    right!(Vote, |it| it.approve = false);
    wrong!(Vote,
        "department": |it| it.department.clear(),
        "proposal_id": |it| it.proposal_id.clear(),
    );
}

/// The field at fault of a proposal of this change.
fn fault(change: Change) -> Option<&'static str> {
    at_fault(propose("gz.bdb", change).into())
}

fn admitted(bend: impl FnOnce(&mut AdmitVoter)) -> Option<&'static str> {
    let department = Some(new_department("gz.new", ""));
    let mut it = AdmitVoter { department, member: String::new(), weight: 1 };
    bend(&mut it);
    fault(Change::AdmitVoter(it))
}

#[test]
fn changes_of_members() {
    assert_eq!(admitted(|_| {}), None);
    assert_eq!(admitted(|it| (it.department, it.member) = (None, "gz.tax".into())), None);
    let no_vote = |it: &mut AdmitVoter| {
        *it = AdmitVoter { department: None, member: "gz.tax".into(), weight: 0 };
    };
    assert_eq!(admitted(no_vote), None);
    assert_eq!(admitted(|it| it.weight = 0), None);
    assert_eq!(admitted(|it| it.member = "gz.tax".into()), Some("admit_voter.member"));
    assert_eq!(admitted(|it| it.department = None), Some("department"));
    let bad_code = |it: &mut AdmitVoter| (it.department, it.member) = (None, "-".into());
    assert_eq!(admitted(bad_code), Some("admit_voter.member"));

    let changed = |department: &str, change| {
        fault(Change::ChangeMember(ChangeMember { department: department.into(), change }))
    };
    assert_eq!(changed("gz.tax", 1), None);
    assert_eq!(changed("", 1), Some("change_member.department"));
    assert_eq!(changed("gz.tax", 0), Some("change_member.change"));
    let rights = |department: &str, rights: &[i32]| {
        let (department, rights) = (department.into(), rights.to_vec());
        fault(Change::SetRights(SetRights { department, rights }))
    };
    assert_eq!(rights("gz.tax", &[]), None);
    assert_eq!(rights("", &[]), Some("set_rights.department"));
    assert_eq!(rights("gz.tax", &[6]), Some("set_rights.rights"));
    assert_eq!(rights("gz.tax", &[2, 1]), Some("set_rights.rights"));
    let root = |department: &str, threshold| {
        let root = root_keys(&["new"], threshold);
        fault(Change::SetRoot(SetRoot { department: department.into(), root }))
    };
    assert_eq!(root("gz.tax", 1), None);
    assert_eq!(root("", 1), Some("set_root.department"));
    assert_eq!(root("gz.tax", 2), Some("root.threshold"));
    let peer = |peer_id: &str| fault(Change::RemovePeer(RemovePeer { peer_id: peer_id.into() }));
    assert_eq!(peer("12D3KooW"), None);
    for bad in ["", "a b", "对等", &"x".repeat(257)] {
        assert_eq!(peer(bad), Some("remove_peer.peer_id"), "{bad}");
    }
    let void = |department: &str, heights: (u64, u64), rules: &[i32]| {
        fault(Change::VoidIntegrity(VoidIntegrity {
            department: department.into(),
            from_height: heights.0,
            until_height: heights.1,
            rules: rules.to_vec(),
        }))
    };
    assert_eq!(void("gz.psb", (1, 1), &[]), None);
    assert_eq!(void("gz.psb", (7, 9), &[1, 2, 16]), None);
    assert_eq!(void("", (7, 9), &[]), Some("void_integrity.department"));
    for heights in [(0, 9), (9, 8)] {
        assert_eq!(void("gz.psb", heights, &[]), Some("void_integrity.from_height"));
    }
    for rules in [&[0][..], &[2, 1], &[1, 1], &[17], &[-1]] {
        assert_eq!(void("gz.psb", (7, 9), rules), Some("void_integrity.rules"), "{rules:?}");
    }
    assert_eq!(fault(Change::Succeed(succession("a", "b", 1))), None);
    assert_eq!(fault(Change::Succeed(succession("a", "a", 1))), Some("succession.to"));
}

fn validator(bend: impl FnOnce(&mut SetValidator)) -> Option<&'static str> {
    let validator = Validator { key_id: vec![1; 32], power: 1, ..Validator::default() };
    let peer = Peer { department: "gz.tax".into(), peer_id: "12D3".into(), ..Peer::default() };
    let mut it = SetValidator { validator: Some(validator), peer: Some(peer) };
    bend(&mut it);
    fault(Change::SetValidator(it))
}

fn peer(it: &mut SetValidator) -> &mut Peer {
    it.peer.as_mut().unwrap()
}

#[test]
fn changes_of_validators() {
    assert_eq!(validator(|_| {}), None);
    assert_eq!(validator(|it| it.peer = None), None);
    let long = "x".repeat(256);
    assert_eq!(validator(|it| peer(it).gossip_address = long.clone()), None);
    assert_eq!(validator(|it| it.validator = None), Some("set_validator.validator"));
    let of = |it: &mut SetValidator, bend: fn(&mut Validator)| bend(it.validator.as_mut().unwrap());
    let key_id = validator(|it| of(it, |it| it.key_id.clear()));
    assert_eq!(key_id, Some("set_validator.validator.key_id"));
    let cosigner = validator(|it| of(it, |it| it.cosigner_key = vec![1; 31]));
    assert_eq!(cosigner, Some("set_validator.validator.cosigner_key"));
    let department = validator(|it| peer(it).department.clear());
    assert_eq!(department, Some("set_validator.peer.department"));
    let bends: [fn(&mut Peer); 4] = [
        |it| it.peer_id.clear(),
        |it| it.peer_id = "x".repeat(257),
        |it| it.consensus_address = "a b".into(),
        |it| it.gossip_address = "地址".into(),
    ];
    for bend in bends {
        assert_eq!(validator(|it| bend(peer(it))), Some("set_validator.peer"));
    }
}

#[test]
fn changes_of_settings() {
    let settings =
        |parameters, basis| fault(Change::SetParameters(SetParameters { parameters, basis }));
    assert_eq!(settings(Some(Parameters::default()), vec![1; 32]), None);
    assert_eq!(settings(None, vec![1; 32]), Some("set_parameters.parameters"));
    assert_eq!(settings(Some(Parameters::default()), vec![]), Some("set_parameters.basis"));
    let protocol = |protocol, height| fault(Change::SetProtocol(SetProtocol { protocol, height }));
    assert_eq!(protocol(1, 1), None);
    assert_eq!(protocol(0, 1), Some("set_protocol"));
    assert_eq!(protocol(1, 0), Some("set_protocol"));
}

fn r(it: &mut RecordReads) -> &mut TrailRead {
    &mut it.reads[0]
}

/// What its reader signed.
fn q(it: &mut RecordReads) -> &mut ReadRequest {
    r(it).request.as_mut().unwrap()
}

/// A list in place of the trail.
fn listed(it: &mut RecordReads, list: &str) {
    let it = r(it);
    (it.trail_kind, it.trail_id, it.list) = (0, Vec::new(), list.into());
}

/// An item with so many open reads and so many sealed.
fn both(it: &mut RecordReads, open: usize, sealed: usize) {
    let one = sealed_read("gz.aud", &identity(), 1);
    // As many as fit into an item.
    let small = read("gz.aud", &identity());
    it.reads = vec![small; open];
    it.sealed = vec![seal_reads("gz.bdb", "2026-01", &[one]).sealed[0].clone(); sealed];
}

#[test]
fn reads() {
    right!(
        RecordReads,
        |it| both(it, 28, 100),
        |it| both(it, 0, 1),
        |it| (r(it).first, r(it).count, r(it).time_ms) = (0, 0, 0),
        |it| (r(it).trail_kind, r(it).trail_id) = (1, vec![1; 32]),
        |it| (r(it).trail_kind, r(it).trail_id) = (10, vec![]),
        |it| listed(it, "requests"),
    );
    wrong!(RecordReads,
        "department": |it| it.department.clear(),
        "reads": |it| it.reads.clear(),
        "reads": |it| both(it, 1, 128),
        "reads.department": |it| r(it).department.clear(),
        "reads.identity_id": |it| r(it).identity_id.clear(),
        "reads.trail_kind": |it| r(it).trail_kind = 0,
        "reads.trail_kind": |it| r(it).trail_kind = 128,
        "reads.trail_kind": |it| r(it).trail_kind = 256 + 4,
        "reads.trail_id": |it| r(it).trail_id.clear(),
        "reads.trail_id": |it| r(it).trail_kind = 1,
        "reads.salt": |it| r(it).salt = vec![1; 32],
        "sealed.department": |it| { both(it, 0, 1); it.sealed[0].department.clear(); },
        "sealed.audit": |it| { both(it, 0, 1); it.sealed[0].audit.clear(); },
        "sealed.root": |it| { both(it, 0, 1); it.sealed[0].root.clear(); },
        "sealed.count": |it| { both(it, 0, 1); it.sealed[0].count = 0; },
        "sealed.count": |it| { both(it, 0, 1); it.sealed[0].count = 129; },
        "reads.request": |it| r(it).request = None,
        "reads.request.key_id": |it| q(it).key_id.clear(),
        "reads.request.call_digest": |it| q(it).call_digest.clear(),
        "reads.request.time_ms": |it| q(it).time_ms = 0,
        "reads.request.nonce": |it| q(it).nonce.clear(),
        "reads.request.node": |it| q(it).node = vec![1; 31],
        "reads.request.audit": |it| q(it).audit = "2026-01".into(),
        "reads.request.audit": |it| q(it).audit = "-".into(),
        "reads.request.signature": |it| q(it).signature.clear(),
        "reads.list": |it| r(it).list = "requests".into(),
        "reads.list": |it| listed(it, "-"),
        "reads.list": |it| { listed(it, "requests"); r(it).first = 1; },
    );
}

#[test]
fn audits() {
    wrong!(OpenAudit,
        "department": |it| it.department.clear(),
        "audit": |it| it.audit = "2026 年审计".into(),
        "until_ms": |it| it.until_ms = 0,
    );
    wrong!(CloseAudit,
        "department": |it| it.department.clear(),
        "audit": |it| it.audit.clear(),
    );
    wrong!(OpenReads,
        "department": |it| it.department.clear(),
        "audit_department": |it| it.audit_department.clear(),
        "audit": |it| it.audit.clear(),
        "reads": |it| it.reads.clear(),
        "root": |it| it.root.clear(),
        "sealed_by": |it| it.sealed_by.clear(),
        "reads.index": |it| it.reads = vec![it.reads[0].clone(); 2],
        "reads.index": |it| it.reads[0].index = 128,
        "reads.index": |it| it.reads[0].path = vec![vec![1; 32]; 8],
        "reads.path": |it| it.reads[0].path = vec![vec![1; 31]],
        "reads.read": |it| it.reads[0].read = None,
        "reads.salt": |it| it.reads[0].read.as_mut().unwrap().salt.clear(),
        "reads.trail_id": |it| it.reads[0].read.as_mut().unwrap().trail_id.clear(),
    );
}
