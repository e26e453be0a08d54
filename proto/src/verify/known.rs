//! Objects proved at one header, for who decides by them: a gate keeps them, and has them proved again before they are too old.

use super::{NotVerified, Trust, Verified, anchor, invalid, objects};
use crate::canonical;
use crate::header::block::Header;
use crate::ledger::Object;
use crate::merkle::map::MapPath;
use crate::place::Place;
use crate::types::limits;
use crate::wire;
use std::collections::BTreeMap;

/// Objects as they stand at one certified header, and places where none stands.
#[derive(Debug, Clone)]
pub struct Known {
    /// The header.
    pub header: Header,
    /// What stands at each place; `None`: nothing.
    pub objects: BTreeMap<Place, Option<Object>>,
}

/// Verifies the bytes of an `ObjectsProof` against what the caller trusts.
///
/// Errors with `Invalid` and a code, or with `Undecidable` and what is missing. Whether all that was asked for is in it
/// the caller sees.
pub fn known<'a>(
    trust: impl Into<Trust<'a>>,
    bytes: &[u8],
) -> Result<Verified<Known>, NotVerified> {
    let proof: wire::ObjectsProof =
        canonical::decode("proof of objects", bytes, limits::TRACE_BYTES)
            .map_err(|e| invalid("file.malformed", e))?;
    if proof.objects.len().saturating_add(proof.absent.len()) > limits::OBJECTS_PROVED {
        return Err(invalid("file.limits", "too many objects"));
    }
    let header = anchor::verify(&trust.into(), proof.anchor.as_ref())?;
    let there = objects::verify(&proof.objects, &header)?;
    let mut known: BTreeMap<_, _> =
        there.into_iter().map(|(place, object)| (place, Some(object))).collect();
    for absent in &proof.absent {
        let (_, place) = objects::place(absent.kind, &absent.id)?;
        let path = absent.path.as_ref().ok_or_else(|| invalid("object.path", "no path"))?;
        let path = MapPath::from_wire(path).map_err(|e| invalid("object.path", e))?;
        if path.root_without(&place.map_key()) != Some(header.map_root) {
            return Err(invalid("absence.object", format!("{place} is not shown to be absent")));
        }
        if known.insert(place, None).is_some() {
            return Err(invalid("object.twice", "an object is given twice"));
        }
    }
    Ok(Verified(Known { header, objects: known }))
}
