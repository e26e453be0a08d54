//! The state machine against tables of cases, and against random blocks.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "a test whose sum overflows has failed, as it should"
)]

mod counters;
mod coverage;
mod coverage_cases;
pub(crate) mod founders;
mod grants;
pub(crate) mod items;
mod property;
mod refusals;
mod rules;
mod signers;
pub(crate) mod stage;
mod story;
mod use_cases;
mod window;
pub(crate) mod world;

pub(crate) use world::World;
