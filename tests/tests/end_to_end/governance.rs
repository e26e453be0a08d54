//! The consortium changes while its network runs: validators come and go, and a program that does not
//! know the next protocol stops, and says so.

use liuhen_client::clock::now;
use liuhen_tests::Cluster;
use liuhen_tests::actions::{enact, liuhen, record, register, told};
use liuhen_tests::cluster::path_text;
use liuhen_tests::consortium::{LateNode, NODES};
use liuhen_tests::wait::until;

async fn admit(cluster: &mut Cluster, node: &LateNode) -> anyhow::Result<()> {
    let key = &node.public_key;
    let register = ["identity", "register", "node-1", "--kind", "node", "--public-key", key];
    liuhen(cluster, ("exit", "root"), &register).await?;
    let validator = ["validator", key, "--cosigner-key", &node.cosigner_key, "--power", "1"];
    let who = ["--department", "gz.exit", "--peer-id", &node.peer_id];
    let place = ["--consensus-address", &node.consensus, "--gossip-address", &node.gossip];
    enact(cluster, "validator-5", &[&validator[..], &who[..], &place[..]].concat()).await
}

/// Waits until a node votes at this height or a later one.
async fn votes(cluster: &mut Cluster, name: &str, height: u64) -> anyhow::Result<()> {
    let node = cluster.connect(name).await?;
    let voting = async || node.status().await.ok().filter(|it| it.voting && it.height >= height);
    until("the node to vote", voting).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn validators_come_and_go_while_the_network_runs() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    let late = cluster.consortium.late_node("exit")?;
    admit(&mut cluster, &late).await?;
    cluster.launch("exit")?;
    let height = cluster.connect("psb").await?.status().await?.height;
    votes(&mut cluster, "exit", height).await?;

    // Four of five must sign: without taxation the new one is needed.
    cluster.kill("tax")?;
    let node = cluster.connect("exit").await?;
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    gateway.submit(&node, &[record(1)?]).await?;

    // Without taxation among the validators three of four must sign: one more may be away.
    let tax = cluster.consortium.public_key_of_node("tax")?;
    enact(&mut cluster, "validator-4", &["validator", &tax, "--power", "0"]).await?;
    gateway.submit(&node, &[record(2)?]).await?;
    gateway.submit(&node, &[record(3)?]).await?;
    cluster.kill("hrss")?;
    let node = cluster.connect("psb").await?;
    gateway.submit(&node, &[record(4)?]).await?;

    // Those who were away come back, across the changes; one that votes no more follows.
    cluster.launch("tax")?;
    cluster.launch("hrss")?;
    let height = node.status().await?.height;
    let statuses = cluster.all_at(height).await?;
    assert_eq!(statuses.len(), 5);
    let tax = cluster.connect("tax").await?;
    let followed = until("taxation to follow", async || {
        tax.status().await.ok().filter(|it| it.height >= height)
    });
    assert!(!followed.await?.voting);
    proofs_reach_across_the_changes(&mut cluster).await?;
    who_is_suspended_is_let_out(&mut cluster).await
}

/// The others close their connections to the node of a department that is no longer in force.
async fn who_is_suspended_is_let_out(cluster: &mut Cluster) -> anyhow::Result<()> {
    let node = cluster.connect("psb").await?;
    let connected = async |count: u32| {
        let reached = async || node.status().await.ok().filter(|it| it.peers == count);
        until("so many peers", reached).await
    };
    connected(4).await?;
    let suspend = ["member", "gz.tax", "--change", "suspend"];
    enact(cluster, "suspend-tax", &suspend).await?;
    connected(3).await?;
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    gateway.submit(&node, &[record(5)?]).await?;
    Ok(())
}

async fn proofs_reach_across_the_changes(cluster: &mut Cluster) -> anyhow::Result<()> {
    let proof = cluster.file("governance.trace");
    let (proof, genesis) = (path_text(&proof)?.to_owned(), cluster.consortium.genesis());
    let prove = ["prove", "trail", "governance", "--out", &proof];
    liuhen(cluster, ("bdb", "officer"), &prove).await?;
    let verify = [proof.as_str(), "--genesis", path_text(&genesis)?, "-o", "json"];
    let output = cluster.run("liuhen-verify", &verify)?;
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let verdict: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    // Two proposals, three votes each, two enactments; and the alert that nobody decided on the
    // calendar of the year.
    assert_eq!(verdict["claim"]["events"], 11, "{}", told(&output));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_does_not_know_the_protocol_stops() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    let height = cluster.connect("psb").await?.status().await?.height + 8;
    enact(&mut cluster, "protocol-2", &["protocol", "2", "--height", &height.to_string()]).await?;
    let node = cluster.connect("psb").await?;
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    let began = now();
    for number in 1..=20 {
        if gateway.submit(&node, &[record(number)?]).await.is_err() {
            break;
        }
        anyhow::ensure!(now().since(began) < 60_000, "the network does not stop");
    }
    for name in NODES {
        let status = cluster.ended(name).await?;
        assert!(!status.success());
        let log = cluster.log(name);
        let says = format!("from height {height} on the chain follows protocol 2");
        assert!(log.contains(&says), "{name}: {log}");
        assert!(log.contains("install a newer liuhen-node"), "{name}: {log}");
    }
    // Started again it says the same, and makes no block.
    cluster.launch("psb")?;
    assert!(!cluster.ended("psb").await?.success());
    Ok(())
}

/// Waits until a node has so many others connected.
async fn connected(cluster: &mut Cluster, name: &str, count: u32) -> anyhow::Result<()> {
    let node = cluster.connect(name).await?;
    until("so many peers", async || node.status().await.ok().filter(|it| it.peers == count))
        .await?;
    Ok(())
}

/// How often a node's log says that a connection to somebody was made or refused, or that one failed.
fn tries(cluster: &Cluster, name: &str) -> usize {
    let log = std::fs::read_to_string(cluster.consortium.home(name).join("log"));
    let log = log.unwrap_or_default();
    log.lines().filter(|it| it.contains("libp2p_swarm") && it.contains("onnection")).count()
}

/// A node's network key was lost: by a vote the others let it go, and let it in no more, though their settings name it.
#[tokio::test(flavor = "multi_thread")]
async fn a_removed_peer_is_let_go_and_not_let_in() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    for name in NODES {
        connected(&mut cluster, name, 3).await?;
    }
    let peer = cluster.consortium.peer_id_of_node("tax")?;
    enact(&mut cluster, "remove-tax", &["remove-peer", &peer]).await?;
    for name in ["psb", "hrss", "bdb"] {
        connected(&mut cluster, name, 2).await?;
    }
    // The others go on, also one that is started anew and whose settings name the peer.
    let height = cluster.connect("tax").await?.status().await?.height;
    cluster.stop("psb").await?;
    cluster.launch("psb")?;
    connected(&mut cluster, "psb", 2).await?;
    // It begins anew too, and knocks.
    cluster.stop("tax").await?;
    cluster.consortium.set("tax", "log_filter", "info,libp2p_swarm=trace")?;
    let before = tries(&cluster, "tax");
    cluster.launch("tax")?;
    let node = cluster.connect("psb").await?;
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    for number in 1..=3 {
        gateway.submit(&node, &[record(number)?]).await?;
    }
    until("the removed node to knock again and again", async || {
        (tries(&cluster, "tax") >= before + 10).then_some(())
    })
    .await?;
    for name in ["psb", "hrss", "bdb"] {
        let status = cluster.connect(name).await?.status().await?;
        assert_eq!(status.peers, 2, "{name}");
    }
    let status = cluster.account(&node, "bdb", "officer").await?.on(&node).status().await?;
    assert!(!status.away.contains(&"gz.tax".to_owned()), "{:?}", status.away);
    let left = cluster.connect("tax").await?.status().await?;
    assert!(left.height <= height && status.height >= height + 3, "{left:?} {status:?}");
    Ok(())
}
