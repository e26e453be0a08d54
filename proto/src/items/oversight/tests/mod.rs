//! Rules of this domain, against tables of cases.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "a test whose sum overflows has failed, as it should"
)]

pub(crate) mod alerts;
pub(crate) mod cases;
pub(crate) mod double_votes;
pub(crate) mod integrity;
pub(crate) mod products;
pub(crate) mod story;
pub(crate) mod voided;
pub(crate) mod watches;
