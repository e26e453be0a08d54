//! `liuhen-node backup`, `restore` and `verify-store`.

use crate::app::Checked;
use crate::backup;
use crate::config::{self, Flags};
use crate::home::Home;
use std::path::PathBuf;

/// Copy a node's ledger into a folder while it runs; again: what is new
///
/// Founding document, settings and blocks. Keys are not in it (keep a copy of `keys` apart), and never the record of votes.
#[derive(Debug, clap::Args)]
pub struct Backup {
    /// The node's home
    #[arg(long, env = "LIUHEN_HOME", default_value = ".")]
    home: PathBuf,
    /// The folder of the backup, which is made if need be
    #[arg(long)]
    to: PathBuf,
    #[command(flatten)]
    flags: Flags,
}

impl Backup {
    /// Makes it.
    pub fn run(&self) -> anyhow::Result<()> {
        let settings = config::load(&self.home, &self.flags)?;
        let (manifest, checked) = backup::backup(&Home::new(&self.home), &settings, &self.to)?;
        show(&checked)?;
        eprintln!("Backup of chain {} in {}.", manifest.chain, self.to.display());
        Ok(())
    }
}

/// Put a backup into a home that has keys and no data
#[derive(Debug, clap::Args)]
pub struct Restore {
    /// The home
    #[arg(long, env = "LIUHEN_HOME", default_value = ".")]
    home: PathBuf,
    /// The folder of the backup
    #[arg(long)]
    from: PathBuf,
}

impl Restore {
    /// Does it.
    pub fn run(&self) -> anyhow::Result<()> {
        let manifest = backup::restore(&self.from, &Home::new(&self.home))?;
        println!("height    {}", manifest.height);
        println!("block_id  {}", manifest.block_id);
        eprintln!(
            "{} has the ledger up to there. Start the node: it fetches the rest from the others, and votes when they have told \
             it what they heard of its key.",
            self.home.display()
        );
        Ok(())
    }
}

/// Check a stopped node's block log, or a backup's, block by block
///
/// Each block must be there, follow on the one before, be certified by the validators of its height, and have the events that its header
/// commits to.
#[derive(Debug, clap::Args)]
pub struct VerifyStore {
    /// The node's home
    #[arg(long, env = "LIUHEN_HOME", default_value = ".")]
    home: PathBuf,
    /// Check this backup instead
    #[arg(long, conflicts_with = "home")]
    backup: Option<PathBuf>,
    #[command(flatten)]
    flags: Flags,
}

impl VerifyStore {
    /// Checks it.
    pub fn run(&self) -> anyhow::Result<()> {
        let checked = match &self.backup {
            Some(backup) => backup::check_backup(backup)?,
            None => {
                let settings = config::load(&self.home, &self.flags)?;
                let home = Home::new(&self.home);
                let _lock = home.lock()?;
                let founding = home.founding(&settings)?;
                backup::check(&home.data().join("blocks"), &founding)?
            }
        };
        show(&checked)
    }
}

/// Prints what was checked. Errors where something is wrong with it.
fn show(checked: &Checked) -> anyhow::Result<()> {
    println!("height    {}", checked.height);
    println!("block_id  {}", checked.block);
    println!("time_ms   {}", checked.time_ms);
    println!("events    {}", checked.events);
    for wrong in &checked.wrong {
        println!("wrong     {wrong}");
    }
    anyhow::ensure!(checked.wrong.is_empty(), "the block log is damaged: see above");
    Ok(())
}
