//! Checkpoints, and the headers in them. Anybody who reaches the node may ask: they say nothing of
//! what is in the blocks.

use super::proofs::of_prove;
use super::{Shared, address, bad_argument};
use crate::checkpoints::{self, Cosignature, NotTaken};
use liuhen_proto::header::{checkpoint::Checkpoint, note::Note};
use liuhen_proto::types::Height;
use liuhen_proto::wire::{
    AddCosignatureRequest, AddCosignatureResponse, GetCheckpointRequest, GetCheckpointResponse,
    HeaderProof, ProveHeaderRequest,
};
use liuhen_rpc::reason::Reason;
use liuhen_rpc::services::checkpoint_service_server::CheckpointService;
use liuhen_rpc::status::with_reason;
use tonic::{Request, Response, Status};

/// See [`CheckpointService`].
pub struct Checkpoints(pub(super) Shared);

#[tonic::async_trait]
impl CheckpointService for Checkpoints {
    async fn get_checkpoint(
        &self,
        request: Request<GetCheckpointRequest>,
    ) -> Result<Response<GetCheckpointResponse>, Status> {
        let GetCheckpointRequest { least_size, witnessed } = request.into_inner();
        let note = self.0.published(least_size, witnessed).ok_or_else(|| {
            let by = if witnessed { "a witness" } else { "enough validators" };
            let why =
                format!("no checkpoint of {least_size} headers or more was cosigned by {by} yet");
            with_reason(Reason::CheckpointNotYet, &why)
        })?;
        Ok(Response::new(GetCheckpointResponse { note: note.to_string() }))
    }

    async fn prove_header(
        &self,
        request: Request<ProveHeaderRequest>,
    ) -> Result<Response<HeaderProof>, Status> {
        let client = address(&request);
        let ProveHeaderRequest { height, size } = request.into_inner();
        let shared = self.0.clone();
        let work = move || {
            let proof = shared.chain().prove_header(Height::new(height), size);
            proof.map_err(|e| of_prove(&e))
        };
        Ok(Response::new(self.0.blocking(client, work).await?))
    }

    async fn add_cosignature(
        &self,
        request: Request<AddCosignatureRequest>,
    ) -> Result<Response<AddCosignatureResponse>, Status> {
        let bad = |e: &dyn std::fmt::Display| bad_argument("note", &e.to_string());
        let note = Note::parse(&request.get_ref().note).map_err(|e| bad(&e))?;
        let checkpoint = Checkpoint::parse(&note.text).map_err(|e| bad(&e))?;
        let Checkpoint { chain: named, size, root } = checkpoint;
        let chain = self.0.chain();
        if named != chain.founding().chain() || note.text != checkpoint.text() {
            return Err(bad(&"no checkpoint of this chain, by itself"));
        }
        let [line] = note.lines.as_slice() else {
            return Err(bad(&"one signature is taken at a time"));
        };
        let given = Cosignature { size, root, line: line.clone() };
        self.0.checkpoints.take(&*chain, &given).map_err(|error| {
            if matches!(error, NotTaken::Fork { .. }) {
                checkpoints::report_fork(&error, named, &given);
            }
            not_taken(&error)
        })?;
        Ok(Response::new(AddCosignatureResponse {}))
    }
}

fn not_taken(error: &NotTaken) -> Status {
    let reason = match error {
        NotTaken::Unknown => Reason::WitnessUnknown,
        NotTaken::Bad => Reason::WitnessSignature,
        NotTaken::Later(_) => Reason::CheckpointNotYet,
        NotTaken::Fork { .. } => Reason::CheckpointFork,
    };
    with_reason(reason, &error.to_string())
}
