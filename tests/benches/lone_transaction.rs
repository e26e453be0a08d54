//! Time from send to committed of one lone transaction on an idle network of four nodes: of all four, and with one dead.
//!
//! `cargo build --release --bins && cargo bench -p liuhen-tests --bench lone_transaction`

use liuhen_client::submit::recent;
use liuhen_proto::wire::SubmitRequest;
use liuhen_tests::Cluster;
use liuhen_tests::actions::{record, register};
use std::time::{Duration, Instant};

const COUNT: u64 = 100;
/// Long enough for the network to fall idle again.
const BETWEEN: Duration = Duration::from_millis(250);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    let node = cluster.connect("psb").await?;
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    let mut number = 0;
    for (what, dead) in [("of four", None), ("with one of four dead", Some("tax"))] {
        if let Some(dead) = dead {
            cluster.kill(dead)?;
        }
        let mut times = Vec::new();
        for _ in 0..COUNT {
            tokio::time::sleep(BETWEEN).await;
            number += 1;
            let seq = gateway.next_seq(&node).await?;
            let tx = gateway.sign(seq, recent(&node).await?, &[record(number)?])?;
            let request = SubmitRequest { transaction: tx.raw().to_vec() };
            let mut submission = node.submission();
            let sent = Instant::now();
            submission.submit(request).await?;
            times.push(sent.elapsed());
        }
        times.sort();
        let at =
            |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
        let mean = times.iter().sum::<Duration>() / u32::try_from(times.len().max(1))?;
        println!(
            "{COUNT} lone transactions {what}: mean {mean:?}, p50 {:?}, p90 {:?}, p99 {:?}",
            at(50),
            at(90),
            at(99)
        );
    }
    println!("load average: {}", std::fs::read_to_string("/proc/loadavg")?.trim());
    Ok(())
}
