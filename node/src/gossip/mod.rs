//! The second libp2p swarm: transactions between nodes, calls to open a height, and questions between neighbours.
//!
//! Only peers whose ids the ledger lists may connect. Messages are bincode, bounded.

mod ask;
mod standing;
mod swarm;

pub(crate) use ask::{Answer, Ask, Asked, Question, Stream};
pub use standing::Standing;
pub(crate) use standing::{Asker, SignedAsker, standing_bytes};
pub use swarm::{Gossip, GossipConfig, Received, start};

use crate::checkpoints::Cosignature;
use crate::codec::{self, CodecError};
use bincode::{Decode, Encode};
use liuhen_proto::header::note::Line;
use liuhen_proto::suite::{
    hash::line,
    sign::{PrivateKey, PublicKey},
};
use liuhen_proto::types::{ChainId, Height};

/// Bytes of a message at most.
pub(crate) const MESSAGE_BYTES: usize = 1 << 20;

/// What nodes say on this swarm.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Message {
    /// Transactions, as their signers' bytes.
    Transactions(Vec<Vec<u8>>),
    /// A height is open: whoever holds below it goes on.
    Wake { height: u64, key: [u8; 32], signature: Vec<u8> },
    /// Somebody cosigned a checkpoint: headers, root, and the line's name, key hash and signature.
    Cosignature { size: u64, root: [u8; 32], name: String, key_hash: [u8; 4], signature: Vec<u8> },
}

impl Message {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, CodecError> {
        codec::encode(self)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        if bytes.len() > MESSAGE_BYTES {
            return Err(CodecError::Content(format!("{} bytes", bytes.len())));
        }
        codec::decode(bytes)
    }

    /// A cosignature to tell.
    pub(crate) fn cosignature(given: &Cosignature) -> Self {
        let Line { name, key_hash, signature } = given.line.clone();
        Self::Cosignature {
            size: given.size,
            root: *given.root.as_bytes(),
            name,
            key_hash,
            signature,
        }
    }

    /// A validator's call to open a height.
    pub(crate) fn wake(chain: &ChainId, height: Height, key: &PrivateKey) -> Self {
        let signature = key.sign(&wake_bytes(chain, height)).to_vec();
        let public = key.public();
        // Of fixed width among nodes of one suite.
        let key = public.as_bytes().first_chunk().copied().unwrap_or_default();
        Self::Wake { height: height.get(), key, signature }
    }
}

/// `liuhen/wake/v1` + newline ‖ chain id ‖ height u64.
fn wake_bytes(chain: &ChainId, height: Height) -> Vec<u8> {
    [line::WAKE, chain.as_bytes(), &height.get().to_be_bytes()].concat()
}

/// The height of a call, if one of these keys signed it.
pub(crate) fn heard_wake(
    chain: &ChainId,
    height: u64,
    key: &[u8; 32],
    signature: &[u8],
    validators: &[PublicKey],
) -> Option<Height> {
    let key = validators.iter().find(|it| it.as_bytes() == key)?;
    let height = Height::new(height);
    let signature = signature.try_into().ok()?;
    key.verify(&wake_bytes(chain, height), &signature).then_some(height)
}

/// Decodes what a peer said, asked or answered and encodes it again, for fuzz targets.
#[doc(hidden)]
pub fn again(bytes: &[u8]) -> Option<Vec<u8>> {
    let message = Message::from_bytes(bytes).and_then(|message| message.to_bytes());
    let question = || codec::decode::<Question>(bytes).and_then(|it| codec::encode(&it));
    let answer = || codec::decode::<Answer>(bytes).and_then(|it| codec::encode(&it));
    message.or_else(|_| question()).or_else(|_| answer()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_validators_wake() {
        let (chain, height) = (ChainId::new([1; 32]), Height::new(9));
        let key = PrivateKey::from_seed(&[2; 32]);
        let message = Message::wake(&chain, height, &key);
        let message = Message::from_bytes(&message.to_bytes().unwrap()).unwrap();
        let Message::Wake { height: said, key: who, signature } = message else { panic!() };
        let all = [key.public()];
        assert_eq!(heard_wake(&chain, said, &who, &signature, &all), Some(height));
        assert_eq!(heard_wake(&chain, said + 1, &who, &signature, &all), None);
        assert_eq!(heard_wake(&chain, said, &who, &signature, &[]), None);
        assert_eq!(heard_wake(&ChainId::ZERO, said, &who, &signature, &all), None);
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(Message::from_bytes(&[]).is_err());
        assert!(Message::from_bytes(&[9; 40]).is_err());
        assert!(Message::from_bytes(&vec![0; MESSAGE_BYTES + 1]).is_err());
    }
}
