//! Objects: the state that rules read, each at a place of the map.

use crate::canonical::{self, CanonicalError};
use crate::place::{ObjectKind, object_kinds};
use crate::suite::hash::{self, Domain};
use crate::types::{Hash, limits};
use crate::wire;
use prost::Message;
use std::sync::Arc;

macro_rules! objects {
    ($($(#[$_doc:meta])* $kind:ident = $_byte:literal;)+) => {
        /// An object of the map. Cheap to clone.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Object { $(
            #[doc = concat!("See [`wire::", stringify!($kind), "`].")]
            $kind(Arc<wire::$kind>)
        ),+ }

        impl Object {
            /// What it is.
            pub fn kind(&self) -> ObjectKind {
                match self { $(Self::$kind(_) => ObjectKind::$kind),+ }
            }

            /// Its canonical bytes.
            pub fn to_bytes(&self) -> Vec<u8> {
                match self { $(Self::$kind(it) => it.encode_to_vec()),+ }
            }

            /// How many its canonical bytes are.
            pub(super) fn len(&self) -> usize {
                match self { $(Self::$kind(it) => it.encoded_len()),+ }
            }

            /// From canonical bytes.
            pub fn from_bytes(kind: ObjectKind, bytes: &[u8]) -> Result<Self, CanonicalError> {
                let limit = limits::GENESIS_BYTES;
                match kind { $(
                    ObjectKind::$kind => canonical::decode("object", bytes, limit)
                        .map(|it| Self::$kind(Arc::new(it)))
                ),+ }
            }
        }

        $(impl From<wire::$kind> for Object {
            fn from(it: wire::$kind) -> Self {
                Self::$kind(Arc::new(it))
            }
        }

        impl TryFrom<Object> for Arc<wire::$kind> {
            type Error = Object;

            fn try_from(object: Object) -> Result<Self, Object> {
                match object {
                    Object::$kind(it) => Ok(it),
                    other => Err(other),
                }
            }
        })+
    };
}

object_kinds!(objects);

impl Object {
    /// `H_object(object bytes)`: its value in the map.
    pub fn map_value(&self) -> Hash {
        object_value(&self.to_bytes())
    }
}

/// `H_object(object bytes)`.
pub fn object_value(bytes: &[u8]) -> Hash {
    hash::hash(Domain::Object, &[bytes])
}
