//! The `liuhen` command: nouns and verbs, tables and messages. What it does is the client library's.
//!
//! | room | holds |
//! |---|---|
//! | [`commands`] | a noun a file |
//! | [`rows`], [`output`] | events as rows; rows as table, JSON or CSV |
//! | [`report`] | pages to hand over |
//! | [`text`] | times, ids and enum values as people read and write them |

pub mod commands;
pub mod output;
pub mod report;
pub mod rows;
pub mod text;
