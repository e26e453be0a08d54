//! Nodes that stand, and nodes that don't hear each other: blocks go on as long as a quorum does, and again afterwards.

use super::{Tally, places, votes_again};
use liuhen_tests::Cluster;
use liuhen_tests::actions::register;
use liuhen_tests::links::{Link, Links};
use liuhen_tests::load::{Load, Records};
use liuhen_tests::wait::until;

/// Records that show that the network goes on.
const SOME: usize = 10;
/// So long a block is open where there is no quorum.
const OPEN_MS: u64 = 3_000;

fn rounds() -> u32 {
    places(1, 20)
}

async fn goes_on(cluster: &Cluster, records: &Records) -> anyhow::Result<()> {
    let enough = records.acknowledged() + SOME;
    until("records", async || (records.acknowledged() >= enough).then_some(()))
        .await
        .map_err(|e| anyhow::anyhow!("{e}: {}", cluster.log("psb")))
}

/// Public security's node has a block open that nobody decides, and acknowledges nothing meanwhile.
async fn stands(cluster: &mut Cluster, records: &Records) -> anyhow::Result<()> {
    let node = cluster.connect("psb").await?;
    let open = async |ms| {
        until("a block to stay open", async || {
            node.status().await.ok().filter(|it| it.open_for_ms >= ms)
        })
        .await
    };
    let (before, height) = {
        let status = open(OPEN_MS / 3).await?;
        (records.acknowledged(), status.height)
    };
    let status = open(OPEN_MS).await?;
    assert_eq!((records.acknowledged(), status.height), (before, height));
    Ok(())
}

/// One node is frozen, then two: a quorum is left, then none.
#[tokio::test(flavor = "multi_thread")]
async fn frozen_nodes() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    let (records, mut tally) = (Records::default(), Tally::default());
    let load = Load::start(&mut cluster, &records).await?;
    for _ in 0..rounds() {
        tally.points += 2;
        cluster.freeze("tax").await?;
        goes_on(&cluster, &records).await?;
        cluster.freeze("hrss").await?;
        stands(&mut cluster, &records).await?;
        cluster.signal("hrss", "-CONT")?;
        goes_on(&cluster, &records).await?;
        cluster.signal("tax", "-CONT")?;
        for node in ["tax", "hrss"] {
            votes_again(&mut cluster, node).await?;
        }
        tally.went_on += 2;
    }
    load.stop().await?;
    tally.close("frozen nodes", &mut cluster, &records).await
}

/// Sets the links between the two sides.
fn part(links: &Links, sides: [&[&'static str]; 2], link: Link) -> anyhow::Result<()> {
    let [ones, others] = sides;
    for one in ones {
        for other in others {
            links.set(one, other, link)?;
        }
    }
    Ok(())
}

/// Two sides of two, of which neither is a quorum; then three and one.
#[tokio::test(flavor = "multi_thread")]
async fn parted_nodes() -> anyhow::Result<()> {
    let (mut cluster, links) = Cluster::start_linked().await?;
    register(&mut cluster).await?;
    let (records, mut tally) = (Records::default(), Tally::default());
    let load = Load::start(&mut cluster, &records).await?;
    for round in 0..rounds() {
        let cut = if round % 2 == 0 { Link::Silent } else { Link::Down };
        tally.points += 2;
        let halves: [&[&str]; 2] = [&["psb", "hrss"], &["tax", "bdb"]];
        part(&links, halves, cut)?;
        stands(&mut cluster, &records).await?;
        part(&links, halves, Link::Up)?;
        goes_on(&cluster, &records).await?;
        let three: [&[&str]; 2] = [&["psb", "hrss", "tax"], &["bdb"]];
        part(&links, three, cut)?;
        goes_on(&cluster, &records).await?;
        part(&links, three, Link::Up)?;
        for node in ["hrss", "tax", "bdb"] {
            votes_again(&mut cluster, node).await?;
        }
        tally.went_on += 2;
    }
    load.stop().await?;
    tally.close("parted nodes", &mut cluster, &records).await
}
