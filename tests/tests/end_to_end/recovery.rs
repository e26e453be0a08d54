//! What a machine does to a node: a kill at the wrong moment, a power cut, a damaged file. It starts again by itself, and
//! votes as soon as it can't contradict what it has voted.

use liuhen_node::store::undecided::{Undecided, UndecidedBlocks};
use liuhen_node::store::votes::{Known, VoteRecord};
use liuhen_node::store::{BlockLog, StoredBlock};
use liuhen_proto::types::KeyId;
use liuhen_tests::Cluster;
use liuhen_tests::actions::{record, record_all, register};
use liuhen_tests::consortium::NODES;
use liuhen_tests::wait::until;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

fn data(cluster: &Cluster, node: &str) -> PathBuf {
    cluster.consortium.home(node).join("data")
}

fn wal(cluster: &Cluster, node: &str) -> PathBuf {
    data(cluster, node).join("consensus/engine.wal")
}

/// Waits until every node says something of its status.
pub async fn all(
    cluster: &mut Cluster,
    what: &str,
    wanted: impl Fn(&liuhen_proto::wire::GetStatusResponse) -> bool,
) -> anyhow::Result<()> {
    for node in NODES {
        one(cluster, node, what, &wanted).await?;
    }
    Ok(())
}

pub async fn one(
    cluster: &mut Cluster,
    name: &str,
    what: &str,
    wanted: impl Fn(&liuhen_proto::wire::GetStatusResponse) -> bool,
) -> anyhow::Result<()> {
    let node = cluster.connect(name).await?;
    let reached = until(what, async || node.status().await.ok().filter(&wanted)).await;
    reached.map_err(|e| anyhow::anyhow!("{name}: {e}: {}", cluster.log(name)))?;
    Ok(())
}

/// Public security's height, once all nodes are there.
pub async fn settled(cluster: &mut Cluster) -> anyhow::Result<u64> {
    let height = cluster.connect("psb").await?.status().await?.height;
    cluster.all_at(height).await?;
    Ok(height)
}

/// Public security's gateway records until that is committed.
pub async fn goes_on(cluster: &mut Cluster, number: u64) -> anyhow::Result<()> {
    let node = cluster.connect("psb").await?;
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    let committed = until("the network to go on", async || {
        gateway.submit(&node, &[record(number).ok()?]).await.ok()
    });
    committed.await.map_err(|e| anyhow::anyhow!("{e}: {}", cluster.log("psb")))?;
    Ok(())
}

/// A validator lost its data, fetched blocks again, and was killed when it had kept one that it once proposed
/// itself, and not yet appended it: at its own turn it proposes that very block.
#[tokio::test(flavor = "multi_thread")]
async fn killed_while_it_fetches_its_own_block_again() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    let node = cluster.connect("psb").await?;
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    record_all(&node, &gateway, 1..=12).await?;
    let own = KeyId::from_slice(&cluster.connect("tax").await?.status().await?.key_id)?;
    cluster.stop("tax").await?;
    let logged = cluster.blocks("tax")?;
    let is_own = |it: &StoredBlock| it.block.header().is_ok_and(|it| it.proposer == own);
    let at = logged.iter().rposition(is_own).expect("a block of its own turn among so many");
    let header = logged[at].block.header()?;
    std::fs::remove_dir_all(data(&cluster, "tax"))?;
    let (mut log, _) = BlockLog::open(&data(&cluster, "tax").join("blocks"))?;
    for block in &logged[..at] {
        log.append(block)?;
    }
    let mut undecided = UndecidedBlocks::open(&data(&cluster, "tax").join("undecided"))?;
    let bytes = liuhen_node::codec::encode(&logged[at].block)?;
    let (height, id) = (header.height, header.block_id());
    undecided.keep(Undecided::new(height, 0, own, id, true, bytes, None))?;
    cluster.launch("tax")?;
    one(&mut cluster, "tax", "tax to catch up", |it| it.height > height.get()).await?;
    goes_on(&mut cluster, 13).await?;
    // It votes: with another one gone three of four are just enough.
    cluster.kill("bdb")?;
    goes_on(&mut cluster, 14).await
}

/// Leaves one node with an open height at which it has voted: the others are gone. Then all are.
async fn voted_alone(cluster: &mut Cluster, node: &'static str) -> anyhow::Result<()> {
    let height = cluster.connect(node).await?.status().await?.height;
    for other in NODES.into_iter().filter(|it| *it != node) {
        cluster.kill(other)?;
    }
    let connected = cluster.connect(node).await?;
    let gateway = cluster.account(&connected, "psb", "gateway").await?;
    let item = record(100)?;
    let sent = tokio::spawn(async move { gateway.submit(&connected, &[item]).await });
    let file = wal(cluster, node);
    // Behind version and height an entry: a vote, or that the time to propose is over.
    let voted = until("a vote in the log of votes", async || {
        let bytes = std::fs::read(&file).ok()?;
        let at = u64::from_be_bytes(bytes.get(4..12)?.try_into().ok()?);
        (at > height && bytes.len() > 12 + 13).then_some(())
    });
    voted.await.map_err(|e| anyhow::anyhow!("{e}: {}", cluster.log(node)))?;
    // The vote that was sent is on record.
    let (record, copy) =
        (cluster.consortium.home(node).join("vote-record"), cluster.file("record"));
    let key = KeyId::from_slice(&cluster.connect(node).await?.status().await?.key_id)?;
    let chain = cluster.connect(node).await?.chain().await?;
    until("a vote on record", async || {
        std::fs::copy(&record, &copy).ok()?;
        let known = VoteRecord::open(&copy, chain, key).ok()?.known();
        matches!(known, Known::UpTo(at) if at.get() > height).then_some(())
    })
    .await?;
    // What was on its way may have decided that height after all: then it votes at the next, alone.
    let holds_one = || std::fs::read(&file).is_ok_and(|bytes| bytes.len() > 12 + 13);
    loop {
        cluster.kill(node)?;
        if holds_one() {
            break;
        }
        cluster.launch(node)?;
        until("a vote of the next height", async || holds_one().then_some(())).await?;
    }
    sent.abort();
    Ok(())
}

fn append(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let whole = [std::fs::read(file)?.as_slice(), bytes].concat();
    Ok(std::fs::write(file, whole)?)
}

/// A power cut leaves zeros where the log of votes was to be written: nobody halts for them.
#[tokio::test(flavor = "multi_thread")]
async fn zeros_behind_the_votes() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    voted_alone(&mut cluster, "tax").await?;
    append(&wal(&cluster, "tax"), &[0; 335])?;
    for node in NODES {
        cluster.launch(node)?;
    }
    all(&mut cluster, "all to vote", |it| it.voting && it.withheld.is_none()).await?;
    goes_on(&mut cluster, 1).await?;
    let folder = data(&cluster, "tax").join("consensus");
    let kept = std::fs::read(folder.join("engine.wal.cut-1"))?;
    assert_eq!(kept, [0; 335]);
    let log = std::fs::read_to_string(cluster.consortium.home("tax").join("log"))?;
    assert!(log.contains("never reached the disk"), "{log}");
    cluster.kill("bdb")?;
    goes_on(&mut cluster, 2).await
}

/// A vote that can't be read any more: the node follows, says so, and votes again once that height is committed.
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_vote_withholds_the_vote_for_a_height() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    voted_alone(&mut cluster, "tax").await?;
    let file = wal(&cluster, "tax");
    let mut bytes = std::fs::read(&file)?;
    let height = u64::from_be_bytes(bytes[4..12].try_into()?);
    bytes[30] ^= 1;
    std::fs::write(&file, bytes)?;
    cluster.launch("tax")?;
    one(&mut cluster, "tax", "tax to follow without a vote", |it| {
        let until = it.withheld.as_ref().and_then(|it| it.until_height);
        !it.voting && until == Some(height)
    })
    .await?;
    let status = cluster.liuhen("tax", ("bdb", "officer"), &["status"]).await?;
    let said = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(said.contains(&format!("votes_lost, until height {height} is committed")), "{said}");
    for node in NODES.into_iter().filter(|it| *it != "tax") {
        cluster.launch(node)?;
    }
    goes_on(&mut cluster, 1).await?;
    one(&mut cluster, "tax", "tax to vote again", |it| it.voting && it.withheld.is_none()).await?;
    cluster.kill("bdb")?;
    goes_on(&mut cluster, 2).await
}

/// The last block is damaged on all nodes while they are idle: what each kept of it decides it again.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_block_damaged_everywhere() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    goes_on(&mut cluster, 1).await?;
    let height = settled(&mut cluster).await?;
    for node in NODES {
        cluster.stop(node).await?;
        let folder = data(&cluster, node).join("blocks");
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(folder)?.map(|it| Ok(it?.path())).collect::<std::io::Result<_>>()?;
        files.sort();
        let last = files.last().expect("a segment of the log");
        let mut bytes = std::fs::read(last)?;
        *bytes.last_mut().expect("a block") ^= 1;
        std::fs::write(last, bytes)?;
    }
    for node in NODES {
        cluster.launch(node)?;
    }
    goes_on(&mut cluster, 2).await?;
    all(&mut cluster, "all beyond the damage", |it| it.height > height).await?;
    let log = std::fs::read_to_string(cluster.consortium.home("tax").join("log"))?;
    assert!(log.contains("the last block in the log is not whole"), "{log}");
    Ok(())
}

/// Blocks of one chain are never served under the founding document of another.
#[tokio::test(flavor = "multi_thread")]
async fn another_chains_founding_document() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    let own = cluster.connect("tax").await?.chain().await?;
    cluster.stop("tax").await?;
    let folder = tempfile::tempdir()?;
    let other = liuhen_tests::Consortium::found(folder.path())?;
    let genesis = std::fs::read(other.genesis())?;
    let theirs = liuhen_genesis::Founding::from_bytes(&genesis)?.chain();
    let home = cluster.consortium.home("tax");
    std::fs::write(home.join("genesis.pb"), genesis)?;
    cluster.launch("tax")?;
    let ended = cluster.ended("tax").await?;
    assert!(!ended.success());
    let log = cluster.log("tax");
    assert!(log.contains(&own.to_string()) && log.contains(&theirs.to_string()), "{log}");
    // Nothing was made anew of the data: with its own document it goes on.
    std::fs::copy(cluster.consortium.genesis(), home.join("genesis.pb"))?;
    cluster.launch("tax")?;
    one(&mut cluster, "tax", "tax to vote", |it| it.voting).await
}

/// Bytes of the block log are others than were written, far from its end: the blocks are fetched again and written where they
/// stood, those behind them stay, and the node votes all the while.
#[tokio::test(flavor = "multi_thread")]
async fn damaged_blocks_are_mended_in_place() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    for number in 1..=8 {
        goes_on(&mut cluster, number).await?;
    }
    let height = cluster.connect("tax").await?.status().await?.height;
    cluster.stop("tax").await?;
    let before = cluster.blocks("tax")?;
    let file = data(&cluster, "tax").join(format!("blocks/blocks-{:020}.log", 1));
    let mut bytes = std::fs::read(&file)?;
    let (at, last) = (bytes.len() / 3, bytes.len() - bytes.len() / 3);
    bytes[at] ^= 1;
    bytes[last] ^= 1;
    std::fs::write(&file, &bytes)?;
    cluster.launch("tax")?;
    one(&mut cluster, "tax", "tax to mend its log", |it| {
        it.blocks_mended >= 1 && it.blocks_missing == 0 && it.voting
    })
    .await?;
    let log = cluster.whole_log("tax");
    assert!(!log.contains("without a vote until that height"), "{log}");
    let damaged = log.matches("blocks of the log can't be read").count() as u64;
    one(&mut cluster, "tax", "tax to mend all", |it| it.blocks_mended == damaged).await?;
    // While it runs, too: nobody asked for this block.
    let written = std::fs::OpenOptions::new().read(true).write(true).open(&file)?;
    let mut byte = [0];
    written.read_exact_at(&mut byte, at as u64)?;
    written.write_all_at(&[byte[0] ^ 1], at as u64)?;
    one(&mut cluster, "tax", "tax to find it", |it| {
        it.blocks_mended > damaged && it.blocks_missing == 0 && it.voting
    })
    .await?;
    cluster.kill("bdb")?;
    goes_on(&mut cluster, 9).await?;
    cluster.stop("tax").await?;
    let after = cluster.blocks("tax")?;
    assert!(after.len() as u64 > height);
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((&before.block, &before.outcomes), (&after.block, &after.outcomes));
    }
    Ok(())
}
