//! A witness: it sees to it that a ledger only grows, and cosigns what it saw.
//!
//! What it saw last is a proof file, anchored at the newest header that it knows. A newer anchor must have
//! that header in its log; then the checkpoint that ends with the newer one is cosigned. Where it has not,
//! the two anchors are the evidence that the validators certified two histories.

use crate::connect::{Node, join};
use crate::error::ClientError;
use crate::evidence;
use liuhen_genesis::Founding;
use liuhen_proto::header::{block::Header, checkpoint::Checkpoint};
use liuhen_proto::merkle::{Sha256Log, inclusion};
use liuhen_proto::types::{Hash, Height};
use liuhen_proto::verify::verify;
use liuhen_proto::wire;

/// What a witness saw: a proof file, and the header that it is anchored at.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The proof file.
    pub trace: Vec<u8>,
    /// Its anchor.
    pub header: Header,
}

impl Seen {
    /// Checks a proof file against the founding document.
    pub fn new(founding: &Founding, trace: Vec<u8>) -> Result<Self, ClientError> {
        let verified = verify(founding, &trace).map_err(ClientError::failed)?;
        Ok(Self { trace, header: verified.get().anchor.clone() })
    }
}

/// What came of looking.
#[derive(Debug)]
pub enum Look {
    /// The ledger stands where it stood.
    Same,
    /// The node is behind what was seen.
    Behind,
    /// It has grown.
    Grown(Box<Seen>),
    /// The validators certified two histories: the proof file that shows it.
    Fork(Vec<u8>),
}

/// Looks where a node's ledger stands, and whether what was seen before is a part of it.
pub async fn look(
    node: &Node,
    founding: &Founding,
    before: Option<&Seen>,
) -> Result<Look, ClientError> {
    if node.status().await?.height == 0 {
        return Ok(Look::Same);
    }
    // The claim says no more than that there is a genesis; what counts is the anchor.
    let request = wire::ProveConsistencyRequest { noted_size: 1, ..Default::default() };
    let trace = join(node.proofs().prove_consistency(request).await?.into_inner()).await?;
    let now = Seen::new(founding, trace)?;
    let genesis = founding.header();
    let known = before.map_or(&genesis, |it| &it.header);
    if now.header.height < known.height {
        return Ok(Look::Behind);
    }
    if now.header.height == known.height {
        return Ok(match (now.header.block_id() == known.block_id(), before) {
            (false, Some(before)) => Look::Fork(evidence::fork(&before.trace, &now.trace)?),
            _ => Look::Same,
        });
    }
    let height = known.height.get();
    let request = wire::ProveHeaderRequest { height, size: now.header.height.get() };
    let there = node.checkpoints().prove_header(request).await?.into_inner();
    let (header, log_root) = within(&now.header, &there, known.height)?;
    // The header known, and all that it says was before it.
    let is_part = header.block_id() == known.block_id() && log_root == known.log_root;
    Ok(match (is_part, before) {
        (true, _) => Look::Grown(Box::new(now)),
        (false, Some(before)) => {
            Look::Fork(evidence::fork_above(&before.trace, &now.trace, there)?)
        }
        // Verifying began at this genesis.
        (false, None) => return Err(ClientError::failed("the node shows another header 0")),
    })
}

/// The header that a proof shows to be in an anchor's log at a height, and the root over those before it.
fn within(
    anchor: &Header,
    given: &wire::HeaderProof,
    height: Height,
) -> Result<(Header, Hash), ClientError> {
    let header = Header::from_bytes(&given.header).map_err(ClientError::failed)?;
    let path = hashes(&given.path)?;
    let (number, size) = (header.height.get(), anchor.height.get());
    let id = Hash::new(*header.block_id().as_bytes());
    match inclusion::roots_from_path::<Sha256Log>(number, size, id, &path) {
        Some((root, before)) if root == anchor.log_root && header.height == height => {
            Ok((header, before))
        }
        _ => Err(ClientError::failed("the node shows a header that is not in its own log")),
    }
}

/// The checkpoint that ends with a header which was seen.
pub async fn checkpoint(node: &Node, seen: &Header) -> Result<Checkpoint, ClientError> {
    let height = seen.height.get();
    let request = wire::ProveHeaderRequest { height, size: seen.height.next().get() };
    let given = node.checkpoints().prove_header(request).await?.into_inner();
    let wrong = || ClientError::failed("the node's log is not the one that its header has");
    Checkpoint::ending_with(seen, &hashes(&given.path)?).ok_or_else(wrong)
}

fn hashes(list: &[Vec<u8>]) -> Result<Vec<Hash>, ClientError> {
    list.iter().map(|it| Hash::from_slice(it).map_err(ClientError::failed)).collect()
}
