//! What honest validators never sign: two histories, or a trail that leaves an event out.

use super::super::events::{Checker, hashes};
use super::super::{NotVerified, Trust, anchor, invalid};
use super::completeness::{self, Completeness};
use super::inclusion::{self, Inclusion};
use crate::header::block::Header;
use crate::merkle::{Sha256Log, inclusion::roots_from_path};
use crate::types::{BlockId, Hash};
use crate::wire;

/// Two histories, both certified: more than a third of the validators' power signed both.
#[derive(Debug, Clone)]
pub struct Fork {
    /// The second anchor.
    pub other: Header,
    /// The block of the second history at the height of the file's anchor.
    pub block: BlockId,
    /// Whether that block is the file's anchor, and what the second history has before it is not.
    pub before: bool,
}

/// An event that is in a block, and missing on a trail that it belongs to.
#[derive(Debug, Clone)]
pub struct Omission {
    /// The event.
    pub included: Inclusion,
    /// The stretch of the trail, certified without it.
    pub trail: Completeness,
}

/// Verifies that two histories were certified.
pub(super) fn fork(
    claim: &wire::ForkClaim,
    trust: &Trust<'_>,
    checker: &Checker<'_>,
) -> Result<Fork, NotVerified> {
    let (one, other) = (checker.anchor, anchor::verify(trust, claim.other.as_ref())?);
    let bad = |why: &str| invalid("fork.none", why);
    let (block, log_root) = if claim.header.is_empty() && claim.header_path.is_empty() {
        if other.height != one.height {
            return Err(bad("the anchors are of different heights"));
        }
        (other.block_id(), other.log_root)
    } else {
        let header = checker.header(&claim.header)?;
        let (height, id) = (header.height.get(), Hash::new(*header.block_id().as_bytes()));
        let path = hashes(&claim.header_path)?;
        let roots = roots_from_path::<Sha256Log>(height, other.height.get(), id, &path);
        match roots {
            Some((root, before)) if header.height == one.height && root == other.log_root => {
                (header.block_id(), before)
            }
            _ => return Err(bad("no header of the second history at this height")),
        }
    };
    let before = block == one.block_id();
    if before && log_root == one.log_root {
        return Err(bad("both histories have this block, and the same before it"));
    }
    Ok(Fork { other, block, before })
}

/// Verifies that an event is left out of a trail.
pub(super) fn omission(
    claim: &wire::OmissionClaim,
    checker: &Checker<'_>,
) -> Result<Omission, NotVerified> {
    let nothing = || invalid("claim.none", "an event and a trail are needed");
    let included = inclusion::verify(claim.included.as_ref().ok_or_else(nothing)?, checker)?;
    let trail = completeness::verify(claim.trail.as_ref().ok_or_else(nothing)?, checker)?;
    let (event, bad) = (&included.event, |why: &str| invalid("omission.none", why));
    if !checker.belongs(event, &trail.trail) {
        return Err(bad("the event is none of this trail's"));
    }
    if trail.range.place(&event.leaf) != std::cmp::Ordering::Equal {
        return Err(bad("the event is outside the range"));
    }
    if trail.events.iter().any(|it| it.leaf == event.leaf) {
        return Err(bad("the event is on the trail"));
    }
    Ok(Omission { included, trail })
}
