//! The gRPC services of a node, one file each.

mod accountability;
mod auth;
mod bodies;
mod checkpoint;
pub mod connection;
pub mod listener;
mod lists;
mod node;
mod page;
pub mod places;
mod proofs;
pub mod reads;
mod registry;
pub mod rights;
mod signed;
mod submission;
pub mod tls;
mod trails;
mod unread;
mod watch;

use self::auth::Caller;
use self::bodies::Bounded;
use self::listener::Listener;
use self::reads::{Reads, Shown};
pub use self::signed::ReceiptSigner;
use self::signed::Signed;
use crate::app::Chain;
use crate::checkpoints::{self, Checkpoints};
use crate::consensus::Withheld;
use crate::limits::{Client, Limits, Share, Turn};
use crate::mempool::Mempool;
use crate::neighbours::Neighbourhood;
use crate::repair::Repairs;
use crate::store::StoreError;
use bytes::Bytes;
use libp2p::PeerId;
use liuhen_proto::header::note::Note;
use liuhen_proto::place::{Place, TrailKind};
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::types::{Height, KeyId, limits::TRANSACTION_BYTES};
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
use std::collections::BTreeSet;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::watch::Receiver;
use tokio_stream::{Stream, StreamExt};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::{Request, Status};
use tower_layer::layer_fn;

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
    /// With what their receipts are signed.
    pub receipts: Arc<ReceiptSigner>,
    /// This node's peer id.
    pub own: PeerId,
    /// Peers connected for transactions.
    pub connected: Receiver<BTreeSet<PeerId>>,
    /// How the other nodes stand.
    pub neighbours: Neighbourhood,
    /// The file that says when this node's ledger was copied last.
    pub last_backup: Arc<Path>,
    /// What was found damaged, and mended.
    pub repairs: Repairs,
    /// What clients may take at once.
    pub limits: Arc<Limits>,
    /// The founding document.
    pub genesis: Bytes,
    /// Names under which clients reach this node: whoever's token names another server is refused.
    pub names: Arc<[String]>,
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
        self.note_reads(caller, &[Shown::Trail(trail.clone(), first, count)])
    }

    /// The same of several trails, or of a list.
    fn note_reads(&self, caller: &Caller, reads: &[Shown]) -> Result<(), Status> {
        let call = caller.call.as_ref().ok_or_else(|| {
            let why = "who audits or regulates signs what it reads (liuhen does): the call has no liuhen-read-bin";
            with_reason(Reason::ReadUnsigned, why)
        })?;
        let (key, chain) = {
            let chain = self.chain();
            (auth::public_key(&chain, &caller.key)?, chain.founding().chain())
        };
        call.check((&caller.key, caller.audit.as_deref()), &key, &chain, &self.key)?;
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
        self.reads.note(caller, call, reads).map_err(|error| {
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

    /// Reads the chain for a client, away from the runtime's threads.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        client: Client,
        work: impl FnOnce(&Chain) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Status> {
        let shared = self.clone();
        self.blocking(client, move || work(&shared.chain()).map_err(|e| of_store(&e))).await
    }

    /// Runs work for a client that reads the store, away from the runtime's threads: a few at once, and of one client
    /// so many that others have their turn soon.
    async fn blocking<T: Send + 'static>(
        &self,
        client: Client,
        work: impl FnOnce() -> Result<T, Status> + Send + 'static,
    ) -> Result<T, Status> {
        let busy = |why: &str| with_reason(Reason::NodeBusy, why);
        let waits = self.limits.reads.take(&client, 1);
        let _waits = waits.ok_or_else(|| busy("too many reads at once; wait for answers"))?;
        let turn = self.limits.readers.take(&client);
        match tokio::time::timeout(READER_WAITS, turn).await {
            Ok(turn) => with_turn(turn, work).await,
            Err(_) => Err(busy("too many read at once; try again")),
        }
    }

    /// The same for the next part of what was begun: it waits for as long as it must.
    async fn in_turn<T: Send + 'static>(
        &self,
        client: &Client,
        work: impl FnOnce() -> Result<T, Status> + Send + 'static,
    ) -> Result<T, Status> {
        with_turn(self.limits.readers.take(client).await, work).await
    }

    /// A proof for a client, to be sent in pieces that fit into messages. Errors where it takes too much already.
    fn pieces(&self, client: &Client, proof: Vec<u8>) -> Result<Pieces, Status> {
        let share = self.limits.proofs.take(client, proof.len()).ok_or_else(|| {
            with_reason(Reason::NodeBusy, "too many proofs were not taken yet; wait for them")
        })?;
        Ok(Pieces::of(proof.into(), Some(share)))
    }

    pub(crate) fn chain(&self) -> RwLockReadGuard<'_, Chain> {
        self.chain.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Calls of one connection at once.
const CALLS_OF_A_CONNECTION: u32 = 256;
/// Bytes of a call that a client may send before they are read.
const WINDOW: u32 = 256 << 10;
/// Bytes of a call's headers.
const HEADER_BYTES: u32 = 16 << 10;
/// Bytes of a request with a transaction; one that is somewhat too long is told so.
const SUBMITTED_BYTES: usize = 2 * TRANSACTION_BYTES;
/// Bytes of any other request.
const ASKED_BYTES: usize = 64 << 10;

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
    let incoming = listener.into_stream().map(Ok::<_, std::io::Error>);
    let (limits, receipts) = (Arc::clone(&shared.limits), Arc::clone(&shared.receipts));
    tonic::transport::Server::builder()
        .max_concurrent_streams(CALLS_OF_A_CONNECTION)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(4 * WINDOW)
        .http2_max_header_list_size(HEADER_BYTES)
        .layer(layer_fn(move |inner| within(inner, &limits, &receipts)))
        .http2_keepalive_interval(Some(listener::PING_EVERY))
        .http2_keepalive_timeout(Some(listener::PING_WITHIN))
        .add_routes(routes(shared))
        .add_service(health_service)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .serve_with_incoming_shutdown(incoming, stop.cancelled_owned())
        .await?;
    Ok(())
}

/// The services over what they share, as [`serve`] serves them, for calls within this process: they come by no
/// connection, and all count as of one address.
pub fn services(shared: Shared) -> Bounded<Signed<Routes>> {
    let (limits, receipts) = (Arc::clone(&shared.limits), Arc::clone(&shared.receipts));
    within(routes(shared), &limits, &receipts)
}

/// A service within limits, with receipts for what readers sign.
fn within<S>(inner: S, limits: &Arc<Limits>, receipts: &Arc<ReceiptSigner>) -> Bounded<Signed<S>> {
    Bounded::new(Signed::new(inner, Arc::clone(receipts)), Arc::clone(limits))
}

/// Each service of the contract by its name, with the bytes that its messages may have.
fn routes(shared: Shared) -> Routes {
    let submission = submission::Submission(shared.clone());
    let trails = trails::Trails(shared.clone());
    let mut routes = Routes::builder();
    routes
        .add_service(
            SubmissionServiceServer::new(submission).max_decoding_message_size(SUBMITTED_BYTES),
        )
        .add_service(
            TrailServiceServer::new(trails)
                .max_decoding_message_size(ASKED_BYTES)
                .max_encoding_message_size(MESSAGE_BYTES),
        )
        .add_service(
            ProofServiceServer::new(proofs::Proofs(shared.clone()))
                .max_decoding_message_size(ASKED_BYTES),
        )
        .add_service(
            CheckpointServiceServer::new(checkpoint::Checkpoints(shared.clone()))
                .max_decoding_message_size(ASKED_BYTES),
        )
        .add_service(
            RegistryServiceServer::new(registry::Registry(shared.clone()))
                .max_decoding_message_size(ASKED_BYTES)
                .max_encoding_message_size(MESSAGE_BYTES),
        )
        .add_service(
            AccountabilityServiceServer::new(accountability::Accountability(shared.clone()))
                .max_decoding_message_size(ASKED_BYTES)
                .max_encoding_message_size(MESSAGE_BYTES),
        )
        .add_service(
            WatchServiceServer::new(watch::Watch(shared.clone()))
                .max_decoding_message_size(ASKED_BYTES),
        )
        .add_service(
            NodeServiceServer::new(node::Node(shared)).max_decoding_message_size(ASKED_BYTES),
        );
    routes.routes()
}

/// Runs work away from the runtime's threads, while a turn lasts.
async fn with_turn<T: Send + 'static>(
    turn: Turn,
    work: impl FnOnce() -> Result<T, Status> + Send + 'static,
) -> Result<T, Status> {
    let work = move || {
        let _turn = turn;
        work()
    };
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(with_reason(Reason::NodeInternal, "the node failed")))
}

/// How long a reader waits for its turn.
const READER_WAITS: Duration = Duration::from_secs(10);
/// How long taking a whole proof may last.
const PROOF_WITHIN: Duration = Duration::from_secs(300);

/// What is left of a proof that is being sent.
pub struct Pieces {
    rest: Bytes,
    _share: Option<Share>,
    until: Instant,
}

impl Pieces {
    /// Bytes that are shared by all who are sent them have no share.
    fn of(rest: Bytes, share: Option<Share>) -> Self {
        Self { rest, _share: share, until: Instant::now() + PROOF_WITHIN }
    }
}

impl Stream for Pieces {
    type Item = Result<ProofChunk, Status>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.rest.is_empty() {
            return Poll::Ready(None);
        }
        if Instant::now() > this.until {
            this.rest.clear();
            let why = "the proof was not taken for so long that others have the turn";
            return Poll::Ready(Some(Err(with_reason(Reason::ProofNotTaken, why))));
        }
        let data = this.rest.split_to(CHUNK_BYTES.min(this.rest.len()));
        Poll::Ready(Some(Ok(ProofChunk { data: data.to_vec() })))
    }
}

/// By which address somebody who shows no token calls.
fn address<T>(request: &Request<T>) -> Client {
    connection::client_of(request.extensions().get())
}

/// What the caller is told of a store that can't be read; the log is told the rest.
fn of_store(error: &StoreError) -> Status {
    if let StoreError::NotYet = error {
        return with_reason(Reason::HistoryNotYet, &error.to_string());
    }
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
