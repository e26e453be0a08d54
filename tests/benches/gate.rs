//! What a gate decides: at 1,000 requests a second, which come as by chance, the time of each, and how many a second where all connections ask at once; each decision is on disk before
//! its answer. Beside one node: the other three run on this machine too, with what this one, the gate and its clients leave of the processors (nice 19); and with
//! all of them stopped, which is what the gate itself takes.
//!
//! `cargo build --release --bins && cargo bench -p liuhen-tests --bench gate`

use anyhow::Context as _;
use liuhen_tests::Cluster;
use liuhen_tests::actions::{grant, liuhen};
use liuhen_tests::consortium::NODES;
use liuhen_tests::doors::{Gate, PORTAL_KEY, SECRET};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const CONNECTIONS: u64 = 64;
const MEASURED: Duration = Duration::from_secs(10);
const STEADY: u64 = 1_000;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    grant(&mut cluster).await?;
    let set = ["gateway", "set", "gz.psb/gateway", "--datasets", "civil.resident"];
    liuhen(&mut cluster, ("psb", "officer"), &set).await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    gate.start().await?;
    cluster.others_with_what_is_left("psb")?;
    let steady = Some(Duration::from_secs(CONNECTIONS) / u32::try_from(STEADY)?);
    for (what, every, goes_on) in [
        ("1,000 a second", steady, true),
        ("all at once", None, true),
        ("1,000 a second, all nodes stopped", steady, false),
        ("all at once, all nodes stopped", None, false),
    ] {
        if !goes_on {
            // By the state that it has it decides for a while.
            NODES.iter().try_for_each(|it| cluster.signal(it, "-STOP"))?;
        }
        let began = Instant::now();
        let mut asking = JoinSet::new();
        for number in 0..CONNECTIONS {
            asking.spawn(ask(gate.api, format!("{what} {number}"), every, number));
        }
        let mut times = Vec::new();
        while let Some(of_one) = asking.join_next().await {
            times.extend(of_one??);
        }
        let a_second = times.len() as f64 / began.elapsed().as_secs_f64();
        times.sort();
        let at =
            |of_1000: usize| times.get(times.len() * of_1000 / 1000).copied().unwrap_or_default();
        println!(
            "{what}: {a_second:.0} decisions/s, p50 {:?}, p99 {:?}, p99.9 {:?}",
            at(500),
            at(990),
            at(999)
        );
    }
    NODES.iter().try_for_each(|it| cluster.signal(it, "-CONT"))?;
    println!("load average: {}", std::fs::read_to_string("/proc/loadavg")?.trim());
    Ok(())
}

/// One connection: decides, and says that it is over; the times of the decisions.
async fn ask(
    port: u16,
    name: String,
    every: Option<Duration>,
    number: u64,
) -> anyhow::Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let (began, mut times) = (Instant::now(), Vec::new());
    let (mut due, mut chance) = (began, number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    while began.elapsed() < MEASURED {
        if let Some(every) = every {
            // Requests come independently of each other: the time between two is exponentially distributed.
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            let part = (chance >> 11) as f64 / (1_u64 << 53) as f64;
            due += every.mul_f64(-(1.0 - part).ln());
            tokio::time::sleep_until(due.into()).await;
        }
        let request = format!("{name} {}", times.len());
        let body = format!(
            r#"{{"request":"{request}","method":"GET","uri":"/residents/7","headers":{{"X-Api-Key":"{PORTAL_KEY}"}}}}"#
        );
        // From when it was due: what waits behind another waits.
        let sent = if every.is_some() { due } else { Instant::now() };
        let answer = post(&mut stream, "/v1/decide", &body).await?;
        times.push(sent.elapsed());
        anyhow::ensure!(answer.contains("\"serve\":true"), "{answer}");
        let over = format!(r#"{{"request":"{request}","rows":1}}"#);
        post(&mut stream, "/v1/complete", &over).await?;
    }
    Ok(times)
}

async fn post(stream: &mut TcpStream, path: &str, body: &str) -> anyhow::Result<String> {
    let asked = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(asked.as_bytes()).await?;
    let mut answer = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).await?;
        anyhow::ensure!(count > 0, "the gate closed the connection");
        answer.extend(piece.get(..count).unwrap_or_default());
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|it| {
            it.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned)
        });
        let length: usize = length.context("a length")?.parse()?;
        if body.len() >= length {
            return Ok(body.to_owned());
        }
    }
}
