//! Open files: as many as the system lets this process have, and how they are shared out; and files that are written whole
//! or not at all. Blocks, votes and the index need some at any moment; without one a node must not vote on.

use rustix::process::{Resource, getrlimit, setrlimit};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Files that are kept from clients: block log, index, votes, the two networks of nodes.
const RESERVED: usize = 512;

/// Raises this process's limit of open files as far as the system allows. Says so where it is low.
pub fn raise_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!(%error, "the limit of open files can't be raised");
        }
    }
    let files = self::limit();
    if files < 2 * RESERVED {
        tracing::warn!(
            files,
            "few files may be open: raise the hard limit (LimitNOFILE of systemd, ulimit -Hn)"
        );
    } else {
        tracing::info!(files, "files that may be open");
    }
}

/// How many files this process may have open.
pub fn limit() -> usize {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// How many of so many files clients may hold: what is not reserved, and never more than half.
pub fn for_clients(limit: usize) -> usize {
    limit.saturating_sub(RESERVED).clamp(limit / 8, limit / 2)
}

/// Writes a file so that a power cut leaves it as it was, or as it shall be.
pub(crate) fn write_durably(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    replace(path, bytes)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Puts a file with these bytes, synced, in the place of another; gives the new one, open. Its name is not synced yet.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<File> {
    let new = path.with_extension("new");
    let mut file = File::options().create(true).truncate(true).read(true).write(true).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    Ok(file)
}

/// `<path>.<what>-<n>`, the first that is free.
pub(crate) fn free_name(path: &Path, what: &str) -> PathBuf {
    let name = |n: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{what}-{n}"));
        PathBuf::from(name)
    };
    (1..u32::MAX).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consensus_keeps_its_files() {
        assert_eq!(for_clients(1_048_576), 524_288);
        assert_eq!(for_clients(1_024), 512);
        assert_eq!(for_clients(600), 88);
        assert_eq!(for_clients(256), 32);
        for limit in 0..5_000 {
            assert!(for_clients(limit) <= limit / 2);
        }
    }
}
