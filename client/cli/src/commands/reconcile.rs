//! `liuhen reconcile`: a database's own audit log against the ledger.

use super::Common;
use super::log_lines::source;
use crate::output::Rows;
use crate::tell;
use crate::text;
use liuhen_client::error::ClientError;
use liuhen_proto::suite::sign::PublicKey;
use liuhen_proto::types::KeyId;
use liuhen_sources::Source;
use liuhen_sources::reconcile::{self, Cause, Difference, Reconciliation, by_cause};
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
    /// The log's files, in the order in which they were written
    #[arg(required = true)]
    logs: Vec<PathBuf>,
    /// The mapping, TOML, as for the import
    #[arg(long)]
    mapping: PathBuf,
    /// The gateway that records this database's accesses, `department/code`
    #[arg(long)]
    gateway: String,
    /// The log was imported with its times moved
    #[arg(long)]
    shift_times: bool,
    /// Leave out lines that can't be understood, and say so in the result, instead of stopping at the first
    #[arg(long)]
    skip_unknown: bool,
    /// From when; without it: the log's first moment
    #[arg(long)]
    from: Option<String>,
    /// Until when; without it: the log's last moment
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
        let compared = reconcile::Compared {
            source: self.source,
            logs: self.logs.clone(),
            mapping: self.mapping.clone(),
            gateway: self.gateway.clone(),
            shifted: self.shift_times,
            skip_unknown: self.skip_unknown,
            by_itself: node.identity_id(&self.gateway).await? == account.signer.identity,
            range,
        };
        let result = reconcile::run(&node, &compared).await?;
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

/// A line for each cause, with the command that settles it; and the first of each.
fn show(
    it: &Reconciliation,
    common: &Common,
    name: impl Fn(&str) -> String,
) -> Result<(), ClientError> {
    let mut rows = Rows::new(&["cause", "count", "first", "settled_by"]);
    let causes = by_cause(&it.differences);
    for (cause, all) in &causes {
        let first = all.first().map(|it| shown(it)).unwrap_or_default();
        rows.push(vec![
            json!(word(*cause)),
            json!(all.len()),
            json!(first),
            json!(settled_by(*cause)),
        ]);
    }
    rows.print(common.output)?;
    for (cause, all) in &causes {
        for one in all.iter().take(EACH) {
            let (time, account) = (text::time(one.time_ms), name(&one.account));
            let (in_log, on_ledger) = (or_nothing(&one.in_log), or_nothing(&one.on_ledger));
            tell!(
                "{}: {} at {time} by {account}: in the log {in_log}, on the ledger {on_ledger}",
                word(*cause),
                shown(one)
            );
        }
    }
    tell!(
        "{} statements in the log, {} records of {} from {} to {}: {} differences",
        it.statements,
        it.records,
        it.gateway,
        text::time(it.from_ms),
        text::time(it.until_ms),
        it.differences.len()
    );
    let left = &it.not_compared;
    tell!(
        "of {} lines {} are no access, {} of other databases, {} refusals of other things, {} set aside, {} not understood",
        left.of,
        left.no_access,
        left.other_databases,
        left.other_denied,
        left.set_aside.len(),
        left.not_understood.len()
    );
    if left.open() > 0 {
        let first =
            left.set_aside.iter().chain(&left.not_understood).min().copied().unwrap_or_default();
        let why = format!(
            "{} lines of the log were not compared, the first is line {first}",
            left.open()
        );
        return Err(ClientError::Failed(why));
    }
    if it.differences.is_empty() {
        return Ok(());
    }
    Err(ClientError::failed("the log and the ledger differ"))
}

/// How many differences of each cause are shown one by one.
const EACH: usize = 20;

fn shown(it: &Difference) -> String {
    let numbers: Vec<String> = it.numbers.iter().map(u64::to_string).collect();
    match (it.statement.is_empty(), numbers.is_empty()) {
        (false, true) => format!("statement {}", it.statement),
        (false, false) => format!("statement {}, number {}", it.statement, numbers.join(" ")),
        (true, _) => format!("number {}", numbers.join(" ")),
    }
}

fn or_nothing(text: &str) -> &str {
    if text.is_empty() { "nothing" } else { text }
}

fn word(cause: Cause) -> &'static str {
    match cause {
        Cause::Unreported => "unreported",
        Cause::Datasets => "other datasets",
        Cause::Rows => "other rows",
        Cause::Account => "other account",
        Cause::Time => "other time",
        Cause::Grant => "other grant",
        Cause::Decision => "served or denied",
        Cause::Text => "other text",
        Cause::Double => "double",
        Cause::OnlyOnLedger => "only on the ledger",
    }
}

/// The command that settles a difference.
fn settled_by(cause: Cause) -> &'static str {
    match cause {
        Cause::Unreported | Cause::Datasets => "liuhen import",
        Cause::Rows
        | Cause::Account
        | Cause::Time
        | Cause::Grant
        | Cause::Decision
        | Cause::Double => "liuhen correction propose",
        Cause::Text => "liuhen case open",
        Cause::OnlyOnLedger => "liuhen reconcile with the log's other files; liuhen case open",
    }
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
