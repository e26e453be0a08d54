//! The consortium's parameters: their defaults, and when they can hold.

use crate::types::{check_code, limits};
use crate::wire::{Fraction, Parameters};

/// Parameters with no lists and no lead, and every number at its default.
pub fn defaults() -> Parameters {
    Parameters {
        decision_age_ms: vec![3_600_000, 3_600_000, 600_000, 120_000],
        live_age_ms: 300_000,
        late_age_ms: 86_400_000,
        future_drift_ms: 10_000,
        recent_block_age_ms: 3_600_000,
        confirm_days: 1,
        decide_days: 10,
        answer_days: 10,
        ratify_days: 3,
        objection_days: 5,
        reconfirm_days: 20,
        proposal_days: 20,
        emergency_ms: 72 * 3_600_000,
        ordinary: Some(Fraction { numerator: 1, denominator: 2 }),
        constitutional: Some(Fraction { numerator: 2, denominator: 3 }),
        ..Parameters::default()
    }
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
    if it.live_age_ms == 0 || it.late_age_ms < it.live_age_ms || it.recent_block_age_ms == 0 {
        return Err("ages must be above zero, late_age_ms not below live_age_ms");
    }
    let days = [
        it.confirm_days,
        it.decide_days,
        it.answer_days,
        it.ratify_days,
        it.objection_days,
        it.reconfirm_days,
        it.proposal_days,
    ];
    if !days.iter().all(|days| (1..=limits::DEADLINE_DAYS).contains(days)) {
        return Err("a deadline is 1 to 366 working days");
    }
    if it.emergency_ms == 0 || it.emergency_ms > 72 * 3_600_000 {
        return Err("emergency access lasts 72 hours at most");
    }
    managers(it)?;
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
