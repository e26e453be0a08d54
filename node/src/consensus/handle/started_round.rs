//! A round begins: the engine is given every block held for the height, of whichever round, for it
//! pairs them with proposals by id alone.

use crate::consensus::adapter::{Adapter, Ctx};
use crate::consensus::handle::received_part::judge;
use crate::consensus::types::{Address, Height, Value};
use malachitebft_app_channel::Reply;
use malachitebft_app_channel::app::consensus::ProposedValue;
use malachitebft_app_channel::app::types::core::{Round, Validity};

pub(in crate::consensus) fn handle(
    adapter: &mut Adapter,
    height: Height,
    round: Round,
    reply: Reply<Vec<ProposedValue<Ctx>>>,
) -> anyhow::Result<()> {
    adapter.round = round;
    let early = std::mem::take(&mut adapter.early);
    let (now, later) = early.into_iter().partition(|stream| stream.height == height);
    adapter.early = later;
    for stream in now {
        judge(adapter, &stream)?;
    }
    let next = liuhen_proto::types::Height::new(height.0);
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
