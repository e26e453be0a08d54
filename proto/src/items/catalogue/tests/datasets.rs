//! The catalogue: entries change, leave it, and their data has versions.

use crate::event::{Reason, Verdict};
use crate::items::access::tests::coverage::judged;
use crate::ledger::tests::{
    items::{retire, update, version},
    refusals::{Case, OK, run},
    stage::{COLLECTOR, GATEWAY, RESIDENT, Staged, USER, staged},
};
use crate::place::Place;
use crate::wire::{self, Category};
use std::sync::Arc;

const UPDATES: &[Case] = &[
    ("by its collector", OK, |s| s.sign(COLLECTOR, update(RESIDENT, "gz.psb"))),
    ("by a machine", Some("identity.kind"), |s| s.sign(GATEWAY, update(RESIDENT, "gz.psb"))),
    ("by another collector", Some("dataset.other_collector"), |s| {
        s.sign(USER, update(RESIDENT, "gz.hrss"))
    }),
    ("in its collector's name", Some("actor.other"), |s| s.sign(USER, update(RESIDENT, "gz.psb"))),
    ("without the right", Some("right.missing"), |s| {
        s.sign("gz.tax/officer", update(RESIDENT, "gz.tax"))
    }),
    ("of nothing", Some("dataset.unknown"), |s| s.sign(COLLECTOR, update("civil.none", "gz.psb"))),
    ("of what is out", Some("dataset.retired"), |s| {
        s.world.does(COLLECTOR, retire(RESIDENT, "gz.psb"));
        s.sign(COLLECTOR, update(RESIDENT, "gz.psb"))
    }),
];

const RETIREMENTS: &[Case] = &[
    ("by its collector", OK, |s| s.sign(COLLECTOR, retire(RESIDENT, "gz.psb"))),
    ("by another collector", Some("dataset.other_collector"), |s| {
        s.sign(USER, retire(RESIDENT, "gz.hrss"))
    }),
    ("by a machine", Some("identity.kind"), |s| s.sign(GATEWAY, retire(RESIDENT, "gz.psb"))),
    ("of nothing", Some("dataset.unknown"), |s| s.sign(COLLECTOR, retire("civil.none", "gz.psb"))),
    ("twice", Some("dataset.retired"), |s| {
        s.world.does(COLLECTOR, retire(RESIDENT, "gz.psb"));
        s.sign(COLLECTOR, retire(RESIDENT, "gz.psb"))
    }),
    ("and registered again", Some("dataset.exists"), |s| {
        s.world.does(COLLECTOR, retire(RESIDENT, "gz.psb"));
        s.sign(COLLECTOR, crate::ledger::tests::items::register(RESIDENT, "gz.psb"))
    }),
    ("and asked for", Some("dataset.retired"), |s| {
        s.world.does(COLLECTOR, retire(RESIDENT, "gz.psb"));
        s.request(|_| {})
    }),
    ("and approved", Some("dataset.retired"), |s| {
        s.world.does(COLLECTOR, retire(RESIDENT, "gz.psb"));
        s.decide("requested", |_| {})
    }),
];

const VERSIONS: &[Case] = &[
    ("the first, by an officer", OK, |s| s.sign(COLLECTOR, version(RESIDENT, "gz.psb", 1))),
    ("the first, by the system that keeps it", OK, |s| {
        s.sign(GATEWAY, version(RESIDENT, "gz.psb", 1))
    }),
    ("the second", OK, |s| {
        s.world.does(GATEWAY, version(RESIDENT, "gz.psb", 1));
        s.sign(GATEWAY, version(RESIDENT, "gz.psb", 2))
    }),
    ("the second first", Some("version.wrong"), |s| {
        s.sign(GATEWAY, version(RESIDENT, "gz.psb", 2))
    }),
    ("the first twice", Some("version.wrong"), |s| {
        s.world.does(GATEWAY, version(RESIDENT, "gz.psb", 1));
        s.sign(GATEWAY, version(RESIDENT, "gz.psb", 1))
    }),
    ("the third behind the first", Some("version.wrong"), |s| {
        s.world.does(GATEWAY, version(RESIDENT, "gz.psb", 1));
        s.sign(GATEWAY, version(RESIDENT, "gz.psb", 3))
    }),
    ("that follows on other data", Some("version.previous"), |s| {
        s.world.does(GATEWAY, version(RESIDENT, "gz.psb", 1));
        let it = version(RESIDENT, "gz.psb", 2);
        s.sign(GATEWAY, wire::PublishVersion { previous_digest: vec![9; 32], ..it })
    }),
    ("by a node", Some("identity.kind"), |s| s.sign("gz.psb/node", version(RESIDENT, "gz.psb", 1))),
    ("of another collector's", Some("dataset.other_collector"), |s| {
        s.sign(USER, version(RESIDENT, "gz.hrss", 1))
    }),
    ("of what is out", Some("dataset.retired"), |s| {
        s.world.does(COLLECTOR, retire(RESIDENT, "gz.psb"));
        s.sign(GATEWAY, version(RESIDENT, "gz.psb", 1))
    }),
];

pub(crate) const TABLES: &[&[Case]] = &[UPDATES, RETIREMENTS, VERSIONS];

#[test]
fn collectors_change_their_entries() {
    assert_eq!(run(UPDATES).len(), 6);
    assert_eq!(run(RETIREMENTS).len(), 5);
}

#[test]
fn versions_follow_each_other() {
    assert_eq!(run(VERSIONS).len(), 5);
}

fn dataset(s: &Staged) -> Arc<wire::Dataset> {
    s.world.get(&Place::dataset(RESIDENT))
}

/// An update keeps when it was registered, and the version of its data.
#[test]
fn an_entry_after_an_update() {
    let mut s = staged();
    s.world.does(GATEWAY, version(RESIDENT, "gz.psb", 1));
    let before = dataset(&s);
    let grade = 4;
    s.world.does(COLLECTOR, wire::UpdateDataset { grade, ..update(RESIDENT, "gz.psb") });
    let after = dataset(&s);
    let entry = after.registration.clone().unwrap();
    assert_eq!((entry.grade, entry.schema_digest), (4, vec![21; 32]));
    assert_eq!(after.registered_height, before.registered_height);
    assert_eq!((&after.version, after.retired_height), (&before.version, None));
}

/// What is asked for is judged by the entry as it stands.
#[test]
fn requests_after_an_update() {
    let mut s = staged();
    let category = Category::NotShared as i32;
    s.world.does(COLLECTOR, wire::UpdateDataset { category, ..update(RESIDENT, "gz.psb") });
    assert_eq!(s.world.refusal(&s.request(|_| {})), Some((Some(0), "dataset.not_shared")));
    // From grade 3 up the asker must be verified, of every grant.
    let mut s = staged();
    s.world.does(COLLECTOR, wire::UpdateDataset { grade: 3, ..update(RESIDENT, "gz.psb") });
    let outcome = judged(&mut s, |it| it.asker.as_mut().unwrap().assurance = 0);
    assert_eq!(outcome.reason, Reason::AssuranceTooLow);
}

/// Accesses are not covered from the block on that took the entry out.
#[test]
fn accesses_to_what_is_out() {
    let mut s = staged();
    s.world.does(COLLECTOR, retire(RESIDENT, "gz.psb"));
    let header = s.world.tip().header.clone();
    let (height, time) = (header.height.get(), header.time.get());
    let cases = [
        ("decided just before", Some(height - 1), time + 1, Reason::None),
        ("decided by that block", Some(height), time + 1, Reason::DatasetRetired),
        ("by time, just before", None, time - 1, Reason::None),
        ("by time, then", None, time, Reason::DatasetRetired),
    ];
    for (name, decided_height, access_time_ms, reason) in cases {
        let outcome = judged(&mut s, |it| {
            it.decided_height = decided_height;
            it.access_time_ms = access_time_ms;
        });
        assert_eq!(outcome.reason, reason, "{name}");
        assert_eq!(outcome.verdict == Verdict::Covered, reason == Reason::None, "{name}");
    }
}

#[test]
fn the_newest_version_is_kept() {
    let mut s = staged();
    for number in 1..=3 {
        s.world.does(GATEWAY, version(RESIDENT, "gz.psb", number));
        assert_eq!(dataset(&s).version, Some(version(RESIDENT, "gz.psb", number)));
    }
}
