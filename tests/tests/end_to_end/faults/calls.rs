//! A node dies at the K-th call of a kind that one of its threads makes, or that call fails.

use super::{Tally, has_panicked, places, said_why, votes_again};
use crate::recovery::one;
use liuhen_tests::Cluster;
use liuhen_tests::actions::register;
use liuhen_tests::doors::has;
use liuhen_tests::load::{Load, Records};
use liuhen_tests::wait::until;
use std::collections::BTreeMap;
use std::process::{Command, ExitStatus};

const STRACE: &str = "/usr/bin/strace";
const NODE: &str = "tax";
/// What the tracer says, in the cluster's folder.
const TRACE: &str = "trace";
/// Records after which a call is not waited for any more.
const ENOUGH: usize = 40;
/// The last K of a soak.
const LAST: u32 = 24;

/// What a node that ends says of an injected error; the last two where the index met it.
const CAUSES: [&str; 4] = ["os error 5", "os error 28", "Input/output error", "No space left"];

/// Calls of a kind, of one file where one is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Call {
    names: &'static str,
    file: Option<&'static str>,
}

const fn any(names: &'static str) -> Call {
    Call { names, file: None }
}

const SYNC_DATA: Call = any("fdatasync");
const SYNC: Call = any("fsync");
const WRITE: Call = any("pwrite64");
const WRITE_VOTES: Call = Call { names: "write", file: Some("data/consensus/engine.wal") };
const RENAME: Call = any("rename,renameat,renameat2");
const REMOVE: Call = any("unlink,unlinkat");
const CUT: Call = any("ftruncate");
const KINDS: [Call; 7] = [SYNC_DATA, SYNC, WRITE, WRITE_VOTES, RENAME, REMOVE, CUT];

/// What happens at a call.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Kill,
    Fails(&'static str),
}

impl Fault {
    fn injected(self) -> String {
        match self {
            Self::Kill => "signal=SIGKILL".to_owned(),
            Self::Fails(error) => format!("error={error}"),
        }
    }
}

/// How the node came out of a point.
enum Came {
    Through,
    Ended(ExitStatus),
}

fn traced(cluster: &Cluster, fault: Fault, call: Call, k: u32) -> Command {
    let mut strace = Command::new(STRACE);
    // The tracer is beside the node, not before it: signals reach the node.
    strace.args(["-D", "-f", "-qq", "-o"]).arg(cluster.file(TRACE));
    if let Some(file) = call.file {
        strace.arg("-P").arg(cluster.consortium.home(NODE).join(file));
    }
    let inject = format!("inject={}:{}:when={k}", call.names, fault.injected());
    strace.args(["-e", &format!("trace={}", call.names), "-e", &inject]);
    strace
}

/// Waits until the node ended, or has made so many blocks with the others that this call won't come.
async fn came(cluster: &mut Cluster, records: &Records) -> anyhow::Result<Came> {
    let mut votes_since = None;
    until("the call", async || match cluster.has_ended(NODE).ok()? {
        Some(status) => Some(Came::Ended(status)),
        None => {
            let votes = cluster.answers(NODE).await.is_some_and(|it| it.withheld.is_none());
            let now = records.acknowledged();
            let since = votes_since.or(votes.then_some(now));
            votes_since = since;
            (now >= since?.saturating_add(ENOUGH)).then_some(Came::Through)
        }
    })
    .await
}

/// One point: the node meets the fault under load, is started plainly, and votes. Whether it met it.
async fn point(
    cluster: &mut Cluster,
    records: &Records,
    (fault, call, k): (Fault, Call, u32),
    tally: &mut Tally,
) -> anyhow::Result<bool> {
    tally.points += 1;
    cluster.stop(NODE).await?;
    let before = cluster.whole_log(NODE).len();
    cluster.launch_by(NODE, traced(cluster, fault, call, k))?;
    let load = Load::start(cluster, records).await?;
    let (met, log) = match came(cluster, records).await? {
        Came::Ended(status) if matches!(fault, Fault::Kill) => {
            anyhow::ensure!(status.code().is_none(), "{status}: {}", cluster.log(NODE));
            tally.killed += 1;
            (true, String::new())
        }
        Came::Ended(status) => {
            tally.ended += 1;
            let log = cluster.whole_log(NODE).split_off(before);
            anyhow::ensure!(status.code() == Some(1), "{status}: {log}");
            said_why(&log, &CAUSES)?;
            (true, log)
        }
        Came::Through => {
            cluster.kill(NODE)?;
            let met = std::fs::read_to_string(cluster.file(TRACE))?.contains("(INJECTED)");
            tally.went_on += u32::from(met);
            (met, cluster.whole_log(NODE).split_off(before))
        }
    };
    anyhow::ensure!(!has_panicked(&log), "{log}");
    cluster.launch(NODE)?;
    votes_again(cluster, NODE).await?;
    load.stop().await?;
    Ok(met)
}

/// Goes through points of a kind of fault, each in its turn. Where a call does not come so often, it is left.
async fn through(what: &str, fault: Fault, points: BTreeMap<Call, Vec<u32>>) -> anyhow::Result<()> {
    if !has(STRACE) {
        return Ok(());
    }
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    let (records, mut tally) = (Records::default(), Tally::default());
    'calls: for (call, ks) in points {
        for k in ks {
            match point(&mut cluster, &records, (fault, call, k), &mut tally).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tally.stuck(&format!("{what}, call {k} of {call:?}"), &error);
                    break 'calls;
                }
            }
        }
    }
    tally.close(what, &mut cluster, &records).await
}

/// In a soak each place of each call, else these.
fn points(few: &[(Call, &[u32])]) -> BTreeMap<Call, Vec<u32>> {
    match places(0, LAST) {
        0 => few.iter().map(|(call, ks)| (*call, ks.to_vec())).collect(),
        last => KINDS.into_iter().map(|call| (call, (1..=last).collect())).collect(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_a_call() -> anyhow::Result<()> {
    let few: [(Call, &[u32]); 7] = [
        (SYNC_DATA, &[2, 9]),
        (SYNC, &[3]),
        (WRITE, &[12]),
        (WRITE_VOTES, &[5]),
        (RENAME, &[3]),
        (REMOVE, &[2]),
        (CUT, &[2]),
    ];
    through("killed at a call", Fault::Kill, points(&few)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_fails_for_an_error_of_the_disk() -> anyhow::Result<()> {
    let few: [(Call, &[u32]); 3] = [(SYNC_DATA, &[7]), (SYNC, &[4]), (WRITE, &[9])];
    through("EIO at a call", Fault::Fails("EIO"), points(&few)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_fails_for_want_of_room() -> anyhow::Result<()> {
    let few: [(Call, &[u32]); 3] = [(SYNC_DATA, &[5]), (WRITE, &[15]), (WRITE_VOTES, &[4])];
    through("ENOSPC at a call", Fault::Fails("ENOSPC"), points(&few)).await
}

/// A node without data meets the fault while it takes in another's snapshot, and joins when it is started again.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_fails_while_a_node_joins() -> anyhow::Result<()> {
    if !has(STRACE) {
        return Ok(());
    }
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    let (records, mut tally) = (Records::default(), Tally::default());
    let load = Load::start(&mut cluster, &records).await?;
    until("some blocks", async || (records.acknowledged() > ENOUGH).then_some(())).await?;
    cluster.consortium.set(NODE, "snapshot_ahead", 5)?;
    for (call, k) in [(WRITE, 2), (WRITE, 9), (SYNC, 3), (SYNC_DATA, 2), (RENAME, 2), (REMOVE, 1)] {
        let point = (Fault::Fails("EIO"), call, k);
        if let Err(error) = joins(&mut cluster, &records, point, &mut tally).await {
            tally.stuck(&format!("EIO while it joins, call {k} of {call:?}"), &error);
            break;
        }
    }
    load.stop().await?;
    tally.close("EIO while it joins", &mut cluster, &records).await
}

async fn joins(
    cluster: &mut Cluster,
    records: &Records,
    (fault, call, k): (Fault, Call, u32),
    tally: &mut Tally,
) -> anyhow::Result<()> {
    tally.points += 1;
    cluster.stop(NODE).await?;
    std::fs::remove_dir_all(cluster.consortium.home(NODE).join("data"))?;
    let before = cluster.whole_log(NODE).len();
    cluster.launch_by(NODE, traced(cluster, fault, call, k))?;
    match came(cluster, records).await? {
        Came::Ended(status) => {
            tally.ended += 1;
            let log = cluster.whole_log(NODE).split_off(before);
            anyhow::ensure!(status.code() == Some(1) && !has_panicked(&log), "{log}");
            said_why(&log, &CAUSES)?;
        }
        Came::Through => {
            tally.went_on += 1;
            cluster.kill(NODE)?;
        }
    }
    cluster.launch(NODE)?;
    votes_again(cluster, NODE).await?;
    one(cluster, NODE, "the blocks before", |it| it.older_missing.is_none()).await
}
