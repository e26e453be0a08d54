//! A log followed as it grows, by the same code as an import: what it tells is given to whoever [`Takes`] it, each record once.
//!
//! A statement is given out as soon as nothing more of it is to come, or after two seconds; what comes of it later is told beside. Where
//! it was begun again, files are read from their beginnings: what was taken before is known by its nonce.

use crate::Source;
use crate::known::{Known, KnownRecord, Recorded};
use crate::mapping::Mapping;
use crate::plan::{Counts, Planner};
use crate::reading::Reading;
use crate::statement::Statement;
use crate::tail::{Files, Tail};
use liuhen_client::clock::now;
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_proto::types::{ChainId, IdentityId};
use liuhen_proto::wire::{Channel, RecordAccess};
use prost::Message as _;
use std::collections::HashMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

/// How often it is looked whether something was written.
const EVERY: Duration = Duration::from_millis(200);
/// A statement is waited for no longer.
const WAITS_MS: u64 = 2_000;
/// Grants are asked for again so often.
const RENEW: Duration = Duration::from_secs(30);
/// What was taken is looked for on the ledger when there is so much of it.
const TAKEN: usize = 20_000;
/// But no more often than this.
const LOOK: Duration = Duration::from_secs(2);

/// A record that is to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct Followed {
    /// What it is sent with: the same statement has the same again.
    pub nonce: [u8; 16],
    /// The record; its number is 0.
    pub record: RecordAccess,
}

/// What is being written to disk.
pub type Taking<'a> = Pin<Box<dyn Future<Output = Result<(), ClientError>> + 'a>>;

/// Whoever takes what a log tells.
pub trait Takes {
    /// The node that answers; `None` where none does.
    fn node(&self) -> Option<Node>;
    /// Something that is not as it should be, and does not end it.
    fn says(&self, what: &str);
    /// What was taken and may not be on the ledger yet.
    fn taken(&self) -> Vec<Followed>;
    /// Takes records; they are on disk when it is done.
    fn take(&self, all: Vec<Followed>) -> Taking<'_>;
    /// All that the log told before this time was taken.
    fn caught_up(&self, time_ms: u64, lines: Lines);
    /// Whether nothing more is wanted.
    fn is_over(&self) -> bool;
}

/// Lines since the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lines {
    /// All.
    pub read: u64,
    /// Those that were not understood.
    pub unknown: u64,
    /// Those that can't be told rightly, and were set aside.
    pub set_aside: u64,
    /// Those of accesses of which not all datasets can be told.
    pub untold: u64,
}

/// What is followed.
#[derive(Debug, Clone)]
pub struct Options {
    /// What kind of log it is.
    pub source: Source,
    /// Its file; or a pattern with one `*` in the name.
    pub log: PathBuf,
    /// The mapping.
    pub mapping: PathBuf,
    /// Files that were last changed before are not read.
    pub from: SystemTime,
    /// Whose records.
    pub gateway: IdentityId,
    /// Its department.
    pub collector: String,
    /// Of which chain.
    pub chain: ChainId,
}

/// Follows a log until nothing more is wanted. A node is needed at the start; while none answers later, what was known of grants holds.
///
/// Errors where the start fails, or what is taken can't be kept.
pub async fn follow(it: &Options, into: &dyn Takes) -> Result<(), ClientError> {
    let mapping = Mapping::read(&it.mapping)?;
    let node = into.node().ok_or_else(|| ClientError::failed("there is no node"))?;
    // First what is on the way: what comes on the ledger in between is in both.
    let on_its_way = into.taken();
    let file = mapping.known_file(&it.gateway);
    let mut known = Known::open(Some(&file), &it.chain, it.gateway)?;
    known.bring_up(&node).await?;
    let mut taken = Taken { known, given: HashMap::new() };
    let is_followed = |it: &Followed| matches!(it.record.channel(), Channel::Log | Channel::File);
    let may_make = !taken.known.has_followed()? && !on_its_way.iter().any(is_followed);
    taken.given.extend(on_its_way.iter().map(|it| (it.nonce, it.record.encode_to_vec())));
    let salt = mapping.salt(may_make)?;
    let at = |e: std::io::Error| ClientError::failed(format!("{}: {e}", it.log.display()));
    let tail = Tail::new(Files::of(&it.log).map_err(at)?, it.from);
    let at_end = tail.at_end();
    let mut run = Run {
        planner: Planner::new(&node, &mapping, salt, 0).await?,
        taken,
        collector: &it.collector,
    };
    let mut reading = Reading::of_stream(it.source.reader(&mapping)?, Box::new(tail), &it.log);
    let (mut renewed, mut heard, mut looked) = (Instant::now(), Instant::now(), Instant::now());
    let mut lines = 0;
    while !into.is_over() {
        let began = now().get();
        let is_quiet = heard.elapsed() >= Duration::from_millis(WAITS_MS);
        let (statements, more) = reading.now(began.saturating_sub(WAITS_MS), is_quiet)?;
        if reading.log().lines > lines {
            (lines, heard) = (reading.log().lines, Instant::now());
        }
        if run.taken.given.len() >= TAKEN && looked.elapsed() >= LOOK {
            run.look(into).await;
            looked = Instant::now();
        }
        let new = run.records(&statements)?;
        if !new.is_empty() {
            let given: Vec<_> =
                new.iter().map(|it| (it.nonce, it.record.encode_to_vec())).collect();
            into.take(new).await?;
            run.taken.given.extend(given);
        }
        if more {
            continue;
        }
        if at_end.load(Ordering::Relaxed) {
            into.caught_up(began.saturating_sub(WAITS_MS), told(&reading));
        }
        if renewed.elapsed() >= RENEW {
            run.renew(into).await;
            reading.forget_names();
            renewed = Instant::now();
        }
        tokio::time::sleep(EVERY).await;
    }
    Ok(())
}

/// When the newest of a log's files was changed.
pub fn newest(log: &Path) -> std::io::Result<SystemTime> {
    Files::of(log)?.newest()
}

fn told(reading: &Reading<'_>) -> Lines {
    let log = reading.log();
    Lines {
        read: log.lines,
        unknown: log.unknown.len(),
        set_aside: log.set_aside.len(),
        untold: log.untold.len(),
    }
}

/// What was taken: what is on the ledger, and what this run gave.
struct Taken {
    known: Known,
    /// Encoded records, by what they are sent with.
    given: HashMap<[u8; 16], Vec<u8>>,
}

impl Recorded for Taken {
    fn of(&self, nonce: &[u8; 16]) -> Result<Option<KnownRecord>, ClientError> {
        match self.given.get(nonce) {
            Some(given) => {
                let record = RecordAccess::decode(given.as_slice());
                let record = record.map_err(|e| ClientError::failed(e.to_string()))?;
                Ok(Some(KnownRecord::new(*nonce, Some(&record))))
            }
            None => self.known.record(nonce),
        }
    }
}

struct Run<'a> {
    planner: Planner<'a>,
    taken: Taken,
    collector: &'a str,
}

impl Run<'_> {
    /// The records of statements that were not taken yet.
    fn records(&mut self, statements: &[Statement]) -> Result<Vec<Followed>, ClientError> {
        let mut all = Vec::new();
        let _reading = match statements.is_empty() {
            true => None,
            false => Some(self.taken.known.reading()?),
        };
        for statement in statements {
            for planned in self.planner.plan(statement, &self.taken)?.missing {
                // Its number is given where it is kept; the item's form wants one.
                let item = self.planner.item(statement, &planned, 1, self.collector)?;
                let Some(record) = item.record() else { continue };
                let record = RecordAccess { access_no: 0, ..record.clone() };
                all.push(Followed { nonce: item.nonce(), record });
            }
        }
        Ok(all)
    }

    /// Which grants there are. Where no node answers, what was known holds.
    async fn renew(&mut self, into: &dyn Takes) {
        self.planner.counts = Counts::default();
        let Some(node) = into.node() else { return };
        if let Err(error) = self.planner.renew(&node).await {
            into.says(&format!("which grants there are can't be asked: {error}"));
        }
    }

    /// What was given and is on the ledger by now is known from there. Where no node answers, it is kept.
    async fn look(&mut self, into: &dyn Takes) {
        let Some(node) = into.node() else { return };
        if let Err(error) = self.taken.known.bring_up(&node).await {
            return into.says(&format!("what is recorded can't be asked: {error}"));
        }
        let known = &self.taken.known;
        self.taken.given.retain(|nonce, _| !known.record(nonce).is_ok_and(|it| it.is_some()));
    }
}
