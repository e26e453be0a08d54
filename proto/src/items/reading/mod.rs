//! Reading the ledger leaves a trace too.

pub mod reads;

#[cfg(test)]
pub(crate) mod tests;
