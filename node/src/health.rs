//! Whether a node does all that it is for, as HTTP probes ask: `/healthz`, that its process answers; `/readyz`, that nothing is
//! wrong, or what is, a line each. What there is to see in full is in `liuhen status`.

use crate::api::Shared;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::PoisonError;
use std::time::Duration;

/// A block that is open for so long is not decided for lack of votes: a round takes two seconds.
const NO_QUORUM: Duration = Duration::from_secs(15);

/// It answers.
pub(crate) async fn healthz() -> Response {
    (StatusCode::OK, "ok\n").into_response()
}

/// Whether something is wrong, and what.
pub(crate) async fn readyz(State(shared): State<Shared>) -> Response {
    let wrong = wrong(&shared);
    let headers = [(header::CACHE_CONTROL, "no-store")];
    match wrong.is_empty() {
        true => (StatusCode::OK, headers, "ready\n".to_owned()).into_response(),
        false => {
            let lines: String = wrong.iter().map(|it| format!("{it}\n")).collect();
            (StatusCode::SERVICE_UNAVAILABLE, headers, lines).into_response()
        }
    }
}

fn wrong(shared: &Shared) -> Vec<String> {
    let mut wrong = Vec::new();
    let (is_validator, missing) = {
        let chain = shared.chain();
        let has_history = chain.index().has_history();
        let missing = (!has_history).then(|| chain.older_missing());
        (chain.validators().get(&shared.key).is_some(), missing)
    };
    if let Some(withheld) = shared.withheld.borrow().as_ref().filter(|_| is_validator) {
        wrong.push(format!("vote withheld: {}", withheld.why.code()));
    }
    let open_for = shared.opened.borrow().map(|since| since.elapsed());
    if let Some(open_for) = open_for.filter(|it| *it >= NO_QUORUM) {
        wrong.push(format!("no quorum: the next block is open for {} s", open_for.as_secs()));
    }
    let holes = shared.repairs.lock().unwrap_or_else(PoisonError::into_inner).holes;
    if holes > 0 {
        wrong.push(format!("blocks that can't be read: {holes}"));
    }
    if let Some(missing) = missing {
        wrong.push(format!("blocks before the snapshot that are missing: {missing}"));
    }
    if shared.checkpoints.fork().is_some() {
        wrong.push("two histories were seen".to_owned());
    }
    wrong
}
