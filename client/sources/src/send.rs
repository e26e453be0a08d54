//! Sending records in batches, many in flight on one connection.

use crate::{Summary, Watches};
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_client::submit::{Account, recent};
use liuhen_proto::event::Outcome;
use liuhen_proto::items::Item;
use liuhen_proto::wire::{self, Refused, submit_stream_response::Result as Answer};
use liuhen_rpc::reason::Reason;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

/// Batches in flight.
const IN_FLIGHT: usize = 32;
/// How long a recent block is cited before a newer one is asked for.
const RECENT_FOR: Duration = Duration::from_secs(60);

/// Signs and sends all items, in order. Errors with the first refusal, when all that was sent before
/// it is answered; what was committed stays, and the next run goes on behind it. `at_fault` gets
/// the number of the item that the refusal names.
pub(super) async fn all(
    node: &Node,
    account: &Account,
    items: &[Item],
    batch: usize,
    (summary, watcher): (&mut Summary, &dyn Watches),
    at_fault: &mut Option<usize>,
) -> Result<(), ClientError> {
    if items.is_empty() {
        return Ok(());
    }
    let size = batch.max(1);
    let (requests, receiver) = mpsc::channel(IN_FLIGHT);
    let stream = node.submission().submit_stream(ReceiverStream::new(receiver)).await?;
    let mut answers = stream.into_inner();
    let mut seq = account.next_seq(node).await?;
    let mut cited = (recent(node).await?, Instant::now());
    let mut batches = items.chunks(size).enumerate();
    // Batches without an answer, by number. None behind the first refused one is waited for.
    let mut waiting = BTreeSet::new();
    let mut refusal: Option<(u64, ClientError)> = None;
    let mut open = Some(requests);
    loop {
        while let (Some(sender), true) = (&open, waiting.len() < IN_FLIGHT) {
            let Some((number, batch)) = batches.next() else {
                open = None;
                break;
            };
            if cited.1.elapsed() > RECENT_FOR {
                cited = (recent(node).await?, Instant::now());
            }
            let tx = account.sign(seq, cited.0, batch)?;
            seq = tx.next_seq();
            let (correlation, transaction) = (number as u64, tx.raw().to_vec());
            let request = wire::SubmitStreamRequest { correlation, transaction };
            let sent = tokio::time::timeout(node.within(), sender.send(request)).await;
            let sent = sent.map_err(|_| unanswered(&node.no_answer(), waiting.len()))?;
            sent.map_err(|_| unanswered(&gone(node), waiting.len()))?;
            waiting.insert(correlation);
        }
        if waiting.is_empty() {
            break;
        }
        let answer = match tokio::time::timeout(node.within(), answers.message()).await {
            Ok(Ok(Some(answer))) => answer,
            Ok(Ok(None)) => return Err(unanswered(&gone(node), waiting.len())),
            Ok(Err(status)) => return Err(unanswered(&status.into(), waiting.len())),
            Err(_) => return Err(unanswered(&node.no_answer(), waiting.len())),
        };
        let number = answer.correlation;
        waiting.remove(&number);
        let item = match &answer.result {
            Some(Answer::Refused(refused)) => refused.item,
            _ => None,
        };
        match take(answer, summary) {
            Ok(count) => watcher.committed(count),
            Err(error) if refusal.as_ref().is_none_or(|(first, _)| number < *first) => {
                let before = usize::try_from(number).unwrap_or(0).saturating_mul(size);
                *at_fault = item.map(|it| before + usize::try_from(it).unwrap_or(0));
                refusal = Some((number, error));
                open = None;
                waiting.retain(|it| *it < number);
            }
            Err(_) => {}
        }
    }
    refusal.map_or(Ok(()), |(_, error)| Err(error))
}

fn gone(node: &Node) -> ClientError {
    let node = node.address();
    ClientError::failed(match liuhen_client::lang::is_chinese() {
        true => format!("节点 {node} 关闭了连接"),
        false => format!("the node at {node} closed the stream"),
    })
}

/// What is to be done where the node says no more: batches in flight may still commit, and the next run
/// goes on behind what is committed.
fn unanswered(why: &ClientError, in_flight: usize) -> ClientError {
    let (reason, why) = (Reason::NodeNoAnswer.name().to_owned(), why.to_string());
    let message = format!(
        "{why}; {in_flight} batches were sent and may still commit: run the same command again, it goes on \
         behind what is committed"
    );
    let message_zh =
        format!("{why}；已发出 {in_flight} 批，仍可能上链：请再次执行同一命令，将从已上链处继续");
    ClientError::Refused(
        Refused { reason, message, message_zh, ..Refused::default() },
        Code::Unavailable,
    )
}

/// Counts what was committed; gives how many records that were.
fn take(answer: wire::SubmitStreamResponse, summary: &mut Summary) -> Result<u64, ClientError> {
    match answer.result {
        Some(Answer::Committed(committed)) => {
            for bits in &committed.outcomes {
                let outcome = u16::try_from(*bits).ok().and_then(Outcome::from_bits);
                summary.count(outcome.unwrap_or(Outcome::DONE));
            }
            Ok(committed.outcomes.len() as u64)
        }
        Some(Answer::Refused(refused)) => {
            Err(ClientError::Refused(refused, Code::FailedPrecondition))
        }
        None => Err(ClientError::failed("the node sent an empty answer")),
    }
}
