//! A client that calls a node again and again while somebody else attacks it: each of its calls must succeed. How long
//! they took is told, and decides nothing.

use liuhen_client::connect::Node;
use liuhen_proto::wire::ListDepartmentsRequest;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// Calls begin no closer than this: a client is served that works, and does not attack too.
const PACE: Duration = Duration::from_millis(10);

/// A client at work.
pub struct Bystander {
    stop: Arc<AtomicBool>,
    calls: JoinHandle<anyhow::Result<Vec<Duration>>>,
}

/// How long calls took, the shortest first.
#[derive(Debug, Clone)]
pub struct Latencies(Vec<Duration>);

impl Bystander {
    /// Begins to call a node, by the connection and as the identity that it is given.
    pub fn start(node: Node) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let calls = tokio::spawn(call_until(Arc::clone(&stop), node));
        Self { stop, calls }
    }

    /// Ends. Errors with the first call that failed.
    pub async fn finish(self) -> anyhow::Result<Latencies> {
        self.stop.store(true, Ordering::Relaxed);
        Ok(Latencies::of(self.calls.await??))
    }
}

async fn call_until(stop: Arc<AtomicBool>, node: Node) -> anyhow::Result<Vec<Duration>> {
    let mut pace = tokio::time::interval(PACE);
    let mut took = Vec::new();
    while took.is_empty() || !stop.load(Ordering::Relaxed) {
        pace.tick().await;
        let begun = Instant::now();
        node.registry().list_departments(ListDepartmentsRequest::default()).await?;
        took.push(begun.elapsed());
    }
    Ok(took)
}

impl Latencies {
    /// Of so many calls.
    pub fn of(mut took: Vec<Duration>) -> Self {
        took.sort_unstable();
        Self(took)
    }

    /// What so many of a hundred calls did not exceed.
    fn percentile(&self, of_hundred: usize) -> Duration {
        let at = (self.0.len() * of_hundred).div_ceil(100).saturating_sub(1);
        self.0.get(at).copied().unwrap_or_default()
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [half, most, all] = [50, 99, 100].map(|it| self.percentile(it));
        write!(f, "{} of another client: p50 {half:?}, p99 {most:?}, longest {all:?}", self.0.len())
    }
}
