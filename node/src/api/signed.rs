//! What a reader signs with a call, and what it gets for it. Who audits or regulates signs each call that it reads by, in
//! `liuhen-read-bin`: a canonical `ReadRequest`. The node's receipt goes with the answer, in `liuhen-read-receipt-bin`.

use bytes::Bytes;
use http_body::Frame;
use liuhen_proto::canonical;
use liuhen_proto::items::reading::request::{self, call_digest};
use liuhen_proto::suite::sign::{PrivateKey, PublicKey};
use liuhen_proto::types::{ChainId, KeyId, TimeMs, limits};
use liuhen_proto::wire::{ReadReceipt, ReadRequest};
use liuhen_rpc::reason::Reason;
use liuhen_rpc::status::with_reason;
use liuhen_rpc::{READ, READ_RECEIPT, token};
use prost::Message;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::metadata::{MetadataMap, MetadataValue};

/// Bytes of a request that is signed: all but transactions are smaller, and those are signed by themselves.
const BODY: usize = 64 << 10;
/// Bytes of what is signed.
const REQUEST: usize = 1024;

/// A call, as its reader signed it.
#[derive(Debug, Clone)]
pub struct SignedCall(Arc<Call>);

#[derive(Debug)]
struct Call {
    request: ReadRequest,
    path: String,
    /// When the call came.
    came: TimeMs,
    /// The request's bytes so far; `None` where they are too many.
    body: Mutex<Option<Vec<u8>>>,
    /// Reads that were noted for it.
    noted: AtomicU64,
}

impl SignedCall {
    /// What is signed of a call, where anything is.
    fn of(request: &http::Request<Body>) -> Result<Option<Self>, Status> {
        let bad = |why: &str| with_reason(Reason::ReadUnsigned, &format!("{READ}: {why}"));
        let metadata = MetadataMap::from_headers(request.headers().clone());
        let Some(value) = metadata.get_bin(READ) else { return Ok(None) };
        let bytes = value.to_bytes().map_err(|error| bad(&error.to_string()))?;
        let asked = canonical::decode("read request", &bytes, REQUEST);
        let asked = asked.map_err(|error| bad(&error.to_string()))?;
        Ok(Some(Self(Arc::new(Call {
            request: asked,
            path: request.uri().path().to_owned(),
            came: crate::clock::now(),
            body: Mutex::new(Some(Vec::new())),
            noted: AtomicU64::new(0),
        }))))
    }

    /// What the reader signed.
    pub(super) fn request(&self) -> &ReadRequest {
        &self.0.request
    }

    /// Checks that a caller signed this call: just before it came, for this node, and for what it reads for.
    pub(super) fn check(
        &self,
        (caller, audit): (&KeyId, Option<&str>),
        key: &PublicKey,
        chain: &ChainId,
        own: &KeyId,
    ) -> Result<(), Status> {
        let (it, came) = (&self.0.request, self.0.came);
        let bad =
            |why: &str| Err(with_reason(Reason::ReadUnsigned, &format!("the signed call: {why}")));
        // What the rules would not take can't be recorded, and so is not shown.
        if let Err(why) = request::check(it) {
            return bad(&why.to_string());
        }
        if it.key_id != caller.as_bytes() {
            return bad("it is signed with another key than the token");
        }
        if it.audit != audit.unwrap_or_default() {
            return bad("it is for another audit than the token");
        }
        if it.node != own.as_bytes() {
            return bad("it is for another node");
        }
        let (signed, life) = (TimeMs::new(it.time_ms), token::LIFE_S * 1000);
        if came.since(signed) > life || signed.since(came) > AHEAD_MS {
            return bad("it is not of now");
        }
        let whole = {
            let body = self.0.body.lock().unwrap_or_else(PoisonError::into_inner);
            body.as_ref().map(|body| call_digest(&self.0.path, body))
        };
        if whole.is_none_or(|digest| digest.as_bytes() != it.call_digest.as_slice()) {
            return bad("it is another call");
        }
        if !request::is_signed(it, chain, key) {
            return bad("its signature does not verify");
        }
        // Whoever watches asks again in time.
        if crate::clock::now().since(signed) > limits::READ_LASTS_MS {
            let why = "what the watch was asked for with is a day old: ask again";
            return Err(with_reason(Reason::ReadSignAgain, why));
        }
        Ok(())
    }

    /// So many reads more were noted for it.
    pub(super) fn noted(&self, reads: usize) {
        self.0.noted.fetch_add(reads as u64, Ordering::Relaxed);
    }

    fn reads(&self) -> u64 {
        self.0.noted.load(Ordering::Relaxed)
    }

    fn takes(&self, bytes: &[u8]) {
        let mut body = self.0.body.lock().unwrap_or_else(PoisonError::into_inner);
        match body.as_mut() {
            Some(whole) if whole.len() + bytes.len() <= BODY => whole.extend_from_slice(bytes),
            _ => *body = None,
        }
    }
}

/// By how much a reader's clock may be ahead, milliseconds.
const AHEAD_MS: u64 = 60_000;

/// With what receipts are signed.
#[derive(Debug, Clone)]
pub struct ReceiptSigner {
    /// The node's key.
    pub key: PrivateKey,
    /// The chain.
    pub chain: ChainId,
}

impl ReceiptSigner {
    /// Also of a call by which nothing was noted: who oversees is to see that the node says so.
    fn receipt(&self, call: &SignedCall) -> ReadReceipt {
        request::acknowledge(
            &self.key,
            &self.chain,
            call.request(),
            call.reads(),
            crate::clock::now(),
        )
    }
}

/// A service that knows what readers signed.
#[derive(Clone)]
pub struct Signed<S> {
    inner: S,
    signer: Arc<ReceiptSigner>,
}

impl<S> Signed<S> {
    /// The same service, with receipts.
    pub fn new(inner: S, signer: Arc<ReceiptSigner>) -> Self {
        Self { inner, signer }
    }
}

impl<S> Service<http::Request<Body>> for Signed<S>
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

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let call = match SignedCall::of(&request) {
            Ok(Some(call)) => call,
            Ok(None) => return Box::pin(self.inner.call(request)),
            Err(status) => return Box::pin(async move { Ok(status.into_http()) }),
        };
        request.extensions_mut().insert(call.clone());
        let heard = call.clone();
        let request = request.map(|body| Body::new(Heard { body, call: heard }));
        let (answering, signer) = (self.inner.call(request), Arc::clone(&self.signer));
        Box::pin(async move {
            let mut response = answering.await?;
            let receipt = signer.receipt(&call).encode_to_vec();
            let mut metadata = MetadataMap::new();
            metadata.insert_bin(READ_RECEIPT, MetadataValue::from_bytes(&receipt));
            response.headers_mut().extend(metadata.into_headers());
            Ok(response)
        })
    }
}

/// A request whose bytes are kept as they come.
struct Heard {
    body: Body,
    call: SignedCall,
}

impl http_body::Body for Heard {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            this.call.takes(data);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
