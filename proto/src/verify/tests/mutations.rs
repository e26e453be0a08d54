//! Every byte of a proof file, flipped or cut off.

use super::scene::{gateway_trail, included, middle, nothing, scene, whole};
use super::{oracle, prover};
use crate::ledger::tests::World;
use crate::place::Place;
use crate::verify::verify;
use crate::wire::{self, RangeKind, absence_claim::Of, trace};
use proptest::prelude::*;
use prost::Message;

/// What a flip may change without making the file wrong: the ends of a range, where no event lies
/// between the old end and the new; the name of an empty trail or of an absent object, where no other
/// leaf of the map lies on the way; a number that is not reached, or a transaction that is not there.
/// Then the file makes another claim, which is true.
fn claim_aside(mut trace: wire::Trace) -> wire::Trace {
    if let Some(trace::Claim::Completeness(claim)) = &mut trace.claim {
        claim.from = 0;
        claim.until = 0;
        if claim.size == 0 {
            claim.trail_kind = 0;
            claim.trail_id.clear();
        }
    }
    if let Some(trace::Claim::Absence(claim)) = &mut trace.claim {
        match claim.of.as_mut() {
            Some(Of::Object(it)) => {
                it.kind = 0;
                it.id.clear();
            }
            Some(Of::Number(it)) => it.number = 0,
            Some(Of::Transaction(it)) => it.tx_id.clear(),
            None => {}
        }
    }
    trace
}

/// Flips each byte in two ways. Whatever verifies must say what is true, and differ in nothing but
/// the range. Gives how many such there were.
pub(super) fn flipped(world: &World, trace: &wire::Trace) -> usize {
    let bytes = trace.encode_to_vec();
    assert!(verify(&world.founding, &bytes).is_ok());
    let mut still_true = 0;
    for at in 0..bytes.len() {
        for mask in [1u8 << (at % 8), 0xff] {
            let mut bent = bytes.clone();
            bent[at] ^= mask;
            let Ok(verified) = verify(&world.founding, &bent) else {
                continue;
            };
            let read = wire::Trace::decode(bent.as_slice()).unwrap();
            assert_eq!(claim_aside(read), claim_aside(trace.clone()), "byte {at} ^ {mask}");
            oracle::assert_true(world, verified.get());
            still_true += 1;
        }
    }
    still_true
}

/// Cut short anywhere, or with something behind it, a file says nothing.
pub(super) fn cut(world: &World, trace: &wire::Trace) {
    let bytes = trace.encode_to_vec();
    for end in 0..bytes.len() {
        assert!(verify(&world.founding, &bytes[..end]).is_err(), "{end} bytes");
    }
    for more in [&[0u8][..], &[8, 0], &bytes] {
        assert!(verify(&world.founding, &[&bytes, more].concat()).is_err());
    }
}

#[test]
fn inclusion() {
    let stage = scene();
    let trace = included(&stage);
    assert_eq!(flipped(&stage.world, &trace), 0);
    cut(&stage.world, &trace);
}

#[test]
fn a_whole_trail() {
    let stage = scene();
    let trace = whole(&stage, &gateway_trail(&stage));
    assert_eq!(flipped(&stage.world, &trace), 0);
    cut(&stage.world, &trace);
}

#[test]
fn events_of_the_ledgers_own() {
    let stage = scene();
    let trace = whole(&stage, &Place::integrity_trail("gz.hrss"));
    assert_eq!(flipped(&stage.world, &trace), 0);
    cut(&stage.world, &trace);
    let trace = whole(&stage, &Place::governance_trail());
    assert_eq!(flipped(&stage.world, &trace), 0);
    cut(&stage.world, &trace);
}

#[test]
fn heights() {
    let stage = scene();
    let trace = middle(&stage);
    // Heights 7 to 9: block 8 is empty, so the claim up to 8 is true too.
    assert!(flipped(&stage.world, &trace) <= 4);
    cut(&stage.world, &trace);
}

#[test]
fn times() {
    let stage = scene();
    let time = |height: usize| stage.world.blocks[height].header.time.get();
    let trail = gateway_trail(&stage);
    let trace = prover::completeness(&stage.world, &trail, RangeKind::Times, time(7), time(9));
    // The lowest bits of a time may change without reaching another block.
    assert!(flipped(&stage.world, &trace) <= 8);
    cut(&stage.world, &trace);
}

#[test]
fn an_empty_trail() {
    let stage = scene();
    let trace = nothing(&stage);
    assert!(flipped(&stage.world, &trace) <= 8);
    cut(&stage.world, &trace);
}

proptest! {
    #[test]
    fn anything_at_all(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(verify(&scene().world.founding, &bytes).is_err());
    }

    /// Bytes of one true file put in the place of others.
    #[test]
    fn pieces_moved(
        from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(), size in 1usize..200,
    ) {
        let stage = scene();
        let bytes = middle(&stage).encode_to_vec();
        let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
        let size = size.min(bytes.len() - from).min(bytes.len() - to);
        let mut bent = bytes.clone();
        bent.copy_within(from..from + size, to);
        if let Ok(verified) = verify(&stage.world.founding, &bent) {
            oracle::assert_true(&stage.world, verified.get());
            let read = wire::Trace::decode(bent.as_slice()).unwrap();
            prop_assert_eq!(claim_aside(read), claim_aside(middle(&stage)));
        }
    }
}
