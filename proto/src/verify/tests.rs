//! Proof files made from a world in memory: true ones verify, bent ones never do.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "a test whose sum overflows has failed, as it should"
)]

mod anchors;
mod authorised;
mod claims;
mod conflicts;
mod corpus;
mod departments;
mod known;
mod liars;
mod mutations;
mod omissions;
mod oracle;
mod prover;
mod ranges;
mod scene;
mod stretches;
mod structure;
mod subjects;
mod told;
mod witnessed;
