//! `liuhen import check`: what a log tells, before anything is signed.

use super::log_lines::{counted, source, told_of_lines};
use crate::output::{Format, Rows, say};
use crate::tell;
use liuhen_client::error::ClientError;
use liuhen_sources::Source;
use liuhen_sources::check::{Missing, Taken, check};
use liuhen_sources::mapping::Mapping;
use serde_json::json;
use std::path::PathBuf;

/// What is looked at
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// The log's files, in the order in which they were written
    #[arg(required = true)]
    logs: Vec<PathBuf>,
    /// What kind of log it is
    #[arg(long, value_parser = source(), default_value = "pgaudit")]
    source: Source,
    /// A mapping, TOML; without one all databases are looked at, and what a mapping must name is shown
    #[arg(long)]
    mapping: Option<PathBuf>,
    /// Without a mapping: the zone of the log's times
    #[arg(long, default_value = "Asia/Shanghai")]
    time_zone: String,
}

impl Check {
    /// Looks. Fails where an import would.
    pub(super) fn run(&self, format: Format) -> Result<(), ClientError> {
        let mapping = match &self.mapping {
            Some(path) => Mapping::read(path)?,
            None => Mapping::of_any(&self.time_zone),
        };
        let found = check(self.source, &self.logs, &mapping)?;
        let mut rows = Rows::new(&["taken_for", "kind", "lines", "first", "example"]);
        for it in &found.classes {
            let example = String::from_utf8_lossy(&it.example).into_owned();
            rows.push(vec![
                json!(word(it.taken, format)),
                json!(it.kind),
                json!(it.lines),
                json!(it.first),
                json!(example),
            ]);
        }
        rows.print(format)?;
        let mut lines = found.lines;
        // They are shown below, as lines of a mapping.
        lines.unmapped.clear();
        lines.calls.clear();
        told_of_lines(&lines);
        for (what, count) in &found.hides {
            say(format!("{what} ({count} lines)"), format!("{what}（{count} 行）"));
        }
        counted(&lines, found.statements);
        must_name(&found.missing);
        lines.must_be_all()
    }
}

fn word(taken: Taken, shown: Format) -> &'static str {
    match taken {
        Taken::NotUnderstood => shown.word("not understood", "未读懂"),
        Taken::SetAside => shown.word("set aside", "搁置"),
        Taken::NotToldInFull => shown.word("not told in full", "未能尽述"),
        Taken::Access => shown.word("access", "访问"),
        Taken::AccessRowsUnknown => shown.word("access, rows unknown", "访问，行数不明"),
        Taken::Denied => shown.word("access, denied", "访问被拒"),
        Taken::Further => shown.word("of a statement above", "属于上一语句"),
        Taken::OtherDenied => shown.word("refusal of other things", "拒绝其他事项"),
        Taken::OtherDatabase => shown.word("other database", "其他数据库"),
        Taken::NoAccess => shown.word("no access", "非访问"),
        Taken::Nothing => shown.word("nothing", "无内容"),
    }
}

/// The lines that a mapping lacks, as it would have them.
fn must_name(missing: &Missing) {
    if missing.is_none() {
        return;
    }
    say("what the mapping does not name:", "映射尚未列明：");
    for name in &missing.databases {
        tell!("  databases: {name:?}");
    }
    for (name, count) in &missing.relations {
        let line = format!("  [relations] {name:?} = \"…\"  # ");
        say(
            format!("{line}{count} lines; or in ignore"),
            format!("{line}{count} 行；或加入 ignore"),
        );
    }
    for (name, count) in &missing.functions {
        let line = format!("  [functions] {name:?} = [\"…\"]  # ");
        let (what, what_zh) =
            ("calls; [] where it reads no dataset", "次调用；不读取目录项的写 []");
        say(format!("{line}{count} {what}"), format!("{line}{count} {what_zh}"));
    }
    for (name, count) in &missing.roles {
        let line = format!("  [roles.{name:?}] identity = \"…\"  # {count} ");
        say(format!("{line}statements"), format!("{line}条语句"));
    }
}
