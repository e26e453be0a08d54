//! `liuhen-node init`: makes a node's home with new keys, and adds the node to the department's
//! join file.

use crate::api::tls::TlsFiles;
use crate::commands::dev_tls;
use crate::config::{FILE, Flags, Settings};
use crate::home::Home;
use anyhow::Context as _;
use liuhen_keyfile::{PassphraseSource, Strength};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// Where a new node serves the header log, unless it is told.
const TILES_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 26659);

/// Make a node's home with new keys, and add the node to a join file
#[derive(Debug, clap::Args)]
pub struct Init {
    /// The home to make
    #[arg(long)]
    home: PathBuf,
    /// The department's join file, to which the node is added
    #[arg(long)]
    join: PathBuf,
    /// The node's code, unique in the department
    #[arg(long, default_value = "node-1")]
    code: String,
    /// The weight of its vote; 0 for a node that only follows
    #[arg(long, default_value_t = 1)]
    power: u64,
    /// Read the passphrase for the keys from this file descriptor
    #[arg(long)]
    passphrase_fd: Option<i32>,
    /// Keys without a passphrase: for dev- chains only
    #[arg(long, conflicts_with = "passphrase_fd")]
    plain_keys: bool,
    /// For a dev- chain: any passphrase will do
    #[arg(long)]
    dev: bool,
    /// For a dev- chain: sign a certificate for this node by the authority in this folder, which is made where there is none
    #[arg(long, value_name = "FOLDER", requires = "dev", conflicts_with_all = ["tls_certificate", "tls_key"])]
    dev_tls: Option<PathBuf>,
    #[command(flatten)]
    flags: Flags,
}

impl Init {
    /// Names under which clients reach the node; with a certificate for trying things out this machine's.
    fn server_names(&self) -> Vec<String> {
        let given = self.flags.server_names.clone();
        match self.dev_tls.is_some() && given.is_empty() {
            true => vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
            false => given,
        }
    }

    /// A certificate for trying things out, where one is wanted.
    fn certificate(&self) -> anyhow::Result<Option<TlsFiles>> {
        let certify = |authority| dev_tls::certify(authority, &self.home, &self.server_names());
        self.dev_tls.as_deref().map(certify).transpose()
    }

    /// Makes it.
    pub fn run(&self) -> anyhow::Result<()> {
        liuhen_proto::types::check_code(&self.code)?;
        let file = self.home.join(FILE);
        anyhow::ensure!(!file.exists(), "{} is a node's home already", self.home.display());
        anyhow::ensure!(self.join.exists(), "there is no join file {}", self.join.display());
        let home = Home::new(&self.home);
        let source = PassphraseSource::from_descriptor(self.passphrase_fd);
        let made = self.certificate()?;
        let strength = if self.dev { Strength::Any } else { Strength::Strong };
        let keys = home.make_keys((!self.plain_keys).then_some(&source), strength)?;
        let flags = &self.flags;
        let defaults = Settings::default();
        let (tls_certificate, tls_key) = match &made {
            Some(made) => (Some(made.certificate.clone()), Some(made.key.clone())),
            None => (flags.tls_certificate.clone(), flags.tls_key.clone()),
        };
        let settings = Settings {
            consensus_listen: flags.consensus_listen.clone().unwrap_or(defaults.consensus_listen),
            gossip_listen: flags.gossip_listen.clone().unwrap_or(defaults.gossip_listen),
            grpc_listen: flags.grpc_listen.unwrap_or(defaults.grpc_listen),
            tiles_listen: Some(flags.tiles_listen.unwrap_or(TILES_LISTEN)),
            tls_certificate,
            tls_key,
            tls_client_ca: flags.tls_client_ca.clone(),
            server_names: self.server_names(),
            allow_plaintext: flags.allow_plaintext,
            ..Settings::default()
        };
        std::fs::write(&file, toml::to_string(&settings)?)
            .with_context(|| format!("write {}", file.display()))?;
        let peer_id = keys.keypair()?.public().to_peer_id();
        let entry = format!(
            "\n[[node]]\ncode = \"{}\"\npublic_key = \"{}\"\ncosigner_key = \"{}\"\n\
             peer_id = \"{peer_id}\"\npower = {}\n",
            self.code,
            hex::encode(keys.node.public().as_bytes()),
            hex::encode(keys.cosigner.public().as_bytes()),
            self.power,
        );
        let mut join = std::fs::OpenOptions::new().append(true).open(&self.join)?;
        join.write_all(entry.as_bytes())?;
        println!("{peer_id}");
        eprintln!("Made {}. Its node is in {}.", self.home.display(), self.join.display());
        if let Some(authority) = &self.dev_tls {
            let authority = authority.join("ca.pem");
            eprintln!("Clients reach it over TLS: liuhen --ca {}.", authority.display());
        }
        eprintln!("Next: set the other nodes as [[peer]] in {}.", file.display());
        Ok(())
    }
}
