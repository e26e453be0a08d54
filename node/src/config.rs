//! Settings: flags over environment over file, read in one place.
//!
//! The file is `node.toml` in the node's home. An environment variable is `LIUHEN_NODE_` and the
//! setting's name in capitals. `liuhen-node config` shows each value and where it came from.

use crate::api::tls::TlsFiles;
use anyhow::Context as _;
use config::{Config, Environment, File, FileFormat};
use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
use liuhen_proto::header::note::VerifierKey;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The file's name in a node's home.
pub const FILE: &str = "node.toml";
const ENVIRONMENT: &str = "LIUHEN_NODE";

/// A node's settings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The founding document, relative to the home.
    pub genesis: PathBuf,
    /// Where consensus listens.
    pub consensus_listen: Multiaddr,
    /// Where transactions between nodes are heard.
    pub gossip_listen: Multiaddr,
    /// Where clients are served; port 0: any free one.
    pub grpc_listen: SocketAddr,
    /// Where the header log is served over HTTP (C2SP tlog-tiles); without it: nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tiles_listen: Option<SocketAddr>,
    /// The certificate that clients are shown, PEM, relative to the home; without it clients are served in the clear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_certificate: Option<PathBuf>,
    /// Its private key, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_key: Option<PathBuf>,
    /// The authority by which the certificates of gRPC's clients must be signed, PEM; without it they need none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_client_ca: Option<PathBuf>,
    /// Serve other machines in the clear: something else encrypts.
    pub allow_plaintext: bool,
    /// Names under which clients reach this node: a token for another is refused. Over TLS hosts, in the clear
    /// host:port; a listener of this machine alone has its address without being told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub server_names: Vec<String>,
    /// Connections that each of these two listeners takes at most.
    pub max_connections: usize,
    /// Connections from one address; without it: a quarter of `max_connections`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_connections_per_address: Option<usize>,
    /// Witnesses whose cosignatures are taken: verifier keys, name+hash+key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<String>,
    /// `text` or `json`.
    pub log_format: LogFormat,
    /// What the node's key signed last, relative to the home; better on another disk than the data.
    pub vote_record: PathBuf,
    /// Hours in which the block log and the index's history are read once, so that damage is found.
    pub scrub_hours: u32,
    /// A node without blocks joins by a snapshot of a neighbour that is so many ahead; 0: never.
    pub snapshot_ahead: u64,
    /// What is logged, as `tracing` has it.
    pub log_filter: String,
    /// Free bytes on disk below which no transactions are taken.
    pub free_bytes: u64,
    /// A file with the milliseconds by which this node's clock is put ahead; `dev-` chains only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dev_clock: Option<PathBuf>,
    /// The other nodes.
    #[serde(default, rename = "peer", skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<PeerSettings>,
}

/// How logs look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Where another node is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PeerSettings {
    /// Its peer id.
    pub id: PeerId,
    /// Where its consensus listens.
    pub consensus: Multiaddr,
    /// Where it hears transactions.
    pub gossip: Multiaddr,
}

impl PeerSettings {
    /// Its consensus address with its peer id: nobody else is taken for it.
    pub fn consensus_address(&self) -> Multiaddr {
        self.consensus.clone().with(Protocol::P2p(self.id))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            genesis: "genesis.pb".into(),
            consensus_listen: loopback(26656),
            gossip_listen: loopback(26657),
            grpc_listen: SocketAddr::from(([127, 0, 0, 1], 26658)),
            tiles_listen: None,
            tls_certificate: None,
            tls_key: None,
            tls_client_ca: None,
            allow_plaintext: false,
            server_names: Vec::new(),
            max_connections: 1024,
            max_connections_per_address: None,
            witnesses: Vec::new(),
            vote_record: "vote-record".into(),
            scrub_hours: 168,
            snapshot_ahead: 1000,
            log_format: LogFormat::Text,
            log_filter: "info,arc_malachitebft=warn,libp2p=warn,sled=warn".into(),
            free_bytes: 512 << 20,
            dev_clock: None,
            peers: Vec::new(),
        }
    }
}

impl Settings {
    /// The witnesses' keys. Errors where one is none that cosigns.
    pub fn witnesses(&self) -> anyhow::Result<Vec<VerifierKey>> {
        let read = |text: &String| {
            VerifierKey::cosigner(text).with_context(|| format!("witness `{text}`"))
        };
        self.witnesses.iter().map(read).collect()
    }
}

/// How clients are served: over TLS, or in the clear.
impl Settings {
    /// The files that TLS takes; `None`: in the clear. Errors where some of them lack, or where other machines would be
    /// served in the clear without that being asked for.
    pub fn tls_files(&self, home: &Path) -> anyhow::Result<Option<TlsFiles>> {
        let client_ca = self.tls_client_ca.as_ref().map(|it| home.join(it));
        match (&self.tls_certificate, &self.tls_key) {
            (Some(certificate), Some(key)) => {
                let (certificate, key) = (home.join(certificate), home.join(key));
                Ok(Some(TlsFiles { certificate, key, client_ca }))
            }
            (None, None) => {
                anyhow::ensure!(
                    client_ca.is_none(),
                    "tls_client_ca asks clients for certificates: tls_certificate and tls_key are needed for that"
                );
                self.check_plaintext()?;
                Ok(None)
            }
            (Some(_), None) => anyhow::bail!("tls_certificate is set: tls_key is needed as well"),
            (None, Some(_)) => anyhow::bail!("tls_key is set: tls_certificate is needed as well"),
        }
    }

    fn check_plaintext(&self) -> anyhow::Result<()> {
        let listens =
            [("grpc_listen", Some(self.grpc_listen)), ("tiles_listen", self.tiles_listen)];
        for (name, address) in listens {
            let Some(address) = address.filter(|it| !it.ip().to_canonical().is_loopback()) else {
                continue;
            };
            anyhow::ensure!(
                self.allow_plaintext,
                "{name} {address} is not this machine's alone, and in the clear whoever is on the way reads and \
                 changes what clients and node say: set tls_certificate and tls_key, or allow_plaintext = true where \
                 something else encrypts"
            );
            tracing::warn!(%address, "{name}: other machines are served in the clear, as allow_plaintext says");
        }
        Ok(())
    }

    /// Names under which clients reach this node, in lower case, where gRPC is served at this address. Errors where it
    /// has none.
    pub fn names(&self, bound: SocketAddr) -> anyhow::Result<Vec<String>> {
        let mut names: Vec<String> = self.server_names.iter().map(|it| it.to_lowercase()).collect();
        let encrypted = self.tls_certificate.is_some();
        // Another node may sit on the same loopback address of another machine: a name that was given is enough.
        if names.is_empty() && !encrypted && bound.ip().to_canonical().is_loopback() {
            names.extend([bound.to_string(), format!("localhost:{}", bound.port())]);
        }
        let form = if encrypted { "\"node.example\"" } else { "\"node.example:26658\"" };
        anyhow::ensure!(
            !names.is_empty(),
            "server_names is needed: clients make tokens out to the name that they dial, and this node takes only its \
             own: server_names = [{form}]"
        );
        Ok(names)
    }
}

/// A TCP port of this machine alone.
pub fn loopback(port: u16) -> Multiaddr {
    Multiaddr::empty().with(Protocol::Ip4([127, 0, 0, 1].into())).with(Protocol::Tcp(port))
}

/// Settings given as flags; each beats environment and file.
#[derive(Debug, Clone, Default, clap::Args, Serialize)]
pub struct Flags {
    /// Where consensus listens, a multiaddr
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consensus_listen: Option<Multiaddr>,
    /// Where transactions between nodes are heard, a multiaddr
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gossip_listen: Option<Multiaddr>,
    /// Where clients are served, host:port
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grpc_listen: Option<SocketAddr>,
    /// Where the header log is served over HTTP, host:port
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tiles_listen: Option<SocketAddr>,
    /// The certificate that clients are shown, PEM; with --tls-key clients are served over TLS 1.3
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_certificate: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_key: Option<PathBuf>,
    /// The authority by which clients' certificates must be signed, PEM
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_ca: Option<PathBuf>,
    /// A name under which clients reach this node; may be given again
    #[arg(long = "server-name")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub server_names: Vec<String>,
    /// Serve other machines in the clear: something else must encrypt
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub allow_plaintext: bool,
    /// How logs look: text or json
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_format: Option<String>,
    /// What is logged
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_filter: Option<String>,
}

/// The settings of the node in a home, and their sources, as the `config` crate names them.
pub fn load(home: &Path, flags: &Flags) -> anyhow::Result<Settings> {
    let from = || format!("settings: {}, {ENVIRONMENT}_… or flags", home.join(FILE).display());
    let merged = merged(home, flags).with_context(from)?;
    merged.try_deserialize().with_context(from)
}

/// Each setting with its value and where it came from.
pub fn sources(home: &Path, flags: &Flags) -> anyhow::Result<Vec<(String, String, String)>> {
    let settings = load(home, flags)?;
    let shown = toml::Table::try_from(&settings)?;
    let given = |name: &str| flags_text(flags).is_ok_and(|text| text.contains_key(name));
    let in_environment =
        |name: &str| std::env::var_os(format!("{ENVIRONMENT}_{}", name.to_uppercase())).is_some();
    let file: toml::Table = match std::fs::read_to_string(home.join(FILE)) {
        Ok(text) => text.parse()?,
        Err(_) => toml::Table::new(),
    };
    let source = |name: &str| {
        if given(name) {
            "flag".to_owned()
        } else if in_environment(name) {
            format!("environment {ENVIRONMENT}_{}", name.to_uppercase())
        } else if file.contains_key(name) {
            home.join(FILE).display().to_string()
        } else {
            "default".to_owned()
        }
    };
    Ok(shown.iter().map(|(name, value)| (name.clone(), value.to_string(), source(name))).collect())
}

fn flags_text(flags: &Flags) -> anyhow::Result<toml::Table> {
    Ok(toml::Table::try_from(flags)?)
}

fn merged(home: &Path, flags: &Flags) -> anyhow::Result<Config> {
    let text = |table: &toml::Table| toml::to_string(table);
    let defaults = text(&toml::Table::try_from(Settings::default())?)?;
    let flags = text(&flags_text(flags)?)?;
    let merged = Config::builder()
        .add_source(File::from_str(&defaults, FileFormat::Toml))
        .add_source(File::from(home.join(FILE)).format(FileFormat::Toml).required(false))
        .add_source(Environment::with_prefix(ENVIRONMENT).prefix_separator("_"))
        .add_source(File::from_str(&flags, FileFormat::Toml));
    Ok(merged.build()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(change: impl FnOnce(&mut Settings)) -> (Settings, anyhow::Result<Option<TlsFiles>>) {
        let mut settings = Settings::default();
        change(&mut settings);
        let files = settings.tls_files(Path::new("home"));
        (settings, files)
    }

    #[test]
    fn other_machines_are_served_over_tls_unless_told() {
        let anywhere = SocketAddr::from(([0, 0, 0, 0], 26658));
        let (_, files) = served(|_| {});
        assert_eq!(files.unwrap(), None);
        let (_, files) = served(|it| it.grpc_listen = anywhere);
        assert!(files.unwrap_err().to_string().contains("grpc_listen 0.0.0.0:26658"));
        let (_, files) = served(|it| it.tiles_listen = Some(anywhere));
        assert!(files.unwrap_err().to_string().contains("tiles_listen"));
        let (_, files) = served(|it| (it.grpc_listen, it.allow_plaintext) = (anywhere, true));
        assert_eq!(files.unwrap(), None);
        let (_, files) = served(|it| {
            it.grpc_listen = anywhere;
            (it.tls_certificate, it.tls_key) = (Some("c.pem".into()), Some("/k.pem".into()));
        });
        let files = files.unwrap().unwrap();
        assert_eq!((files.certificate, files.key), ("home/c.pem".into(), "/k.pem".into()));
        for half in [
            served(|it| it.tls_certificate = Some("c.pem".into())),
            served(|it| it.tls_key = Some("k.pem".into())),
            served(|it| it.tls_client_ca = Some("ca.pem".into())),
        ] {
            assert!(half.1.is_err(), "{half:?}");
        }
    }

    #[test]
    fn a_node_has_the_names_that_it_is_given_or_on_this_machine_its_address() {
        let own = SocketAddr::from(([127, 0, 0, 1], 7));
        let anywhere = SocketAddr::from(([0, 0, 0, 0], 7));
        let (mut settings, _) = served(|_| {});
        assert_eq!(settings.names(own).unwrap(), ["127.0.0.1:7", "localhost:7"]);
        assert!(settings.names(anywhere).unwrap_err().to_string().contains("node.example:26658"));
        settings.server_names = vec!["Node.Example:7".into()];
        assert_eq!(settings.names(anywhere).unwrap(), ["node.example:7"]);
        settings.tls_certificate = Some("c.pem".into());
        assert_eq!(settings.names(own).unwrap(), ["node.example:7"]);
        settings.server_names.clear();
        assert!(settings.names(own).is_err());
    }

    #[test]
    fn flags_beat_the_file_and_unknown_names_are_errors() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(FILE);
        std::fs::write(&path, "grpc_listen = \"127.0.0.1:1\"\nlog_format = \"json\"\n").unwrap();
        let flags = Flags { grpc_listen: Some(([127, 0, 0, 1], 2).into()), ..Flags::default() };
        let settings = load(home.path(), &flags).unwrap();
        assert_eq!(settings.grpc_listen.port(), 2);
        assert_eq!(settings.log_format, LogFormat::Json);
        let sources = sources(home.path(), &flags).unwrap();
        let of = |name: &str| sources.iter().find(|(n, ..)| n == name).unwrap().2.clone();
        assert_eq!(of("grpc_listen"), "flag");
        assert!(of("log_format").ends_with(FILE));
        assert_eq!(of("free_bytes"), "default");
        std::fs::write(&path, "grpc_lisen = \"x\"\n").unwrap();
        assert!(load(home.path(), &flags).is_err());
    }
}
