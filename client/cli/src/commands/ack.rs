//! `liuhen ack`: the user's half of accesses.

use super::Common;
use super::ack_hour::{self, Hour};
use super::signing::{Act, nothing};
use crate::output::Rows;
use crate::text;
use liuhen_client::error::ClientError;
use liuhen_proto::event::Body;
use liuhen_proto::merkle::{Blake3Log, log};
use liuhen_proto::place::TrailKind;
use liuhen_proto::suite::hash::{Domain, hash};
use liuhen_proto::wire::{self, item::Kind};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Acknowledge accesses: the user's half
#[derive(Debug, clap::Subcommand)]
pub enum Ack {
    /// One access; wanted one by one from grade 3 up
    One {
        /// The grant: request id, reference, or reference@dataset
        #[arg(long)]
        grant: String,
        /// The gateway that served it, `department/code`
        #[arg(long)]
        gateway: String,
        /// The gateway's number
        #[arg(long)]
        number: u64,
        /// Rows received; without it: unknown
        #[arg(long)]
        rows: Option<u64>,
        /// What the gateway gave with it, as `liuhen record` printed it: with it a missing record is the collector's fault
        #[arg(long)]
        receipt: Option<String>,
    },
    /// The sum of an hour's accesses under a grant, below grade 3
    Hour {
        /// The grant: request id, reference, or reference@dataset
        #[arg(long)]
        grant: String,
        /// A time within the hour; without it: the hour before this one
        #[arg(long)]
        hour: Option<String>,
        /// How many accesses
        #[arg(long)]
        count: u64,
        /// One's own list of them, a line each: its root goes on the ledger, and settles a dispute
        #[arg(long)]
        list: Option<PathBuf>,
    },
    /// An hour's accesses under a grant, as the collector recorded them
    List(Hour),
    /// Confirm all that the collector recorded in an hour under a grant: one by one what is owed so, and the sum of the rest
    Confirm {
        #[command(flatten)]
        hour: Hour,
        /// Only if the hour's accesses are still those of the list with this root, as `ack list` showed it
        #[arg(long)]
        root: Option<String>,
    },
    /// Dispute some that the collector recorded in an hour: a case is opened for each, the rest is confirmed
    Dispute {
        #[command(flatten)]
        hour: Hour,
        /// Only if the hour's accesses are still those of the list with this root, as `ack list` showed it
        #[arg(long)]
        root: Option<String>,
        /// The numbers, as `ack list` shows them
        #[arg(required = true)]
        numbers: Vec<String>,
        /// Why; the sentence stays here, its salted digest goes on the ledger
        #[arg(long)]
        reason: String,
    },
    /// What only one side says of a grant: recorded and not acknowledged, or the other way round
    Missing {
        /// The grant: request id, reference, or reference@dataset
        #[arg(long)]
        grant: String,
    },
}

impl Ack {
    /// Does it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let act = Act::begin(common).await?;
        let using_department = act.department();
        let kind = match self {
            Self::List(it) => return ack_hour::list(common, &act, it).await,
            Self::Confirm { hour, root } => {
                return ack_hour::confirm(common, &act, hour, root.as_deref()).await;
            }
            Self::Dispute { hour, root, numbers, reason } => {
                let hour = (hour, root.as_deref());
                return ack_hour::dispute(common, &act, hour, numbers, reason).await;
            }
            Self::Missing { grant } => return missing(common, &act, grant).await,
            Self::One { grant, gateway, number, rows, receipt } => {
                let grant = act.node.grant(grant).await?;
                Kind::Acknowledge(wire::Acknowledge {
                    request_id: grant.request_id,
                    dataset: grant.dataset,
                    collector: grant.collector,
                    using_department,
                    gateway_id: act.node.identity_id(gateway).await?.to_vec(),
                    access_no: *number,
                    row_count: *rows,
                    result_digest: Vec::new(),
                    receipt: receipt.as_deref().map(text::parse_receipt).transpose()?,
                })
            }
            Self::Hour { grant, hour, count, list } => {
                let grant = act.node.grant(grant).await?;
                let hour = Hour::number(hour.as_deref())?;
                Kind::AcknowledgeHour(wire::AcknowledgeHour {
                    request_id: grant.request_id,
                    dataset: grant.dataset,
                    collector: grant.collector,
                    using_department,
                    hour,
                    count: *count,
                    root: root(list.as_deref())?,
                })
            }
        };
        act.done(kind, nothing).await
    }
}

/// Compares the use made of a grant with what was acknowledged one by one.
async fn missing(common: &Common, act: &Act<'_>, grant: &str) -> Result<(), ClientError> {
    let id = act.node.grant(grant).await?.request_id;
    let mut sides: BTreeMap<(Vec<u8>, u64), (bool, bool, u64)> = BTreeMap::new();
    for event in act.node.whole_trail(TrailKind::Use, id.clone()).await? {
        if let (Some(number), Some(gateway)) = (event.access_no(), event.body.identity()) {
            let side = sides.entry((gateway.to_vec(), number)).or_default();
            (side.0, side.2) = (true, event.leaf.time.get());
        }
    }
    for event in act.node.whole_trail(TrailKind::Acknowledgements, id).await? {
        let Body::Signed { item, .. } = &event.body else { continue };
        if let Kind::Acknowledge(it) = item.kind() {
            let side = sides.entry((it.gateway_id.clone(), it.access_no)).or_default();
            (side.1, side.2) = (true, event.leaf.time.get());
        }
    }
    let names = super::names(&act.node).await?;
    let mut rows = Rows::new(&["gateway", "number", "recorded", "acknowledged", "since"]);
    for ((gateway, number), (recorded, acknowledged, time)) in sides {
        if recorded != acknowledged {
            let name = names.get(&gateway).cloned().unwrap_or_else(|| text::short(&gateway));
            let since = text::time(time);
            rows.push(vec![
                json!(name),
                json!(number),
                json!(recorded),
                json!(acknowledged),
                json!(since),
            ]);
        }
    }
    rows.print(common.output)
}

/// The root over the digests of a list's lines.
fn root(list: Option<&Path>) -> Result<Vec<u8>, ClientError> {
    let text = match list {
        Some(file) => std::fs::read_to_string(file)
            .map_err(|e| ClientError::Usage(format!("{}: {e}", file.display())))?,
        None => String::new(),
    };
    let lines = text.lines().map(|line| hash(Domain::Digest, &[line.as_bytes()]));
    Ok(log::root::<Blake3Log>(lines).to_vec())
}
