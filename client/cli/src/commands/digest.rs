//! Digests of files that stay here.

use liuhen_client::error::ClientError;
use liuhen_proto::suite::hash::{Domain, hash};
use std::path::PathBuf;

/// The digest of a file, as items name it.
pub(super) fn of_file(file: &PathBuf) -> Result<Vec<u8>, ClientError> {
    let bytes =
        std::fs::read(file).map_err(|e| ClientError::Usage(format!("{}: {e}", file.display())))?;
    Ok(hash(Domain::Digest, &[&bytes]).to_vec())
}
