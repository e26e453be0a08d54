//! Changes of the data are seen as they happen (数据变化实时探知): off unless it is said, and never at the database's cost.
//!
//! [`looking`] asks the [`database`]: table counters, a digest of all rows within a limit of cost, or, where a slot is allowed, each change by
//! [`decoding`], [`following`] the rows with a [`set_digest`] that follows changes. What is observed stands in the seals, so that a change that nobody published is alerted; versions
//! are published where that is said.

pub mod database;
pub mod decoding;
pub mod following;
pub mod looking;
pub mod set_digest;

use anyhow::Context as _;
use liuhen_proto::suite::hash::{Domain, hash};
use liuhen_proto::types::check_code;
use liuhen_proto::wire::{Observed, PublishVersion};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What was seen longer ago says nothing of now.
const SEEN_FOR: Duration = Duration::from_secs(300);
/// What could not be published is tried again after so long.
const AGAIN: Duration = Duration::from_secs(30);

/// A dataset whose changes are seen.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watched {
    /// The dataset.
    pub dataset: String,
    /// How the database is reached: `host=/var/run/postgresql dbname=population user=liuhen`.
    pub database: String,
    /// A file with the password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// Its tables, `schema.table`.
    pub tables: Vec<String>,
    /// How often it is looked.
    #[serde(default = "five")]
    pub every_seconds: u64,
    /// A digest of all rows; without it there are counts alone.
    #[serde(default)]
    pub digest: Option<DigestQuery>,
    /// The name of a slot by which each change is followed; only where `max_slot_wal_keep_size` is set. The rows have a digest where `digest` is given.
    #[serde(default)]
    pub slot: Option<String>,
    /// Whether a version is published when the digest is another.
    #[serde(default)]
    pub publish: bool,
}

const fn five() -> u64 {
    5
}

/// When all rows are read.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigestQuery {
    /// What it may cost at most, as the database's planner says.
    pub most_cost: f64,
    /// How often at most.
    pub every_minutes: u64,
}

impl Watched {
    /// Errors for what can't be meant.
    pub fn checked(&self, allow_plaintext: bool) -> anyhow::Result<()> {
        check_code(&self.dataset)?;
        anyhow::ensure!(!self.tables.is_empty(), "tables: one at least is needed");
        for table in &self.tables {
            let is_plain = table.split('.').count() == 2 && !table.contains(['\'', '"', '\\']);
            anyhow::ensure!(is_plain, "tables: {table}: schema.table is wanted");
        }
        anyhow::ensure!(self.every_seconds > 0, "every_seconds: 1 at least");
        if let Some(digest) = &self.digest {
            let fits = digest.every_minutes > 0 && digest.most_cost > 0.0;
            anyhow::ensure!(fits, "digest: `most_cost` and `every_minutes` above 0 are needed");
        }
        if let Some(slot) = &self.slot {
            let is_name = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_';
            anyhow::ensure!(
                !slot.is_empty() && slot.len() < 64 && slot.chars().all(is_name),
                "slot: a-z, 0-9 and _"
            );
        }
        anyhow::ensure!(
            !self.publish || self.digest.is_some(),
            "publish: a version has a digest: `digest` is needed"
        );
        let config: tokio_postgres::Config = self.database.parse().context("database")?;
        let is_here = |it: &tokio_postgres::config::Host| match it {
            tokio_postgres::config::Host::Unix(_) => true,
            tokio_postgres::config::Host::Tcp(host) => {
                host == "localhost"
                    || host.parse().is_ok_and(|it: std::net::IpAddr| it.is_loopback())
            }
        };
        anyhow::ensure!(
            allow_plaintext
                || config.get_hosts().iter().all(is_here)
                    && config.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback),
            "database: it is asked on this machine alone, or behind what encrypts: or say allow_plaintext"
        );
        Ok(())
    }
}

/// How the rows of a dataset stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The digest of all rows.
    pub digest: liuhen_proto::types::Hash,
    /// How many there are.
    pub rows: u64,
}

/// Rows that were put in, changed and taken out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Put in.
    pub added: u64,
    /// Changed.
    pub changed: u64,
    /// Taken out.
    pub removed: u64,
}

impl Counts {
    /// What came since.
    pub fn since(&self, before: &Self) -> Self {
        Self {
            added: self.added.saturating_sub(before.added),
            changed: self.changed.saturating_sub(before.changed),
            removed: self.removed.saturating_sub(before.removed),
        }
    }
}

/// What is known of a dataset's data.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// As the database counts, and what was followed since.
    pub counts: Counts,
    /// When it was looked last.
    pub looked: Option<Instant>,
    /// The newest digest, and the counters as it was made.
    pub seen: Option<(Seen, Counts)>,
    /// The version on the ledger, and the counters when it was met first.
    version: Option<(u64, Counts)>,
    /// The digest that was published last, as far as it is known; and when it was tried to publish another.
    published: Option<Vec<u8>>,
    tried: Option<Instant>,
    /// The version that is to be published, and the counters of its rows.
    made: Option<(u64, Counts)>,
    /// How often something changed, and how often it could not be looked, since the start.
    pub changes: u64,
    /// It could not be looked so often.
    pub failures: u64,
    /// Bytes of log that the slot holds back; `None` without one.
    pub held: Option<u64>,
}

/// What is observed of datasets, shared by who looks and who signs.
#[derive(Debug, Default)]
pub struct Changes {
    all: Mutex<BTreeMap<String, Standing>>,
    publish: Vec<String>,
}

impl Changes {
    /// Of these datasets, of which nothing was seen yet.
    pub fn new(watched: &[Watched]) -> Self {
        let all = watched.iter().map(|it| (it.dataset.clone(), Standing::default())).collect();
        let publish = watched.iter().filter(|it| it.publish).map(|it| it.dataset.clone()).collect();
        Self { all: Mutex::new(all), publish }
    }

    /// Changes what is known of a dataset.
    pub fn note(&self, dataset: &str, what: impl FnOnce(&mut Standing)) {
        if let Some(it) = self.lock().get_mut(dataset) {
            what(it);
        }
    }

    /// The rows of a dataset were seen as they stood with these counters.
    pub fn saw(&self, dataset: &str, seen: Seen, counts: Counts) {
        self.note(dataset, |it| {
            if it.seen.is_none_or(|(before, _)| before != seen) {
                // Who publishes by hand states this digest.
                tracing::info!(dataset, rows = seen.rows, digest = %seen.digest, "the rows have another digest");
            }
            it.seen = Some((seen, counts));
        });
    }

    /// All, for metrics.
    pub fn all(&self) -> Vec<(String, Standing)> {
        self.lock().iter().map(|(name, it)| (name.clone(), it.clone())).collect()
    }

    /// Datasets that are watched.
    pub fn datasets(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    /// What a seal says of a dataset whose version on the ledger is this. A digest where there is one of the rows as they stand; where counters alone
    /// show that something changed since the version was met, a digest of them, which is no version's; else nothing.
    pub fn observed(&self, dataset: &str, published: &PublishVersion) -> Option<Observed> {
        let mut all = self.lock();
        let it = all.get_mut(dataset)?;
        it.looked.filter(|at| at.elapsed() <= SEEN_FOR)?;
        let (dataset, version) = (dataset.to_owned(), published.version);
        if let Some((seen, at)) = it.seen
            && at == it.counts
        {
            let content_digest = seen.digest.to_vec();
            return Some(Observed { dataset, version, content_digest, row_count: seen.rows });
        }
        let met = *it.version.get_or_insert((version, it.counts));
        if met.0 != version {
            it.version = Some((version, it.counts));
            return None;
        }
        if met.1 == it.counts {
            return None;
        }
        let Counts { added, changed, removed } = it.counts;
        let counters = [added, changed, removed].map(u64::to_be_bytes).concat();
        let content_digest = hash(Domain::Digest, &[b"counters", &counters]).to_vec();
        Some(Observed { dataset, version, content_digest, row_count: 0 })
    }

    /// Datasets of which a version may be to be published.
    pub fn unpublished(&self) -> Vec<String> {
        let mut all = self.lock();
        let of = |name: &String| {
            let it = all.get_mut(name)?;
            let (seen, at) = it.seen?;
            let is_new = at == it.counts && it.published.as_deref() != Some(seen.digest.as_bytes());
            let may = is_new && it.tried.is_none_or(|at| at.elapsed() >= AGAIN);
            may.then(|| it.tried = Some(Instant::now()))?;
            Some(name.clone())
        };
        self.publish.iter().filter_map(of).collect()
    }

    /// The version that is to be published of a dataset, where its policy says so and the rows are others than those that were.
    pub fn to_publish(&self, dataset: &str, published: &PublishVersion) -> Option<PublishVersion> {
        if !self.publish.iter().any(|it| it == dataset) {
            return None;
        }
        let mut all = self.lock();
        let it = all.get_mut(dataset)?;
        it.published = Some(published.content_digest.clone());
        let (seen, at) = it.seen?;
        if at != it.counts || seen.digest.as_bytes().as_slice() == published.content_digest {
            it.tried = None;
            return None;
        }
        it.made = Some((published.version.saturating_add(1), at));
        let before = it.version.filter(|(version, _)| *version == published.version);
        let since = match before {
            Some((_, before)) => at.since(&before),
            None => Counts { added: seen.rows, ..Counts::default() },
        };
        Some(PublishVersion {
            dataset: dataset.to_owned(),
            version: published.version.saturating_add(1),
            content_digest: seen.digest.to_vec(),
            row_count: seen.rows,
            rows_added: since.added,
            rows_changed: since.changed,
            rows_removed: since.removed,
            previous_digest: published.content_digest.clone(),
            ..PublishVersion::default()
        })
    }

    /// A version was published by these counters.
    pub fn published(&self, it: &PublishVersion) {
        self.note(&it.dataset, |standing| {
            // It may have changed since.
            standing.version = standing.made.filter(|(version, _)| *version == it.version);
            (standing.published, standing.tried) = (Some(it.content_digest.clone()), None);
        });
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Standing>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use liuhen_proto::types::Hash;

    fn changes() -> Changes {
        let publish = vec!["a".to_owned()];
        Changes { all: Mutex::new([("a".to_owned(), Standing::default())].into()), publish }
    }

    fn version(version: u64, digest: u8) -> PublishVersion {
        PublishVersion {
            version,
            content_digest: vec![digest; 32],
            row_count: 3,
            ..PublishVersion::default()
        }
    }

    #[test]
    fn what_a_seal_says() {
        let changes = changes();
        let count = |added| {
            changes.note("a", |it| {
                it.counts = Counts { added, ..Counts::default() };
                it.looked = Some(Instant::now());
            });
        };
        let says = |of: &PublishVersion| {
            changes.observed("a", of).map(|it| (it.version, it.content_digest.len(), it.row_count))
        };
        count(7);
        // Counters alone say nothing until they change; then that the data is not as it was published.
        assert_eq!(says(&version(1, 1)), None);
        count(8);
        assert_eq!(says(&version(1, 1)), Some((1, 32, 0)));
        // With another version it is met anew.
        assert_eq!((says(&version(2, 2)), says(&version(2, 2))), (None, None));
        let seen = Seen { digest: Hash::new([2; 32]), rows: 3 };
        changes.note("a", |it| it.seen = Some((seen, it.counts)));
        let observed = changes.observed("a", &version(2, 2)).unwrap();
        assert_eq!((observed.content_digest, observed.row_count), (vec![2; 32], 3));
        // A digest of before says nothing of now.
        count(9);
        assert_eq!(says(&version(2, 2)), Some((2, 32, 0)));
        assert_eq!(changes.observed("b", &version(2, 2)), None);
        // Nor does what was seen long ago.
        let long_ago = Instant::now().checked_sub(SEEN_FOR + Duration::from_secs(1));
        changes.note("a", |it| (it.looked, it.counts.added) = (long_ago, 8));
        assert_eq!(changes.observed("a", &version(2, 2)), None);
    }

    #[test]
    fn what_is_published_and_once() {
        let changes = changes();
        let see = |digest: u8, rows, added| {
            let counts = Counts { added, ..Counts::default() };
            let seen = Seen { digest: Hash::new([digest; 32]), rows };
            changes.note("a", |it| (it.counts, it.seen) = (counts, Some((seen, counts))));
        };
        assert!(changes.unpublished().is_empty());
        see(1, 3, 3);
        assert_eq!(changes.unpublished(), ["a"]);
        assert!(changes.unpublished().is_empty(), "it is tried");
        let first = changes.to_publish("a", &PublishVersion::default()).unwrap();
        assert_eq!((first.version, first.rows_added, first.previous_digest.len()), (1, 3, 0));
        changes.published(&first);
        assert!(changes.unpublished().is_empty());
        see(2, 5, 5);
        assert_eq!(changes.unpublished(), ["a"]);
        let second = changes.to_publish("a", &first).unwrap();
        assert_eq!((second.version, second.rows_added, second.row_count), (2, 2, 5));
        // Somebody has published it meanwhile.
        assert_eq!(changes.to_publish("a", &second), None);
    }
}
