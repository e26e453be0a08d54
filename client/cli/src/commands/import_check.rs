//! `liuhen import check`: what a log tells, before anything is signed.

use super::log_lines::{counted, source, told_of_lines};
use crate::output::{Format, Rows};
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
                json!(word(it.taken)),
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
        if self.mapping.is_none() {
            lines.untold.clear();
        }
        told_of_lines(&lines);
        for (what, count) in &found.hides {
            tell!("{what} ({count} lines)");
        }
        counted(&lines, found.statements);
        must_name(&found.missing);
        lines.must_be_all()
    }
}

fn word(taken: Taken) -> &'static str {
    match taken {
        Taken::NotUnderstood => "not understood",
        Taken::SetAside => "set aside",
        Taken::NotToldInFull => "not told in full",
        Taken::Access => "access",
        Taken::AccessRowsUnknown => "access, rows unknown",
        Taken::Denied => "access, denied",
        Taken::Further => "of a statement above",
        Taken::OtherDenied => "refusal of other things",
        Taken::OtherDatabase => "other database",
        Taken::NoAccess => "no access",
        Taken::Nothing => "nothing",
    }
}

/// The lines that a mapping lacks, as it would have them.
fn must_name(missing: &Missing) {
    if missing.is_none() {
        return;
    }
    tell!("what the mapping does not name:");
    for name in &missing.databases {
        tell!("  databases: {name:?}");
    }
    for (name, count) in &missing.relations {
        tell!("  [relations] {:?} = \"…\"  # {count} lines; or in ignore", name);
    }
    for (name, count) in &missing.functions {
        tell!("  [functions] {:?} = [\"…\"]  # {count} calls; [] where it reads no dataset", name);
    }
    for (name, count) in &missing.roles {
        tell!("  [roles.{name:?}] identity = \"…\"  # {count} statements");
    }
}
