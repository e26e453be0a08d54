//! This node's clock. Only what is local may read it: rules go by block time.

use liuhen_proto::types::TimeMs;
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio_util::sync::CancellationToken;

/// Milliseconds by which the clock is put ahead, for trying out what takes days.
static AHEAD_MS: AtomicU64 = AtomicU64::new(0);

const LOOK_EVERY: Duration = Duration::from_millis(100);

thread_local! {
    /// What stands in the place of this machine's clock, for one thread: the time of day, and what went by since some moment.
    static IN_PLACE: Cell<Option<(TimeMs, Duration)>> = const { Cell::new(None) };
}

/// From which what goes by is counted there.
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Puts a time of day, and what went by since some moment, in the place of this machine's clock, for this thread.
pub(crate) fn put(now: TimeMs, went_by: Duration) {
    IN_PLACE.set(Some((now, went_by)));
}

/// A moment to count from; it does not follow the time of day.
pub(crate) fn moment() -> Instant {
    match IN_PLACE.get() {
        Some((_, went_by)) => *BEGAN + went_by,
        None => Instant::now(),
    }
}

/// What went by since a moment.
pub(crate) fn since(moment: Instant) -> Duration {
    self::moment().saturating_duration_since(moment)
}

/// Now; 0 for a clock set before 1970.
pub fn now() -> TimeMs {
    if let Some((now, _)) = IN_PLACE.get() {
        return now;
    }
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
