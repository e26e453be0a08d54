//! The signed part of a transaction, and the names of what its items make.

use super::TxError;
use crate::canonical;
use crate::place::Place;
use crate::types::{
    BlockId, ChainId, Hash, Height, IdKind, IdentityId, KeyId, ProposalId, RequestId, TimeMs,
    limits, numbered_id,
};
use crate::wire;
use prost::Message;

/// The signed part of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxHeader {
    /// The chain it is for.
    pub chain: ChainId,
    /// The key that signed.
    pub key: KeyId,
    /// The number of its first event on the key's trail.
    pub seq: u64,
    /// A block that the signer had seen.
    pub recent_height: Height,
    /// That block's id.
    pub recent_block: BlockId,
    /// The signer's clock.
    pub claimed_time: TimeMs,
    /// How many items follow.
    pub item_count: u32,
    /// The root of their digests.
    pub items_root: Hash,
    /// The department of the key.
    pub department: String,
    /// The identity of the key.
    pub identity: IdentityId,
}

impl TxHeader {
    /// From canonical bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, TxError> {
        let wire: wire::TransactionHeader =
            canonical::decode("transaction header", bytes, limits::HEADER_BYTES)?;
        let bad = |what| move |_| TxError::Header(what);
        crate::types::check_code(&wire.department)
            .map_err(|_| TxError::Header("department is not a code"))?;
        if wire.item_count == 0 {
            return Err(TxError::Header("a transaction has at least one item"));
        }
        wire.seq
            .checked_add(u64::from(wire.item_count))
            .ok_or(TxError::Header("seq is beyond all numbers"))?;
        Ok(Self {
            chain: ChainId::from_slice(&wire.chain_id).map_err(bad("chain_id is not an id"))?,
            key: KeyId::from_slice(&wire.key_id).map_err(bad("key_id is not an id"))?,
            seq: wire.seq,
            recent_height: Height::new(wire.recent_height),
            recent_block: BlockId::from_slice(&wire.recent_block_id)
                .map_err(bad("recent_block_id is not an id"))?,
            claimed_time: TimeMs::new(wire.claimed_time_ms),
            item_count: wire.item_count,
            items_root: Hash::from_slice(&wire.items_root)
                .map_err(bad("items_root is not a hash"))?,
            department: wire.department,
            identity: IdentityId::from_slice(&wire.identity_id)
                .map_err(bad("identity_id is not an id"))?,
        })
    }

    /// Canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        wire::TransactionHeader {
            chain_id: self.chain.to_vec(),
            key_id: self.key.to_vec(),
            seq: self.seq,
            recent_height: self.recent_height.get(),
            recent_block_id: self.recent_block.to_vec(),
            claimed_time_ms: self.claimed_time.get(),
            item_count: self.item_count,
            items_root: self.items_root.to_vec(),
            department: self.department.clone(),
            identity_id: self.identity.to_vec(),
        }
        .encode_to_vec()
    }

    /// The places of the signer's key, identity and department.
    pub fn signer_places(&self) -> [Place; 3] {
        [
            Place::key(&self.key),
            Place::identity(&self.identity),
            Place::department(&self.department),
        ]
    }

    /// The number of the event that item `item` makes.
    pub fn number(&self, item: u32) -> u64 {
        self.seq.saturating_add(u64::from(item))
    }

    /// The id of the identity that item `item` registers, if it registers one.
    pub fn identity_id(&self, item: u32) -> IdentityId {
        IdentityId::of_event(&self.key, self.number(item))
    }

    /// The id of the proposal that item `item` makes, if it makes one.
    pub fn proposal_id(&self, item: u32) -> ProposalId {
        ProposalId::of_event(&self.key, self.number(item))
    }

    /// The id of what item `item` makes, if it makes something of this kind.
    pub fn made_id(&self, kind: IdKind, item: u32) -> Hash {
        numbered_id(kind, &self.key, self.number(item))
    }

    /// The id of the request that item `item` makes, if it makes one.
    pub fn request_id(&self, item: u32) -> RequestId {
        RequestId::of_event(&self.key, self.number(item))
    }
}
