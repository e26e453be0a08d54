//! Texts of a log, which are of the server's encoding, or of each session's.

use serde::de::Visitor;
use serde::{Deserialize, Deserializer};
use std::hash::{DefaultHasher, Hash, Hasher};

/// A text of a log, which is of the server's encoding, or of each session's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text(pub Vec<u8>);

impl Text {
    /// As text: what is no UTF-8 as `\xNN`, so that texts that differ are shown as such.
    pub(super) fn shown(&self) -> String {
        shown(&self.0)
    }
}

/// Bytes as text: what is no UTF-8 as `\xNN`.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02X}")));
    }
    text
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Takes;

        impl Visitor<'_> for Takes {
            type Value = Text;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Text, E> {
                Ok(Text(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(Takes)
    }
}

/// What tells a text from others, within a run.
pub(super) fn digest(text: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
