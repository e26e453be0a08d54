//! The gate's settings: a TOML file. What is not known in it is an error, for a slip would open a door.

use crate::asked::By;
use crate::break_glass::Opening;
use crate::changes::Watched;
use crate::gap::Gap;
use crate::leases::Lease;
use crate::rows::Rows;
use crate::secret::shown;
use crate::subjects::{Subject, TagService};
use anyhow::Context as _;
use liuhen_proto::types::check_code;
use liuhen_proto::wire::Operation;
use regex::Regex;
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

mod source;

pub use source::{Protocol, Receive, Source};

/// All settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The founding document, of which everything is verified.
    pub genesis: PathBuf,
    /// Nodes: `https://host:port`, or `http://` on this machine; none where what crosses are files.
    #[serde(default)]
    pub nodes: Vec<String>,
    /// Where no connection crosses: the folders of what goes out and comes in.
    #[serde(default)]
    pub gap: Option<Gap>,
    /// The gateway's key file.
    pub key: PathBuf,
    /// Whether nodes on other machines may be spoken to in the clear.
    #[serde(default)]
    pub allow_plaintext: bool,
    /// The spool's file, on a disk.
    pub spool: PathBuf,
    /// How far numbers may have been given: a file on another disk.
    pub numbers: PathBuf,
    /// Where metrics and probes are served; without it: nowhere.
    #[serde(default)]
    pub watch: Option<SocketAddr>,
    /// An access without an ending is recorded after so many minutes, as served with its rows unknown.
    #[serde(default = "five")]
    pub open_minutes: u64,
    /// Free bytes on the spool's disk below which no number is given.
    #[serde(default = "free")]
    pub free_bytes: u64,
    /// A session is decided again after so many minutes.
    #[serde(default = "five")]
    pub session_minutes: u64,
    /// The collector's tag service on this machine.
    #[serde(default)]
    pub tags: Option<TagService>,
    /// What is set aside of quotas, where other gateways serve under the same grants.
    #[serde(default)]
    pub lease: Option<Lease>,
    /// Who may open doors by hand where nothing can be decided.
    #[serde(default)]
    pub break_glass: Option<Opening>,
    /// Doors.
    #[serde(rename = "door", default)]
    pub doors: Vec<Door>,
    /// Logs that are followed.
    #[serde(rename = "source", default)]
    pub sources: Vec<Source>,
    /// Datasets whose changes are seen.
    #[serde(rename = "change", default)]
    pub changes: Vec<Watched>,
    /// Who asks.
    #[serde(rename = "caller", default)]
    pub callers: Vec<Caller>,
    /// What is asked for.
    #[serde(rename = "route", default)]
    pub routes: Vec<Route>,
}

const fn five() -> u64 {
    5
}

const fn free() -> u64 {
    256 << 20
}

/// A door.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Door {
    /// Its name, in metrics and logs.
    pub name: String,
    /// What asks at it.
    pub kind: DoorKind,
    /// Where it is asked, on this machine.
    pub listen: SocketAddr,
    /// Of proxies: the log that says how requests ended. Of Envoy it may come over gRPC instead.
    #[serde(default)]
    pub access_log: Option<PathBuf>,
    /// Whether it enforces, or only observes as long as the ledger says so.
    #[serde(default)]
    pub mode: Mode,
    /// A file with the secret that whoever asks shows: anybody else on this machine could ask in another's name. Of all but the own door.
    #[serde(default)]
    pub secret: Option<PathBuf>,
    /// Of the own door: the service, `http://host:port`.
    #[serde(default)]
    pub upstream: Option<String>,
}

/// What a door does with what would be denied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It serves it, and says so, until the date that stands on the ledger; from then on it enforces.
    #[default]
    Observe,
    /// It denies it.
    Enforce,
}

/// What asks at a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoorKind {
    /// nginx by `auth_request`.
    Nginx,
    /// Caddy by `forward_auth`.
    Caddy,
    /// Traefik by `forwardAuth`.
    Traefik,
    /// Envoy by `ext_authz`, version 3, over gRPC; its access log comes the same way.
    Envoy,
    /// A service by the local API.
    Api,
    /// Clients themselves: what is served passes the gate.
    Own,
}

/// Where in a line of a proxy's access log, which is JSON, it stands how a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields {
    /// The request's name.
    pub request: &'static str,
    /// The status that the client got.
    pub status: &'static str,
    /// Rows, by the service's word.
    pub rows: &'static str,
}

impl DoorKind {
    /// Where in its access log it stands how a request ended; `None`: that is told otherwise.
    pub const fn log_fields(self) -> Option<Fields> {
        match self {
            Self::Nginx | Self::Envoy => {
                Some(Fields { request: "request", status: "status", rows: "rows" })
            }
            Self::Caddy => {
                Some(Fields { request: "liuhen_request", status: "status", rows: "liuhen_rows" })
            }
            Self::Traefik => Some(Fields {
                request: "ClientUsername",
                status: "DownstreamStatus",
                rows: "origin_X-Liuhen-Rows",
            }),
            Self::Api | Self::Own => None,
        }
    }
}

/// A caller, and the identity that it has on the ledger.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caller {
    /// `department/code`.
    pub identity: String,
    /// By its address, or its network: `10.1.0.0/16`.
    #[serde(default)]
    pub network: Option<String>,
    /// By the subject of its certificate.
    #[serde(default)]
    pub certificate: Option<String>,
    /// By a key in this header.
    #[serde(default)]
    pub key_header: Option<String>,
    /// BLAKE3 of that key, in hexadecimal.
    #[serde(default)]
    pub key_blake3: Option<String>,
}

impl Caller {
    /// How it is told.
    pub fn by(&self) -> anyhow::Result<By> {
        let key = self.key_header.as_ref().zip(self.key_blake3.as_ref());
        match (&self.network, &self.certificate, key) {
            (Some(network), None, None) => network_of(network),
            (None, Some(subject), None) if !subject.is_empty() => {
                Ok(By::Certificate(subject.clone()))
            }
            (None, None, Some((header, digest))) => {
                let mut bytes = [0; 32];
                hex::decode_to_slice(digest, &mut bytes)
                    .context("key_blake3: 64 hexadecimal digits are needed")?;
                Ok(By::Key { header: header.to_ascii_lowercase(), digest: bytes })
            }
            _ => anyhow::bail!(
                "one of `network`, `certificate`, or `key_header` with `key_blake3`, is needed"
            ),
        }
    }
}

fn network_of(text: &str) -> anyhow::Result<By> {
    let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
    let address: IpAddr = address.parse().with_context(|| format!("network {text}"))?;
    let all = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Ok(all), str::parse).with_context(|| format!("network {text}"))?;
    anyhow::ensure!(bits <= all, "network {text}: {all} bits at most");
    Ok(By::Network(address, bits))
}

/// A route, and what is asked for on it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The door; without it: every door.
    #[serde(default)]
    pub door: Option<String>,
    /// A regular expression that the whole path fits.
    pub path: String,
    /// Methods; without any: every method.
    #[serde(default)]
    pub methods: Vec<String>,
    /// The dataset.
    pub dataset: String,
    /// read, export, insert, update, delete, admin.
    #[serde(default = "read")]
    pub operation: String,
    /// A purpose of the consortium's list.
    #[serde(default)]
    pub purpose: String,
    /// The fields that are given out; without any: unknown.
    #[serde(default)]
    pub fields: Vec<String>,
    /// At the own door: how rows stand in what the service answers; without it they are unknown.
    #[serde(default)]
    pub rows: Option<Rows>,
    /// Where the number of whose data it is stands; it goes to the tag service. Without it: uncounted.
    #[serde(default)]
    pub subject: Option<Subject>,
    /// Citizens ask about themselves, through the portal that is the caller: how well its login tells who.
    #[serde(default)]
    pub self_service: Option<Login>,
    /// Where the gate can't decide or number: whether it is served nevertheless.
    #[serde(default)]
    pub otherwise: Otherwise,
}

fn read() -> String {
    "read".into()
}

/// How well a portal's login tells who asks about himself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Login {
    /// He says so.
    Claimed = 1,
    /// The portal authenticated him.
    Verified = 2,
}

/// What happens where the gate can't decide.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Otherwise {
    /// Nothing is served.
    #[default]
    Block,
    /// It is served, numbered, and recorded without the state by which it would have been decided.
    Serve,
    /// The same, as long as an officer has opened the doors by hand; else nothing is served.
    BreakGlass,
}

impl Route {
    /// Whether it is a route of this door.
    pub fn is_at(&self, door: &str) -> bool {
        self.door.as_ref().is_none_or(|it| it == door)
    }

    /// The path's expression.
    pub fn expression(&self) -> anyhow::Result<Regex> {
        Regex::new(&format!("^(?:{})$", self.path)).with_context(|| format!("path {}", self.path))
    }

    /// The operation.
    pub fn operation(&self) -> anyhow::Result<Operation> {
        let name = format!("OPERATION_{}", self.operation.to_ascii_uppercase());
        Operation::from_str_name(&name).filter(|it| *it != Operation::Unspecified).with_context(
            || {
                format!(
                    "operation {}: read, export, insert, update, delete or admin",
                    self.operation
                )
            },
        )
    }

    /// Errors for what can't be meant among these settings.
    fn checked(&self, all: &Settings) -> anyhow::Result<()> {
        let codes = self.fields.iter().chain([&self.dataset]);
        let codes = codes.chain(Some(&self.purpose).filter(|it| !it.is_empty()));
        for code in codes {
            check_code(code).with_context(|| code.clone())?;
        }
        let path = self.expression()?;
        let subject = self.subject.as_ref().map_or(Ok(()), |it| it.checked(&path));
        subject?;
        let rows = self.rows.as_ref();
        rows.map_or(Ok(()), Rows::checked)?;
        let in_rows = rows.is_some_and(|it| it.subject().is_some());
        anyhow::ensure!(
            !(in_rows && self.self_service.is_some()),
            "who asks about himself is one subject: no `subject` in its rows",
        );
        anyhow::ensure!(
            !(in_rows && self.subject.is_some()),
            "a `subject` stands in the request, or in the rows",
        );
        anyhow::ensure!(
            !(in_rows || self.subject.is_some()) || all.tags.is_some(),
            "a `subject` wants the tag service: [tags] with its `socket`",
        );
        self.operation()?;
        let known = |name: &String| all.doors.iter().any(|door| door.name == *name);
        let door = self.door.as_ref();
        anyhow::ensure!(door.is_none_or(known), "no such door");
        Ok(())
    }
}

impl Door {
    /// What whoever asks shows. Errors where it can't be read, or could be guessed.
    pub fn shown(&self) -> anyhow::Result<String> {
        let secret = self.secret.as_ref();
        let secret = secret.with_context(|| format!("door {}: a `secret` is needed", self.name))?;
        shown(secret).with_context(|| format!("door {}", self.name))
    }
}

impl Settings {
    /// Reads the file; paths in it are beside it.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
        let mut settings: Self =
            toml::from_str(&text).with_context(|| format!("{}", path.display()))?;
        let beside = path.parent().unwrap_or(Path::new(".")).to_owned();
        for one in
            [&mut settings.genesis, &mut settings.key, &mut settings.spool, &mut settings.numbers]
        {
            *one = beside.join(&*one);
        }
        if let Some(gap) = &mut settings.gap {
            for folder in [&mut gap.outbox, &mut gap.inbox] {
                *folder = beside.join(&*folder);
            }
        }
        if let Some(opening) = &mut settings.break_glass {
            opening.file = beside.join(&opening.file);
        }
        for file in settings.changes.iter_mut().filter_map(|it| it.password_file.as_mut()) {
            *file = beside.join(&*file);
        }
        if let Some(tags) = &mut settings.tags {
            tags.socket = beside.join(&tags.socket);
        }
        for door in &mut settings.doors {
            let files = door.access_log.iter_mut().chain(&mut door.secret);
            files.for_each(|it| *it = beside.join(&*it));
        }
        for source in &mut settings.sources {
            source.log = beside.join(&source.log);
            source.mapping = beside.join(&source.mapping);
            if let Some(receive) = &mut source.receive {
                let tls = receive.tls.iter_mut().flat_map(crate::tls::TlsFiles::all);
                receive.secret.iter_mut().chain(tls).for_each(|it| *it = beside.join(&*it));
            }
        }
        settings.checked()?;
        Ok(settings)
    }

    /// Errors for what can't be meant of what is below the doors: sources, and datasets whose changes are seen.
    fn checked_below(&self) -> anyhow::Result<()> {
        for (number, watched) in self.changes.iter().enumerate() {
            let dataset = &watched.dataset;
            let checked = watched.checked(self.allow_plaintext);
            checked.with_context(|| format!("change {dataset}"))?;
            let twice = self.changes.iter().skip(number + 1).any(|it| it.dataset == *dataset);
            anyhow::ensure!(!twice, "change {dataset}: it is watched twice");
            let slot = watched.slot.as_ref();
            let others = self.changes.iter().skip(number + 1);
            let shares = slot.is_some() && others.clone().any(|it| it.slot.as_ref() == slot);
            anyhow::ensure!(!shares, "change {dataset}: two have its slot");
        }
        for (number, source) in self.sources.iter().enumerate() {
            source.checked(self.allow_plaintext)?;
            let name = &source.name;
            let twice = self.sources.iter().skip(number + 1).any(|it| it.name == *name);
            anyhow::ensure!(!twice, "source {name}: two have this name");
        }
        Ok(())
    }

    /// Errors for what can't be meant of how the ledger is reached, and of who opens doors without it.
    fn checked_reach(&self) -> anyhow::Result<()> {
        match &self.gap {
            None => anyhow::ensure!(!self.nodes.is_empty(), "nodes: one at least is needed"),
            Some(gap) => {
                anyhow::ensure!(
                    self.nodes.is_empty(),
                    "nodes: none where there is a `gap`: what crosses are files"
                );
                anyhow::ensure!(gap.state_hours > 0, "gap: state_hours: 1 at least");
                anyhow::ensure!(gap.outbox != gap.inbox, "gap: two folders are needed");
                let on_route = |it: &Watched| self.routes.iter().any(|r| r.dataset == it.dataset);
                let publishes = self.changes.iter().any(|it| it.publish || !on_route(it));
                anyhow::ensure!(
                    self.sources.is_empty() && self.lease.is_none() && !publishes,
                    "gap: logs that are followed, a `lease`, versions that are published, and a `change` of a dataset on no route want a node"
                );
            }
        }
        let opens = self.routes.iter().any(|it| it.otherwise == Otherwise::BreakGlass);
        let officers = self.break_glass.as_ref().is_some_and(|it| !it.officers.is_empty());
        anyhow::ensure!(
            opens == self.break_glass.is_some() && opens == officers,
            "break_glass: its `file` and one of `officers` at least, where a route has otherwise = \"break_glass\""
        );
        Ok(())
    }

    /// Errors for what can't be meant.
    fn checked(&self) -> anyhow::Result<()> {
        self.checked_reach()?;
        anyhow::ensure!(
            !self.doors.is_empty() || !self.sources.is_empty(),
            "a [[door]] or a [[source]] is needed"
        );
        self.checked_below()?;
        anyhow::ensure!(
            self.open_minutes > 0 && self.session_minutes > 0,
            "open_minutes and session_minutes: 1 at least"
        );
        self.lease.map_or(Ok(()), |it| it.checked())?;
        for (number, door) in self.doors.iter().enumerate() {
            let name = &door.name;
            check_code(name).with_context(|| format!("door {name}"))?;
            anyhow::ensure!(
                door.listen.ip().is_loopback()
                    || door.kind == DoorKind::Own && self.allow_plaintext,
                "door {name}: it is asked on this machine alone: listen on 127.0.0.1 or ::1"
            );
            let is_own = door.kind == DoorKind::Own;
            anyhow::ensure!(
                door.upstream.is_some() == is_own && door.secret.is_some() != is_own,
                "door {name}: the own door has an `upstream`, every other a `secret`"
            );
            let twice = self.doors.iter().skip(number + 1).any(|it| it.name == *name);
            anyhow::ensure!(!twice, "door {name}: two have this name");
            match door.kind {
                DoorKind::Nginx | DoorKind::Caddy | DoorKind::Traefik => anyhow::ensure!(
                    door.access_log.is_some(),
                    "door {name}: it stands in the proxy's `access_log` how requests ended"
                ),
                DoorKind::Api => anyhow::ensure!(
                    door.access_log.is_none(),
                    "door {name}: a service says itself how requests ended, and has no `access_log`"
                ),
                // It may say so over gRPC, or in a file; and what passes is seen.
                DoorKind::Envoy | DoorKind::Own => {}
            }
        }
        for route in &self.routes {
            route.checked(self).with_context(|| format!("route {}", route.path))?;
        }
        for caller in &self.callers {
            caller.by().with_context(|| format!("caller {}", caller.identity))?;
        }
        Ok(())
    }
}
