//! Clients of HTTP/2 made by hand: some ask and never take the answer, some begin a call and never end it. What they
//! make a node hold is bounded in bytes and in time, and others are served meanwhile.

use anyhow::Context as _;
use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use liuhen_client::connect::Node;
use liuhen_client::submit::{Account, item};
use liuhen_proto::items::Item;
use liuhen_proto::place::TrailKind;
use liuhen_proto::types::TimeMs;
use liuhen_proto::wire::{GetTrailRequest, SubmitRequest, item::Kind};
use liuhen_rpc::token::{self, Audience};
use liuhen_tests::Cluster;
use liuhen_tests::actions::{record, register};
use liuhen_tests::bystander::Bystander;
use liuhen_tests::wait::{DEADLINE, until};
use prost::Message;
use std::net::SocketAddr;
use std::time::Instant;
use tokio::task::JoinHandle;
use tonic::Code;
use tonic::codegen::http;

const MIB: u64 = 1 << 20;
const GET_TRAIL: &str = "liuhen.v1.TrailService/GetTrail";
const SUBMIT: &str = "liuhen.v1.SubmissionService/Submit";
/// A window by which whole answers come.
const WIDE: u32 = 16 << 20;

/// A connection of HTTP/2 that does only what it is told, but answers pings.
struct Raw {
    send: SendRequest<Bytes>,
    /// Over when the node closed it.
    ended: JoinHandle<Result<(), h2::Error>>,
    node: SocketAddr,
    token: String,
}

impl Raw {
    /// Connects from an address of this machine; of each answer no more is taken than the window lets through.
    async fn connect(
        node: SocketAddr,
        from: [u8; 4],
        window: u32,
        token: &str,
    ) -> anyhow::Result<Self> {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        let stream = socket.connect(node).await?;
        let settings = h2::client::Builder::new()
            .initial_window_size(window)
            .initial_connection_window_size(WIDE)
            .handshake(stream);
        let (send, connection) = settings.await?;
        let ended = tokio::spawn(connection);
        Ok(Self { send, ended, node, token: token.to_owned() })
    }

    /// Begins a call: its headers alone are sent.
    async fn begin(&mut self, path: &str) -> anyhow::Result<(ResponseFuture, SendStream<Bytes>)> {
        let request = http::Request::post(format!("http://{}/{path}", self.node))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("authorization", format!("Bearer {}", self.token))
            .body(())?;
        let mut ready = self.send.clone().ready().await?;
        Ok(ready.send_request(request, false)?)
    }

    /// Makes a whole call; its answer is to be waited for.
    async fn call(&mut self, path: &str, message: &impl Message) -> anyhow::Result<ResponseFuture> {
        let (answer, mut body) = self.begin(path).await?;
        body.send_data(framed(&message.encode_to_vec())?, true)?;
        Ok(answer)
    }
}

/// A message as gRPC sends it: not compressed, its length, its bytes.
fn framed(message: &[u8]) -> anyhow::Result<Bytes> {
    let length = u32::try_from(message.len())?.to_be_bytes();
    Ok([&[0], length.as_slice(), message].concat().into())
}

/// The status in headers or trailers, where there is one.
fn status(headers: &http::HeaderMap) -> Option<Code> {
    headers.get("grpc-status").map(|it| Code::from_bytes(it.as_bytes()))
}

/// What comes, which must not take for ever.
async fn in_time<T>(it: impl Future<Output = T>) -> anyhow::Result<T> {
    tokio::time::timeout(DEADLINE, it).await.context("waited in vain for an answer")
}

/// Takes an answer whole; gives its bytes, and how the call ended.
async fn taken(answer: ResponseFuture) -> anyhow::Result<(usize, Code)> {
    in_time(whole(answer)).await?
}

async fn whole(answer: ResponseFuture) -> anyhow::Result<(usize, Code)> {
    let (head, mut body) = answer.await?.into_parts();
    if let Some(code) = status(&head.headers) {
        return Ok((0, code));
    }
    let mut bytes = 0;
    while let Some(piece) = body.data().await {
        let piece = piece?.len();
        bytes += piece;
        body.flow_control().release_capacity(piece)?;
    }
    let trailers = body.trailers().await?.context("no trailers")?;
    Ok((bytes, status(&trailers).context("no status")?))
}

/// A node with a trail whose page is 2 MB, and what is needed to ask for it by hand.
struct Asked {
    cluster: Cluster,
    node: Node,
    address: SocketAddr,
    token: String,
}

/// A record that lists many subjects.
fn long_record(number: u64) -> anyhow::Result<Item> {
    let Kind::RecordAccess(mut it) = record(number)?.kind().clone() else {
        anyhow::bail!("no record")
    };
    let tag = |one: u64| [vec![0; 24], (number * 1000 + one).to_be_bytes().to_vec()].concat();
    it.subjects.get_or_insert_default().tags = (0..250).map(tag).collect();
    Ok(item(Kind::RecordAccess(it))?)
}

impl Asked {
    async fn start() -> anyhow::Result<Self> {
        let mut cluster = Cluster::start().await?;
        register(&mut cluster).await?;
        let node = cluster.connect("psb").await?;
        let gateway = cluster.account(&node, "psb", "gateway").await?;
        for first in (1..=240).step_by(24) {
            let items: Vec<Item> =
                (first..first + 24).map(long_record).collect::<Result<_, _>>()?;
            gateway.submit(&node, &items).await?;
        }
        let address = node.address().trim_start_matches("http://").to_owned();
        let officer = cluster.account(&node, "psb", "officer").await?;
        let audience = Audience { chain: node.chain().await?, server: address.clone() };
        let now = TimeMs::new(node.status().await?.now_ms);
        let token = token::make(&officer.signer.key, &audience, None, now)?;
        Ok(Self { cluster, node, address: address.parse()?, token })
    }

    /// A connection from an address of its own, by which it is counted.
    async fn raw(&self, last: u8, window: u32) -> anyhow::Result<Raw> {
        Raw::connect(self.address, [127, 0, 0, last], window, &self.token).await
    }

    /// A member's client at work, by a connection of its own.
    async fn bystander(&mut self) -> anyhow::Result<Bystander> {
        let apart = self.cluster.connect("psb").await?;
        let other: Account = self.cluster.account(&self.node, "bdb", "officer").await?;
        Ok(Bystander::start(other.on(&apart)))
    }
}

fn whole_trail() -> GetTrailRequest {
    GetTrailRequest {
        trail_kind: TrailKind::Dataset as u32,
        trail_id: b"civil.resident".to_vec(),
        page_size: 1000,
        ..GetTrailRequest::default()
    }
}

/// Calls at once: fewer than may wait for the chain, so that none is refused for that.
const WAVE: usize = 32;
const WAVES: usize = 6;

/// Takes what the window lets through of an answer, and asks for no more; gives how the call ended, `None` if with its
/// connection.
async fn not_taken(mut body: RecvStream) -> Option<Code> {
    while let Some(piece) = body.data().await {
        piece.ok()?;
    }
    status(&body.trailers().await.ok()??)
}

/// Asks again and again, and takes no more of any answer than the window lets through. Gives how the calls end, and
/// the most memory that the node had.
async fn ask_in_vain(
    asked: &Asked,
    raw: &mut Raw,
) -> anyhow::Result<(Vec<JoinHandle<Option<Code>>>, u64)> {
    let (mut ends, mut most) = (Vec::new(), 0);
    for _ in 0..WAVES {
        let mut wave = Vec::new();
        for _ in 0..WAVE {
            // On a slow machine the connection may be closed already: then no more is asked.
            wave.extend(raw.call(GET_TRAIL, &whole_trail()).await.ok());
        }
        for answer in wave {
            let answer = in_time(answer).await?;
            ends.extend(answer.ok().map(|it| tokio::spawn(not_taken(it.into_body()))));
        }
        most = most.max(asked.cluster.memory("psb")?);
    }
    Ok((ends, most))
}

/// Answers of 2 MB each that are asked for one after the other and never taken: a byte of each, or not one. The node
/// holds no more of them than one client may have, and lets the client go.
#[tokio::test(flavor = "multi_thread")]
async fn answers_that_nobody_reads() -> anyhow::Result<()> {
    let mut asked = Asked::start().await?;
    let (bytes, code) =
        taken(asked.raw(2, WIDE).await?.call(GET_TRAIL, &whole_trail()).await?).await?;
    assert!(code == Code::Ok && bytes as u64 > 2 * 1_000_000, "{bytes} bytes, {code:?}");
    let bystander = asked.bystander().await?;
    for window in [1, 0] {
        let mut raw = asked.raw(2, window).await?;
        let before = asked.cluster.memory("psb")?;
        let (calls, most) = ask_in_vain(&asked, &mut raw).await?;
        let (grown, begun) = (most.saturating_sub(before), Instant::now());
        // With an error or without: by the node, for this end holds on to it.
        let _closed = in_time(&mut raw.ended).await.context("the node keeps who takes nothing")?;
        let (mut held, mut refused) = (0, 0);
        for call in calls {
            match in_time(call).await?? {
                None => held += 1,
                Some(code) => {
                    assert_eq!(code, Code::ResourceExhausted);
                    refused += 1;
                }
            }
        }
        eprintln!(
            "window {window}: {held} answers of {bytes} bytes not taken, {refused} refused, {} MiB more; let go {:?} later",
            grown / MIB,
            begun.elapsed()
        );
        assert!(held > 0 && refused > 0, "{held} answers are held for one who takes none");
        assert!(grown < 150 * MIB, "{} MiB for {held} answers", grown / MIB);
        // What it did not take is let go with it: from the same address one is answered again.
        let mut again = asked.raw(2, WIDE).await?;
        until("its share to be given back", async || {
            let answer = again.call(GET_TRAIL, &whole_trail()).await.ok()?;
            taken(answer).await.ok().filter(|it| *it == (bytes, Code::Ok))
        })
        .await?;
    }
    eprintln!("meanwhile {}", bystander.finish().await?);
    Ok(())
}

/// A request of which all but the last byte is sent.
const BEGUN: usize = 900 << 10;

/// Calls of one connection that are begun and never ended, some with a large part of what they would send: beyond a
/// client's share they are refused, and the rest once their time is over. Then there is room again.
#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_never_ended() -> anyhow::Result<()> {
    let mut asked = Asked::start().await?;
    let bystander = asked.bystander().await?;
    let before = asked.cluster.memory("psb")?;
    let mut raw = asked.raw(2, WIDE).await?;
    let (mut bare, mut begun) = (Vec::new(), Vec::new());
    for _ in 0..100 {
        bare.push(raw.begin(GET_TRAIL).await?);
    }
    let part = framed(&vec![0; BEGUN])?.slice(..BEGUN);
    for _ in 0..32 {
        let (answer, mut body) = raw.begin(SUBMIT).await?;
        body.send_data(part.clone(), false)?;
        begun.push((answer, body));
    }
    let mut ends = std::collections::BTreeMap::new();
    let mut most = 0;
    // The last are refused at once, while the node holds what came of the first.
    for (answer, _body) in begun.into_iter().rev() {
        *ends.entry(format!("{:?}", taken(answer).await?.1)).or_insert(0) += 1;
        most = most.max(asked.cluster.memory("psb")?);
    }
    let grown = most.saturating_sub(before);
    eprintln!("32 requests of {BEGUN} bytes not ended: {ends:?}, {} MiB more", grown / MIB);
    assert_eq!(ends.keys().collect::<Vec<_>>(), ["DeadlineExceeded", "ResourceExhausted"]);
    assert!(grown < 150 * MIB, "{} MiB more", grown / MIB);
    for (answer, _body) in bare {
        assert_eq!(taken(answer).await?, (0, Code::DeadlineExceeded));
    }
    // By the same connection: as much as was refused before is heard to its end, and judged by what it says.
    for _ in 0..20 {
        let transaction = SubmitRequest { transaction: vec![0; BEGUN] };
        let (_, code) = taken(raw.call(SUBMIT, &transaction).await?).await?;
        assert_eq!(code, Code::InvalidArgument);
    }
    eprintln!("meanwhile {}", bystander.finish().await?);
    Ok(())
}
