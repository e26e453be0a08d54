//! A block as it is streamed, stored and synced.

use crate::codec::{self, CodecError};
use bincode::{Decode, Encode};
use liuhen_proto::header::{block::Header, certificate};
use liuhen_proto::types::limits;
use liuhen_proto::wire;

/// What validators vote on, by the id of its header.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Block {
    /// 288 bytes.
    pub header: Vec<u8>,
    /// Canonical certificate of the block before; empty in block 1.
    pub last_certificate: Vec<u8>,
    /// Canonical transactions.
    pub transactions: Vec<Vec<u8>>,
}

impl Block {
    /// From the bytes of a stream or of sync.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        let block: Self = codec::decode(bytes)?;
        let size: usize = block.transactions.iter().map(Vec::len).sum();
        if size > limits::BLOCK_BYTES {
            return Err(CodecError::Content(format!("{size} bytes of transactions")));
        }
        Ok(block)
    }

    /// Its header.
    pub fn header(&self) -> Result<Header, CodecError> {
        Header::from_bytes(&self.header).map_err(|e| CodecError::Content(e.to_string()))
    }

    /// The certificate that it carries.
    pub fn last_certificate(&self) -> Result<Option<wire::Certificate>, CodecError> {
        if self.last_certificate.is_empty() {
            return Ok(None);
        }
        let decoded = certificate::decode(&self.last_certificate);
        decoded.map(Some).map_err(|e| CodecError::Content(e.to_string()))
    }
}

/// A block of the log.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct StoredBlock {
    /// The block.
    pub block: Block,
    /// Its own certificate, as this node saw it.
    pub certificate: Vec<u8>,
    /// What the rules made of each event, so that it need not be computed again to be shown.
    pub outcomes: Vec<u16>,
    /// The bytes of the events that the rules made, in order.
    pub ledger_events: Vec<Vec<u8>>,
    /// Their places among the events of the block.
    pub ledger_places: Vec<u32>,
    /// A canonical validator set, where the block's header names other validators for the next
    /// block than its own; else empty.
    pub next_validators: Vec<u8>,
}
