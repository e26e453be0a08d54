//! Inclusion: this happened, and was signed by a key in force then.

use super::super::events::{Checker, ProvedEvent, hashes};
use super::super::{NotVerified, invalid};
use crate::header::block::Header;
use crate::merkle::{Blake3Log, Sha256Log, inclusion as path};
use crate::types::Hash;
use crate::wire;

/// An event that is in a block of the chain.
#[derive(Debug, Clone)]
pub struct Inclusion {
    /// The event.
    pub event: ProvedEvent,
    /// The header of its block.
    pub header: Header,
}

/// Verifies that an event is in a block at or below the anchor.
pub(super) fn verify(
    claim: &wire::InclusionClaim,
    checker: &Checker<'_>,
) -> Result<Inclusion, NotVerified> {
    let given = claim.event.as_ref().ok_or_else(|| invalid("claim.none", "no event is claimed"))?;
    let event = checker.event(given)?;
    let header = checker.header(&claim.header)?;
    let anchor = checker.anchor;
    if header.height != event.leaf.height || header.time != event.leaf.time {
        return Err(invalid("inclusion.header", "the event is of another block"));
    }
    let up = hashes(&claim.header_path)?;
    let below = if header.height == anchor.height {
        header == *anchor && up.is_empty()
    } else {
        is_below(anchor, &header, &up)
    };
    if !below {
        return Err(invalid("inclusion.header", "the block is not below the anchor"));
    }
    let up = hashes(&claim.event_path)?;
    let (number, count) = (u64::from(event.leaf.index), u64::from(header.event_count));
    let root = path::root_from_path::<Blake3Log>(number, count, event.leaf.hash(), &up);
    if root != Some(header.events_root) {
        return Err(invalid("inclusion.path", "the event is not in its block"));
    }
    Ok(Inclusion { event, header })
}

/// Whether a header is one of those that the anchor's log has.
pub(super) fn is_below(anchor: &Header, header: &Header, up: &[Hash]) -> bool {
    let id = Hash::new(*header.block_id().as_bytes());
    let (number, size) = (header.height.get(), anchor.height.get());
    path::root_from_path::<Sha256Log>(number, size, id, up) == Some(anchor.log_root)
}
