//! A block that could be decided: what it holds and what it would make of the ledger. It is an
//! overlay; nothing is changed until it is committed.

use crate::store::Block;
use liuhen_proto::header::{block::Header, validators::ValidatorSet};
use liuhen_proto::ledger::{Delta, seal::Sealed};
use liuhen_proto::tx::Tx;
use liuhen_proto::types::BlockId;
use std::sync::Arc;

/// A block with its effects.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The id of its header.
    pub id: BlockId,
    /// Its header.
    pub header: Header,
    /// What is stored and streamed.
    pub block: Block,
    /// Its transactions.
    pub transactions: Vec<Arc<Tx>>,
    /// What it changes.
    pub delta: Delta,
    /// The trees after it.
    pub sealed: Sealed,
    /// Who signs the block behind it.
    pub next_validators: ValidatorSet,
}
