//! What must hold, judged apart from the nodes: by what they sent, what they have, and what clients were told.

use liuhen_node::app::Chain;
use liuhen_node::consensus::signing::author;
use liuhen_node::consensus::types::Ctx;
use liuhen_proto::header::block::Header;
use liuhen_proto::tx::Tx;
use liuhen_proto::types::{BlockId, Height, TxId};
use malachitebft_app_channel::app::consensus::SignedConsensusMsg;
use malachitebft_app_channel::app::types::core::{NilOrVal, VoteType};
use std::collections::BTreeMap;

/// Where somebody signs one message: the key, height, round, and what it is.
type Place = (Vec<u8>, u64, i64, u8);

/// What was seen so far.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    signed: BTreeMap<Place, Vec<u8>>,
    blocks: BTreeMap<Height, BlockId>,
    acknowledged: BTreeMap<TxId, Height>,
}

impl Checks {
    /// Somebody sent a vote or proposal.
    pub(crate) fn sent(&mut self, message: &SignedConsensusMsg<Ctx>) -> Result<(), String> {
        let (height, round, kind, value) = match message {
            SignedConsensusMsg::Proposal(it) => {
                (it.message.height, it.message.round, 0, it.message.value.0.as_bytes().to_vec())
            }
            SignedConsensusMsg::Vote(it) => {
                let value = match &it.message.value {
                    NilOrVal::Nil => Vec::new(),
                    NilOrVal::Val(id) => id.as_bytes().to_vec(),
                };
                let kind = if it.message.kind == VoteType::Prevote { 1 } else { 2 };
                (it.message.height, it.message.round, kind, value)
            }
        };
        let place = (author(message).0.as_bytes().to_vec(), height.0, round.as_i64(), kind);
        match self.signed.get(&place) {
            Some(before) if *before != value => Err(format!(
                "two messages of one key at height {height}, round {round}, kind {kind}: {} and {}",
                short(before),
                short(&value)
            )),
            Some(_) => Ok(()),
            None => {
                self.signed.insert(place, value);
                Ok(())
            }
        }
    }

    /// A node has a block at a height.
    pub(crate) fn has(&mut self, header: &Header) -> Result<(), String> {
        let id = header.block_id();
        let known = *self.blocks.entry(header.height).or_insert(id);
        match known == id {
            true => Ok(()),
            false => Err(format!("two blocks at height {}: {known} and {id}", header.height)),
        }
    }

    /// A client was told that a transaction is committed.
    pub(crate) fn acknowledged(&mut self, id: TxId, height: Height) {
        self.acknowledged.insert(id, height);
    }

    /// How many were.
    pub(crate) fn count(&self) -> usize {
        self.acknowledged.len()
    }

    /// At the end: a node's log holds each block of the chain, each acknowledged transaction once where it was said to be, and no
    /// transaction twice.
    pub(crate) fn log(&self, chain: &Chain) -> Result<(), String> {
        let mut found = BTreeMap::new();
        for height in 1..=chain.header().height.get() {
            let height = Height::new(height);
            let stored = chain.log().read(height).map_err(|e| e.to_string())?;
            let block = stored.ok_or_else(|| format!("block {height} is missing"))?.block;
            let header = block.header().map_err(|e| e.to_string())?;
            if self.blocks.get(&height).is_some_and(|it| *it != header.block_id()) {
                return Err(format!("block {height} is another"));
            }
            for bytes in &block.transactions {
                let id = Tx::parse(bytes).map_err(|e| e.to_string())?.id();
                if found.insert(id, height).is_some() {
                    return Err(format!("transaction {id} stands twice"));
                }
            }
        }
        for (id, height) in &self.acknowledged {
            if found.get(id) != Some(height) {
                return Err(format!(
                    "transaction {id}, acknowledged at height {height}, is at {:?}",
                    found.get(id)
                ));
            }
        }
        Ok(())
    }
}

fn short(bytes: &[u8]) -> String {
    if bytes.is_empty() { "nil".into() } else { hex::encode(&bytes[..bytes.len().min(4)]) }
}
