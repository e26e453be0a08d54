//! Members and strangers who take what they can get: the node's memory stays bounded, and others are served.

use liuhen_client::connect::Node;
use liuhen_client::submit::{Account, item, recent};
use liuhen_proto::items::Item;
use liuhen_proto::place::TrailKind;
use liuhen_proto::types::{BlockId, Height, TimeMs, limits};
use liuhen_proto::wire::{
    self, ProveTrailRequest, RangeKind, SubmitStreamRequest, WatchRequest, item::Kind,
};
use liuhen_rpc::status::to_refused;
use liuhen_tests::Cluster;
use liuhen_tests::actions::{record, register};
use liuhen_tests::bystander::{Bystander, Latencies};
use liuhen_tests::wait::until;
use std::collections::BTreeMap;
use std::time::Instant;
use tonic::Status;

const MIB: u64 = 1 << 20;

fn reason<T>(found: Result<T, Status>) -> Option<String> {
    found.err().map(|status| to_refused(&status).reason)
}

/// A record that lists many subjects.
fn long_record(number: u64) -> anyhow::Result<Item> {
    let Kind::RecordAccess(mut it) = record(number)?.kind().clone() else {
        anyhow::bail!("no record")
    };
    let tag = |one: u64| {
        let mut tag = vec![0; 24];
        tag.extend_from_slice(&(number * 1000 + one).to_be_bytes());
        tag
    };
    it.subjects.get_or_insert_default().tags = (0..250).map(tag).collect();
    Ok(item(Kind::RecordAccess(it))?)
}

/// Another department's client at work meanwhile, by a connection of its own.
async fn bystander(cluster: &mut Cluster) -> anyhow::Result<Bystander> {
    let apart = cluster.connect("psb").await?;
    let other = cluster.account(&apart, "hrss", "officer").await?;
    Ok(Bystander::start(other.on(&apart)))
}

fn whole_dataset() -> ProveTrailRequest {
    ProveTrailRequest {
        trail_kind: TrailKind::Dataset as u32,
        trail_id: b"civil.resident".to_vec(),
        range: RangeKind::Whole as u32,
        ..ProveTrailRequest::default()
    }
}

/// Proofs that one member asks for and does not read: it gets no more than its share, others are served, and what it did
/// not take is let go with its connection.
#[tokio::test(flavor = "multi_thread")]
async fn proofs_that_are_not_read() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    let node = cluster.connect("psb").await?;
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    for first in (1..=240).step_by(24) {
        let items: Vec<Item> = (first..first + 24).map(long_record).collect::<Result<_, _>>()?;
        gateway.submit(&node, &items).await?;
    }
    let officer = cluster.account(&node, "psb", "officer").await?.on(&node);
    let before = cluster.memory("psb")?;
    let bystander = bystander(&mut cluster).await?;
    let (mut unread, mut refused) = (Vec::new(), 0);
    for _ in 0..150 {
        match officer.proofs().prove_trail(whole_dataset()).await {
            Ok(stream) => unread.push(stream),
            Err(status) => {
                assert_eq!(to_refused(&status).reason, "node.busy");
                refused += 1;
            }
        }
    }
    let grown = cluster.memory("psb")?.saturating_sub(before);
    assert!(refused > 0, "{} proofs are held for one who reads none", unread.len());
    assert!(grown < 200 * MIB, "{} MiB for {} proofs", grown / MIB, unread.len());
    // By a connection of its own: on the other one nothing passes any more.
    let apart = cluster.connect("psb").await?;
    let other = cluster.account(&apart, "bdb", "officer").await?;
    let asked = Instant::now();
    let proof = other.on(&apart).proofs().prove_trail(whole_dataset()).await?;
    let bytes = liuhen_client::connect::join(proof.into_inner()).await?;
    eprintln!(
        "unread proofs: {} held, {refused} refused, {} MiB more; another's proof of {} bytes in {:?}",
        unread.len(),
        grown / MIB,
        bytes.len(),
        asked.elapsed()
    );
    eprintln!("meanwhile {}", bystander.finish().await?);
    drop(unread);
    until("its share to be given back", async || {
        officer.proofs().prove_trail(whole_dataset()).await.ok().map(drop)
    })
    .await
}

/// Watches of one key leave room for others.
#[tokio::test(flavor = "multi_thread")]
async fn watches_of_one_key() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    let node = cluster.connect("psb").await?;
    let officer = cluster.account(&node, "psb", "officer").await?.on(&node);
    let bystander = bystander(&mut cluster).await?;
    let mut held = Vec::new();
    let refused = loop {
        match officer.watching().watch(WatchRequest::default()).await {
            Ok(stream) if held.len() < 300 => held.push(stream),
            other => break reason(other),
        }
    };
    assert_eq!(refused.as_deref(), Some("node.busy"));
    assert!(held.len() >= 8, "{} watches", held.len());
    let other = cluster.account(&node, "tax", "officer").await?.on(&node);
    other.watching().watch(WatchRequest::default()).await?;
    eprintln!("meanwhile {}", bystander.finish().await?);
    drop(held);
    until("room for the first again", async || {
        officer.watching().watch(WatchRequest::default()).await.ok().map(drop)
    })
    .await
}

/// A transaction that is dear to judge and refused by its last item.
async fn refused_by_its_last(node: &Node, gateway: &Account) -> anyhow::Result<Vec<u8>> {
    let status = node.status().await?;
    let mut items: Vec<Item> = (1..=1000).map(record).collect::<Result<_, _>>()?;
    let Kind::RecordAccess(mut last) = record(1001)?.kind().clone() else {
        anyhow::bail!("no record")
    };
    last.accesses[0].dataset = "civil.none".into();
    items.push(item(Kind::RecordAccess(last))?);
    let key = gateway.signer.key.public().key_id();
    let (_, seq) = gateway.on(node).key(&key).await?;
    let recent = (Height::new(status.height), BlockId::from_slice(&status.block_id)?);
    let tx = gateway.signer.sign(seq, recent, TimeMs::new(status.now_ms), &items)?;
    Ok(tx.raw().to_vec())
}

/// One key floods the node with what is dear to judge: memory stays bounded, others' transactions commit meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn refused_transactions_of_one_key() -> anyhow::Result<()> {
    const STREAMS: usize = 4;
    const EACH: usize = 150;
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    let node = cluster.connect("psb").await?;
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    let transaction = refused_by_its_last(&node, &gateway).await?;
    let before = cluster.memory("psb")?;
    let bystander = bystander(&mut cluster).await?;
    let mut floods = Vec::new();
    for _ in 0..STREAMS {
        let flooding = cluster.connect("psb").await?;
        let requests = (0..EACH as u64).map(|correlation| SubmitStreamRequest {
            transaction: transaction.clone(),
            correlation,
        });
        let requests = requests.collect::<Vec<_>>();
        floods.push(tokio::spawn(async move {
            let mut answers = flooding
                .submission()
                .submit_stream(tokio_stream::iter(requests))
                .await?
                .into_inner();
            let mut refused = 0;
            while let Some(answer) = answers.message().await? {
                let is_refused =
                    matches!(answer.result, Some(wire::submit_stream_response::Result::Refused(_)));
                refused += usize::from(is_refused);
            }
            Ok::<_, Status>(refused)
        }));
    }
    let officer = cluster.account(&node, "psb", "officer").await?;
    let (mut most, mut waits) = (0, Vec::new());
    for number in 0.. {
        let begun = Instant::now();
        officer.submit(&node, &[dataset("gz.psb", number)?]).await?;
        waits.push(begun.elapsed());
        most = most.max(cluster.memory("psb")?.saturating_sub(before));
        if floods.iter().all(tokio::task::JoinHandle::is_finished) {
            break;
        }
    }
    for flood in floods {
        assert_eq!(flood.await??, EACH);
    }
    eprintln!(
        "{} transactions of {} bytes refused; memory at most {} MiB more",
        STREAMS * EACH,
        transaction.len(),
        most / MIB,
    );
    eprintln!("commits {}", Latencies::of(waits));
    eprintln!("reads {}", bystander.finish().await?);
    assert!(most < 200 * MIB, "{} MiB more", most / MIB);
    Ok(())
}

/// One key's dear transactions: others find room beside them, long before all of them are done.
#[tokio::test(flavor = "multi_thread")]
async fn dear_transactions_of_one_key() -> anyhow::Result<()> {
    const DEAR: u64 = 12;
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    let node = cluster.connect("psb").await?;
    let officer = cluster.account(&node, "psb", "officer").await?;
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    let other = cluster.account(&node, "hrss", "officer").await?;
    let recent = recent(&node).await?;
    let mut seq = officer.next_seq(&node).await?;
    let mut sent = Vec::new();
    for number in 0..DEAR {
        // Each sets as many timers as a block does.
        let items: Vec<_> = (0..limits::BLOCK_TIMERS)
            .map(|one| dataset("gz.psb", number * limits::BLOCK_TIMERS + one))
            .collect::<anyhow::Result<_>>()?;
        let tx = officer.sign(seq, recent, &items)?;
        seq = tx.next_seq();
        sent.push(tx);
    }
    // One that wants a timer as well, and one that wants what is read and written only.
    let wants = [(&other, dataset("gz.hrss", u64::MAX)?), (&gateway, record(1)?)];
    for (account, wanted) in wants {
        sent.push(account.sign(account.next_seq(&node).await?, recent, &[wanted])?);
    }
    let requests = (0..).zip(&sent).map(|(correlation, tx)| SubmitStreamRequest {
        transaction: tx.raw().to_vec(),
        correlation,
    });
    let requests = tokio_stream::iter(requests.collect::<Vec<_>>());
    let mut answers = node.submission().submit_stream(requests).await?.into_inner();
    let mut heights = BTreeMap::new();
    while let Some(answer) = answers.message().await? {
        let Some(wire::submit_stream_response::Result::Committed(it)) = answer.result else {
            anyhow::bail!("{answer:?}");
        };
        heights.insert(answer.correlation, it.height);
    }
    assert_eq!(heights.len() as u64, DEAR + 2);
    let at = |number: u64| heights.get(&number).copied().unwrap_or_default();
    eprintln!("{heights:?}");
    let last = at(DEAR - 1);
    assert!(at(DEAR) + 4 < last && at(DEAR + 1) + 4 < last, "{heights:?}");
    Ok(())
}

fn dataset(collector: &str, number: u64) -> anyhow::Result<Item> {
    let field = wire::Field { name: "id".into(), grade: 3, category: 0 };
    Ok(item(Kind::RegisterDataset(wire::RegisterDataset {
        dataset: format!("civil.more-{number}"),
        collector: collector.into(),
        title_en: "More".into(),
        grade: 3,
        category: wire::Category::Conditional as i32,
        fields: vec![field],
        schema_digest: vec![3; 32],
        ..wire::RegisterDataset::default()
    }))?)
}

/// Messages that are too large, or compressed, are refused, and the node goes on.
#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_too_large() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    let node = cluster.connect("psb").await?;
    let officer = cluster.account(&node, "psb", "officer").await?.on(&node);
    let asked = ProveTrailRequest { trail_id: vec![7; 1 << 20], ..whole_dataset() };
    assert!(officer.proofs().prove_trail(asked).await.is_err());
    let transaction = vec![0; 7 << 20];
    assert!(node.submission().submit(wire::SubmitRequest { transaction }).await.is_err());
    let compressed = node
        .submission()
        .send_compressed(tonic::codec::CompressionEncoding::Gzip)
        .submit(wire::SubmitRequest { transaction: vec![0; 1 << 18] })
        .await;
    assert_eq!(compressed.err().map(|it| it.code()), Some(tonic::Code::Unimplemented));
    assert!(node.status().await?.height > 0);
    Ok(())
}
