//! Rules of this domain, against tables of cases.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "a test whose sum overflows has failed, as it should"
)]

pub(crate) mod enactments;
pub(crate) mod settings;
mod taken_back;
pub(crate) mod votes;
