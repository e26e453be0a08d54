//! A node's services over the chain, without consensus and without a network, and what a call of them gives.

use super::credentials::Credentials;
use super::ground::{self, Ground};
use super::known;
use super::requests::Call;
use anyhow::Context as _;
use bytes::Bytes;
use http_body::{Body as _, Frame};
use liuhen_genesis::to_bytes;
use liuhen_node::api::{ReceiptSigner, Shared, reads::Reads, services};
use liuhen_node::checkpoints::{Checkpoints, Cosignature, validator_name};
use liuhen_node::mempool::Mempool;
use liuhen_node::neighbours::Neighbourhood;
use liuhen_node::repair::Repairs;
use liuhen_proto::header::note::{Kind, sign};
use liuhen_proto::ledger::{Halt, NotApplied, Refusal};
use liuhen_proto::tx::Tx;
use liuhen_proto::types::limits;
use liuhen_rpc::MESSAGE_BYTES;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::body::Body;
use tonic::codegen::{Service as _, http};
use tonic::{Code, Status};

/// The name under which clients reach the node.
pub(super) const SERVER: &str = "node.example";
/// A peer's id, as libp2p writes it.
const PEER: &str = "12D3KooWGRUacSQdZ9TVvjyVsuLMSMbQdHBFDZmWwvmvdXYbeHLV";
/// A call ends within this time, however slow the machine.
const ENDS_WITHIN: Duration = Duration::from_secs(15);

/// What a call was answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) messages: Vec<Vec<u8>>,
    pub(super) status: Status,
}

/// The node. It has seen nothing yet: each input meets it so.
pub(super) struct Node {
    shared: Shared,
    /// Transactions that were taken to wait.
    taken: mpsc::Receiver<Arc<Tx>>,
    _stop: DropGuard,
}

impl Node {
    /// Starts one, with what it would be told by others.
    pub(super) fn start(ground: &Ground) -> anyhow::Result<Self> {
        let stop = CancellationToken::new();
        let (gossip, taken) = mpsc::channel(1024);
        let (chain, work) = (Arc::clone(&ground.chain), Arc::new(Notify::new()));
        let mempool = Mempool::start(chain, work, gossip, stop.clone());
        let [key, cosigner] = ground::node_keys();
        // Whoever would tell of blocks to come is gone: a watch ends once it told all that there is.
        let committed = watch::Sender::new(ground.chain().header().height).subscribe();
        let of_chain = ground.chain().founding().chain();
        let shared = Shared {
            chain: Arc::clone(&ground.chain),
            mempool,
            key: key.public().key_id(),
            withheld: watch::Sender::new(None).subscribe(),
            neighbours: Neighbourhood::default(),
            repairs: Repairs::default(),
            last_backup: std::path::Path::new("last-backup.toml").into(),
            opened: watch::Sender::new(None).subscribe(),
            committed,
            checkpoints: checkpoints(ground)?,
            cosigner,
            reads: Reads::open(&ground.reads())?,
            receipts: Arc::new(ReceiptSigner { key, chain: of_chain }),
            own: PEER.parse().context("a peer's id")?,
            connected: watch::Sender::new(BTreeSet::new()).subscribe(),
            limits: Arc::default(),
            genesis: to_bytes(ground.chain().founding()).into(),
            names: [SERVER.to_owned()].into(),
        };
        Ok(Self { shared, taken, _stop: stop.drop_guard() })
    }

    /// Calls it, and waits for the end.
    pub(super) async fn call(&mut self, call: &Call, credentials: &Credentials) -> Answer {
        let request = request(call, credentials);
        let answering = answer(self.shared.clone(), request);
        let mut answering = std::pin::pin!(tokio::time::timeout(ENDS_WITHIN, answering));
        loop {
            tokio::select! {
                answer = &mut answering => {
                    return answer.unwrap_or_else(|_| panic!("{} does not end", call.method.path));
                }
                Some(tx) = self.taken.recv() => decide(&self.shared, &tx),
            }
        }
    }

    /// Waits until nothing is held for calls that are over. Panics where something is kept.
    pub(super) async fn let_go(&self) {
        let limits = &self.shared.limits;
        let all = [
            &limits.calls,
            &limits.requests,
            &limits.answers,
            &limits.proofs,
            &limits.long_proofs,
            &limits.watches,
            &limits.submissions,
            &limits.reads,
        ];
        let free = async {
            while all.iter().any(|it| it.taken() > 0) {
                tokio::task::yield_now().await;
            }
        };
        let kept = || all.map(|it| it.taken());
        let freed = tokio::time::timeout(ENDS_WITHIN, free).await;
        assert!(freed.is_ok(), "what a call took is not given back: {:?}", kept());
    }
}

/// A checkpoint of all headers, cosigned by the validator that has two thirds.
fn checkpoints(ground: &Ground) -> anyhow::Result<Checkpoints> {
    let checkpoints = Checkpoints::new(vec![known::witness()?]);
    let [key, cosigner] = ground::node_keys();
    let chain = ground.chain();
    let own = chain.checkpoint(chain.headers()).context("no headers")?;
    let (name, seconds) = (validator_name(&own.chain, &key.public().key_id()), 1);
    let line = sign(&name, Kind::Cosignature, &cosigner, &own.text(), seconds)?;
    checkpoints.take(&*chain, &Cosignature { size: own.size, root: own.root, line })?;
    Ok(checkpoints)
}

/// What becomes of a transaction that was taken. It is put into a block with whatever else is ready, which must hold;
/// that block is never decided, so the chain is the same for the next input, and its submitter is told of no room.
fn decide(shared: &Shared, tx: &Tx) {
    let ready = shared.mempool.ready(limits::BLOCK_BYTES, limits::BLOCK_EVENTS);
    let chain = shared.chain.read().expect("nobody panicked with the chain in hand");
    let built = chain.propose(shared.key, liuhen_client::clock::now(), ready.clone());
    let built = built.expect("a block can be made of what is ready");
    assert!(
        ready.is_empty() || !built.candidate.transactions.is_empty(),
        "{} transactions are ready, and none can be put into a block",
        ready.len()
    );
    drop(chain);
    let why = Halt::Refused(Refusal::BlockFull);
    shared.mempool.refuse(tx, &NotApplied { item: None, why });
}

fn request(call: &Call, credentials: &Credentials) -> http::Request<Body> {
    let mut request = http::Request::new(Body::new(Once(Some(call.frames.clone().into()))));
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = call.method.path.parse().expect("a method's path");
    let headers = request.headers_mut();
    let grpc = http::HeaderValue::from_static("application/grpc");
    headers.insert(http::header::CONTENT_TYPE, grpc);
    headers.extend(credentials.of(call));
    request
}

/// Asks the services, as a connection would hand over a call, and takes all that is answered.
async fn answer(shared: Shared, request: http::Request<Body>) -> Answer {
    let Ok(response) = services(shared).call(request).await;
    let (head, mut body) = response.into_parts();
    let mut status = Status::from_header_map(&head.headers);
    let (mut messages, mut bytes) = (Vec::new(), Vec::new());
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.expect("a body ends with its trailers");
        match frame.into_data() {
            Ok(data) => {
                assert!(status.is_none(), "something is told behind the end");
                bytes.extend(data);
                messages.extend(std::iter::from_fn(|| message(&mut bytes)));
            }
            Err(frame) => {
                let trailers = frame.into_trailers().unwrap_or_default();
                assert!(status.is_none(), "two ends");
                status = Status::from_header_map(&trailers);
            }
        }
    }
    let status = status.expect("a call ends with a status");
    assert!(bytes.is_empty() || status.code() != Code::Ok, "half a message at the end");
    Answer { messages, status }
}

/// The next whole message of what came.
fn message(bytes: &mut Vec<u8>) -> Option<Vec<u8>> {
    let (prefix, rest) = bytes.split_first_chunk::<5>()?;
    let [compressed, length @ ..] = *prefix;
    assert_eq!(compressed, 0, "nobody asked for compression");
    let length = u32::from_be_bytes(length) as usize;
    assert!(length <= MESSAGE_BYTES, "a message of {length} bytes");
    let message = rest.get(..length)?.to_vec();
    bytes.drain(..5 + length);
    Some(message)
}

/// A body that is there at once.
struct Once(Option<Bytes>);

impl http_body::Body for Once {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.get_mut().0.take().map(|bytes| Ok(Frame::data(bytes))))
    }
}
