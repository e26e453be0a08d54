//! Blocks that say what is not so. The liar keeps, signs and votes for them as for any that it builds.

use crate::Lie;
use liuhen_node::app::{Built, CLOCK_DRIFT_MS, Chain};
use liuhen_node::consensus::Conduct;
use liuhen_node::store::StoreError;
use liuhen_proto::header::{block::Header, certificate};
use liuhen_proto::tx::Tx;
use liuhen_proto::types::{Hash, KeyId, TimeMs};
use prost::Message;
use std::sync::Arc;

/// See [`Lie::WrongRoots`].
pub struct WrongRoots;

impl Conduct for WrongRoots {
    fn propose(
        &self,
        chain: &Chain,
        proposer: KeyId,
        now: TimeMs,
        transactions: Vec<Arc<Tx>>,
    ) -> Result<Built, StoreError> {
        let mut built = chain.propose(proposer, now, transactions)?;
        say(&mut built, |header| header.map_root = other(&header.map_root));
        Lie::WrongRoots.told(format_args!("height {}", built.candidate.header.height));
        Ok(built)
    }
}

/// See [`Lie::FalseTime`].
pub struct FalseTime;

impl Conduct for FalseTime {
    fn propose(
        &self,
        chain: &Chain,
        proposer: KeyId,
        now: TimeMs,
        transactions: Vec<Arc<Tx>>,
    ) -> Result<Built, StoreError> {
        // Nothing else is wrong with it: all that follows from time follows from this one.
        let built = chain.propose(proposer, now.plus(2 * CLOCK_DRIFT_MS), transactions)?;
        Lie::FalseTime.told(format_args!("height {}", built.candidate.header.height));
        Ok(built)
    }
}

/// See [`Lie::FalseCertificate`].
pub struct FalseCertificate;

impl Conduct for FalseCertificate {
    fn propose(
        &self,
        chain: &Chain,
        proposer: KeyId,
        now: TimeMs,
        transactions: Vec<Arc<Tx>>,
    ) -> Result<Built, StoreError> {
        let mut built = chain.propose(proposer, now, transactions)?;
        // Block 1 carries none.
        let Some(mut carried) = chain.last_certificate().cloned() else { return Ok(built) };
        if let Some(byte) = carried.signatures.first_mut().and_then(|it| it.signature.first_mut()) {
            *byte ^= 1;
        }
        built.candidate.block.last_certificate = carried.encode_to_vec();
        say(&mut built, |header| header.last_commit = certificate::commit_hash(Some(&carried)));
        Lie::FalseCertificate.told(format_args!("height {}", built.candidate.header.height));
        Ok(built)
    }
}

/// Changes the header of a block, and with it the block's id.
fn say(built: &mut Built, change: impl FnOnce(&mut Header)) {
    let candidate = &mut built.candidate;
    change(&mut candidate.header);
    candidate.block.header = candidate.header.to_bytes().to_vec();
    candidate.id = candidate.header.block_id();
}

fn other(hash: &Hash) -> Hash {
    Hash::new(hash.as_bytes().map(|byte| !byte))
}
