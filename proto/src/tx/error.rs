//! Why bytes are not a transaction.

use crate::canonical::CanonicalError;
use crate::items::ItemError;
use crate::types::limits;

/// Why bytes are not a transaction; says which item where one is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TxError {
    /// The encoding.
    #[error(transparent)]
    Encoding(#[from] CanonicalError),
    /// The header.
    #[error("transaction header: {0}")]
    Header(&'static str),
    /// The signature has another length.
    #[error("a signature has 64 bytes, this has {0}")]
    SignatureLength(usize),
    /// The count of items.
    #[error("the header states {stated} items, the transaction has {found}")]
    ItemCount {
        /// In the header.
        stated: u32,
        /// In the transaction.
        found: usize,
    },
    /// Too many.
    #[error("{0} items; at most {limit} are taken", limit = limits::TRANSACTION_ITEMS)]
    TooManyItems(usize),
    /// The items are not those that were signed.
    #[error("the items are not those of the signed items root")]
    ItemsRoot,
    /// An item.
    #[error("item {item}: {why}")]
    Item {
        /// Its number, from 0.
        item: usize,
        /// What is wrong.
        why: ItemError,
    },
}
