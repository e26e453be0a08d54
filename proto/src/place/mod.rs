//! Places in the map: trails and objects, by kind and id.

mod form;
mod kinds;
mod places;

pub(crate) use kinds::object_kinds;
pub use kinds::{ObjectKind, TrailKind};

use crate::suite::hash::{self, Domain};
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

    /// Whether some trail or object of this kind could have this id.
    pub fn takes_id(&self) -> bool {
        self.id_text().is_some()
    }

    /// The id as people read it, by the form of its kind; `None` for bytes of another form.
    fn id_text(&self) -> Option<String> {
        match (TrailKind::from_byte(self.kind), self.object_kind()) {
            (Some(trail), _) => form::read(form::of_trail(trail), &self.id),
            (None, Some(object)) => {
                form::of_object(object).iter().find_map(|form| form::read(form, &self.id))
            }
            (None, None) => None,
        }
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
        match self.id_text() {
            Some(id) if id.is_empty() => f.write_str(&name),
            Some(id) => write!(f, "{name} {id}"),
            None => write!(f, "{name} 0x{}", hex::encode(&self.id)),
        }
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Place({}:{self})", self.kind)
    }
}
