//! Keys and signatures, by their algorithm, and the one rule by which every signature is judged.

pub use super::shape::{KeyError, SIGNATURE_BYTES, SignatureBytes};

use super::ed25519_blake3 as first;
use super::hash::{self, Domain};
use crate::types::KeyId;
use crate::wire::Algorithm;

/// What stands before a public key of an algorithm in a multibase text (multicodec, an unsigned varint); empty for an
/// algorithm that has none.
pub fn multicodec(algorithm: i32) -> &'static [u8] {
    match Algorithm::try_from(algorithm) {
        Ok(Algorithm::Ed25519) => &[0xed, 0x01],
        Ok(Algorithm::Unspecified) | Err(_) => &[],
    }
}

/// A public key that can be used.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PublicKey {
    /// Ed25519.
    Ed25519(first::PublicKey),
}

impl PublicKey {
    /// Checks and takes the bytes of a key of an algorithm, numbered as in the wire contract.
    pub fn new(algorithm: i32, bytes: &[u8]) -> Result<Self, KeyError> {
        match Algorithm::try_from(algorithm) {
            Ok(Algorithm::Ed25519) => first::PublicKey::from_slice(bytes).map(Self::Ed25519),
            Ok(Algorithm::Unspecified) | Err(_) => Err(KeyError::Algorithm),
        }
    }

    /// Checks and takes the bytes of a key where no algorithm is named: one of the suite's own.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, KeyError> {
        first::PublicKey::from_slice(bytes).map(Self::Ed25519)
    }

    /// Its algorithm, as the wire contract numbers it.
    pub const fn algorithm(&self) -> i32 {
        match self {
            Self::Ed25519(_) => Algorithm::Ed25519 as i32,
        }
    }

    /// Its algorithm, as hashes name it.
    pub fn algorithm_byte(&self) -> u8 {
        u8::try_from(self.algorithm()).unwrap_or_default()
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Ed25519(key) => key.as_bytes(),
        }
    }

    /// `H_keyid(algorithm u8 ‖ public key)`.
    pub fn key_id(&self) -> KeyId {
        let hash = hash::hash(Domain::KeyId, &[&[self.algorithm_byte()], self.as_bytes()]);
        KeyId::new(*hash.as_bytes())
    }

    /// Whether `signature` over `message` is this key's.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> bool {
        match self {
            Self::Ed25519(key) => key.verify(message, &signature.0),
        }
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({})", hex::encode(self.as_bytes()))
    }
}

/// Bytes that are not a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signature has 64 bytes, this has {0}")]
pub struct SignatureLength(pub usize);

/// A signature; the key that judges it says of which algorithm it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature([u8; SIGNATURE_BYTES]);

impl Signature {
    /// From its bytes, which any could be.
    pub const fn new(bytes: [u8; SIGNATURE_BYTES]) -> Self {
        Self(bytes)
    }

    /// From as many bytes as a signature has.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, SignatureLength> {
        bytes.try_into().map(Self).map_err(|_| SignatureLength(bytes.len()))
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; SIGNATURE_BYTES] {
        &self.0
    }

    /// Its bytes, for a message.
    pub fn to_vec(self) -> Vec<u8> {
        self.0.to_vec()
    }
}

impl TryFrom<&[u8]> for Signature {
    type Error = SignatureLength;

    fn try_from(bytes: &[u8]) -> Result<Self, SignatureLength> {
        Self::from_slice(bytes)
    }
}

impl AsRef<[u8]> for Signature {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signature({})", hex::encode(self.0))
    }
}

/// A private key. It never shows itself.
#[derive(Clone)]
pub struct PrivateKey(Private);

#[derive(Clone)]
enum Private {
    Ed25519(first::PrivateKey),
}

impl PrivateKey {
    /// From the 32 bytes of RFC 8032's private key.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(Private::Ed25519(first::PrivateKey::from_seed(seed)))
    }

    /// The 32 bytes of RFC 8032's private key.
    pub fn to_seed(&self) -> [u8; 32] {
        match &self.0 {
            Private::Ed25519(key) => key.to_seed(),
        }
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        match &self.0 {
            Private::Ed25519(key) => PublicKey::Ed25519(key.public()),
        }
    }

    /// Signs.
    pub fn sign(&self, message: &[u8]) -> Signature {
        match &self.0 {
            Private::Ed25519(key) => Signature(key.sign(message)),
        }
    }
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PrivateKey of {:?}", self.public())
    }
}

/// One signature to be judged.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// Who is said to have signed.
    pub key: PublicKey,
    /// What was signed.
    pub message: &'a [u8],
    /// The signature.
    pub signature: Signature,
}

/// Judges many signatures; one answer each, the same as [`PublicKey::verify`] would give.
pub fn verify_many(signed: &[Signed<'_>]) -> Vec<bool> {
    // One algorithm so far: a second one's are judged apart, and the answers put in order.
    let batch: Vec<first::Signed<'_>> = signed
        .iter()
        .map(|it| {
            let PublicKey::Ed25519(key) = it.key;
            first::Signed { key, message: it.message, signature: it.signature.0 }
        })
        .collect();
    first::verify_many(&batch, hash::key(Domain::Batch))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(seed: u8, message: &[u8]) -> Signed<'_> {
        let key = PrivateKey::from_seed(&[seed; 32]);
        Signed { key: key.public(), message, signature: key.sign(message) }
    }

    #[test]
    fn batch_names_the_bad_one() {
        let messages: Vec<Vec<u8>> = (0..20u8).map(|i| vec![i; 40]).collect();
        let mut batch: Vec<_> =
            messages.iter().enumerate().map(|(i, m)| signed((i % 3) as u8, m)).collect();
        assert!(verify_many(&batch).into_iter().all(|good| good));
        batch[7].signature.0[3] ^= 1;
        let answers = verify_many(&batch);
        for (i, good) in answers.into_iter().enumerate() {
            assert_eq!(good, i != 7);
        }
        assert!(verify_many(&[]).is_empty());
    }

    #[test]
    fn small_order_keys_are_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(PublicKey::from_slice(&identity), Err(KeyError::SmallOrder));
        assert_eq!(PublicKey::from_slice(&[0; 32]), Err(KeyError::SmallOrder));
        assert_eq!(PublicKey::from_slice(&[1; 31]), Err(KeyError::Length(31)));
    }
}
