//! Nodes that lie, and nodes that are cut off: each is left for the next, named and counted, and what was served is on the ledger once.

use super::{asks_by_api, ends_by_api, granted, on_the_ledger, spool_is_empty};
use anyhow::Context as _;
use liuhen_tests::Cluster;
use liuhen_tests::actions::{grant, liuhen};
use liuhen_tests::doors::{Gate, get};
use liuhen_tests::liar::liar;
use liuhen_tests::links::Link;
use liuhen_tests::wait::until;

async fn left(gate: &Gate) -> anyhow::Result<f64> {
    let metrics = get(gate.watch, "/metrics", &[]).await?.body;
    let line = metrics.lines().find_map(|it| it.strip_prefix("liuhen_gate_nodes_left_total "));
    Ok(line.context("no such metric")?.parse()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_lies_is_left() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb", "hrss"]).await?;
    let honest = cluster.address("psb").await?;
    let port = honest.rsplit(':').next().and_then(|it| it.parse().ok()).context("a port")?;
    let lies = format!("http://127.0.0.1:{}", liar(port).await?);
    gate.change(&honest, &lies)?;
    gate.start().await?;
    for number in 1..=3 {
        let request = format!("r-{number}");
        let said = asks_by_api(&gate, &request).await?;
        assert_eq!(said["serve"], true, "{said} {}", gate.log());
        ends_by_api(&gate, &request).await?;
    }
    spool_is_empty(&gate).await?;
    let log = gate.log();
    let named = log.lines().find(|it| it.contains("left for the next") && it.contains(&lies));
    assert!(named.is_some(), "{log}");
    assert!(left(&gate).await? >= 1.0);
    assert_eq!(on_the_ledger(&mut cluster).await?.len(), 3);
    Ok(())
}

/// A node that takes connections and says nothing is not waited for alone: the next is asked beside it.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_silent_is_left() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb", "hrss"]).await?;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", silent.local_addr()?);
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((stream, _)) = silent.accept().await {
            kept.push(stream);
        }
    });
    gate.change(&cluster.address("psb").await?, &address)?;
    gate.start().await?;
    let said = asks_by_api(&gate, "r-1").await?;
    assert_eq!(said["serve"], true, "{said} {}", gate.log());
    ends_by_api(&gate, "r-1").await?;
    spool_is_empty(&gate).await?;
    let log = gate.log();
    let left = log.lines().find(|it| it.contains(&address));
    assert!(left.is_some_and(|it| it.contains("it did not answer, and another did")), "{log}");
    Ok(())
}

/// Its node is cut off from the others: it neither goes on nor takes anything; the next one does.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_cut_off_is_left() -> anyhow::Result<()> {
    let (mut cluster, links) = Cluster::start_linked().await?;
    grant(&mut cluster).await?;
    let set = ["gateway", "set", "gz.psb/gateway", "--datasets", "civil.resident"];
    liuhen(&mut cluster, ("psb", "officer"), &set).await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb", "hrss"]).await?;
    gate.start().await?;
    let mut numbers = Vec::new();
    for round in 0..3 {
        links.set_all_of("psb", if round == 1 { Link::Silent } else { Link::Up })?;
        for number in 0..20 {
            let request = format!("r-{round}-{number}");
            let said = until("an answer", async || {
                asks_by_api(&gate, &request).await.ok().filter(|it| it["serve"] == true)
            });
            let said = said.await.map_err(|e| e.context(gate.log()))?;
            numbers.push(said["access_no"].as_u64().context("a number")?);
            ends_by_api(&gate, &request).await?;
        }
        spool_is_empty(&gate).await?;
    }
    let on_ledger: Vec<u64> =
        on_the_ledger(&mut cluster).await?.iter().map(|it| it.access_no).collect();
    let missing = numbers.iter().filter(|it| !on_ledger.contains(it)).count();
    let all: Vec<u64> = (1..=on_ledger.last().copied().unwrap_or_default()).collect();
    assert_eq!((missing, on_ledger), (0, all), "each once, without gap");
    Ok(())
}
