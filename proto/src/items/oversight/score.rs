//! The integrity score (诚信分): integers by a published rule, so that anybody can compute it again
//! from the chain.
//!
//! ```text
//! points of an event  weight of its rule × 1000 × bits(count)          thousandths; bits(1) = 1
//! a day later         points × decay ÷ 10000, rounded down
//! score               1000 + merit − demerit, from 0 to 1200           points
//! ```
//!
//! `bits` is the number of binary digits: what happens twice as often weighs one weight more. An
//! event counts from the day on which it is final. Commendations are merit, all else is demerit. What a vote voids is taken away
//! again, as far as it has not decayed.

use crate::wire::{IntegrityEnd, IntegrityRule, IntegritySettled, Parameters, Score};

/// Thousandths of a point.
const POINT: u64 = 1000;
/// The score of who has no events, and the highest.
const FULL: u64 = 1000 * POINT;
const HIGHEST: u64 = 1200 * POINT;
/// Days after which nothing is left.
const DAYS_AT_MOST: u64 = 36_600;

/// Thousandths of a point that an event has, by the weights that the consortium decided on.
pub fn points(parameters: &Parameters, rule: IntegrityRule, count: u64) -> u64 {
    let weights = &parameters.integrity_weights;
    let weight = weights.iter().find(|it| it.rule() == rule).map_or(0, |it| it.points);
    let bits = u64::from(u64::BITS.saturating_sub(count.leading_zeros()));
    u64::from(weight).saturating_mul(POINT).saturating_mul(bits)
}

/// What is left of points after so many days.
pub(crate) fn decayed(points: u64, days: u64, decay: u32) -> u64 {
    let mut left = points;
    for _ in 0..days.min(DAYS_AT_MOST) {
        if left == 0 {
            break;
        }
        left = left.saturating_mul(u64::from(decay)) / 10_000;
    }
    left
}

/// Takes an event that is settled on a local day into a score.
pub fn add(score: &mut Score, event: &IntegritySettled, day: u64) {
    let takes_away = match event.end() {
        IntegrityEnd::Final => false,
        IntegrityEnd::Voided if event.points > 0 => true,
        IntegrityEnd::Voided | IntegrityEnd::Dismissed | IntegrityEnd::Unspecified => return,
    };
    let days = day.saturating_sub(score.day);
    score.demerit = decayed(score.demerit, days, event.decay);
    score.merit = decayed(score.merit, days, event.decay);
    score.day = day;
    let place = match event.rule() {
        IntegrityRule::Commended => &mut score.merit,
        IntegrityRule::Unspecified
        | IntegrityRule::DeadlineMissed
        | IntegrityRule::Uncovered
        | IntegrityRule::QuotaExceeded
        | IntegrityRule::HalfMissing
        | IntegrityRule::LossesBeyond
        | IntegrityRule::OutageBeyond
        | IntegrityRule::SealMissing
        | IntegrityRule::SealFalse
        | IntegrityRule::NumbersMissing
        | IntegrityRule::TagsMissing
        | IntegrityRule::NotOpened
        | IntegrityRule::NotRatified
        | IntegrityRule::DoubleVote
        | IntegrityRule::CaseUpheld
        | IntegrityRule::CaseDismissed => &mut score.demerit,
    };
    *place = match takes_away {
        false => place.saturating_add(event.points),
        true => place.saturating_sub(event.points),
    };
}

/// The score on a local day, in thousandths of a point.
pub fn on_day(score: &Score, day: u64, decay: u32) -> u64 {
    let days = day.saturating_sub(score.day);
    let full = FULL.saturating_add(decayed(score.merit, days, decay));
    full.saturating_sub(decayed(score.demerit, days, decay)).min(HIGHEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::IntegrityWeight;

    #[test]
    fn points_grow_with_the_digits_of_the_count() {
        let rule = IntegrityRule::Uncovered;
        let weight = IntegrityWeight { rule: rule as i32, points: 20 };
        let parameters = Parameters { integrity_weights: vec![weight], ..Default::default() };
        let of = |count| points(&parameters, rule, count);
        assert_eq!([0, 1, 2, 3, 4, 1000].map(of), [0, 20_000, 40_000, 40_000, 60_000, 200_000]);
        assert_eq!(points(&parameters, IntegrityRule::SealFalse, 5), 0);
    }

    #[test]
    fn a_score_decays_and_stays_within_its_bounds() {
        let event = |rule: IntegrityRule, points| IntegritySettled {
            rule: rule as i32,
            end: IntegrityEnd::Final as i32,
            points,
            decay: 9_900,
            ..Default::default()
        };
        let mut score = Score::default();
        assert_eq!(on_day(&score, 20_000, 9_900), 1_000_000);
        add(&mut score, &event(IntegrityRule::Uncovered, 100_000), 20_000);
        assert_eq!(on_day(&score, 20_000, 9_900), 900_000);
        assert_eq!(on_day(&score, 20_002, 9_900), 1_000_000 - 98_010);
        add(&mut score, &event(IntegrityRule::Commended, 500_000), 20_002);
        assert_eq!((score.demerit, score.merit), (98_010, 500_000));
        assert_eq!(on_day(&score, 20_002, 9_900), 1_200_000);
        add(&mut score, &event(IntegrityRule::SealFalse, 9_000_000), 20_002);
        assert_eq!(on_day(&score, 20_002, 9_900), 0);
        assert_eq!(on_day(&score, u64::MAX, 9_900), 1_000_000);
        let before = score;
        let dismissed = IntegritySettled {
            end: IntegrityEnd::Dismissed as i32,
            ..event(IntegrityRule::Uncovered, 1)
        };
        add(&mut score, &dismissed, 20_003);
        assert_eq!(score, before);
    }
}
