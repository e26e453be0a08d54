//! What a record can't tell is unknown, not none: datasets, subjects that nobody counted.

use crate::event::{Outcome, Reason, Verdict};
use crate::items::access::tests::coverage::judged;
use crate::ledger::{
    Object,
    tests::{
        account::{alerted, set},
        items::{
            AUTHORITY, DAY, HOUR, agree, close_alert, correct, open_sealed, order_sealing,
            record_sealed, verified,
        },
        stage::{APP, COLLECTOR, GATEWAY, Staged, USER, staged},
        world::BLOCK_MS,
    },
};
use crate::place::{ObjectKind, Place};
use crate::types::IdKind;
use crate::wire::{
    self, Channel, Decision, RecordAccess, Subjects, UnknownCount, WatchKind, ledger_event::Kind,
};
use std::sync::Arc;

const UNTOLD: Outcome = Outcome {
    verdict: Verdict::Undetermined,
    reason: Reason::DatasetUnknown,
    timeliness: crate::event::Timeliness::Live,
    future: false,
    names_others: false,
};

/// Leaves open which datasets it was.
fn untold(it: &mut RecordAccess, channel: Channel) {
    it.accesses.clear();
    it.channel = channel as i32;
}

/// What the collector's records leave unknown.
fn unknown(s: &Staged) -> UnknownCount {
    match s.world.objects.get(&Place::unknown_count("gz.psb")) {
        Some(Object::UnknownCount(it)) => **it,
        _ => UnknownCount::default(),
    }
}

fn alert(s: &Staged, number: u64) -> wire::Alert {
    (*s.world.get::<wire::Alert>(&Place::alert("gz.psb", number))).clone()
}

/// Whoever asks, by whatever channel but the door: undetermined, alerted to the collector, counted; nothing under a grant,
/// no half, no integrity event. What was denied stays denied, and raises nothing.
#[test]
fn datasets_that_cant_be_told() {
    type Bend = fn(&Staged, &mut RecordAccess);
    let askers: [(&str, Bend); 3] = [
        ("its user", |_, _| {}),
        ("an account without an identity", |_, it| {
            it.asker = Some(wire::Party { unmapped_digest: vec![7; 32], ..Default::default() });
        }),
        ("nobody known", |_, it| it.asker.as_mut().unwrap().identity_id = vec![9; 32]),
    ];
    for channel in [Channel::Api, Channel::Log, Channel::File] {
        for (name, bend) in askers {
            for (decision, future) in [
                (Decision::Served, false),
                (Decision::Served, true),
                (Decision::Denied, false),
                (Decision::Denied, true),
            ] {
                let mut s = staged();
                let mut it = s.covered();
                untold(&mut it, channel);
                bend(&s, &mut it);
                it.decision = decision as i32;
                // As far ahead as clocks drift, and a millisecond further.
                it.access_time_ms = s.world.now + 5_000 + u64::from(future);
                let outcome = s.world.does(GATEWAY, it);
                let what = format!("{channel:?} {name} {decision:?} {future}");
                let denied = decision == Decision::Denied;
                let expected = match denied {
                    true => Outcome { verdict: Verdict::Denied, reason: Reason::None, ..UNTOLD },
                    false => UNTOLD,
                };
                assert_eq!(outcome, Outcome { future, ..expected }, "{what}");
                let told = if denied { vec![] } else { vec!["gz.psb"] };
                assert_eq!(alerted(&s, WatchKind::DatasetUnknown), told, "{what}");
                let ahead = if future { vec!["gz.psb"] } else { vec![] };
                assert_eq!(alerted(&s, WatchKind::FutureTime), ahead, "{what}");
                assert_eq!(unknown(&s).untold, u64::from(!denied), "{what}");
                assert_eq!(s.world.at_fault(), [], "{what}");
                let counted = [ObjectKind::GrantUse, ObjectKind::Half, ObjectKind::Halves];
                let found =
                    s.world.objects.keys().find(|place| {
                        place.object_kind().is_some_and(|kind| counted.contains(&kind))
                    });
                assert_eq!(found, None, "{what}");
            }
        }
    }
}

/// It stands on the gateway's trail, and on that of whose data it is known to be.
#[test]
fn where_it_is_filed() {
    let mut s = staged();
    judged(&mut s, |it| {
        untold(it, Channel::Log);
        it.subjects.as_mut().unwrap().uncounted = true;
    });
    let trails = &s.world.tip().delta.events[0].trails;
    for trail in
        [Place::gateway_trail(&s.identity(GATEWAY)), Place::subject_trail("gz.psb", &[8; 32])]
    {
        assert!(trails.contains(&trail), "{trail:?}");
    }
    let of = |kind: crate::place::TrailKind| trails.iter().any(|it| it.kind() == kind as u8);
    assert!(!of(crate::place::TrailKind::Dataset) && !of(crate::place::TrailKind::Use));
}

/// Within an hour they are one alert with a count, of whatever gateway; not with one that is closed.
#[test]
fn alerts_are_joined_within_the_hour() {
    let again = |after: u64, close: bool| {
        let mut s = staged();
        judged(&mut s, |it| untold(it, Channel::Log));
        assert_eq!(alerted(&s, WatchKind::DatasetUnknown), ["gz.psb"]);
        let raised = alert(&s, 1).raised.unwrap();
        assert_eq!((raised.dataset.as_str(), raised.request_id.len()), ("", 0));
        assert_eq!((raised.identity_id.len(), raised.watch()), (0, WatchKind::DatasetUnknown));
        if close {
            s.world.does(COLLECTOR, close_alert("gz.psb", 1));
        }
        let first = alert(&s, 1).time_ms;
        s.world.reach(first + after - BLOCK_MS);
        judged(&mut s, |it| untold(it, Channel::File));
        assert_eq!(s.world.tip().header.time.get(), first + after);
        (alerted(&s, WatchKind::DatasetUnknown).len(), alert(&s, 1).count)
    };
    assert_eq!(again(HOUR - 1, false), (0, 2));
    assert_eq!(again(HOUR, false), (1, 1));
    assert_eq!(again(HOUR - 1, true), (1, 1));
}

/// Who does not want to be told is not; it is counted all the same.
#[test]
fn not_watched_for() {
    let mut s = staged();
    set(&mut s, |it| it.watches.retain(|it| it.kind() != WatchKind::DatasetUnknown));
    assert_eq!(judged(&mut s, |it| untold(it, Channel::Log)), UNTOLD);
    assert_eq!(alerted(&s, WatchKind::DatasetUnknown), [""; 0]);
    assert_eq!(unknown(&s).untold, 1);
}

/// Each thing unknown has its own count, of what was not denied.
#[test]
fn counts_of_what_is_unknown() {
    type Bend = fn(&mut RecordAccess);
    fn whose(it: &mut RecordAccess) -> &mut Subjects {
        it.subjects.as_mut().unwrap()
    }
    let count = |records, subjects, uncounted, untold| UnknownCount {
        records,
        subjects,
        uncounted,
        untold,
    };
    let cases: [(&str, Bend, UnknownCount); 9] = [
        ("all is known", |_| {}, count(0, 0, 0, 0)),
        ("nobody's data", |it| *whose(it) = Subjects::default(), count(0, 0, 0, 0)),
        ("three more", |it| whose(it).unknown_count = 3, count(1, 3, 0, 0)),
        ("more, uncounted", |it| whose(it).uncounted = true, count(0, 0, 1, 0)),
        (
            "three more at least",
            |it| (whose(it).unknown_count, whose(it).uncounted) = (3, true),
            count(1, 3, 1, 0),
        ),
        (
            "not one is known",
            |it| *whose(it) = Subjects { uncounted: true, ..Subjects::default() },
            count(0, 0, 1, 0),
        ),
        ("datasets", |it| untold(it, Channel::Log), count(0, 0, 0, 1)),
        (
            "nothing is known",
            |it| {
                untold(it, Channel::Log);
                *whose(it) = Subjects { uncounted: true, unknown_count: 2, ..Subjects::default() };
            },
            count(1, 2, 1, 1),
        ),
        (
            "denied",
            |it| {
                untold(it, Channel::Log);
                whose(it).uncounted = true;
                it.decision = Decision::Denied as i32;
            },
            count(0, 0, 0, 0),
        ),
    ];
    let mut s = staged();
    let mut sum = UnknownCount::default();
    for (name, bend, more) in cases {
        judged(&mut s, bend);
        sum.records += more.records;
        sum.subjects += more.subjects;
        sum.uncounted += more.uncounted;
        sum.untold += more.untold;
        assert_eq!(unknown(&s), sum, "{name}");
    }
}

/// A corrected record that does not say its datasets is judged as open, and told on the trail of who it is about.
#[test]
fn a_correction_of_it() {
    let mut s = staged();
    let mut right = s.covered();
    untold(&mut right, Channel::Log);
    let from = s.identity("gz.tax/app");
    let asker = Some(verified("gz.tax", &from));
    s.world.does(GATEWAY, RecordAccess { asker, ..right.clone() });
    let before = unknown(&s);
    assert_eq!(right.asker, Some(verified("gz.hrss", &s.identity(APP))));
    let tx = s.sign(GATEWAY, correct(&s.identity(GATEWAY), ("gz.tax", &from), vec![right]));
    let id = tx.header().made_id(IdKind::Correction, 0);
    s.world.commit(vec![tx]);
    s.world.does(USER, agree(id.as_bytes(), "gz.hrss"));
    let told = s.world.told();
    let each = told.iter().find_map(|it| match it.kind() {
        Kind::RecordCorrected(it) => Some(it.clone()),
        _ => None,
    });
    let each = each.unwrap();
    let outcome = Outcome::from_bits(u16::try_from(each.outcome).unwrap()).unwrap();
    assert_eq!((outcome.verdict, outcome.reason), (UNTOLD.verdict, UNTOLD.reason));
    assert_eq!((each.request_ids.len(), each.tags), (0, vec![vec![8; 32]]));
    // Judged again, and not recorded again.
    assert_eq!(unknown(&s), before);
    assert_eq!(alert(&s, 1).count, 1);
}

/// What was sealed is told of when it is opened, and not before.
#[test]
fn a_sealed_record_of_it() {
    let mut s = staged();
    set(&mut s, |it| it.sealing_authorities = vec![AUTHORITY.into()]);
    let tx = s.sign("gz.reg/officer", order_sealing(s.world.now + DAY));
    let order = tx.header().made_id(IdKind::SealingOrder, 0);
    s.world.commit(vec![tx]);
    let mut it = s.covered();
    untold(&mut it, Channel::Api);
    it.subjects.as_mut().unwrap().uncounted = true;
    s.world.does(GATEWAY, record_sealed(order.as_bytes(), &it));
    assert_eq!(unknown(&s), UnknownCount::default());
    assert_eq!(alerted(&s, WatchKind::DatasetUnknown), [""; 0]);
    let opening = open_sealed(order.as_bytes(), &s.identity(GATEWAY), it);
    let outcome = s.world.does(COLLECTOR, opening);
    assert_eq!((outcome.verdict, outcome.reason), (UNTOLD.verdict, UNTOLD.reason));
    assert_eq!(alerted(&s, WatchKind::DatasetUnknown), ["gz.psb"]);
    assert_eq!(unknown(&s), UnknownCount { uncounted: 1, untold: 1, ..Default::default() });
}

/// Another collector's records are counted with that one.
#[test]
fn it_is_counted_with_its_collector() {
    let mut s = staged();
    let asker = verified("gz.hrss", &s.identity(APP));
    let access = crate::ledger::tests::items::access("pension.roll", None);
    let time = s.world.now;
    let mut it = crate::ledger::tests::items::record("gz.hrss", 1, access, asker, time);
    untold(&mut it, Channel::Log);
    s.world.does("gz.hrss/app", it);
    assert_eq!(unknown(&s), UnknownCount::default());
    let count: Arc<UnknownCount> = s.world.get(&Place::unknown_count("gz.hrss"));
    assert_eq!(count.untold, 1);
    assert_eq!(alerted(&s, WatchKind::DatasetUnknown), ["gz.hrss"]);
}
