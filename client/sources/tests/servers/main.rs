//! What real servers write of what they did, and what is read of it.
//!
//! The servers are installed by `scripts/test`; where one is missing and no project's run demands it, that is said and its tests
//! are passed over.

#![allow(clippy::unwrap_used, reason = "helpers of tests: a broken server may end them")]

mod postgres;
