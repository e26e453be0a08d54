//! Transactions that wait to be put into a block.

pub mod pool;
pub mod service;

pub use pool::Pool;
pub use service::{Answer, Mempool, Submitted};
