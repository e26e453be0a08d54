//! `liuhen-node vote`: a person's word that a node may vote again.

use crate::clock;
use crate::config::{self, Flags};
use crate::home::Home;
use crate::store::votes::{Known, VoteRecord};
use liuhen_keyfile::PassphraseSource;
use liuhen_proto::types::Height;
use std::path::PathBuf;

/// Let a stopped node vote from a height on, whatever its record of votes says
///
/// For the case that so many validators have lost what they know of their votes that the others are no quorum: `liuhen status` says
/// so on every node. See first that none of them signed two different votes at that height; what others heard of it they hold as
/// evidence.
#[derive(Debug, clap::Args)]
pub struct Vote {
    /// The node's home
    #[arg(long, env = "LIUHEN_HOME", default_value = ".")]
    home: PathBuf,
    /// The first height at which it may vote
    #[arg(long)]
    from: u64,
    /// Read the passphrase of the keys from this file descriptor
    #[arg(long)]
    passphrase_fd: Option<i32>,
    #[command(flatten)]
    flags: Flags,
}

impl Vote {
    /// Notes it.
    pub fn run(&self) -> anyhow::Result<()> {
        anyhow::ensure!(self.from > 0, "--from 0: the first block is that of height 1");
        let settings = config::load(&self.home, &self.flags)?;
        let home = Home::new(&self.home);
        let _lock = home.lock()?;
        let founding = home.founding(&settings)?;
        let passphrase = PassphraseSource::from_descriptor(self.passphrase_fd);
        let key = home.load_keys(&passphrase, founding.is_dev())?.node.public().key_id();
        let path = home.vote_record(&settings)?;
        let _record = VoteRecord::lock(&path)?;
        let mut record = VoteRecord::open(&path, founding.chain(), key)?;
        if let Known::UpTo(height) = record.known() {
            anyhow::ensure!(
                self.from >= height.get(),
                "the record says that the key signed up to height {height}: --from {} is below it",
                self.from
            );
        }
        let before = match record.known() {
            _ if record.is_damaged() => "was damaged".to_owned(),
            Known::Nothing => "did not exist".to_owned(),
            Known::Never => "said that the key never signed".to_owned(),
            Known::UpTo(height) => format!("said that the key signed up to height {height}"),
        };
        record.by_word(Height::new(self.from), clock::now())?;
        println!("The record of votes, {}, {before}.", path.display());
        println!("It says now that node {key} may vote from height {} on. Start it.", self.from);
        Ok(())
    }
}
