//! Records a second that a network of four nodes takes in under load: of all four, and with one dead, by turns.
//!
//! `cargo build --release --bins && cargo bench -p liuhen-tests --bench dead_validator`

use futures::future::try_join_all;
use liuhen_client::submit::recent;
use liuhen_proto::wire::SubmitRequest;
use liuhen_tests::Cluster;
use liuhen_tests::actions::{record, register};
use std::time::{Duration, Instant};

/// Transactions that wait at once, and records of each.
const WAITING: u64 = 64;
const RECORDS: u64 = 50;
const MEASURED: Duration = Duration::from_secs(15);
const ROUNDS: usize = 3;
/// Long enough for the one that died to be passed over.
const BEFORE: Duration = Duration::from_secs(10);

/// Records a second, and the longest that a batch took.
async fn rate(
    cluster: &mut Cluster,
    number: &mut u64,
    during: Duration,
) -> anyhow::Result<(f64, Duration)> {
    let node = cluster.connect("psb").await?;
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    let (began, mut taken, mut longest) = (Instant::now(), 0_u32, Duration::ZERO);
    while began.elapsed() < during {
        let (seq, recent) = (gateway.next_seq(&node).await?, recent(&node).await?);
        let mut batch = Vec::new();
        for at in 0..WAITING {
            let items: anyhow::Result<Vec<_>> = (0..RECORDS).map(|n| record(*number + n)).collect();
            *number += RECORDS;
            // A key numbers its events, not its transactions.
            batch.push(gateway.sign(seq + at * RECORDS, recent, &items?)?);
        }
        let sent = Instant::now();
        try_join_all(batch.iter().map(|tx| {
            let request = SubmitRequest { transaction: tx.raw().to_vec() };
            let mut submission = node.submission();
            async move { submission.submit(request).await }
        }))
        .await?;
        longest = longest.max(sent.elapsed());
        taken += u32::try_from(WAITING * RECORDS)?;
    }
    Ok((f64::from(taken) / began.elapsed().as_secs_f64(), longest))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    let mut number = 1;
    for _ in 0..ROUNDS {
        let (all, longest) = rate(&mut cluster, &mut number, MEASURED).await?;
        println!("of four: {all:.0} records/s, the longest batch {longest:?}");
        cluster.kill("tax")?;
        rate(&mut cluster, &mut number, BEFORE).await?;
        let (three, longest) = rate(&mut cluster, &mut number, MEASURED).await?;
        println!(
            "with one of four dead: {three:.0} records/s ({:.0} %), the longest batch {longest:?}",
            100.0 * three / all
        );
        cluster.launch("tax")?;
        let height = cluster.connect("psb").await?.status().await?.height;
        cluster.all_at(height).await?;
    }
    println!("load average: {}", std::fs::read_to_string("/proc/loadavg")?.trim());
    Ok(())
}
