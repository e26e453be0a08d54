//! bincode, for what nodes keep and say among themselves: fixed-width integers, a limit on every
//! decoding (without one, a short message can ask for any amount of memory), and no byte left over.

use bincode::{Decode, Encode};

/// Above the largest block and its certificate.
pub const LIMIT: usize = 20 * 1024 * 1024;

fn config() -> impl bincode::config::Config {
    bincode::config::legacy().with_limit::<LIMIT>()
}

/// Why bytes are not what they should be.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// Too large, as a rule.
    #[error("can't be encoded: {0}")]
    Encode(#[from] bincode::error::EncodeError),
    /// Not such a value.
    #[error("can't be decoded: {0}")]
    Decode(#[from] bincode::error::DecodeError),
    /// Something stands behind it.
    #[error("{0} bytes too many")]
    Surplus(usize),
    /// A value of it that can't be.
    #[error("{0}")]
    Content(String),
}

/// Encodes a value.
pub fn encode<T: Encode>(value: &T) -> Result<Vec<u8>, CodecError> {
    Ok(bincode::encode_to_vec(value, config())?)
}

/// Decodes a value from exactly these bytes.
pub fn decode<T: Decode<()>>(bytes: &[u8]) -> Result<T, CodecError> {
    let (value, read) = bincode::decode_from_slice(bytes, config())?;
    match bytes.len().saturating_sub(read) {
        0 => Ok(value),
        surplus => Err(CodecError::Surplus(surplus)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_that_lies_costs_nothing() {
        let mut bytes = u64::MAX.to_le_bytes().to_vec();
        assert!(decode::<Vec<u8>>(&bytes).is_err());
        bytes[..8].copy_from_slice(&(1u64 << 40).to_le_bytes());
        assert!(decode::<Vec<Vec<u8>>>(&bytes).is_err());
        let good = encode(&vec![1u8, 2]).unwrap();
        assert_eq!(decode::<Vec<u8>>(&good).unwrap(), [1, 2]);
        assert!(decode::<Vec<u8>>(&[good.as_slice(), &[0]].concat()).is_err());
    }
}
