//! Nodes die, and come back with nothing missing.

use liuhen_client::submit::Account;
use liuhen_proto::header::certificate;
use liuhen_proto::place::{Place, TrailKind};
use liuhen_proto::wire::GetTrailRequest;
use liuhen_tests::Cluster;
use liuhen_tests::actions::{liuhen, record, record_all, register};
use liuhen_tests::consortium::NODES;
use liuhen_tests::wait::until;

/// How many records a node has of the gateway.
async fn count(cluster: &mut Cluster, node: &str, gateway: &Account) -> anyhow::Result<u64> {
    let node = gateway.on(&cluster.connect(node).await?);
    let request = GetTrailRequest {
        trail_kind: TrailKind::Gateway as u32,
        trail_id: Place::gateway_trail(&gateway.signer.identity).id().to_vec(),
        page_size: 1,
        ..GetTrailRequest::default()
    };
    Ok(node.trails().get_trail(request).await?.into_inner().size)
}

/// Waits until a node has so many records of the gateway.
async fn has(
    cluster: &mut Cluster,
    node: &str,
    gateway: &Account,
    wanted: u64,
) -> anyhow::Result<()> {
    let reached = until("all records", async || {
        count(cluster, node, gateway).await.ok().filter(|found| *found >= wanted)
    })
    .await;
    assert_eq!(reached.map_err(|e| anyhow::anyhow!("{e}: {}", cluster.log(node)))?, wanted);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_killed_and_catches_up() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    let node = cluster.connect("psb").await?;
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    record_all(&node, &gateway, 1..=5).await?;
    cluster.kill("tax")?;
    record_all(&node, &gateway, 6..=12).await?;
    cluster.launch("tax")?;
    has(&mut cluster, "tax", &gateway, 12).await?;
    // It takes part again: with another one dead, three of four are just enough.
    cluster.kill("bdb")?;
    record_all(&node, &gateway, 13..=15).await?;
    has(&mut cluster, "tax", &gateway, 15).await
}

#[tokio::test(flavor = "multi_thread")]
async fn all_are_killed_and_nothing_acknowledged_is_missing() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    let node = cluster.connect("psb").await?;
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    record_all(&node, &gateway, 1..=10).await?;
    // One is on its way while all die: it may be there or not, but whole.
    let (client, account) = (node.clone(), gateway.clone());
    let in_flight = tokio::spawn(async move {
        account.submit(&client, &[record(11)?]).await.map_err(anyhow::Error::from)
    });
    for name in NODES {
        cluster.kill(name)?;
    }
    let acknowledged = if in_flight.await?.is_ok() { 11 } else { 10 };
    for name in NODES {
        cluster.launch(name)?;
    }
    let node = cluster.connect("hrss").await?;
    let found = count(&mut cluster, "hrss", &gateway).await?;
    assert!(found >= acknowledged, "{acknowledged} acknowledged, {found} there");
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    let go_on = until("the network to go on", async || {
        gateway.submit(&node, &[record(20).ok()?]).await.ok()
    });
    go_on.await.map_err(|e| anyhow::anyhow!("{e}: {}", cluster.log("hrss")))?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_index_is_rebuilt_to_the_same_map_root() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    let node = cluster.connect("psb").await?;
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    record_all(&node, &gateway, 1..=10).await?;
    let height = node.status().await?.height;
    let before = cluster.all_at(height).await?;
    for name in NODES {
        cluster.stop(name).await?;
    }
    std::fs::remove_dir_all(cluster.consortium.home("tax").join("data/index"))?;
    for name in NODES {
        cluster.launch(name)?;
    }
    let after = cluster.all_at(height + 1).await?;
    let root = before.first().map(|it| hex::encode(&it.map_root)).unwrap_or_default();
    assert!(before.iter().all(|it| it.height != height || hex::encode(&it.map_root) == root));
    let log = cluster.log("tax");
    let opened = log.lines().rfind(|line| line.contains("the ledger is open")).unwrap_or_default();
    assert!(opened.contains(&root), "{root}: {log}");
    assert!(opened.contains(&format!("replayed={height}")), "{height}: {log}");
    let roots: Vec<_> = after.iter().filter(|it| it.height == after[0].height).collect();
    assert!(roots.iter().all(|it| it.map_root == roots[0].map_root));
    Ok(())
}

/// A dead validator is passed over: of its turns few are waited for, not each.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_dead_is_passed_over_when_it_is_its_turn() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    let node = cluster.connect("psb").await?;
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    record_all(&node, &gateway, 1..=4).await?;
    cluster.kill("tax")?;
    let first = node.status().await?.height + 1;
    record_all(&node, &gateway, 5..=84).await?;
    let status = ["status", "-o", "json"];
    let status = liuhen(&mut cluster, ("bdb", "officer"), &status).await?;
    let status: serde_json::Value = serde_json::from_str(&status)?;
    assert_eq!(status["passed_over"], serde_json::json!(["gz.tax"]), "{status}");
    cluster.stop("psb").await?;
    let blocks = cluster.blocks("psb")?;
    let rounds = blocks.iter().filter_map(|it| certificate::decode(&it.certificate).ok());
    let since: Vec<_> = rounds.filter(|it| it.height >= first).map(|it| it.round).collect();
    assert!(since.len() >= 80, "{since:?}");
    // At each fourth height it would be some twenty.
    let late = since.iter().filter(|round| **round > 0).count();
    assert!(late < 10, "{since:?}");
    Ok(())
}
