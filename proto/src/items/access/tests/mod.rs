//! Rules of this domain, against tables of cases.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "a test whose sum overflows has failed, as it should"
)]

pub(crate) mod bulk;
pub(crate) mod corrections;
pub(crate) mod counters;
pub(crate) mod coverage;
pub(crate) mod coverage_cases;
pub(crate) mod coverage_kinds;
mod decide;
mod declarations;
pub(crate) mod gateways;
pub(crate) mod halves;
mod hourly_halves;
pub(crate) mod leases;
pub(crate) mod observing;
mod receipts;
pub(crate) mod replay;
pub(crate) mod sealing;
pub(crate) mod seals;
mod statements;
mod untold;
pub(crate) mod use_cases;
