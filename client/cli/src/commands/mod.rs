//! The `liuhen` command: `liuhen <noun> <verb>`, one file a noun.

mod ack;
mod ack_hour;
mod agent;
mod alert;
mod audit;
mod case;
mod completions;
mod consortium;
mod correction;
mod dataset;
mod digest;
mod gateway;
mod genesis;
mod grant;
mod grant_unasked;
mod identity;
mod import;
mod import_check;
mod integrity;
mod key;
mod log_lines;
mod member;
mod platform;
mod product;
mod proposal;
mod proposal_change;
mod proposal_effect;
mod prove;
mod reconcile;
mod record;
mod report;
mod request;
mod resolve;
mod sealing;
mod signing;
mod status;
mod story;
mod tag;
mod terms;
mod trail;
mod watch;
mod witness;

use crate::output::Format;
use crate::tell;
use clap::{Parser, Subcommand};
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_client::event::Names;
use liuhen_client::kept_reads::{KeepsReads, KeptRead, ReadsFile};
use liuhen_client::lang::pick;
use liuhen_client::reach::{ReachOptions, tls::TlsOptions};
use liuhen_client::submit::Account;
use liuhen_keyfile::PassphraseSource;
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::types::ChainId;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

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
    /// The node to ask, https://host or http:// on this machine; several, comma between: the next where one does not
    /// answer
    #[arg(
        long,
        global = true,
        env = "LIUHEN_NODE",
        value_delimiter = ',',
        default_value = "http://127.0.0.1:26658"
    )]
    node: Vec<String>,
    /// The authority that signed the nodes' certificates, PEM; without it: those that this machine trusts
    #[arg(long, global = true, env = "LIUHEN_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The certificate to show where nodes want one, PEM
    #[arg(
        long,
        global = true,
        env = "LIUHEN_CLIENT_CERT",
        value_name = "FILE",
        requires = "client_key",
        hide_short_help = true
    )]
    client_cert: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(
        long,
        global = true,
        env = "LIUHEN_CLIENT_KEY",
        value_name = "FILE",
        requires = "client_cert",
        hide_short_help = true
    )]
    client_key: Option<PathBuf>,
    /// Speak to other machines in the clear: something else must encrypt
    #[arg(long, global = true, env = "LIUHEN_ALLOW_PLAINTEXT", hide_short_help = true)]
    allow_plaintext: bool,
    /// How long the node may take for an answer, or a transaction to be committed: 30s, 2m
    #[arg(long, global = true, env = "LIUHEN_TIMEOUT", default_value = "30s", value_parser = crate::text::parse_duration)]
    timeout: Duration,
    /// The key file to sign with
    #[arg(long, global = true, env = "LIUHEN_KEY")]
    key: Option<PathBuf>,
    /// Read the key's passphrase from this file descriptor
    #[arg(long, global = true)]
    passphrase_fd: Option<i32>,
    /// End what can't be begun again without being asked: for scripts
    #[arg(short, long, global = true, hide_short_help = true)]
    yes: bool,
    /// How data is shown
    #[arg(short, long, global = true, value_enum, default_value_t)]
    output: Format,
    /// The language of messages; without it: that of the environment
    #[arg(long, global = true, value_parser = ["en", "zh"])]
    lang: Option<String>,
    /// Read for this open audit of one's department: it is recorded sealed until the audit closes
    #[arg(long, global = true)]
    audit: Option<String>,
    /// The key and its chain, once it was opened
    #[arg(skip)]
    opened: OnceLock<(PrivateKey, ChainId)>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make and show keys
    #[command(subcommand)]
    Key(key::Key),
    /// Departments
    #[command(subcommand)]
    Member(member::Member),
    /// Identities, posts and their keys
    #[command(subcommand)]
    Identity(identity::Identity),
    /// What the consortium decided on
    Consortium(consortium::Consortium),
    /// Proposals and votes
    #[command(subcommand)]
    Proposal(proposal::Proposal),
    /// Audits, for which reads are sealed
    #[command(subcommand)]
    Audit(audit::Audit),
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
    Record(Box<record::Record>),
    /// Acknowledge accesses: the user's half
    #[command(subcommand)]
    Ack(ack::Ack),
    /// Gateways: what they serve, their numbers and seals
    #[command(subcommand)]
    Gateway(gateway::Gateway),
    /// Records under a wrong mapping, judged again
    #[command(subcommand)]
    Correction(correction::Correction),
    /// Records kept secret for a time
    #[command(subcommand)]
    Sealing(sealing::Sealing),
    /// The collector's tag service
    Tag(tag::Tag),
    /// Compare a database's audit log with the ledger
    Reconcile(reconcile::Reconcile),
    /// Alerts that concern one's department
    #[command(subcommand)]
    Alert(alert::Alert),
    /// The integrity chain and its score
    #[command(subcommand)]
    Integrity(integrity::Integrity),
    /// Cases against what stands on the ledger
    #[command(subcommand)]
    Case(case::Case),
    /// Lists that an exchange platform states
    #[command(subcommand)]
    Platform(platform::Platform),
    /// Data products
    #[command(subcommand)]
    Product(product::Product),
    /// Record accesses from a log
    Import(import::Import),
    /// Read a trail
    Trail(trail::Trail),
    /// See events as they commit
    Watch(watch::Watch),
    /// Make a proof file
    Prove(prove::Prove),
    /// Reports to hand over
    #[command(subcommand)]
    Report(report::Report),
    /// Witness the ledger, and cosign its checkpoints
    #[command(subcommand)]
    Witness(witness::Witness),
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
        common.speak();
        match self.command {
            Command::Key(it) => it.run(common).await,
            Command::Member(it) => it.run(common).await,
            Command::Identity(it) => it.run(common).await,
            Command::Consortium(it) => it.run(common).await,
            Command::Proposal(it) => it.run(common).await,
            Command::Audit(it) => it.run(common).await,
            Command::Dataset(it) => it.run(common).await,
            Command::Request(it) => it.run(common).await,
            Command::Grant(it) => it.run(common).await,
            Command::Record(it) => it.run(common).await,
            Command::Ack(it) => it.run(common).await,
            Command::Gateway(it) => it.run(common).await,
            Command::Correction(it) => it.run(common).await,
            Command::Sealing(it) => it.run(common).await,
            Command::Tag(it) => it.run(common).await,
            Command::Reconcile(it) => it.run(common).await,
            Command::Alert(it) => it.run(common).await,
            Command::Integrity(it) => it.run(common).await,
            Command::Case(it) => it.run(common).await,
            Command::Platform(it) => it.run(common).await,
            Command::Product(it) => it.run(common).await,
            Command::Import(it) => it.run(common).await,
            Command::Trail(it) => it.run(common).await,
            Command::Watch(it) => it.run(common).await,
            Command::Prove(it) => it.run(common).await,
            Command::Report(it) => it.run(),
            Command::Witness(it) => it.run(common).await,
            Command::Genesis(it) => it.run(common).await,
            Command::Status(it) => it.run(common).await,
            Command::Completions(it) => it.run(),
        }
    }
}

impl Common {
    /// Connects, as nobody.
    async fn reach(&self) -> Result<Node, ClientError> {
        let identity = self.client_cert.clone().zip(self.client_key.clone());
        let tls = TlsOptions { ca: self.ca.clone(), identity };
        let (within, allow_plaintext) = (self.timeout, self.allow_plaintext);
        Node::connect_to(&self.node, &ReachOptions { within, tls, allow_plaintext }).await
    }

    /// Connects; as the identity of the key given with --key, if one is.
    async fn connect(&self) -> Result<Node, ClientError> {
        let keeper = kept_reads().map(|file| Arc::new(KeptInFile(file)));
        let node = self.reach().await?;
        self.sign_in(match keeper {
            Some(keeper) => node.keeping(keeper),
            None => node,
        })
        .await
    }

    /// The same, without keeping what nodes say of reads: looking for those that are kept adds none.
    async fn connect_unkept(&self) -> Result<Node, ClientError> {
        let node = self.reach().await?;
        self.sign_in(node).await
    }

    async fn sign_in(&self, node: Node) -> Result<Node, ClientError> {
        if self.key.is_none() {
            return Ok(node);
        }
        let (key, chain) = self.opened(&node).await?;
        Ok(node.signed_in(&key, chain, self.audit.clone()))
    }

    /// Shows what a command ends, and asks; with --yes it does not ask. Errors for anything but a yes.
    fn confirm(&self, what: &str) -> Result<(), ClientError> {
        if self.yes {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            return Err(ClientError::usage(
                format!("{what}: this can't be undone; say --yes to do it"),
                format!("{what}：此操作无法撤销；如确认，请加 --yes"),
            ));
        }
        let (asks, asks_zh) = ("this can't be undone. Go on?", "此操作无法撤销。继续吗？");
        eprint!("{what}{} [y/N] ", pick(&format!(": {asks}"), &format!("：{asks_zh}")));
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        match matches!(answer.trim().to_lowercase().as_str(), "y" | "yes" | "是") {
            true => Ok(()),
            false => Err(ClientError::failed(pick("nothing was done", "未作任何更改"))),
        }
    }

    async fn account(&self, node: &Node) -> Result<Account, ClientError> {
        let (key, chain) = self.opened(node).await?;
        Account::of_key(node, chain, key).await
    }

    /// The key given with --key, and the chain of the node: both are asked for once.
    async fn opened(&self, node: &Node) -> Result<(PrivateKey, ChainId), ClientError> {
        if let Some((key, chain)) = self.opened.get() {
            return Ok((key.clone(), *chain));
        }
        let missing = || {
            let (why, why_zh) =
                ("--key is needed: the key file to sign with", "需要 --key：用以签名的密钥文件");
            ClientError::usage(why, why_zh)
        };
        let file = self.key.as_ref().ok_or_else(missing)?;
        let opened = Account::key_of(node, file, &self.passphrase()).await?;
        Ok(self.opened.get_or_init(|| opened).clone())
    }

    /// Settles the language of messages: the flag's, else the environment's.
    fn speak(&self) {
        let of_environment = || {
            let names = ["LC_ALL", "LC_MESSAGES", "LANG"];
            let mut set = names.iter().filter_map(|name| std::env::var(name).ok());
            set.find(|value| !value.is_empty()).unwrap_or_default()
        };
        let lang = self.lang.clone().unwrap_or_else(of_environment);
        liuhen_client::lang::speak_chinese(lang.starts_with("zh"));
    }

    fn passphrase(&self) -> PassphraseSource {
        PassphraseSource::from_descriptor(self.passphrase_fd)
    }
}

/// The file of what nodes said of reads by oversight: `LIUHEN_READS`, else beside what else programs keep for their user. `None`
/// where that is empty.
fn kept_reads() -> Option<ReadsFile> {
    if let Some(named) = std::env::var_os("LIUHEN_READS") {
        return (!named.is_empty()).then(|| ReadsFile::new(named.into()));
    }
    let folder = std::env::var_os("XDG_STATE_HOME").filter(|it| !it.is_empty()).map(PathBuf::from);
    let folder = folder.or_else(|| {
        std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"))
    })?;
    Some(ReadsFile::new(folder.join("liuhen/reads.jsonl")))
}

/// Keeps receipts in a file, and says where one can't be kept.
#[derive(Debug)]
struct KeptInFile(ReadsFile);

impl KeepsReads for KeptInFile {
    fn keep(&self, read: &KeptRead) {
        if let Err(error) = self.0.append(read) {
            let file = self.0.path().display();
            let what =
                pick("the node's receipt of this read is not kept", "该次查阅的节点回执未能保存");
            tell!("liuhen: {file}: {error}: {what}");
        }
    }
}

/// Names of all identities, for rows.
async fn names(node: &Node) -> Result<Names, ClientError> {
    let all = node.identities("").await?;
    Ok(all
        .into_iter()
        .map(|it| (it.identity_id, format!("{}/{}", it.department, it.code)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    /// Flags that bear one name twice, or an id, are found by the parser itself, but only where it is asked.
    #[test]
    fn every_command_can_be_parsed() {
        Cli::command().debug_assert();
    }
}
