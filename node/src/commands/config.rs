//! `liuhen-node config`: each setting, its value and where it came from.

use crate::config::{self, Flags};
use std::path::PathBuf;

/// Show each setting, its value and where it came from
#[derive(Debug, clap::Args)]
pub struct Config {
    /// The node's home
    #[arg(long, env = "LIUHEN_HOME", default_value = ".")]
    home: PathBuf,
    #[command(flatten)]
    flags: Flags,
}

impl Config {
    /// Prints them.
    pub fn run(&self) -> anyhow::Result<()> {
        for (name, value, source) in config::sources(&self.home, &self.flags)? {
            println!("{name:<18} {value:<60} {source}");
        }
        Ok(())
    }
}
