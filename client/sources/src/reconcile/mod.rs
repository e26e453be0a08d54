//! Comparing a database's own audit log with the ledger, statement by statement and content with content. What nobody reported
//! shows here, and nowhere else.
//!
//! A statement's record is known by its nonce, where the gateway recorded this log; else by what it says: who, when, which
//! datasets, which operation. What a clean result means: every statement of the log is on the ledger once, with these datasets,
//! rows, account, time and grant, and between the log's first and last moment the gateway recorded nothing that the log does not
//! have. It says nothing of what the log itself does not tell: the counts of lines that were not compared stand in it.
//!
//! | file | holds |
//! |---|---|
//! | `result` | what was found, and its signature |
//! | `compare` | one statement against its records |
//! | `apart` | statements of which several parts of a log tell |

mod apart;
mod compare;
mod result;

pub use result::{Cause, Difference, NotCompared, Reconciliation, by_cause, open, sign};

use crate::Source;
use crate::known::Known;
use crate::log::Log;
use crate::mapping::Mapping;
use crate::plan::Planner;
use crate::reading::Reading;
use crate::statement::Statement;
use crate::summary::Lines;
use apart::{Joined, Pieces, Seen};
use compare::{Expected, Pair, differences};
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_proto::suite::hash::{Domain, hash};
use liuhen_proto::types::IdentityId;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What to compare, and with what.
#[derive(Debug, Clone)]
pub struct Compared {
    /// What kind of log it is.
    pub source: Source,
    /// The log's files, in order.
    pub logs: Vec<PathBuf>,
    /// The mapping.
    pub mapping: PathBuf,
    /// The gateway, `department/code`.
    pub gateway: String,
    /// Whether the log was imported with its times moved.
    pub shifted: bool,
    /// Whether to leave out lines that can't be understood, and say so.
    pub skip_unknown: bool,
    /// Whether the gateway compares by itself: then what it keeps of its records will do. Whoever checks it reads the trail.
    pub by_itself: bool,
    /// From when, and until when, milliseconds; without them the log's first and last moment.
    pub range: (Option<u64>, Option<u64>),
}

/// Compares a log with the records of a gateway.
pub async fn run(node: &Node, compared: &Compared) -> Result<Reconciliation, ClientError> {
    let mapping = Mapping::read(&compared.mapping)?;
    let reading = || compared.source.reading(&compared.logs, &mapping, compared.skip_unknown);
    let status = node.status().await?;
    let id: IdentityId = node.identity_id(&compared.gateway).await?;
    let mut known = known(&mapping, node, id, compared.by_itself).await?;
    known.bring_up(node).await?;
    let salt = mapping.salt(false)?;
    let mut planner = Planner::new(node, &mapping, salt, 0).await?;
    if compared.shifted {
        let (mut parts, mut by_ms) = (reading()?, None);
        while let (None, Some(part)) = (by_ms, parts.part()?) {
            by_ms = planner.moved(&part, &known)?;
        }
        planner.shift(by_ms.unwrap_or(0));
    }
    let shift_ms = if compared.shifted { planner.shifted() } else { 0 };
    let mut parts = reading()?;
    let (mut pairs, mut seen) = (Vec::new(), Seen::default());
    while let Some(part) = parts.part()? {
        for statement in &part {
            seen.saw(&statement.reference);
            pairs.push(pair(&mut planner, &known, statement, &[])?);
        }
    }
    if !seen.again.is_empty() {
        pairs.retain(|it: &Pair| !seen.again.contains(it.expected.reference()));
        for it in joined(reading()?, &seen)? {
            pairs.push(pair(&mut planner, &known, &it.whole, &it.pieces)?);
        }
    }
    let log = parts.log();
    let (from_ms, until_ms) = time(log, shift_ms, compared.range)?;
    pairs.retain(|it| (from_ms..until_ms).contains(&it.expected.time_ms));
    let within = known.within(from_ms, until_ms)?;
    Ok(Reconciliation {
        chain_id: hex::encode(&status.chain_id),
        height: status.height,
        gateway: compared.gateway.clone(),
        gateway_id: id.to_string(),
        log_digests: compared.logs.iter().map(|it| digest(it)).collect::<Result<_, _>>()?,
        mapping_digest: digest(&compared.mapping)?,
        shift_ms,
        from_ms,
        until_ms,
        statements: pairs.len() as u64,
        records: within.len() as u64,
        differences: differences(&pairs, &within),
        not_compared: NotCompared::of(&Lines::of(log)),
        made_ms: liuhen_client::clock::now().get(),
    })
}

/// A statement with its records; `pieces` where several parts of the log tell of it.
fn pair(
    planner: &mut Planner<'_>,
    known: &Known,
    statement: &Statement,
    pieces: &[Statement],
) -> Result<Pair, ClientError> {
    Ok(Pair {
        expected: Expected::of(planner, statement, pieces),
        records: planner.plan(statement, known)?.recorded,
        is_untold: !statement.untold.is_empty(),
    })
}

/// The statements that stand in several parts of a log, which is read again for them.
fn joined(mut parts: Reading<'_>, seen: &Seen) -> Result<Vec<Joined>, ClientError> {
    let mut pieces = Pieces::default();
    while let Some(part) = parts.part()? {
        let again = part.into_iter().filter(|it| seen.again.contains(&it.reference));
        again.for_each(|it| pieces.take(it));
    }
    Ok(pieces.joined())
}

/// What is known of the gateway's records: what it keeps itself, or nothing yet.
async fn known(
    mapping: &Mapping,
    node: &Node,
    id: IdentityId,
    by_itself: bool,
) -> Result<Known, ClientError> {
    let chain = node.chain().await?;
    let file = mapping.known_file(&id);
    Known::open(by_itself.then_some(file.as_path()), &chain, id)
}

/// The time that is compared.
fn time(
    log: &Log,
    shift_ms: i64,
    range: (Option<u64>, Option<u64>),
) -> Result<(u64, u64), ClientError> {
    let moved = |time: u64| time.saturating_add_signed(shift_ms);
    let first = log.times.map(|(first, _)| moved(first));
    let behind = log.times.map(|(_, last)| moved(last).saturating_add(1));
    match (range.0.or(first), range.1.or(behind)) {
        (Some(from), Some(until)) => Ok((from, until)),
        _ => {
            let why =
                "the log has no line with a time: say --from and --until, which time it is of";
            Err(ClientError::Usage(why.into()))
        }
    }
}

/// The digest of a file; of a folder that of the paths below it.
fn digest(file: &Path) -> Result<String, ClientError> {
    let read = || match file.is_dir() {
        false => std::fs::read(file),
        true => {
            let mut paths = Vec::new();
            crate::files::open(file)?.read_to_end(&mut paths)?;
            Ok(paths)
        }
    };
    let bytes = read().map_err(|e| ClientError::Failed(format!("{}: {e}", file.display())))?;
    Ok(hash(Domain::Digest, &[&bytes]).to_string())
}
