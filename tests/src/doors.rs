//! Beside a cluster: a gate, a real nginx, and a service that knows nothing of either.

use crate::Cluster;
use crate::cluster::programs;
use crate::consortium::free_port;
use crate::wait::until;
use anyhow::Context as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const NGINX: &str = "/usr/sbin/nginx";

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
        let mut settings = File::options().append(true).open(self.folder.join("gate.toml"))?;
        std::io::Write::write_all(&mut settings, source.as_bytes())?;
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
        let mut settings = File::options().append(true).open(self.folder.join("gate.toml"))?;
        std::io::Write::write_all(&mut settings, door.as_bytes())?;
        Ok(port)
    }

    /// Starts it, and waits until its doors are open.
    pub async fn start(&mut self) -> anyhow::Result<()> {
        let log = File::options().create(true).append(true).open(self.folder.join("log"))?;
        let child = Command::new(programs()?.join("liuhen-gate"))
            .args(["run", "--settings"])
            .arg(self.folder.join("gate.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        self.process = Some(Process(child));
        let watch = self.watch;
        let open = until("the gate's doors", async || get(watch, "/readyz", &[]).await.ok());
        open.await.with_context(|| self.log())?;
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
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
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
        let log = File::options().create(true).append(true).open(self.folder.join("log"))?;
        let child = Command::new(programs()?.join("liuhen-gate"))
            .args(["use", "--settings"])
            .arg(self.folder.join("using.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        self.process = Some(Process(child));
        let watch = self.watch;
        let open = until("the using side", async || get(watch, "/readyz", &[]).await.ok());
        open.await.with_context(|| self.log())?;
        Ok(())
    }

    /// Kills it at once.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.process.take().map_or(Ok(()), |mut it| it.kill())
    }

    /// What it logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

/// A real nginx before a service, which asks a gate.
pub struct Nginx {
    /// Its port.
    pub port: u16,
    process: Process,
}

impl Nginx {
    /// Whether it is here.
    pub fn is_here() -> bool {
        has(NGINX)
    }

    /// Starts it before a service at this port.
    pub async fn start(gate: &Gate, service: u16) -> anyhow::Result<Self> {
        Self::start_with(gate, service, ("", "")).await
    }

    /// The same with more of `http` and of its `server`.
    pub async fn start_with(
        gate: &Gate,
        service: u16,
        (of_http, of_server): (&str, &str),
    ) -> anyhow::Result<Self> {
        let (folder, port, asked) = (&gate.folder, free_port()?, gate.nginx);
        let text = format!(
            r#"daemon off;
user root;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.error.log;
events {{}}
http {{
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    log_format liuhen escape=json
        '{{"request":"$request_id","status":$status,"rows":"$upstream_http_x_liuhen_rows"}}';
    access_log {folder}/access.log liuhen;
    {of_http}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            auth_request /_gate;
            auth_request_set $liuhen_access $upstream_http_x_liuhen_access;
            add_header X-Liuhen-Access $liuhen_access always;
            proxy_hide_header X-Liuhen-Rows;
            proxy_set_header X-Liuhen-Access "";
            proxy_pass http://127.0.0.1:{service};
        }}
        {of_server}
        location = /_gate {{
            internal;
            proxy_pass http://127.0.0.1:{asked};
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_set_header X-Gate-Secret "{SECRET}";
            proxy_set_header X-Gate-Request $request_id;
            proxy_set_header X-Gate-Method $request_method;
            proxy_set_header X-Gate-Uri $request_uri;
            proxy_set_header X-Gate-Address $remote_addr;
            proxy_set_header X-Gate-Certificate $ssl_client_s_dn;
        }}
    }}
}}
"#,
            folder = folder.display()
        );
        let conf = folder.join("nginx.conf");
        std::fs::write(&conf, text)?;
        let child = Command::new(NGINX)
            .arg("-p")
            .arg(folder)
            .arg("-c")
            .arg(&conf)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.join("nginx.log"))?)
            .spawn()?;
        let process = Process(child);
        until("nginx", async || TcpStream::connect(("127.0.0.1", port)).await.ok()).await?;
        Ok(Self { port, process })
    }

    /// Has it open its logs again, as after they were turned over.
    pub fn reopen(&self) -> anyhow::Result<()> {
        self.process.signal("-USR1")
    }
}

impl Drop for Nginx {
    /// Told to end, it ends its workers; killed, it would leave them.
    fn drop(&mut self) {
        if self.process.signal("-TERM").is_ok() {
            let _ = self.process.0.wait();
        }
    }
}

/// A service that gives one resident out, and knows nothing of gates.
pub async fn service() -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut asked = [0; 4096];
                let _ = stream.read(&mut asked).await;
                let body = r#"{"id":7,"name":"a resident"}"#;
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Liuhen-Rows: 1\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
            });
        }
    });
    Ok(port)
}

/// What was answered: status, head, body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// The head.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Answered {
    /// What a header says.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

/// Asks for a path on a port of this machine.
pub async fn get(port: u16, path: &str, headers: &[(&str, &str)]) -> anyhow::Result<Answered> {
    send(port, "GET", path, headers, "").await
}

/// The same with a body.
pub async fn send(
    port: u16,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> anyhow::Result<Answered> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let mut asked = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n");
    for (name, value) in headers {
        asked.push_str(&format!("{name}: {value}\r\n"));
    }
    asked.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(asked.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer without a head")?;
    let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).context("a status")?;
    Ok(Answered { status, head: head.to_owned(), body: body.to_owned() })
}
