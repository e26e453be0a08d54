//! Events of the ledger's own: where each is filed, and what bytes are none.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "a test whose sum overflows has failed, as it should"
)]

use crate::canonical::CanonicalError;
use crate::event::ledger::LedgerEvent;
use crate::place::{Place, TrailKind};
use crate::types::limits;
use crate::wire::{self, ledger_event::Kind};
use proptest::prelude::*;
use prost::Message;

const REQUEST: [u8; 32] = [1; 32];

fn cause() -> wire::Cause {
    wire::Cause { key_id: vec![2; 32], number: 7 }
}

/// One of each kind, in the order of the `.proto`.
fn kinds() -> Vec<Kind> {
    [ruling_kinds().to_vec(), answering_kinds().to_vec(), record_kinds().to_vec()].concat()
}

fn ruling_kinds() -> [Kind; 10] {
    let (request_id, dataset) = (REQUEST.to_vec(), "civil.resident".to_owned());
    let (department, using_department) = ("gz.psb".to_owned(), "gz.hrss".to_owned());
    [
        Kind::DeadlineMissed(wire::DeadlineMissed {
            deadline: 1,
            department: department.clone(),
            request_id: request_id.clone(),
            dataset: dataset.clone(),
            due_ms: 5,
        }),
        Kind::GrantEnded(wire::GrantEnded {
            end: 1,
            request_id: request_id.clone(),
            dataset: dataset.clone(),
            using_department: using_department.clone(),
        }),
        Kind::EmergencyNotRatified(wire::EmergencyNotRatified {
            department: department.clone(),
            request_id: request_id.clone(),
            dataset: dataset.clone(),
        }),
        Kind::CollectorTold(wire::CollectorTold {
            collector: department.clone(),
            request_id,
            dataset,
            using_department: using_department.clone(),
        }),
        Kind::DepartmentChanged(wire::DepartmentChanged {
            department: department.clone(),
            change: 1,
            because_of: using_department.clone(),
        }),
        Kind::MemberChanged(wire::MemberChanged { department: department.clone() }),
        Kind::RootReplaced(wire::RootReplaced {
            department: department.clone(),
            old_root_id: vec![3; 32],
            new_root_id: vec![4; 32],
        }),
        Kind::DepartmentSucceeded(wire::DepartmentSucceeded {
            from: department,
            to: using_department,
            over: false,
        }),
        Kind::ProposalEnded(wire::ProposalEnded {
            end: 1,
            proposal_id: vec![5; 32],
            refusal: String::new(),
        }),
        Kind::CalendarMissing(wire::CalendarMissing { year: 2027 }),
    ]
}

/// Those by which accesses are answered for.
fn answering_kinds() -> [Kind; 3] {
    [
        Kind::IntegrityRaised(wire::IntegrityRaised {
            department: "gz.psb".into(),
            number: 1,
            rule: 2,
            identity_id: vec![6; 32],
            dataset: "civil.resident".into(),
            request_id: REQUEST.to_vec(),
            count: 1,
            provisional_until_ms: 5,
        }),
        Kind::IntegritySettled(wire::IntegritySettled {
            department: "gz.psb".into(),
            number: 1,
            rule: 2,
            identity_id: Vec::new(),
            end: 1,
            count: 1,
            points: 20_000,
            decay: 9_962,
        }),
        Kind::AlertRaised(wire::AlertRaised {
            department: "gz.psb".into(),
            number: 1,
            watch: 1,
            identity_id: vec![6; 32],
            dataset: "civil.resident".into(),
            request_id: REQUEST.to_vec(),
            cause: "no_grant".into(),
        }),
    ]
}

/// Those of what was recorded, and of what was made of it.
fn record_kinds() -> [Kind; 3] {
    [
        Kind::RecordsCorrected(wire::RecordsCorrected {
            correction_id: vec![7; 32],
            collector: "gz.psb".into(),
            from_department: "gz.hrss".into(),
            from_identity_id: vec![8; 32],
            to_department: "gz.hrss".into(),
            to_identity_id: vec![9; 32],
            outcomes: vec![17],
        }),
        Kind::ProductMarked(wire::ProductMarked {
            product_id: vec![10; 32],
            department: "gz.hrss".into(),
            request_id: REQUEST.to_vec(),
        }),
        Kind::RecordCorrected(wire::RecordCorrected {
            correction_id: vec![7; 32],
            collector: "gz.psb".into(),
            gateway_id: vec![11; 32],
            access_no: 3,
            outcome: 17,
            request_ids: vec![REQUEST.to_vec(), vec![12; 32]],
            tags: vec![vec![13; 32], vec![14; 32]],
        }),
    ]
}

fn all() -> Vec<LedgerEvent> {
    kinds().into_iter().map(|kind| LedgerEvent::new(cause(), kind)).collect()
}

#[test]
fn each_kind_is_filed_where_it_belongs() {
    let story = [
        Place::dataset_trail("civil.resident"),
        Place::grant_trail(&crate::types::RequestId::new(REQUEST)),
    ];
    let with = |more: Place| [story.as_slice(), &[more]].concat();
    let psb = Place::department_trail("gz.psb");
    let integrity = Place::integrity_trail("gz.psb");
    let roots = [[3; 32], [4; 32]].map(|id| Place::identity_trail(&id));
    let mut raised = with(integrity.clone());
    raised.push(Place::identity_integrity_trail(&[6; 32]));
    let marked = vec![Place::trail(TrailKind::Grant, &REQUEST), Place::product_trail(&[10; 32])];
    let expected = [
        story.to_vec(),
        story.to_vec(),
        story.to_vec(),
        story.to_vec(),
        vec![psb.clone()],
        vec![psb.clone()],
        [std::slice::from_ref(&psb), &roots].concat(),
        vec![Place::department_trail("gz.hrss"), psb],
        vec![Place::governance_trail()],
        vec![Place::governance_trail()],
        raised,
        vec![integrity],
        vec![Place::alert_trail("gz.psb")],
        [[8; 32], [9; 32]].map(|id| Place::identity_trail(&id)).to_vec(),
        marked,
        of_one_record(),
    ];
    assert_eq!(all().len(), expected.len());
    for (event, expected) in all().iter().zip(expected) {
        assert_eq!(event.trails(), expected, "{}", event.name());
    }
}

/// Whoever used a grant, and whoever was read about, hears of a record that is judged again.
fn of_one_record() -> Vec<Place> {
    let mut trails = [REQUEST, [12; 32]].map(|id| Place::trail(TrailKind::Use, &id)).to_vec();
    trails.extend([[13; 32], [14; 32]].map(|tag| Place::subject_trail("gz.psb", &tag)));
    trails.push(Place::trail(TrailKind::Gateway, &[11; 32]));
    trails
}

/// A department that had no root, and one that follows on itself: each trail once, and no other.
#[test]
fn each_trail_once() {
    let first = wire::RootReplaced {
        department: "gz.psb".into(),
        old_root_id: Vec::new(),
        new_root_id: vec![4; 32],
    };
    let event = LedgerEvent::new(cause(), Kind::RootReplaced(first));
    let expected = [Place::department_trail("gz.psb"), Place::identity_trail(&[4; 32])];
    assert_eq!(event.trails(), expected);
    let both = || "gz.psb".to_owned();
    let same = wire::DepartmentSucceeded { from: both(), to: both(), over: true };
    let event = LedgerEvent::new(cause(), Kind::DepartmentSucceeded(same));
    assert_eq!(event.trails(), [Place::department_trail("gz.psb")]);
}

#[test]
fn what_is_made_comes_back() {
    for event in all() {
        let again = LedgerEvent::parse(event.bytes()).unwrap();
        assert_eq!((&again, again.digest()), (&event, event.digest()));
        assert_eq!((again.cause(), again.kind()), (&cause(), event.kind()));
    }
    let digests: std::collections::BTreeSet<_> = all().iter().map(LedgerEvent::digest).collect();
    assert_eq!(digests.len(), 16);
}

#[test]
fn kinds_are_named_as_in_the_proto() {
    let source = include_str!("../../../liuhen/v1/event.proto");
    for (tag, event) in (2..).zip(all()) {
        let line = source
            .lines()
            .find(|it| it.ends_with(&format!(" = {tag};")) && it.contains(event.name()));
        assert!(line.is_some(), "{} = {tag}", event.name());
    }
}

/// If these change, the events of every chain change with them.
#[test]
fn bytes_are_pinned() {
    let missing = &all()[9];
    let expected = format!("0a240a20{}1007{}", "02".repeat(32), "5a0308eb0f");
    assert_eq!(hex::encode(missing.bytes()), expected);
    assert_ne!(missing.digest(), crate::items::item_digest(missing.bytes()));
}

fn encoded(cause: Option<wire::Cause>, kind: Option<Kind>) -> Vec<u8> {
    wire::LedgerEvent { cause, kind }.encode_to_vec()
}

#[test]
fn what_says_nothing_is_none() {
    let malformed = |bytes: &[u8]| match LedgerEvent::parse(bytes) {
        Err(CanonicalError::Malformed { what, .. }) => assert_eq!(what, "ledger event"),
        other => panic!("{other:?}"),
    };
    malformed(&[]);
    malformed(&encoded(None, Some(kinds()[0].clone())));
    malformed(&encoded(Some(cause()), None));
    let long = vec![0; limits::ITEM_BYTES + 1];
    assert!(matches!(LedgerEvent::parse(&long), Err(CanonicalError::TooLong { .. })));
}

/// Bytes that a lenient decoder would mend: an unknown field, a default written out, fields out of
/// order or twice, a long varint, an enum value beyond those known.
#[test]
fn what_a_decoder_must_not_mend() {
    let good = all()[0].bytes().to_vec();
    assert!(LedgerEvent::parse(&good).is_ok());
    let cause = encoded(Some(cause()), None);
    let kind = encoded(None, Some(kinds()[0].clone()));
    assert_eq!([cause.as_slice(), &kind].concat(), good);
    let missing = encoded(None, Some(kinds()[9].clone()));
    let calendar = |inner: &[u8]| {
        let length = u8::try_from(inner.len()).unwrap();
        [cause.as_slice(), &[0x5a, length], inner].concat()
    };
    assert!(LedgerEvent::parse(&calendar(&[0x08, 0xeb, 0x0f])).is_ok());
    let bad = [
        ("an unknown field", [good.as_slice(), &[0x62, 0]].concat()),
        ("out of order", [kind.as_slice(), &cause].concat()),
        ("the cause twice", [cause.as_slice(), &cause, &kind].concat()),
        ("two kinds", [good.as_slice(), &missing].concat()),
        ("a default written out", calendar(&[0x08, 0])),
        ("a long varint", calendar(&[0x08, 0xeb, 0x8f, 0])),
        ("a number too large", calendar(&[0x08, 0xff, 0xff, 0xff, 0xff, 0x1f])),
        ("an unknown field within", calendar(&[0x08, 0xeb, 0x0f, 0x10, 1])),
    ];
    for (name, bytes) in bad {
        assert!(LedgerEvent::parse(&bytes).is_err(), "{name}");
    }
}

/// Enum values that no rule gives, 0 among them.
#[test]
fn what_no_rule_says() {
    for value in [0, 99, -1] {
        let mut all = kinds();
        // One of its kind says two things that can be wrong.
        all.extend(kinds().into_iter().filter_map(|kind| match kind {
            Kind::IntegritySettled(it) => {
                Some(Kind::IntegritySettled(wire::IntegritySettled { end: value, ..it }))
            }
            _ => None,
        }));
        for kind in &mut all {
            match kind {
                Kind::DeadlineMissed(it) => it.deadline = value,
                Kind::GrantEnded(it) => it.end = value,
                Kind::DepartmentChanged(it) => it.change = value,
                Kind::ProposalEnded(it) => it.end = value,
                Kind::IntegrityRaised(it) => it.rule = value,
                Kind::IntegritySettled(it) if it.end == value => {}
                Kind::IntegritySettled(it) => it.rule = value,
                Kind::AlertRaised(it) => it.watch = value,
                _ => continue,
            }
            let bytes = encoded(Some(cause()), Some(kind.clone()));
            assert!(LedgerEvent::parse(&bytes).is_err(), "{kind:?}");
        }
    }
}

/// Cut short anywhere it is nothing, and with a byte flipped it is not the same.
#[test]
fn every_byte_flipped_or_cut_off() {
    for event in all() {
        let bytes = event.bytes();
        for end in 0..bytes.len() {
            // Without its kind's own fields a kind can be empty, but not cut.
            assert!(LedgerEvent::parse(&bytes[..end]).is_err(), "{} {end}", event.name());
        }
        for at in 0..bytes.len() {
            for mask in (0..8).map(|bit| 1u8 << bit).chain([0xff]) {
                let mut bent = bytes.to_vec();
                bent[at] ^= mask;
                let Ok(other) = LedgerEvent::parse(&bent) else { continue };
                assert_ne!(other.digest(), event.digest());
                assert_eq!(other.bytes(), bent);
            }
        }
    }
}

proptest! {
    /// Whatever parses has exactly one encoding, and trails.
    #[test]
    fn anything_at_all(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(event) = LedgerEvent::parse(&bytes) {
            let again = LedgerEvent::new(event.cause().clone(), event.kind().clone());
            prop_assert_eq!(again.bytes(), bytes.as_slice());
            prop_assert!(!event.trails().is_empty());
        }
    }
}
