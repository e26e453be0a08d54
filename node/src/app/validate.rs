//! Judging a block that came from somebody else: the same `apply` over the same input, and the
//! headers compared.
//!
//! A block that does not fit is never called invalid to the engine, only ignored: bytes that do not
//! belong to an id say nothing of that id, and a certificate for a block called invalid would stop
//! this node for good. Nothing here depends on a clock, a pool or a setting, but for one check of a
//! proposal's time.

use super::{CLOCK_DRIFT_MS, Candidate, Chain};
use crate::store::Block;
use liuhen_proto::header::{block::Header, certificate};
use liuhen_proto::ledger::{Missing, apply};
use liuhen_proto::suite::sign::PublicKey;
use liuhen_proto::tx::{self, Tx};
use liuhen_proto::types::{Height, TimeMs, TxId};
use liuhen_proto::wire;
use std::sync::Arc;

/// What this node's clock says of a block's time.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// Proposed just now: it must be near.
    Live(TimeMs),
    /// Proposed again, or late: it may be old, but not ahead. That only loosens as time goes.
    Again(TimeMs),
    /// Decided, or on disk already: the clock has no say.
    Unasked,
}

/// Why bytes are not the next block.
#[derive(Debug, thiserror::Error)]
pub enum NotABlock {
    /// It is not for the next height.
    #[error("a block of height {found}, the next is {next}")]
    Height {
        /// Its height.
        found: Height,
        /// The next height.
        next: Height,
    },
    /// Its time is too far from this node's clock.
    #[error("block time {0} ms is too far from this node's clock")]
    Clock(TimeMs),
    /// It breaks a rule.
    #[error("{0}")]
    Wrong(String),
    /// This node can't tell.
    #[error("can't be judged here: {0}")]
    Unknown(String),
}

/// Gives a transaction of an id and these bytes whose signature was found good before.
pub type Known<'a> = &'a dyn Fn(&TxId, &[u8]) -> Option<Arc<Tx>>;

fn wrong(why: impl std::fmt::Display) -> NotABlock {
    NotABlock::Wrong(why.to_string())
}

impl Chain {
    /// Judges the bytes of a block for the next height. `known` gives a transaction whose
    /// signature was found good before.
    pub fn validate(
        &self,
        bytes: &[u8],
        known: Known<'_>,
        clock: Clock,
    ) -> Result<Candidate, NotABlock> {
        let block = Block::from_bytes(bytes).map_err(wrong)?;
        let header = block.header().map_err(wrong)?;
        let next = self.next_height();
        if header.height != next {
            return Err(NotABlock::Height { found: header.height, next });
        }
        match self.unknown_protocol() {
            Ok(None) => {}
            Ok(Some(protocol)) => {
                return Err(NotABlock::Unknown(format!("it follows protocol {protocol}")));
            }
            Err(error) => return Err(NotABlock::Unknown(error.to_string())),
        }
        self.check_header(&header, clock)?;
        let last_certificate = self.check_certificate(&block)?;
        let transactions = self.check_transactions(&block, known)?;
        let context = self.context(header.time, last_certificate.as_ref());
        let all = transactions.iter().map(Arc::as_ref);
        let delta = apply(&self.index, context, self.founding.chain(), all)
            .map_err(|(number, why)| wrong(format!("transaction {number}: {why}")))?;
        let candidate = self
            .sealed(header.proposer, header.time, last_certificate.as_ref(), transactions, delta)
            .map_err(|e| NotABlock::Unknown(e.to_string()))?;
        if candidate.header != header {
            return Err(wrong("the header is not what its transactions make"));
        }
        Ok(candidate)
    }

    fn check_header(&self, header: &Header, clock: Clock) -> Result<(), NotABlock> {
        if self.validators().get(&header.proposer).is_none() {
            return Err(wrong("its proposer is no validator"));
        }
        if header.time <= self.parent.header.time {
            return Err(wrong("its time is not after the block before"));
        }
        // A parent ahead of this clock can't be helped: time never goes back.
        let pushed = header.time == self.parent.header.time.plus(1);
        let (ahead, behind) = match clock {
            Clock::Live(now) => (header.time.since(now), now.since(header.time)),
            Clock::Again(now) => (header.time.since(now), 0),
            Clock::Unasked => (0, 0),
        };
        let apart = ahead.max(behind);
        if apart > CLOCK_DRIFT_MS && !pushed { Err(NotABlock::Clock(header.time)) } else { Ok(()) }
    }

    /// The certificate that the block carries must be one of the block before.
    fn check_certificate(&self, block: &Block) -> Result<Option<wire::Certificate>, NotABlock> {
        let parent = &self.parent.header;
        let carried = block.last_certificate().map_err(wrong)?;
        match (&carried, parent.height) {
            (None, Height::GENESIS) => {}
            (Some(carried), height) if height != Height::GENESIS => {
                let (chain, id) = (self.founding.chain(), parent.block_id());
                certificate::verify(carried, &chain, height, &id, &self.signed_by)
                    .map_err(wrong)?;
            }
            _ => {
                return Err(wrong("a certificate where none belongs, or none where one does"));
            }
        }
        Ok(carried)
    }

    /// Parses the transactions; those not known are judged in one batch.
    fn check_transactions(
        &self,
        block: &Block,
        known: Known<'_>,
    ) -> Result<Vec<Arc<Tx>>, NotABlock> {
        let mut transactions = Vec::with_capacity(block.transactions.len());
        let mut unknown: Vec<(Arc<Tx>, PublicKey)> = Vec::new();
        for bytes in &block.transactions {
            let tx = match peek_id(bytes).and_then(|id| known(&id, bytes)) {
                Some(tx) => tx,
                None => {
                    let tx = Arc::new(Tx::parse(bytes).map_err(wrong)?);
                    let missing = |e: Missing| NotABlock::Unknown(e.to_string());
                    let key = self.public_key(&tx.header().key).map_err(missing)?;
                    let key = key.ok_or_else(|| wrong("a transaction of an unknown key"))?;
                    unknown.push((Arc::clone(&tx), key));
                    tx
                }
            };
            transactions.push(tx);
        }
        let unknown: Vec<(&Tx, PublicKey)> =
            unknown.iter().map(|(tx, key)| (tx.as_ref(), *key)).collect();
        if tx::verify_many(&unknown).contains(&false) {
            return Err(wrong("a signature does not verify"));
        }
        Ok(transactions)
    }
}

/// The id of a transaction by its outer message alone.
fn peek_id(bytes: &[u8]) -> Option<TxId> {
    let wire: wire::Transaction = prost::Message::decode(bytes).ok()?;
    Some(tx::tx_id(&wire.header, &wire.signature.as_slice().try_into().ok()?))
}
