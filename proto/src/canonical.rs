//! The one encoding of a message.
//!
//! A message is canonical when encoding what was decoded gives the same bytes: then fields ascend,
//! varints are minimal, no default is written out, scalars are packed and no field is unknown.
//! Enum values are checked where items are parsed, for prost keeps unknown ones.

use prost::Message;

/// Bytes that are not a canonical message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// Longer than is allowed.
    #[error("{what} of {length} bytes; at most {limit} are taken")]
    TooLong {
        /// What was decoded.
        what: &'static str,
        /// Its length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Not a message of this type.
    #[error("{what} can't be decoded: {why}")]
    Malformed {
        /// What was decoded.
        what: &'static str,
        /// The decoder's words.
        why: String,
    },
    /// Decodable, but not in the one encoding.
    #[error("{0} is not in canonical encoding")]
    NotCanonical(&'static str),
}

/// Decodes a message that must be canonical and at most `limit` bytes long.
/// `what` names it in errors.
pub fn decode<M: Message + Default>(
    what: &'static str,
    bytes: &[u8],
    limit: usize,
) -> Result<M, CanonicalError> {
    let length = bytes.len();
    if length > limit {
        return Err(CanonicalError::TooLong { what, length, limit });
    }
    let message =
        M::decode(bytes).map_err(|e| CanonicalError::Malformed { what, why: e.to_string() })?;
    if message.encoded_len() != length || message.encode_to_vec() != bytes {
        return Err(CanonicalError::NotCanonical(what));
    }
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Quota, Transaction};

    #[test]
    fn hostile_encodings() {
        let good = Quota { queries_total: 300, ..Quota::default() }.encode_to_vec();
        assert_eq!(good, [8, 0xac, 2]);
        assert!(decode::<Quota>("q", &good, 10).is_ok());
        let cases: [(&str, &[u8]); 6] = [
            ("a varint that is not minimal", &[8, 0xac, 0x82, 0]),
            ("a default written out", &[8, 0xac, 2, 16, 0]),
            ("an unknown field", &[8, 0xac, 2, 120, 1]),
            ("fields descending", &[16, 1, 8, 1]),
            ("a field twice", &[8, 1, 8, 1]),
            ("cut short", &[8, 0xac]),
        ];
        for (what, bytes) in cases {
            assert!(decode::<Quota>("q", bytes, 10).is_err(), "{what}");
        }
        assert!(matches!(
            decode::<Transaction>("t", &[0; 11], 10),
            Err(CanonicalError::TooLong { .. })
        ));
    }
}
