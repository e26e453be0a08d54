//! Taking transactions.

use super::unread::{is_unread, told};
use super::{Shared, address};
use crate::limits::Client;
use crate::mempool::{Answer, Submitted};
use futures::stream::{FuturesUnordered, StreamExt};
use liuhen_proto::wire::{
    Refused, SubmitRequest, SubmitResponse, SubmitStreamRequest, SubmitStreamResponse,
    submit_stream_response,
};
use liuhen_rpc::reason::Reason;
use liuhen_rpc::services::submission_service_server::SubmissionService;
use liuhen_rpc::status::{of_refused, with_reason};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

/// Transactions of one stream that wait for their answers at most; then no more are read.
const IN_FLIGHT: usize = 4096;

/// See [`SubmissionService`].
pub struct Submission(pub(super) Shared);

#[tonic::async_trait]
impl SubmissionService for Submission {
    async fn submit(
        &self,
        request: Request<SubmitRequest>,
    ) -> Result<Response<SubmitResponse>, Status> {
        let client = address(&request);
        let waiting = self.0.mempool.submit(client, &request.into_inner().transaction).await;
        match waiting.await.unwrap_or_else(|_| Err(stopping())) {
            Ok(submitted) => Ok(Response::new(to_wire(&submitted))),
            Err(refused) => Err(of_refused(&refused)),
        }
    }

    type SubmitStreamStream = ReceiverStream<Result<SubmitStreamResponse, Status>>;

    async fn submit_stream(
        &self,
        request: Request<Streaming<SubmitStreamRequest>>,
    ) -> Result<Response<Self::SubmitStreamStream>, Status> {
        // Who streams shows no token: its transactions are signed, and bounded by key in the pool.
        let turn = self.0.limits.submissions.take(&address(&request), 1).ok_or_else(|| {
            with_reason(
                Reason::NodeBusy,
                "too many streams of transactions at once; try again later",
            )
        })?;
        let client = address(&request);
        let (answers, receiver) = mpsc::channel(256);
        let shared = self.0.clone();
        tokio::spawn(async move {
            answer_all(shared, client, request.into_inner(), answers).await;
            drop(turn);
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

async fn answer_all(
    shared: Shared,
    client: Client,
    mut requests: Streaming<SubmitStreamRequest>,
    answers: mpsc::Sender<Result<SubmitStreamResponse, Status>>,
) {
    let mut waiting = FuturesUnordered::new();
    let (mut open, mut unread) = (true, None);
    while open || !waiting.is_empty() {
        tokio::select! {
            request = requests.message(), if open && waiting.len() < IN_FLIGHT => match request {
                Ok(Some(request)) => {
                    let receiver = shared.mempool.submit(client.clone(), &request.transaction).await;
                    let correlation = request.correlation;
                    waiting.push(async move { (correlation, receiver.await) });
                }
                Ok(None) => open = false,
                Err(status) => {
                    open = false;
                    unread = is_unread(&status).then(|| told(&status));
                }
            },
            Some((correlation, answer)) = waiting.next() => {
                let answer = answer.unwrap_or_else(|_| Err(stopping()));
                if answers.send(Ok(streamed(correlation, answer))).await.is_err() {
                    return;
                }
            }
        }
    }
    // A stream that merely ended would look as if all of it was read.
    if let Some(status) = unread {
        let _ = answers.send(Err(status)).await;
    }
}

fn streamed(correlation: u64, answer: Answer) -> SubmitStreamResponse {
    let result = match answer {
        Ok(submitted) => submit_stream_response::Result::Committed(to_wire(&submitted)),
        Err(refused) => submit_stream_response::Result::Refused(refused),
    };
    SubmitStreamResponse { correlation, result: Some(result) }
}

fn to_wire(submitted: &Submitted) -> SubmitResponse {
    SubmitResponse {
        tx_id: submitted.id.to_vec(),
        height: submitted.height.get(),
        time_ms: submitted.time.get(),
        first_event: submitted.first_event,
        outcomes: submitted.outcomes.iter().map(|it| u32::from(it.to_bits())).collect(),
    }
}

fn stopping() -> Refused {
    Refused {
        reason: Reason::NodeStopping.name().into(),
        message: "the node stopped before the transaction was committed; it may still commit"
            .into(),
        ..Refused::default()
    }
}
