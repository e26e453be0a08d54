//! The state machine against tables of cases, and against random blocks.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "a test whose sum overflows has failed, as it should"
)]

mod catalogue;
mod counters;
mod coverage;
mod coverage_cases;
mod coverage_kinds;
mod deadlines;
mod delegation;
mod departments;
mod emergency;
mod enactments;
pub(crate) mod founders;
mod founding;
mod governance;
mod grants;
mod identities;
pub(crate) mod items;
mod life;
mod model;
mod permits;
mod property;
mod reading;
mod refusals;
mod roots;
mod rules;
mod signers;
pub(crate) mod stage;
mod story;
mod successions;
mod use_cases;
mod window;
mod workflow;
pub(crate) mod world;

pub(crate) use world::World;
