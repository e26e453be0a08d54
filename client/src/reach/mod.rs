//! Calls that end: a node that does not answer in time, or whose connection breaks, is named in the error, and the next
//! node is asked. A frozen process still holds its connections, and a network without a quorum answers no submission.

pub mod address;
mod bearer;
mod one;
pub mod tls;

use self::address::Address;
use self::bearer::Bearer;
use self::one::One;
use self::tls::{Connector, TlsOptions};
use crate::error::ClientError;
use crate::kept_reads::KeepsReads;
use http_body_util::{BodyExt, Full};
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::types::{ChainId, KeyId};
use liuhen_proto::wire::{ReadRequest, Refused};
use liuhen_rpc::reason::Reason;
use liuhen_rpc::status::{of_refused, to_refused};
use liuhen_rpc::{READ, may_be_overseen};
use prost::Message;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tonic::body::Body;
use tonic::codegen::{Bytes, Service, http};
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

/// How long a node may take to answer, unless told.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// A node that does not answer pings for so long is taken for gone, also while nothing is asked of it.
const PING_EVERY: Duration = Duration::from_secs(5);
/// An answer to a ping waits behind what is being sent, on a slow line for some seconds.
const PONG_WITHIN: Duration = Duration::from_secs(10);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// How nodes are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReachOptions {
    /// How long an answer may take.
    pub within: Duration,
    /// TLS.
    pub tls: TlsOptions,
    /// Speak in the clear to other machines too.
    pub allow_plaintext: bool,
}

impl Default for ReachOptions {
    fn default() -> Self {
        Self { within: ANSWER_WITHIN, tls: TlsOptions::default(), allow_plaintext: false }
    }
}

impl ReachOptions {
    /// What TLS is made with, where one of these addresses wants it.
    fn connector(&self, addresses: &[Address]) -> Result<Option<TlsConnector>, ClientError> {
        match addresses.iter().any(|it| it.tls.is_some()) {
            true => Ok(Some(TlsConnector::from(Arc::new(self.tls.config()?)))),
            false => Ok(None),
        }
    }
}

/// A way to some nodes of one network, on which every call ends. The first that answers is asked, until it does not.
#[derive(Debug, Clone)]
pub struct Reach {
    nodes: Arc<[Target]>,
    /// Which of them is asked first.
    current: Arc<AtomicUsize>,
    within: Duration,
    bearer: Option<Arc<Bearer>>,
    keeper: Option<Arc<dyn KeepsReads>>,
}

/// One node.
#[derive(Debug, Clone)]
struct Target {
    channel: Channel,
    text: Arc<str>,
    server: Arc<str>,
    /// Its key, once it has said so.
    key: Arc<Mutex<Option<KeyId>>>,
}

impl Target {
    fn of(
        address: Address,
        tls: Option<TlsConnector>,
        within: Duration,
    ) -> (Self, Endpoint, Connector) {
        let endpoint = Endpoint::from(address.uri.clone())
            .connect_timeout(CONNECT_WITHIN.min(within))
            .http2_keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PONG_WITHIN)
            .keep_alive_while_idle(true);
        let (text, server) = (address.text.as_str().into(), address.server.as_str().into());
        let connector = Connector { address: Arc::new(address), tls };
        let channel = endpoint.connect_with_connector_lazy(connector.clone());
        let key = Arc::default();
        (Self { channel, text, server, key }, endpoint, connector)
    }
}

impl Reach {
    /// A way to one node that is not connected to yet: each call tries, and says so where it can't be reached. Errors for what is no
    /// address.
    pub fn later(address: &str, options: &ReachOptions) -> Result<Self, ClientError> {
        let address = Address::parse(address, options.allow_plaintext)?;
        let tls = options.connector(std::slice::from_ref(&address))?;
        let (target, _, _) = Target::of(address, tls, options.within);
        let (current, within) = (Arc::default(), options.within);
        Ok(Self { nodes: vec![target].into(), current, within, bearer: None, keeper: None })
    }

    /// Connects to the first of some nodes that can be reached. Errors name each that can't.
    pub async fn connect(
        addresses: &[String],
        options: &ReachOptions,
    ) -> Result<Self, ClientError> {
        let within = options.within;
        let parse = |text: &String| Address::parse(text, options.allow_plaintext);
        let addresses: Vec<Address> = addresses.iter().map(parse).collect::<Result<_, _>>()?;
        let tls = options.connector(&addresses)?;
        let (mut nodes, mut current, mut failed) = (Vec::new(), None, Vec::new());
        for address in addresses {
            let (mut target, endpoint, connector) = Target::of(address, tls.clone(), within);
            if current.is_none() {
                match endpoint.connect_with_connector(connector).await {
                    Ok(channel) => {
                        target.channel = channel;
                        current = Some(nodes.len());
                    }
                    Err(error) => failed.push((target.text.to_string(), root_cause(&error))),
                }
            }
            nodes.push(target);
        }
        let Some(current) = current else { return Err(unreachable(failed)) };
        let (nodes, current) = (nodes.into(), Arc::new(current.into()));
        Ok(Self { nodes, current, within, bearer: None, keeper: None })
    }

    /// The same way, on which each call is made as the holder of a key.
    pub fn signed_in(&self, key: &PrivateKey, chain: ChainId, audit: Option<String>) -> Self {
        let keeper = self.keeper.clone();
        let bearer = Bearer {
            key: key.clone(),
            chain,
            audit,
            tokens: Mutex::default(),
            keeper,
            oversees: OnceCell::new(),
        };
        Self { bearer: Some(Arc::new(bearer)), ..self.clone() }
    }

    /// The same way, on which nodes' receipts of reads by oversight are kept by somebody, from the next signing in on.
    pub fn keeping(&self, keeper: Arc<dyn KeepsReads>) -> Self {
        Self { keeper: Some(keeper), ..self.clone() }
    }

    /// The address of the node that is asked.
    pub fn node(&self) -> &str {
        self.target(self.first()).map_or("", |it| &it.text)
    }

    /// How long an answer may take.
    pub fn within(&self) -> Duration {
        self.within
    }

    /// The status of a call that was not answered in time.
    pub fn no_answer(&self) -> Status {
        no_answer(self.node(), self.within)
    }

    fn first(&self) -> usize {
        self.current.load(Ordering::Relaxed)
    }

    fn target(&self, number: usize) -> Option<&Target> {
        self.nodes.get(number)
    }

    /// Asks one node after the other, beginning with the one that answered last, until one answers.
    async fn ask(self, request: http::Request<Body>) -> Answer {
        let (mut head, body) = request.into_parts();
        if STREAMS_UP.iter().any(|name| head.uri.path().ends_with(name)) {
            // What was sent of it can't be sent again.
            let target = self.target(self.first()).ok_or_else(nobody)?;
            self.sign(&mut head, target)?;
            return target.ask(http::Request::from_parts(head, body), self.within).await;
        }
        let body = body.collect().await?.to_bytes();
        let (first, count) = (self.first(), self.nodes.len());
        let submits = head.uri.path().ends_with(SUBMITS);
        let mut failed: Vec<Status> = Vec::new();
        for number in (0..count).map(|further| (first + further) % count) {
            let target = self.target(number).ok_or_else(nobody)?;
            let mut head = head.clone();
            self.sign(&mut head, target)?;
            let signed = match self.sign_call(&mut head, target, &body).await {
                Ok(signed) => signed,
                // It did not say its key.
                Err(status) => {
                    failed.push(status);
                    continue;
                }
            };
            let path = head.uri.path().to_owned();
            let body = Body::new(Full::new(body.clone()).map_err(|never| match never {}));
            match target.ask(http::Request::from_parts(head.clone(), body), self.within).await {
                Err(status) => {
                    let waits = submits && is(&status, Reason::NodeNoAnswer);
                    failed.push(status);
                    // A node that is there and does not commit: the others do not either.
                    if waits {
                        break;
                    }
                }
                Ok(response) => {
                    self.current.store(number, Ordering::Relaxed);
                    let refused = Status::from_header_map(response.headers());
                    let refused = refused.filter(|it| it.code() != Code::Ok);
                    if let (Some(bearer), Some(signed)) = (&self.bearer, &signed)
                        && refused.is_none()
                        && may_be_overseen(&path)
                    {
                        let oversees = self.oversees(bearer, target).await;
                        bearer.keep(&target.text, &path, signed, response.headers(), oversees);
                    }
                    if refused.as_ref().is_some_and(|it| is(it, Reason::ReadUnsigned)) {
                        // Its key may be another by now.
                        target.forget_key();
                    }
                    return match refused {
                        // A node before may have taken it: that this one refuses it does not say that it failed.
                        Some(refused) if submits && !failed.is_empty() => {
                            failed.push(refused);
                            Err(joined(failed))
                        }
                        _ => Ok(response),
                    };
                }
            }
        }
        Err(joined(failed))
    }

    /// Whether the caller's department oversees others; where that can't be found out it is taken to.
    async fn oversees(&self, bearer: &Bearer, target: &Target) -> bool {
        if bearer.keeper.is_none() {
            return false;
        }
        let asked = bearer.oversees.get_or_try_init(|| async {
            if bearer.audit.is_some() {
                return Ok(true);
            }
            let authorization = Some(bearer.header(&target.server)?);
            let one = One { target: target.clone(), within: self.within, authorization };
            one.oversees(&bearer.key.public().key_id()).await
        });
        asked.await.copied().unwrap_or(true)
    }

    fn sign(&self, head: &mut http::request::Parts, target: &Target) -> Result<(), Status> {
        if let Some(bearer) = &self.bearer
            && !head.headers.contains_key(http::header::AUTHORIZATION)
        {
            let header = bearer.header(&target.server)?;
            head.headers.insert(http::header::AUTHORIZATION, header);
        }
        Ok(())
    }

    /// Signs a call whole, but for those that carry a signed transaction.
    async fn sign_call(
        &self,
        head: &mut http::request::Parts,
        target: &Target,
        body: &[u8],
    ) -> Result<Option<ReadRequest>, Status> {
        let Some(bearer) = self.bearer.as_ref().filter(|_| !head.uri.path().ends_with(SUBMITS))
        else {
            return Ok(None);
        };
        let node = target.key(self.within).await?;
        let signed = bearer.request(node, head.uri.path(), body)?;
        let mut metadata = MetadataMap::new();
        metadata.insert_bin(READ, MetadataValue::from_bytes(&signed.encode_to_vec()));
        head.headers.extend(metadata.into_headers());
        Ok(Some(signed))
    }
}

impl Target {
    /// The node's key, asked for once.
    async fn key(&self, within: Duration) -> Result<KeyId, Status> {
        let known = *self.key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = known {
            return Ok(key);
        }
        let one = One { target: self.clone(), within, authorization: None };
        let key = one.key().await?;
        *self.key.lock().unwrap_or_else(PoisonError::into_inner) = Some(key);
        Ok(key)
    }

    fn forget_key(&self) {
        *self.key.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn ask(&self, request: http::Request<Body>, within: Duration) -> Answer {
        let path = request.uri().path().to_owned();
        let mut channel = self.channel.clone();
        let call = async move {
            std::future::poll_fn(|context| channel.poll_ready(context)).await?;
            channel.call(request).await
        };
        let answered = tokio::time::timeout(within, call).await;
        let response = answered.map_err(|_| no_answer(&self.text, within))?;
        let response = response.map_err(|error| gone(&self.text, &error))?;
        // What is watched comes when it comes, and an answer to a stream of submissions when it commits.
        let waits = WAITS.iter().any(|name| path.ends_with(name));
        let (node, most) = (Arc::clone(&self.text), (!waits).then_some(within));
        Ok(response.map(|body| Body::new(Pieces { body, within: most, due: None, node })))
    }
}

fn unreachable(mut failed: Vec<(String, String)>) -> ClientError {
    match (failed.pop(), failed.is_empty()) {
        (Some((node, why)), true) => ClientError::Unavailable { node, why },
        (Some(last), false) => {
            failed.push(last);
            let why: Vec<String> =
                failed.iter().map(|(node, why)| format!("{node}: {why}")).collect();
            let node = failed.iter().map(|(node, _)| node.as_str()).collect::<Vec<_>>().join(", ");
            ClientError::Unavailable { node, why: why.join("; ") }
        }
        (None, _) => ClientError::Usage("the address of a node is needed: --node".into()),
    }
}

fn nobody() -> Status {
    Status::internal("no node is known")
}

fn is(status: &Status, reason: Reason) -> bool {
    to_refused(status).reason == reason.name()
}

/// What several nodes did not answer, as one status.
fn joined(mut failed: Vec<Status>) -> Status {
    match (failed.pop(), failed.is_empty()) {
        (Some(only), true) => only,
        (Some(last), false) => {
            failed.push(last);
            let all: Vec<Refused> = failed.iter().map(to_refused).collect();
            let of = |text: fn(&Refused) -> &String| {
                all.iter().map(|it| text(it).as_str()).collect::<Vec<_>>().join("; ")
            };
            let zh = of(|it| &it.message_zh).replace("; ", "；");
            // The weakest word of all: what became of it is known of none if it is not known of one.
            let unknown = [Reason::NodeNoAnswer, Reason::NodeGone]
                .iter()
                .find_map(|weak| all.iter().find(|it| it.reason == weak.name()));
            let reason = unknown.or(all.last()).map(|it| it.reason.clone()).unwrap_or_default();
            of_refused(&Refused {
                reason,
                message: of(|it| &it.message),
                message_zh: zh,
                ..Refused::default()
            })
        }
        (None, _) => nobody(),
    }
}

fn no_answer(node: &str, within: Duration) -> Status {
    let seconds = within.as_secs_f64();
    status(
        Reason::NodeNoAnswer,
        format!("the node at {node} did not answer within {seconds} s"),
        format!("节点 {node} 在 {seconds} 秒内没有应答"),
    )
}

fn gone(node: &str, error: &(dyn std::error::Error + 'static)) -> Status {
    let why = root_cause(error);
    status(
        Reason::NodeGone,
        format!("the connection to the node at {node} ended: {why}"),
        format!("与节点 {node} 的连接已断开：{why}"),
    )
}

fn status(reason: Reason, message: String, message_zh: String) -> Status {
    let reason = reason.name().to_owned();
    of_refused(&Refused { reason, message, message_zh, ..Refused::default() })
}

/// The error at the bottom: those above it say that something failed.
pub fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(below) = cause.source() {
        cause = below;
    }
    cause.to_string()
}

/// Calls whose pieces may be long in coming; pings tell whether the node is there.
const WAITS: [&str; 2] = ["WatchService/Watch", "SubmissionService/SubmitStream"];
/// Calls whose request is a stream.
const STREAMS_UP: [&str; 1] = ["SubmissionService/SubmitStream"];
/// The call that waits for a commit.
const SUBMITS: &str = "SubmissionService/Submit";

/// The pieces of an answer, each in time.
struct Pieces {
    body: Body,
    within: Option<Duration>,
    due: Option<Pin<Box<tokio::time::Sleep>>>,
    node: Arc<str>,
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            this.due = None;
            return Poll::Ready(frame.map(|it| it.map_err(|error| gone(&this.node, &error))));
        }
        let Some(within) = this.within else { return Poll::Pending };
        let due = this.due.get_or_insert_with(|| Box::pin(tokio::time::sleep(within)));
        match due.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Some(Err(no_answer(&this.node, within)))),
            Poll::Pending => Poll::Pending,
        }
    }
}

type Answer = Result<http::Response<Body>, Status>;

impl Service<http::Request<Body>> for Reach {
    type Response = http::Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        // Which node is asked, and whether it is ready, is found out by the call.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(self.clone().ask(request))
    }
}
