//! Links between nodes are cut: as long as those that are left connect all nodes, the network goes on.

use crate::recovery::{all, goes_on};
use liuhen_tests::Cluster;
use liuhen_tests::actions::register;
use liuhen_tests::consortium::NODES;
use liuhen_tests::links::Link;
use std::time::Instant;

/// A ring of four: each node reaches two others, and nobody all.
async fn goes_on_in_a_ring(cut: Link) -> anyhow::Result<()> {
    let (mut cluster, links) = Cluster::start_linked().await?;
    register(&mut cluster).await?;
    let [a, b, c, d] = NODES;
    links.set(a, c, cut)?;
    links.set(b, d, cut)?;
    let began = Instant::now();
    for number in 1..=5 {
        goes_on(&mut cluster, number).await?;
    }
    let ring = began.elapsed() / 5;
    let height = cluster.connect(a).await?.status().await?.height;
    all(&mut cluster, "all to follow", |it| it.height >= height).await?;
    // A chain of four: two hops between its ends' neighbours, three between its ends.
    links.set(d, a, cut)?;
    let began = Instant::now();
    for number in 6..=8 {
        goes_on(&mut cluster, number).await?;
    }
    let chain = began.elapsed() / 3;
    eprintln!("{cut:?}: a record in a ring of four {ring:?}, in a chain {chain:?}");
    for (one, other) in [(a, c), (b, d), (d, a)] {
        links.set(one, other, Link::Up)?;
    }
    goes_on(&mut cluster, 9).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ring_whose_cut_links_are_closed() -> anyhow::Result<()> {
    goes_on_in_a_ring(Link::Down).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ring_whose_cut_links_are_silent() -> anyhow::Result<()> {
    goes_on_in_a_ring(Link::Silent).await
}

/// One node alone stands, the others go on without it; it follows when it is back.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_cut_off_follows_when_it_is_back() -> anyhow::Result<()> {
    let (mut cluster, links) = Cluster::start_linked().await?;
    register(&mut cluster).await?;
    links.set_all_of("tax", Link::Silent)?;
    for number in 1..=4 {
        goes_on(&mut cluster, number).await?;
    }
    let height = cluster.connect("psb").await?.status().await?.height;
    links.set_all_of("tax", Link::Up)?;
    all(&mut cluster, "all to follow", |it| it.height >= height).await
}
