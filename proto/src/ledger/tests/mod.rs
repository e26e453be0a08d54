//! The state machine against tables of cases, and against random blocks.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "a test whose sum overflows has failed, as it should"
)]

pub(crate) mod account;
mod alerts;
mod bulk;
mod cases;
mod catalogue;
mod corrections;
mod counters;
mod coverage;
mod coverage_cases;
mod coverage_kinds;
mod deadlines;
mod delegation;
mod departments;
mod double_votes;
mod emergency;
mod enactments;
pub(crate) mod founders;
mod founding;
mod gateways;
mod governance;
mod grants;
mod halves;
mod identities;
mod integrity;
pub(crate) mod items;
mod life;
mod model;
mod permits;
mod products;
mod property;
mod reading;
mod refusals;
pub(crate) mod replay;
mod roots;
mod rules;
mod sealing;
mod seals;
mod settings;
mod signers;
pub(crate) mod stage;
mod story;
mod successions;
mod use_cases;
mod watches;
mod window;
mod workflow;
pub(crate) mod world;

pub(crate) use world::World;
