//! How nodes stand: who asks, and what is answered, each signed by its node key.

use crate::codec;
use bincode::{Decode, Encode};
use liuhen_proto::suite::hash::line;
use liuhen_proto::suite::sign::PublicKey;
use liuhen_proto::types::ChainId;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Asker {
    /// Its node key.
    pub(crate) key: [u8; 32],
    /// Comes back.
    pub(crate) number: u64,
    /// When its process began, and when it asked, by its clock.
    pub(crate) began_ms: u64,
    pub(crate) at_ms: u64,
}

/// What an asker signed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct SignedAsker {
    pub(crate) asker: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl SignedAsker {
    /// Who asks, if its key signed it.
    pub(crate) fn read(&self, chain: &ChainId) -> Option<Asker> {
        let asker: Asker = codec::decode(&self.asker).ok()?;
        let key = PublicKey::from_slice(&asker.key).ok()?;
        let signature = self.signature.as_slice().try_into().ok()?;
        key.verify(&standing_bytes(chain, b"asks", &self.asker), &signature).then_some(asker)
    }
}

/// How a node stands, as it says.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Standing {
    /// Of the question.
    pub(crate) number: u64,
    pub(crate) height: u64,
    /// The header of that height and its certificate; empty at genesis.
    pub(crate) header: Vec<u8>,
    pub(crate) certificate: Vec<u8>,
    /// The last message of the key that was asked for, as the engine's codec has it.
    pub(crate) newest: Option<Vec<u8>>,
    /// What another process with the asker's key asked just now.
    pub(crate) beside: Option<SignedAsker>,
    pub(crate) now_ms: u64,
    pub(crate) votes: bool,
    /// Why it does not, and until which height.
    pub(crate) withheld: Option<(String, Option<u64>)>,
    pub(crate) version: String,
}

/// `liuhen/standing/v1` + newline ‖ chain id ‖ `asks` or `says` ‖ who asks, or how it stands.
pub(crate) fn standing_bytes(chain: &ChainId, does: &[u8; 4], what: &[u8]) -> Vec<u8> {
    [line::STANDING, chain.as_bytes(), does, what].concat()
}
