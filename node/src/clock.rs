//! This node's clock. Only what is local may read it: rules go by block time.

use liuhen_proto::types::TimeMs;
use std::time::{SystemTime, UNIX_EPOCH};

/// Now; 0 for a clock set before 1970.
pub fn now() -> TimeMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    TimeMs::new(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
