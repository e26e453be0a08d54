//! Where no connection crosses (网闸): what the gate signs goes out as files, and the ledger's state comes in as files, which anybody may carry.
//!
//! [`files`] says what they are; within, [`inbox`] reads and [`outbox`] writes them; outside, [`carry`] brings them to nodes and back.

pub mod carry;
pub mod files;
pub mod inbox;
pub mod outbox;

use serde::Deserialize;
use std::path::PathBuf;

/// The folders, and how old a state may be.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// What goes out.
    pub outbox: PathBuf,
    /// What comes in.
    pub inbox: PathBuf,
    /// By a state that is older nothing is decided.
    pub state_hours: u64,
}

impl Gap {
    /// How old a state may be, in milliseconds.
    pub fn state_ms(&self) -> u64 {
        self.state_hours.saturating_mul(3_600_000)
    }
}
