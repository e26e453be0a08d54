//! Bodies of requests and answers within limits: what a client sends and does not end, and what it is sent and does
//! not take, is bounded in bytes and in time.

use super::connection::{ClientConnection, client_of};
use super::unread::with_reason_if_unread;
use crate::limits::{Budget, Client, Limits, Share};
use bytes::Bytes;
use http_body::Frame;
use liuhen_rpc::reason::Reason;
use liuhen_rpc::status::with_reason;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Sleep;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{Service, http};

/// Bytes of a request that count for nothing: all but transactions are smaller.
const FREE: usize = 64 << 10;
/// A request that is no stream is whole within this time.
const REQUEST_WITHIN: Duration = Duration::from_secs(30);
/// The call whose request is a stream. How many of those there are is bounded where it is served.
const STREAM: &str = "SubmissionService/SubmitStream";
/// Bytes of an answer that are handed over at once: so much must be taken in the time that a connection has.
const PIECE: usize = 64 << 10;

/// A service whose requests and answers stay within limits.
#[derive(Clone)]
pub struct Bounded<S> {
    inner: S,
    limits: Arc<Limits>,
}

impl<S> Bounded<S> {
    /// The same service within limits.
    pub fn new(inner: S, limits: Arc<Limits>) -> Self {
        Self { inner, limits }
    }
}

impl<S> Service<http::Request<Body>> for Bounded<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let connection = request.extensions().get::<ClientConnection>().cloned();
        let client = client_of(connection.as_ref());
        let Some(call) = self.limits.calls.take(&client, 1) else {
            let status = busy("too many calls at once; wait for answers");
            return Box::pin(async move { Ok(status.into_http()) });
        };
        let held = Arc::new(Mutex::new(self.limits.requests.nothing(&client)));
        let request = if request.uri().path().ends_with(STREAM) {
            request
        } else {
            let (share, due) = (Arc::clone(&held), Box::pin(tokio::time::sleep(REQUEST_WITHIN)));
            request.map(|body| Body::new(RequestBody { body, seen: 0, share, due }))
        };
        let answering = self.inner.call(request);
        let answers = Arc::clone(&self.limits.answers);
        Box::pin(async move {
            let response = with_reason_if_unread(answering.await?);
            // A message is held as long as it is being answered.
            drop(held);
            let (rest, share) = (Bytes::new(), None);
            Ok(response.map(|body| {
                let ended = false;
                Body::new(AnswerBody {
                    body,
                    rest,
                    share,
                    ended,
                    answers,
                    client,
                    connection,
                    _call: call,
                })
            }))
        })
    }
}

fn busy(why: &str) -> Status {
    with_reason(Reason::NodeBusy, why)
}

struct RequestBody {
    body: Body,
    seen: usize,
    share: Arc<Mutex<Share>>,
    due: Pin<Box<Sleep>>,
}

impl RequestBody {
    fn hold(&mut self, bytes: usize) -> Result<(), Status> {
        let before = self.seen.saturating_sub(FREE);
        self.seen = self.seen.saturating_add(bytes);
        let more = self.seen.saturating_sub(FREE).saturating_sub(before);
        let mut share = self.share.lock().unwrap_or_else(PoisonError::into_inner);
        match share.grow(more) {
            true => Ok(()),
            false => Err(busy("too much is being sent to this node at once; try again later")),
        }
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                Poll::Ready(Some(this.hold(bytes).map(|()| frame)))
            }
            Poll::Pending => match this.due.as_mut().poll(context) {
                Poll::Ready(()) => {
                    let why = "the request was not whole in time";
                    Poll::Ready(Some(Err(Status::deadline_exceeded(why))))
                }
                Poll::Pending => Poll::Pending,
            },
            ended @ Poll::Ready(_) => ended,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

/// A piece of an answer. It is dropped when it was written to the connection, or its stream was let go: until then its
/// time counts, and so does the whole frame that it is of, for its pieces are of one buffer.
struct Piece {
    data: Bytes,
    _share: Option<Arc<Share>>,
    connection: Option<(ClientConnection, u64)>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let Some((connection, number)) = &self.connection {
            connection.taken(*number);
        }
    }
}

/// An answer, a piece at a time.
struct AnswerBody {
    body: Body,
    /// What is left of the frame at hand.
    rest: Bytes,
    /// That frame's share, until its last piece is taken: of a long answer most waits here.
    share: Option<Arc<Share>>,
    ended: bool,
    answers: Arc<Budget>,
    client: Client,
    connection: Option<ClientConnection>,
    _call: Share,
}

impl AnswerBody {
    /// Takes a frame in and gives its first piece; trailers that say so where too much was not taken yet.
    fn begin(&mut self, frame: Bytes) -> Frame<Bytes> {
        let Some(share) = self.answers.take(&self.client, frame.len()) else {
            self.ended = true;
            let status =
                busy("too much of what this node answered was not taken yet; try again later");
            let mut trailers = http::HeaderMap::new();
            // Without room for its words the bare end of the stream says that there was no answer.
            let _ = status.add_header(&mut trailers);
            return Frame::trailers(trailers);
        };
        (self.rest, self.share) = (frame, Some(Arc::new(share)));
        self.piece()
    }

    /// The next piece of the frame at hand.
    fn piece(&mut self) -> Frame<Bytes> {
        let data = self.rest.split_to(self.rest.len().min(PIECE));
        let share = match self.rest.is_empty() {
            true => self.share.take(),
            false => self.share.clone(),
        };
        let connection = self.connection.clone().map(|it| {
            let number = it.handed();
            (it, number)
        });
        Frame::data(Bytes::from_owner(Piece { data, _share: share, connection }))
    }
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        if !this.rest.is_empty() {
            return Poll::Ready(Some(Ok(this.piece())));
        }
        match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) if !data.is_empty() => Poll::Ready(Some(Ok(this.begin(data)))),
                Ok(empty) => Poll::Ready(Some(Ok(Frame::data(empty)))),
                Err(trailers) => Poll::Ready(Some(Ok(trailers))),
            },
            other => other,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended || (self.rest.is_empty() && self.body.is_end_stream())
    }
}
