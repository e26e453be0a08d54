//! What a leaf stands for.

use super::ledger::LedgerEvent;
use crate::items::{self, Item};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::{Hash, IdentityId};
use crate::wire::RecordAccess;

/// What a leaf stands for.
#[derive(Debug, Clone)]
pub enum Body {
    /// An item of a transaction.
    Signed {
        /// Who signed it, and when by what they had seen.
        header: Box<TxHeader>,
        /// What was signed.
        item: Box<Item>,
    },
    /// An event that the ledger's rules made.
    Ledger(Box<LedgerEvent>),
}

impl Body {
    /// `H_item` or `H_ledger` of its bytes: what its leaf must name.
    pub fn digest(&self) -> Hash {
        match self {
            Self::Signed { item, .. } => *item.digest(),
            Self::Ledger(event) => event.digest(),
        }
    }

    /// The name of its kind, as commands and JSON show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Signed { item, .. } => items::kind_name(item.kind()),
            Self::Ledger(event) => event.name(),
        }
    }

    /// Which department signed; `None` for the ledger.
    pub fn department(&self) -> Option<&str> {
        match self {
            Self::Signed { header, .. } => Some(&header.department),
            Self::Ledger(_) => None,
        }
    }

    /// Which identity signed; `None` for the ledger.
    pub fn identity(&self) -> Option<IdentityId> {
        match self {
            Self::Signed { header, .. } => Some(header.identity),
            Self::Ledger(_) => None,
        }
    }

    /// Its trails, each once; `number` is its place among the items of its transaction.
    pub fn trails(&self, number: u32) -> Vec<Place> {
        match self {
            Self::Signed { header, item } => items::trails(header, number, item),
            Self::Ledger(event) => event.trails(),
        }
    }

    /// The access record, if it is one.
    pub fn record(&self) -> Option<&RecordAccess> {
        match self {
            Self::Signed { item, .. } => item.record(),
            Self::Ledger(_) => None,
        }
    }
}
