//! What a node knows of its own votes, and what it does where it knows less than the others: it never votes twice at a height,
//! says why it does not vote, and votes again by itself.

use crate::recovery::{all, goes_on, one, settled};
use liuhen_node::config::FILE;
use liuhen_proto::wire::GetStatusResponse;
use liuhen_tests::Cluster;
use liuhen_tests::actions::{register, told};
use liuhen_tests::cluster::path_text;
use liuhen_tests::consortium::NODES;
use liuhen_tests::wait::until;
use std::path::Path;
use std::process::{Child, Command, Stdio};

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status()?;
    anyhow::ensure!(copied.success(), "cp -a {} {}", from.display(), to.display());
    Ok(())
}

fn withheld(it: &GetStatusResponse) -> Option<&str> {
    it.withheld.as_ref().map(|it| it.reason.as_str())
}

/// Nobody signed twice: no node saw evidence of it.
async fn nobody_voted_twice(cluster: &mut Cluster) -> anyhow::Result<()> {
    for node in NODES {
        let log = cluster.whole_log(node);
        assert!(!log.contains("evidence of double voting"), "{node}: {log}");
    }
    Ok(())
}

/// An older copy of its home takes a node's place: it learns from the others that its key signed later, and votes where it did not.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_in_the_place_of_the_home() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    goes_on(&mut cluster, 1).await?;
    cluster.stop("tax").await?;
    let (home, kept) = (cluster.consortium.home("tax"), cluster.file("older"));
    copy(&home, &kept)?;
    cluster.launch("tax")?;
    one(&mut cluster, "tax", "tax to vote", |it| it.voting).await?;
    for number in 2..=6 {
        goes_on(&mut cluster, number).await?;
    }
    let height = cluster.connect("psb").await?.status().await?.height;
    one(&mut cluster, "tax", "tax to follow", |it| it.height >= height).await?;
    cluster.stop("tax").await?;
    std::fs::remove_dir_all(&home)?;
    copy(&kept, &home)?;
    cluster.launch("tax")?;
    one(&mut cluster, "tax", "tax to vote again", |it| it.voting && it.height >= height).await?;
    let log = cluster.whole_log("tax");
    assert!(log.contains("elsewhere"), "{log}");
    // It votes: with another one gone three of four are just enough.
    cluster.kill("bdb")?;
    goes_on(&mut cluster, 7).await?;
    nobody_voted_twice(&mut cluster).await
}

/// A process that ends with the test.
struct Beside(Child);

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A copy of a home runs beside the original: it is found, says so, and never votes as long as the original does.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_home_beside_the_original() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    goes_on(&mut cluster, 1).await?;
    cluster.stop("tax").await?;
    let (home, beside) = (cluster.consortium.home("tax"), cluster.file("beside"));
    copy(&home, &beside)?;
    cluster.launch("tax")?;
    one(&mut cluster, "tax", "tax to vote", |it| it.voting).await?;
    goes_on(&mut cluster, 2).await?;
    // Elsewhere, it listens at other addresses.
    let text = std::fs::read_to_string(beside.join(FILE))?;
    let (own, peers) = text.split_once("[[peer]]").expect("peers");
    let own: String = own
        .lines()
        .map(|line| match line.split_once(" = \"/ip4/") {
            Some((name, _)) => format!("{name} = \"/ip4/127.0.0.1/tcp/0\"\n"),
            None => format!("{line}\n"),
        })
        .collect();
    std::fs::write(beside.join(FILE), format!("{own}[[peer]]{peers}"))?;
    for file in ["log", "lock", "grpc.address"] {
        let _ = std::fs::remove_file(beside.join(file));
    }
    let log = std::fs::File::create(beside.join("log"))?;
    let node = liuhen_tests::cluster::programs()?.join("liuhen-node");
    let child = Command::new(node)
        .args(["run", "--home"])
        .arg(&beside)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()?;
    let _beside = Beside(child);
    let said = || std::fs::read_to_string(beside.join("log")).unwrap_or_default();
    let found = until("the copy to be found", async || said().contains("elsewhere").then_some(()));
    found.await.map_err(|e| anyhow::anyhow!("{e}: {}", said()))?;
    for number in 3..=8 {
        goes_on(&mut cluster, number).await?;
    }
    nobody_voted_twice(&mut cluster).await
}

/// All records of votes are gone at once: nobody knows what it signed, so nobody votes, and each node says so; a person's word on
/// three of them ends it.
#[tokio::test(flavor = "multi_thread")]
async fn all_records_are_gone() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    goes_on(&mut cluster, 1).await?;
    let height = settled(&mut cluster).await?;
    for node in NODES {
        cluster.stop(node).await?;
        std::fs::remove_file(cluster.consortium.home(node).join("vote-record"))?;
    }
    for node in NODES {
        cluster.launch(node)?;
    }
    all(&mut cluster, "all to say that nobody may vote", |it| {
        let until = it.withheld.as_ref().and_then(|it| it.until_height);
        until.is_some_and(|it| it > height) && it.voting_power == 0 && it.total_power == 4
    })
    .await?;
    let status = cluster.liuhen("tax", ("bdb", "officer"), &["status"]).await?;
    assert!(told(&status).contains("too few validators may vote: 0 of 4"), "{}", told(&status));
    let from = (height + 1).to_string();
    for node in ["psb", "tax", "bdb"] {
        let home = cluster.consortium.home(node);
        let arguments = ["vote", "--from", &from, "--home", path_text(&home)?];
        let refused = cluster.run("liuhen-node", &arguments)?;
        assert!(!refused.status.success(), "while it runs: {}", told(&refused));
        cluster.stop(node).await?;
        let noted = cluster.run("liuhen-node", &arguments)?;
        assert!(noted.status.success(), "{}", told(&noted));
        cluster.launch(node)?;
    }
    goes_on(&mut cluster, 2).await?;
    let log = cluster.whole_log("tax");
    assert!(log.contains("by a person's word"), "{log}");
    // The fourth comes by itself, when what it can't know is over.
    one(&mut cluster, "hrss", "hrss to vote", |it| it.voting && withheld(it).is_none()).await
}

/// A node has nothing left but its keys: it follows, and votes from the height on at which it can't have signed.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_left_but_the_keys() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    for number in 1..=4 {
        goes_on(&mut cluster, number).await?;
    }
    cluster.kill("tax")?;
    let home = cluster.consortium.home("tax");
    std::fs::remove_dir_all(home.join("data"))?;
    std::fs::remove_file(home.join("vote-record"))?;
    let height = cluster.connect("psb").await?.status().await?.height;
    cluster.launch("tax")?;
    one(&mut cluster, "tax", "tax to vote again", |it| it.voting && it.height > height).await?;
    let log = cluster.whole_log("tax");
    assert!(log.contains("no_record"), "{log}");
    cluster.kill("bdb")?;
    goes_on(&mut cluster, 5).await?;
    nobody_voted_twice(&mut cluster).await
}
