//! The gRPC services of a node, one file each.

mod accountability;
mod auth;
mod checkpoint;
pub mod listener;
mod node;
mod page;
mod proofs;
pub mod reads;
mod registry;
mod rights;
mod submission;
mod trails;
mod watch;

use self::auth::Caller;
use self::listener::Listener;
use self::reads::Reads;
use crate::app::Chain;
use crate::checkpoints::{self, Checkpoints};
use crate::consensus::Withheld;
use crate::mempool::Mempool;
use crate::store::StoreError;
use liuhen_proto::header::note::Note;
use liuhen_proto::place::{Place, TrailKind};
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::types::{Height, KeyId};
use liuhen_proto::wire::{self, ProofChunk};
use liuhen_rpc::reason::Reason;
use liuhen_rpc::services::{
    accountability_service_server::AccountabilityServiceServer,
    checkpoint_service_server::CheckpointServiceServer, node_service_server::NodeServiceServer,
    proof_service_server::ProofServiceServer, registry_service_server::RegistryServiceServer,
    submission_service_server::SubmissionServiceServer, trail_service_server::TrailServiceServer,
    watch_service_server::WatchServiceServer,
};
use liuhen_rpc::status::with_reason;
use liuhen_rpc::{CHUNK_BYTES, DESCRIPTORS, MESSAGE_BYTES};
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, watch::Receiver};
use tokio_util::sync::CancellationToken;
use tonic::Status;

/// What the services read and write.
#[derive(Clone)]
pub struct Shared {
    /// The chain.
    pub chain: Arc<RwLock<Chain>>,
    /// Transactions that wait.
    pub mempool: Mempool,
    /// This node's key.
    pub key: KeyId,
    /// Why this node does not vote, where its key is a validator's.
    pub withheld: Receiver<Option<Withheld>>,
    /// Since when the next height is open.
    pub opened: Receiver<Option<Instant>>,
    /// The height that was committed last.
    pub committed: Receiver<Height>,
    /// Checkpoints and who cosigned them.
    pub checkpoints: Checkpoints,
    /// What this node signs published checkpoints with.
    pub cosigner: PrivateKey,
    /// What auditors and regulators are shown, to be recorded.
    pub reads: Reads,
    /// Peers connected for transactions.
    pub peers: Arc<AtomicU32>,
    /// How many may watch at once.
    pub watches: Arc<Semaphore>,
    /// How many may be sent long proofs at once.
    pub streams: Arc<Semaphore>,
    /// How many may read much at once: readers must not keep consensus from the chain.
    pub readers: Arc<Semaphore>,
}

impl Shared {
    /// Notes what somebody who audits or regulates is shown of a trail, before they are.
    fn note_read(
        &self,
        caller: &Caller,
        trail: &Place,
        first: u64,
        count: u64,
    ) -> Result<(), Status> {
        self.note_reads(caller, &[(trail.clone(), first, count)])
    }

    /// The same of several trails: trail, first number, how many.
    fn note_reads(&self, caller: &Caller, reads: &[(Place, u64, u64)]) -> Result<(), Status> {
        // What this node can't put on the ledger it does not show.
        let own = auth::in_force(&self.chain(), &self.key, None);
        if !own.is_ok_and(|own| own.identity.kind() == wire::IdentityKind::Node) {
            let why = "this node's key is not in force, so it can't record reads: ask another";
            return Err(with_reason(Reason::NodeCannotRecord, why));
        }
        if let Some(audit) = &caller.audit {
            let place = Place::audit(&caller.department.code, audit);
            let known: Option<Arc<wire::Audit>> =
                self.chain().index().typed(&place).map_err(|e| of_store(&e))?;
            if known.is_none_or(|it| it.closed) {
                return Err(not_found(&format!("open audit {audit} of your department")));
            }
        }
        self.reads.note(caller, reads).map_err(|error| {
            tracing::error!(%error, "a read can't be noted");
            with_reason(Reason::NodeStore, "the node can't note the read, so shows nothing")
        })
    }

    /// The newest checkpoint as it is published; `None` while there is none.
    pub(crate) fn published(&self, least_size: u64, witnessed: bool) -> Option<Note> {
        let chain = self.chain();
        let note = self.checkpoints.newest(chain.validators(), least_size, witnessed)?;
        let own = chain.validators().get(&self.key);
        let signs = own.is_some_and(|it| it.cosigner_key == self.cosigner.public());
        let key = signs.then_some(&self.cosigner);
        Some(checkpoints::published(&note, &chain.founding().chain(), key))
    }

    /// Reads the chain away from the runtime's threads.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Chain) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Status> {
        let shared = self.clone();
        blocking(&self.readers, move || work(&shared.chain()).map_err(|e| of_store(&e))).await
    }

    fn chain(&self) -> RwLockReadGuard<'_, Chain> {
        self.chain.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves until told to stop.
pub async fn serve(
    listener: Listener,
    shared: Shared,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<SubmissionServiceServer<submission::Submission>>().await;
    health.set_serving::<TrailServiceServer<trails::Trails>>().await;
    health.set_serving::<ProofServiceServer<proofs::Proofs>>().await;
    health.set_serving::<CheckpointServiceServer<checkpoint::Checkpoints>>().await;
    health.set_serving::<RegistryServiceServer<registry::Registry>>().await;
    health.set_serving::<NodeServiceServer<node::Node>>().await;
    health.set_serving::<WatchServiceServer<watch::Watch>>().await;
    health.set_serving::<AccountabilityServiceServer<accountability::Accountability>>().await;
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let submission = submission::Submission(shared.clone());
    let trails = trails::Trails(shared.clone());
    let incoming = futures::stream::unfold(listener, async |listener| {
        let connection = listener.accept().await;
        Some((Ok::<_, std::io::Error>(connection), listener))
    });
    tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(listener::PING_EVERY))
        .http2_keepalive_timeout(Some(listener::PING_WITHIN))
        .add_service(health_service)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .add_service(
            SubmissionServiceServer::new(submission).max_decoding_message_size(MESSAGE_BYTES),
        )
        .add_service(TrailServiceServer::new(trails).max_encoding_message_size(MESSAGE_BYTES))
        .add_service(ProofServiceServer::new(proofs::Proofs(shared.clone())))
        .add_service(CheckpointServiceServer::new(checkpoint::Checkpoints(shared.clone())))
        .add_service(
            RegistryServiceServer::new(registry::Registry(shared.clone()))
                .max_encoding_message_size(MESSAGE_BYTES),
        )
        .add_service(
            AccountabilityServiceServer::new(accountability::Accountability(shared.clone()))
                .max_encoding_message_size(MESSAGE_BYTES),
        )
        .add_service(WatchServiceServer::new(watch::Watch(shared.clone())))
        .add_service(NodeServiceServer::new(node::Node(shared)))
        .serve_with_incoming_shutdown(incoming, stop.cancelled_owned())
        .await?;
    Ok(())
}

/// Readers at once.
pub const READERS: usize = 4;
/// Long proofs at once.
pub const STREAMS: usize = 16;
/// Watches at once.
pub const WATCHES: usize = 256;
/// How long a reader waits for its turn.
const READER_WAITS: Duration = Duration::from_secs(10);

/// Runs work that reads the store away from the runtime's threads, a few at once.
async fn blocking<T: Send + 'static>(
    readers: &Arc<Semaphore>,
    work: impl FnOnce() -> Result<T, Status> + Send + 'static,
) -> Result<T, Status> {
    let turn = tokio::time::timeout(READER_WAITS, Arc::clone(readers).acquire_owned()).await;
    let Ok(Ok(turn)) = turn else {
        let why = "too many read at once; try again";
        return Err(with_reason(Reason::NodeBusy, why));
    };
    let work = move || {
        let _turn = turn;
        work()
    };
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(with_reason(Reason::NodeInternal, "the node failed")))
}

/// What the caller is told of a store that can't be read; the log is told the rest.
fn of_store(error: &StoreError) -> Status {
    tracing::error!(%error, "the store can't be read");
    with_reason(Reason::NodeStore, "the node can't read its store")
}

fn bad_argument(field: &str, why: &str) -> Status {
    with_reason(Reason::ArgumentBad, &format!("{field}: {why}"))
}

fn not_found(what: &str) -> Status {
    with_reason(Reason::NotFound, &format!("there is no {what}"))
}

/// A trail as a request names it.
fn trail_of(kind: u32, id: &[u8]) -> Result<(TrailKind, Place), Status> {
    let kind = u8::try_from(kind).ok().and_then(TrailKind::from_byte);
    let kind = kind.ok_or_else(|| bad_argument("trail_kind", "no kind of trail"))?;
    if !kind.takes_id(id) {
        return Err(bad_argument("trail_id", "no trail of this kind can have such an id"));
    }
    Ok((kind, Place::trail(kind, id)))
}

/// Bytes in pieces that fit into messages.
fn chunks(bytes: Vec<u8>) -> tokio_stream::Iter<std::vec::IntoIter<Result<ProofChunk, Status>>> {
    let all: Vec<_> =
        bytes.chunks(CHUNK_BYTES).map(|data| Ok(ProofChunk { data: data.to_vec() })).collect();
    tokio_stream::iter(all)
}
