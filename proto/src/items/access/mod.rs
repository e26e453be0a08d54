//! Accesses and what keeps their record whole: records, seals, halves, bulk sets, sealed records, corrections; what is covered; what gateways set aside.

pub mod break_glass;
pub(crate) mod bulk;
pub(crate) mod checks;
pub mod corrections;
pub(crate) mod coverage;
pub mod decide;
pub(crate) mod gateways;
pub mod halves;
pub(crate) mod leases;
pub(crate) mod numbers;
pub mod observing;
pub(crate) mod own_grant;
pub mod receipt;
pub(crate) mod record_access;
pub mod replay;
pub mod sealing;
pub(crate) mod seals;
pub mod set_aside;
mod uses;

#[cfg(test)]
pub(crate) mod tests;
