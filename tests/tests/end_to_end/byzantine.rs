//! Three honest nodes beside one that lies: they go on, agree, and lose nothing. What convicts the liar goes on its
//! department's integrity chain.

use liuhen_byzantine::{FORGED, Forged, Lie, TOLD};
use liuhen_client::connect::Node;
use liuhen_client::submit::Account;
use liuhen_node::store::StoredBlock;
use liuhen_proto::header::certificate::{self, PROPOSAL};
use liuhen_proto::suite::sign::PublicKey;
use liuhen_proto::tx::Tx;
use liuhen_proto::wire::{IntegrityRule, ListIntegrityRequest, item::Kind};
use liuhen_tests::Cluster;
use liuhen_tests::actions::{record, register};
use liuhen_tests::consortium::NODES;
use liuhen_tests::wait::{DEADLINE, until};
use std::time::Instant;

const LIAR: &str = "tax";
/// Occasions that each liar is given.
const LIES: usize = 2;
const MIB: u64 = 1 << 20;

fn honest() -> impl Iterator<Item = &'static str> {
    NODES.into_iter().filter(|it| *it != LIAR)
}

/// A liar among honest nodes, and what was submitted to one of these.
struct Beside {
    lie: Lie,
    cluster: Cluster,
    node: Node,
    gateway: Account,
    submitted: Vec<Tx>,
    /// Where the last of it was committed.
    height: u64,
}

impl Beside {
    async fn start(lie: Lie) -> anyhow::Result<Self> {
        let mut cluster = Cluster::start_beside(LIAR, lie).await?;
        register(&mut cluster).await?;
        let node = cluster.connect("psb").await?;
        let gateway = cluster.account(&node, "psb", "gateway").await?;
        Ok(Self { lie, cluster, node, gateway, submitted: Vec::new(), height: 0 })
    }

    /// Submits so many records, each when the one before is committed.
    async fn record(&mut self, count: usize) -> anyhow::Result<()> {
        for _ in 0..count {
            let number = self.submitted.len() as u64 + 1;
            let sent = self.gateway.submit(&self.node, &[record(number)?]).await;
            let (tx, response) =
                sent.map_err(|e| anyhow::anyhow!("record {number}: {e}: {}", self.logs()))?;
            self.submitted.push(tx);
            self.height = response.height;
        }
        Ok(())
    }

    /// How often the liar lied.
    fn told(&self) -> usize {
        let name = format!("lie=\"{}\"", self.lie.name());
        let log = self.cluster.whole_log(LIAR);
        log.lines().filter(|line| line.contains(TOLD) && line.contains(&name)).count()
    }

    /// Submits records until the liar has lied as often as it shall, and then for another turn of each validator.
    async fn record_amid_lies(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        while self.told() < LIES {
            anyhow::ensure!(began.elapsed() < DEADLINE, "it did not lie: {}", self.logs());
            self.record(1).await?;
        }
        self.record(NODES.len()).await
    }

    /// Whether a node refused blocks that the liar forged in each way that it knows, and said that the liar is at fault.
    fn refused_all(&self, name: &str) -> bool {
        let (liar, log) = (self.cluster.whole_log(LIAR), self.cluster.whole_log(name));
        FORGED.iter().all(|how| {
            let (begin, fault) = (format!("{how:?} of "), fault(*how));
            let answers = liar.lines().filter(|line| line.contains(&begin));
            let heights = answers.filter_map(|line| line.rsplit("from ").next()?.split(' ').next());
            heights.into_iter().any(|height| {
                let names = [format!("height={height}"), format!("certificate.height={height}")];
                let of = |line: &str| line.split(' ').any(|word| names.iter().any(|it| it == word));
                log.lines().any(|line| line.contains(fault) && of(line))
            })
        })
    }

    /// Bytes of memory that the honest node has which has most.
    fn memory(&self) -> anyhow::Result<u64> {
        let all: Vec<u64> =
            honest().map(|it| self.cluster.memory(it)).collect::<anyhow::Result<_>>()?;
        Ok(all.into_iter().max().unwrap_or_default())
    }

    fn logs(&self) -> String {
        NODES.map(|it| format!("{it}:\n{}", self.cluster.log(it))).join("\n")
    }

    /// Whether an honest node's log says this.
    fn is_said(&self, what: &str) -> bool {
        honest().any(|it| self.cluster.whole_log(it).contains(what))
    }

    /// Records until the liar's department is convicted of a double vote: evidence comes with the block behind it.
    async fn convicted(&mut self) -> anyhow::Result<()> {
        let officer = self.cluster.account(&self.node, "bdb", "officer").await?.on(&self.node);
        let department = format!("gz.{LIAR}");
        let request = ListIntegrityRequest { department, limit: 100, ..Default::default() };
        let began = Instant::now();
        loop {
            self.record(1).await?;
            let found = officer.accountability().list_integrity(request.clone()).await?;
            let raised = found.into_inner().events.into_iter().filter_map(|it| it.raised);
            if raised.map(|it| it.rule()).any(|it| it == IntegrityRule::DoubleVote) {
                return Ok(());
            }
            anyhow::ensure!(began.elapsed() < DEADLINE, "it is not convicted: {}", self.logs());
        }
    }

    /// Waits until an honest node is where the last record was committed.
    async fn caught_up(&mut self, name: &str) -> anyhow::Result<()> {
        let (node, height) = (self.cluster.connect(name).await?, self.height);
        let reached = until("the last height", async || {
            node.status().await.ok().filter(|it| it.height >= height)
        });
        reached.await.map_err(|e| anyhow::anyhow!("{name}: {e}: {}", self.logs()))?;
        Ok(())
    }

    /// Stops the honest nodes, and compares what they have: the same blocks, and in them all that was submitted. Gives
    /// these blocks.
    async fn agree(mut self) -> anyhow::Result<Vec<StoredBlock>> {
        for name in honest() {
            self.caught_up(name).await?;
        }
        let mut all = Vec::new();
        for name in honest() {
            self.cluster.stop(name).await?;
            all.push(self.cluster.blocks(name)?);
        }
        let common = all.iter().map(Vec::len).min().unwrap_or_default();
        assert!(common as u64 >= self.height, "{common} blocks");
        let first = all.remove(0);
        for other in all {
            for (one, two) in first.iter().zip(&other) {
                // Its header holds the map root, its hash is the block's id.
                assert_eq!(one.block, two.block);
            }
        }
        let blocks: Vec<StoredBlock> = first.into_iter().take(common).collect();
        for tx in &self.submitted {
            let times =
                blocks.iter().flat_map(|it| &it.block.transactions).filter(|it| *it == tx.raw());
            assert_eq!(times.count(), 1, "transaction {}", tx.id());
        }
        Ok(blocks)
    }
}

/// What the engine's log says where a peer is at fault for what it forged.
fn fault(how: Forged) -> &'static str {
    match how {
        Forged::Bytes | Forged::Height => "peer-attributable fault",
        Forged::Certificate => "Invalid certificate received",
    }
}

/// Stops the honest nodes, and gives the types of the votes by which they convicted the liar. They convicted nobody else.
async fn convictions(beside: Beside) -> anyhow::Result<Vec<u32>> {
    let key = hex::decode(beside.cluster.consortium.public_key_of_node(LIAR)?)?;
    let liar = PublicKey::from_slice(&key)?.key_id();
    let mut types = Vec::new();
    for bytes in beside.agree().await?.iter().flat_map(|it| &it.block.transactions) {
        for item in Tx::parse(bytes)?.items() {
            if let Kind::ReportDoubleVote(it) = item.kind() {
                assert_eq!(it.key_id, liar.to_vec());
                types.extend(it.first.as_ref().map(|it| it.vote_type));
            }
        }
    }
    Ok(types)
}

#[tokio::test(flavor = "multi_thread")]
async fn equivocates() -> anyhow::Result<()> {
    let mut beside = Beside::start(Lie::Equivocates).await?;
    beside.record_amid_lies().await?;
    beside.convicted().await?;
    let types = convictions(beside).await?;
    assert!(types.contains(&PROPOSAL), "{types:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn votes_twice() -> anyhow::Result<()> {
    let mut beside = Beside::start(Lie::VotesTwice).await?;
    beside.record_amid_lies().await?;
    beside.convicted().await?;
    let types = convictions(beside).await?;
    assert!(types.iter().any(|it| *it < PROPOSAL), "{types:?}");
    Ok(())
}

/// Who lacks the block votes against the round; the next validator's turn comes.
#[tokio::test(flavor = "multi_thread")]
async fn withholds_parts() -> anyhow::Result<()> {
    let mut beside = Beside::start(Lie::WithholdsParts).await?;
    beside.record_amid_lies().await?;
    let blocks = beside.agree().await?;
    let mut later = 0;
    for block in &blocks {
        later += usize::from(certificate::decode(&block.certificate)?.round > 0);
    }
    assert!(later >= LIES, "{later} blocks of a later round");
    Ok(())
}

/// The liar's blocks are ignored, for this reason.
async fn ignored(lie: Lie, why: &str) -> anyhow::Result<()> {
    let mut beside = Beside::start(lie).await?;
    beside.record_amid_lies().await?;
    assert!(beside.is_said(why), "{}", beside.logs());
    beside.agree().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_roots() -> anyhow::Result<()> {
    ignored(Lie::WrongRoots, "the header is not what its transactions make").await
}

#[tokio::test(flavor = "multi_thread")]
async fn false_time() -> anyhow::Result<()> {
    ignored(Lie::FalseTime, "too far from this node's clock").await
}

#[tokio::test(flavor = "multi_thread")]
async fn false_certificate() -> anyhow::Result<()> {
    ignored(Lie::FalseCertificate, "does not verify").await
}

/// What a liar sends without end takes no more of the honest nodes' memory the longer it lasts. Much of it
/// contradicts itself, and convicts it.
#[tokio::test(flavor = "multi_thread")]
async fn floods() -> anyhow::Result<()> {
    let mut beside = Beside::start(Lie::Floods).await?;
    beside.record_amid_lies().await?;
    let before = beside.memory()?;
    let told = beside.told();
    beside.record(5 * NODES.len()).await?;
    // It tells of its waves once a second or so.
    let began = Instant::now();
    while beside.told() <= told {
        anyhow::ensure!(began.elapsed() < DEADLINE, "it floods no more: {}", beside.logs());
        beside.record(1).await?;
    }
    let more = beside.memory()?.saturating_sub(before);
    eprintln!("{} floods; memory {} MiB, {} MiB more", beside.told(), before / MIB, more / MIB);
    assert!(more < 100 * MIB, "{} MiB more", more / MIB);
    beside.convicted().await?;
    convictions(beside).await?;
    Ok(())
}

/// One that was away asks the liar too, and takes nothing of it, whatever is forged.
#[tokio::test(flavor = "multi_thread")]
async fn forges_sync() -> anyhow::Result<()> {
    const AWAY: &str = "bdb";
    let mut beside = Beside::start(Lie::ForgesSync).await?;
    let began = Instant::now();
    while !beside.refused_all(AWAY) {
        anyhow::ensure!(began.elapsed() < DEADLINE, "it forged in vain: {}", beside.logs());
        beside.cluster.stop(AWAY).await?;
        beside.record(2).await?;
        beside.cluster.launch(AWAY)?;
        beside.caught_up(AWAY).await?;
    }
    beside.record_amid_lies().await?;
    beside.agree().await?;
    Ok(())
}
