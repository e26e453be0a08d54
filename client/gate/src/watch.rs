//! What changes on a dataset's trail brings its renewal forward: a revocation is seen within a second or two, not ten. It says that something
//! changed, and nothing of what: state is what is proved, as always.

use crate::ledger::Ledger;
use crate::state::State;
use liuhen_client::event::Event;
use liuhen_proto::place::TrailKind;
use liuhen_proto::wire::WatchRequest;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A watch that ended is begun again after so long.
const AGAIN: Duration = Duration::from_secs(5);

/// Watches a dataset until told to stop.
pub async fn watch(ledger: &Ledger, state: &State, dataset: &str, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            ended = until_it_ends(ledger, state, dataset) => {
                tracing::debug!(dataset, why = ended, "the watch ended; it is begun again");
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
}

/// Watches until that ends; why.
async fn until_it_ends(ledger: &Ledger, state: &State, dataset: &str) -> String {
    let Some(node) = ledger.current() else { return "there is no node".into() };
    let request = WatchRequest {
        trail_kind: TrailKind::Dataset as u32,
        trail_id: dataset.as_bytes().to_vec(),
        ..WatchRequest::default()
    };
    let mut stream = match node.watching().watch(request).await {
        Ok(stream) => stream.into_inner(),
        Err(error) => return error.to_string(),
    };
    // What changed since the last proof was not watched.
    state.hurry(dataset);
    loop {
        let event = match stream.message().await {
            Ok(Some(it)) => it.event,
            Ok(None) => return "the node ended it".into(),
            Err(error) => return error.to_string(),
        };
        // Accesses change nothing by which is decided but what is used, which the gate counts.
        let is_access = |it| Event::from_wire(it).is_ok_and(|it: Event| it.body.record().is_some());
        if event.as_ref().is_some_and(|it| !is_access(it)) {
            state.hurry(dataset);
        }
    }
}
