//! Beside a cluster: a gate, a real [`nginx`], and a service that knows nothing of either, which answers over [`http`].

mod http;
mod nginx;

pub use http::{Answered, get, send, service};
pub use nginx::Nginx;

use crate::Cluster;
use crate::cluster::programs;
use crate::consortium::free_port;
use crate::wait::until;
use anyhow::Context as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Whether a program is here; where it is not, this is said, and forbidden in the project's own runs.
pub fn has(program: &str) -> bool {
    let found = Path::new(program).exists();
    assert!(found || std::env::var_os("CI").is_none(), "{program} is missing");
    if !found {
        eprintln!("skipped: {program} is not here");
    }
    found
}

/// A process of a test, ended with it.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Ends this one with the test.
    pub const fn of(child: Child) -> Self {
        Self(child)
    }

    /// Kills it at once.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: &str) -> anyhow::Result<()> {
        let sent = Command::new("kill").args([signal, &self.0.id().to_string()]).status()?;
        anyhow::ensure!(sent.success(), "{signal} was not sent");
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `liuhen-gate` by these settings, which logs beside them, once its doors are open.
async fn started(command: &str, settings: &Path, watch: u16) -> anyhow::Result<Process> {
    let folder = settings.parent().context("a folder")?;
    let log = File::options().create(true).append(true).open(folder.join("log"))?;
    let child = Command::new(programs()?.join("liuhen-gate"))
        .args([command, "--settings"])
        .arg(settings)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()?;
    let process = Process(child);
    let open = until("the doors", async || get(watch, "/readyz", &[]).await.ok());
    open.await.with_context(|| log_beside(folder))?;
    Ok(process)
}

fn log_beside(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("log")).unwrap_or_default()
}

/// Public security's gate.
pub struct Gate {
    /// Its folder.
    pub folder: PathBuf,
    /// Where nginx asks.
    pub nginx: u16,
    /// Where services ask.
    pub api: u16,
    /// Where metrics are.
    pub watch: u16,
    process: Option<Process>,
}

/// What a service shows at the local API.
pub const SECRET: &str = "sixteen characters";
/// The key by which the portal of human resources is told.
pub const PORTAL_KEY: &str = "the portal's own key";

/// How the log of a database is read whose application is the portal of human resources.
pub const MAPPING: &str = r#"
time_zone = "Asia/Shanghai"
databases = ["population"]
salt_file = "salt"
log_line_prefix = '%m [%p] %u@%d '

[relations]
"population.civil.resident" = "civil.resident"

[columns]
"population.civil.resident" = ["id", "name"]

[[rules]]
identity = "gz.hrss/portal"
dataset = "civil.resident"
purpose = "pension"

[roles.app]
identity = "gz.hrss/portal"
purpose = "pension"
"#;

impl Gate {
    /// Adds a database's log to what it follows; its settings are read at the next start.
    pub fn follow(&self) -> anyhow::Result<PathBuf> {
        std::fs::write(self.folder.join("mapping.toml"), MAPPING)?;
        let source = "\n[[source]]\nname = \"population\"\nkind = \"pgaudit\"\nlog = \"audit.json\"\nmapping = \"mapping.toml\"\n";
        self.add(source)?;
        Ok(self.folder.join("audit.json"))
    }

    /// Its settings, at the nodes of these departments.
    pub async fn set_up(cluster: &mut Cluster, nodes: &[&str]) -> anyhow::Result<Self> {
        Self::set_up_to(cluster, nodes, "enforce").await
    }

    /// The same, with doors of this mode.
    pub async fn set_up_to(
        cluster: &mut Cluster,
        nodes: &[&str],
        mode: &str,
    ) -> anyhow::Result<Self> {
        Self::set_up_as(cluster, nodes, mode, "gateway").await
    }

    /// The same as another of its gateways.
    pub async fn set_up_as(
        cluster: &mut Cluster,
        nodes: &[&str],
        mode: &str,
        identity: &str,
    ) -> anyhow::Result<Self> {
        let folder = cluster.file(&format!("gate-of-{identity}"));
        std::fs::create_dir_all(folder.join("other-disk"))?;
        let mut addresses = Vec::new();
        for node in nodes {
            addresses.push(format!("\"{}\"", cluster.address(node).await?));
        }
        let (nginx, api, watch) = (free_port()?, free_port()?, free_port()?);
        std::fs::write(folder.join("secret"), SECRET)?;
        let digest = blake3::hash(PORTAL_KEY.as_bytes());
        let text = format!(
            r#"genesis = "{genesis}"
nodes = [{nodes}]
key = "{key}"
spool = "spool"
numbers = "other-disk/numbers"
watch = "127.0.0.1:{watch}"
open_minutes = 1

[[door]]
name = "residents"
kind = "nginx"
listen = "127.0.0.1:{nginx}"
access_log = "access.log"
secret = "secret"
mode = "{mode}"

[[door]]
name = "services"
kind = "api"
listen = "127.0.0.1:{api}"
secret = "secret"
mode = "{mode}"

[[caller]]
identity = "gz.hrss/portal"
key_header = "X-Api-Key"
key_blake3 = "{digest}"

[[route]]
path = "/residents/[0-9]+"
methods = ["GET"]
dataset = "civil.resident"
purpose = "pension"
fields = ["id", "name"]

[[route]]
path = "/urgent/[0-9]+"
dataset = "civil.resident"
purpose = "pension"
otherwise = "serve"
"#,
            genesis = cluster.consortium.genesis().display(),
            nodes = addresses.join(", "),
            key = cluster.consortium.key("psb", identity).display(),
        );
        std::fs::write(folder.join("gate.toml"), text)?;
        Ok(Self { folder, nginx, api, watch, process: None })
    }

    /// Gives it one door more, of this kind; its settings are read at the next start.
    pub fn add_door(&self, kind: &str, access_log: Option<&str>) -> anyhow::Result<u16> {
        let port = free_port()?;
        let log = access_log.map(|it| format!("access_log = \"{it}\"\n")).unwrap_or_default();
        let door = format!(
            "\n[[door]]\nname = \"{kind}\"\nkind = \"{kind}\"\nlisten = \"127.0.0.1:{port}\"\nsecret = \"secret\"\nmode = \"enforce\"\n{log}"
        );
        self.add(&door)?;
        Ok(port)
    }

    /// Gives it a door of its own before a service; its settings are read at the next start.
    pub fn add_own_door(&self, service: u16) -> anyhow::Result<u16> {
        let port = free_port()?;
        let door = format!(
            "\n[[door]]\nname = \"own\"\nkind = \"own\"\nlisten = \"127.0.0.1:{port}\"\nupstream = \"http://127.0.0.1:{service}\"\nmode = \"enforce\"\n"
        );
        self.add(&door)?;
        Ok(port)
    }

    /// Adds this to its settings, which are read at the next start.
    pub fn add(&self, text: &str) -> anyhow::Result<()> {
        let mut settings = File::options().append(true).open(self.folder.join("gate.toml"))?;
        Ok(std::io::Write::write_all(&mut settings, text.as_bytes())?)
    }

    /// Starts it, and waits until its doors are open.
    pub async fn start(&mut self) -> anyhow::Result<()> {
        let settings = self.folder.join("gate.toml");
        self.process = Some(started("run", &settings, self.watch).await?);
        Ok(())
    }

    /// Kills it at once.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.process.take().map_or(Ok(()), |mut it| it.kill())
    }

    /// Changes its settings: what is read at the next start.
    pub fn change(&self, from: &str, to: &str) -> anyhow::Result<()> {
        let file = self.folder.join("gate.toml");
        let text = std::fs::read_to_string(&file)?;
        anyhow::ensure!(text.contains(from), "{from} is not in the settings");
        Ok(std::fs::write(&file, text.replace(from, to))?)
    }

    /// How much memory it holds, as the system says.
    pub fn memory(&self) -> String {
        let id = self.process.as_ref().map_or(0, |it| it.0.id());
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
        line.unwrap_or_default().trim().to_owned()
    }

    /// What it logged.
    pub fn log(&self) -> String {
        log_beside(&self.folder)
    }
}

/// Human resources' using side, between its application and a collector's service.
pub struct UsingSide {
    /// Where the application asks.
    pub own: u16,
    /// Where a service says what it received.
    pub api: u16,
    /// Where metrics are.
    pub watch: u16,
    folder: PathBuf,
    process: Option<Process>,
}

impl UsingSide {
    /// Its settings, at the nodes of these departments, before a service at a port.
    pub async fn set_up(
        cluster: &mut Cluster,
        nodes: &[&str],
        service: u16,
    ) -> anyhow::Result<Self> {
        let folder = cluster.file("using");
        std::fs::create_dir_all(&folder)?;
        let mut addresses = Vec::new();
        for node in nodes {
            addresses.push(format!("\"{}\"", cluster.address(node).await?));
        }
        let (own, api, watch) = (free_port()?, free_port()?, free_port()?);
        std::fs::write(folder.join("secret"), SECRET)?;
        let text = format!(
            r#"genesis = "{genesis}"
nodes = [{nodes}]
key = "{key}"
received = "received"
watch = "127.0.0.1:{watch}"

[[door]]
name = "psb"
kind = "own"
listen = "127.0.0.1:{own}"
upstream = "http://127.0.0.1:{service}"
rows = {{ format = "ndjson" }}

[[door]]
name = "services"
kind = "api"
listen = "127.0.0.1:{api}"
secret = "secret"
"#,
            genesis = cluster.consortium.genesis().display(),
            nodes = addresses.join(", "),
            key = cluster.consortium.key("hrss", "portal").display(),
        );
        std::fs::write(folder.join("using.toml"), text)?;
        Ok(Self { own, api, watch, folder, process: None })
    }

    /// Starts it, and waits until its doors are open.
    pub async fn start(&mut self) -> anyhow::Result<()> {
        let settings = self.folder.join("using.toml");
        self.process = Some(started("use", &settings, self.watch).await?);
        Ok(())
    }

    /// Kills it at once.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.process.take().map_or(Ok(()), |mut it| it.kill())
    }

    /// What it logged.
    pub fn log(&self) -> String {
        log_beside(&self.folder)
    }
}
