//! Building proof files.

use super::auth::{self, Access};
use super::{Shared, bad_argument, blocking, chunks, not_found, of_store, trail_of};
use crate::app::ProveError;
use liuhen_proto::types::{Height, TimeMs, TxId};
use liuhen_proto::verify::Range;
use liuhen_proto::wire::{ProofChunk, ProveEventRequest, ProveTrailRequest, RangeKind};
use liuhen_rpc::services::proof_service_server::ProofService;
use liuhen_rpc::status::with_reason;
use std::sync::Arc;
use tonic::{Code, Request, Response, Status};

/// See [`ProofService`].
pub struct Proofs(pub(super) Shared);

type Chunks = tokio_stream::Iter<std::vec::IntoIter<Result<ProofChunk, Status>>>;

#[tonic::async_trait]
impl ProofService for Proofs {
    type ProveTrailStream = Chunks;
    type ProveEventStream = Chunks;

    async fn prove_trail(
        &self,
        request: Request<ProveTrailRequest>,
    ) -> Result<Response<Chunks>, Status> {
        let asked = request.get_ref();
        let (kind, trail) = trail_of(asked.trail_kind, &asked.trail_id)?;
        let caller = match auth::shows_subject_key(kind, &asked.trail_id, &asked.subject_key)? {
            // Whoever shows a token as well is who the token says.
            true if !request.metadata().contains_key("authorization") => None,
            _ => Some(auth::caller(&self.0, &request)?),
        };
        let (shared, request) = (self.0.clone(), request.into_inner());
        let readers = Arc::clone(&shared.readers);
        let range = range(&request)?;
        let work = move || {
            let (overseer, (proof, first, count)) = {
                let chain = shared.chain();
                let overseer = match &caller {
                    Some(caller) if caller.may_read(&chain, &trail)? == Access::Oversight => {
                        Some(caller)
                    }
                    _ => None,
                };
                let proof = chain.prove_trail(kind, &request.trail_id, range);
                (overseer, proof.map_err(|e| of_prove(&e))?)
            };
            if let Some(caller) = overseer {
                shared.note_read(caller, &trail, first, count)?;
            }
            Ok(proof)
        };
        Ok(Response::new(chunks(blocking(&readers, work).await?)))
    }

    async fn prove_event(
        &self,
        request: Request<ProveEventRequest>,
    ) -> Result<Response<Chunks>, Status> {
        let caller = auth::caller(&self.0, &request)?;
        let (shared, request) = (self.0.clone(), request.into_inner());
        let readers = Arc::clone(&shared.readers);
        let id = TxId::from_slice(&request.tx_id);
        let id = id.map_err(|e| bad_argument("tx_id", &e.to_string()))?;
        let work = move || {
            let (proof, trails) = {
                let chain = shared.chain();
                chain.prove_event(&id, request.item).map_err(|e| of_prove(&e))?
            };
            let mut overseen = None;
            for trail in &trails {
                match caller.may_read(&shared.chain(), trail) {
                    Ok(Access::Own) => return Ok(proof),
                    Ok(Access::Oversight) => overseen = Some(trail),
                    Err(_) => {}
                }
            }
            let Some(trail) = overseen else {
                // Whoever may not read it is not told that it is there.
                return Err(not_found("such event"));
            };
            let number = shared.chain().number_on_trail(trail, &id, request.item);
            let number = number.map_err(|e| of_store(&e))?.unwrap_or_default();
            shared.note_read(&caller, trail, number, 1)?;
            Ok(proof)
        };
        Ok(Response::new(chunks(blocking(&readers, work).await?)))
    }
}

fn range(request: &ProveTrailRequest) -> Result<Range, Status> {
    let kind = i32::try_from(request.range).ok().and_then(|it| RangeKind::try_from(it).ok());
    let (from, until) = (request.from, request.until);
    match kind {
        Some(RangeKind::Unspecified | RangeKind::Whole) => Ok(Range::Whole),
        Some(_) if from >= until => {
            Err(bad_argument("until", "the range must end after it begins"))
        }
        Some(RangeKind::Heights) => Ok(Range::Heights(Height::new(from), Height::new(until))),
        Some(RangeKind::Times) => Ok(Range::Times(TimeMs::new(from), TimeMs::new(until))),
        None => Err(bad_argument("range", "no kind of range")),
    }
}

fn of_prove(error: &ProveError) -> Status {
    match error {
        ProveError::Store(error) => of_store(error),
        ProveError::NoEvent(_) => not_found("such event"),
        ProveError::TooMany { .. } | ProveError::TooLarge { .. } => {
            with_reason(Code::OutOfRange, "proof.too_large", &error.to_string())
        }
    }
}
