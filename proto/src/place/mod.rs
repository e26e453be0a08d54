//! Places in the map: trails and objects, by kind and id.

mod kinds;
mod of;

pub use kinds::{ObjectKind, TrailKind};

use crate::hash::{self, Domain};
use crate::types::Hash;

/// A place in the map.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    kind: u8,
    id: Vec<u8>,
}

impl Place {
    /// The place of a trail.
    pub fn trail(kind: TrailKind, id: &[u8]) -> Self {
        Self { kind: kind as u8, id: id.to_vec() }
    }

    /// The place of an object.
    pub fn object(kind: ObjectKind, id: &[u8]) -> Self {
        Self { kind: kind as u8, id: id.to_vec() }
    }

    /// From the bytes that [`Place::to_bytes`] gave.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.split_first().map(|(kind, id)| Self { kind: *kind, id: id.to_vec() })
    }

    /// Kind u8 ‖ id.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&[self.kind], self.id.as_slice()].concat()
    }

    /// The kind's byte.
    pub fn kind(&self) -> u8 {
        self.kind
    }

    /// The kind of object, if this is the place of one.
    pub fn object_kind(&self) -> Option<ObjectKind> {
        ObjectKind::from_byte(self.kind)
    }

    /// The id.
    pub fn id(&self) -> &[u8] {
        &self.id
    }

    /// `H_key(kind u8 ‖ id)`: where it stands in the map.
    pub fn map_key(&self) -> Hash {
        hash::hash(Domain::Key, &[&[self.kind], &self.id])
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match TrailKind::from_byte(self.kind) {
            Some(trail) => trail.name().to_owned(),
            None => self.object_kind().map_or_else(|| "object".into(), ObjectKind::name),
        };
        if self.id.is_empty() {
            return f.write_str(&name);
        }
        match std::str::from_utf8(&self.id) {
            Ok(text) if text.bytes().all(|b| b.is_ascii_graphic()) => write!(f, "{name} {text}"),
            _ => write!(f, "{name} {}", hex::encode(&self.id)),
        }
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Place({}:{self})", self.kind)
    }
}
