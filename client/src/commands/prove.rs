//! `liuhen prove`: makes a proof file that `liuhen-verify` checks offline.

use super::Common;
use super::trail::Which;
use crate::connect::join;
use crate::error::ClientError;
use crate::text;
use liuhen_proto::types::TxId;
use liuhen_proto::wire::{self, RangeKind};
use std::path::PathBuf;

/// Make a proof file
#[derive(Debug, clap::Args)]
pub struct Prove {
    #[command(subcommand)]
    what: What,
    /// Where to write it
    #[arg(long, global = true, default_value = "proof.trace")]
    out: PathBuf,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// That these are all events of a trail
    Trail {
        #[command(flatten)]
        which: Which,
        /// Recorded from this time on
        #[arg(long, requires = "until")]
        from: Option<String>,
        /// Recorded before this time
        #[arg(long, requires = "from")]
        until: Option<String>,
        /// From this height on
        #[arg(long, requires = "until_height", conflicts_with = "from")]
        from_height: Option<u64>,
        /// Below this height
        #[arg(long, requires = "from_height")]
        until_height: Option<u64>,
        /// Of a subject's trail: the key that its tag follows from
        #[arg(long)]
        subject_key: Option<String>,
    },
    /// That an item of a transaction is in a block
    Event {
        /// The transaction's id
        tx_id: String,
        /// The item's number
        #[arg(default_value_t = 0)]
        item: u32,
    },
}

impl Prove {
    /// Makes it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let node = common.connect().await?;
        let pieces = match &self.what {
            What::Trail { which, from, until, from_height, until_height, subject_key } => {
                let (kind, id) = which.resolve(&node).await?;
                let (range, from, until) = match (from, until, from_height, until_height) {
                    (Some(from), Some(until), ..) => {
                        (RangeKind::Times, text::parse_time(from)?, text::parse_time(until)?)
                    }
                    (_, _, Some(from), Some(until)) => (RangeKind::Heights, *from, *until),
                    _ => (RangeKind::Whole, 0, 0),
                };
                let request = wire::ProveTrailRequest {
                    trail_kind: kind as u32,
                    trail_id: id,
                    range: range as u32,
                    from,
                    until,
                    subject_key: super::trail::key_of_subject(subject_key.as_deref())?,
                };
                node.proofs().prove_trail(request).await?
            }
            What::Event { tx_id, item } => {
                let id: Result<TxId, _> = tx_id.parse();
                let id = id.map_err(|e| ClientError::Usage(format!("`{tx_id}`: {e}")))?;
                let request = wire::ProveEventRequest { tx_id: id.to_vec(), item: *item };
                node.proofs().prove_event(request).await?
            }
        };
        let bytes = join(pieces.into_inner()).await?;
        std::fs::write(&self.out, &bytes)
            .map_err(|e| ClientError::Failed(format!("{}: {e}", self.out.display())))?;
        eprintln!("{}: {} bytes", self.out.display(), bytes.len());
        Ok(())
    }
}
