//! `liuhen import`.

use super::Common;
use super::import_check::Check;
use super::log_lines::{counted, source, told_of_lines};
use crate::output::{Format, Rows, say};
use indicatif::{ProgressBar, ProgressStyle};
use liuhen_client::error::ClientError;
use liuhen_sources::{Counts, Options, Source, Summary, Watches, run};
use serde_json::json;
use std::cell::RefCell;
use std::path::PathBuf;

/// Record accesses from a log, or look at what it tells
#[derive(Debug, clap::Args)]
#[command(subcommand_negates_reqs = true, subcommand_precedence_over_arg = true)]
pub struct Import {
    #[command(subcommand)]
    check: Option<Look>,
    #[command(flatten)]
    recorded: Option<Recorded>,
}

#[derive(Debug, clap::Subcommand)]
enum Look {
    /// Say what a log tells, what its server's settings hide and what a mapping must name; signs nothing, asks no node
    Check(Check),
}

impl Import {
    /// Imports, or looks.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        match (&self.check, &self.recorded) {
            (Some(Look::Check(it)), _) => it.run(common.output),
            (None, Some(it)) => it.run(common).await,
            (None, None) => Err(ClientError::Usage("a log to import is needed, or `check`".into())),
        }
    }
}

/// What is recorded
#[derive(Debug, clap::Args)]
struct Recorded {
    /// What kind of log it is
    #[arg(value_parser = source())]
    source: Source,
    /// The log's files, in the order in which they were written; of `files` a folder, or a list of paths
    #[arg(required = true)]
    logs: Vec<PathBuf>,
    /// The mapping, TOML
    #[arg(long)]
    mapping: PathBuf,
    /// Records a transaction
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    batch: u32,
    /// Record at most this many statements, then stop; the next run goes on
    #[arg(long)]
    limit: Option<usize>,
    /// Move the log's times so that it ends now: on dev- chains only
    #[arg(long)]
    shift_times: bool,
    /// Count and show lines that can't be understood, instead of stopping at the first
    #[arg(long)]
    skip_unknown: bool,
}

/// A bar on the terminal.
#[derive(Default)]
struct Bar(RefCell<Option<ProgressBar>>);

impl Watches for Bar {
    fn begins(&self, records: usize) {
        if let Some(bar) = &*self.0.borrow() {
            bar.inc_length(records as u64);
            return;
        }
        let bar = ProgressBar::new(records as u64);
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} records {per_sec} {eta}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        self.0.replace(Some(bar));
    }

    fn committed(&self, records: u64) {
        if let Some(bar) = &*self.0.borrow() {
            bar.inc(records);
        }
    }

    fn ends(&self) {
        if let Some(bar) = self.0.take() {
            bar.finish_and_clear();
        }
    }

    fn stands_in(&self, datasets: &str, reason: &str) {
        say(
            format!("accesses to {datasets} can't be recorded ({reason}): digests stand in"),
            format!("对 {datasets} 的访问无法记录（{reason}）：以摘要代替"),
        );
    }
}

impl Recorded {
    async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let node = common.connect().await?;
        let account = common.account(&node).await?;
        let options = Options {
            source: self.source,
            logs: self.logs.clone(),
            mapping: self.mapping.clone(),
            batch: self.batch as usize,
            limit: self.limit,
            shift_times: self.shift_times,
            skip_unknown: self.skip_unknown,
        };
        let summary = run(&node, &account, &options, &Bar::default()).await?;
        print(&summary, common.output)
    }
}

/// Prints counts by verdict on stdout, all else on stderr. Fails where something of the log is not on the ledger, or stands there
/// as what can't be told.
fn print(summary: &Summary, format: Format) -> Result<(), ClientError> {
    told_of_lines(&summary.lines);
    told_of_grants(&summary.grants);
    let mut rows = Rows::new(&["verdict", "reason", "timeliness", "records"]);
    for ((verdict, reason, timeliness), count) in &summary.outcomes {
        rows.push(vec![json!(verdict), json!(reason), json!(timeliness), json!(count)]);
    }
    rows.print(format)?;
    counted(&summary.lines, summary.statements);
    if summary.changed > 0 {
        let count = summary.changed;
        say(
            format!(
                "{count} statements recorded before touched more than was known then: that is recorded beside it"
            ),
            format!("此前记录的 {count} 条语句实际涉及更多内容：另行补记"),
        );
    }
    let (recorded, before, left) = (summary.recorded(), summary.already, summary.left);
    let (rate, rate_zh) = match summary.elapsed.as_millis() {
        0 => (String::new(), String::new()),
        ms => {
            let rate = u128::from(recorded) * 1000 / ms;
            (format!(" in {ms} ms, {rate} a second"), format!("（用时 {ms} 毫秒，每秒 {rate} 条）"))
        }
    };
    say(
        format!("{recorded} recorded{rate}; {before} recorded before; {left} left"),
        format!("已记录 {recorded} 条{rate_zh}；此前已记录 {before} 条；剩余 {left} 条"),
    );
    summary.must_be_all()
}

fn told_of_grants(it: &Counts) {
    for (tag, count) in &it.unknown_grants {
        say(
            format!("no grant {tag} on the ledger: {count} accesses recorded without one"),
            format!("账本上没有授权 {tag}：{count} 次访问记为未注明授权"),
        );
    }
    for (who, count) in &it.by_rule {
        say(
            format!("{count} accesses of {who} name no grant: a rule took the only one that fits"),
            format!("{who} 的 {count} 次访问未写授权：按规则取唯一符合的授权"),
        );
    }
    for (who, count) in &it.no_grant_fits {
        say(
            format!("{count} accesses of {who} name no grant, and none fits the rule"),
            format!("{who} 的 {count} 次访问未写授权，且没有符合规则的授权"),
        );
    }
    for (who, count) in &it.several_fit {
        say(
            format!(
                "{count} accesses of {who} name no grant, and several fit the rule: none is taken"
            ),
            format!("{who} 的 {count} 次访问未写授权，符合规则的授权不止一个：均不取"),
        );
    }
}
