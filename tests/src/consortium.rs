//! A founding consortium with keys: four departments with a node, one without.

use anyhow::Context as _;
use liuhen_genesis::{build, compose, to_bytes};
use liuhen_keyfile::{PassphraseSource, Strength};
use liuhen_node::config::{FILE, Flags, Settings, loopback};
use liuhen_node::home::Home;
use liuhen_proto::suite::sign::PrivateKey;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};

/// Departments with a node.
pub const NODES: [&str; 4] = ["psb", "hrss", "tax", "bdb"];

const CONSORTIUM: &str = r#"name = "dev-test"
time = "2026-11-01T00:00:00+08:00"

[parameters]
lead = "gz.bdb"
purposes = ["pension"]
legal_bases = ["social-insurance-law"]
"#;

type Department =
    (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

/// Code, rights, body; then identities: code, kind.
const DEPARTMENTS: [Department; 5] = [
    (
        "psb",
        "\"collect\", \"use\"",
        "gz.psb",
        &[("officer", "officer"), ("gateway", "system"), ("gate-2", "system")],
    ),
    ("hrss", "\"collect\", \"use\"", "gz.hrss", &[("officer", "officer"), ("portal", "system")]),
    ("tax", "\"use\"", "gz.tax", &[("officer", "officer")]),
    ("bdb", "\"manage\"", "gz.bdb", &[("officer", "officer")]),
    // A department of public security's own body.
    ("exit", "\"use\"", "gz.psb", &[("officer", "officer"), ("desk", "system"), ("root", "root")]),
];

/// A member that a test founds beside those that there always are. It has no node.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// Its code behind `gz.`.
    pub code: &'static str,
    /// The rest of its join file but the identities: level, body, rights, parent.
    pub terms: &'static str,
    /// Code and kind of each identity.
    pub identities: &'static [(&'static str, &'static str)],
}

/// How a node that was not founded is put on the ledger.
#[allow(missing_docs, reason = "the names say it")]
pub struct LateNode {
    pub public_key: String,
    pub cosigner_key: String,
    pub peer_id: String,
    pub consensus: String,
    pub gossip: String,
}

/// A founded consortium in a folder.
pub struct Consortium {
    folder: PathBuf,
}

impl Consortium {
    /// Founds it: homes of the nodes, keys of the identities, the founding document.
    pub fn found(folder: &Path) -> anyhow::Result<Self> {
        Self::found_with(folder, "", &[])
    }

    /// The same with more lines of `[parameters]`, and more members.
    pub fn found_with(folder: &Path, parameters: &str, members: &[Member]) -> anyhow::Result<Self> {
        let it = Self { folder: folder.to_owned() };
        let mut joins = Vec::new();
        let mut peers = Vec::new();
        for (number, (code, rights, body, identities)) in DEPARTMENTS.iter().enumerate() {
            let terms = format!("level = 1\nbody = \"{body}\"\nrights = [{rights}]\n");
            let mut join = it.join(number, code, &terms, identities)?;
            if NODES.contains(code) {
                let (entry, peer) = it.node(code)?;
                join += &entry;
                peers.push((*code, peer));
            }
            joins.push((format!("{code}.toml"), join));
        }
        for (number, member) in members.iter().enumerate() {
            let number = DEPARTMENTS.len() + number;
            let join = it.join(number, member.code, member.terms, member.identities)?;
            joins.push((format!("{}.toml", member.code), join));
        }
        let consortium = format!("{CONSORTIUM}{parameters}");
        let source = compose(("consortium.toml", &consortium), &joins)
            .map_err(|(file, error)| anyhow::anyhow!("{file}: {error}"))?;
        std::fs::write(it.genesis(), to_bytes(&build(&source)?))?;
        for (node, _) in &peers {
            let others = peers.iter().filter(|(other, _)| other != node);
            let text: String = others.map(|(_, peer)| format!("[[peer]]\n{peer}")).collect();
            let file = it.home(node).join(FILE);
            let settings = std::fs::read_to_string(&file)?;
            std::fs::write(&file, settings + &text)?;
            std::fs::copy(it.genesis(), it.home(node).join("genesis.pb"))?;
        }
        Ok(it)
    }

    /// A member's join file, and the key files of its identities.
    fn join(
        &self,
        number: usize,
        code: &str,
        terms: &str,
        identities: &[(&str, &str)],
    ) -> anyhow::Result<String> {
        let mut join = format!("code = \"gz.{code}\"\nname_en = \"{code}\"\n{terms}");
        for (place, (identity, kind)) in identities.iter().enumerate() {
            let key = PrivateKey::from_seed(&[number as u8 * 16 + place as u8 + 1; 32]);
            liuhen_keyfile::save(&self.key(code, identity), &key, None)?;
            let public = hex::encode(key.public().as_bytes());
            join += &format!(
                "\n[[identity]]\ncode = \"{identity}\"\nkind = \"{kind}\"\npublic_key = \"{public}\"\n"
            );
        }
        Ok(join)
    }

    /// The founding document.
    pub fn genesis(&self) -> PathBuf {
        self.folder.join("genesis.pb")
    }

    /// The home of a node.
    pub fn home(&self, node: &str) -> PathBuf {
        self.folder.join(node)
    }

    /// The key file of an identity.
    pub fn key(&self, department: &str, identity: &str) -> PathBuf {
        self.folder.join(format!("{department}-{identity}.pem"))
    }

    /// The public key that a node votes with, in hexadecimal.
    pub fn public_key_of_node(&self, code: &str) -> anyhow::Result<String> {
        let source = PassphraseSource::CredentialOrPrompt;
        let keys = Home::new(&self.home(code)).load_keys(&source, true)?;
        Ok(hex::encode(keys.node.public().as_bytes()))
    }

    /// The public key by which a node cosigns, in hexadecimal.
    pub fn cosigner_key_of_node(&self, code: &str) -> anyhow::Result<String> {
        let source = PassphraseSource::CredentialOrPrompt;
        let keys = Home::new(&self.home(code)).load_keys(&source, true)?;
        Ok(hex::encode(keys.cosigner.public().as_bytes()))
    }

    /// The id by which other nodes know a node's network key.
    pub fn peer_id_of_node(&self, code: &str) -> anyhow::Result<String> {
        let source = PassphraseSource::CredentialOrPrompt;
        let keys = Home::new(&self.home(code)).load_keys(&source, true)?;
        Ok(keys.keypair()?.public().to_peer_id().to_string())
    }

    /// Changes the settings of a node that does not run, or will be started again: a setting is put in the place of
    /// the one of its name, or added.
    pub fn set(
        &self,
        code: &str,
        setting: &str,
        value: impl Into<toml::Value>,
    ) -> anyhow::Result<()> {
        let file = self.home(code).join(FILE);
        let mut settings: toml::Table = std::fs::read_to_string(&file)?.parse()?;
        settings.insert(setting.to_owned(), value.into());
        Ok(std::fs::write(&file, toml::to_string(&settings)?)?)
    }

    /// Makes the home of a node that was not founded: its peers are the founding nodes. Gives how it
    /// is put on the ledger.
    pub fn late_node(&self, code: &str) -> anyhow::Result<LateNode> {
        let (entry, peer) = self.node(code)?;
        let file = self.home(code).join(FILE);
        let mut settings = std::fs::read_to_string(&file)?;
        for node in NODES {
            let text = std::fs::read_to_string(self.home(node).join(FILE))?;
            let of: toml::Table = text.parse()?;
            let address = |name: &str| of[name].as_str().unwrap_or_default().to_owned();
            let keys = Home::new(&self.home(node))
                .load_keys(&PassphraseSource::CredentialOrPrompt, true)?;
            let id = keys.keypair()?.public().to_peer_id();
            settings += &format!(
                "[[peer]]\nid = \"{id}\"\nconsensus = \"{}\"\ngossip = \"{}\"\n",
                address("consensus_listen"),
                address("gossip_listen")
            );
        }
        std::fs::write(&file, settings)?;
        std::fs::copy(self.genesis(), self.home(code).join("genesis.pb"))?;
        let (entry, peer): (toml::Table, toml::Table) = (entry.parse()?, peer.parse()?);
        let node = entry["node"].as_array().and_then(|all| all.first()).context("an entry")?;
        let text = |value: &toml::Value| value.as_str().unwrap_or_default().to_owned();
        Ok(LateNode {
            public_key: text(&node["public_key"]),
            cosigner_key: text(&node["cosigner_key"]),
            peer_id: text(&peer["id"]),
            consensus: text(&peer["consensus"]),
            gossip: text(&peer["gossip"]),
        })
    }

    /// Makes a node's home; gives its entry in the join file, and how others find it.
    fn node(&self, code: &str) -> anyhow::Result<(String, String)> {
        let path = self.home(code);
        std::fs::create_dir_all(&path)?;
        let keys = Home::new(&path).make_keys(None, Strength::Any)?;
        let [consensus, gossip] = free_ports()?;
        let settings = Settings {
            consensus_listen: loopback(consensus),
            gossip_listen: loopback(gossip),
            grpc_listen: ([127, 0, 0, 1], 0).into(),
            tiles_listen: Some(([127, 0, 0, 1], 0).into()),
            ..Settings::default()
        };
        std::fs::write(path.join(FILE), toml::to_string(&settings)?)?;
        let peer_id = keys.keypair()?.public().to_peer_id();
        let entry = format!(
            "\n[[node]]\ncode = \"node-1\"\npublic_key = \"{}\"\ncosigner_key = \"{}\"\npeer_id = \"{peer_id}\"\npower = 1\n",
            hex::encode(keys.node.public().as_bytes()),
            hex::encode(keys.cosigner.public().as_bytes()),
        );
        let peer = format!(
            "id = \"{peer_id}\"\nconsensus = \"{}\"\ngossip = \"{}\"\n",
            loopback(consensus),
            loopback(gossip)
        );
        let read_back = liuhen_node::config::load(&path, &Flags::default());
        read_back.context("the settings of a new node")?;
        Ok((entry, peer))
    }
}

/// The next port to try. The system gives ports for outgoing connections from 32768 up: a node's
/// port must lie below, or somebody's connection may sit on it while the node is down.
static NEXT_PORT: AtomicU16 = AtomicU16::new(0);
const FIRST_PORT: u16 = 10_000;
const PORTS: u16 = 20_000;

/// Two ports that the system lets this process have now.
fn free_ports() -> anyhow::Result<[u16; 2]> {
    Ok([free_port()?, free_port()?])
}

/// A port that the system lets this process have now, and gives to nobody's outgoing connection.
pub fn free_port() -> anyhow::Result<u16> {
    let begin = std::process::id().wrapping_mul(97);
    for _ in 0..PORTS {
        let step = u32::from(NEXT_PORT.fetch_add(1, Ordering::Relaxed));
        let offset = begin.wrapping_add(step) % u32::from(PORTS);
        let port = FIRST_PORT + u16::try_from(offset)?;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    anyhow::bail!("no port is free")
}
