//! What a gateway records while something goes wrong, and what of it the nodes have afterwards.

use crate::Cluster;
use crate::actions::record;
use crate::consortium::NODES;
use anyhow::Context as _;
use liuhen_node::store::StoredBlock;
use liuhen_proto::tx::Tx;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;

/// How long is waited where the node says nothing of a record.
const AGAIN: Duration = Duration::from_millis(50);

/// Numbers of records that were submitted, over all loads of a test: none is submitted twice.
#[derive(Debug, Clone, Default)]
pub struct Records(Arc<Mutex<Numbers>>);

#[derive(Debug, Default)]
struct Numbers {
    last: u64,
    acknowledged: BTreeSet<u64>,
}

impl Records {
    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that nobody has submitted.
    pub fn next(&self) -> u64 {
        let mut numbers = self.numbers();
        numbers.last += 1;
        numbers.last
    }

    /// How many a node said are committed.
    pub fn acknowledged(&self) -> usize {
        self.numbers().acknowledged.len()
    }
}

/// Public security's gateway, which records one after the other.
pub struct Load {
    task: JoinHandle<anyhow::Result<()>>,
    over: Arc<AtomicBool>,
}

impl Load {
    /// Begins it at public security's node, which must run.
    pub async fn start(cluster: &mut Cluster, records: &Records) -> anyhow::Result<Self> {
        let node = cluster.connect("psb").await?;
        let gateway = cluster.account(&node, "psb", "gateway").await?;
        let (over, records) = (Arc::new(AtomicBool::new(false)), records.clone());
        let ends = Arc::clone(&over);
        let task = tokio::spawn(async move {
            while !ends.load(Ordering::Relaxed) {
                let number = records.next();
                match gateway.submit(&node, &[record(number)?]).await {
                    Ok(_) => {
                        records.numbers().acknowledged.insert(number);
                    }
                    // It may be committed or not.
                    Err(_) => tokio::time::sleep(AGAIN).await,
                }
            }
            Ok(())
        });
        Ok(Self { task, over })
    }

    /// Ends it, and waits for what was submitted last.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.over.store(true, Ordering::Relaxed);
        self.task.await.context("the load")?
    }
}

/// What came of records.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Acknowledged.
    pub acknowledged: usize,
    /// Acknowledged, and missing on a node.
    pub lost: usize,
    /// More than once on a node.
    pub twice: usize,
    /// Heights at which two nodes have different blocks or map roots.
    pub apart: usize,
}

/// Waits until all nodes have what public security's has, stops them, and reads their logs.
pub async fn verdict(cluster: &mut Cluster, records: &Records) -> anyhow::Result<Verdict> {
    let height = cluster.connect("psb").await?.status().await?.height;
    let roots = cluster.all_at(height).await?;
    let mut at = BTreeMap::<u64, BTreeSet<Vec<u8>>>::new();
    for status in roots {
        at.entry(status.height).or_default().insert(status.map_root);
    }
    let mut found =
        Verdict { acknowledged: records.acknowledged(), ..differences(at.into_values()) };
    let mut ids = BTreeMap::<u64, BTreeSet<Vec<u8>>>::new();
    let (mut lost, mut twice) = (BTreeSet::<u64>::new(), BTreeSet::<u64>::new());
    for node in NODES {
        cluster.stop(node).await?;
        let mut times = BTreeMap::<u64, u32>::new();
        for block in cluster.blocks(node)? {
            let header = block.block.header()?;
            ids.entry(header.height.get()).or_default().insert(block.block.header.clone());
            for number in recorded(&block)? {
                *times.entry(number).or_default() += 1;
            }
        }
        lost.extend(records.numbers().acknowledged.iter().filter(|it| !times.contains_key(it)));
        twice.extend(times.into_iter().filter(|(_, count)| *count > 1).map(|(number, _)| number));
    }
    found.apart += differences(ids.into_values()).apart;
    (found.lost, found.twice) = (lost.len(), twice.len());
    Ok(found)
}

fn differences(of: impl Iterator<Item = BTreeSet<Vec<u8>>>) -> Verdict {
    Verdict { apart: of.filter(|it| it.len() > 1).count(), ..Verdict::default() }
}

/// The numbers of the records in a block.
fn recorded(block: &StoredBlock) -> anyhow::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for bytes in &block.block.transactions {
        let tx = Tx::parse(bytes)?;
        numbers.extend(tx.items().iter().filter_map(|it| Some(it.record()?.access_no)));
    }
    Ok(numbers)
}
