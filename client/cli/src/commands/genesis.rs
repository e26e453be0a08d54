//! `liuhen genesis`: fetches the founding document, to be compared by its fingerprint.

use super::Common;
use crate::tell;
use liuhen_client::error::ClientError;
use liuhen_client::lang::pick;
use liuhen_genesis::{Founding, fingerprint};
use std::path::PathBuf;

/// Fetch the founding document; compare its fingerprint by telephone before trusting it
#[derive(Debug, clap::Args)]
pub struct Genesis {
    /// Where to write it
    #[arg(long)]
    out: PathBuf,
}

impl Genesis {
    /// Fetches it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let bytes = common.connect().await?.genesis().await?;
        let founding = Founding::from_bytes(&bytes).map_err(ClientError::failed)?;
        let at = |e| ClientError::Failed(format!("{}: {e}", self.out.display()));
        std::fs::write(&self.out, &bytes).map_err(at)?;
        tell!("{} {}", pick("fingerprint", "指纹"), fingerprint(&founding.chain()));
        Ok(())
    }
}
