//! Four node processes.

use crate::consortium::{Consortium, Member, NODES};
use crate::links::Links;
use crate::wait::{DEADLINE, until};
use anyhow::Context as _;
use liuhen_byzantine::Lie;
use liuhen_client::connect::Node;
use liuhen_client::submit::Account;
use liuhen_keyfile::PassphraseSource;
use liuhen_node::store::{BlockLog, StoredBlock};
use liuhen_proto::types::Height;
use liuhen_proto::wire::GetStatusResponse;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A consortium whose nodes run as processes of their own. They end with it.
pub struct Cluster {
    /// The consortium.
    pub consortium: Consortium,
    folder: TempDir,
    running: BTreeMap<&'static str, Child>,
}

/// The folder with the programs under test: that of this test's own program, one up.
pub fn programs() -> anyhow::Result<PathBuf> {
    let mut folder = std::env::current_exe()?;
    folder.pop();
    if folder.ends_with("deps") {
        folder.pop();
    }
    anyhow::ensure!(
        folder.join("liuhen-node").exists(),
        "{} has no liuhen-node: build the programs first, as scripts/test does",
        folder.display()
    );
    Ok(folder)
}

impl Cluster {
    /// Founds a consortium, and starts its four nodes.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_of("", &[]).await
    }

    /// Founds a consortium with more lines of `[parameters]` and more members, and starts its four nodes.
    pub async fn start_of(parameters: &str, members: &[Member]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let consortium = Consortium::found_with(folder.path(), parameters, members)?;
        let mut cluster = Self { consortium, folder, running: BTreeMap::new() };
        for node in NODES {
            cluster.launch(node)?;
        }
        cluster.all_up().await?;
        Ok(cluster)
    }

    /// Founds a consortium in a folder where something stands already, and starts its four nodes.
    pub async fn start_in(
        folder: TempDir,
        set: impl FnOnce(&Consortium) -> anyhow::Result<()>,
    ) -> anyhow::Result<Self> {
        let consortium = Consortium::found(folder.path())?;
        set(&consortium)?;
        let mut cluster = Self { consortium, folder, running: BTreeMap::new() };
        for node in NODES {
            cluster.launch(node)?;
        }
        cluster.all_up().await?;
        Ok(cluster)
    }

    /// Founds a consortium, and starts its four nodes behind links that can be cut.
    pub async fn start_linked() -> anyhow::Result<(Self, Links)> {
        let folder = tempfile::tempdir()?;
        let consortium = Consortium::found(folder.path())?;
        let links = Links::of(&consortium).await?;
        let mut cluster = Self { consortium, folder, running: BTreeMap::new() };
        for node in NODES {
            cluster.launch(node)?;
        }
        cluster.all_up().await?;
        Ok((cluster, links))
    }

    /// Founds a consortium, and starts its four nodes; some of them with settings put before those that they have.
    pub async fn start_with(settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let consortium = Consortium::found(folder.path())?;
        for (node, before) in settings {
            let file = consortium.home(node).join(liuhen_node::config::FILE);
            let text = std::fs::read_to_string(&file)?;
            std::fs::write(&file, format!("{before}{text}"))?;
        }
        let mut cluster = Self { consortium, folder, running: BTreeMap::new() };
        for node in NODES {
            cluster.launch(node)?;
        }
        // A node that serves over TLS alone is asked by who knows its authority.
        let plain = |node: &&str| settings.iter().all(|(it, _)| it != node);
        for node in NODES.into_iter().filter(plain) {
            let asked = cluster.connect(node).await?;
            until("the first block", async || {
                asked.status().await.ok().filter(|status| status.height >= 1)
            })
            .await?;
        }
        Ok(cluster)
    }

    /// A file in the cluster's folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Founds a consortium, and starts its four nodes, each of which may have so many files open.
    pub async fn start_with_files(files: u32) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let consortium = Consortium::found(folder.path())?;
        let mut cluster = Self { consortium, folder, running: BTreeMap::new() };
        for node in NODES {
            cluster.launch_with_files(node, files)?;
        }
        cluster.all_up().await?;
        Ok(cluster)
    }

    /// Founds a consortium, and starts its four nodes, of which one lies.
    pub async fn start_beside(liar: &'static str, lie: Lie) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let consortium = Consortium::found(folder.path())?;
        let mut cluster = Self { consortium, folder, running: BTreeMap::new() };
        for node in NODES.into_iter().filter(|it| *it != liar) {
            cluster.launch(node)?;
        }
        let mut program = Command::new(programs()?.join("liuhen-byzantine"));
        program.args(["--lie", &lie.name()]);
        cluster.spawn(liar, program)?;
        cluster.all_up().await?;
        Ok(cluster)
    }

    /// Starts a node's process.
    pub fn launch(&mut self, node: &'static str) -> anyhow::Result<()> {
        self.spawn(node, Command::new(programs()?.join("liuhen-node")))
    }

    /// Starts a node's process that may have so many files open, and no more whatever it tries.
    pub fn launch_with_files(&mut self, node: &'static str, files: u32) -> anyhow::Result<()> {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -n {files}; exec \"$0\" \"$@\"")]);
        shell.arg(programs()?.join("liuhen-node"));
        self.spawn(node, shell)
    }

    /// Starts a node's process by another program, which becomes it: the node's program and arguments come behind its own.
    pub fn launch_by(&mut self, node: &'static str, mut program: Command) -> anyhow::Result<()> {
        program.arg(programs()?.join("liuhen-node"));
        self.spawn(node, program)
    }

    fn spawn(&mut self, node: &'static str, mut program: Command) -> anyhow::Result<()> {
        let home = self.consortium.home(node);
        let address = home.join("grpc.address");
        if address.exists() {
            std::fs::remove_file(&address)?;
        }
        let log = File::options().create(true).append(true).open(home.join("log"))?;
        let child = program
            .args(["run", "--home"])
            .arg(&home)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("start {}: is it built?", program.get_program().display()))?;
        self.running.insert(node, child);
        Ok(())
    }

    /// Kills a node's process at once, as a power cut would.
    pub fn kill(&mut self, node: &str) -> anyhow::Result<()> {
        if let Some(mut child) = self.running.remove(node) {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// A node's process, while it runs.
    pub fn pid(&self, node: &str) -> Option<u32> {
        self.running.get(node).map(std::process::Child::id)
    }

    /// All nodes but one go on with what is left of the processors.
    pub fn others_with_what_is_left(&self, node: &str) -> anyhow::Result<()> {
        for (_, child) in self.running.iter().filter(|(name, _)| **name != node) {
            // Threads that are there already are each of their own.
            for thread in std::fs::read_dir(format!("/proc/{}/task", child.id()))? {
                let thread = thread?.file_name().to_string_lossy().into_owned();
                let done = Command::new("renice").args(["-n", "19", "-p", &thread]).output()?;
                anyhow::ensure!(done.status.success(), "renice: {done:?}");
            }
        }
        Ok(())
    }

    /// Bytes of memory that a node's process has now.
    pub fn memory(&self, node: &str) -> anyhow::Result<u64> {
        let child = self.running.get(node).context("this node was not started")?;
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|it| it.trim().strip_suffix(" kB")).context("no VmRSS")?;
        Ok(kilobytes.trim().parse::<u64>()?.saturating_mul(1024))
    }

    /// Sends a node's process a signal.
    pub fn signal(&self, node: &str, signal: &str) -> anyhow::Result<()> {
        let child = self.running.get(node).context("this node was not started")?;
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status()?;
        anyhow::ensure!(sent.success(), "{signal} was not sent");
        Ok(())
    }

    /// Freezes a node's process with SIGSTOP, and waits until each of its threads stands: the signal is sent before
    /// that, and a thread that runs yet answers.
    pub async fn freeze(&self, node: &str) -> anyhow::Result<()> {
        self.signal(node, "-STOP")?;
        let child = self.running.get(node).context("this node was not started")?;
        let threads = PathBuf::from(format!("/proc/{}/task", child.id()));
        until("each thread of the node to stand", async || {
            let mut all = std::fs::read_dir(&threads).ok()?;
            let stands = all.all(|thread| {
                let status = thread.map(|it| std::fs::read_to_string(it.path().join("status")));
                status.is_ok_and(|it| it.is_ok_and(|text| text.contains("State:\tT")))
            });
            stands.then_some(())
        })
        .await
    }

    /// Stops a node with SIGTERM; it must end well.
    pub async fn stop(&mut self, node: &str) -> anyhow::Result<()> {
        let Some(mut child) = self.running.remove(node) else { return Ok(()) };
        let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status()?;
        anyhow::ensure!(sent.success(), "SIGTERM was not sent");
        let status = until("the node to stop", async || child.try_wait().ok().flatten()).await?;
        anyhow::ensure!(status.success(), "{node} ended with {status}: {}", self.log(node));
        Ok(())
    }

    /// Waits until a node's process has ended by itself.
    pub async fn ended(&mut self, node: &str) -> anyhow::Result<ExitStatus> {
        let mut child = self.running.remove(node).context("this node was not started")?;
        let ended = until("the node to end", async || child.try_wait().ok().flatten()).await;
        if ended.is_err() {
            child.kill()?;
            child.wait()?;
        }
        ended.with_context(|| self.log(node))
    }

    /// How a node's process ended, if it did by itself.
    pub fn has_ended(&mut self, node: &str) -> anyhow::Result<Option<ExitStatus>> {
        let child = self.running.get_mut(node).context("this node was not started")?;
        let ended = child.try_wait()?;
        if ended.is_some() {
            self.running.remove(node);
        }
        Ok(ended)
    }

    /// The status of a node, if it answers now.
    pub async fn answers(&self, node: &str) -> Option<GetStatusResponse> {
        let file = self.consortium.home(node).join("grpc.address");
        let address = std::fs::read_to_string(file).ok().filter(|it| !it.is_empty())?;
        let within = Duration::from_secs(5);
        let node = Node::connect_within(&format!("http://{address}"), within).await.ok()?;
        node.status().await.ok()
    }

    /// The end of a node's log.
    pub fn log(&self, node: &str) -> String {
        let text = self.whole_log(node);
        let lines: Vec<&str> = text.lines().rev().take(20).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// All that a node logged.
    pub fn whole_log(&self, node: &str) -> String {
        std::fs::read_to_string(self.consortium.home(node).join("log")).unwrap_or_default()
    }

    /// The address of a node that runs.
    pub async fn address(&mut self, node: &str) -> anyhow::Result<String> {
        let file = self.consortium.home(node).join("grpc.address");
        let found = until("a node to serve", async || {
            std::fs::read_to_string(&file).ok().filter(|text| !text.is_empty())
        })
        .await;
        found.map(|it| format!("http://{it}")).with_context(|| self.log(node))
    }

    /// A connection to a node that runs.
    pub async fn connect(&mut self, node: &str) -> anyhow::Result<Node> {
        let address = self.address(node).await?;
        let connected =
            until("a connection", async || Node::connect_within(&address, DEADLINE).await.ok())
                .await;
        connected.with_context(|| self.log(node))
    }

    /// The account of an identity, through a node.
    pub async fn account(
        &self,
        node: &Node,
        department: &str,
        identity: &str,
    ) -> anyhow::Result<Account> {
        let file = self.consortium.key(department, identity);
        Ok(Account::open(node, &file, &PassphraseSource::CredentialOrPrompt).await?)
    }

    /// The blocks in the log of a node that does not run, from height 1 on. Errors where the log is damaged.
    pub fn blocks(&self, node: &str) -> anyhow::Result<Vec<StoredBlock>> {
        let (log, damage) = BlockLog::open(&self.consortium.home(node).join("data/blocks"))?;
        anyhow::ensure!(damage.is_empty(), "{node}: {damage:?}");
        let all = (1..=log.height().get())
            .map(|height| log.read(Height::new(height))?.context("a block below the log's height"));
        all.collect()
    }

    /// Waits until every running node has the first block, and votes.
    async fn all_up(&mut self) -> anyhow::Result<()> {
        self.all(|status| status.height >= 1 && status.withheld.is_none()).await.map(drop)
    }

    /// Waits until every running node is at this height, and gives their statuses.
    pub async fn all_at(&mut self, height: u64) -> anyhow::Result<Vec<GetStatusResponse>> {
        self.all(|status| status.height >= height).await
    }

    /// Waits until this is so of every running node, and gives their statuses.
    async fn all(
        &mut self,
        wanted: impl Fn(&GetStatusResponse) -> bool,
    ) -> anyhow::Result<Vec<GetStatusResponse>> {
        let names: Vec<&'static str> = self.running.keys().copied().collect();
        let mut all = Vec::new();
        for name in names {
            let node = self.connect(name).await?;
            let reached =
                until("the height", async || node.status().await.ok().filter(&wanted)).await;
            all.push(reached.with_context(|| format!("{name}: {}", self.log(name)))?);
        }
        Ok(all)
    }

    /// Runs a program under test with these arguments.
    pub fn run(&self, program: &str, arguments: &[&str]) -> anyhow::Result<Output> {
        let output = Command::new(programs()?.join(program))
            .args(arguments)
            // What is kept for a user is kept for the test.
            .env("LIUHEN_READS", self.folder.path().join("reads.jsonl"))
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("run {program}"))?;
        Ok(output)
    }

    /// Runs `liuhen` as an identity, through a node.
    pub async fn liuhen(
        &mut self,
        node: &str,
        who: (&str, &str),
        arguments: &[&str],
    ) -> anyhow::Result<Output> {
        let address = self.address(node).await?;
        let key = self.consortium.key(who.0, who.1);
        let key = path_text(&key)?;
        let all = [&["--node", &address, "--key", key], arguments].concat();
        self.run("liuhen", &all)
    }
}

/// A path as text, for arguments.
pub fn path_text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("a path that is no text")
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.running.values_mut() {
            // Best effort: the test is over.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
