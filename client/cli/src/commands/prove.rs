//! `liuhen prove`: makes a proof file that `liuhen-verify` checks offline.

use super::Common;
use super::resolve::{self, TrailName, TrailWord};
use crate::output::{say, wrote};
use crate::text;
use liuhen_client::connect::{Node, join};
use liuhen_client::error::ClientError;
use liuhen_client::evidence;
use liuhen_client::resolve::transaction;
use liuhen_proto::header::{checkpoint::tlog_proof, note::Note};
use liuhen_proto::types::{Hash, TxId, limits};
use liuhen_proto::wire::{self, RangeKind};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tonic::Streaming;

/// How long a witness is waited for.
const WAIT: Duration = Duration::from_secs(60);

/// Make a proof file
#[derive(Debug, clap::Args)]
pub struct Prove {
    #[command(subcommand)]
    what: What,
    /// Where to write it
    #[arg(long, global = true, default_value = "proof.trace")]
    out: PathBuf,
    /// For whoever trusts the checkpoint of so many headers and has no founding document
    #[arg(long, global = true, value_name = "SIZE")]
    pinned: Option<u64>,
    /// Of a trail, or of what a department signed, of any length: several files, part-0001.trace and so on, into the new folder --out
    #[arg(long, global = true, conflicts_with = "witnessed")]
    parts: bool,
    /// Add that a witness saw the anchor: waits until one has, a minute at most
    #[arg(long, global = true)]
    witnessed: bool,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// That these are all events of a trail
    Trail(Stretch),
    /// That an item of a transaction is in a block
    Event(EventName),
    /// That a recorded access was covered, by the ledger's rules replayed
    Authorised(EventName),
    /// That these are all events that a department's keys signed
    Department {
        /// The department's code
        code: String,
        #[command(flatten)]
        range: RangeFlags,
    },
    /// All that stands of a data subject: who looked, in which bulk sets it is, how much is unknown or
    /// sealed
    Subject {
        /// Tags, collector/tag: asked by their collector, or who audits or regulates
        #[arg(required_unless_present = "subject_key")]
        tags: Vec<String>,
        /// In their place, the keys that tags follow from, collector/key
        #[arg(long, value_delimiter = ',')]
        subject_key: Vec<String>,
        #[command(flatten)]
        range: RangeFlags,
    },
    /// How an object stands, or that there is none
    State {
        /// What it is: department, identity, key, dataset, grant, grant-use, parameters, score, …
        kind: String,
        /// Code; identity and score: department/code too; grant: request id or reference; others: the
        /// id in hexadecimal
        #[arg(default_value = "")]
        id: String,
    },
    /// That something is not on the ledger
    #[command(subcommand)]
    Absence(Absent),
    /// That the chain, or a trail, still begins as was noted
    Consistency {
        /// How many headers or events were noted
        size: u64,
        /// Of a trail: what it is about
        #[arg(requires = "id")]
        kind: Option<TrailWord>,
        /// Of a trail: its id
        id: Option<String>,
    },
    /// That a header is in the newest checkpoint, as a C2SP tlog-proof for the tools of other logs
    Tlog {
        /// The header's height
        height: u64,
    },
    /// That the validators certified two histories: from two proof files, without a node
    Fork {
        /// A proof file
        one: PathBuf,
        /// Another, of the same height
        other: PathBuf,
    },
    /// That a trail leaves an event out: from two proof files, without a node
    Omission {
        /// A proof that the event is in a block
        event: PathBuf,
        /// A proof of the trail, of the same height
        trail: PathBuf,
    },
}

#[derive(Debug, clap::Subcommand)]
enum Absent {
    /// No event of a trail has this number
    Number {
        /// The number, from 0 on
        number: u64,
        #[command(flatten)]
        which: TrailName,
    },
    /// A transaction is not on a trail
    Transaction {
        /// The transaction's id
        tx_id: String,
        #[command(flatten)]
        stretch: Stretch,
    },
}

/// A trail, or a stretch of it
#[derive(Debug, clap::Args)]
struct Stretch {
    #[command(flatten)]
    which: TrailName,
    #[command(flatten)]
    range: RangeFlags,
    /// Of a subject's trail: the key that its tag follows from
    #[arg(long)]
    subject_key: Option<String>,
}

/// A range of block times or of heights; without any: from the beginning
#[derive(Debug, clap::Args)]
struct RangeFlags {
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
}

impl RangeFlags {
    /// Kind, beginning, end.
    fn read(&self) -> Result<(RangeKind, u64, u64), ClientError> {
        Ok(match (&self.from, &self.until, self.from_height, self.until_height) {
            (Some(from), Some(until), ..) => {
                (RangeKind::Times, text::parse_time(from)?, text::parse_time(until)?)
            }
            (_, _, Some(from), Some(until)) => (RangeKind::Heights, from, until),
            _ => (RangeKind::Whole, 0, 0),
        })
    }
}

#[derive(Debug, clap::Args)]
struct EventName {
    /// A transaction's id, id:item as in `tx_item` of a trail's JSON, or department/gateway#number
    event: String,
    /// The item's number, where it does not stand with the id
    item: Option<u32>,
}

impl Prove {
    /// Makes it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        if self.parts {
            let pieces = self.long(&common.connect().await?).await?;
            return save_parts(pieces, &self.out).await;
        }
        let bytes = match &self.what {
            What::Fork { one, other } => evidence::fork(&read(one)?, &read(other)?)?,
            What::Omission { event, trail } => evidence::omission(&read(event)?, &read(trail)?)?,
            what => {
                let node = common.connect().await?;
                let proof = self.ask(what, &node).await?;
                match self.witnessed && !matches!(what, What::Tlog { .. }) {
                    true => super::witness::attached(&node, &proof, WAIT).await?,
                    false => proof,
                }
            }
        };
        std::fs::write(&self.out, &bytes)
            .map_err(|e| ClientError::Failed(format!("{}: {e}", self.out.display())))?;
        wrote(&self.out, bytes.len());
        Ok(())
    }

    /// Has a node make it in parts.
    async fn long(&self, node: &Node) -> Result<Streaming<wire::ProofPart>, ClientError> {
        let pinned = self.pinned.unwrap_or(0);
        Ok(match &self.what {
            What::Trail(stretch) => {
                let request = stretch.request(node, pinned).await?;
                node.proofs().prove_long_trail(request).await?.into_inner()
            }
            What::Department { code, range } => {
                let request = of_department(code, range, pinned)?;
                node.proofs().prove_long_department(request).await?.into_inner()
            }
            _ => {
                return Err(ClientError::usage(
                    "--parts is for `prove trail` and `prove department`",
                    "--parts 用于 `prove trail` 与 `prove department`",
                ));
            }
        })
    }

    /// Has a node make it.
    async fn ask(&self, what: &What, node: &Node) -> Result<Vec<u8>, ClientError> {
        let pinned = self.pinned.unwrap_or(0);
        match what {
            What::Trail(stretch) => stretch.ask(node, pinned).await,
            What::Event(name) => name.ask(node, false, pinned).await,
            What::Authorised(name) => name.ask(node, true, pinned).await,
            What::Department { code, range } => {
                let request = of_department(code, range, pinned)?;
                join(node.proofs().prove_department(request).await?.into_inner()).await
            }
            What::Subject { tags, subject_key, range } => {
                let (range, from, until) = range.read()?;
                let (range, tags) = (range as u32, resolve::subject_tags(tags, subject_key)?);
                let request = wire::ProveSubjectRequest { tags, range, from, until, pinned };
                join(node.proofs().prove_subject(request).await?.into_inner()).await
            }
            What::State { kind, id } => {
                let (kind, id) = resolve::object(node, kind, id).await?;
                let request = wire::ProveObjectRequest { kind: u32::from(kind as u8), id, pinned };
                join(node.proofs().prove_object(request).await?.into_inner()).await
            }
            What::Absence(Absent::Number { number, which }) => {
                let (kind, id) = which.resolve(node).await?;
                // Genesis has no events: what comes is the trail's head, and a neighbour.
                let request = wire::ProveTrailRequest {
                    trail_kind: kind as u32,
                    trail_id: id,
                    range: RangeKind::Heights as u32,
                    from: 0,
                    until: 1,
                    subject_key: Vec::new(),
                    pinned,
                };
                let file = node.proofs().prove_trail(request).await?.into_inner();
                evidence::absent_number(&join(file).await?, *number)
            }
            What::Absence(Absent::Transaction { tx_id, stretch }) => {
                let id = transaction(tx_id)?;
                evidence::absent_transaction(&stretch.ask(node, pinned).await?, &id)
            }
            What::Consistency { size, kind, id } => {
                let mut request = wire::ProveConsistencyRequest {
                    noted_size: *size,
                    pinned,
                    ..wire::ProveConsistencyRequest::default()
                };
                if let (Some(kind), Some(id)) = (kind, id) {
                    let which = TrailName::new(*kind, id.clone());
                    let (kind, id) = which.resolve(node).await?;
                    (request.trail_kind, request.trail_id) = (kind as u32, id);
                }
                join(node.proofs().prove_consistency(request).await?.into_inner()).await
            }
            What::Tlog { height } => tlog(node, *height, self.witnessed).await,
            What::Fork { .. } | What::Omission { .. } => {
                Err(ClientError::failed("this is made of files, without a node"))
            }
        }
    }
}

fn of_department(
    code: &str,
    range: &RangeFlags,
    pinned: u64,
) -> Result<wire::ProveDepartmentRequest, ClientError> {
    let (range, from, until) = range.read()?;
    let (department, range) = (code.to_owned(), range as u32);
    Ok(wire::ProveDepartmentRequest { department, range, from, until, pinned })
}

/// Writes a file for each part as it comes: what is there when something fails still counts.
async fn save_parts(mut pieces: Streaming<wire::ProofPart>, out: &Path) -> Result<(), ClientError> {
    let at = |e: std::io::Error| ClientError::Failed(format!("{}: {e}", out.display()));
    std::fs::create_dir(out).map_err(at)?;
    let (mut parts, mut bytes) = (0u32, Vec::new());
    while let Some(piece) = pieces.message().await? {
        bytes.extend_from_slice(&piece.data);
        if bytes.len() > limits::TRACE_BYTES {
            return Err(ClientError::failed("the node sent a longer file than may be"));
        }
        if piece.last {
            parts = parts.saturating_add(1);
            std::fs::write(out.join(format!("part-{parts:04}.trace")), &bytes).map_err(at)?;
            bytes.clear();
        }
    }
    if !bytes.is_empty() || parts == 0 {
        return Err(ClientError::failed("the node ended within a file"));
    }
    let out = out.display();
    say(format!("{out}: {parts} files"), format!("{out}：{parts} 个文件"));
    Ok(())
}

/// A tlog-proof of a header, in the newest checkpoint that has it.
async fn tlog(node: &Node, height: u64, witnessed: bool) -> Result<Vec<u8>, ClientError> {
    let request = wire::GetCheckpointRequest { least_size: height.saturating_add(1), witnessed };
    let note = node.checkpoints().get_checkpoint(request).await?.into_inner().note;
    let size = evidence::checkpoint(&note)?.size;
    let note = Note::parse(&note).map_err(ClientError::failed)?;
    let request = wire::ProveHeaderRequest { height, size };
    let given = node.checkpoints().prove_header(request).await?.into_inner();
    let path: Result<Vec<Hash>, _> = given.path.iter().map(|it| Hash::from_slice(it)).collect();
    let path = path.map_err(ClientError::failed)?;
    Ok(tlog_proof(&given.header, height, &path, &note).into_bytes())
}

impl Stretch {
    async fn ask(&self, node: &Node, pinned: u64) -> Result<Vec<u8>, ClientError> {
        let request = self.request(node, pinned).await?;
        join(node.proofs().prove_trail(request).await?.into_inner()).await
    }

    async fn request(
        &self,
        node: &Node,
        pinned: u64,
    ) -> Result<wire::ProveTrailRequest, ClientError> {
        let (kind, id) = self.which.resolve(node).await?;
        let (range, from, until) = self.range.read()?;
        Ok(wire::ProveTrailRequest {
            trail_kind: kind as u32,
            trail_id: id,
            range: range as u32,
            from,
            until,
            subject_key: resolve::subject_key(self.subject_key.as_deref())?,
            pinned,
        })
    }
}

impl EventName {
    async fn ask(
        &self,
        node: &Node,
        authorised: bool,
        pinned: u64,
    ) -> Result<Vec<u8>, ClientError> {
        let (tx_id, item) = self.resolve(node).await?;
        let tx_id = tx_id.to_vec();
        let request = wire::ProveEventRequest { tx_id, item, authorised, pinned };
        join(node.proofs().prove_event(request).await?.into_inner()).await
    }
}

impl EventName {
    async fn resolve(&self, node: &Node) -> Result<(TxId, u32), ClientError> {
        match self.item {
            None => node.item_of_event(&self.event).await,
            Some(_) if self.event.contains([':', '#']) => {
                Err(ClientError::usage("the item's number is given twice", "条目序号写了两次"))
            }
            Some(item) => Ok((transaction(&self.event)?, item)),
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ClientError> {
    std::fs::read(path).map_err(|e| ClientError::Failed(format!("{}: {e}", path.display())))
}
