//! `liuhen watch` while nodes go and come: each event is shown once, and none is lost.

use liuhen_tests::Cluster;
use liuhen_tests::actions::{record_all, register};
use liuhen_tests::cluster::{path_text, programs};
use liuhen_tests::consortium::free_port;
use liuhen_tests::wait::until;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A `liuhen watch` that runs, as the officer of public security; its output goes to files. It ends with this.
struct Watching {
    child: Child,
    shown: PathBuf,
    said: PathBuf,
}

impl Watching {
    fn start(cluster: &Cluster, name: &str, nodes: &str, which: &[&str]) -> anyhow::Result<Self> {
        let [shown, said] = ["shown", "said"].map(|it| cluster.file(&format!("{name}.{it}")));
        let key = cluster.consortium.key("psb", "officer");
        let child = Command::new(programs()?.join("liuhen"))
            .args(["--node", nodes, "--key", path_text(&key)?, "--lang", "en", "-o", "jsonl"])
            .arg("watch")
            .args(which)
            .args(["--from-height", "1"])
            .stdin(Stdio::null())
            .stdout(File::create(&shown)?)
            .stderr(File::create(&said)?)
            .spawn()?;
        Ok(Self { child, shown, said })
    }

    /// The whole lines that it showed.
    fn lines(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.shown).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(str::to_owned).collect()
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.said).unwrap_or_default()
    }

    /// Waits until it showed so many lines.
    async fn shows(&self, count: usize) -> anyhow::Result<()> {
        let shown =
            until("the events to be shown", async || (self.lines().len() >= count).then_some(()));
        shown.await.map_err(|e| anyhow::anyhow!("{e}: {:?}\n{}", self.lines(), self.said()))
    }

    /// Waits until it said so often that it is connected again.
    async fn is_back(&self, times: usize) -> anyhow::Result<()> {
        let back = until("the watch to be taken up again", async || {
            let back = self.said().matches("connected again").count();
            (back >= times).then_some(())
        });
        back.await.map_err(|e| anyhow::anyhow!("{e}: {}", self.said()))
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // Best effort: the test is over.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a node anew, with a port for clients that stays the same when it is started again. Gives its address.
async fn with_port(cluster: &mut Cluster, node: &'static str) -> anyhow::Result<String> {
    cluster.stop(node).await?;
    cluster.consortium.set(node, "grpc_listen", format!("127.0.0.1:{}", free_port()?))?;
    cluster.launch(node)?;
    cluster.address(node).await
}

/// Records numbers through a node.
async fn commit(
    cluster: &mut Cluster,
    node: &str,
    numbers: std::ops::RangeInclusive<u64>,
) -> anyhow::Result<()> {
    let node = cluster.connect(node).await?;
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    record_all(&node, &gateway, numbers).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_goes_on_where_it_was() -> anyhow::Result<()> {
    const TRAIL: [&str; 2] = ["dataset", "civil.resident"];
    let mut cluster = Cluster::start().await?;
    let first = with_port(&mut cluster, "psb").await?;
    let second = with_port(&mut cluster, "tax").await?;
    cluster.all_at(1).await?;
    register(&mut cluster).await?;
    // One dataset's trail and whatever the department may see, by two nodes; and the trail by one node alone.
    let both = format!("{first},{second}");
    let watches = [
        Watching::start(&cluster, "trail", &both, &TRAIL)?,
        Watching::start(&cluster, "ledger", &both, &[])?,
        Watching::start(&cluster, "alone", &first, &TRAIL)?,
    ];
    for watch in &watches {
        watch.shows(1).await?;
    }
    let before: Vec<usize> = watches.iter().map(|it| it.lines().len()).collect();
    commit(&mut cluster, "bdb", 1..=2).await?;

    // The node that is asked goes; the other one tells of what commits meanwhile.
    cluster.kill("psb")?;
    commit(&mut cluster, "bdb", 3..=5).await?;
    for (watch, before) in watches.iter().zip(&before).take(2) {
        watch.shows(before + 5).await?;
        watch.is_back(1).await?;
    }
    // It comes back: who knows it alone is told what it missed.
    cluster.launch("psb")?;
    watches[2].shows(before[2] + 5).await?;
    watches[2].is_back(1).await?;
    // The other one goes.
    let height = cluster.connect("bdb").await?.status().await?.height;
    cluster.all_at(height).await?;
    cluster.kill("tax")?;
    commit(&mut cluster, "bdb", 6..=8).await?;
    for (watch, before) in watches.iter().zip(&before) {
        watch.shows(before + 8).await?;
    }

    // The same as is shown to one who was never interrupted.
    let third = cluster.address("bdb").await?;
    for (watch, which) in watches.iter().zip([&TRAIL[..], &[], &TRAIL]) {
        let lines = watch.lines();
        let each: BTreeSet<&String> = lines.iter().collect();
        assert_eq!(each.len(), lines.len(), "{which:?}: some twice: {lines:?}");
        let whole = Watching::start(&cluster, "whole", &third, which)?;
        whole.shows(lines.len()).await?;
        assert_eq!(lines, whole.lines()[..lines.len()], "{which:?}: {}", watch.said());
    }
    // What was committed is all there.
    let officer = ("psb", "officer");
    let trail = cluster.liuhen("bdb", officer, &["-o", "jsonl", "trail", "dataset", TRAIL[1]]);
    assert_eq!(String::from_utf8(trail.await?.stdout)?.lines().count(), watches[0].lines().len());
    Ok(())
}
