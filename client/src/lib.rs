//! The client of a Liuhen ledger: connecting, signing and submitting, reading trails, importing
//! audit logs; and the `liuhen` command, one file a command under [`commands`].

pub mod commands;
pub mod connect;
pub mod did;
pub mod error;
pub mod event;
pub mod evidence;
pub mod import;
pub mod output;
pub mod reach;
pub mod report;
pub mod subject_number;
pub mod submit;
pub mod text;
pub mod witness;
