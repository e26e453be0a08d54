//! The operator's commands, one file each.

pub mod backup;
pub mod config;
pub mod dev_tls;
pub mod genesis;
pub mod init;
pub mod run;
pub mod vote;
