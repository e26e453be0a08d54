//! Logs.

use crate::config::{LogFormat, Settings};
use crate::consensus::WithoutLinks;
use anyhow::Context as _;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

/// Starts logging to stderr.
pub fn start(settings: &Settings) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&settings.log_filter).context("log_filter")?;
    let all = tracing_subscriber::registry().with(filter).with(WithoutLinks);
    let lines = fmt::layer().with_writer(std::io::stderr);
    let started = match settings.log_format {
        LogFormat::Text => all.with(lines.with_ansi(false)).try_init(),
        LogFormat::Json => all.with(lines.json()).try_init(),
    };
    started.map_err(|e| anyhow::anyhow!("logs: {e}"))
}
