//! One item: bytes that the signer chose, and what they say.

use crate::canonical;
use crate::items::error::ItemError;
use crate::items::table;
use crate::suite::hash::{self, Domain};
use crate::types::{Hash, limits};
use crate::wire::{self, item::Kind};
use prost::Message;

/// `H_item(item bytes)`.
pub fn item_digest(item: &[u8]) -> Hash {
    hash::hash(Domain::Item, &[item])
}

/// An item that passed every check that needs no ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    bytes: Vec<u8>,
    digest: Hash,
    nonce: [u8; 16],
    kind: Kind,
}

impl Item {
    /// From canonical bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, ItemError> {
        let wire: wire::Item = canonical::decode("item", bytes, limits::ITEM_BYTES)?;
        let wrong = |_| ItemError::Field { field: "nonce", why: "16 bytes are needed".into() };
        let nonce = wire.nonce.as_slice().try_into().map_err(wrong)?;
        let kind = wire
            .kind
            .ok_or(ItemError::Field { field: "kind", why: "the item says nothing".into() })?;
        table::check(&kind)?;
        Ok(Self { bytes: bytes.to_vec(), digest: item_digest(bytes), nonce, kind })
    }

    /// Encodes and checks an item of one's own.
    pub fn new(nonce: [u8; 16], kind: Kind) -> Result<Self, ItemError> {
        let wire = wire::Item { nonce: nonce.to_vec(), kind: Some(kind) };
        Self::parse(&wire.encode_to_vec())
    }

    /// The signer's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// `H_item` of the bytes.
    pub fn digest(&self) -> &Hash {
        &self.digest
    }

    /// Its nonce.
    pub fn nonce(&self) -> [u8; 16] {
        self.nonce
    }

    /// The access record, if it is one.
    pub fn record(&self) -> Option<&wire::RecordAccess> {
        if let Kind::RecordAccess(it) = &self.kind { Some(it) } else { None }
    }

    /// Bytes of memory that it holds, about: itself, the signer's bytes, and lists and strings, which take three times their encoding
    /// at most where names are as long as [`table::check`] wants them.
    pub fn held(&self) -> usize {
        size_of::<Self>().saturating_add(self.bytes.len().saturating_mul(4))
    }

    /// What it says.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }
}
