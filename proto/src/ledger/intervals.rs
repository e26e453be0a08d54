//! Whether something was in force at a height or a time.

use super::{BlockContext, Halt, Refusal, words};
use crate::types::{Height, TimeMs, limits};
use crate::wire::{self, Interval};

/// Whether one of the intervals holds the height.
pub fn at_height(intervals: &[Interval], height: Height) -> bool {
    intervals.iter().any(|it| {
        it.from_height <= height.get() && it.until_height.is_none_or(|until| height.get() < until)
    })
}

/// Whether one of the intervals holds the time.
pub fn at_time(intervals: &[Interval], time: TimeMs) -> bool {
    intervals.iter().any(|it| {
        it.from_time_ms <= time.get() && it.until_time_ms.is_none_or(|until| time.get() < until)
    })
}

/// Whether a key signs at a height: it, its identity and its department are in force there.
pub fn may_sign(
    key: &wire::Key,
    identity: &wire::Identity,
    department: &wire::Department,
    height: Height,
) -> bool {
    let all = [&key.standing, &identity.standing, &department.standing];
    all.into_iter().all(|standing| at_height(standing, height))
}

/// The interval of all that is founded: from genesis on.
pub fn from_genesis() -> Vec<Interval> {
    vec![Interval::default()]
}

/// Whether it is in force from the next height on, as far as is known.
pub fn is_open(intervals: &[Interval]) -> bool {
    intervals.last().is_some_and(|it| it.until_height.is_none())
}

/// Refuses to stop for a time what was put in force so often that its life gets too long to be proved: it stays in
/// force, or is ended for good.
pub(crate) fn may_pause(intervals: &[Interval], name: &str) -> Result<(), Halt> {
    if intervals.len() < limits::STANDINGS {
        return Ok(());
    }
    let (of, limit) = (name.to_owned(), limits::STANDINGS);
    Err(Refusal::TooManyOf { what: words::STANDINGS, of, limit }.into())
}

/// In force from the height after this block's on.
pub(crate) fn open(intervals: &mut Vec<Interval>, block: &BlockContext) {
    if !is_open(intervals) {
        intervals.push(Interval {
            from_height: block.height.next().get(),
            from_time_ms: block.time.get(),
            until_height: None,
            until_time_ms: None,
        });
    }
}

/// No longer in force from the height after this block's on.
pub(crate) fn close(intervals: &mut [Interval], block: &BlockContext) {
    if let Some(last) = intervals.last_mut().filter(|it| it.until_height.is_none()) {
        last.until_height = Some(block.height.next().get());
        last.until_time_ms = Some(block.time.get());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_open() {
        let closed = [Interval {
            from_height: 5,
            from_time_ms: 50,
            until_height: Some(8),
            until_time_ms: Some(80),
        }];
        for (height, held) in [(4, false), (5, true), (7, true), (8, false)] {
            assert_eq!(at_height(&closed, Height::new(height)), held, "{height}");
            assert_eq!(at_time(&closed, TimeMs::new(height * 10)), held, "{height}");
        }
        assert!(at_height(&from_genesis(), Height::new(u64::MAX)));
        assert!(!at_height(&[], Height::GENESIS));
    }
}
