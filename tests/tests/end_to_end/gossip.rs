//! What nodes pass on to each other: each transaction once, however often a client sends it.

use liuhen_client::submit::recent;
use liuhen_proto::wire::{SubmitRequest, SubmitStreamRequest, submit_stream_response};
use liuhen_tests::Cluster;
use liuhen_tests::actions::{record, register};
use liuhen_tests::wait::until;
use std::time::Instant;

/// How often the transaction is sent again.
const AGAIN: u64 = 100;
/// A transaction that waits in vain is let go no sooner than this, and is new when it comes again.
const KEPT_SECONDS: u64 = 10;

/// How often a node's log says that it passed this transaction on.
fn passed_on(cluster: &Cluster, node: &str, id: &str) -> u64 {
    let log = std::fs::read_to_string(cluster.consortium.home(node).join("log"));
    let log = log.unwrap_or_default();
    log.lines().filter(|it| it.contains("passed on") && it.contains(id)).count() as u64
}

/// A parked transaction, whose number is ahead of its key's next, comes again and again: other nodes are told once.
#[tokio::test(flavor = "multi_thread")]
async fn a_parked_transaction_is_passed_on_once() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    for node in ["psb", "tax"] {
        cluster.stop(node).await?;
        cluster.consortium.set(node, "log_filter", "info,liuhen_node::gossip=debug")?;
        cluster.launch(node)?;
    }
    register(&mut cluster).await?;
    let node = cluster.connect("psb").await?;
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    let begin = gateway.next_seq(&node).await?;
    gateway.submit(&node, &[record(1)?]).await?;
    let next = gateway.next_seq(&node).await?;
    let parked = gateway.sign(next + 1, recent(&node).await?, &[record(3)?])?;
    // Behind all that is sent again: its answer says that all before it were judged, for a key's are judged in turn.
    let stale = gateway.sign(begin, recent(&node).await?, &[record(2)?])?;
    let began = Instant::now();

    let sent = (0..AGAIN).map(|number| (number, &parked)).chain([(AGAIN, &stale)]);
    let requests = sent.map(|(correlation, tx)| SubmitStreamRequest {
        transaction: tx.raw().to_vec(),
        correlation,
    });
    let requests: Vec<SubmitStreamRequest> = requests.collect();
    let stream = node.submission().submit_stream(tokio_stream::iter(requests)).await?;
    let mut answers = stream.into_inner();
    while let Some(answer) = answers.message().await? {
        assert!(matches!(answer.result, Some(submit_stream_response::Result::Refused(_))));
        if answer.correlation == AGAIN {
            break;
        }
    }
    // It did come to the others.
    let other = cluster.connect("tax").await?;
    until("another node to have it", async || {
        other.status().await.ok().filter(|it| it.waiting > 0)
    })
    .await?;
    // What is passed on goes out in turn: when this one did, all of those before it did.
    let missing = gateway.sign(next, recent(&node).await?, &[record(2)?])?;
    let request = SubmitRequest { transaction: missing.raw().to_vec() };
    node.submission().submit(request).await?;
    let (id, behind) = (parked.id().to_string(), missing.id().to_string());
    until("the log to tell of the last", async || {
        (passed_on(&cluster, "psb", &behind) == 1).then_some(())
    })
    .await?;
    let let_go = began.elapsed().as_secs() / KEPT_SECONDS;
    let times = passed_on(&cluster, "psb", &id);
    assert!((1..=1 + let_go).contains(&times), "{times} times, of {AGAIN} that came");
    // Who has it from another node does not pass it on.
    assert_eq!(passed_on(&cluster, "tax", &id), 0);
    Ok(())
}
