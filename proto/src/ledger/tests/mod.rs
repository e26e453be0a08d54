//! The state machine against tables of cases, and against random blocks.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "a test whose sum overflows has failed, as it should"
)]

pub(crate) mod account;
pub(crate) mod founders;
pub(crate) mod founding;
pub(crate) mod items;
pub(crate) mod life;
pub(crate) mod model;
pub(crate) mod property;
pub(crate) mod proposers;
pub(crate) mod refusals;
pub(crate) mod roots;
pub(crate) mod rules;
pub(crate) mod signers;
pub(crate) mod stage;
pub(crate) mod window;
pub(crate) mod world;

pub(crate) use world::World;
