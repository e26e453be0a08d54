//! Real nodes and a real system that fails: killed at one of their calls, with a call that fails, with a flipped byte, on a full
//! disk, without power, frozen, parted. Nothing acknowledged is lost, and each node votes again by itself. A few places of each
//! here; `scripts/soak faults` tries many.

mod bytes;
mod calls;
mod disks;
mod standing;

use crate::recovery::one;
use liuhen_tests::Cluster;
use liuhen_tests::load::{Records, Verdict, verdict};

/// How many places of a kind are tried: many in a soak, or as many as LIUHEN_SOAK says where that is more than 1.
fn places(few: u32, many: u32) -> u32 {
    match std::env::var("LIUHEN_SOAK") {
        Ok(said) => said.parse().ok().filter(|it| *it > 1).unwrap_or(many),
        Err(_) => few,
    }
}

/// How often something was done to a node, and what came of it.
#[derive(Debug, Default)]
struct Tally {
    points: u32,
    killed: u32,
    /// It went on where a call failed, or was healed.
    went_on: u32,
    /// It ended by itself, saying why.
    ended: u32,
    stuck: Vec<String>,
}

impl Tally {
    /// Notes a point after which a node does not vote any more.
    fn stuck(&mut self, point: &str, error: &anyhow::Error) {
        self.stuck.push(format!("{point}: {error:#}"));
    }

    /// Looks at what all nodes have, prints the figures, and demands that nothing is missing.
    async fn close(
        self,
        what: &str,
        cluster: &mut Cluster,
        records: &Records,
    ) -> anyhow::Result<()> {
        let Self { points, killed, went_on, ended, stuck } = self;
        let stood = stuck.len();
        let found = match stuck.is_empty() {
            true => verdict(cluster, records).await?,
            false => Verdict { acknowledged: records.acknowledged(), ..Verdict::default() },
        };
        let Verdict { acknowledged, lost, twice, apart } = found;
        println!(
            "{what}: points {points}, killed {killed}, ended {ended}, went on {went_on}, acknowledged {acknowledged}, \
             lost {lost}, twice {twice}, apart {apart}, stuck {stood}"
        );
        assert!(stuck.is_empty(), "{}", stuck.join("\n"));
        assert!(killed + ended + went_on > 0 && acknowledged > 0, "nothing happened");
        assert_eq!((lost, twice, apart), (0, 0, 0));
        Ok(())
    }
}

/// Waits until a node has what the others have, and votes.
async fn votes_again(cluster: &mut Cluster, node: &'static str) -> anyhow::Result<()> {
    let height = cluster.connect("psb").await?.status().await?.height;
    one(cluster, node, "the node to vote", |it| {
        it.voting && it.withheld.is_none() && it.height >= height
    })
    .await
}

/// Whether a thread panicked. The index's library does where it can't write; that is caught.
fn has_panicked(log: &str) -> bool {
    log.lines().any(|line| line.contains("panicked at") && !line.contains("/sled-"))
}

/// A node that ended said why, in lines that name one of these, and did not panic.
fn said_why(log: &str, causes: &[&str]) -> anyhow::Result<()> {
    anyhow::ensure!(!has_panicked(log), "{log}");
    anyhow::ensure!(causes.iter().any(|it| log.contains(it)), "none of {causes:?} in {log}");
    Ok(())
}
