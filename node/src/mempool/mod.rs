//! Transactions that wait to be put into a block.

pub mod answers;
pub mod pool;
pub mod queue;
pub mod service;
mod waiting;

pub use answers::{Answer, Submitted};
pub use pool::Pool;
pub use service::Mempool;
