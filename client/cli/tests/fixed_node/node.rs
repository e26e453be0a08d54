//! The node's own services: how it stands, what it takes, the proofs that it makes.

use super::events::COVERED;
use super::{Fixed, HOUR, T0, chain, nothing, proofs};
use liuhen_proto::types::limits;
use liuhen_proto::wire::*;
use liuhen_rpc::services::checkpoint_service_server::CheckpointService;
use liuhen_rpc::services::node_service_server::NodeService;
use liuhen_rpc::services::proof_service_server::ProofService;
use liuhen_rpc::services::submission_service_server::SubmissionService;
use prost::Message;
use tonic::{Request as Asked, Response, Status, Streaming};

type Sent<T> = tokio_stream::Iter<std::vec::IntoIter<Result<T, Status>>>;
type Pieces = Result<Response<Sent<ProofChunk>>, Status>;

fn pieces(bytes: Vec<u8>) -> Pieces {
    assert!(bytes.len() < limits::TRACE_BYTES);
    Ok(Response::new(tokio_stream::iter(vec![Ok(ProofChunk { data: bytes })])))
}

fn file(trace: &Trace) -> Pieces {
    pieces(trace.encode_to_vec())
}

#[tonic::async_trait]
impl NodeService for Fixed {
    type GetGenesisStream = Sent<ProofChunk>;

    async fn get_status(
        &self,
        _asked: Asked<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        Ok(Response::new(GetStatusResponse {
            chain_id: chain::founding().chain().to_vec(),
            chain_name: "dev-fixed".into(),
            version: "0.1.0".into(),
            height: 7,
            block_id: vec![2; 32],
            time_ms: T0 + 2 * HOUR,
            map_root: vec![3; 32],
            events: 11,
            peers: 3,
            voting: true,
            key_id: vec![4; 32],
            indexed_height: 7,
            now_ms: T0 + 2 * HOUR,
            voting_power: 3,
            total_power: 4,
            neighbours: vec![
                Neighbour {
                    key_id: vec![5; 32],
                    height: 7,
                    voting: true,
                    version: "0.1.0".into(),
                    department: "gz.psb".into(),
                    ..Neighbour::default()
                },
                Neighbour {
                    key_id: vec![6; 32],
                    height: 5,
                    clock_ahead_ms: -3_500,
                    withheld: Some(VoteWithheld {
                        until_height: Some(8),
                        reason: "votes_lost".into(),
                        file: String::new(),
                    }),
                    version: "0.1.0".into(),
                    department: "gz.tax".into(),
                    ..Neighbour::default()
                },
            ],
            ..GetStatusResponse::default()
        }))
    }

    async fn get_genesis(&self, _asked: Asked<GetGenesisRequest>) -> Pieces {
        pieces(liuhen_genesis::to_bytes(chain::founding()))
    }
}

/// Takes everything, and finds it covered.
#[tonic::async_trait]
impl SubmissionService for Fixed {
    type SubmitStreamStream = Sent<SubmitStreamResponse>;

    async fn submit(
        &self,
        _asked: Asked<SubmitRequest>,
    ) -> Result<Response<SubmitResponse>, Status> {
        Ok(Response::new(SubmitResponse {
            height: 8,
            time_ms: T0 + 3 * HOUR,
            outcomes: vec![COVERED.to_bits().into()],
            ..SubmitResponse::default()
        }))
    }

    async fn submit_stream(
        &self,
        _asked: Asked<Streaming<SubmitStreamRequest>>,
    ) -> Result<Response<Self::SubmitStreamStream>, Status> {
        Err(nothing("stream here"))
    }
}

/// All files are anchored at header 0.
#[tonic::async_trait]
impl ProofService for Fixed {
    type ProveTrailStream = Sent<ProofChunk>;
    type ProveLongTrailStream = Sent<ProofPart>;
    type ProveEventStream = Sent<ProofChunk>;
    type ProveDepartmentStream = Sent<ProofChunk>;
    type ProveLongDepartmentStream = Sent<ProofPart>;
    type ProveSubjectStream = Sent<ProofChunk>;
    type ProveObjectStream = Sent<ProofChunk>;
    type ProveObjectsStream = Sent<ProofChunk>;
    type ProveConsistencyStream = Sent<ProofChunk>;

    async fn prove_trail(&self, asked: Asked<ProveTrailRequest>) -> Pieces {
        let asked = asked.into_inner();
        file(&proofs::empty_trail(asked.trail_kind, &asked.trail_id))
    }

    async fn prove_long_trail(
        &self,
        asked: Asked<ProveTrailRequest>,
    ) -> Result<Response<Sent<ProofPart>>, Status> {
        let asked = asked.into_inner();
        let data = proofs::empty_trail(asked.trail_kind, &asked.trail_id).encode_to_vec();
        Ok(Response::new(tokio_stream::iter(vec![Ok(ProofPart { data, last: true })])))
    }

    async fn prove_event(&self, _asked: Asked<ProveEventRequest>) -> Pieces {
        file(&proofs::event())
    }

    async fn prove_department(&self, _asked: Asked<ProveDepartmentRequest>) -> Pieces {
        Err(nothing("department here"))
    }

    async fn prove_long_department(
        &self,
        _asked: Asked<ProveDepartmentRequest>,
    ) -> Result<Response<Sent<ProofPart>>, Status> {
        Err(nothing("department here"))
    }

    async fn prove_subject(&self, _asked: Asked<ProveSubjectRequest>) -> Pieces {
        Err(nothing("subject here"))
    }

    async fn prove_object(&self, asked: Asked<ProveObjectRequest>) -> Pieces {
        let asked = asked.into_inner();
        file(&proofs::state(asked.kind, &asked.id))
    }

    async fn prove_objects(&self, _asked: Asked<ProveObjectsRequest>) -> Pieces {
        Err(nothing("objects at one header here"))
    }

    async fn prove_consistency(&self, _asked: Asked<ProveConsistencyRequest>) -> Pieces {
        Err(nothing("second header here"))
    }
}

answers! { CheckpointService:
    get_checkpoint(GetCheckpointRequest) -> GetCheckpointResponse =
        |_| Ok(GetCheckpointResponse { note: proofs::checkpoint() });
    prove_header(ProveHeaderRequest) -> HeaderProof = |_| {
        let header = chain::founding().header().to_bytes().to_vec();
        Ok(HeaderProof { header, path: Vec::new() })
    };
    add_cosignature(AddCosignatureRequest) -> AddCosignatureResponse =
        |_| Ok(AddCosignatureResponse {});
}
