//! This node's turn: it builds a block, keeps it, answers, and streams it. Asked again for the same
//! height and round, also after a restart, it gives the same block.

use crate::app::Built;
use crate::clock;
use crate::codec;
use crate::consensus::adapter::{Adapter, keep_stream};
use crate::consensus::types::Ctx;
use crate::consensus::types::{Height, Value};
use crate::store::undecided::Undecided;
use anyhow::Context as _;
use bytes::Bytes;
use liuhen_proto::suite::sign::Signature;
use liuhen_proto::types::limits;
use malachitebft_app_channel::Reply;
use malachitebft_app_channel::app::consensus::LocallyProposedValue;
use malachitebft_app_channel::app::types::core::Round;
use std::sync::Arc;

/// Bytes of transactions in a block: under load large blocks carry more, and stay quick to stream.
const BLOCK_BYTES: usize = limits::BLOCK_BYTES / 2;

pub(in crate::consensus) async fn handle(
    adapter: &mut Adapter,
    height: Height,
    round: Round,
    reply: Reply<LocallyProposedValue<Ctx>>,
) -> anyhow::Result<()> {
    let round_number = round.as_u32().context("asked for a block in no round")?;
    let proto_height = liuhen_proto::types::Height::new(height.0);
    let me = adapter.address.0;
    let proposed = adapter.parts.undecided.proposed(proto_height, round_number, &me).cloned();
    let block = match proposed {
        Some(block) => block,
        None => tokio::task::block_in_place(|| build(adapter, height, round))?,
    };
    let _ = reply.send(LocallyProposedValue::new(height, round, Value(block.id())));
    let bytes = Bytes::copy_from_slice(&block.block);
    // What this node proposed before it lost its data came back by sync, without the stream. It is the
    // same proposal when it is signed again; another block would be a second one.
    let kept = block.signature.map(Signature::new);
    let signature = kept.unwrap_or_else(|| adapter.sign_stream(height, round, &bytes));
    adapter.publish(height, round, adapter.address, &bytes, signature).await
}

fn build(adapter: &mut Adapter, height: Height, round: Round) -> anyhow::Result<Arc<Undecided>> {
    let transactions = adapter.parts.mempool.ready(BLOCK_BYTES, limits::BLOCK_EVENTS);
    let me = adapter.address.0;
    let Built { candidate, refused, left_out } = {
        let chain = adapter.chain();
        anyhow::ensure!(chain.next_height().get() == height.0, "asked for height {height}");
        adapter.parts.conduct.propose(&chain, me, clock::now(), transactions)?
    };
    for (tx, why) in refused {
        adapter.parts.mempool.refuse(&tx, &why);
    }
    if let Some(key) = left_out {
        adapter.parts.mempool.begin_with(key);
    }
    let bytes = codec::encode(&candidate.block)?;
    let signature = Some(*adapter.sign_stream(height, round, &bytes).as_bytes());
    let (at, id) = (candidate.header.height, candidate.id);
    let round = round.as_u32().unwrap_or(0);
    let block = Undecided::new(at, round, me, id, true, bytes, signature);
    let block = adapter.parts.undecided.keep(block)?;
    keep_stream(&adapter.parts, &block);
    adapter.candidates.insert(id, Arc::new(candidate));
    Ok(block)
}
