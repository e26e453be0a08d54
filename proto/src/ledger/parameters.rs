//! The consortium's parameters: their defaults, and when they can hold.

use super::calendar::HOUR_MS;
use crate::types::{check_code, limits};
use crate::wire::{Fraction, IntegrityRule, IntegrityWeight, Parameters, Watch, WatchKind};

/// Parameters with no lists and no lead, and every number at its default.
pub fn defaults() -> Parameters {
    Parameters {
        decision_age_ms: vec![HOUR_MS, HOUR_MS, 600_000, 120_000],
        live_age_ms: 300_000,
        late_age_ms: 86_400_000,
        future_drift_ms: 10_000,
        recent_block_age_ms: HOUR_MS,
        confirm_days: 1,
        decide_days: 10,
        answer_days: 10,
        ratify_days: 3,
        objection_days: 5,
        reconfirm_days: 20,
        proposal_days: 20,
        emergency_ms: 72 * HOUR_MS,
        ordinary: Some(Fraction { numerator: 1, denominator: 2 }),
        constitutional: Some(Fraction { numerator: 2, denominator: 3 }),
        seal_period_ms: HOUR_MS,
        seal_grace_ms: HOUR_MS,
        number_grace_ms: 24 * HOUR_MS,
        half_grace_ms: 24 * HOUR_MS,
        bulk_grace_ms: 72 * HOUR_MS,
        open_days: 5,
        answer_case_days: 10,
        appeal_days: 15,
        watches: watches(),
        integrity_weights: weights(),
        integrity_decay: 9_962,
        ..Parameters::default()
    }
}

/// What is watched for by default. Of hours there is no default: duties differ.
fn watches() -> Vec<Watch> {
    let watch = |kind: WatchKind, limit, window_ms| Watch {
        kind: kind as i32,
        limit,
        window_ms,
        schedule: None,
    };
    vec![
        watch(WatchKind::Burst, 6_000, 60_000),
        watch(WatchKind::RepeatedSubject, 5, 24 * HOUR_MS),
        watch(WatchKind::QuotaNearlyUsed, 80, 0),
        watch(WatchKind::UnpublishedChange, 0, 0),
        watch(WatchKind::SilentGateway, 0, 0),
        watch(WatchKind::NoGateway, 0, 7 * 24 * HOUR_MS),
        watch(WatchKind::FutureTime, 0, 0),
        watch(WatchKind::HalvesDiffer, 0, 0),
    ]
}

/// What integrity events weigh by default, in points.
fn weights() -> Vec<IntegrityWeight> {
    let weights = [
        (IntegrityRule::DeadlineMissed, 10),
        (IntegrityRule::Uncovered, 20),
        (IntegrityRule::QuotaExceeded, 10),
        (IntegrityRule::HalfMissing, 10),
        (IntegrityRule::SealMissing, 5),
        (IntegrityRule::SealFalse, 50),
        (IntegrityRule::NumbersMissing, 20),
        (IntegrityRule::TagsMissing, 10),
        (IntegrityRule::NotOpened, 50),
        (IntegrityRule::NotRatified, 20),
        (IntegrityRule::DoubleVote, 200),
        (IntegrityRule::CaseUpheld, 30),
        (IntegrityRule::CaseDismissed, 5),
        (IntegrityRule::Commended, 20),
    ];
    weights.map(|(rule, points)| IntegrityWeight { rule: rule as i32, points }).to_vec()
}

/// Says what is wrong with parameters; whether departments exist is the caller's to see.
pub fn check(it: &Parameters) -> Result<(), &'static str> {
    let lists = [
        &it.purposes,
        &it.legal_bases,
        &it.statutory_bases,
        &it.emergency_codes,
        &it.emergency_duties,
    ];
    for list in lists {
        if !list.iter().zip(list.iter().skip(1)).all(|(a, b)| a < b) {
            return Err("the codes of a list must be strictly ascending, each once");
        }
        if list.iter().any(|code| check_code(code).is_err()) {
            return Err("a purpose, legal basis, emergency code or duty is not a code");
        }
    }
    if !it.statutory_bases.iter().all(|code| it.legal_bases.contains(code)) {
        return Err("a statutory basis is not among the legal bases");
    }
    if it.decision_age_ms.len() != 4 {
        return Err("decision_age_ms has one entry for each of four grades");
    }
    if it.live_age_ms == 0 || it.late_age_ms < it.live_age_ms {
        return Err("ages must be above zero, late_age_ms not below live_age_ms");
    }
    let citable = limits::RECENT_AGE_LEAST_MS..=limits::RECENT_AGE_MOST_MS;
    if !citable.contains(&it.recent_block_age_ms) {
        return Err("recent_block_age_ms is five minutes (300000) to a day (86400000)");
    }
    let days = [
        it.confirm_days,
        it.decide_days,
        it.answer_days,
        it.ratify_days,
        it.objection_days,
        it.reconfirm_days,
        it.proposal_days,
        it.open_days,
        it.answer_case_days,
        it.appeal_days,
    ];
    if !days.iter().all(|days| (1..=limits::DEADLINE_DAYS).contains(days)) {
        return Err("a deadline is 1 to 366 working days");
    }
    if it.emergency_ms == 0 || it.emergency_ms > 72 * HOUR_MS {
        return Err("emergency access lasts 72 hours at most");
    }
    managers(it)?;
    answering(it)?;
    let at_least_half = |it: &Option<Fraction>| {
        it.as_ref().is_some_and(|it| {
            let (numerator, denominator) = (u64::from(it.numerator), u64::from(it.denominator));
            numerator.saturating_mul(2) >= denominator && numerator <= denominator && numerator > 0
        })
    };
    if !at_least_half(&it.ordinary) || !at_least_half(&it.constitutional) {
        return Err("a quorum is a fraction from one half to one");
    }
    Ok(())
}

/// What holds parties to account.
fn answering(it: &Parameters) -> Result<(), &'static str> {
    let graces = [it.seal_grace_ms, it.number_grace_ms, it.bulk_grace_ms, it.half_grace_ms];
    if it.seal_period_ms < 60_000 || graces.contains(&0) {
        return Err("a seal's period is a minute at least, and every grace above zero");
    }
    if it.half_grace_ms < it.late_age_ms {
        return Err("half_grace_ms is not below late_age_ms: late records have their halves");
    }
    let ascending = |list: Vec<i32>| list.iter().zip(list.iter().skip(1)).all(|(a, b)| a < b);
    let kinds: Vec<i32> = it.watches.iter().map(|one| one.kind).collect();
    let rules: Vec<i32> = it.integrity_weights.iter().map(|one| one.rule).collect();
    let known = it.watches.iter().all(|one| one.kind() != WatchKind::Unspecified)
        && it.integrity_weights.iter().all(|one| one.rule() != IntegrityRule::Unspecified);
    if !known || !ascending(kinds) || !ascending(rules) {
        return Err("watches and integrity weights: of known kinds, ascending, each once");
    }
    if !it.watches.iter().all(is_watchable) {
        return Err("a watch lacks its limit, window or hours, or has more than can be watched");
    }
    if it.integrity_decay > 10_000 {
        return Err("integrity_decay is what is left after a day, in ten-thousandths");
    }
    let authorities = &it.sealing_authorities;
    let sorted = authorities.iter().zip(authorities.iter().skip(1)).all(|(a, b)| a < b);
    if !sorted || authorities.iter().any(|code| check_code(code).is_err()) {
        return Err("sealing authorities are codes, strictly ascending, each once");
    }
    Ok(())
}

fn is_watchable(it: &Watch) -> bool {
    let windowed = it.limit > 0 && (1..=366 * 24 * HOUR_MS).contains(&it.window_ms);
    match it.kind() {
        WatchKind::Burst => windowed && it.limit <= 1_000_000_000,
        WatchKind::RepeatedSubject => {
            windowed && it.limit < u64::try_from(limits::WATCHED_SUBJECTS).unwrap_or(0)
        }
        WatchKind::OutsideHours => it.schedule.is_some_and(|hours| {
            let length = hours.until_minute.saturating_sub(hours.from_minute);
            hours.from_minute < 1440 && (1..=1440).contains(&length) && hours.weekdays < 128
        }),
        WatchKind::QuotaNearlyUsed => (1..=100).contains(&it.limit),
        WatchKind::NoGateway => (1..=366 * 24 * HOUR_MS).contains(&it.window_ms),
        WatchKind::UnpublishedChange
        | WatchKind::SilentGateway
        | WatchKind::FutureTime
        | WatchKind::HalvesDiffer => true,
        WatchKind::Unspecified => false,
    }
}

fn managers(it: &Parameters) -> Result<(), &'static str> {
    let ascending =
        it.managers.iter().zip(it.managers.iter().skip(1)).all(|(a, b)| a.division < b.division);
    let coded = it.managers.iter().all(|one| {
        let digits = one.division.bytes().all(|b| b.is_ascii_digit());
        let deputy = one.deputy.is_empty() || check_code(&one.deputy).is_ok();
        digits && check_code(&one.manager).is_ok() && deputy
    });
    if ascending && coded {
        Ok(())
    } else {
        Err("managers: divisions must be digits, strictly ascending, each with codes")
    }
}
