//! A round begins: the engine is given every block held for the height, of whichever round, for it
//! pairs them with proposals by id alone.

use crate::consensus::adapter::Adapter;
use crate::consensus::handle::received_part::judge;
use crate::consensus::types::Ctx;
use crate::consensus::types::{Address, Height, Value};
use malachitebft_app_channel::Reply;
use malachitebft_app_channel::app::consensus::ProposedValue;
use malachitebft_app_channel::app::types::core::{Round, Validity};
use std::time::Instant;

pub(in crate::consensus) fn handle(
    adapter: &mut Adapter,
    height: Height,
    round: Round,
    reply: Reply<Vec<ProposedValue<Ctx>>>,
) -> anyhow::Result<()> {
    adapter.round = round;
    adapter.parts.exchange.open(liuhen_proto::types::Height::new(height.0), round);
    adapter.parts.opened.send_if_modified(|since| {
        let begins = since.is_none();
        since.get_or_insert_with(Instant::now);
        begins
    });
    let next = liuhen_proto::types::Height::new(height.0);
    // Only now is the last decided block not asked for any more: until its own log is at this height, the
    // engine decides that block again after a restart, and the block log may have lost its last entry.
    tokio::task::block_in_place(|| adapter.parts.undecided.forget_below(next))?;
    let early = std::mem::take(&mut adapter.early);
    let (now, later) = early.into_iter().partition(|stream| stream.height == height);
    adapter.early = later;
    for stream in now {
        judge(adapter, &stream)?;
    }
    let values = adapter.parts.undecided.of(next).map(|block| ProposedValue {
        height,
        round: Round::new(block.round),
        valid_round: Round::Nil,
        proposer: Address(block.proposer()),
        value: Value(block.id()),
        validity: Validity::from_bool(block.valid),
    });
    let _ = reply.send(values.collect());
    Ok(())
}
