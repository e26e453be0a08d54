//! Rules of this domain, against tables of cases.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "a test whose sum overflows has failed, as it should"
)]

pub(crate) mod deadlines;
pub(crate) mod delegation;
pub(crate) mod emergency;
pub(crate) mod grants;
pub(crate) mod permits;
pub(crate) mod workflow;
