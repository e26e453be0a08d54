//! Bulk sets: the tags of many subjects follow a record, in order and by a deadline.

use crate::ledger::tests::{
    account::{Blamed, at_fault, blamed, counts, named},
    items::{HOUR, add_bulk_tags, bulk, handover},
    refusals::{Case, OK, run},
    stage::{COLLECTOR, GATEWAY, Staged, staged},
};
use crate::place::Place;
use crate::tx::Tx;
use crate::wire::{self, IntegrityRule};
use std::sync::Arc;

/// A record about three subjects, 2, 4 and 6.
fn about_three(s: &Staged) -> wire::RecordAccess {
    wire::RecordAccess { access_no: 1, subjects: bulk(&[2, 4, 6]), ..s.covered() }
}

/// Records that, and adds these tags, one item behind the other; the last is given back.
fn adding(s: &mut Staged, chunks: &[&[u8]]) -> Tx {
    let it = about_three(s);
    s.world.does(GATEWAY, it);
    let (last, before) = chunks.split_last().unwrap();
    for chunk in before {
        s.world.does(GATEWAY, add_bulk_tags(1, chunk));
    }
    s.sign(GATEWAY, add_bulk_tags(1, last))
}

const TAGS: &[Case] = &[
    ("all at once", OK, |s| adding(s, &[&[2, 4, 6]])),
    ("the first", OK, |s| adding(s, &[&[2]])),
    ("the rest", OK, |s| adding(s, &[&[2], &[4, 6]])),
    ("one by one", OK, |s| adding(s, &[&[2], &[4], &[6]])),
    ("the same again", Some("bulk.order"), |s| adding(s, &[&[2, 4], &[4]])),
    ("before those that are there", Some("bulk.order"), |s| adding(s, &[&[4], &[2]])),
    ("too many", Some("bulk.order"), |s| adding(s, &[&[2, 4], &[6, 8]])),
    ("others", Some("bulk.root"), |s| adding(s, &[&[2, 4, 7]])),
    ("others, before", Some("bulk.root"), |s| adding(s, &[&[3], &[4, 6]])),
    ("when all are there", Some("bulk.none"), |s| adding(s, &[&[2, 4, 6], &[8]])),
    ("of another number", Some("bulk.none"), |s| {
        let it = about_three(s);
        s.world.does(GATEWAY, it);
        s.sign(GATEWAY, add_bulk_tags(2, &[2]))
    }),
    ("of a record that lists its subjects", Some("bulk.none"), |s| {
        let it = s.covered();
        s.world.does(GATEWAY, it);
        s.sign(GATEWAY, add_bulk_tags(1, &[2]))
    }),
    ("of a record that was denied", Some("bulk.none"), |s| {
        let decision = wire::Decision::Denied as i32;
        let it = wire::RecordAccess { decision, ..about_three(s) };
        s.world.does(GATEWAY, it);
        s.sign(GATEWAY, add_bulk_tags(1, &[2]))
    }),
    ("by another's gateway", Some("bulk.none"), |s| {
        let it = about_three(s);
        s.world.does(GATEWAY, it);
        let it = add_bulk_tags(1, &[2]);
        s.sign("gz.hrss/gateway", wire::AddBulkTags { collector: "gz.hrss".into(), ..it })
    }),
    ("in another's name", Some("actor.other"), |s| {
        s.sign("gz.hrss/gateway", add_bulk_tags(1, &[2]))
    }),
    ("by a node", Some("identity.kind"), |s| s.sign("gz.psb/node", add_bulk_tags(1, &[2]))),
    ("by an officer, of a gateway's record", Some("bulk.none"), |s| {
        let it = about_three(s);
        s.world.does(GATEWAY, it);
        s.sign(COLLECTOR, add_bulk_tags(1, &[2]))
    }),
    ("by an officer who handed the data over", OK, |s| {
        let it = about_three(s);
        s.world.does(COLLECTOR, handover(it));
        s.sign(COLLECTOR, add_bulk_tags(1, &[2, 4, 6]))
    }),
];

pub(crate) const TABLES: &[&[Case]] = &[TAGS];

#[test]
fn tags_follow_in_order() {
    assert_eq!(run(TAGS), named(TAGS));
}

fn set(s: &Staged) -> wire::BulkSet {
    let set: Arc<wire::BulkSet> = s.world.get(&Place::bulk_set(s.identity(GATEWAY).as_bytes(), 1));
    (*set).clone()
}

/// How far the tags have come when their time is over, and how many are missing then.
#[test]
fn tags_are_due() {
    let cases: [(&[u8], Blamed); 3] =
        [(&[], blamed("gz.psb", 3)), (&[2, 4], blamed("gz.psb", 1)), (&[2, 4, 6], vec![])];
    for (tags, expected) in cases {
        let mut s = staged();
        let it = about_three(&s);
        s.world.does(GATEWAY, it);
        let due = s.world.tip().header.time.get() + 72 * HOUR;
        if !tags.is_empty() {
            s.world.does(GATEWAY, add_bulk_tags(1, tags));
        }
        s.world.reach(due - 1);
        assert_eq!(at_fault(&s, IntegrityRule::TagsMissing), [], "{tags:?}");
        s.world.reach(due);
        assert_eq!(at_fault(&s, IntegrityRule::TagsMissing), expected, "{tags:?}");
        assert_eq!((set(&s).complete, set(&s).missed), (tags.len() == 3, tags.len() < 3));
    }
}

/// What comes late completes the set all the same, and takes nothing back.
#[test]
fn tags_that_come_late() {
    let mut s = staged();
    let it = about_three(&s);
    s.world.does(GATEWAY, it);
    s.world.pause(73 * HOUR);
    assert_eq!(counts(&s, "gz.psb", IntegrityRule::TagsMissing), [3]);
    s.world.does(GATEWAY, add_bulk_tags(1, &[2, 4]));
    assert_eq!((set(&s).received, set(&s).complete), (2, false));
    s.world.does(GATEWAY, add_bulk_tags(1, &[6]));
    assert_eq!((set(&s).received, set(&s).complete), (3, true));
    s.world.pause(73 * HOUR);
    assert_eq!(counts(&s, "gz.psb", IntegrityRule::TagsMissing), [3]);
}

/// A wrong chunk that makes no root yet is taken; then the set can't be completed.
#[test]
fn a_set_that_was_begun_wrongly() {
    let mut s = staged();
    let first = adding(&mut s, &[&[3, 4]]);
    s.world.commit(vec![first]);
    let before = set(&s);
    for last in 5..20 {
        let tx = s.sign(GATEWAY, add_bulk_tags(1, &[last]));
        assert_eq!(s.world.refusal(&tx), Some((Some(0), "bulk.root")));
    }
    assert_eq!(set(&s), before);
    s.world.pause(73 * HOUR);
    assert_eq!(counts(&s, "gz.psb", IntegrityRule::TagsMissing), [1]);
}
