//! Audit logs of databases: recording what they tell, and comparing it with the ledger. Nothing is printed here; a run
//! tells whoever [`Watches`] it.
//!
//! What is on the ledger already is known by the records' nonces, which follow from the log and a
//! secret salt: so a run that was killed is completed by the next, and a log imported twice adds
//! nothing, whatever this machine remembers.
//!
//! | file | holds |
//! |---|---|
//! | [`Source`] | the kinds of logs there are, each once |
//! | [`log`], [`statement`], `lines`, `guess` | a log, read; one statement of it; its lines as they are; what a wrong file seems to be |
//! | [`reading`], `taken` | a log in parts, so that its length does not matter; what a line was taken for |
//! | `postgres`, `mariadb`, `mapped`, `files` | one kind of log each |
//! | `syslog`, `time`, `quotes`, `values`, `touched` | what several kinds need: syslog's lines, times, quoted values, datasets by a text |
//! | [`sql`] | what statements say |
//! | [`mapping`], [`relation`], `assurance` | whose accounts and relations are whose on the ledger |
//! | `plan`, `grants`, [`known`], `send` | from statements to records, under which grants, what is there already, and on the way |
//! | [`follow`], `tail` | a log as it grows; its files, one behind the other
//! | [`check`] | what a log tells, before anything is signed |
//! | [`platform`], `sheet` | what an exchange platform states; spreadsheets
//! | [`reconcile`] | comparing a log with the ledger |

mod assurance;
pub mod check;
mod files;
pub mod follow;
mod grants;
mod guess;
pub mod known;
mod lines;
pub mod log;
mod mapped;
pub mod mapping;
mod mariadb;
mod plan;
pub mod platform;
mod postgres;
mod quotes;
pub mod reading;
pub mod reconcile;
pub mod relation;
mod send;
mod sheet;
mod source;
pub mod sql;
pub mod statement;
mod summary;
mod syslog;
mod tail;
mod taken;
mod time;
mod touched;
mod values;

pub use plan::Counts;
pub use summary::{Lines, Summary};

use known::Known;
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_client::submit::Account;
use liuhen_proto::items::Item;
use liuhen_proto::wire::{self, item::Kind};
use mapping::Mapping;
use plan::{Planned, Planner};
use statement::Statement;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

source::sources! {
    Pgaudit = "pgaudit", postgres, "A PostgreSQL server's log with pgAudit: jsonlog, csvlog, text (stderr), syslog, or as others wrap it; plain or gzip";
    Mariadb = "mariadb", mariadb, "A log of MariaDB's server_audit, a file or as syslog carries it; plain or gzip";
    Files = "files", files, "Files handed over: a folder of them, or a list of their paths; each is an access by whom the mapping says";
    Mapped = "mapped", mapped, "Any JSON lines, CSV, logfmt or syslog, by a jq program of the mapping's that tells the accesses; plain or gzip";
}

/// Records that are made before they are sent: as many are in memory.
const AT_ONCE: usize = 10_000;

/// How often an import begins again that was overtaken by what a run before left on its way.
const TRIES: usize = 20;
const PAUSE: Duration = Duration::from_millis(500);

/// Whoever is told how an import goes.
pub trait Watches {
    /// So many more records are to be sent.
    fn begins(&self, records: usize);
    /// So many more are committed.
    fn committed(&self, records: u64);
    /// All answers are there.
    fn ends(&self);
    /// Accesses to these datasets can't be recorded, for this reason: digests stand in.
    fn stands_in(&self, datasets: &str, reason: &str);
}

/// What to import, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// What kind of log it is.
    pub source: Source,
    /// The log's files, in order.
    pub logs: Vec<PathBuf>,
    /// The mapping.
    pub mapping: PathBuf,
    /// Records a transaction.
    pub batch: usize,
    /// Statements to record at most.
    pub limit: Option<usize>,
    /// Whether to move the log's times so that it ends now.
    pub shift_times: bool,
    /// Whether to skip lines that can't be understood.
    pub skip_unknown: bool,
}

/// Imports a log, part by part: as much of it is in memory as a part has, however long it is.
pub async fn run(
    node: &Node,
    account: &Account,
    options: &Options,
    watcher: &dyn Watches,
) -> Result<Summary, ClientError> {
    let mapping = Mapping::read(&options.mapping)?;
    let status = node.status().await?;
    if options.shift_times && !status.chain_name.starts_with("dev-") {
        let why = format!("--shift-times is for dev- chains; this is {}", status.chain_name);
        return Err(ClientError::Usage(why));
    }
    let mut reading = options.source.reading(&options.logs, &mapping, options.skip_unknown)?;
    let first = reading.part()?;
    let shift_ms = if options.shift_times { until_now(options, &mapping)? } else { 0 };
    let gateway = account.signer.identity;
    let file = mapping.known_file(&gateway);
    let mut known = Known::open(Some(&file), &node.chain().await?, gateway)?;
    known.bring_up(node).await?;
    let salt = mapping.salt(!known.has_followed()?)?;
    let mut run = Run {
        options,
        watcher,
        planner: Planner::new(node, &mapping, salt, shift_ms).await?,
        known,
        refused: Refused::default(),
        summary: Summary::default(),
        elapsed: Duration::ZERO,
    };
    let mut part = first;
    while let Some(statements) = part {
        run.part(node, account, &statements).await?;
        part = reading.part().map_err(|error| run.stopped(error))?;
    }
    watcher.ends();
    let mut summary = run.summary;
    (summary.lines, summary.statements) = (Lines::of(reading.log()), reading.log().count());
    (summary.elapsed, summary.grants) = (run.elapsed, run.planner.counts);
    Ok(summary)
}

/// How far the log's times are moved so that its last statement is now.
fn until_now(options: &Options, mapping: &Mapping) -> Result<i128, ClientError> {
    let mut reading = options.source.reading(&options.logs, mapping, options.skip_unknown)?;
    let mut last_ms = None;
    // Where a line stops it, what stands before is all there is.
    while let Ok(Some(part)) = reading.part() {
        last_ms = part.last().map(|it| it.time_ms).or(last_ms);
    }
    let now = i128::from(liuhen_client::clock::now().get());
    Ok(last_ms.map_or(0, |last| now - i128::from(last)))
}

/// What the ledger can never take: why, by the datasets that a record names. A record of the same
/// datasets would be refused for the same reason, so a log is refused once for each, not once for
/// each statement.
#[derive(Default)]
struct Refused {
    reasons: BTreeMap<BTreeSet<String>, String>,
    /// The datasets of the item that was refused last.
    last: Option<BTreeSet<String>>,
}

impl Refused {
    /// Whether the last item was refused for a reason that will never go away.
    fn remember(&mut self, error: &ClientError, watcher: &dyn Watches) -> bool {
        let never = ["dataset.unknown", "dataset.other_collector"];
        let (Some(datasets), ClientError::Refused(refused, _)) = (self.last.take(), error) else {
            return false;
        };
        let reason = refused.reason.as_str();
        let new = never.contains(&reason) && !self.reasons.contains_key(&datasets);
        if new {
            let names = datasets.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            watcher.stands_in(&names, reason);
            self.reasons.insert(datasets, reason.to_owned());
        }
        new
    }

    /// The item, or what stands in its place.
    fn stand_in(&self, item: Item, collector: &str, access_no: u64) -> Result<Item, ClientError> {
        let Some(reason) = self.reasons.get(&datasets(&item)) else { return Ok(item) };
        let it = wire::Unrecordable {
            collector: collector.to_owned(),
            access_no,
            digest: item.digest().to_vec(),
            reason: reason.clone(),
        };
        Item::new(item.nonce(), Kind::Unrecordable(it)).map_err(ClientError::failed)
    }
}

/// The datasets that a record names; none for other items.
fn datasets(item: &Item) -> BTreeSet<String> {
    item.record().into_iter().flat_map(|it| &it.accesses).map(|it| it.dataset.clone()).collect()
}

/// Whether another program, or a run before, has recorded for this gateway in between.
fn overtaken(error: &ClientError) -> bool {
    let reasons = ["seq.wrong", "seq.taken", "access_no.taken"];
    matches!(error, ClientError::Refused(refused, _) if reasons.contains(&refused.reason.as_str()))
}

/// A run, over all parts of its log.
struct Run<'a> {
    options: &'a Options,
    watcher: &'a dyn Watches,
    planner: Planner<'a>,
    /// What the ledger has.
    known: Known,
    refused: Refused,
    /// What came of the parts before.
    summary: Summary,
    /// How long sending has taken.
    elapsed: Duration,
}

impl Run<'_> {
    /// Why the log is not read further, with what is recorded of it.
    fn stopped(&self, error: ClientError) -> ClientError {
        self.watcher.ends();
        let ClientError::Failed(why) = error else { return error };
        let (made, before) = (self.summary.recorded(), self.summary.already);
        let left = self.summary.left;
        ClientError::Failed(format!(
            "{why}; what stands before is recorded: {made} records made, {before} statements recorded before, {left} records left"
        ))
    }

    /// Records what the ledger does not have yet of a part's statements.
    async fn part(
        &mut self,
        node: &Node,
        account: &Account,
        statements: &[Statement],
    ) -> Result<(), ClientError> {
        let (begins, counts) = (self.known.size()?, self.planner.counts.clone());
        let mut tries = 0;
        loop {
            self.planner.counts = counts.clone();
            let attempted = self.attempt(node, account, statements, begins).await;
            // What was recorded is read now, and not by the next run; also what another left on its way.
            match attempted {
                Ok(part) => {
                    self.known.bring_up(node).await?;
                    self.summary.add(part);
                    return Ok(());
                }
                // Something stands in the place of what can never be recorded, so that nothing stalls.
                Err(error) if self.refused.remember(&error, self.watcher) => {
                    self.known.bring_up(node).await?;
                }
                // A run that was killed may have left batches on their way: they come first.
                Err(error) if tries < TRIES && overtaken(&error) => {
                    tries += 1;
                    tokio::time::sleep(PAUSE).await;
                    self.known.bring_up(node).await?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// One attempt at a part, before which the gateway's trail had so many events. What earlier attempts at it recorded, or left on
    /// its way, counts by what the ledger says of it.
    async fn attempt(
        &mut self,
        node: &Node,
        account: &Account,
        statements: &[Statement],
        begins: u64,
    ) -> Result<Summary, ClientError> {
        let mut summary = Summary::default();
        let mut missing = Vec::new();
        for statement in statements {
            let plan = self.planner.plan(statement, &self.known)?;
            let by_this_run = plan.recorded.iter().filter(|it| it.position >= begins);
            by_this_run.clone().for_each(|it| summary.count(it.outcome()));
            summary.stand_ins += plan.recorded.iter().filter(|it| !it.is_record).count();
            let is_before = by_this_run.count() < plan.recorded.len();
            summary.already += usize::from(plan.missing.is_empty() && is_before);
            summary.changed += usize::from(!plan.missing.is_empty() && is_before);
            if plan.missing.is_empty() && !is_before {
                self.planner.count(statement);
            }
            missing.extend(plan.missing.into_iter().map(|it| (statement, it)));
        }
        let made = self.summary.recorded().saturating_add(summary.recorded());
        let made = usize::try_from(made).unwrap_or(usize::MAX);
        let room = self.options.limit.map_or(usize::MAX, |limit| limit.saturating_sub(made));
        summary.left = missing.len().saturating_sub(room);
        missing.truncate(room);
        self.watcher.begins(missing.len());
        self.send(node, account, &missing, &mut summary).await?;
        Ok(summary)
    }

    async fn send(
        &mut self,
        node: &Node,
        account: &Account,
        missing: &[(&Statement, Planned)],
        summary: &mut Summary,
    ) -> Result<(), ClientError> {
        if missing.is_empty() {
            return Ok(());
        }
        let mut access_no = node.last_access_no(&account.signer.identity).await?;
        let collector = &account.signer.department;
        for some in missing.chunks(AT_ONCE) {
            let mut items = Vec::with_capacity(some.len());
            for (statement, planned) in some {
                access_no = access_no.saturating_add(1);
                let item = self.planner.item(statement, planned, access_no, collector)?;
                let item = self.refused.stand_in(item, collector, access_no)?;
                summary.stand_ins += usize::from(item.record().is_none());
                items.push(item);
            }
            let (mut at_fault, began) = (None, Instant::now());
            let watched = (&mut *summary, self.watcher);
            let batch = self.options.batch;
            let sent = send::all(node, account, &items, batch, watched, &mut at_fault).await;
            self.elapsed += began.elapsed();
            self.refused.last = at_fault.and_then(|at| items.get(at)).map(datasets);
            sent?;
        }
        Ok(())
    }
}
