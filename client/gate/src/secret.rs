//! Secrets that others show: each in a file.

use anyhow::Context as _;
use std::path::Path;

/// A secret in a file.
pub fn shown(file: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
    let secret = text.trim();
    anyhow::ensure!(secret.len() >= 16, "{}: a secret has 16 characters at least", file.display());
    Ok(secret.to_owned())
}
