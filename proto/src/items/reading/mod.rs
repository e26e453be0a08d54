//! Reading the ledger leaves a trace too: what its reader signed, what a node showed, audits that seal it for a time.

pub mod audits;
pub mod read;
pub mod reads;
pub mod request;
pub mod sealed;
mod unopened;

#[cfg(test)]
pub(crate) mod tests;
