//! `liuhen reconcile`: a database's own audit log against the ledger.

use super::Common;
use super::import::source;
use crate::output::Rows;
use crate::tell;
use crate::text;
use liuhen_client::error::ClientError;
use liuhen_proto::suite::sign::PublicKey;
use liuhen_proto::types::KeyId;
use liuhen_sources::Source;
use liuhen_sources::reconcile::{self, Reconciliation};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Compare a database's own audit log with the ledger
#[derive(Debug, clap::Args)]
#[command(subcommand_negates_reqs = true, subcommand_precedence_over_arg = true)]
pub struct Reconcile {
    #[command(subcommand)]
    check: Option<Check>,
    #[command(flatten)]
    compared: Option<Compared>,
}

#[derive(Debug, clap::Subcommand)]
enum Check {
    /// Check the signature of a result, by the key on the ledger
    Check {
        /// The signed result
        file: PathBuf,
    },
}

/// What is compared
#[derive(Debug, clap::Args)]
struct Compared {
    /// What kind of log it is
    #[arg(value_parser = source())]
    source: Source,
    /// The log
    log: PathBuf,
    /// The mapping, TOML, as for the import
    #[arg(long)]
    mapping: PathBuf,
    /// The gateway that records this database's accesses, `department/code`
    #[arg(long)]
    gateway: String,
    /// The log was imported with its times moved
    #[arg(long)]
    shift_times: bool,
    /// From when; without it: the log's first hour
    #[arg(long)]
    from: Option<String>,
    /// Until when; without it: the end of the log's last hour
    #[arg(long)]
    until: Option<String>,
    /// Where to write the signed result
    #[arg(long)]
    out: Option<PathBuf>,
}

impl Reconcile {
    /// Does it. Fails where something differs, so that a script notices.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        match (&self.check, &self.compared) {
            (Some(Check::Check { file }), _) => check(common, file).await,
            (None, Some(it)) => it.run(common).await,
            (None, None) => {
                Err(ClientError::Usage("a log to compare is needed, or `check`".into()))
            }
        }
    }
}

impl Compared {
    async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let time = |text: &Option<String>| text.as_deref().map(text::parse_time).transpose();
        let range = (time(&self.from)?, time(&self.until)?);
        let node = common.connect().await?;
        let account = common.account(&node).await?;
        let log = (self.source, self.log.as_path());
        let shifted = self.shift_times;
        let result =
            reconcile::run(&node, &self.gateway, log, &self.mapping, shifted, range).await?;
        if let Some(out) = &self.out {
            let signed = reconcile::sign(&result, &account.signer.key)?;
            write_new(out, &signed)?;
        }
        let names = super::names(&node).await?;
        let name = |account: &str| {
            let id = hex::decode(account).unwrap_or_default();
            names.get(&id).cloned().unwrap_or_else(|| account.chars().take(24).collect())
        };
        show(&result, common, name)
    }
}

fn write_new(file: &Path, text: &str) -> Result<(), ClientError> {
    let at = |e: std::io::Error| ClientError::Failed(format!("{}: {e}", file.display()));
    let mut open = std::fs::File::create_new(file).map_err(at)?;
    std::io::Write::write_all(&mut open, text.as_bytes()).map_err(at)?;
    open.sync_all().map_err(at)
}

fn show(
    it: &Reconciliation,
    common: &Common,
    name: impl Fn(&str) -> String,
) -> Result<(), ClientError> {
    let mut rows = Rows::new(&["hour", "account", "in_log", "on_ledger"]);
    for one in &it.differences {
        let hour = text::time(one.hour_ms);
        rows.push(vec![
            json!(hour),
            json!(name(&one.account)),
            json!(one.in_log),
            json!(one.on_ledger),
        ]);
    }
    rows.print(common.output)?;
    for reference in it.only_in_log.iter().take(20) {
        tell!("only in the log: statement {reference}");
    }
    for number in it.only_on_ledger.iter().take(20) {
        tell!("only on the ledger: number {number}");
    }
    tell!(
        "{} statements in the log, {} records of {} in the same hours: {} hours and accounts \
         differ; {} only in the log, {} only on the ledger",
        it.statements,
        it.records,
        it.gateway,
        it.differences.len(),
        it.only_in_log.len(),
        it.only_on_ledger.len()
    );
    if !it.set_aside.is_empty() {
        let (count, first) =
            (it.set_aside.len(), it.set_aside.first().copied().unwrap_or_default());
        let why = format!(
            "{count} lines of the log were set aside and not compared, the first is line {first}"
        );
        return Err(ClientError::Failed(why));
    }
    if it.differences.is_empty() && it.only_in_log.is_empty() && it.only_on_ledger.is_empty() {
        return Ok(());
    }
    Err(ClientError::failed("the log and the ledger differ"))
}

async fn check(common: &Common, file: &Path) -> Result<(), ClientError> {
    let text = std::fs::read_to_string(file)
        .map_err(|e| ClientError::Usage(format!("{}: {e}", file.display())))?;
    let (it, key_id, message, signature) = reconcile::open(&text)?;
    let node = common.connect().await?;
    let bad = |e| ClientError::Usage(format!("key `{key_id}`: {e}"));
    let (key, _) = node.key(&key_id.parse::<KeyId>().map_err(bad)?).await?;
    let public = PublicKey::from_slice(&key.public_key).map_err(ClientError::failed)?;
    if it.chain_id != hex::encode(node.chain().await?.as_bytes()) {
        return Err(ClientError::failed("the result is of another chain"));
    }
    if !public.verify(&message, &signature) {
        return Err(ClientError::failed("the signature does not verify: the result was changed"));
    }
    tell!("signed by key {key_id} of {}", key.department);
    show(&it, common, |account| account.chars().take(24).collect())
}
