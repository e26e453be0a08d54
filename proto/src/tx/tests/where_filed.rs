//! The trails of each kind: a function of the bytes alone.

use super::{identity, items, transaction};
use crate::items::trails;
use crate::ledger::tests::items::{access, item, record, verified};
use crate::place::Place;
use crate::types::RequestId;

#[test]
fn each_kind_is_filed_where_it_belongs() {
    let tx = transaction();
    let header = tx.header();
    let key = Place::key_trail(&header.key);
    let dataset = Place::dataset_trail("civil.resident");
    let stated = RequestId::new([1; 32]);
    let story = vec![key.clone(), dataset.clone(), Place::grant_trail(&stated)];
    let made = Place::grant_trail(&RequestId::of_event(&header.key, 9 + 1));
    let expected = [
        vec![key.clone(), dataset.clone()],
        vec![key.clone(), dataset.clone(), made],
        story.clone(),
        story.clone(),
        story,
        vec![
            key,
            Place::gateway_trail(&header.identity),
            dataset,
            Place::use_trail(&stated),
            Place::subject_trail("gz.psb", &[8; 32]),
        ],
    ];
    for ((number, item), expected) in (0u32..).zip(tx.items()).zip(expected) {
        assert_eq!(trails(header, number, item), expected, "item {number}");
    }
}

/// A request is named by the event that made it, so each of a batch has a story of its own.
#[test]
fn requests_of_a_batch_have_stories_of_their_own() {
    let tx = transaction();
    let request = &items()[1];
    let stories: Vec<_> =
        (0..3).map(|number| trails(tx.header(), number, request)[2].clone()).collect();
    assert_ne!(stories[0], stories[1]);
    assert_ne!(stories[1], stories[2]);
    assert_eq!(stories[1], Place::grant_trail(&tx.header().request_id(1)));
}

/// A record is filed once under each dataset, grant and subject, however often it names them.
#[test]
fn a_record_is_filed_once_under_each() {
    let tx = transaction();
    let (one, two) = (RequestId::new([1; 32]), RequestId::new([2; 32]));
    let mut it = record("gz.psb", 1, access("a", Some(&two)), verified("gz.hrss", &identity()), 1);
    let write = crate::wire::DatasetAccess { operation: 4, ..access("a", Some(&two)) };
    it.accesses = vec![access("a", Some(&two)), write, access("b", Some(&one)), access("c", None)];
    it.subjects.as_mut().unwrap().tags = vec![vec![3; 32], vec![4; 32]];
    let found = trails(tx.header(), 0, &item(it).unwrap());
    let expected = [
        Place::key_trail(&tx.header().key),
        Place::gateway_trail(&tx.header().identity),
        Place::dataset_trail("a"),
        Place::dataset_trail("b"),
        Place::dataset_trail("c"),
        Place::use_trail(&one),
        Place::use_trail(&two),
        Place::subject_trail("gz.psb", &[3; 32]),
        Place::subject_trail("gz.psb", &[4; 32]),
    ];
    assert_eq!(found, expected);
}
