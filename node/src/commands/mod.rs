//! The operator's commands, one file each.

pub mod config;
pub mod genesis;
pub mod init;
pub mod run;
