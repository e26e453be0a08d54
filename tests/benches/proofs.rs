//! For each claim that a node makes: the size of its file, how long the node takes to make it, and how
//! long it takes to verify, on ledgers that grow; and, where each entry has a signature of its own, what
//! verifying takes beside those signatures alone.
//!
//! `cargo build --release --bins && cargo bench -p liuhen-tests --bench proofs`
//!
//! Four nodes on this machine. Records come in transactions of 1,000, so a block of them is a stretch
//! of 1,000 entries; the last comes in one of 100. Each is read through gRPC.

use anyhow::Context as _;
use liuhen_client::clock::now;
use liuhen_client::connect::{Node, join};
use liuhen_client::submit::{Account, item};
use liuhen_proto::header::founding::Founding;
use liuhen_proto::items::Item;
use liuhen_proto::place::{ObjectKind, TrailKind};
use liuhen_proto::suite::sign::{PublicKey, Signed, verify_many};
use liuhen_proto::tx;
use liuhen_proto::verify::verify;
use liuhen_proto::wire::{self, ProofChunk, RangeKind, item::Kind};
use liuhen_tests::Cluster;
use liuhen_tests::actions::grant;
use prost::Message;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tonic::{Response, Status, Streaming};

const SIZES: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];
const BATCH: u64 = 1_000;
const REPEATS: usize = 15;
const TAG: [u8; 32] = [8; 32];

/// What a record needs of the ledger.
struct Used {
    request_id: Vec<u8>,
    asker: Vec<u8>,
}

impl Used {
    /// A covered record; one of a hundred names the subject.
    fn record(&self, access_no: u64) -> anyhow::Result<Item> {
        let access = wire::DatasetAccess {
            dataset: "civil.resident".into(),
            operation: wire::Operation::Read as i32,
            request_id: self.request_id.clone(),
            fields: vec!["id".into()],
            ..wire::DatasetAccess::default()
        };
        let asker = wire::Party {
            department: "gz.hrss".into(),
            identity_id: self.asker.clone(),
            assurance: wire::Assurance::Verified as i32,
            ..wire::Party::default()
        };
        let tags = if access_no.is_multiple_of(100) { vec![TAG.to_vec()] } else { Vec::new() };
        Ok(item(Kind::RecordAccess(wire::RecordAccess {
            channel: wire::Channel::Door as i32,
            collector: "gz.psb".into(),
            access_no,
            decision: wire::Decision::Served as i32,
            accesses: vec![access],
            asker: Some(asker),
            purpose: "pension".into(),
            subjects: Some(wire::Subjects { tags, ..wire::Subjects::default() }),
            query_digest: vec![9; 32],
            row_count: Some(1),
            access_time_ms: now().get(),
            ..wire::RecordAccess::default()
        }))?)
    }

    /// Commits a transaction of records; gives its id and height.
    async fn commit(
        &self,
        node: &Node,
        gateway: &Account,
        numbers: std::ops::Range<u64>,
    ) -> anyhow::Result<(Vec<u8>, u64)> {
        let items = numbers.map(|number| self.record(number)).collect::<Result<Vec<_>, _>>()?;
        let (_, committed) = gateway.submit(node, &items).await?;
        Ok((committed.tx_id, committed.height))
    }
}

/// Median of some durations, in microseconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times.get(times.len() / 2).map_or(0.0, |it| it.as_secs_f64() * 1e6)
}

async fn measure(
    founding: &Founding,
    (size, what): (u64, &str),
    make: impl AsyncFn() -> Result<Response<Streaming<ProofChunk>>, Status>,
) -> anyhow::Result<()> {
    let (mut making, mut verifying, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        let began = Instant::now();
        bytes = join(make().await?.into_inner()).await?;
        making.push(began.elapsed());
        let began = Instant::now();
        verify(founding, &bytes).map_err(|e| anyhow::anyhow!("{what}: {e}"))?;
        verifying.push(began.elapsed());
    }
    println!(
        "{size:>9} {what:<24} {:>9} bytes  made in {:>8.0} µs  verified in {:>8.0} µs",
        bytes.len(),
        median(making),
        median(verifying)
    );
    Ok(())
}

/// The signatures of a proof's transactions, judged alone, as verifying does it: in one batch.
fn signatures(bytes: &[u8]) -> anyhow::Result<(usize, Duration)> {
    let trace = wire::Trace::decode(bytes)?;
    let keys = trace.objects.iter().filter(|it| it.kind == ObjectKind::Key as u32);
    let keys = keys.map(|it| {
        let key = wire::Key::decode(it.object.as_slice())?;
        Ok((it.id.clone(), PublicKey::from_slice(&key.public_key)?))
    });
    let keys: BTreeMap<Vec<u8>, PublicKey> = keys.collect::<anyhow::Result<_>>()?;
    let mut all = Vec::new();
    for it in &trace.transactions {
        let header = tx::TxHeader::parse(&it.header)?;
        let key = *keys.get(header.key.as_bytes().as_slice()).context("no key")?;
        all.push((key, tx::signed_message(&it.header), it.signature.as_slice().try_into()?));
    }
    let signed = all.iter().map(|(key, message, signature)| Signed {
        key: *key,
        message,
        signature: *signature,
    });
    let signed: Vec<Signed<'_>> = signed.collect();
    let mut times = Vec::new();
    for _ in 0..REPEATS {
        let began = Instant::now();
        anyhow::ensure!(!verify_many(&signed).contains(&false), "a bad signature");
        times.push(began.elapsed());
    }
    times.sort();
    Ok((signed.len(), times.get(REPEATS / 2).copied().unwrap_or_default()))
}

/// A page of entries that were each signed, and the whole trail in parts.
async fn signed_alone(
    founding: &Founding,
    node: &Node,
    size: u64,
    (from, until): (u64, u64),
) -> anyhow::Result<()> {
    let mut request = wire::ProveTrailRequest {
        trail_kind: TrailKind::Dataset as u32,
        trail_id: b"civil.resident".to_vec(),
        range: RangeKind::Heights as u32,
        from,
        until,
        ..wire::ProveTrailRequest::default()
    };
    let asked = Asked::Trail(request.clone());
    measure(founding, (size, "100 entries, each signed"), async || asked.send(node).await).await?;
    let bytes = join(asked.send(node).await?.into_inner()).await?;
    let (count, time) = signatures(&bytes)?;
    println!("{size:>9} its {count} signatures alone: {} µs", time.as_micros());
    request.range = RangeKind::Whole as u32;
    (request.from, request.until) = (0, 0);
    let began = Instant::now();
    let mut pieces = node.proofs().prove_long_trail(request).await?.into_inner();
    let (mut files, mut bytes, mut first) = (0u64, 0, None);
    while let Some(piece) = pieces.message().await? {
        first.get_or_insert_with(|| began.elapsed());
        files += u64::from(piece.last);
        bytes += piece.data.len();
    }
    let first = first.unwrap_or_default();
    println!(
        "{size:>9} whole, in {files} parts: {bytes} bytes, begun in {first:?}, made in {:?}",
        began.elapsed()
    );
    Ok(())
}

/// Every claim on a ledger of this size.
async fn claims(
    founding: &Founding,
    node: &Node,
    size: u64,
    (tx_id, page, block): (Vec<u8>, u64, u64),
) -> anyhow::Result<()> {
    let stretch = |from: u64| wire::ProveTrailRequest {
        trail_kind: TrailKind::Dataset as u32,
        trail_id: b"civil.resident".to_vec(),
        range: RangeKind::Heights as u32,
        from,
        until: from + 1,
        ..wire::ProveTrailRequest::default()
    };
    let event = |authorised| wire::ProveEventRequest {
        tx_id: tx_id.clone(),
        item: 7,
        authorised,
        ..wire::ProveEventRequest::default()
    };
    let object = |kind: ObjectKind, id: &[u8]| wire::ProveObjectRequest {
        kind: u32::from(kind as u8),
        id: id.to_vec(),
        pinned: 0,
    };
    let of = async |what: &str, asked: Asked| {
        measure(founding, (size, what), async || asked.send(node).await).await
    };
    of("inclusion", Asked::Event(event(false))).await?;
    of("authorised", Asked::Event(event(true))).await?;
    of("100 entries, complete", Asked::Trail(stretch(page))).await?;
    of("1,000 entries, complete", Asked::Trail(stretch(block))).await?;
    let mut beginning = wire::ProveConsistencyRequest { noted_size: 3, ..Default::default() };
    of("consistency, headers", Asked::Consistency(beginning.clone())).await?;
    beginning.trail_kind = TrailKind::Dataset as u32;
    beginning.trail_id = b"civil.resident".to_vec();
    of("consistency, trail", Asked::Consistency(beginning.clone())).await?;
    of("state", Asked::Object(object(ObjectKind::Department, b"gz.psb"))).await?;
    of("absence", Asked::Object(object(ObjectKind::Department, b"gz.none"))).await?;
    let department = wire::ProveDepartmentRequest {
        department: "gz.psb".into(),
        range: RangeKind::Heights as u32,
        from: page,
        until: page + 1,
        pinned: 0,
    };
    of("department, 100 entries", Asked::Department(department)).await?;
    let tag =
        wire::SubjectTag { collector: "gz.psb".into(), tag: TAG.to_vec(), subject_key: Vec::new() };
    let subject = wire::ProveSubjectRequest {
        tags: vec![tag],
        range: RangeKind::Heights as u32,
        from: block,
        until: block + 1,
        pinned: 0,
    };
    of("subject, 10 entries", Asked::Subject(subject)).await
}

/// A question to a node.
enum Asked {
    Event(wire::ProveEventRequest),
    Trail(wire::ProveTrailRequest),
    Consistency(wire::ProveConsistencyRequest),
    Object(wire::ProveObjectRequest),
    Department(wire::ProveDepartmentRequest),
    Subject(wire::ProveSubjectRequest),
}

impl Asked {
    async fn send(&self, node: &Node) -> Result<Response<Streaming<ProofChunk>>, Status> {
        let mut proofs = node.proofs();
        match self {
            Self::Event(it) => proofs.prove_event(it.clone()).await,
            Self::Trail(it) => proofs.prove_trail(it.clone()).await,
            Self::Consistency(it) => proofs.prove_consistency(it.clone()).await,
            Self::Object(it) => proofs.prove_object(it.clone()).await,
            Self::Department(it) => proofs.prove_department(it.clone()).await,
            Self::Subject(it) => proofs.prove_subject(it.clone()).await,
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    println!("load average: {}", std::fs::read_to_string("/proc/loadavg")?.trim());
    let most: u64 = std::env::var("MOST").ok().and_then(|it| it.parse().ok()).unwrap_or(u64::MAX);
    let mut cluster = Cluster::start().await?;
    let reference = grant(&mut cluster).await?;
    let node = cluster.connect("psb").await?;
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    let reader = cluster.account(&node, "psb", "officer").await?.on(&node);
    let request = reader.request(reference).await?.request.context("no request")?;
    let asker = reader.identity_id("gz.hrss/portal").await?.to_vec();
    let used = Used { request_id: request.request_id, asker };
    let founding = Founding::from_bytes(&std::fs::read(cluster.consortium.genesis())?)?;
    let mut next = 1;
    for size in SIZES.into_iter().filter(|size| *size <= most) {
        let mut block = 0;
        let last = size.saturating_sub(99);
        while next < last {
            let end = (next + BATCH).min(last);
            (_, block) = used.commit(&node, &gateway, next..end).await?;
            next = end;
        }
        let (tx_id, page) = used.commit(&node, &gateway, next..next + 100).await?;
        next += 100;
        claims(&founding, &reader, size, (tx_id, page, block)).await?;
        let (_, from) = used.commit(&node, &gateway, next..next + 1).await?;
        let mut until = from;
        for number in next + 1..next + 100 {
            (_, until) = used.commit(&node, &gateway, number..number + 1).await?;
        }
        next += 100;
        signed_alone(&founding, &reader, size, (from, until + 1)).await?;
    }
    Ok(())
}
