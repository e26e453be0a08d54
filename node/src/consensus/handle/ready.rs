//! The engine is ready: it is told at which height to begin, once the others are there.

use crate::consensus::adapter::Adapter;
use crate::consensus::types::Ctx;
use crate::consensus::types::Height;
use malachitebft_app_channel::app::engine::host::HeightParams;
use malachitebft_app_channel::{NetworkRequest, Reply};
use std::time::{Duration, Instant};

/// A minority must be able to start too, and wait for the others at its height.
const WAIT_AT_MOST: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub(in crate::consensus) async fn handle(
    adapter: &mut Adapter,
    reply: Reply<(Height, HeightParams<Ctx>)>,
) -> anyhow::Result<()> {
    let began = Instant::now();
    let is_alone = adapter.parts.peers_wanted == 0;
    while !is_alone && began.elapsed() < WAIT_AT_MOST && !adapter.stop.is_cancelled() {
        let dump = NetworkRequest::dump_state(&adapter.net_requests).await;
        if dump.is_ok_and(|it| it.is_some_and(|it| it.peers.len() >= adapter.parts.peers_wanted)) {
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let height = adapter.chain().next_height();
    tracing::info!(%height, waited_ms = began.elapsed().as_millis(), "consensus begins");
    let _ = reply.send((Height(height.get()), adapter.params()?));
    Ok(())
}
