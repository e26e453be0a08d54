//! The harness of the end-to-end tests: a consortium of four node processes on loopback, with
//! ports that the system gives, each in a home of its own.
//!
//! Nothing here waits for a time: every wait is for a condition, with a deadline.

pub mod actions;
pub mod bystander;
pub mod certificates;
pub mod cluster;
pub mod consortium;
pub mod disks;
pub mod doors;
pub mod ledger;
pub mod liar;
pub mod links;
pub mod load;
pub mod postgres;
pub mod proxies;
pub mod things;
pub mod wait;

pub use cluster::Cluster;
pub use consortium::Consortium;
