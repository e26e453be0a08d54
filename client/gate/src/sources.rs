//! Logs that are followed as they grow: what they tell gets its numbers in the spool, like what doors decide.

use crate::gate::Gate;
use crate::ledger::Ledger;
use crate::settings::Source;
use crate::spool::entry::Given;
use crate::standing::Standing;
use anyhow::Context as _;
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_client::submit::random;
use liuhen_proto::wire::{Channel, Decision};
use liuhen_sources::follow::{Followed, Lines, Options, Takes, Taking, follow};
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tokio_util::sync::CancellationToken;

/// Where a source can't be followed it is begun again after so long.
const AGAIN: Duration = Duration::from_secs(5);
/// Where there is no room, it is looked again so often.
const ROOM_EVERY: Duration = Duration::from_millis(100);
/// While so many records wait for the ledger, nothing more is read: what a log has is kept there.
const WAITING: usize = 10_000;
/// How often it is kept how far a source was read.
const KEEP_EVERY_MS: u64 = 10_000;
/// Files that were changed so long before that are read again: clocks of disks and machines differ.
const BEFORE: Duration = Duration::from_secs(60);

/// How far a source was read.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    caught_up_ms: u64,
}

/// Follows one source.
pub struct Follower {
    gate: Arc<Gate>,
    ledger: Arc<Ledger>,
    source: Source,
    standing: Arc<Standing>,
    /// Where it is kept how far it was read.
    kept: PathBuf,
    /// What is kept.
    kept_ms: AtomicU64,
    stop: CancellationToken,
}

impl Follower {
    /// Of a source. Errors where it can't be told how far it was read.
    pub fn new(
        gate: Arc<Gate>,
        ledger: Arc<Ledger>,
        source: Source,
        kept: PathBuf,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        let standing = gate.sources.iter().find(|it| it.name == source.name).cloned();
        let standing = standing.with_context(|| format!("source {}", source.name))?;
        let it = Self { gate, ledger, source, standing, kept, kept_ms: AtomicU64::default(), stop };
        if let Some(before) = it.read_before()? {
            it.standing.note(before, Lines::default());
        }
        Ok(it)
    }

    /// Follows in a thread of its own, for reading a log is work, until told to stop.
    pub fn start(self) -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let name = format!("source {}", self.source.name);
        let run = move || {
            runtime.block_on(async {
                while !self.is_over() {
                    if let Err(error) = self.run().await {
                        let (source, error) = (&self.source.name, format!("{error:#}"));
                        tracing::error!(
                            source,
                            error,
                            "the source can't be followed; it is tried again"
                        );
                        tokio::time::sleep(AGAIN).await;
                    }
                }
            });
        };
        std::thread::Builder::new().name(name).spawn(run)?;
        Ok(())
    }

    async fn run(&self) -> anyhow::Result<()> {
        let signer = &self.gate.account.signer;
        let options = Options {
            source: self.source.kind()?,
            log: self.source.log.clone(),
            mapping: self.source.mapping.clone(),
            from: self.from()?,
            gateway: signer.identity,
            collector: signer.department.clone(),
            chain: signer.chain,
        };
        // A node that is behind would not know what was recorded, and it would be recorded twice.
        let node = self.ledger.current().context("there is no node")?;
        let (height, needed) = (node.status().await?.height, self.gate.spool.book().highest());
        anyhow::ensure!(height >= needed.get(), "the node is at {height}, behind {needed}");
        tracing::info!(source = self.source.name, log = %options.log.display(), "a source is followed");
        Ok(follow(&options, self).await?)
    }

    /// Files that were changed since are read: where nothing was read before, the newest alone.
    fn from(&self) -> anyhow::Result<SystemTime> {
        match self.read_before()? {
            Some(ms) => {
                let at = SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
                Ok(at.checked_sub(BEFORE).unwrap_or(SystemTime::UNIX_EPOCH))
            }
            None => {
                let newest = liuhen_sources::follow::newest(&self.source.log)?;
                // Ended before all is read, it begins there again.
                let at = newest.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                self.keep(u64::try_from(at.as_millis()).unwrap_or(u64::MAX));
                Ok(newest)
            }
        }
    }

    fn read_before(&self) -> anyhow::Result<Option<u64>> {
        match std::fs::read(&self.kept) {
            Ok(bytes) => Ok(Some(match serde_json::from_slice::<Kept>(&bytes) {
                Ok(kept) => kept.caught_up_ms,
                Err(error) => {
                    tracing::warn!(file = %self.kept.display(), %error, "it can't be told how far it was read: all files are read again");
                    0
                }
            })),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{}", self.kept.display())),
        }
    }

    /// Keeps how far it was read. Where that fails more is read again at the next start, and nothing twice.
    fn keep(&self, caught_up_ms: u64) {
        self.kept_ms.store(caught_up_ms, Ordering::Relaxed);
        let new = self.kept.with_extension("new");
        let kept = serde_json::to_vec(&Kept { caught_up_ms }).map_err(std::io::Error::other);
        let kept = kept.and_then(|bytes| {
            let mut file = std::fs::File::create(&new)?;
            file.write_all(&bytes)?;
            file.sync_all()
        });
        if let Err(error) = kept.and_then(|()| std::fs::rename(&new, &self.kept)) {
            tracing::warn!(source = self.source.name, %error, "how far it was read can't be kept");
        }
    }

    async fn give(&self, all: Vec<Followed>) -> Result<(), ClientError> {
        while !self.gate.has_room.load(Ordering::Relaxed)
            || self.gate.spool.book().waiting() > WAITING
        {
            if self.is_over() {
                return Err(ClientError::failed("the gate stops"));
            }
            tokio::time::sleep(ROOM_EVERY).await;
        }
        let told = self.told(&all);
        let given = all.into_iter().map(|it| {
            let (salt, nonce) = (random::<16>()?.to_vec(), it.nonce.to_vec());
            Ok(Given { record: Some(it.record), salt, nonce, ..Given::default() })
        });
        let given = given.collect::<Result<Vec<Given>, ClientError>>()?;
        let numbers = self.gate.spool.give_all(given).await;
        let numbers = numbers.map_err(|it| ClientError::failed(it.to_string()))?;
        for (number, (datasets, at_ms, rows)) in numbers.into_iter().zip(told) {
            let differences = &self.gate.differences;
            datasets.iter().for_each(|it| differences.told(it, number, at_ms, rows));
        }
        Ok(())
    }

    /// Of each record what is compared with what doors see: its datasets, when, and how many rows.
    fn told(&self, all: &[Followed]) -> Vec<(Vec<String>, u64, Option<u64>)> {
        if self.gate.differences.is_empty() {
            return Vec::new();
        }
        let of = |it: &Followed| {
            let served = it.record.decision() == Decision::Served;
            let datasets = it.record.accesses.iter().filter(|_| served);
            let datasets = datasets.map(|it| it.dataset.clone()).collect();
            (datasets, it.record.access_time_ms, it.record.row_count)
        };
        all.iter().map(of).collect()
    }
}

impl Takes for Follower {
    fn node(&self) -> Option<Node> {
        self.ledger.current()
    }

    fn says(&self, what: &str) {
        tracing::warn!(source = self.source.name, what);
    }

    fn taken(&self) -> Vec<Followed> {
        let book = self.gate.spool.book();
        let all = book.kept().map(|it| Followed { nonce: *it.nonce(), record: it.record() });
        all.filter(|it| matches!(it.record.channel(), Channel::Log | Channel::File)).collect()
    }

    fn take(&self, all: Vec<Followed>) -> Taking<'_> {
        Box::pin(self.give(all))
    }

    fn caught_up(&self, time_ms: u64, lines: Lines) {
        self.standing.note(time_ms, lines);
        if time_ms.saturating_sub(self.kept_ms.load(Ordering::Relaxed)) >= KEEP_EVERY_MS {
            self.keep(time_ms);
        }
    }

    fn is_over(&self) -> bool {
        self.stop.is_cancelled()
    }
}
