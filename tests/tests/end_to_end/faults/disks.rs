//! File systems of their own under the homes: one that is full, and all of them without power.

use super::{Tally, places, said_why, votes_again};
use anyhow::Context as _;
use liuhen_tests::actions::{record, register};
use liuhen_tests::consortium::NODES;
use liuhen_tests::disks::Disks;
use liuhen_tests::load::{Load, Records};
use liuhen_tests::wait::until;
use liuhen_tests::{Cluster, Consortium};
use std::io::Write;
use std::path::Path;

/// Cuts of a soak.
const CUTS: u32 = 40;
/// Times that a disk fills up in one.
const FULL: u32 = 10;
/// Records between two cuts.
const BETWEEN: usize = 30;

/// All machines lose power at once, under load: what was acknowledged was synced.
#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_of_all() -> anyhow::Result<()> {
    let Some(disks) = Disks::of(&NODES, 96)? else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    disks.be_homes_in(folder.path())?;
    let small = |it: &Consortium| NODES.iter().try_for_each(|node| it.set(node, "free_bytes", 0));
    let mut cluster = Cluster::start_in(folder, small).await?;
    register(&mut cluster).await?;
    // What a person put there, long ago.
    disks.sync()?;
    let (records, mut tally) = (Records::default(), Tally::default());
    'cuts: for cut in 1..=places(2, CUTS) {
        let load = Load::start(&mut cluster, &records).await?;
        let enough = records.acknowledged() + BETWEEN;
        until("records", async || (records.acknowledged() >= enough).then_some(())).await?;
        disks.cut()?;
        for node in NODES {
            cluster.kill(node)?;
        }
        load.stop().await?;
        disks.mount_again()?;
        for node in NODES {
            cluster.launch(node)?;
        }
        (tally.points, tally.killed) = (cut, cut * 4);
        let load = Load::start(&mut cluster, &records).await?;
        for node in NODES {
            if let Err(error) = votes_again(&mut cluster, node).await {
                tally.stuck(&format!("cut {cut}, {node}"), &error);
                break 'cuts;
            }
        }
        load.stop().await?;
    }
    tally.close("power cuts", &mut cluster, &records).await
}

/// Bytes that only take room.
struct Ballast<'a>(&'a Path);

impl Ballast<'_> {
    /// Fills a disk until so many bytes are left; 0: until nothing more can be written.
    fn leave(&self, bytes: u64) -> anyhow::Result<()> {
        let mut file = std::fs::File::options().create(true).append(true).open(self.0)?;
        let (mebibyte, page) = (vec![1; 1 << 20], vec![1; 4096]);
        for step in [&mebibyte, &page] {
            while free(self.0)? >= bytes.saturating_add(step.len() as u64) {
                if file.write_all(step).is_err() {
                    break;
                }
            }
        }
        // What is kept for the system's own user.
        while bytes == 0 && file.write_all(&page).is_ok() {}
        Ok(file.sync_all()?)
    }
}

/// Bytes that may still be written on the disk of a file.
fn free(file: &Path) -> anyhow::Result<u64> {
    let output =
        std::process::Command::new("stat").args(["-f", "-c", "%a %S"]).arg(file).output()?;
    let text = String::from_utf8(output.stdout)?;
    let (blocks, size) = text.trim().split_once(' ').context("free blocks and their size")?;
    Ok(blocks.parse::<u64>()?.saturating_mul(size.parse()?))
}

/// One node's disk fills up: it refuses clients, then stops and says so, while the others go on; with room it votes.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk() -> anyhow::Result<()> {
    let Some(disks) = Disks::of(&["tax"], 96)? else { return Ok(()) };
    let (folder, log) = (tempfile::tempdir()?, tempfile::NamedTempFile::new()?);
    disks.be_homes_in(folder.path())?;
    // What it says goes elsewhere: there it can be written.
    std::os::unix::fs::symlink(log.path(), disks.path("tax").join("log"))?;
    let small = |it: &Consortium| it.set("tax", "free_bytes", 16 << 20);
    let mut cluster = Cluster::start_in(folder, small).await?;
    register(&mut cluster).await?;
    let (records, mut tally) = (Records::default(), Tally::default());
    let file = disks.path("tax").join("ballast");
    for _ in 0..places(1, FULL) {
        tally.points += 1;
        fills_up(&mut cluster, &records, &Ballast(&file)).await?;
        tally.ended += 1;
    }
    tally.close("a full disk", &mut cluster, &records).await
}

async fn fills_up(
    cluster: &mut Cluster,
    records: &Records,
    ballast: &Ballast<'_>,
) -> anyhow::Result<()> {
    ballast.leave(8 << 20)?;
    let node = cluster.connect("tax").await?;
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    let refused = until("clients to be refused", async || {
        let refused = gateway.submit(&node, &[record(records.next()).ok()?]).await.err()?;
        refused.to_string().contains("nearly full").then_some(())
    });
    refused.await?;
    let load = Load::start(cluster, records).await?;
    ballast.leave(0)?;
    let ended = cluster.ended("tax").await?;
    let log = cluster.log("tax");
    anyhow::ensure!(ended.code() == Some(1), "{ended}: {log}");
    said_why(&log, &["os error 28"])?;
    // The others go on.
    let enough = records.acknowledged() + BETWEEN;
    until("records", async || (records.acknowledged() >= enough).then_some(())).await?;
    std::fs::remove_file(ballast.0)?;
    cluster.launch("tax")?;
    votes_again(cluster, "tax").await?;
    load.stop().await
}
