//! `liuhen reconcile`: a database's own audit log against the ledger.

use super::Common;
use super::log_lines::source;
use crate::output::{Format, Rows, say};
use crate::text;
use liuhen_client::error::ClientError;
use liuhen_client::event::Names;
use liuhen_client::lang::pick;
use liuhen_client::resolve;
use liuhen_proto::suite::sign::PublicKey;
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
        show(&result, common, &self.logs, &super::names(&node).await?)
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
    files: &[PathBuf],
    names: &Names,
) -> Result<(), ClientError> {
    let mut rows = Rows::new(&["cause", "count", "first", "settled_by"]);
    let causes = by_cause(&it.differences);
    for (cause, all) in &causes {
        let first = all.first().map(|it| shown(it, common.output)).unwrap_or_default();
        rows.push(vec![
            json!(word(*cause, common.output)),
            json!(all.len()),
            json!(first),
            json!(settled_by(*cause)),
        ]);
    }
    rows.print(common.output)?;
    for (cause, all) in &causes {
        all.iter().take(EACH).for_each(|one| one_by_one(*cause, one, names));
    }
    summed_up(it);
    let left = &it.not_compared;
    if left.open() > 0 {
        let open = left.open();
        let (first, first_zh) = match left.first.first() {
            None => (String::new(), String::new()),
            Some(at) => {
                let number = at.file.saturating_add(1);
                let (file, file_zh) = match files.get(at.file) {
                    Some(file) => (file.display().to_string(), file.display().to_string()),
                    None => (format!("file {number}"), format!("第 {number} 个文件")),
                };
                (
                    format!(", the first is {file}, line {}", at.line),
                    format!("，首行为 {file_zh} 第 {} 行", at.line),
                )
            }
        };
        return Err(ClientError::failed(pick(
            &format!("{open} lines of the log were not compared{first}"),
            &format!("日志有 {open} 行未比对{first_zh}"),
        )));
    }
    if it.differences.is_empty() {
        return Ok(());
    }
    Err(ClientError::failed(pick("the log and the ledger differ", "日志与账本不一致")))
}

/// One difference, by what either side says.
fn one_by_one(cause: Cause, it: &Difference, names: &Names) {
    let (time, what) = (text::time(it.time_ms), shown(it, Format::Table));
    let id = hex::decode(&it.account).unwrap_or_default();
    let account = names.get(&id).cloned();
    let account = account.unwrap_or_else(|| it.account.chars().take(ACCOUNT).collect());
    let (in_log, on_ledger) = (or_nothing(&it.in_log), or_nothing(&it.on_ledger));
    let word = word(cause, Format::Table);
    say(
        format!(
            "{word}: {what} at {time} by {account}: in the log {in_log}, on the ledger {on_ledger}"
        ),
        format!("{word}：{what}，{time}，{account}：日志为 {in_log}，账本为 {on_ledger}"),
    );
}

/// How much was compared, and how much was not.
fn summed_up(it: &Reconciliation) {
    let (statements, records, gateway) = (it.statements, it.records, &it.gateway);
    let (from, until) = (text::time(it.from_ms), text::time(it.until_ms));
    let differences = it.differences.len();
    say(
        format!(
            "{statements} statements in the log, {records} records of {gateway} from {from} to {until}: {differences} \
             differences"
        ),
        format!(
            "{from} 至 {until}：日志有语句 {statements} 条，账本有 {gateway} 的记录 {records} 条，不一致 {differences} 处"
        ),
    );
    let left = &it.not_compared;
    let (of, no_access, databases) = (left.of, left.no_access, left.other_databases);
    let (denied, aside, unknown) = (left.other_denied, left.set_aside, left.not_understood);
    say(
        format!(
            "of {of} lines {no_access} are no access, {databases} of other databases, {denied} refusals of other things, \
             {aside} set aside, {unknown} not understood"
        ),
        format!(
            "共 {of} 行：非访问 {no_access} 行，其他数据库 {databases} 行，拒绝其他事项 {denied} 行，搁置 {aside} 行，\
             未读懂 {unknown} 行"
        ),
    );
}

/// Digits of an account's digest that are shown.
const ACCOUNT: usize = 24;
/// How many differences of each cause are shown one by one.
const EACH: usize = 20;

fn shown(it: &Difference, format: Format) -> String {
    let numbers: Vec<String> = it.numbers.iter().map(u64::to_string).collect();
    let (numbers, statement) = (numbers.join(" "), &it.statement);
    let (english, chinese) = match (statement.is_empty(), numbers.is_empty()) {
        (false, true) => (format!("statement {statement}"), format!("语句 {statement}")),
        (false, false) => (
            format!("statement {statement}, number {numbers}"),
            format!("语句 {statement}，访问号 {numbers}"),
        ),
        (true, _) => (format!("number {numbers}"), format!("访问号 {numbers}")),
    };
    format.word(&english, &chinese).to_owned()
}

fn or_nothing(text: &str) -> &str {
    if text.is_empty() { pick("nothing", "无") } else { text }
}

fn word(cause: Cause, shown: Format) -> &'static str {
    let (english, chinese) = match cause {
        Cause::Unreported => ("unreported", "未上报"),
        Cause::Datasets => ("other datasets", "目录项不同"),
        Cause::Rows => ("other rows", "行数不同"),
        Cause::Account => ("other account", "账号不同"),
        Cause::Time => ("other time", "时间不同"),
        Cause::Grant => ("other grant", "授权不同"),
        Cause::Decision => ("served or denied", "放行与拒绝不同"),
        Cause::Text => ("other text", "语句文本不同"),
        Cause::Double => ("double", "重复"),
        Cause::OnlyOnLedger => ("only on the ledger", "仅账本有"),
    };
    shown.word(english, chinese)
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
    let (key, _) = node.key(&resolve::key_id(&key_id)?).await?;
    let public = PublicKey::from_slice(&key.public_key).map_err(ClientError::failed)?;
    if it.chain_id != hex::encode(node.chain().await?.as_bytes()) {
        let why = pick("the result is of another chain", "该结果属于另一条链");
        return Err(ClientError::failed(why));
    }
    if !public.verify(&message, &signature) {
        let why = "the signature does not verify: the result was changed";
        return Err(ClientError::failed(pick(why, "签名验证不通过：结果已被改动")));
    }
    let signer = &key.department;
    say(format!("signed by key {key_id} of {signer}"), format!("由 {signer} 的密钥 {key_id} 签名"));
    show(&it, common, &[], &super::names(&node).await?)
}
