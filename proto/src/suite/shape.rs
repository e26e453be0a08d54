//! What keys and signatures of every algorithm are like from outside.

/// Bytes of a signature, of every algorithm there is.
pub const SIGNATURE_BYTES: usize = 64;

/// A signature's bytes, as stores and messages of fixed width keep them.
pub type SignatureBytes = [u8; SIGNATURE_BYTES];

/// Bytes that are not a usable public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No algorithm that this program knows.
    #[error("unknown signature algorithm")]
    Algorithm,
    /// An Ed25519 public key has 32 bytes.
    #[error("an Ed25519 public key has 32 bytes, this has {0}")]
    Length(usize),
    /// Not a point of the curve.
    #[error("not an Ed25519 public key: no point of the curve")]
    NotAPoint,
    /// Of small order: anybody could sign for it.
    #[error("an Ed25519 public key of small order, for which anybody could sign")]
    SmallOrder,
}
