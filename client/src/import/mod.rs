//! Importing accesses from logs.
//!
//! What is on the ledger already is known by the records' nonces, which follow from the log and a
//! secret salt: so a run that was killed is completed by the next, and a log imported twice adds
//! nothing, whatever this machine remembers.

pub mod mapping;
pub mod pgaudit;
mod plan;
pub mod reconcile;
mod resume;
mod send;
mod summary;

pub use summary::Summary;

use crate::connect::Node;
use crate::error::ClientError;
use crate::submit::Account;
use liuhen_proto::tx::Item;
use liuhen_proto::wire::{self, item::Kind};
use mapping::Mapping;
use plan::Planner;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// How often an import begins again that was overtaken by what a run before left on its way.
const TRIES: usize = 20;
const PAUSE: Duration = Duration::from_millis(500);

/// What to import, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The log.
    pub log: PathBuf,
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

/// Imports a PostgreSQL audit log.
pub async fn run(
    node: &Node,
    account: &Account,
    options: &Options,
) -> Result<Summary, ClientError> {
    let mapping = Mapping::read(&options.mapping)?;
    let status = node.status().await?;
    if options.shift_times && !status.chain_name.starts_with("dev-") {
        let why = format!("--shift-times is for dev- chains; this is {}", status.chain_name);
        return Err(ClientError::Usage(why));
    }
    let log = pgaudit::read(&options.log, &mapping, options.skip_unknown)?;
    let (mut tries, mut refused) = (0, Refused::new());
    loop {
        let mut summary = Summary::of_log(&log);
        match attempt(node, account, options, &mapping, &log, &mut summary, &mut refused).await {
            Ok(()) => return Ok(summary),
            // Something stands in the place of what can never be recorded, so that nothing stalls.
            Err(error) if refused.remember(&error) => {}
            // A run that was killed may have left batches on their way: they come first.
            Err(error) if tries < TRIES && overtaken(&error) => {
                tries += 1;
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Records that the ledger can never take, by nonce: why. Others come behind them all the same.
struct Refused {
    reasons: BTreeMap<[u8; 16], String>,
    /// The nonce of the item that was refused last.
    last: Option<[u8; 16]>,
}

impl Refused {
    fn new() -> Self {
        Self { reasons: BTreeMap::new(), last: None }
    }

    /// Whether the last item was refused for a reason that will never go away.
    fn remember(&mut self, error: &ClientError) -> bool {
        let never = ["dataset.unknown", "dataset.other_collector"];
        let (Some(nonce), ClientError::Refused(refused, _)) = (self.last.take(), error) else {
            return false;
        };
        let new = never.contains(&refused.reason.as_str()) && !self.reasons.contains_key(&nonce);
        if new {
            eprintln!("a statement can't be recorded ({}): its digest stands in", refused.reason);
            self.reasons.insert(nonce, refused.reason.clone());
        }
        new
    }

    /// The item, or what stands in its place.
    fn stand_in(&self, item: Item, collector: &str, access_no: u64) -> Result<Item, ClientError> {
        let Some(reason) = self.reasons.get(&item.nonce()) else { return Ok(item) };
        let it = wire::Unrecordable {
            collector: collector.to_owned(),
            access_no,
            digest: item.digest().to_vec(),
            reason: reason.clone(),
        };
        Item::new(item.nonce(), Kind::Unrecordable(it)).map_err(ClientError::failed)
    }
}

/// Whether another program, or a run before, has recorded for this gateway in between.
fn overtaken(error: &ClientError) -> bool {
    let reasons = ["seq.wrong", "seq.taken", "access_no.taken"];
    matches!(error, ClientError::Refused(refused, _) if reasons.contains(&refused.reason.as_str()))
}

/// Records what the ledger does not have yet.
async fn attempt(
    node: &Node,
    account: &Account,
    options: &Options,
    mapping: &Mapping,
    log: &pgaudit::Log,
    summary: &mut Summary,
    refused: &mut Refused,
) -> Result<(), ClientError> {
    let recorded = resume::recorded(node, account).await?;
    let salt = mapping.salt(recorded.nonces.is_empty())?;
    let shift_ms = match (options.shift_times, log.statements.last()) {
        (true, Some(last)) => i128::from(crate::submit::now().get()) - i128::from(last.time_ms),
        _ => 0,
    };
    let mut planner = Planner::new(node, mapping, salt, shift_ms).await?;
    let mut access_no = recorded.last_access_no;
    let mut items = Vec::new();
    for statement in &log.statements {
        if recorded.nonces.contains(&planner.nonce(statement)) {
            summary.already += 1;
        } else if options.limit.is_none_or(|limit| items.len() < limit) {
            access_no = access_no.saturating_add(1);
            let collector = &account.signer.department;
            let item = planner.item(statement, access_no, collector)?;
            items.push(refused.stand_in(item, collector, access_no)?);
        } else {
            summary.left += 1;
        }
    }
    summary.unknown_tags = planner.unknown_tags();
    let mut at_fault = None;
    let sent = send::all(node, account, &items, options.batch, summary, &mut at_fault).await;
    refused.last = at_fault.and_then(|at| items.get(at)).map(Item::nonce);
    sent
}
