//! This node's clock. Only what is local may read it: rules go by block time.

use liuhen_proto::types::TimeMs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio_util::sync::CancellationToken;

/// Milliseconds by which the clock is put ahead, for trying out what takes days.
static AHEAD_MS: AtomicU64 = AtomicU64::new(0);

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Now; 0 for a clock set before 1970.
pub fn now() -> TimeMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let real = TimeMs::new(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
    real.plus(AHEAD_MS.load(Ordering::Relaxed))
}

/// Follows a file with the milliseconds by which this clock is put ahead, on a `dev-` chain. The
/// clock never goes back.
pub async fn follow(file: PathBuf, stop: CancellationToken) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = look.tick() => read(&file),
        }
    }
}

/// Reads such a file once. One that is not there, or no number, changes nothing.
pub fn read(file: &Path) {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    if let Ok(ahead) = text.trim().parse() {
        AHEAD_MS.fetch_max(ahead, Ordering::Relaxed);
    }
}
