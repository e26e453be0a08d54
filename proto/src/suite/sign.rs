//! Keys, and the one rule by which every signature is judged.
//!
//! ZIP-215 with the cofactor, by `ed25519-zebra`: single and batch verification always agree, so a
//! mempool, a block, a vote and an offline verifier can't come to different answers.
//! `ed25519-dalek` holds keys and signs.

use crate::suite::hash::{self, Domain};
use crate::types::KeyId;
use ed25519_dalek::Signer as _;
use ed25519_zebra::{Signature as ZebraSignature, VerificationKey, VerificationKeyBytes, batch};
use std::convert::Infallible;

/// Algorithm byte of Ed25519 in key ids and validator sets.
pub const ED25519: u8 = 1;

/// Bytes that are not a usable public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
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

/// An Ed25519 public key that is a point of the curve, and not of small order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Checks and takes the bytes of a key.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| KeyError::Length(bytes.len()))?;
        let key =
            ed25519_dalek::VerifyingKey::from_bytes(&bytes).map_err(|_| KeyError::NotAPoint)?;
        if key.is_weak() {
            return Err(KeyError::SmallOrder);
        }
        Ok(Self(bytes))
    }

    /// Its 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// `H_keyid(algorithm u8 ‖ public key)`.
    pub fn key_id(&self) -> KeyId {
        KeyId::new(*hash::hash(Domain::KeyId, &[&[ED25519], &self.0]).as_bytes())
    }

    /// Whether `signature` over `message` is this key's, by ZIP-215.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        VerificationKey::try_from(self.0)
            .and_then(|key| key.verify(&ZebraSignature::from_bytes(signature), message))
            .is_ok()
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({})", hex::encode(self.0))
    }
}

/// An Ed25519 private key. It never shows itself.
#[derive(Clone)]
pub struct PrivateKey(ed25519_dalek::SigningKey);

impl PrivateKey {
    /// From the 32 bytes of RFC 8032's private key.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The 32 bytes of RFC 8032's private key.
    pub fn to_seed(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs by RFC 8032.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
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
    pub signature: [u8; 64],
}

/// Judges many signatures; one answer each, the same as [`PublicKey::verify`] would give.
///
/// The terms of equal keys are joined. The random factors are drawn from a hash of the whole
/// batch, which is as good as a random source: nobody can choose a signature after its factor.
pub fn verify_many(signed: &[Signed<'_>]) -> Vec<bool> {
    let items: Vec<batch::Item> = signed.iter().map(zebra_item).collect();
    let mut verifier = batch::Verifier::new();
    for item in &items {
        verifier.queue(item.clone());
    }
    if verifier.verify(Transcript(transcript(signed))).is_ok() {
        return vec![true; signed.len()];
    }
    items.into_iter().map(|item| item.verify_single().is_ok()).collect()
}

fn zebra_item(signed: &Signed<'_>) -> batch::Item {
    let key = VerificationKeyBytes::from(signed.key.0);
    batch::Item::from((key, ZebraSignature::from_bytes(&signed.signature), signed.message))
}

fn transcript(signed: &[Signed<'_>]) -> blake3::OutputReader {
    let parts: Vec<[u8; 128]> = signed.iter().map(one_transcript).collect();
    let parts: Vec<&[u8]> = parts.iter().map(<[u8; 128]>::as_slice).collect();
    hash::stream(Domain::Batch, &parts)
}

fn one_transcript(signed: &Signed<'_>) -> [u8; 128] {
    let mut bytes = [0; 128];
    let (key, rest) = bytes.split_at_mut(32);
    let (signature, message) = rest.split_at_mut(64);
    key.copy_from_slice(&signed.key.0);
    signature.copy_from_slice(&signed.signature);
    message.copy_from_slice(hash::hash(Domain::Batch, &[signed.message]).as_bytes());
    bytes
}

/// Bytes of a transcript's hash, for the batch verifier.
struct Transcript(blake3::OutputReader);

impl rand_core::TryRng for Transcript {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(out);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Transcript {}

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
        batch[7].signature[3] ^= 1;
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
