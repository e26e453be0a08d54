//! Settings: flags over environment over file, read in one place.
//!
//! The file is `node.toml` in the node's home. An environment variable is `LIUHEN_NODE_` and the
//! setting's name in capitals. `liuhen-node config` shows each value and where it came from.

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
            max_connections: 1024,
            max_connections_per_address: None,
            witnesses: Vec::new(),
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
    let merged = merged(home, flags)?;
    merged.try_deserialize().with_context(|| format!("settings of {}", home.display()))
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
