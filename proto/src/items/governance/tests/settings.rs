//! Parameters by which parties are held to account: what they can't be.

use crate::ledger::parameters::{check, defaults};
use crate::types::limits;
use crate::wire::{IntegrityRule, IntegrityWeight, Parameters, Schedule, Watch, WatchKind};

const MINUTE: u64 = 60_000;
const YEAR: u64 = 366 * 24 * 60 * MINUTE;

/// Whether such parameters can be.
fn holds(bend: impl FnOnce(&mut Parameters)) -> bool {
    let mut it = defaults();
    bend(&mut it);
    check(&it).is_ok()
}

#[test]
fn periods_and_graces() {
    assert!(holds(|_| {}));
    assert!(holds(|it| it.seal_period_ms = MINUTE));
    assert!(!holds(|it| it.seal_period_ms = MINUTE - 1));
    assert!(holds(|it| (it.seal_grace_ms, it.number_grace_ms, it.bulk_grace_ms) = (1, 1, 1)));
    assert!(!holds(|it| it.seal_grace_ms = 0));
    assert!(!holds(|it| it.number_grace_ms = 0));
    assert!(!holds(|it| it.bulk_grace_ms = 0));
    // Nor is anything so long that it never comes.
    let times: [fn(&mut Parameters) -> &mut u64; 11] = [
        |it| &mut it.live_age_ms,
        |it| &mut it.late_age_ms,
        |it| &mut it.future_drift_ms,
        |it| &mut it.seal_period_ms,
        |it| &mut it.seal_grace_ms,
        |it| &mut it.number_grace_ms,
        |it| &mut it.half_grace_ms,
        |it| &mut it.bulk_grace_ms,
        |it| &mut it.emergency_ms,
        |it| &mut it.recent_block_age_ms,
        |it| &mut it.decision_age_ms[0],
    ];
    for of in times {
        for much in [u64::MAX, 367 * 24 * 60 * MINUTE] {
            assert!(!holds(|it| *of(it) = much));
        }
    }
    // Late records have their halves.
    assert!(holds(|it| it.half_grace_ms = it.late_age_ms));
    assert!(!holds(|it| it.half_grace_ms = it.late_age_ms - 1));
    let days: [fn(&mut Parameters) -> &mut u32; 3] =
        [|it| &mut it.open_days, |it| &mut it.answer_case_days, |it| &mut it.appeal_days];
    for of in days {
        for (days, expected) in [(0, false), (1, true), (366, true), (367, false)] {
            assert_eq!(holds(|it| *of(it) = days), expected, "{days}");
        }
    }
}

#[test]
fn weights_and_authorities() {
    let weight = |rule: i32| IntegrityWeight { rule, points: 1 };
    let weighs = |rules: &[i32]| {
        holds(|it| it.integrity_weights = rules.iter().map(|rule| weight(*rule)).collect())
    };
    let points =
        |points| holds(|it| it.integrity_weights = vec![IntegrityWeight { rule: 1, points }]);
    assert!(points(0) && points(10_000) && !points(10_001) && !points(u32::MAX));
    let listed =
        |count: usize| holds(|it| it.purposes = (0..count).map(|n| format!("p{n:05}")).collect());
    assert!(listed(limits::LISTED) && !listed(limits::LISTED + 1));
    let last = IntegrityRule::OutageBeyond as i32;
    assert!(weighs(&[]) && weighs(&[1, last]));
    assert!(!weighs(&[0]) && !weighs(&[last + 1]) && !weighs(&[2, 1]) && !weighs(&[1, 1]));
    assert!(holds(|it| it.integrity_decay = 10_000) && holds(|it| it.integrity_decay = 0));
    assert!(!holds(|it| it.integrity_decay = 10_001));
    let decide = |codes: &[&str]| {
        let codes = codes.iter().map(|it| (*it).to_owned()).collect();
        holds(|it| it.sealing_authorities = codes)
    };
    assert!(decide(&["gz.aud", "gz.reg"]));
    assert!(!decide(&["gz.reg", "gz.aud"]) && !decide(&["gz.aud", "gz.aud"]) && !decide(&[""]));
}

/// Whether a watch can be: its kind, limit and window.
fn watched(kind: WatchKind, limit: u64, window_ms: u64) -> bool {
    let one = Watch { kind: kind as i32, limit, window_ms, schedule: None };
    holds(|it| it.watches = vec![one])
}

#[test]
fn watches() {
    use WatchKind::{Burst, FutureTime, NoGateway, QuotaNearlyUsed, RepeatedSubject};
    let subjects = limits::WATCHED_SUBJECTS as u64;
    for (kind, limit) in [(Burst, 1_000_000_000), (RepeatedSubject, subjects - 1)] {
        assert!(watched(kind, 1, 1) && watched(kind, limit, YEAR), "{kind:?}");
        assert!(!watched(kind, limit + 1, YEAR) && !watched(kind, 0, 1), "{kind:?}");
        assert!(!watched(kind, 1, 0) && !watched(kind, 1, YEAR + 1), "{kind:?}");
    }
    assert!(watched(QuotaNearlyUsed, 1, 0) && watched(QuotaNearlyUsed, 100, 0));
    assert!(!watched(QuotaNearlyUsed, 0, 0) && !watched(QuotaNearlyUsed, 101, 0));
    assert!(watched(NoGateway, 0, 1) && watched(NoGateway, 0, YEAR));
    assert!(!watched(NoGateway, 0, 0) && !watched(NoGateway, 0, YEAR + 1));
    assert!(watched(FutureTime, 0, 0) && !watched(WatchKind::Unspecified, 1, 1));
    let one = Watch { kind: FutureTime as i32, ..Watch::default() };
    assert!(!holds(|it| it.watches = vec![one, one]));
}

#[test]
fn hours_that_are_not_outside() {
    let within = |from_minute, until_minute, weekdays| {
        let schedule = Some(Schedule { from_minute, until_minute, weekdays });
        let kind = WatchKind::OutsideHours as i32;
        holds(|it| it.watches = vec![Watch { kind, schedule, ..Watch::default() }])
    };
    assert!(within(0, 1440, 127) && within(1439, 1440 + 1439, 0));
    assert!(!within(1440, 1441, 0) && !within(1, 1, 0) && !within(0, 1441, 0));
    assert!(!within(0, 1440, 128) && !watched(WatchKind::OutsideHours, 0, 0));
}
