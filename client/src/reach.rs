//! Calls that end: a node that does not answer in time, or whose connection breaks, is named in the error. A frozen
//! process still holds its connections, and a network without a quorum answers no submission.

use liuhen_proto::wire::Refused;
use liuhen_rpc::reason::Reason;
use liuhen_rpc::status::of_refused;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{Bytes, Service, http};
use tonic::transport::{Channel, Endpoint};

/// How long a node may take to answer, unless told.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// A node that does not answer pings for so long is taken for gone, also while nothing is asked of it.
const PING_EVERY: Duration = Duration::from_secs(10);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// A channel to a node on which every call ends.
#[derive(Debug, Clone)]
pub struct Reach {
    channel: Channel,
    node: Arc<str>,
    within: Duration,
}

impl Reach {
    /// Connects to an endpoint; calls are to be answered within this time.
    pub async fn connect(
        endpoint: Endpoint,
        node: &str,
        within: Duration,
    ) -> Result<Self, tonic::transport::Error> {
        let endpoint = endpoint
            .connect_timeout(CONNECT_WITHIN.min(within))
            .tcp_nodelay(true)
            .http2_keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_EVERY)
            .keep_alive_while_idle(true);
        Ok(Self { channel: endpoint.connect().await?, node: node.into(), within })
    }

    /// The node's address.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// How long an answer may take.
    pub fn within(&self) -> Duration {
        self.within
    }

    /// The status of a call that was not answered in time.
    pub fn no_answer(&self) -> Status {
        let (node, seconds) = (&self.node, self.within.as_secs_f64());
        status(
            Reason::NodeNoAnswer,
            format!("the node at {node} did not answer within {seconds} s"),
            format!("节点 {node} 在 {seconds} 秒内没有应答"),
        )
    }
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

/// The pieces of an answer, each in time.
struct Pieces {
    body: Body,
    within: Option<Duration>,
    due: Option<Pin<Box<tokio::time::Sleep>>>,
    reach: Reach,
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
            return Poll::Ready(frame.map(|it| it.map_err(|error| gone(&this.reach.node, &error))));
        }
        let Some(within) = this.within else { return Poll::Pending };
        let due = this.due.get_or_insert_with(|| Box::pin(tokio::time::sleep(within)));
        match due.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Some(Err(this.reach.no_answer()))),
            Poll::Pending => Poll::Pending,
        }
    }
}

type Answer = Result<http::Response<Body>, Status>;

impl Service<http::Request<Body>> for Reach {
    type Response = http::Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.channel.poll_ready(context).map_err(|error| gone(&self.node, &error))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let path = request.uri().path().to_owned();
        let (call, this) = (self.channel.call(request), self.clone());
        Box::pin(async move {
            let answered = tokio::time::timeout(this.within, call).await;
            let response = answered.map_err(|_| this.no_answer())?;
            let response = response.map_err(|error| gone(&this.node, &error))?;
            // What is watched comes when it comes, and an answer to a stream of submissions when it commits.
            let waits = WAITS.iter().any(|name| path.ends_with(name));
            let within = (!waits).then_some(this.within);
            Ok(response.map(|body| Body::new(Pieces { body, within, due: None, reach: this })))
        })
    }
}
