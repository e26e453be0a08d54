//! Whose turn it is to propose. Validators take turns by height and round; who missed lately is passed over.

use crate::header::validators::ValidatorSet;
use crate::types::{Height, KeyId};
use crate::wire;
use std::cmp::Reverse;

/// For how many heights a validator is passed over that missed one turn. Each further turn missed doubles them: so seldom, at
/// full speed, that the rounds lost by trying again cost little.
pub const PASSED_OVER: u64 = 64;
/// For how many heights at most.
pub const PASSED_OVER_MOST: u64 = 1024;

/// Whose turn it is at a height, by round: places in the set of validators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turns {
    /// Those who take turns.
    in_turn: Vec<usize>,
    /// Those who come only when all others had theirs in vain.
    passed_over: Vec<usize>,
}

impl Turns {
    /// The turns of a height. `missed`: who missed lately, as the ledger has it for that height. Passed over are those that missed
    /// most, of equal ones those that missed last, with less than a third of the power together.
    pub fn new(set: &ValidatorSet, missed: &[wire::MissedTurns], height: Height) -> Self {
        let place = |it: &wire::MissedTurns| {
            let id = KeyId::from_slice(&it.key_id).ok()?;
            set.all().binary_search_by(|known| known.key_id.cmp(&id)).ok()
        };
        let absent = missed.iter().filter(|it| is_passed_over(it, height));
        let mut absent: Vec<_> = absent.filter_map(|it| Some((it, place(it)?))).collect();
        absent.sort_by_key(|(it, place)| (Reverse((it.count, it.height)), *place));
        let (mut passed_over, mut power) = (Vec::new(), 0u128);
        for (_, place) in absent {
            let more = set.all().get(place).map_or(0, |it| u128::from(it.power));
            let together = power.saturating_add(more);
            if together.saturating_mul(3) < set.total_power() {
                power = together;
                passed_over.push(place);
            }
        }
        passed_over.sort_unstable();
        let in_turn = (0..set.all().len()).filter(|it| passed_over.binary_search(it).is_err());
        Self { in_turn: in_turn.collect(), passed_over }
    }

    /// Place in the set of the validator whose turn it is. Total for every height and round.
    pub fn at(&self, height: Height, round: u32) -> usize {
        let turn_taking = self.in_turn.len() as u64;
        let all = turn_taking.saturating_add(self.passed_over.len() as u64);
        let round = u64::from(round).checked_rem(all).unwrap_or(0);
        let place = match round.checked_sub(turn_taking) {
            Some(behind) => nth(&self.passed_over, behind),
            None => {
                let turn = height.get().wrapping_add(round).checked_rem(turn_taking).unwrap_or(0);
                nth(&self.in_turn, turn)
            }
        };
        place.unwrap_or(0)
    }

    /// Who is passed over: places in the set, ascending.
    pub fn passed_over(&self) -> &[usize] {
        &self.passed_over
    }
}

fn nth(places: &[usize], n: u64) -> Option<usize> {
    usize::try_from(n).ok().and_then(|n| places.get(n)).copied()
}

/// Whether it is too early to try a validator again.
fn is_passed_over(missed: &wire::MissedTurns, height: Height) -> bool {
    let doubled = missed.count.saturating_sub(1).min(PASSED_OVER_MOST.ilog2());
    let for_heights = PASSED_OVER.saturating_mul(1u64.checked_shl(doubled).unwrap_or(u64::MAX));
    missed.count > 0
        && height.get().saturating_sub(missed.height) <= for_heights.min(PASSED_OVER_MOST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::validators::tests::{set_of, wire_of};

    fn missed(set: &ValidatorSet, place: usize, count: u32, height: u64) -> wire::MissedTurns {
        let key_id = set.all()[place].key_id.to_vec();
        wire::MissedTurns { key_id, count, height }
    }

    fn turns(set: &ValidatorSet, missed: &[wire::MissedTurns], height: u64) -> Vec<usize> {
        let height = Height::new(height);
        let turns = Turns::new(set, missed, height);
        (0..set.all().len() as u32).map(|round| turns.at(height, round)).collect()
    }

    #[test]
    fn all_take_turns_by_height_and_round() {
        let set = set_of(&[1, 2, 3, 4]).0;
        assert_eq!(turns(&set, &[], 8), [0, 1, 2, 3]);
        assert_eq!(turns(&set, &[], 9), [1, 2, 3, 0]);
        let turns = Turns::new(&set, &[], Height::new(9));
        assert_eq!(turns.at(Height::new(9), 4), 1);
        for height in [0, 1, u64::MAX - 1, u64::MAX] {
            for round in [0, 1, u32::MAX] {
                assert!(turns.at(Height::new(height), round) < 4);
            }
        }
    }

    #[test]
    fn who_missed_comes_last_and_then_is_tried_again() {
        let set = set_of(&[1, 2, 3, 4]).0;
        let once = [missed(&set, 2, 1, 100)];
        for height in 101..=164 {
            let turns = turns(&set, &once, height);
            assert_eq!(turns[3], 2, "height {height}");
            assert!([0, 1, 3].contains(&turns[0]));
        }
        assert_eq!(turns(&set, &once, 166), [2, 3, 0, 1]);
        let often = [missed(&set, 2, 3, 100)];
        assert_eq!(turns(&set, &often, 100 + 256)[3], 2);
        assert_eq!(turns(&set, &often, 100 + 258), [2, 3, 0, 1]);
        let always = [missed(&set, 2, u32::MAX, 100)];
        assert_eq!(turns(&set, &always, 100 + 1024)[3], 2);
        assert_eq!(turns(&set, &always, 100 + 1026), [2, 3, 0, 1]);
    }

    /// Whom all but the last missed would choose is not passed over for it: less than a third is.
    #[test]
    fn less_than_a_third_is_passed_over() {
        let of = |seeds: &[u8], missed_by: &[(usize, u32, u64)]| {
            let set = set_of(seeds).0;
            let list: Vec<_> = missed_by.iter().map(|it| missed(&set, it.0, it.1, it.2)).collect();
            Turns::new(&set, &list, Height::new(101)).passed_over().to_vec()
        };
        assert_eq!(of(&[1, 2, 3], &[(0, 9, 100)]), [0usize; 0]);
        assert_eq!(of(&[1, 2, 3, 4], &[(0, 1, 100), (1, 2, 90), (3, 1, 100)]), [1]);
        assert_eq!(of(&[1, 2, 3, 4], &[(0, 1, 99), (3, 1, 100)]), [3]);
        assert_eq!(of(&[1, 2, 3, 4], &[(0, 1, 100), (3, 1, 100)]), [0]);
        assert_eq!(of(&[1, 2, 3, 4, 5, 6, 7], &[(0, 1, 98), (3, 1, 99), (6, 1, 100)]), [3, 6]);
    }

    #[test]
    fn power_counts_and_not_heads() {
        let mut wire: Vec<_> = set_of(&[1, 2, 3, 4]).1.iter().map(wire_of).collect();
        wire[0].power = 5;
        let set = ValidatorSet::from_wire(&wire).unwrap();
        let list = [missed(&set, 0, 9, 100), missed(&set, 1, 1, 100), missed(&set, 2, 1, 100)];
        let turns = Turns::new(&set, &list, Height::new(101));
        assert_eq!(turns.passed_over(), [1, 2]);
    }
}
