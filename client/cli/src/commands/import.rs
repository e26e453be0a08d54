//! `liuhen import`.

use super::Common;
use crate::output::{Format, Rows};
use crate::tell;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use indicatif::{ProgressBar, ProgressStyle};
use liuhen_client::error::ClientError;
use liuhen_sources::{Options, Source, Summary, Watches, not_all, run};
use serde_json::json;
use std::cell::RefCell;
use std::path::PathBuf;

/// Record accesses from a log
#[derive(Debug, clap::Args)]
pub struct Import {
    /// What kind of log it is
    #[arg(value_parser = source())]
    source: Source,
    /// The log
    log: PathBuf,
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

/// Takes the name of a kind of log.
pub(super) fn source() -> impl TypedValueParser<Value = Source> {
    let values = Source::ALL.iter().map(|it| PossibleValue::new(it.name()).help(it.about()));
    PossibleValuesParser::new(values).try_map(|name| {
        let known = Source::ALL.iter().copied().find(|it| it.name() == name);
        known.ok_or_else(|| format!("there is no source {name}"))
    })
}

/// A bar on the terminal.
#[derive(Default)]
struct Bar(RefCell<Option<ProgressBar>>);

impl Watches for Bar {
    fn begins(&self, records: usize) {
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
        tell!("accesses to {datasets} can't be recorded ({reason}): digests stand in");
    }
}

impl Import {
    /// Imports it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let node = common.connect().await?;
        let account = common.account(&node).await?;
        let options = Options {
            source: self.source,
            log: self.log.clone(),
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

/// Prints counts by verdict on stdout, all else on stderr. Fails where lines were set aside: what they tell of is
/// not on the ledger.
fn print(summary: &Summary, format: Format) -> Result<(), ClientError> {
    for (line, why) in &summary.unknown {
        tell!("line {line} skipped: {why}");
    }
    for (line, why) in &summary.set_aside {
        tell!("line {line} set aside: {why}");
    }
    if let Some(number) = summary.unfinished {
        tell!("line {number}, the last, is not written whole yet: the next run takes it");
    }
    if summary.contradictory > 0 {
        let count = summary.contradictory;
        tell!("{count} statements name several grants that differ: recorded without one");
    }
    for (tag, count) in &summary.unknown_tags {
        tell!("no grant {tag} on the ledger: {count} statements recorded without one");
    }
    let mut rows = Rows::new(&["verdict", "reason", "timeliness", "records"]);
    for ((verdict, reason, timeliness), count) in &summary.outcomes {
        rows.push(vec![json!(verdict), json!(reason), json!(timeliness), json!(count)]);
    }
    rows.print(format)?;
    tell!(
        "{} lines: {} statements, {} lines of other databases, {} lines of no access, {} blank, {} \
         not understood, {} set aside",
        summary.lines,
        summary.statements,
        summary.other_databases,
        summary.other_lines,
        summary.blank_lines,
        summary.unknown.len(),
        summary.set_aside.len()
    );
    let rate = match summary.elapsed.as_millis() {
        0 => String::new(),
        ms => format!(" in {ms} ms, {} a second", u128::from(summary.recorded()) * 1000 / ms),
    };
    tell!(
        "{} recorded{rate}; {} recorded before; {} left",
        summary.recorded(),
        summary.already,
        summary.left
    );
    not_all(&summary.set_aside)
}
