//! A node with next to nothing joins by a snapshot of another, and is then as any other.

use crate::recovery::{all, goes_on, one, settled};
use liuhen_tests::Cluster;
use liuhen_tests::actions::{enact, grant, liuhen, record_all, told};
use liuhen_tests::cluster::path_text;
use liuhen_tests::wait::until;

const OTHERS: [&str; 3] = ["psb", "hrss", "bdb"];

/// Taxation's node lost its data while the validators changed. It joins by a snapshot, is needed for the next blocks, proposes,
/// and proves what happened long before it was there.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_home_joins_votes_and_proves_old_trails() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    grant(&mut cluster).await?;
    let node = cluster.connect("psb").await?;
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    record_all(&node, &gateway, 1..=5).await?;
    set_power(&mut cluster, "psb", 2).await?;
    set_power(&mut cluster, "psb", 1).await?;
    record_all(&node, &gateway, 6..=30).await?;
    let height = settled(&mut cluster).await?;
    cluster.stop("tax").await?;
    let home = cluster.consortium.home("tax");
    std::fs::remove_dir_all(home.join("data"))?;
    cluster.consortium.set("tax", "snapshot_ahead", i64::try_from(height / 2)?)?;
    goes_on(&mut cluster, 31).await?;
    cluster.launch("tax")?;
    one(&mut cluster, "tax", "the snapshot", |it| it.height >= height && it.voting).await?;
    let log = cluster.log("tax");
    assert!(log.contains("this node joined by a snapshot"), "{log}");

    // Without it there is no quorum any more, and its turns come.
    cluster.kill("bdb")?;
    for number in 32..=40 {
        goes_on(&mut cluster, number).await?;
    }
    one(&mut cluster, "tax", "the blocks before", |it| it.older_missing.is_none()).await?;
    let proof = cluster.file("grant.trace");
    let prove = ["prove", "trail", "grant", "hr-1", "--out", path_text(&proof)?];
    let output = cluster.liuhen("tax", ("psb", "officer"), &prove).await?;
    assert!(output.status.success(), "{}", told(&output));
    let genesis = cluster.consortium.genesis();
    let verify = [path_text(&proof)?, "--genesis", path_text(&genesis)?];
    let output = cluster.run("liuhen-verify", &verify)?;
    assert!(output.status.success(), "{}", told(&output));

    cluster.launch("bdb")?;
    set_power(&mut cluster, "tax", 2).await?;
    goes_on(&mut cluster, 41).await?;
    let height = settled(&mut cluster).await?;
    all(&mut cluster, "all to vote", |it| it.voting && it.height >= height).await?;
    cluster.stop("tax").await?;
    let own = cluster.blocks("tax")?;
    let proposer = hex::encode(key_id(&cluster.consortium.public_key_of_node("tax")?)?);
    let proposed = own.iter().filter_map(|it| it.block.header().ok());
    let since = proposed.filter(|it| it.height.get() > 31 && it.proposer.to_string() == proposer);
    assert!(since.count() > 0, "taxation proposed nothing since");
    let output = cluster.run("liuhen-node", &["verify-store", "--home", path_text(&home)?])?;
    assert!(output.status.success(), "{}", told(&output));
    Ok(())
}

/// By a vote.
async fn set_power(cluster: &mut Cluster, node: &str, power: u64) -> anyhow::Result<()> {
    let key = cluster.consortium.public_key_of_node(node)?;
    let cosigner = cluster.consortium.cosigner_key_of_node(node)?;
    let (reference, power) = (format!("{node}-{power}"), power.to_string());
    let change = ["validator", &key, "--cosigner-key", &cosigner, "--power", &power];
    enact(cluster, &reference, &change).await
}

fn key_id(public_key: &str) -> anyhow::Result<[u8; 32]> {
    let key = liuhen_proto::suite::sign::PublicKey::from_slice(&hex::decode(public_key)?)?;
    Ok(*key.key_id().as_bytes())
}

/// It is killed again and again while it joins and fetches what was before: each time it goes on.
#[tokio::test(flavor = "multi_thread")]
async fn killed_while_it_joins() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    grant(&mut cluster).await?;
    let node = cluster.connect("psb").await?;
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    record_all(&node, &gateway, 1..=30).await?;
    let height = settled(&mut cluster).await?;
    cluster.consortium.set("tax", "snapshot_ahead", 10)?;
    for (number, line) in (100..).zip([
        "a snapshot is being fetched",
        "this node joined by a snapshot",
        "all blocks before the snapshot are here",
    ]) {
        cluster.stop("tax").await?;
        std::fs::remove_dir_all(cluster.consortium.home("tax").join("data"))?;
        cluster.launch("tax")?;
        until(line, async || cluster.log("tax").contains(line).then_some(())).await?;
        cluster.kill("tax")?;
        cluster.launch("tax")?;
        one(&mut cluster, "tax", "to be whole", |it| {
            it.height >= height && it.voting && it.older_missing.is_none()
        })
        .await?;
        goes_on(&mut cluster, number).await?;
    }
    let status = liuhen(&mut cluster, ("bdb", "officer"), &["status"]).await?;
    assert!(status.contains("older_blocks_missing"), "{status}");
    Ok(())
}

/// Until the blocks before the snapshot are here, it is said of what is older that it is not there yet.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_older_is_not_there_yet() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    grant(&mut cluster).await?;
    let node = cluster.connect("psb").await?;
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    record_all(&node, &gateway, 1..=30).await?;
    settled(&mut cluster).await?;
    cluster.consortium.set("tax", "snapshot_ahead", 10)?;
    // Killed as soon as it is where the snapshot is; nobody is left of whom it could have the rest.
    let mut missing = 0;
    for _ in 0..5 {
        missing = join_alone(&mut cluster).await?;
        if missing > 0 {
            break;
        }
    }
    assert!(missing > 0, "it had all before it was killed, each time");
    let proof = cluster.file("grant.trace");
    let prove = ["prove", "trail", "grant", "hr-1", "--out", path_text(&proof)?];
    let output = cluster.liuhen("tax", ("psb", "officer"), &prove).await?;
    assert_eq!(output.status.code(), Some(7), "{}", told(&output));
    assert!(told(&output).contains("history.not_yet"), "{}", told(&output));
    // What stands is told, and proved, all the same.
    let state = ["prove", "state", "grant", "hr-1", "--out", path_text(&proof)?];
    let output = cluster.liuhen("tax", ("psb", "officer"), &state).await?;
    assert!(output.status.success(), "{}", told(&output));
    for node in OTHERS {
        cluster.launch(node)?;
    }
    one(&mut cluster, "tax", "the blocks before", |it| it.older_missing.is_none()).await?;
    let output = cluster.liuhen("tax", ("psb", "officer"), &prove).await?;
    assert!(output.status.success(), "{}", told(&output));
    Ok(())
}

/// Taxation's node loses its data, joins, and is alone. How many older blocks it lacks.
async fn join_alone(cluster: &mut Cluster) -> anyhow::Result<u64> {
    cluster.kill("tax")?;
    for node in OTHERS {
        cluster.kill(node)?;
        cluster.launch(node)?;
    }
    for node in OTHERS {
        one(cluster, node, "the others", |it| it.voting && it.withheld.is_none()).await?;
    }
    let data = cluster.consortium.home("tax").join("data");
    if data.exists() {
        std::fs::remove_dir_all(data)?;
    }
    cluster.launch("tax")?;
    let joined = "this node joined by a snapshot";
    let before = cluster.whole_log("tax").matches(joined).count();
    until(joined, async || {
        (cluster.whole_log("tax").matches(joined).count() > before).then_some(())
    })
    .await?;
    cluster.kill("tax")?;
    for node in OTHERS {
        cluster.kill(node)?;
    }
    cluster.launch("tax")?;
    let alone = cluster.connect("tax").await?;
    Ok(alone.status().await?.older_missing.unwrap_or_default())
}
