//! A prover that leaves out what it likes, with range proofs that are right for what it shows: it
//! convinces only where what it shows is all there is.

use super::prover::{self, events_of};
use super::scene::{checked, gateway_trail, scene};
use super::{oracle, structure::complete};
use crate::verify::Range;
use crate::wire::{RangeKind, Trace};
use std::cmp::Ordering;

/// What a prover may show of a trail: leaves by number, and which of the outer ones it calls
/// neighbours.
fn shown(size: usize) -> Vec<(std::ops::Range<usize>, (bool, bool))> {
    let mut all = Vec::new();
    for low in 0..size {
        for high in low + 1..=size {
            for neighbours in [(false, false), (true, false), (false, true), (true, true)] {
                if usize::from(neighbours.0) + usize::from(neighbours.1) <= high - low {
                    all.push((low..high, neighbours));
                }
            }
        }
    }
    all
}

#[test]
fn nothing_can_be_left_out() {
    let stage = scene();
    let world = &stage.world;
    let trail = gateway_trail(&stage);
    let events = events_of(world, &trail);
    let end = world.height().next().get();
    let heights = (0..end).flat_map(|from| (from + 1..=end).map(move |until| (from, until)));
    let ranges = heights.map(|(from, until)| (RangeKind::Heights, from, until));
    let (mut convinced, mut refused, mut count) = (0, 0, 0);
    for range in ranges.chain([(RangeKind::Whole, 0, 0)]) {
        count += 1;
        let honest = prover::completeness(world, &trail, range.0, range.1, range.2);
        for (numbers, neighbours) in shown(events.len()) {
            let mut trace = Trace { transactions: Vec::new(), ..honest.clone() };
            let mut claim = complete(&mut trace).clone();
            prover::cover(world, &mut trace, &mut claim, &events, numbers, neighbours);
            *complete(&mut trace) = claim;
            match checked(world, &trace) {
                Ok(verified) => {
                    oracle::assert_true(world, verified.get());
                    convinced += 1;
                }
                Err(_) => refused += 1,
            }
        }
    }
    // One way to show each range, and no other: what is shown has neighbours or the ends.
    assert_eq!(convinced, count);
    assert!(refused > 50 * count, "{refused}");
}

/// The ends of a range are told by the leaves: before, in it, behind.
#[test]
fn places_around_a_range() {
    let stage = scene();
    let leaf = events_of(&stage.world, &gateway_trail(&stage))[0].leaf;
    let (height, time) = (leaf.height, leaf.time);
    let cases = [
        (Range::Whole, Ordering::Equal),
        (Range::Heights(height, height.next()), Ordering::Equal),
        (Range::Heights(height.next(), height.next().next()), Ordering::Less),
        (Range::Heights(height.previous(), height), Ordering::Greater),
        (Range::Times(time, time.plus(1)), Ordering::Equal),
        (Range::Times(time.plus(1), time.plus(2)), Ordering::Less),
        (Range::Times(crate::types::TimeMs::new(0), time), Ordering::Greater),
    ];
    for (range, expected) in cases {
        assert_eq!(range.place(&leaf), expected, "{range:?}");
    }
}
