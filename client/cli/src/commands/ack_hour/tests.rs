//! What a confirmation and a dispute say.

use super::*;
use liuhen_proto::wire::{Channel, Dataset, DatasetAccess, Grant, RecordAccess, RegisterDataset};

/// Accesses of an hour: gateway, number, channel.
fn list_of(grade: u32, recorded: &[(&str, u64, Channel)]) -> HourList {
    let grant = Grant {
        request_id: vec![7; 32],
        reference: "hr-1".to_owned(),
        dataset: "civil.resident".to_owned(),
        collector: "gz.psb".to_owned(),
        ..Grant::default()
    };
    let recorded = recorded.iter().map(|(name, access_no, channel)| Recorded {
        gateway: hash(Domain::Digest, &[name.as_bytes()]).as_bytes().to_vec(),
        gateway_name: (*name).to_owned(),
        record: RecordAccess {
            access_no: *access_no,
            channel: *channel as i32,
            row_count: Some(3),
            accesses: vec![DatasetAccess {
                request_id: grant.request_id.clone(),
                dataset: grant.dataset.clone(),
                ..DatasetAccess::default()
            }],
            ..RecordAccess::default()
        },
        height: 9,
        is_disputed: false,
    });
    let registration = Some(RegisterDataset { grade, ..RegisterDataset::default() });
    HourList {
        dataset: Dataset { registration, ..Dataset::default() },
        department: "gz.hrss".to_owned(),
        hour: 5,
        recorded: recorded.collect(),
        grant,
    }
}

const HOUR: &[(&str, u64, Channel)] = &[
    ("gz.psb/east", 4, Channel::Door),
    ("gz.psb/east", 5, Channel::Log),
    ("gz.psb/west", 4, Channel::Door),
];

/// The numbers that are acknowledged one by one, and the sum.
fn said(kinds: &[Kind]) -> (Vec<(u64, Option<u64>)>, u64) {
    let mut singly = Vec::new();
    let mut sum = None;
    for kind in kinds {
        match kind {
            Kind::Acknowledge(it) => singly.push((it.access_no, it.row_count)),
            Kind::AcknowledgeHour(it) => {
                assert_eq!(it.hour, 5);
                assert_eq!(sum.replace(it.count), None, "one sum");
            }
            _ => panic!("nothing else is said"),
        }
    }
    (singly, sum.expect("a sum"))
}

/// From grade 3 what reached the user is acknowledged one by one, and the rest is summed.
#[test]
fn what_a_confirmation_says() {
    let one = (4, Some(3));
    for (grade, singly, sum) in [(2, vec![], 3), (3, vec![one, one], 1)] {
        let list = list_of(grade, HOUR);
        assert_eq!(said(&list.confirmed(&BTreeSet::new())), (singly, sum), "{grade}");
    }
    assert_eq!(said(&list_of(3, &[]).confirmed(&BTreeSet::new())), (vec![], 0));
}

/// Where it was perhaps judged by another grade it is said in both ways, so that nothing is missing.
#[test]
fn what_changed_since_is_said_in_both_ways() {
    for grade in [2, 3] {
        let mut list = list_of(grade, HOUR);
        list.dataset.since_height = 10;
        let (singly, sum) = said(&list.confirmed(&BTreeSet::new()));
        assert_eq!((singly.len(), sum), (2, 3), "{grade}");
    }
}

/// What is disputed is neither acknowledged nor summed, and a case is opened about exactly that, once.
#[test]
fn what_a_dispute_says() {
    let mut list = list_of(3, HOUR);
    let disputed = list.named(&["gz.psb/west/4".to_owned()]).expect("it is there");
    assert_eq!(said(&list.confirmed(&disputed)), (vec![(4, Some(3))], 1));
    let cases = list.cases(&disputed, &[1; 32]);
    let [Kind::OpenCase(case)] = cases.as_slice() else { panic!("one case") };
    assert_eq!((case.respondent.as_str(), case.department.as_str()), ("gz.psb", "gz.hrss"));
    let Some(About::Record(about)) = case.subject.as_ref().and_then(|it| it.about.as_ref()) else {
        panic!("about a record")
    };
    assert_eq!((&about.gateway_id, about.access_no), (&list.recorded[2].gateway, 4));
    // Two gateways' cases about the same number have references of their own.
    let both = list.cases(&BTreeSet::from([0, 2]), &[1; 32]);
    let references: BTreeSet<String> = both
        .iter()
        .filter_map(|it| match it {
            Kind::OpenCase(it) => Some(it.reference.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(references.len(), 2);
    // Of what was disputed before no second case is opened, and nothing confirms it.
    list.recorded[2].is_disputed = true;
    assert!(list.cases(&disputed, &[1; 32]).is_empty());
    assert_eq!(said(&list.confirmed(&BTreeSet::new())), (vec![(4, Some(3))], 1));
    assert_eq!(said(&list.confirmed(&BTreeSet::from([0]))), (vec![], 1));
}

/// Cases of others, about others' records, and dismissed ones dispute nothing.
#[test]
fn which_records_are_disputed() {
    let case = |department: &str, request: u8, access_no, state: CaseState| wire::Case {
        opened: Some(wire::OpenCase {
            department: department.to_owned(),
            subject: Some(wire::CaseSubject {
                about: Some(About::Record(wire::RecordName {
                    request_id: vec![request; 32],
                    gateway_id: vec![2; 32],
                    access_no,
                    ..wire::RecordName::default()
                })),
            }),
            ..wire::OpenCase::default()
        }),
        state: state as i32,
        ..wire::Case::default()
    };
    let cases = [
        case("gz.hrss", 7, 1, CaseState::Open),
        case("gz.hrss", 7, 2, CaseState::Answered),
        case("gz.hrss", 7, 3, CaseState::Upheld),
        case("gz.hrss", 7, 4, CaseState::Dismissed),
        case("gz.hrss", 8, 5, CaseState::Open),
        case("gz.tax", 7, 6, CaseState::Open),
        wire::Case::default(),
    ];
    let gateway = vec![2; 32];
    let expected = [1, 2, 3].map(|number| (gateway.as_slice(), number));
    assert_eq!(disputed(&cases, "gz.hrss", &[7; 32]), BTreeSet::from(expected));
}

#[test]
fn numbers_that_name_no_record_or_two() {
    let list = list_of(2, HOUR);
    for (number, error) in [
        ("9", "9 is not among the hour's records"),
        ("4", "more than one gateway has the number 4"),
        ("gz.psb/west/5", "not among"),
        ("", "not among"),
    ] {
        let found = list.named(&[number.to_owned()]).map_err(|it| it.to_string());
        assert!(found.is_err_and(|it| it.contains(error)), "{number}");
    }
    assert_eq!(list.named(&["5".to_owned(), "gz.psb/east/5".to_owned()]).unwrap().len(), 1);
}

/// The root is that of the whole list: one more access, and the one that was read before holds no longer.
#[test]
fn a_list_that_has_changed() {
    let before = hex::encode(HourList::root(list_of(2, &HOUR[..2]).recorded.iter()));
    let list = list_of(2, HOUR);
    let error = list.must_be(Some(&before)).unwrap_err().to_string();
    assert!(error.contains("other accesses") && error.contains("3 now"), "{error}");
    let now = hex::encode(HourList::root(list.recorded.iter()));
    assert!(list.must_be(Some(&now)).is_ok() && list.must_be(None).is_ok());
    let Some(Kind::AcknowledgeHour(sum)) = list.confirmed(&BTreeSet::new()).pop() else {
        panic!("the sum is last")
    };
    assert_eq!(hex::encode(sum.root), now);
}
