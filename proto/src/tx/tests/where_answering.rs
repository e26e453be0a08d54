//! The trails of items by which accesses are answered for.

use super::where_members::{filed, sorted};
use super::{all_kinds, identity, served, signer};
use crate::items::kind_name;
use crate::ledger::tests::items::{
    appeal, bulk, handover, of_correction, of_grant, of_record, open_case, open_sealed,
    register_product, set_gateway,
};
use crate::place::{Place, TrailKind};
use crate::types::{IdKind, IdentityId, RequestId, numbered_id};
use crate::wire::{RecordAccess, Subjects};

/// The trail of what the fourth item of the transaction makes.
fn made(kind: IdKind, trail: fn(&[u8]) -> Place) -> Place {
    trail(numbered_id(kind, &signer().key.public().key_id(), 9 + 3).as_bytes())
}

/// The dataset, grant and subject that the record names.
fn touched() -> Vec<Place> {
    let used = Place::use_trail(&RequestId::new([1; 32]));
    let subject = Place::subject_trail("gz.psb", &[8; 32]);
    vec![Place::dataset_trail("civil.resident"), used, subject]
}

fn touched_and(more: &[Place]) -> Vec<Place> {
    sorted([touched(), more.to_vec()].concat())
}

fn expected(name: &str) -> Vec<Place> {
    let own = Place::gateway_trail(&IdentityId::new([4; 32]));
    let stated = Place::gateway_trail(&identity());
    let dataset = Place::dataset_trail("civil.resident");
    let sealed = Place::sealed_trail("gz.reg");
    let acknowledged = Place::acknowledgements_trail(&[1; 32]);
    match name {
        "SetGateway" | "SetObserving" => vec![dataset, stated],
        "StateList" => vec![Place::department_trail("gz.psb")],
        "LeaseUse" => vec![own, Place::use_trail(&RequestId::new([1; 32]))],
        "CommitMapping" | "DeclareLoss" | "DeclareOutage" => vec![stated],
        "SealPeriod" | "Unrecordable" => vec![own],
        "ManualHandover" => touched_and(&[own]),
        "AddBulkTags" => vec![own, Place::bulk_tags_trail(&[4; 32], 1)],
        // Not on those of grants and subjects: nobody there is party to all of its records.
        "CorrectRecords" => vec![dataset, stated],
        // Only the key's: when it takes effect, the ledger says so on both identities' trails.
        "AgreeCorrection" => vec![],
        "Acknowledge" | "AcknowledgeHour" => vec![acknowledged],
        "OrderSealing" | "ExtendSealing" => vec![sealed],
        "RecordSealed" => vec![own, sealed],
        "OpenSealed" => touched_and(&[stated, sealed]),
        "AnswerAlert" => vec![Place::alert_trail("gz.psb")],
        "OpenCase" => vec![dataset, made(IdKind::Case, Place::case_trail)],
        "AnswerCase" | "RuleCase" => vec![Place::case_trail(&[1; 32])],
        "RegisterProduct" => {
            let grant = Place::grant_trail(&RequestId::new([1; 32]));
            vec![grant, made(IdKind::Product, Place::product_trail)]
        }
        "ReviewProduct" | "ReleaseProduct" | "EvaluateProduct" | "RecallProduct" => {
            vec![Place::product_trail(&[1; 32])]
        }
        "ReportDoubleVote" => vec![Place::department_trail("gz.tax"), Place::governance_trail()],
        other => panic!("{other}"),
    }
}

#[test]
fn each_kind_is_filed_where_it_belongs() {
    let kinds = all_kinds().split_off(36);
    assert_eq!(kinds.len(), 29);
    for kind in kinds {
        let name = kind_name(&kind);
        assert_eq!(filed(kind), sorted(expected(name)), "{name}");
    }
}

/// A case stands on the story of what it is about.
#[test]
fn what_cases_are_about() {
    let id = RequestId::new([1; 32]);
    let (dataset, grant) = (Place::dataset_trail("civil.resident"), Place::grant_trail(&id));
    let own = made(IdKind::Case, Place::case_trail);
    let gateway = identity();
    let cases = [
        (of_record("civil.resident", &gateway, 1, None), vec![dataset.clone()]),
        (of_record("civil.resident", &gateway, 1, Some(&id)), vec![dataset.clone(), grant.clone()]),
        (of_grant("civil.resident", &id), vec![dataset, grant]),
        (of_correction(&[1; 32]), vec![]),
    ];
    for (about, expected) in cases {
        let expected = sorted([expected, vec![own.clone()]].concat());
        assert_eq!(filed(open_case("gz.hrss", "gz.psb", about)), expected);
    }
    assert_eq!(filed(appeal("gz.psb", 1)), sorted(vec![own, Place::integrity_trail("gz.psb")]));
}

/// What may concern anybody stands on its collector's trail of such records; how many are unknown is
/// counted.
#[test]
fn subjects_that_are_not_listed() {
    let listed = served().subjects;
    let unknown = Some(Subjects { unknown_count: 1, ..Subjects::default() });
    let both = listed.clone().map(|it| Subjects { unknown_count: 1, ..it });
    let none = Some(Subjects::default());
    let whole = Some(Subjects { whole: true, ..Subjects::default() });
    let cases = [
        (listed, true, false),
        (unknown, false, false),
        (both, true, false),
        (none, false, false),
        (bulk(&[1, 2]), false, true),
        (whole, false, true),
    ];
    for (subjects, names_one, not_listed) in cases {
        let mut it = RecordAccess { subjects, ..served() };
        it.accesses[0].version = 1;
        let opened = open_sealed(&[1; 32], &identity(), it.clone());
        for found in [filed(it.clone()), filed(handover(it)), filed(opened)] {
            let has = |trail: Place| found.contains(&trail);
            assert_eq!(has(Place::unlisted_trail("gz.psb")), not_listed);
            assert_eq!(has(Place::subject_trail("gz.psb", &[8; 32])), names_one);
        }
    }
}

/// Each dataset that a gateway is to serve, and each grant that a product stands on, once.
#[test]
fn what_is_listed_in_an_item() {
    let datasets = ["civil.core", "civil.resident"];
    let mut expected = datasets.map(Place::dataset_trail).to_vec();
    expected.push(Place::gateway_trail(&identity()));
    assert_eq!(filed(set_gateway(&identity(), &datasets)), expected);
    assert_eq!(filed(set_gateway(&identity(), &[])), [Place::gateway_trail(&identity())]);
    let grants = [1, 2].map(|byte| RequestId::new([byte; 32]));
    let found = filed(register_product(&grants));
    let stories = found.iter().filter(|it| it.kind() == TrailKind::Grant as u8);
    assert_eq!(stories.cloned().collect::<Vec<_>>(), grants.map(|id| Place::grant_trail(&id)));
}
