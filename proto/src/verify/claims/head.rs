//! Size and root of a trail at the anchor.

use super::super::{NotVerified, invalid};
use crate::header::block::Header;
use crate::ledger::seal::trail_value;
use crate::merkle::map::MapPath;
use crate::place::{Place, TrailKind};
use crate::types::Hash;
use crate::wire;

/// A trail, and where it stands in the map of the anchor.
pub(super) struct Head {
    pub(super) kind: TrailKind,
    pub(super) trail: Place,
    pub(super) size: u64,
    /// `None`: the trail has no event.
    pub(super) root: Option<Hash>,
}

impl Head {
    /// Checks that size and root are those in the map of the anchor; of size 0, that the trail is
    /// not in the map.
    pub(super) fn verify(given: &wire::TrailHead, anchor: &Header) -> Result<Self, NotVerified> {
        let kind = u8::try_from(given.trail_kind).ok().and_then(TrailKind::from_byte);
        let kind = kind.ok_or_else(|| invalid("trail.kind", "a trail of unknown kind"))?;
        if !kind.takes_id(&given.trail_id) {
            return Err(invalid("trail.id", "no trail of this kind can have such an id"));
        }
        let trail = Place::trail(kind, &given.trail_id);
        let bad = |why: &str| invalid("trail.head", why);
        let map = given.path.as_ref().ok_or_else(|| bad("no path"))?;
        let map = MapPath::from_wire(map).map_err(|e| invalid("trail.head", e))?;
        let size = given.size;
        if size == 0 {
            let absent = map.root_without(&trail.map_key()) == Some(anchor.map_root);
            return if given.root.is_empty() && absent {
                Ok(Self { kind, trail, size, root: None })
            } else {
                Err(bad("the trail is not shown empty"))
            };
        }
        let root = Hash::from_slice(&given.root).map_err(|e| invalid("trail.head", e))?;
        let value = trail_value(size, &root).ok_or_else(|| bad("no value"))?;
        if map.root_with(&trail.map_key(), &value) != Some(anchor.map_root) {
            return Err(bad("size and root are not those in the anchor's map"));
        }
        Ok(Self { kind, trail, size, root: Some(root) })
    }
}
