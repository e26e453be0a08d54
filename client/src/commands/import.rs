//! `liuhen import`.

use super::Common;
use crate::error::ClientError;
use crate::import::{Options, run};
use std::path::PathBuf;

/// Record accesses from a log
#[derive(Debug, clap::Subcommand)]
pub enum Import {
    /// From a PostgreSQL server's jsonlog with pgAudit, plain or gzip
    Pgaudit(Box<Pgaudit>),
}

/// A log to import
#[derive(Debug, clap::Args)]
pub struct Pgaudit {
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

impl Import {
    /// Imports it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let Self::Pgaudit(it) = self;
        let node = common.connect().await?;
        let account = common.account(&node).await?;
        let options = Options {
            log: it.log.clone(),
            mapping: it.mapping.clone(),
            batch: it.batch as usize,
            limit: it.limit,
            shift_times: it.shift_times,
            skip_unknown: it.skip_unknown,
        };
        let summary = run(&node, &account, &options).await?;
        summary.print(common.output)
    }
}
