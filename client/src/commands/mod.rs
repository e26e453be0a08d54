//! The `liuhen` command: `liuhen <noun> <verb>`, one file a noun.

mod completions;
mod dataset;
mod genesis;
mod grant;
mod import;
mod key;
mod member;
mod prove;
mod record;
mod request;
mod status;
mod terms;
mod trail;

use crate::connect::Node;
use crate::error::ClientError;
use crate::event::Names;
use crate::output::Format;
use crate::submit::Account;
use clap::{Parser, Subcommand};
use liuhen_keyfile::PassphraseSource;
use liuhen_proto::wire;
use std::path::PathBuf;

/// Asks a Liuhen ledger (留痕), and records on it
#[derive(Debug, Parser)]
#[command(name = "liuhen", version, arg_required_else_help = true, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, clap::Args)]
pub struct Common {
    /// The node to ask
    #[arg(long, global = true, env = "LIUHEN_NODE", default_value = "http://127.0.0.1:26658")]
    node: String,
    /// The key file to sign with
    #[arg(long, global = true, env = "LIUHEN_KEY")]
    key: Option<PathBuf>,
    /// Read the key's passphrase from this file descriptor
    #[arg(long, global = true)]
    passphrase_fd: Option<i32>,
    /// How data is shown
    #[arg(short, long, global = true, value_enum, default_value_t)]
    output: Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make and show keys
    #[command(subcommand)]
    Key(key::Key),
    /// Departments and identities
    #[command(subcommand)]
    Member(member::Member),
    /// The catalogue
    #[command(subcommand)]
    Dataset(dataset::Dataset),
    /// Requests for access
    #[command(subcommand)]
    Request(request::Request),
    /// Grants of access
    #[command(subcommand)]
    Grant(grant::Grant),
    /// Record one access
    Record(record::Record),
    /// Record accesses from a log
    #[command(subcommand)]
    Import(import::Import),
    /// Read a trail
    Trail(trail::Trail),
    /// Make a proof file
    Prove(prove::Prove),
    /// The founding document of the node's chain
    Genesis(genesis::Genesis),
    /// How the node and its chain stand
    Status(status::Status),
    /// Print completions for a shell
    Completions(completions::Completions),
}

impl Cli {
    /// Runs the command.
    pub async fn run(self) -> Result<(), ClientError> {
        let common = &self.common;
        match self.command {
            Command::Key(it) => it.run(common),
            Command::Member(it) => it.run(common).await,
            Command::Dataset(it) => it.run(common).await,
            Command::Request(it) => it.run(common).await,
            Command::Grant(it) => it.run(common).await,
            Command::Record(it) => it.run(common).await,
            Command::Import(it) => it.run(common).await,
            Command::Trail(it) => it.run(common).await,
            Command::Prove(it) => it.run(common).await,
            Command::Genesis(it) => it.run(common).await,
            Command::Status(it) => it.run(common).await,
            Command::Completions(it) => it.run(),
        }
    }
}

impl Common {
    async fn connect(&self) -> Result<Node, ClientError> {
        Node::connect(&self.node).await
    }

    async fn account(&self, node: &Node) -> Result<Account, ClientError> {
        let missing = || ClientError::Usage("--key is needed: the key file to sign with".into());
        let file = self.key.as_ref().ok_or_else(missing)?;
        Account::open(node, file, &self.passphrase()).await
    }

    fn passphrase(&self) -> PassphraseSource {
        PassphraseSource::from_descriptor(self.passphrase_fd)
    }
}

/// Names of all identities, for rows.
async fn names(node: &Node) -> Result<Names, ClientError> {
    let request = wire::ListIdentitiesRequest::default();
    let all = node.registry().list_identities(request).await?.into_inner().identities;
    Ok(all
        .into_iter()
        .map(|it| (it.identity_id, format!("{}/{}", it.department, it.code)))
        .collect())
}
