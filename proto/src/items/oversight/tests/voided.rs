//! What a vote voids: by heights and rules, provisional and final, and what the scores lose by it.

use crate::items::governance::tests::enactments::enacted;
use crate::items::oversight::score;
use crate::items::oversight::tests::cases::opened;
use crate::ledger::{
    Object, calendar,
    tests::{
        account::settled,
        items::{HOUR, appeal, propose},
        refusals::Case,
        stage::{COLLECTOR, GATEWAY, Staged, USER, staged},
    },
};
use crate::place::Place;
use crate::types::limits::VOIDED;
use crate::wire::{self, IntegrityEnd, IntegrityRule, Score, propose::Change};
use std::sync::Arc;

/// Serves what no grant covers, an hour after the last time. Gives the height of it.
fn uncovered(s: &mut Staged) -> u64 {
    s.world.reach(s.world.now + HOUR);
    let tx = s.record(|it| it.accesses[0].request_id.clear());
    s.world.commit(vec![tx]);
    s.world.height().get()
}

fn void(heights: std::ops::RangeInclusive<u64>, rules: &[IntegrityRule]) -> Change {
    Change::VoidIntegrity(wire::VoidIntegrity {
        department: "gz.psb".into(),
        from_height: *heights.start(),
        until_height: *heights.end(),
        rules: rules.iter().map(|it| *it as i32).collect(),
    })
}

/// As many events as that, as if rules had made them.
fn with_events(s: &mut Staged, count: u64) {
    for number in 1..=count {
        let raised = wire::IntegrityRaised {
            department: "gz.psb".into(),
            number,
            rule: IntegrityRule::Uncovered as i32,
            ..wire::IntegrityRaised::default()
        };
        let event = wire::IntegrityEvent {
            raised: Some(raised),
            count: 1,
            height: 1,
            ..wire::IntegrityEvent::default()
        };
        s.world.doctor(Place::integrity_event("gz.psb", number), Some(event.into()));
    }
    let score = Score { events: count, provisional: count, ..Score::default() };
    s.world.doctor(Place::score("gz.psb"), Some(score.into()));
}

const CASES: &[Case] = &[
    ("what there is not", Some("void.none"), |s| {
        s.sign(USER, propose("gz.hrss", void(1..=9, &[])))
    }),
    ("as much as a vote voids", None, |s| {
        with_events(s, VOIDED as u64);
        s.sign(USER, propose("gz.hrss", void(1..=9, &[])))
    }),
    ("more than a vote voids", Some("void.too_many"), |s| {
        with_events(s, VOIDED as u64 + 1);
        s.sign(USER, propose("gz.hrss", void(1..=9, &[])))
    }),
];

pub(crate) const TABLES: &[&[Case]] = &[CASES];

fn ends(s: &Staged) -> Vec<IntegrityEnd> {
    let events = s.world.objects.values().filter_map(|object| match object {
        Object::IntegrityEvent(it) => it
            .raised
            .as_ref()
            .filter(|raised| raised.department == "gz.psb")
            .map(|raised| (raised.number, it.end())),
        _ => None,
    });
    let mut events: Vec<_> = events.collect();
    events.sort();
    events.into_iter().map(|(_, end)| end).collect()
}

fn scores(s: &Staged) -> [Score; 2] {
    let identity = Place::identity_score(s.identity(GATEWAY).as_bytes());
    [Place::score("gz.psb"), identity].map(|place| {
        let score: Arc<Score> = s.world.get(&place);
        *score
    })
}

fn refused(s: &mut Staged, change: Change) -> Option<&'static str> {
    let tx = s.sign(USER, propose("gz.hrss", change));
    s.world.refusal(&tx).map(|(_, code)| code)
}

#[test]
fn by_heights_and_rules() {
    use IntegrityEnd::{Unspecified, Voided};
    let mut s = staged();
    let heights: Vec<u64> = (0..5).map(|_| uncovered(&mut s)).collect();
    assert_eq!(ends(&s), [Unspecified; 5]);
    for rule in [IntegrityRule::SealMissing, IntegrityRule::DoubleVote] {
        let change = void(1..=heights[4], &[rule]);
        assert_eq!(refused(&mut s, change), Some("void.none"), "{rule:?}");
    }
    for range in [1..=heights[0] - 1, heights[0] + 1..=heights[1] - 1, heights[4] + 1..=u64::MAX] {
        assert_eq!(refused(&mut s, void(range.clone(), &[])), Some("void.none"), "{range:?}");
    }
    enacted(&mut s, void(heights[1]..=heights[2], &[IntegrityRule::Uncovered]));
    assert_eq!(ends(&s), [Unspecified, Voided, Voided, Unspecified, Unspecified]);
    let told = settled(&s, "gz.psb");
    let told: Vec<_> = told.iter().map(|it| (it.number, it.end(), it.points)).collect();
    assert_eq!(told, [(2, Voided, 0), (3, Voided, 0)]);
    for score in scores(&s) {
        assert_eq!((score.events, score.provisional, score.demerit), (5, 3, 0));
    }
    // Again nothing: those are voided; of a wider stretch the rest.
    assert_eq!(refused(&mut s, void(heights[1]..=heights[2], &[])), Some("void.none"));
    enacted(&mut s, void(1..=u64::MAX, &[]));
    assert_eq!(ends(&s), [Voided; 5]);
}

/// Of a final event what is left of its points is taken away, whatever came between.
#[test]
fn a_final_event_counts_no_more() {
    let mut s = staged();
    let first = uncovered(&mut s);
    s.world.reach(s.world.now + HOUR * 24);
    uncovered(&mut s);
    let until = |s: &Staged, number| {
        let event: Arc<wire::IntegrityEvent> =
            s.world.get(&Place::integrity_event("gz.psb", number));
        event.raised.as_ref().unwrap().provisional_until_ms
    };
    let both = until(&s, 2);
    s.world.reach(both);
    assert_eq!(ends(&s)[..2], [IntegrityEnd::Final; 2]);
    s.world.reach(both + 5 * 24 * HOUR);
    let before = scores(&s);
    enacted(&mut s, void(first..=first, &[IntegrityRule::Uncovered]));
    let told = settled(&s, "gz.psb").pop().unwrap();
    let (today, decay) = (calendar::day_of(s.world.tip().header.time), told.decay);
    let event: Arc<wire::IntegrityEvent> = s.world.get(&Place::integrity_event("gz.psb", 1));
    assert_eq!((event.end(), event.points), (IntegrityEnd::Voided, 20_000));
    let left = score::decayed(20_000, today - event.final_day, decay);
    assert!(left > 0 && left < 20_000);
    assert_eq!((told.end(), told.points), (IntegrityEnd::Voided, left));
    for (before, after) in before.into_iter().zip(scores(&s)) {
        assert_eq!((after.provisional, after.day), (before.provisional, today));
        let stood = score::decayed(before.demerit, today - before.day, decay);
        assert_eq!(after.demerit, stood - left);
        // Anybody computes the same from what was told.
        let mut again = before;
        score::add(&mut again, &told, today);
        assert_eq!(again, after);
    }
}

/// An appeal about what is voided ends with its ruling, and changes nothing more.
#[test]
fn what_is_appealed_is_voided_too() {
    let mut s = staged();
    let height = uncovered(&mut s);
    let tx = s.sign(COLLECTOR, appeal("gz.psb", 1));
    opened(&mut s, tx);
    enacted(&mut s, void(height..=height, &[]));
    assert_eq!(ends(&s), [IntegrityEnd::Voided]);
    let before = scores(&s);
    s.world.reach(s.world.now + 60 * 24 * HOUR);
    assert_eq!(ends(&s)[0], IntegrityEnd::Voided);
    assert_eq!(scores(&s)[1].demerit, before[1].demerit);
    let again = s.sign(COLLECTOR, appeal("gz.psb", 1));
    assert_eq!(s.world.refusal(&again), Some((Some(0), "integrity.not_provisional")));
}

/// As many as one vote may, also as dear as that is.
#[test]
fn many_are_voided_at_once() {
    let mut s = staged();
    with_events(&mut s, VOIDED as u64);
    enacted(&mut s, void(1..=1, &[]));
    assert_eq!(ends(&s), vec![IntegrityEnd::Voided; VOIDED]);
    let score: Arc<Score> = s.world.get(&Place::score("gz.psb"));
    assert_eq!((score.events, score.provisional), (VOIDED as u64, 0));
}

#[test]
fn a_department_that_there_is_not() {
    let mut s = staged();
    let change = Change::VoidIntegrity(wire::VoidIntegrity {
        department: "gz.none".into(),
        from_height: 1,
        until_height: 9,
        rules: Vec::new(),
    });
    assert_eq!(refused(&mut s, change), Some("department.unknown"));
}
