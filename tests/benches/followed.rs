//! How fast a gate follows a pgAudit log: lines a second from the first to the last number, each statement on disk in the spool, every line one
//! of an access; and how much memory it takes. Beside four nodes on the same machine, which record them meanwhile.
//!
//! `cargo build --release --bins && cargo bench -p liuhen-tests --bench followed`

use liuhen_tests::Cluster;
use liuhen_tests::actions::{grant, liuhen};
use liuhen_tests::doors::{Gate, get};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::time::{Duration, Instant};

const LINES: usize = 200_000;
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    grant(&mut cluster).await?;
    let set = ["gateway", "set", "gz.psb/gateway", "--datasets", "civil.resident"];
    liuhen(&mut cluster, ("psb", "officer"), &set).await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    let log = gate.follow()?;
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(8)));
    let now = now.strftime("%F %T.%3f CST").to_string();
    let mut log = BufWriter::new(File::create(log)?);
    for number in 0..LINES {
        let (session, of_session) = (number % 50, number / 50 + 1);
        writeln!(
            log,
            r#"{{"timestamp":"{now}","user":"app","dbname":"population","session_id":"6d{session:06x}.1","line_num":{of_session},"error_severity":"LOG","message":"AUDIT: SESSION,{of_session},1,READ,SELECT,TABLE,civil.resident,select name from civil.resident where id = {number},<none>,1"}}"#
        )?;
    }
    log.flush()?;
    gate.start().await?;
    let (began, mut first) = (Instant::now(), None);
    for (what, name, is_there) in [
        ("numbered", "liuhen_gate_last_access_no ", (|it| it >= LINES as f64) as fn(f64) -> bool),
        ("on the ledger", "liuhen_gate_spool_depth ", |it| it == 0.0),
    ] {
        while !metric(&gate, name).await.is_some_and(is_there) {
            if metric(&gate, "liuhen_gate_last_access_no ").await.is_some_and(|it| it > 0.0) {
                first.get_or_insert_with(Instant::now);
            }
            anyhow::ensure!(began.elapsed() < Duration::from_secs(900), "{}", gate.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let seconds = first.unwrap_or(began).elapsed().as_secs_f64();
        println!(
            "{what}: {LINES} in {seconds:.1} s, {:.0} a second; the gate holds {}",
            LINES as f64 / seconds,
            gate.memory()
        );
    }
    println!("load average: {}", std::fs::read_to_string("/proc/loadavg")?.trim());
    Ok(())
}

async fn metric(gate: &Gate, name: &str) -> Option<f64> {
    let metrics = get(gate.watch, "/metrics", &[]).await.ok()?.body;
    metrics.lines().find_map(|it| it.strip_prefix(name))?.parse().ok()
}
