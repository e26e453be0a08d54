//! How fast a gate follows a pgAudit log: lines a second from the first to the last that is read, each access numbered on disk in the spool, and until the ledger
//! has them all; and how much memory it takes. Once every line is an access, once each tenth: the others are of a database that the mapping does not name.
//! Beside one node: the other three run on this machine too, with what is left of its processors (nice 19).
//!
//! `cargo build --release --workspace --bins && cargo bench --workspace --bench followed`

use liuhen_tests::Cluster;
use liuhen_tests::actions::{grant, liuhen};
use liuhen_tests::doors::{Gate, get};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::time::{Duration, Instant};

const LINES: usize = 200_000;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    for every in [1, 10] {
        one_log(every).await?;
    }
    println!("load average: {}", std::fs::read_to_string("/proc/loadavg")?.trim());
    Ok(())
}

/// A log of which one line in so many is an access.
async fn one_log(every: usize) -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    grant(&mut cluster).await?;
    let set = ["gateway", "set", "gz.psb/gateway", "--datasets", "civil.resident"];
    liuhen(&mut cluster, ("psb", "officer"), &set).await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    let log = gate.follow()?;
    let lines = LINES * every.min(5);
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(8)));
    let now = now.strftime("%F %T.%3f CST").to_string();
    let mut log = BufWriter::new(File::create(log)?);
    for number in 0..lines {
        let (session, of_session) = (number % 50, number / 50 + 1);
        let database = if number % every == 0 { "population" } else { "vehicles" };
        writeln!(
            log,
            r#"{{"timestamp":"{now}","user":"app","dbname":"{database}","session_id":"6d{session:06x}.1","line_num":{of_session},"error_severity":"LOG","message":"AUDIT: SESSION,{of_session},1,READ,SELECT,TABLE,civil.resident,select name from civil.resident where id = {number},<none>,1"}}"#
        )?;
    }
    log.flush()?;
    cluster.others_with_what_is_left("psb")?;
    gate.start().await?;
    let (accesses, mut began) = (lines.div_ceil(every), None);
    for (what, name, wanted) in [
        ("read", "liuhen_gate_source_lines_total{source=\"population\",what=\"read\"} ", lines),
        ("numbered", "liuhen_gate_last_access_no ", accesses),
        ("on the ledger", "liuhen_gate_spool_depth ", 0),
    ] {
        let deadline = Instant::now() + Duration::from_secs(900);
        loop {
            let value = metric(&gate, name).await.unwrap_or(0.0);
            if metric(&gate, "liuhen_gate_last_access_no ").await.is_some_and(|it| it > 0.0) {
                began.get_or_insert_with(Instant::now);
            }
            let is_there = if wanted == 0 { value == 0.0 } else { value >= wanted as f64 };
            if began.is_some() && is_there {
                break;
            }
            anyhow::ensure!(Instant::now() < deadline, "{}", gate.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let seconds = began.map_or(0.0, |it| it.elapsed().as_secs_f64());
        println!(
            "one in {every}: {lines} lines, {accesses} accesses, {what} after {seconds:.1} s: {:.0} lines a second, {:.0} accesses; the gate holds {}",
            lines as f64 / seconds,
            accesses as f64 / seconds,
            gate.memory()
        );
    }
    Ok(())
}

async fn metric(gate: &Gate, name: &str) -> Option<f64> {
    let metrics = get(gate.watch, "/metrics", &[]).await.ok()?.body;
    metrics.lines().find_map(|it| it.strip_prefix(name))?.parse().ok()
}
