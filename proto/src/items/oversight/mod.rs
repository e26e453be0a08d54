//! Alerts, cases, products, double votes, and the integrity chain (诚信链) that follows.

pub(crate) mod cases;
pub(crate) mod double_vote;
pub(crate) mod integrity;
pub(crate) mod marks;
pub(crate) mod products;
pub mod score;
pub(crate) mod watches;

#[cfg(test)]
pub(crate) mod tests;
