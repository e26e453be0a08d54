//! `liuhen-node run`: runs the node until Ctrl-C or SIGTERM.

use crate::config::{self, Flags};
use crate::consensus::{Conduct, Honest};
use crate::home::Home;
use crate::{files, run, telemetry};
use anyhow::Context as _;
use liuhen_keyfile::PassphraseSource;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Run the node until Ctrl-C or SIGTERM
#[derive(Debug, clap::Args)]
pub struct Run {
    /// The node's home
    #[arg(long, env = "LIUHEN_HOME", default_value = ".")]
    home: PathBuf,
    /// Read the passphrase of the keys from this file descriptor
    #[arg(long)]
    passphrase_fd: Option<i32>,
    #[command(flatten)]
    flags: Flags,
}

impl Run {
    /// Runs it.
    pub fn run(&self) -> anyhow::Result<()> {
        self.run_as(Arc::new(Honest))
    }

    /// Runs it as one that takes part in its own way.
    pub fn run_as(&self, conduct: Arc<dyn Conduct>) -> anyhow::Result<()> {
        let settings = config::load(&self.home, &self.flags)?;
        telemetry::start(&settings)?;
        files::raise_limit();
        let home = Home::new(&self.home);
        let founding = home.founding(&settings)?;
        let passphrase = PassphraseSource::from_descriptor(self.passphrase_fd);
        let keys = home.load_keys(&passphrase, founding.is_dev())?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let stop = CancellationToken::new();
            tokio::spawn(on_signal(stop.clone())?);
            run::run(&home, &settings, founding, keys, conduct, stop).await
        })
    }
}

fn on_signal(stop: CancellationToken) -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("watch for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("watch for Ctrl-C")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        stop.cancel();
    })
}
