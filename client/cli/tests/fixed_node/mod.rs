//! A node that always answers the same: what a province of two departments could look like.
//!
//! | file | holds |
//! |---|---|
//! | `people` | departments, identities and their keys |
//! | `registry` | catalogue, requests, parameters, proposals |
//! | `accountability` | gateways, alerts, cases and the like |
//! | `events`, `trails` | events as a node sends them; which stand on which trail |
//! | `chain`, `proofs` | the founding document; proofs that stand on it |
//! | `node` | the node's own services |

/// Of a service the methods that answer with one message: what they are asked, and what they answer.
macro_rules! answers {
    ($service:ident: $($name:ident($asked:ident) -> $answer:ty = $value:expr;)+) => {
        #[tonic::async_trait]
        impl $service for Fixed {
            $(async fn $name(&self, asked: tonic::Request<$asked>) -> Result<tonic::Response<$answer>, tonic::Status> {
                let answer: fn($asked) -> Result<$answer, tonic::Status> = $value;
                answer(asked.into_inner()).map(tonic::Response::new)
            })+
        }
    };
}

mod accountability;
pub mod chain;
mod events;
mod node;
pub mod people;
pub mod proofs;
mod registry;
mod trails;

use liuhen_proto::wire::Interval;
use liuhen_rpc::reason::Reason as Why;
use liuhen_rpc::services::accountability_service_server::AccountabilityServiceServer;
use liuhen_rpc::services::checkpoint_service_server::CheckpointServiceServer;
use liuhen_rpc::services::node_service_server::NodeServiceServer;
use liuhen_rpc::services::proof_service_server::ProofServiceServer;
use liuhen_rpc::services::registry_service_server::RegistryServiceServer;
use liuhen_rpc::services::submission_service_server::SubmissionServiceServer;
use liuhen_rpc::services::trail_service_server::TrailServiceServer;
use liuhen_rpc::services::watch_service_server::WatchServiceServer;
use liuhen_rpc::status::with_reason;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::Status;

/// 2026-11-02 10:00 local time (+08:00).
pub const T0: u64 = 1_793_584_800_000;
pub const HOUR: u64 = 3_600_000;
/// The one request, and the grant that came of it.
pub const REQUEST: [u8; 32] = [0x77; 32];

pub struct Fixed;

/// Answers on a port that the system gives; gives its address.
pub async fn serve() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tonic::transport::Server::builder()
        .add_service(NodeServiceServer::new(Fixed))
        .add_service(SubmissionServiceServer::new(Fixed))
        .add_service(RegistryServiceServer::new(Fixed))
        .add_service(TrailServiceServer::new(Fixed))
        .add_service(WatchServiceServer::new(Fixed))
        .add_service(ProofServiceServer::new(Fixed))
        .add_service(CheckpointServiceServer::new(Fixed))
        .add_service(AccountabilityServiceServer::new(Fixed));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    format!("http://{address}")
}

fn nothing(what: &str) -> Status {
    with_reason(Why::NotFound, &format!("there is no {what}"))
}

fn standing() -> Vec<Interval> {
    vec![Interval::default()]
}
