//! Consistency: the chain, or a trail, extends what was noted before.

use super::super::events::{Checker, hashes};
use super::super::{NotVerified, invalid};
use super::head::Head;
use crate::merkle::{Blake3Log, Sha256Log, consistency as path};
use crate::place::Place;
use crate::types::Hash;
use crate::wire;

/// What was noted before is a beginning of what stands at the anchor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consistency {
    /// The trail; `None`: the log of headers.
    pub trail: Option<Place>,
    /// How many events or headers were noted.
    pub noted_size: u64,
    /// Their root, to be compared with one's own note.
    pub noted_root: Hash,
    /// How many there are at the anchor.
    pub size: u64,
}

/// Verifies that the anchor extends what was noted.
pub(super) fn verify(
    claim: &wire::ConsistencyClaim,
    checker: &Checker<'_>,
) -> Result<Consistency, NotVerified> {
    let noted_root = Hash::from_slice(&claim.noted_root);
    let noted_root = noted_root.map_err(|e| invalid("consistency.noted", e))?;
    let (noted_size, proof) = (claim.noted_size, hashes(&claim.hashes)?);
    let (trail, size, extends) = match &claim.trail {
        Some(given) => {
            let head = Head::verify(given, checker.anchor)?;
            let root = head.root.unwrap_or(Hash::ZERO);
            let extends =
                path::verify::<Blake3Log>(noted_size, head.size, &noted_root, &root, &proof);
            (Some(head.trail), head.size, extends)
        }
        None => {
            let (size, root) = (checker.anchor.height.get(), checker.anchor.log_root);
            let extends = path::verify::<Sha256Log>(noted_size, size, &noted_root, &root, &proof);
            (None, size, extends)
        }
    };
    if !extends {
        return Err(invalid("consistency.path", "what was noted is no beginning of this"));
    }
    Ok(Consistency { trail, noted_size, noted_root, size })
}
