//! Links between machines: how long a message is under way, whether it comes at all, and who is cut off from whom.

use crate::random::Random;
use std::collections::BTreeSet;

/// Microseconds of a way on a good network.
const QUICK: (u64, u64) = (200, 3_000);

/// The links.
#[derive(Debug, Default)]
pub(crate) struct Network {
    /// Ways that are cut, from one to another.
    cut: BTreeSet<(usize, usize)>,
    /// Messages of a thousand that are lost.
    lost: u64,
    /// How much longer at most each is under way, microseconds.
    slow: u64,
}

impl Network {
    /// How long a message is under way; `None`: it does not come.
    pub(crate) fn way(&self, from: usize, to: usize, random: &mut Random) -> Option<u64> {
        if self.cut.contains(&(from, to)) || random.chance(self.lost) {
            return None;
        }
        Some(random.between(QUICK.0, QUICK.1) + random.below(self.slow + 1))
    }

    /// Whether two machines are connected.
    pub(crate) fn is_up(&self, one: usize, other: usize) -> bool {
        !self.cut.contains(&(one, other)) && !self.cut.contains(&(other, one))
    }

    /// Cuts the way from one machine to another.
    pub(crate) fn cut(&mut self, from: usize, to: usize) {
        self.cut.insert((from, to));
    }

    /// Cuts all ways between those of one side and the others.
    pub(crate) fn part(&mut self, side: &BTreeSet<usize>, machines: usize) {
        for one in side {
            for other in (0..machines).filter(|it| !side.contains(it)) {
                self.cut(*one, other);
                self.cut(other, *one);
            }
        }
    }

    pub(crate) fn set_quality(&mut self, lost: u64, slow: u64) {
        (self.lost, self.slow) = (lost, slow);
    }

    /// All is well again.
    pub(crate) fn heal(&mut self) {
        *self = Self::default();
    }
}
