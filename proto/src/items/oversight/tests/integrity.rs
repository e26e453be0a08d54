//! The integrity chain: whom each rule holds to account, how repeats are counted, how events become
//! final or are taken back, and that anybody can compute the score again.

use crate::items::access::tests::coverage_cases::regrant;
use crate::items::oversight::{
    score,
    tests::cases::{REGULATOR, opened},
};
use crate::items::sharing::tests::emergency;
use crate::ledger::{
    Object, calendar,
    tests::{
        account::{at_fault, blamed, counts, events, set, settled},
        items::{HOUR, appeal, reject, rule_case},
        stage::{APP, COLLECTOR, GATEWAY, RESIDENT, Staged, staged},
    },
};
use crate::place::Place;
use crate::types::Hash;
use crate::wire::{
    self, IntegrityEnd, IntegrityEvent, IntegrityRule, IntegritySettled, Score, ledger_event::Kind,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Serves what no grant covers.
fn uncovered(s: &mut Staged) {
    let tx = s.record(|it| it.accesses[0].request_id.clear());
    s.world.commit(vec![tx]);
}

fn event(s: &Staged, number: u64) -> Arc<IntegrityEvent> {
    s.world.get(&Place::integrity_event("gz.psb", number))
}

fn score_of(s: &Staged, place: &Place) -> Score {
    match s.world.objects.get(place) {
        Some(Object::Score(it)) => **it,
        _ => Score::default(),
    }
}

/// Local midnight, so many days behind the first, a Monday.
fn midnight(days: u64) -> u64 {
    calendar::begin_of(20_500 + days).get()
}

/// What was served uncovered is the collector's fault; where its user asked for more than was
/// granted, the user's.
#[test]
fn whose_fault_an_uncovered_access_is() {
    let gateway = |s: &Staged| s.identity(GATEWAY).to_vec();
    let mut s = staged();
    uncovered(&mut s);
    assert_eq!(s.world.at_fault(), [("gz.psb".into(), IntegrityRule::Uncovered, 1)]);
    let raised = event(&s, 1).raised.clone().unwrap();
    assert_eq!((raised.identity_id, raised.request_id), (gateway(&s), vec![]));
    // With a grant that did not cover it, the event stands on the grant's story too.
    let tx = s.record(|it| it.purpose = "audit".into());
    s.world.commit(vec![tx]);
    let raised = event(&s, 2).raised.clone().unwrap();
    assert_eq!(raised.request_id, s.id("granted").to_vec());
    let story = Place::grant_trail(&s.id("granted"));
    assert!(s.world.tip().delta.events[1].trails.contains(&story));
    // Not on that of another dataset's.
    let tx = s.record(|it| it.accesses[0].dataset = "civil.open".into());
    s.world.commit(vec![tx]);
    let raised = event(&s, 3).raised.clone().unwrap();
    assert_eq!((raised.dataset.as_str(), raised.request_id), ("civil.open", vec![]));

    let mut record = s.covered();
    let quota = wire::Quota { rows_total: 10, ..wire::Quota::default() };
    regrant(&mut s, &mut record, |asked| asked.terms.as_mut().unwrap().quota = Some(quota));
    s.world.does(GATEWAY, wire::RecordAccess { row_count: Some(11), ..record });
    assert_eq!(s.world.at_fault(), [("gz.hrss".into(), IntegrityRule::QuotaExceeded, 1)]);
    let raised = events(&s, "gz.hrss", IntegrityRule::QuotaExceeded)[0].raised.clone().unwrap();
    assert_eq!(raised.identity_id, s.identity(APP).to_vec());
}

/// What is covered, denied or left open is nobody's fault.
#[test]
fn what_is_nobodys_fault() {
    type Bend = fn(&mut wire::RecordAccess);
    let bends: [Bend; 3] = [
        |_| {},
        |it| {
            it.decision = wire::Decision::Denied as i32;
            it.accesses[0].request_id.clear();
        },
        |it| it.purpose.clear(),
    ];
    let mut s = staged();
    for bend in bends {
        let tx = s.record(bend);
        s.world.commit(vec![tx]);
        assert_eq!(s.world.at_fault(), []);
    }
}

/// The emergency's user where it was refused, else who did not ratify; who let a request lie.
#[test]
fn whose_fault_a_missed_deadline_is() {
    let mut s = staged();
    let id = emergency::opened(&mut s);
    let mut refused = s.clone();
    refused.world.does(COLLECTOR, reject(&id, &s.asked(), "gz.bdb"));
    assert_eq!(at_fault(&refused, IntegrityRule::NotRatified), blamed("gz.hrss", 1));
    s.world.reach(midnight(4));
    let both = [("gz.psb".to_owned(), 1), ("gz.bdb".to_owned(), 1)];
    assert_eq!(at_fault(&s, IntegrityRule::NotRatified), both);
    let raised = events(&s, "gz.psb", IntegrityRule::NotRatified)[0].raised.clone().unwrap();
    assert_eq!((raised.dataset.as_str(), raised.request_id), (RESIDENT, id.to_vec()));
    s.world.reach(midnight(15));
    assert_eq!(at_fault(&s, IntegrityRule::DeadlineMissed), blamed("gz.psb", 1));
    let raised = events(&s, "gz.psb", IntegrityRule::DeadlineMissed)[0].raised.clone().unwrap();
    assert_eq!(raised.request_id, s.id("requested").to_vec());
}

/// By rule and grant, within an hour of the first; what is another's or an hour later is new.
#[test]
fn repeats_within_the_hour_are_one_event() {
    let mut s = staged();
    let first = s.world.now;
    for _ in 0..3 {
        uncovered(&mut s);
    }
    assert_eq!(counts(&s, "gz.psb", IntegrityRule::Uncovered), [3]);
    assert_eq!(event(&s, 1).raised.as_ref().unwrap().count, 1);
    let with_grant = s.record(|it| it.purpose = "audit".into());
    s.world.commit(vec![with_grant]);
    assert_eq!(counts(&s, "gz.psb", IntegrityRule::Uncovered), [3, 1]);
    s.world.reach(first + HOUR - 2000);
    for expected in [vec![4, 1], vec![4, 1, 1]] {
        // The second comes an hour after the first of all.
        let tx = s.record(|it| it.accesses[0].request_id.clear());
        s.world.now = first + if expected.len() == 2 { HOUR - 1 } else { HOUR };
        s.world.commit(vec![tx]);
        assert_eq!(counts(&s, "gz.psb", IntegrityRule::Uncovered), expected);
    }
    let own = score_of(&s, &Place::score("gz.psb"));
    assert_eq!((own.events, own.provisional, own.demerit), (3, 3, 0));
}

/// Of one department each gateway, and each officer in a gateway's place, has events of its own.
#[test]
fn repeats_are_of_one_identity() {
    let mut s = staged();
    uncovered(&mut s);
    let mut handed = wire::RecordAccess { access_no: 1, ..s.covered() };
    handed.accesses[0].request_id.clear();
    s.world.does(COLLECTOR, crate::ledger::tests::items::handover(handed));
    uncovered(&mut s);
    assert_eq!(counts(&s, "gz.psb", IntegrityRule::Uncovered), [2, 1]);
}

/// After fifteen working days an event counts, with all its repeats, for department and identity.
#[test]
fn an_event_becomes_final() {
    let mut s = staged();
    for _ in 0..5 {
        uncovered(&mut s);
    }
    let until = event(&s, 1).raised.as_ref().unwrap().provisional_until_ms;
    assert_eq!(until, midnight(22));
    s.world.reach(until - 1);
    assert_eq!(settled(&s, "gz.psb"), []);
    s.world.reach(until);
    let parameters: Arc<wire::Parameters> = s.world.get(&Place::parameters());
    let points = score::points(&parameters, IntegrityRule::Uncovered, 5);
    // A weight of 20, and five times have three binary digits.
    assert_eq!(points, 20 * 1000 * 3);
    let expected = IntegritySettled {
        department: "gz.psb".into(),
        number: 1,
        rule: IntegrityRule::Uncovered as i32,
        identity_id: s.identity(GATEWAY).to_vec(),
        end: IntegrityEnd::Final as i32,
        count: 5,
        points,
        decay: parameters.integrity_decay,
    };
    assert_eq!(settled(&s, "gz.psb"), [expected]);
    assert_eq!(event(&s, 1).end(), IntegrityEnd::Final);
    let identity = Place::identity_score(s.identity(GATEWAY).as_bytes());
    for place in [Place::score("gz.psb"), identity.clone()] {
        let found = score_of(&s, &place);
        assert_eq!((found.demerit, found.merit, found.day), (points, 0, 20_522));
    }
    let found = score_of(&s, &identity);
    assert_eq!((found.events, found.provisional), (1, 0));
}

/// An event that is appealed waits for its ruling, however long that takes.
#[test]
fn an_appeal() {
    for uphold in [true, false] {
        let mut s = staged();
        uncovered(&mut s);
        let tx = s.sign(COLLECTOR, appeal("gz.psb", 1));
        let case = opened(&mut s, tx);
        assert_eq!(event(&s, 1).case_id, case.to_vec());
        // The time for appealing is over, and that for ruling not yet.
        s.world.reach(midnight(22));
        assert_eq!(event(&s, 1).end(), IntegrityEnd::Unspecified);
        rules(&mut s, &case, uphold);
        let (end, points) = match uphold {
            true => (IntegrityEnd::Dismissed, 0),
            false => (IntegrityEnd::Final, 20_000),
        };
        let found = settled(&s, "gz.psb");
        assert_eq!((found.len(), found[0].number), (1, 1));
        assert_eq!((found[0].end(), found[0].points), (end, points));
        assert_eq!(event(&s, 1).end(), end);
        // An appeal is no fault of anybody's.
        assert_eq!(s.world.at_fault(), []);
        let identity = Place::identity_score(s.identity(GATEWAY).as_bytes());
        let found = score_of(&s, &identity);
        assert_eq!((found.events, found.provisional, found.demerit), (1, 0, points));
    }
}

/// Who should rule and does not takes nothing back: the event is final when the time for that is over.
#[test]
fn an_appeal_that_nobody_rules_on() {
    let mut s = staged();
    uncovered(&mut s);
    let tx = s.sign(COLLECTOR, appeal("gz.psb", 1));
    let case = opened(&mut s, tx);
    let found = |s: &Staged| {
        let Some(Object::Case(it)) = s.world.objects.get(&Place::case(case.as_bytes())) else {
            panic!("no case");
        };
        (it.state(), it.due_ms)
    };
    let (state, due) = found(&s);
    assert_eq!(state, wire::CaseState::Answered);
    s.world.reach(due - 1);
    assert_eq!(event(&s, 1).end(), IntegrityEnd::Unspecified);
    s.world.reach(due);
    assert_eq!(event(&s, 1).end(), IntegrityEnd::Final);
    assert_eq!(found(&s), (wire::CaseState::Lapsed, 0));
    let late = s.sign(REGULATOR, rule_case(case.as_bytes(), "gz.reg", true));
    assert_eq!(s.world.refusal(&late), Some((Some(0), "case.state")));
}

fn rules(s: &mut Staged, case: &Hash, uphold: bool) {
    s.world.does(REGULATOR, rule_case(case.as_bytes(), "gz.reg", uphold));
}

/// A repeat within the hour of an event that a ruling has settled is another event.
#[test]
fn a_repeat_of_what_is_settled() {
    let mut s = staged();
    uncovered(&mut s);
    let tx = s.sign(COLLECTOR, appeal("gz.psb", 1));
    let case = opened(&mut s, tx);
    uncovered(&mut s);
    assert_eq!(counts(&s, "gz.psb", IntegrityRule::Uncovered), [2]);
    rules(&mut s, &case, true);
    uncovered(&mut s);
    assert_eq!(counts(&s, "gz.psb", IntegrityRule::Uncovered), [2, 1]);
}

/// An event follows from the item that made it, or that set the timer that made it.
#[test]
fn what_an_event_follows_from() {
    let mut s = staged();
    let latest = |s: &Staged, name: &str| {
        let key_id = s.world.signer(name).key.public().key_id().to_vec();
        Some(wire::Cause { key_id, number: s.world.seq(name) - 1 })
    };
    uncovered(&mut s);
    let expected = latest(&s, GATEWAY);
    assert_eq!(event(&s, 1).cause, expected);
    let said = s.world.said();
    assert_eq!(said[0].cause(), expected.as_ref().unwrap());
    let set_up = crate::ledger::tests::items::set_gateway(&s.identity(GATEWAY), &[RESIDENT]);
    s.world.does(COLLECTOR, set_up);
    let setting = latest(&s, COLLECTOR);
    crate::ledger::tests::account::numbered(&mut s, 9);
    let gap = latest(&s, GATEWAY);
    s.world.pause(3 * HOUR);
    s.world.pause(24 * HOUR);
    let missing = &events(&s, "gz.psb", IntegrityRule::SealMissing)[0];
    let numbers = &events(&s, "gz.psb", IntegrityRule::NumbersMissing)[0];
    assert_eq!((&missing.cause, &numbers.cause), (&setting, &gap));
}

/// Points are those of the parameters when the event is settled; a rule without a weight has none.
#[test]
fn points_are_the_parameters() {
    let weighs = |weights: Vec<wire::IntegrityWeight>| {
        let mut s = staged();
        uncovered(&mut s);
        set(&mut s, |it| (it.integrity_weights, it.integrity_decay) = (weights, 9_000));
        s.world.reach(midnight(22));
        let found = settled(&s, "gz.psb");
        (found[0].points, found[0].decay)
    };
    let rule = IntegrityRule::Uncovered as i32;
    assert_eq!(weighs(vec![wire::IntegrityWeight { rule, points: 7 }]), (7_000, 9_000));
    assert_eq!(weighs(vec![]), (0, 9_000));
}

/// Scores as anybody computes them from the events of a world.
fn computed(s: &Staged) -> BTreeMap<Place, Score> {
    let mut scores: BTreeMap<Place, Score> = BTreeMap::new();
    for block in &s.world.blocks {
        let day = calendar::day_of(block.header.time);
        for event in &block.delta.events {
            let Some(bytes) = &event.ledger else { continue };
            let event = crate::event::ledger::LedgerEvent::parse(bytes).unwrap();
            let (department, identity) = match event.kind() {
                Kind::IntegrityRaised(it) => (&it.department, &it.identity_id),
                Kind::IntegritySettled(it) => (&it.department, &it.identity_id),
                _ => continue,
            };
            let own = (!identity.is_empty()).then(|| Place::identity_score(identity));
            for place in [Place::score(department)].into_iter().chain(own) {
                let found = scores.entry(place).or_default();
                match event.kind() {
                    Kind::IntegritySettled(it) => {
                        found.provisional -= 1;
                        score::add(found, it, day);
                    }
                    _ => {
                        found.events += 1;
                        found.provisional += 1;
                    }
                }
            }
        }
    }
    scores
}

/// The score on the ledger is the sum of what is settled, each day's decay taken off, in a story with
/// faults on many days, repeats, appeals and a commendation.
#[test]
fn the_score_is_a_fold_of_the_chain() {
    let mut s = staged();
    for day in 0..40 {
        s.world.reach(midnight(day) + 12 * HOUR);
        for _ in 0..day % 4 {
            uncovered(&mut s);
        }
        if day % 5 == 1 {
            let number = score_of(&s, &Place::score("gz.psb")).events;
            let tx = s.sign(COLLECTOR, appeal("gz.psb", number));
            let case = opened(&mut s, tx);
            let it = rule_case(case.as_bytes(), "gz.reg", day % 2 == 0);
            s.world.does(REGULATOR, wire::RuleCase { commend: "gz.psb".into(), ..it });
        }
    }
    for days in [60, 61, 80] {
        s.world.reach(midnight(days));
    }
    let scores = computed(&s);
    let kept = s.world.objects.values().filter(|it| matches!(it, Object::Score(_))).count();
    assert_eq!(kept, scores.len());
    for (place, expected) in &scores {
        assert_eq!(score_of(&s, place), *expected, "{place}");
    }
    let own = scores[&Place::score("gz.psb")];
    assert!(own.demerit > 0 && own.merit > 0 && own.provisional == 0, "{own:?}");
    // It recovers, day by day.
    let on = |day| score::on_day(&own, day, 9_962);
    assert!(on(own.day) < on(own.day + 30) && on(own.day + 30) < on(own.day + 300));
}
