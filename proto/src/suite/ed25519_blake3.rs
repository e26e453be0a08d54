//! The first suite: Ed25519 (RFC 8032, judged by ZIP-215) and BLAKE3.
//!
//! ZIP-215 with the cofactor, by `ed25519-zebra`: single and batch verification always agree, so a mempool, a block, a
//! vote and an offline verifier can't come to different answers. `ed25519-dalek` holds keys and signs.

use super::shape::{KeyError, SIGNATURE_BYTES};
use crate::types::Hash;
use ed25519_dalek::Signer as _;
use ed25519_zebra::{Signature as ZebraSignature, VerificationKey, VerificationKeyBytes, batch};
use std::convert::Infallible;

/// A public key that is a point of the curve, and not of small order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    pub(super) fn from_slice(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| KeyError::Length(bytes.len()))?;
        let key =
            ed25519_dalek::VerifyingKey::from_bytes(&bytes).map_err(|_| KeyError::NotAPoint)?;
        if key.is_weak() {
            return Err(KeyError::SmallOrder);
        }
        Ok(Self(bytes))
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> bool {
        VerificationKey::try_from(self.0)
            .and_then(|key| key.verify(&ZebraSignature::from_bytes(signature), message))
            .is_ok()
    }
}

/// A private key.
#[derive(Clone)]
pub(super) struct PrivateKey(ed25519_dalek::SigningKey);

impl PrivateKey {
    pub(super) fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    pub(super) fn to_seed(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    pub(super) fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        self.0.sign(message).to_bytes()
    }
}

/// One signature to be judged.
pub(super) struct Signed<'a> {
    pub(super) key: PublicKey,
    pub(super) message: &'a [u8],
    pub(super) signature: [u8; SIGNATURE_BYTES],
}

/// Judges many; the terms of equal keys are joined. The random factors are drawn from a hash of the whole batch, which is
/// as good as a random source: nobody can choose a signature after its factor.
pub(super) fn verify_many(signed: &[Signed<'_>], batch_key: &[u8; 32]) -> Vec<bool> {
    let items: Vec<batch::Item> = signed.iter().map(zebra_item).collect();
    let mut verifier = batch::Verifier::new();
    for item in &items {
        verifier.queue(item.clone());
    }
    if verifier.verify(Transcript(transcript(signed, batch_key))).is_ok() {
        return vec![true; signed.len()];
    }
    items.into_iter().map(|item| item.verify_single().is_ok()).collect()
}

fn zebra_item(signed: &Signed<'_>) -> batch::Item {
    let key = VerificationKeyBytes::from(signed.key.0);
    batch::Item::from((key, ZebraSignature::from_bytes(&signed.signature), signed.message))
}

fn transcript(signed: &[Signed<'_>], batch_key: &[u8; 32]) -> blake3::OutputReader {
    let mut hasher = blake3::Hasher::new_keyed(batch_key);
    for one in signed {
        hasher.update(&one_transcript(one, batch_key));
    }
    hasher.finalize_xof()
}

fn one_transcript(signed: &Signed<'_>, batch_key: &[u8; 32]) -> [u8; 128] {
    let mut bytes = [0; 128];
    let (key, rest) = bytes.split_at_mut(32);
    let (signature, message) = rest.split_at_mut(64);
    key.copy_from_slice(&signed.key.0);
    signature.copy_from_slice(&signed.signature);
    message.copy_from_slice(blake3::keyed_hash(batch_key, signed.message).as_bytes());
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

/// The constant key of a hash domain.
pub(super) fn domain_key(name: &str) -> [u8; 32] {
    blake3::derive_key(&format!("liuhen v1 {name}"), b"")
}

/// The hash under a domain's key of the parts, one behind the other.
pub(super) fn keyed_hash(key: &[u8; 32], parts: &[&[u8]]) -> Hash {
    if let [only] = parts {
        return Hash::new(*blake3::keyed_hash(key, only).as_bytes());
    }
    let mut hasher = blake3::Hasher::new_keyed(key);
    for part in parts {
        hasher.update(part);
    }
    Hash::new(*hasher.finalize().as_bytes())
}
