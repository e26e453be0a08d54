//! Waiting for conditions.

use std::time::{Duration, Instant};

/// A deadline that only a broken system meets; a shared machine may be slow.
pub const DEADLINE: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Waits until `condition` gives something. Errors at the deadline, naming what was waited for.
pub async fn until<T>(
    what: &str,
    mut condition: impl AsyncFnMut() -> Option<T>,
) -> anyhow::Result<T> {
    let began = Instant::now();
    loop {
        if let Some(found) = condition().await {
            return Ok(found);
        }
        anyhow::ensure!(began.elapsed() < DEADLINE, "waited in vain for {what}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
