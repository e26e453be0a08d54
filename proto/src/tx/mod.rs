//! Transactions: signed lists of items.
//!
//! [`Tx::parse`] is the only way from bytes to a transaction, and makes every check that needs no
//! ledger: encoding, sizes, ids, roots. The signature is judged apart, in batches.

mod error;
mod header;

pub use error::TxError;
pub use header::TxHeader;

use crate::canonical;
use crate::items::Item;
use crate::merkle::{Blake3Log, MemoryLog, log};
use crate::suite::{
    hash::{self, Domain, line},
    sign::{PrivateKey, PublicKey, Signature, Signed},
};
use crate::types::{BlockId, ChainId, Height, IdentityId, TimeMs, TxId, limits};
use crate::wire;
use prost::Message;

/// What is signed for these header bytes: the line `liuhen/tx/v1`, then the header.
pub fn signed_message(header: &[u8]) -> Vec<u8> {
    [line::TX, header].concat()
}

/// `H_tx(len u32 ‖ header ‖ signature)`.
pub fn tx_id(header: &[u8], signature: &Signature) -> TxId {
    let length = u32::try_from(header.len()).unwrap_or(u32::MAX).to_be_bytes();
    TxId::new(*hash::hash(Domain::Tx, &[&length, header, signature.as_bytes()]).as_bytes())
}

/// A well-formed transaction whose items are those that its header commits to.
#[derive(Debug, Clone, PartialEq)]
pub struct Tx {
    raw: Vec<u8>,
    id: TxId,
    header: TxHeader,
    header_bytes: Vec<u8>,
    items: Vec<Item>,
    signature: Signature,
    held: usize,
}

impl Tx {
    /// From the bytes that are sent. Everything but the signature and the ledger is checked.
    pub fn parse(bytes: &[u8]) -> Result<Self, TxError> {
        let wire: wire::Transaction =
            canonical::decode("transaction", bytes, limits::TRANSACTION_BYTES)?;
        let found = wire.items.len();
        if found > limits::TRANSACTION_ITEMS {
            return Err(TxError::TooManyItems(found));
        }
        let header = TxHeader::parse(&wire.header)?;
        if u32::try_from(found) != Ok(header.item_count) {
            return Err(TxError::ItemCount { stated: header.item_count, found });
        }
        let signature = Signature::from_slice(&wire.signature)
            .map_err(|_| TxError::SignatureLength(wire.signature.len()))?;
        let mut items = Vec::with_capacity(found);
        for (item, bytes) in wire.items.iter().enumerate() {
            items.push(Item::parse(bytes).map_err(|why| TxError::Item { item, why })?);
        }
        if log::root::<Blake3Log>(items.iter().map(|it| *it.digest())) != header.items_root {
            return Err(TxError::ItemsRoot);
        }
        let id = tx_id(&wire.header, &signature);
        let own = size_of::<Self>().saturating_add(bytes.len().saturating_mul(2));
        let held = items.iter().map(Item::held).fold(own, usize::saturating_add);
        Ok(Self {
            raw: bytes.to_vec(),
            id,
            header,
            header_bytes: wire.header,
            items,
            signature,
            held,
        })
    }

    /// Bytes of memory that it holds, about: of small items several times what is sent.
    pub fn held(&self) -> usize {
        self.held
    }

    /// The bytes that are sent.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Its id.
    pub fn id(&self) -> TxId {
        self.id
    }

    /// The signed part.
    pub fn header(&self) -> &TxHeader {
        &self.header
    }

    /// The signer's bytes of the header.
    pub fn header_bytes(&self) -> &[u8] {
        &self.header_bytes
    }

    /// The items.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The signature.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The seq of the key's next transaction.
    pub fn next_seq(&self) -> u64 {
        self.header.number(self.header.item_count)
    }

    /// What was signed, to be judged with others in a batch.
    pub fn message(&self) -> Vec<u8> {
        signed_message(&self.header_bytes)
    }

    /// Whether it was signed with this key.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        key.key_id() == self.header.key && key.verify(&self.message(), &self.signature)
    }

    /// The log over its items' digests, to prove one of them.
    pub fn items_log(&self) -> MemoryLog<Blake3Log> {
        self.items.iter().map(|it| *it.digest()).collect()
    }
}

/// Judges the signatures of transactions; `keys` gives each one's key, `message` as
/// [`Tx::message`] has it.
pub fn verify_many(transactions: &[(&Tx, PublicKey)]) -> Vec<bool> {
    let messages: Vec<Vec<u8>> = transactions.iter().map(|(tx, _)| tx.message()).collect();
    let signed: Vec<Signed<'_>> = transactions
        .iter()
        .zip(&messages)
        .map(|((tx, key), message)| Signed { key: *key, message, signature: *tx.signature() })
        .collect();
    crate::suite::sign::verify_many(&signed)
}

/// Who signs, and from where on the chain.
#[derive(Debug, Clone)]
pub struct Signer {
    /// The chain.
    pub chain: ChainId,
    /// The department of the key.
    pub department: String,
    /// The identity of the key.
    pub identity: IdentityId,
    /// The key.
    pub key: PrivateKey,
}

impl Signer {
    /// Signs items as one transaction. Errors as [`Tx::parse`] does.
    pub fn sign(
        &self,
        seq: u64,
        recent: (Height, BlockId),
        claimed_time: TimeMs,
        items: &[Item],
    ) -> Result<Tx, TxError> {
        let header = TxHeader {
            chain: self.chain,
            key: self.key.public().key_id(),
            seq,
            recent_height: recent.0,
            recent_block: recent.1,
            claimed_time,
            item_count: u32::try_from(items.len()).unwrap_or(u32::MAX),
            items_root: log::root::<Blake3Log>(items.iter().map(|it| *it.digest())),
            department: self.department.clone(),
            identity: self.identity,
        };
        let header = header.to_bytes();
        let signature = self.key.sign(&signed_message(&header)).to_vec();
        let items = items.iter().map(|it| it.bytes().to_vec()).collect();
        Tx::parse(&wire::Transaction { header, items, signature }.encode_to_vec())
    }
}

#[cfg(test)]
mod tests;
