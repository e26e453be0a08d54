//! The clock that signers state.

use liuhen_proto::types::TimeMs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds by which the nodes' clock was found ahead of this machine's, on a chain for trying
/// things out.
static AHEAD_MS: AtomicU64 = AtomicU64::new(0);

/// This machine's clock; on a chain for trying things out, its nodes'.
pub fn now() -> TimeMs {
    machine_now().plus(AHEAD_MS.load(Ordering::Relaxed))
}

fn machine_now() -> TimeMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    TimeMs::new(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Follows a node's clock that was put ahead of this machine's by more than clocks differ.
pub fn follow(node: TimeMs) {
    const DIFFER_MS: u64 = 60_000;
    let ahead = node.since(machine_now());
    AHEAD_MS.store(if ahead > DIFFER_MS { ahead } else { 0 }, Ordering::Relaxed);
}
