//! Ids made from the event that makes the thing.

use super::{Hash, IdentityId, KeyId, ProposalId, RequestId};
use crate::suite::hash::{self, Domain};

/// What an id made from an event names; the byte goes into the hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum IdKind {
    /// A request for access.
    Request = 1,
    /// An identity.
    Identity = 2,
    /// A proposal.
    Proposal = 3,
    /// A case.
    Case = 4,
    /// A data product.
    Product = 5,
    /// A correction of records.
    Correction = 6,
    /// A decision on sealing.
    SealingOrder = 7,
}

/// `H_id(kind u8 ‖ key id ‖ u64 number of the event that made it)`.
pub fn numbered_id(kind: IdKind, key: &KeyId, number: u64) -> Hash {
    hash::hash(Domain::Id, &[&[kind as u8], key.as_bytes(), &number.to_be_bytes()])
}

/// The id of a founding identity: that of its first key, and a number that no event has.
pub fn identity_id(first_key: &KeyId) -> IdentityId {
    IdentityId::new(*numbered_id(IdKind::Identity, first_key, u64::MAX).as_bytes())
}

impl IdentityId {
    /// The id of an identity that the event (key, number) registers.
    pub fn of_event(key: &KeyId, number: u64) -> Self {
        Self::new(*numbered_id(IdKind::Identity, key, number).as_bytes())
    }
}

impl ProposalId {
    /// The id of the proposal made by the event (key, number).
    pub fn of_event(key: &KeyId, number: u64) -> Self {
        Self::new(*numbered_id(IdKind::Proposal, key, number).as_bytes())
    }
}

impl RequestId {
    /// The id of the request made by the event (key, number).
    pub fn of_event(key: &KeyId, number: u64) -> Self {
        Self::new(*numbered_id(IdKind::Request, key, number).as_bytes())
    }
}
