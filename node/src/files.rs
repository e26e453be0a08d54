//! Open files: as many as the system lets this process have, and how they are shared out. Blocks, votes and the index need some
//! at any moment; without one a node must not vote on.

use rustix::process::{Resource, getrlimit, setrlimit};

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
