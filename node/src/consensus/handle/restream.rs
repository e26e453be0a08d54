//! A block is proposed again in a later round: its first stream is sent again, with its first
//! proposer's signature, which nobody else can make.

use crate::consensus::adapter::Adapter;
use crate::consensus::types::{Address, Height};
use bytes::Bytes;
use liuhen_proto::suite::sign::Signature;
use liuhen_proto::types::BlockId;
use malachitebft_app_channel::app::types::core::Round;

pub(in crate::consensus) async fn handle(
    adapter: &mut Adapter,
    height: Height,
    round: Round,
    id: BlockId,
) -> anyhow::Result<()> {
    let Some(block) = adapter.parts.undecided.get(&id).cloned() else {
        tracing::warn!(%height, ?round, block = %id, "asked to stream a block that is not here");
        return Ok(());
    };
    // What came by sync is decided: whoever lacks it gets it by sync too.
    let Some(signature) = block.signature.map(Signature::new) else { return Ok(()) };
    let (first_round, proposer) = (Round::new(block.round), Address(block.proposer()));
    let bytes = Bytes::copy_from_slice(&block.block);
    adapter.publish(height, first_round, proposer, &bytes, signature).await
}
