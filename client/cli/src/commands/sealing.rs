//! `liuhen sealing`: records kept secret for a time.

use super::Common;
use super::signing::{Act, Reason};
use crate::output::Rows;
use crate::text;
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_client::resolve::id;
use liuhen_client::submit::random;
use liuhen_proto::items::access::sealing::commitment;
use liuhen_proto::ledger::calendar;
use liuhen_proto::types::IdKind;
use liuhen_proto::wire::{self, item::Kind};
use prost::Message;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Records kept secret for a time, by decision of an authority
#[derive(Debug, clap::Subcommand)]
pub enum Sealing {
    /// Decide that records of a collector may be sealed, as an authority
    Order {
        /// The collector
        collector: String,
        /// The decision; it stays here, its salted digest goes on the ledger
        #[arg(long)]
        decision: String,
        /// When what is sealed must be opened
        #[arg(long)]
        open_by: String,
    },
    /// A longer seal, by a fresh decision
    Extend {
        /// Its id
        order: String,
        /// The fresh decision
        #[arg(long)]
        decision: String,
        /// When what is sealed must be opened
        #[arg(long)]
        open_by: String,
    },
    /// Open a record that was sealed, from the file that was kept of it
    Open {
        /// The file
        file: PathBuf,
    },
    /// Decisions that one may see
    List,
    /// How many records were sealed everywhere, by month, as far as that is told
    Counts,
}

/// What a gateway keeps of a record that it sealed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    authority: String,
    order_id: String,
    gateway_id: String,
    salt: String,
    /// The canonical record, hexadecimal.
    record: String,
}

/// Commits to a record under a decision, and keeps what opens it in a new file of mode 600.
pub(super) fn seal(
    order: &wire::SealingOrder,
    gateway: &[u8],
    record: &wire::RecordAccess,
    keep: &Path,
) -> Result<wire::RecordSealed, ClientError> {
    let salt: [u8; 16] = random()?;
    let authority = order.ordered.clone().unwrap_or_default().authority;
    let kept = Kept {
        authority: authority.clone(),
        order_id: hex::encode(&order.order_id),
        gateway_id: hex::encode(gateway),
        salt: hex::encode(salt),
        record: hex::encode(record.encode_to_vec()),
    };
    let at = |e: std::io::Error| ClientError::Failed(format!("{}: {e}", keep.display()));
    let text = serde_json::to_string_pretty(&kept).map_err(ClientError::failed)?;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(keep).map_err(at)?;
    file.write_all(text.as_bytes()).map_err(at)?;
    file.sync_all().map_err(at)?;
    Ok(wire::RecordSealed {
        collector: record.collector.clone(),
        authority,
        order_id: order.order_id.clone(),
        access_no: record.access_no,
        commitment: commitment(&salt, record).to_vec(),
    })
}

fn kept(file: &Path) -> Result<wire::OpenSealed, ClientError> {
    let bad = |why: String| ClientError::Usage(format!("{}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|e| bad(e.to_string()))?;
    let it: Kept = serde_json::from_str(&text).map_err(|e| bad(e.to_string()))?;
    let bytes = |text: &str| hex::decode(text).map_err(|e| bad(e.to_string()));
    let record = wire::RecordAccess::decode(bytes(&it.record)?.as_slice());
    Ok(wire::OpenSealed {
        authority: it.authority,
        order_id: bytes(&it.order_id)?,
        gateway_id: bytes(&it.gateway_id)?,
        salt: bytes(&it.salt)?,
        record: Some(record.map_err(|e| bad(e.to_string()))?),
    })
}

impl Sealing {
    /// Does it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let act = Act::begin(common).await?;
        let authority = act.department();
        match self {
            Self::List => list(common, &act.node).await,
            Self::Counts => counts(common, &act.node).await,
            Self::Order { collector, decision, open_by } => {
                let decision = Reason::new(decision)?;
                let it = wire::OrderSealing {
                    authority,
                    collector: collector.clone(),
                    decision_digest: decision.digest.clone(),
                    open_by_ms: text::parse_time(open_by)?,
                };
                let more = |tx: &liuhen_proto::tx::Tx| {
                    let id = tx.header().made_id(IdKind::SealingOrder, 0);
                    vec![("order_id", json!(id.to_string())), decision.shown()]
                };
                act.done(Kind::OrderSealing(it), more).await
            }
            Self::Extend { order, decision, open_by } => {
                let decision = Reason::new(decision)?;
                let it = wire::ExtendSealing {
                    authority,
                    order_id: id(order)?,
                    decision_digest: decision.digest.clone(),
                    open_by_ms: text::parse_time(open_by)?,
                };
                act.done(Kind::ExtendSealing(it), |_| vec![decision.shown()]).await
            }
            Self::Open { file } => act.judged(Kind::OpenSealed(kept(file)?)).await,
        }
    }
}

async fn list(common: &Common, node: &Node) -> Result<(), ClientError> {
    let columns = ["authority", "collector", "open_by", "sealed", "opened", "missed", "order_id"];
    let mut rows = Rows::new(&columns);
    for it in node.sealing_orders().await? {
        let ordered = it.ordered.clone().unwrap_or_default();
        rows.push(vec![
            json!(ordered.authority),
            json!(ordered.collector),
            json!(text::time(it.open_by_ms)),
            json!(it.sealed),
            json!(it.opened),
            json!(it.missed),
            json!(hex::encode(&it.order_id)),
        ]);
    }
    rows.print(common.output)
}

async fn counts(common: &Common, node: &Node) -> Result<(), ClientError> {
    let request = wire::ListSealingRequest { page_size: 1, ..Default::default() };
    let months = node.accountability().list_sealing(request).await?.into_inner().months;
    let mut rows = Rows::new(&["from", "until", "sealed"]);
    let day = |month: u32| {
        let day = u64::from(month).saturating_mul(calendar::SEALED_MONTH_DAYS);
        text::time(calendar::begin_of(day).get())
    };
    for it in months {
        let until = day(it.month.saturating_add(1));
        rows.push(vec![json!(day(it.month)), json!(until), json!(it.sealed)]);
    }
    rows.print(common.output)
}
